//! Refusals that the gateway's machine causes: its virus scanner, who verifies national signatures for it, its clock.

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

/// `national-service-unavailable`
pub const NATIONAL_SERVICE_UNAVAILABLE: Row = Row {
    code: "national-service-unavailable",
    clause: "Portal 61-65",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Ұлттық алгоритммен қойылған қолтаңбаны тексеретін қызмет жауап бермейді, сондықтан құжат толық берілмеді. Кейінірек қайталаңыз; қайталанса, шлюз операторына хабарлаңыз.",
        ru: "Служба, проверяющая подписи по национальным алгоритмам, не отвечает, и документ не передан целиком. Повторите позже; если повторится, сообщите оператору шлюза.",
        en: "The service that verifies signatures by national algorithms does not answer, and the document was not passed on whole. Try again later; if it goes on, tell the gateway's operator.",
    },
};

/// `national-service-answer`
pub const NATIONAL_SERVICE_ANSWER: Row = Row {
    code: "national-service-answer",
    clause: "Portal 61-65",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Ұлттық алгоритммен қойылған қолтаңбаны тексеретін қызметтің жауабы ештеңені растамайды, сондықтан құжат толық берілмеді. Шлюз операторына хабарлаңыз.",
        ru: "Ответ службы, проверяющей подписи по национальным алгоритмам, ничего не подтверждает, и документ не передан целиком. Сообщите оператору шлюза.",
        en: "What the service that verifies signatures by national algorithms says vouches for nothing, and the document was not passed on whole. Tell the gateway's operator.",
    },
};

/// `national-service-limit`
pub const NATIONAL_SERVICE_LIMIT: Row = Row {
    code: "national-service-limit",
    clause: "Portal 61-65",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Құжат ұлттық қолтаңбаларды тексеретін қызмет қабылдайтын көлемнен үлкен, немесе тым көп құжат қолтаңбасын күтіп тұр; құжат толық берілмеді. Әр қолтаңбаны өз құжатынан кейін қойыңыз; шлюз операторына хабарлаңыз.",
        ru: "Документ больше, чем принимает служба, проверяющая национальные подписи, или слишком много документов ждут своих подписей; он не передан целиком. Ставьте каждую подпись сразу за её документом; сообщите оператору шлюза.",
        en: "The document is larger than the service that verifies national signatures takes, or too many documents wait for theirs, and it was not passed on whole. Put each signature right behind its document; tell the gateway's operator.",
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
