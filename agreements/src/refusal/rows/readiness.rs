//! What refuses where the two-sided readiness check does not hold (B5).

use crate::refusal::{Culprit, Row, Words};

/// `readiness-missing`
pub const READINESS_MISSING: Row = Row {
    code: "readiness-missing",
    clause: "HR 26.6, 28.1",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереже бойынша екі жүйенің дайындығы әлі тексерілмеген. Ақпарат берілгенге дейін шлюз операторынан дайындықты тексеруді сұраңыз.",
        ru: "Готовность двух систем к обмену по правилам ещё не проверена. Попросите оператора шлюза провести проверку готовности до передачи информации.",
        en: "The readiness of the two systems under the agreement was never checked. Ask the operator of the gateway to check it before transfer.",
    },
};

/// `readiness-failed`
pub const READINESS_FAILED: Row = Row {
    code: "readiness-failed",
    clause: "HR 26.6, 28.1",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереже бойынша дайындықты соңғы тексеру сәтсіз аяқталды. Табылған кемшілікті жойып, тексеруді қайталаңыз.",
        ru: "Последняя проверка готовности по правилам не пройдена. Устраните найденное и повторите проверку.",
        en: "The newest readiness check under the agreement failed. Remove what it found and have it repeated.",
    },
};

/// `readiness-outdated`
pub const READINESS_OUTDATED: Row = Row {
    code: "readiness-outdated",
    clause: "HR 26.6, 28.1",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Дайындықты тексергеннен кейін жүйелердің бірі өзгерді. Тексеруді қайталауды сұраңыз.",
        ru: "После проверки готовности одна из систем изменилась. Попросите повторить проверку.",
        en: "One of the two systems changed after the readiness check. Have the check repeated.",
    },
};

/// `readiness-stale`
pub const READINESS_STALE: Row = Row {
    code: "readiness-stale",
    clause: "HR 26.6, 28.1",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Дайындықты соңғы тексеру ережеде белгіленген мерзімнен ескі. Тексеруді қайталауды сұраңыз.",
        ru: "Последняя проверка готовности старше срока, названного в правилах. Попросите повторить проверку.",
        en: "The newest readiness check is older than the agreement allows. Have the check repeated.",
    },
};
