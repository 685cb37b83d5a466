//! What the regulator's prescriptions refuse.

use crate::refusal::{Culprit, Row, Words};

/// `prescription-suspends`
pub const PRESCRIPTION_SUSPENDS: Row = Row {
    code: "prescription-suspends",
    clause: "Law 6.2; HR 27-29",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Уәкілетті органның нұсқамасы жүйенің немесе ереженің жұмысын тоқтатты. Нұсқамада себебі мен шағымдану тәртібі көрсетілген.",
        ru: "Предписание уполномоченного органа приостановило работу системы или правил. Причина и порядок обжалования указаны в предписании.",
        en: "A prescription of the regulator stops a system or the agreement. It states the reason and how to appeal.",
    },
};

/// `prescription-overdue`
pub const PRESCRIPTION_OVERDUE: Row = Row {
    code: "prescription-overdue",
    clause: "Law 6.2; HR 27-29",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Уәкілетті органның нұсқамасын орындау мерзімі өтті. Нұсқаманы орындап, оны алып тастауды сұраңыз.",
        ru: "Срок исполнения предписания уполномоченного органа истёк. Исполните предписание и попросите его снять.",
        en: "What a prescription of the regulator asks for was not done in time. Do it, and ask for the prescription to be lifted.",
    },
};

/// `prescription-limits`
pub const PRESCRIPTION_LIMITS: Row = Row {
    code: "prescription-limits",
    clause: "Law 6.2; HR 27-29",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Уәкілетті органның нұсқамасы бойынша бұл операцияға уақытша жол жоқ. Нұсқамада рұқсат етілген операциялар аталған.",
        ru: "По предписанию уполномоченного органа эта операция временно недоступна. Разрешённые операции названы в предписании.",
        en: "A prescription of the regulator leaves out this operation for now. It names those that pass.",
    },
};
