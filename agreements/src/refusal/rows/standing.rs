//! What refuses whatever agreements exist: who asks, and who is asked.

use crate::refusal::{Culprit, Row, Words};

/// `certificate-not-registered`
pub const CERTIFICATE_NOT_REGISTERED: Row = Row {
    code: "certificate-not-registered",
    clause: "Portal 63; HR 26.3",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Тіркеу куәлігі ешбір тіркелген жүйеге байланыстырылмаған. Оны сервистік интегратор арқылы жүйеге байланыстырыңыз.",
        ru: "Регистрационное свидетельство не привязано ни к одной зарегистрированной системе. Привяжите его к системе через сервисного интегратора.",
        en: "The registration certificate is bound to no registered system. Have the service integrator bind it to your system.",
    },
};

/// `system-suspended`
pub const SYSTEM_SUSPENDED: Row = Row {
    code: "system-suspended",
    clause: "Registration 13-15",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің жұмысы тоқтатыла тұрған. Себебін сервистік интегратордан біліңіз.",
        ru: "Работа одной из систем обмена приостановлена. Узнайте причину у сервисного интегратора.",
        en: "One of the two systems is suspended. Ask the service integrator for the reason.",
    },
};

/// `system-decommissioned`
pub const SYSTEM_DECOMMISSIONED: Row = Row {
    code: "system-decommissioned",
    clause: "Registration, annex",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйе пайдаланудан шығарылған. Оның мұрагері болып табылатын жүйеге жүгініңіз.",
        ru: "Одна из систем обмена выведена из эксплуатации. Обратитесь к системе, которая её заменила.",
        en: "One of the two systems is decommissioned. Use the system that took its place.",
    },
};

/// `wrong-environment`
pub const WRONG_ENVIRONMENT: Row = Row {
    code: "wrong-environment",
    clause: "Interaction 12-13",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Тәжірибелік пайдаланудағы жүйе өндірістік ортада айырбас жасай алмайды, және керісінше. Жүйе тұрған ортаның шлюзін қолданыңыз.",
        ru: "Система в опытной эксплуатации не обменивается данными в промышленной среде, и наоборот. Используйте шлюз той среды, в которой находится система.",
        en: "A system in trial operation does not exchange in the production environment, nor the reverse. Use the gateway of the system's own environment.",
    },
};

/// `network-not-registered`
pub const NETWORK_NOT_REGISTERED: Row = Row {
    code: "network-not-registered",
    clause: "Law 1.23; Interaction 19",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Жүйе тіркелмеген желіден қосылды. Желіні тіркеу деректеріне енгізіңіз немесе тіркелген желіден қосылыңыз.",
        ru: "Система подключилась из незарегистрированной сети. Внесите сеть в регистрационные данные или подключайтесь из зарегистрированной.",
        en: "The system connected from a network that is not part of its registration. Register the network or connect from a registered one.",
    },
};

/// `attestation-missing`
pub const ATTESTATION_MISSING: Row = Row {
    code: "attestation-missing",
    clause: "Interaction 14",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің жарамды аттестаты жоқ. Аттестат алып, оны тіркеңіз.",
        ru: "У одной из систем обмена нет действующего аттестата соответствия. Получите аттестат и зарегистрируйте его.",
        en: "One of the two systems has no valid attestation. Obtain one and have it recorded.",
    },
};

/// `attestation-ended`
pub const ATTESTATION_ENDED: Row = Row {
    code: "attestation-ended",
    clause: "Interaction 14",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің аттестатының мерзімі аяқталған. Жаңа аттестат алып, оны тіркеңіз.",
        ru: "Срок аттестата соответствия одной из систем обмена истёк. Получите новый аттестат и зарегистрируйте его.",
        en: "The attestation of one of the two systems has expired. Obtain a new one and have it recorded.",
    },
};

/// `attestation-suspended`
pub const ATTESTATION_SUSPENDED: Row = Row {
    code: "attestation-suspended",
    clause: "Interaction 14",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің аттестатының қолданылуы тоқтатыла тұрған. Себебін жойып, қолданылуын қайта бастауды сұраңыз.",
        ru: "Действие аттестата соответствия одной из систем обмена приостановлено. Устраните причину и попросите возобновить его действие.",
        en: "The attestation of one of the two systems is suspended. Remove the cause and have it resumed.",
    },
};

/// `attestation-withdrawn`
pub const ATTESTATION_WITHDRAWN: Row = Row {
    code: "attestation-withdrawn",
    clause: "Interaction 14",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің аттестаты қайтарып алынған. Себебін жойып, жаңа аттестат алыңыз.",
        ru: "Аттестат соответствия одной из систем обмена отозван. Устраните причину и получите новый аттестат.",
        en: "The attestation of one of the two systems was withdrawn. Remove the cause and obtain a new one.",
    },
};

/// `quality-certificate-missing`
pub const QUALITY_CERTIFICATE_MISSING: Row = Row {
    code: "quality-certificate-missing",
    clause: "Interaction 14",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің жарамды сапа сертификаты жоқ. Аккредиттелген органнан сертификат алып, оны тіркеңіз.",
        ru: "У одной из систем обмена нет действующего сертификата качества. Получите сертификат аккредитованного органа и зарегистрируйте его.",
        en: "One of the two systems has no valid quality certificate. Obtain one from an accredited body and have it recorded.",
    },
};

/// `quality-certificate-ended`
pub const QUALITY_CERTIFICATE_ENDED: Row = Row {
    code: "quality-certificate-ended",
    clause: "Interaction 14",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің сапа сертификатының мерзімі аяқталған. Жаңа сертификат алып, оны тіркеңіз.",
        ru: "Срок сертификата качества одной из систем обмена истёк. Получите новый сертификат и зарегистрируйте его.",
        en: "The quality certificate of one of the two systems has expired. Obtain a new one and have it recorded.",
    },
};

/// `quality-certificate-suspended`
pub const QUALITY_CERTIFICATE_SUSPENDED: Row = Row {
    code: "quality-certificate-suspended",
    clause: "Interaction 14",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің сапа сертификатының қолданылуы тоқтатыла тұрған. Себебін жойып, қолданылуын қайта бастауды сұраңыз.",
        ru: "Действие сертификата качества одной из систем обмена приостановлено. Устраните причину и попросите возобновить его действие.",
        en: "The quality certificate of one of the two systems is suspended. Remove the cause and have it resumed.",
    },
};

/// `quality-certificate-withdrawn`
pub const QUALITY_CERTIFICATE_WITHDRAWN: Row = Row {
    code: "quality-certificate-withdrawn",
    clause: "Interaction 14",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Айырбасқа қатысушы жүйенің сапа сертификаты қайтарып алынған. Себебін жойып, жаңа сертификат алыңыз.",
        ru: "Сертификат качества одной из систем обмена отозван. Устраните причину и получите новый сертификат.",
        en: "The quality certificate of one of the two systems was withdrawn. Remove the cause and obtain a new one.",
    },
};

/// `provider-unknown`
pub const PROVIDER_UNKNOWN: Row = Row {
    code: "provider-unknown",
    clause: "Registration 3",
    status: 404,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Мұндай жеткізуші жүйе тіркелмеген. Сұрау мекенжайындағы жүйе кодын тексеріңіз.",
        ru: "Такая система-поставщик не зарегистрирована. Проверьте код системы в адресе запроса.",
        en: "No such provider system is registered. Check the system's code in the request target.",
    },
};

/// `provider-without-endpoint`
pub const PROVIDER_WITHOUT_ENDPOINT: Row = Row {
    code: "provider-without-endpoint",
    clause: "Registration, annex",
    status: 503,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізуші жүйенің желілік мекенжайы тіркелмеген. Жеткізушіден мекенжайын тіркеуді сұраңыз.",
        ru: "Сетевой адрес системы-поставщика не зарегистрирован. Попросите поставщика зарегистрировать адрес.",
        en: "The provider system has no registered address. Ask the provider to have it registered.",
    },
};
