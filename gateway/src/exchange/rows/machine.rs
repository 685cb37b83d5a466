//! Refusals that the gateway's machine causes: its virus scanner, its clock.

use agreements::refusal::{Culprit, Row, Words};

/// `scanner-unavailable`
pub const SCANNER_UNAVAILABLE: Row = Row {
    code: "scanner-unavailable",
    clause: "Portal 8-10",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Вирус сканері құжатты тексере алмай тұр, сондықтан ол толық берілмеді. Шлюз операторына хабарлаңыз; кейінірек қайталаңыз.",
        ru: "Антивирус не может проверить документ, и он не передан целиком. Сообщите оператору шлюза и повторите позже.",
        en: "The virus scanner cannot look at the document, which was not passed on whole. Tell the gateway's operator and try again later.",
    },
};

/// `scanner-limit`
pub const SCANNER_LIMIT: Row = Row {
    code: "scanner-limit",
    clause: "Portal 8-10",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Құжат вирус сканері қабылдайтын көлемнен үлкен, сондықтан толық берілмеді. Шлюз операторына хабарлаңыз.",
        ru: "Документ больше, чем принимает антивирус, и не передан целиком. Сообщите оператору шлюза.",
        en: "The document is larger than the virus scanner takes, and was not passed on whole. Tell the gateway's operator.",
    },
};

/// `clock-untrusted`
pub const CLOCK_UNTRUSTED: Row = Row {
    code: "clock-untrusted",
    clause: "Portal 62.3",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Шлюздің сағаты эталон уақыттан тым алшақ, сондықтан уақытқа тәуелді қолтаңбалар тексерілмейді. Шлюз операторына хабарлаңыз; кейінірек қайталаңыз.",
        ru: "Часы шлюза слишком расходятся с эталонным временем, и подписи, зависящие от времени, не проверяются. Сообщите оператору шлюза и повторите позже.",
        en: "The gateway's clock is too far from reference time, so signatures that depend on the time are not judged. Tell the gateway's operator and try again later.",
    },
};
