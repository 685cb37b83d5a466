//! What is refused for want of the person's consent.

use agreements::refusal::{Culprit, Row, Words};

/// `consent-missing`
pub const CONSENT_MISSING: Row = Row {
    code: "consent-missing",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереже бойынша бұл деректер адамның келісімімен ғана беріледі, ал сұрауда келісім жоқ. Оны келісім беруші жүйеден алып, Kelisim-Consent тақырыбында жіберіңіз.",
        ru: "По правилам эти данные передаются только с согласия лица, а в запросе его нет. Получите согласие в выдающей их системе и передайте его в заголовке Kelisim-Consent.",
        en: "The agreement has this data pass with the person's consent only, and the request has none. Obtain one from an issuer that the agreement names and send it in the header Kelisim-Consent.",
    },
};

/// `consent-malformed`
pub const CONSENT_MALFORMED: Row = Row {
    code: "consent-malformed",
    clause: "Law 4.2.11; RFC 7515",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Келісім белгісі дұрыс жазылмаған. Ол келісім беруші жүйе берген күйінде, өзгертілмей жіберілуі керек.",
        ru: "Токен согласия записан неверно. Передавайте его без изменений, таким, каким его выдала система согласий.",
        en: "The consent is not a well-formed token. Send it unchanged, as its issuer gave it.",
    },
};

/// `consent-unproven`
pub const CONSENT_UNPROVEN: Row = Row {
    code: "consent-unproven",
    clause: "Law 4.2.11; Portal 63",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Келісімнің қолтаңбасы немесе оның берушісінің куәлігі расталмады. Келісімді жаңадан алыңыз; қайталанса, берушіге хабарласыңыз.",
        ru: "Подпись согласия или свидетельство его издателя не подтверждены. Получите согласие заново; если повторится, сообщите издателю.",
        en: "The signature of the consent, or its issuer's certificate, could not be verified. Obtain a new one; tell the issuer if it happens again.",
    },
};

/// `consent-issuer-unknown`
pub const CONSENT_ISSUER_UNKNOWN: Row = Row {
    code: "consent-issuer-unknown",
    clause: "Law 4.2.11; Interaction 17.7",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Келісімді ереже атамаған немесе куәлігі тіркелмеген жүйе берген. Оны ереже атаған келісім берушіден алыңыз.",
        ru: "Согласие выдано системой, которую правила не называют или чьё свидетельство к ней не привязано. Получите его у издателя, названного в правилах.",
        en: "The consent is of a system that the agreement does not name, or by a certificate that is not bound to it. Obtain one from an issuer that the agreement names.",
    },
};

/// `consent-other-gateway`
pub const CONSENT_OTHER_GATEWAY: Row = Row {
    code: "consent-other-gateway",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Келісім басқа шлюзге берілген. Келісім алғанда осы шлюздің атауын көрсетіңіз: ол Kelisim-Entry тақырыбында тұр.",
        ru: "Согласие выдано для другого шлюза. При его получении называйте этот шлюз так, как его называет заголовок Kelisim-Entry.",
        en: "The consent was given for another gateway. Have the issuer name this one, as the header Kelisim-Entry does.",
    },
};

/// `consent-other-consumer`
pub const CONSENT_OTHER_CONSUMER: Row = Row {
    code: "consent-other-consumer",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Келісім басқа жүйеге берілген. Жүйе тек өзіне берілген келісіммен сұрай алады.",
        ru: "Согласие дано другой системе. Система может запрашивать только по согласию, данному ей самой.",
        en: "The consent was given to another system. A system asks with a consent of its own only.",
    },
};

/// `consent-other-data-type`
pub const CONSENT_OTHER_DATA_TYPE: Row = Row {
    code: "consent-other-data-type",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Келісім басқа ақпарат түріне берілген. Осы ақпарат түріне келісім алыңыз.",
        ru: "Согласие дано на другой вид информации. Получите согласие на этот вид информации.",
        en: "The consent was given to another data type. Obtain one to this data type.",
    },
};

/// `consent-wrong-subject`
pub const CONSENT_WRONG_SUBJECT: Row = Row {
    code: "consent-wrong-subject",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Келісімді сұрау айтқан адам бермеген немесе сұрау бірнеше адам туралы. Келісім берген адам туралы ғана сұраңыз.",
        ru: "Согласие дано не тем лицом, о котором запрос, или запрос о нескольких лицах. Запрашивайте только о том, кто дал согласие.",
        en: "The consent is not of the person whom the request is about, or it is about several. Ask about the one who consented only.",
    },
};

/// `consent-expired`
pub const CONSENT_EXPIRED: Row = Row {
    code: "consent-expired",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Келісім қазір жарамсыз: мерзімі өткен, әлі басталмаған немесе 15 минуттан ұзаққа берілген. Жаңа келісім алыңыз.",
        ru: "Согласие сейчас не действует: истекло, ещё не началось или выдано более чем на 15 минут. Получите новое.",
        en: "The consent does not hold now: it ended, has not begun, or was given for more than 15 minutes. Obtain a new one.",
    },
};

/// `consent-used`
pub const CONSENT_USED: Row = Row {
    code: "consent-used",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Бұл келісіммен бір рет сұралған; келісім бір ғана сұрауға жарайды. Жаңа келісім алыңыз.",
        ru: "С этим согласием уже обращались; согласие годится на один запрос. Получите новое.",
        en: "This consent was used before; one is good for one request. Obtain a new one.",
    },
};
