//! Why, and in whose name.

use crate::refusal::{Culprit, Row, Words};

/// `purpose-missing`
pub const PURPOSE_MISSING: Row = Row {
    code: "purpose-missing",
    clause: "Interaction 17.3",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ережеде бірнеше себеп бар, сұрау біреуін де атамады. Kelisim-Purpose тақырыбында біреуін көрсетіңіз.",
        ru: "В правилах несколько причин, а запрос не назвал ни одной. Укажите одну в заголовке Kelisim-Purpose.",
        en: "The agreement has several purposes and the request names none. Name one in the header Kelisim-Purpose.",
    },
};

/// `purpose-not-agreed`
pub const PURPOSE_NOT_AGREED: Row = Row {
    code: "purpose-not-agreed",
    clause: "Interaction 17.3; Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ережеде бұл себеп аталмаған. Ережедегі себептердің бірін көрсетіңіз немесе жаңа нұсқасын келісіңіз.",
        ru: "Правила не называют эту причину. Укажите одну из причин правил или согласуйте их новую версию.",
        en: "The agreement does not name this purpose. Name one that it does, or have a new version concurred in.",
    },
};

/// `collection-purpose-mismatch`
pub const COLLECTION_PURPOSE_MISMATCH: Row = Row {
    code: "collection-purpose-mismatch",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Дербес деректер жиналған мақсатынан басқа мақсатта берілмейді. Ереженің мақсаттарын түзетіңіз.",
        ru: "Персональные данные не передаются для иной цели, чем та, для которой собраны. Исправьте цели в правилах.",
        en: "Personal data does not pass for a purpose other than the one it was collected for. Correct the purposes of the agreement.",
    },
};

/// `collection-purpose-unknown`
pub const COLLECTION_PURPOSE_UNKNOWN: Row = Row {
    code: "collection-purpose-unknown",
    clause: "Law 4.2.11",
    status: 403,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Ақпарат түрі енді дербес деректер болып табылады, ал ережедегі нұсқасы олардың не үшін жиналғанын айтпайды. Ережені мақсаты көрсетілген жаңа нұсқаға көшіріңіз.",
        ru: "Вид информации теперь относится к персональным данным, а согласованная версия не называет цели их сбора. Согласуйте правила о версии, которая её называет.",
        en: "The data type is personal data now, and the version agreed on does not say what it was collected for. Have an agreement concurred in on a version that does.",
    },
};

/// `users-not-limited`
pub const USERS_NOT_LIMITED: Row = Row {
    code: "users-not-limited",
    clause: "HR 20-21; Law 4.2.11",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Дербес деректер тізімдегі лауазымды адамдарға немесе келісіммен ғана беріледі, ал ереже екеуін де талап етпейді. Бірін талап ететін жаңа нұсқасын келісіңіз.",
        ru: "Персональные данные передаются лицам из списка или с согласия субъекта, а правила не требуют ни того, ни другого. Согласуйте новую версию, которая требует.",
        en: "Personal data passes to listed officials or with consent, and the agreement asks for neither. Have a new version concurred in that does.",
    },
};

/// `case-missing`
pub const CASE_MISSING: Row = Row {
    code: "case-missing",
    clause: "Interaction 17.5",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереже бойынша сұрау істі атауы керек. Оны Kelisim-Case тақырыбында көрсетіңіз.",
        ru: "По правилам запрос должен называть дело. Укажите его в заголовке Kelisim-Case.",
        en: "The agreement asks each request to name its case. Name it in the header Kelisim-Case.",
    },
};

/// `basis-not-in-force`
pub const BASIS_NOT_IN_FORCE: Row = Row {
    code: "basis-not-in-force",
    clause: "Interaction 17.4",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереженің негіздемесі болған акт күшінде емес. Ереженің жаңа негіздемесі бар нұсқасын келісіңіз.",
        ru: "Акт, служащий основанием правил, не действует. Согласуйте новую версию правил с действующим основанием.",
        en: "An act on which the agreement stands is not in force. Have a new version concurred in, on a basis that is.",
    },
};

/// `user-missing`
pub const USER_MISSING: Row = Row {
    code: "user-missing",
    clause: "HR 20-21",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереже бойынша сұрау пайдаланушыны атауы керек. Оны Kelisim-User тақырыбында көрсетіңіз.",
        ru: "По правилам запрос должен называть пользователя. Укажите его в заголовке Kelisim-User.",
        en: "The agreement asks each request to name the user. Name them in the header Kelisim-User.",
    },
};

/// `user-not-listed`
pub const USER_NOT_LISTED: Row = Row {
    code: "user-not-listed",
    clause: "HR 20-21, 26.9",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Пайдаланушы ереже бойынша бекітілген тізімде жоқ. Тізімді ұйымыңыздың басшысы толықтыра алады.",
        ru: "Пользователя нет в утверждённом по правилам списке. Список может дополнить руководитель вашей организации.",
        en: "The user is not on the list approved under the agreement. The head of your organisation can add them.",
    },
};

/// `user-not-trained`
pub const USER_NOT_TRAINED: Row = Row {
    code: "user-not-trained",
    clause: "HR 26.9",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Пайдаланушының оқудан өткені туралы сертификаты жоқ. Оқудан өткізіп, тізімді жаңартыңыз.",
        ru: "У пользователя нет сертификата об обучении. Проведите обучение и обновите список.",
        en: "The user holds no training certificate. Have them trained and update the list.",
    },
};

/// `basis-lapsed`
pub const BASIS_LAPSED: Row = Row {
    code: "basis-lapsed",
    clause: "Interaction 17.4",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ережеге негіз болған акт күшін жойған, ережені жаңартуға берілген мерзім өтті. Қолданыстағы негізбен жаңа нұсқаны келістіріңіз.",
        ru: "Акт, на котором основаны правила, утратил силу, и срок их обновления истёк. Согласуйте новую редакцию на действующем основании.",
        en: "An act on which the agreement stands lost force, and the time given for a new version is over. Have a new version concurred in, on a basis that is in force.",
    },
};

/// `users-unproven`
pub const USERS_UNPROVEN: Row = Row {
    code: "users-unproven",
    clause: "HR 20-21",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Шлюз пайдаланушылар тізімінің қолтаңбасын тексере алмады. Басшы тізімге қайта қол қоюы керек.",
        ru: "Шлюз не смог проверить подпись под списком пользователей. Руководитель должен подписать список заново.",
        en: "The gateway could not verify the signature under the list of users. The head must sign the list anew.",
    },
};

/// `user-training-ended`
pub const USER_TRAINING_ENDED: Row = Row {
    code: "user-training-ended",
    clause: "HR 26.9",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Лауазымды адамның оқытудан өткені туралы сертификатының мерзімі аяқталған. Оны қайта оқытып, жаңа сертификатын тізімге енгізіңіз.",
        ru: "Срок сертификата об обучении должностного лица истёк. Обучите его заново и внесите новый сертификат в список.",
        en: "The official's training certificate has expired. Have them trained again and enter the new certificate on the list.",
    },
};
