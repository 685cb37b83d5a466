//! The refusals that rules cause. Codes are stable: they are never renamed and never reused.

use super::{Culprit, Row, Words};

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

/// `data-type-not-agreed`
pub const DATA_TYPE_NOT_AGREED: Row = Row {
    code: "data-type-not-agreed",
    clause: "Interaction 17.1",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ережеде бұл ақпарат түрі аталмаған. Оны ереженің жаңа нұсқасына енгізіңіз.",
        ru: "Правила не называют этот вид информации. Внесите его в новую версию правил.",
        en: "The agreement does not name this data type. Put it into a new version of the agreement.",
    },
};

/// `operation-unknown`
pub const OPERATION_UNKNOWN: Row = Row {
    code: "operation-unknown",
    clause: "Interaction 17.1",
    status: 404,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ақпарат түрінде мұндай операция жоқ. Сұраудың әдісі мен жолын тексеріңіз.",
        ru: "У вида информации нет такой операции. Проверьте метод и путь запроса.",
        en: "The data type has no such operation. Check the method and path of the request.",
    },
};

/// `operation-not-agreed`
pub const OPERATION_NOT_AGREED: Row = Row {
    code: "operation-not-agreed",
    clause: "Interaction 17.1",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ережеде бұл операция аталмаған. Оны ереженің жаңа нұсқасына енгізіңіз.",
        ru: "Правила не называют эту операцию. Внесите её в новую версию правил.",
        en: "The agreement does not name this operation. Put it into a new version of the agreement.",
    },
};

/// `parameter-not-declared`
pub const PARAMETER_NOT_DECLARED: Row = Row {
    code: "parameter-not-declared",
    clause: "Interaction 17.1",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрауда операция үшін жарияланбаған параметр бар. Оны алып тастаңыз.",
        ru: "В запросе есть параметр, которого нет у операции. Уберите его.",
        en: "The request has a parameter that the operation does not declare. Leave it out.",
    },
};

/// `parameter-missing`
pub const PARAMETER_MISSING: Row = Row {
    code: "parameter-missing",
    clause: "Interaction 17.1",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрауда операцияның міндетті параметрі жоқ. Оны қосыңыз.",
        ru: "В запросе нет обязательного параметра операции. Добавьте его.",
        en: "The request lacks a parameter that the operation requires. Add it.",
    },
};

/// `state-secret`
pub const STATE_SECRET: Row = Row {
    code: "state-secret",
    clause: "Portal 3",
    status: 403,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Мемлекеттік құпияларды құрайтын мәліметтер ешқашан берілмейді. Оларды заңда белгіленген басқа тәртіппен сұратыңыз.",
        ru: "Сведения, составляющие государственные секреты, не передаются никогда. Запросите их в ином установленном законом порядке.",
        en: "State secrets never pass. Ask for them in the other way that the law provides.",
    },
};

/// `category-raised`
pub const CATEGORY_RAISED: Row = Row {
    code: "category-raised",
    clause: "Interaction 4",
    status: 403,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Ақпарат түрінің санаты ережедегіден жоғары болды. Ереженің жаңа нұсқасын келісіңіз.",
        ru: "Категория вида информации стала выше указанной в правилах. Согласуйте новую версию правил.",
        en: "The data type's category is now above the one in the agreement. Have a new version concurred in.",
    },
};

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

/// All of them, in the order in which a call is judged.
pub const ALL: &[&Row] = &[
    &CERTIFICATE_NOT_REGISTERED,
    &SYSTEM_SUSPENDED,
    &SYSTEM_DECOMMISSIONED,
    &WRONG_ENVIRONMENT,
    &NETWORK_NOT_REGISTERED,
    &ATTESTATION_MISSING,
    &ATTESTATION_ENDED,
    &ATTESTATION_WITHDRAWN,
    &QUALITY_CERTIFICATE_MISSING,
    &QUALITY_CERTIFICATE_ENDED,
    &QUALITY_CERTIFICATE_WITHDRAWN,
    &PROVIDER_UNKNOWN,
    &PROVIDER_WITHOUT_ENDPOINT,
    &NO_AGREEMENT,
    &AGREEMENT_NOT_CONCURRED,
    &AGREEMENT_UNPROVEN,
    &AGREEMENT_SUSPENDED,
    &AGREEMENT_TERMINATED,
    &AGREEMENT_NOT_YET_IN_FORCE,
    &AGREEMENT_EXPIRED,
    &OUTSIDE_ACCESS_HOURS,
    &DATA_TYPE_NOT_AGREED,
    &OPERATION_UNKNOWN,
    &OPERATION_NOT_AGREED,
    &PARAMETER_NOT_DECLARED,
    &PARAMETER_MISSING,
    &STATE_SECRET,
    &CATEGORY_RAISED,
    &PURPOSE_MISSING,
    &PURPOSE_NOT_AGREED,
    &COLLECTION_PURPOSE_MISMATCH,
    &CASE_MISSING,
    &BASIS_NOT_IN_FORCE,
    &USER_MISSING,
    &USER_NOT_LISTED,
    &USER_NOT_TRAINED,
];
