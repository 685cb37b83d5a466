//! What an agreement as a whole refuses.

use crate::refusal::{Culprit, Row, Words};

/// `no-agreement`
pub const NO_AGREEMENT: Row = Row {
    code: "no-agreement",
    clause: "Interaction 16",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Екі жүйенің арасында ақпаратты беру және оған қол жеткізу ережесі жоқ. Иеленушілер ережені жасап, уәкілетті органмен келісуі керек.",
        ru: "Между двумя системами нет правил передачи информации и доступа к ней. Владельцам следует составить правила и согласовать их с уполномоченным органом.",
        en: "There is no agreement between the two systems. Their holders must draw one up and have the regulator concur in it.",
    },
};

/// `agreement-not-concurred`
pub const AGREEMENT_NOT_CONCURRED: Row = Row {
    code: "agreement-not-concurred",
    clause: "Interaction 18",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Уәкілетті орган ережені әлі келіскен жоқ. Келісу аяқталғанын күтіңіз.",
        ru: "Уполномоченный орган ещё не согласовал правила. Дождитесь согласования.",
        en: "The regulator has not concurred in the agreement yet. Wait for the concurrence.",
    },
};

/// `agreement-unproven`
pub const AGREEMENT_UNPROVEN: Row = Row {
    code: "agreement-unproven",
    clause: "Interaction 10; Portal 64-65",
    status: 403,
    culprit: Culprit::Us,
    words: Words {
        kk: "Ереженің қолтаңбаларын шлюз тексере алмады. Шлюз операторына хабарлаңыз.",
        ru: "Шлюз не смог подтвердить подписи под правилами. Сообщите оператору шлюза.",
        en: "The gateway could not verify the signatures under the agreement. Tell the gateway's operator.",
    },
};

/// `agreement-suspended`
pub const AGREEMENT_SUSPENDED: Row = Row {
    code: "agreement-suspended",
    clause: "Interaction 16-18",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереженің қолданылуы тоқтатыла тұрған. Себебін уәкілетті органнан немесе екінші иеленушіден біліңіз.",
        ru: "Действие правил приостановлено. Узнайте причину у уполномоченного органа или второго владельца.",
        en: "The agreement is suspended. Ask the regulator or the other holder for the reason.",
    },
};

/// `agreement-terminated`
pub const AGREEMENT_TERMINATED: Row = Row {
    code: "agreement-terminated",
    clause: "Interaction 16-18",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереженің қолданылуы тоқтатылған. Жаңа ереже жасаңыз.",
        ru: "Действие правил прекращено. Составьте новые правила.",
        en: "The agreement is terminated. Draw up a new one.",
    },
};

/// `agreement-not-yet-in-force`
pub const AGREEMENT_NOT_YET_IN_FORCE: Row = Row {
    code: "agreement-not-yet-in-force",
    clause: "Interaction 17.2",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Қол жеткізу кезеңі әлі басталған жоқ. Ережеде көрсетілген күнді күтіңіз.",
        ru: "Период доступа ещё не начался. Дождитесь указанной в правилах даты.",
        en: "The access period has not begun. Wait for the date in the agreement.",
    },
};

/// `agreement-expired`
pub const AGREEMENT_EXPIRED: Row = Row {
    code: "agreement-expired",
    clause: "Interaction 17.2",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Қол жеткізу кезеңі аяқталған. Ереженің жаңа нұсқасын келісіңіз.",
        ru: "Период доступа истёк. Согласуйте новую версию правил.",
        en: "The access period is over. Have a new version of the agreement concurred in.",
    },
};

/// `outside-access-hours`
pub const OUTSIDE_ACCESS_HOURS: Row = Row {
    code: "outside-access-hours",
    clause: "Interaction 17.2",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереже бұл күні немесе бұл сағатта қол жеткізуге рұқсат бермейді. Ережеде көрсетілген уақытта қайталаңыз.",
        ru: "Правила не допускают доступа в этот день или час. Повторите запрос в указанное в правилах время.",
        en: "The agreement does not allow access on this day or at this hour. Ask again at a time that it names.",
    },
};
