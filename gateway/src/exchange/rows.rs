//! The refusals that the process itself causes, in the form of those that rules cause.

use agreements::refusal::{Culprit, Row, Words};

mod machine;
mod repeats;

pub use self::machine::*;
pub use self::repeats::*;
mod consent;
mod personal;

pub use self::consent::*;
pub use self::personal::*;

/// `request-malformed`
pub const REQUEST_MALFORMED: Row = Row {
    code: "request-malformed",
    clause: "RFC 9112; RFC 9113",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрау HTTP ережелеріне сай емес немесе оны екі түрлі түсінуге болады. Код қай ереже бұзылғанын айтады; клиент бағдарламасын түзетіңіз.",
        ru: "Запрос нарушает правила HTTP или может быть понят двояко. Код называет нарушенное правило; исправьте клиентскую программу.",
        en: "The request breaks the rules of HTTP or can be read in two ways. The code names the rule; correct the client program.",
    },
};

/// `request-unreadable`
pub const REQUEST_UNREADABLE: Row = Row {
    code: "request-unreadable",
    clause: "RFC 3986; RFC 9110",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұраудың мекенжайы немесе тақырыбы дұрыс жазылмаған. pointer және reason мүшелері қайсысы екенін айтады; мекенжай /{жеткізуші}/{ақпарат түрі}/{жол} түрінде болуы керек.",
        ru: "Адрес или заголовок запроса записан неверно. Члены pointer и reason говорят, что именно; адрес имеет вид /{поставщик}/{вид информации}/{путь}.",
        en: "The target or a header of the request is not well-formed. The members pointer and reason say which; a target is /{provider}/{data type}/{path}.",
    },
};

/// `certificate-revoked`
pub const CERTIFICATE_REVOKED: Row = Row {
    code: "certificate-revoked",
    clause: "Portal 63",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Тіркеу куәлігі кері қайтарылған. Жаңа куәлік алып, оны жүйеге байланыстырыңыз.",
        ru: "Регистрационное свидетельство отозвано. Получите новое и привяжите его к системе.",
        en: "The registration certificate was revoked. Obtain a new one and have it bound to the system.",
    },
};

/// `certificate-expired`
pub const CERTIFICATE_EXPIRED: Row = Row {
    code: "certificate-expired",
    clause: "Portal 63",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Тіркеу куәлігінің мерзімі аяқталған. Жаңа куәлік алып, оны жүйеге байланыстырыңыз.",
        ru: "Срок регистрационного свидетельства истёк. Получите новое и привяжите его к системе.",
        en: "The registration certificate has expired. Obtain a new one and have it bound to the system.",
    },
};

/// `certificate-untrusted`
pub const CERTIFICATE_UNTRUSTED: Row = Row {
    code: "certificate-untrusted",
    clause: "Portal 63",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Тіркеу куәлігін енді тексеру мүмкін емес. Шлюз операторына хабарласыңыз.",
        ru: "Регистрационное свидетельство больше нельзя проверить. Обратитесь к оператору шлюза.",
        en: "The registration certificate can no longer be verified. Speak to the gateway's operator.",
    },
};

/// `registry-unconfirmed`
pub const REGISTRY_UNCONFIRMED: Row = Row {
    code: "registry-unconfirmed",
    clause: "Interaction 14, 16",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Шлюз тізілімнің жаңа екенін растай алмай тұр, сондықтан айырбас жасамайды. Кейінірек қайталаңыз.",
        ru: "Шлюз не может подтвердить актуальность реестра и поэтому не обменивается данными. Повторите позже.",
        en: "The gateway cannot confirm that its registry is the newest, and exchanges nothing meanwhile. Try again later.",
    },
};

/// `rate-exceeded`
pub const RATE_EXCEEDED: Row = Row {
    code: "rate-exceeded",
    clause: "Interaction 17.7",
    status: 429,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ережеде белгіленген сұрау жиілігінен асты. Retry-After тақырыбындағы уақыттан кейін қайталаңыз.",
        ru: "Превышена частота запросов, установленная правилами. Повторите после времени из заголовка Retry-After.",
        en: "More requests came than the agreement allows. Try again after the time in the header Retry-After.",
    },
};

/// `volume-exceeded`
pub const VOLUME_EXCEEDED: Row = Row {
    code: "volume-exceeded",
    clause: "Interaction 17.7",
    status: 429,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ережеде бір күнге белгіленген айырбас көлемі таусылды. Retry-After тақырыбындағы уақыттан кейін, келесі күні қайталаңыз.",
        ru: "Исчерпан объём обмена, установленный правилами на день. Повторите на следующий день, после времени из заголовка Retry-After.",
        en: "As much passed today as the agreement allows in a day. Try again on the next day, after the time in the header Retry-After.",
    },
};

/// `too-many-exchanges`
pub const TOO_MANY_EXCHANGES: Row = Row {
    code: "too-many-exchanges",
    clause: "Interaction 17.7",
    status: 429,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Жүйенің бір мезгілдегі айырбастары тым көп. Алдыңғылары аяқталған соң қайталаңыз.",
        ru: "Слишком много одновременных обменов одной системы. Повторите, когда завершатся предыдущие.",
        en: "One of the two systems has too many exchanges under way. Try again when some have ended.",
    },
};

/// `gateway-busy`
pub const GATEWAY_BUSY: Row = Row {
    code: "gateway-busy",
    clause: "HR 19",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Шлюздің қуаты қазір жетпейді. Сәл кейінірек қайталаңыз.",
        ru: "Шлюз сейчас перегружен. Повторите немного позже.",
        en: "The gateway has no capacity left now. Try again shortly.",
    },
};

/// `log-unavailable`
pub const LOG_UNAVAILABLE: Row = Row {
    code: "log-unavailable",
    clause: "Interaction 7-8",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Айырбас журналына жазу мүмкін емес, ал жазбасыз айырбас жасалмайды. Шлюз операторы хабардар болуы керек; кейінірек қайталаңыз.",
        ru: "Запись в журнал обменов невозможна, а без записи обмена нет. Сообщите оператору шлюза и повторите позже.",
        en: "The exchange log cannot be written, and there is no exchange without its record. Tell the gateway's operator and try again later.",
    },
};

/// `log-full`
pub const LOG_FULL: Row = Row {
    code: "log-full",
    clause: "Interaction 7-8",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Айырбас журналының дискісінде орын қалмады, ал жазбасыз айырбас жасалмайды. Шлюз операторына хабарлаңыз; кейінірек қайталаңыз.",
        ru: "На диске журнала обменов нет места, а без записи обмена нет. Сообщите оператору шлюза и повторите позже.",
        en: "The exchange log's disk is full, and there is no exchange without its record. Tell the gateway's operator and try again later.",
    },
};

/// `log-unwitnessed`
pub const LOG_UNWITNESSED: Row = Row {
    code: "log-unwitnessed",
    clause: "Interaction 7-8",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Айырбас журналын ешбір куәгер растамай тұр, ал растаусыз айырбас жасалмайды. Шлюз операторына хабарлаңыз; кейінірек қайталаңыз.",
        ru: "Журнал обменов не заверяет ни один свидетель, а без заверения обмена нет. Сообщите оператору шлюза и повторите позже.",
        en: "No witness cosigns the exchange log, and here there is no exchange without one. Tell the gateway's operator and try again later.",
    },
};

/// `request-body-missing`
pub const REQUEST_BODY_MISSING: Row = Row {
    code: "request-body-missing",
    clause: "Interaction 17.1",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Операция сұрау денесін талап етеді. Оны қосыңыз.",
        ru: "Операция требует тела запроса. Добавьте его.",
        en: "The operation asks for a request body. Send one.",
    },
};

/// `request-body-not-agreed`
pub const REQUEST_BODY_NOT_AGREED: Row = Row {
    code: "request-body-not-agreed",
    clause: "Interaction 17.1",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Операцияда сұрау денесі көзделмеген. Оны алып тастаңыз.",
        ru: "У операции нет тела запроса. Уберите его.",
        en: "The operation has no request body. Leave it out.",
    },
};

/// `request-media-type`
pub const REQUEST_MEDIA_TYPE: Row = Row {
    code: "request-media-type",
    clause: "Interaction 17.1; RFC 9110 §15.5.16",
    status: 415,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрау денесінің түрі ақпарат түрінде көзделгеннен басқа. Content-Type тақырыбын тексеріңіз.",
        ru: "Тип тела запроса не тот, что предусмотрен видом информации. Проверьте заголовок Content-Type.",
        en: "The request body is not of the media type that the data type names. Check the header Content-Type.",
    },
};

/// `request-too-large`
pub const REQUEST_TOO_LARGE: Row = Row {
    code: "request-too-large",
    clause: "Portal 8-10",
    status: 413,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрау денесі ақпарат түріне рұқсат етілген көлемнен үлкен. Оны бөліктерге бөліңіз.",
        ru: "Тело запроса больше, чем допускает вид информации. Разделите его на части.",
        en: "The request body is larger than the data type allows. Split it.",
    },
};

/// `request-incomplete`
pub const REQUEST_INCOMPLETE: Row = Row {
    code: "request-incomplete",
    clause: "HR 19",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрау денесі толық келмеді. Сұрауды қайталаңыз.",
        ru: "Тело запроса пришло не полностью. Повторите запрос.",
        en: "The request body did not arrive whole. Send the request again.",
    },
};

/// `request-timeout`
pub const REQUEST_TIMEOUT: Row = Row {
    code: "request-timeout",
    clause: "RFC 9110 §15.5.9",
    status: 408,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрау денесі белгіленген уақытта келмеді. Желіні тексеріп, сұрауды қайталаңыз.",
        ru: "Тело запроса не пришло за отведённое время. Проверьте сеть и повторите запрос.",
        en: "The request body did not arrive in time. Check the network and send the request again.",
    },
};

/// `request-schema`
pub const REQUEST_SCHEMA: Row = Row {
    code: "request-schema",
    clause: "Interaction 17.1",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрау денесі ақпарат түрінің схемасына сай емес. pointer және reason өрістері қатенің орнын айтады.",
        ru: "Тело запроса не соответствует схеме вида информации. Поля pointer и reason указывают место ошибки.",
        en: "The request body does not fit the data type's schema. The members pointer and reason say where.",
    },
};

/// `request-parameter`
pub const REQUEST_PARAMETER: Row = Row {
    code: "request-parameter",
    clause: "Interaction 17.1",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Мекенжайдағы немесе сұрау параметріндегі мән ақпарат түрінің схемасына сай емес. pointer және reason өрістері қай мән екенін айтады.",
        ru: "Значение в пути или параметре запроса не соответствует схеме вида информации. Поля pointer и reason указывают, какое.",
        en: "A value in the path or the query does not fit the data type's schema. The members pointer and reason say which.",
    },
};

/// `request-document`
pub const REQUEST_DOCUMENT: Row = Row {
    code: "request-document",
    clause: "Portal 8-10",
    status: 422,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұраудағы құжат немесе пішін өзі туралы айтқанға сай емес немесе қауіпсіз емес. Код себебін айтады; құжатты түзетіп, қайта жіберіңіз.",
        ru: "Документ или форма в запросе не соответствует заявленному или небезопасна. Код называет причину; исправьте документ и отправьте снова.",
        en: "A document or form in the request is not what it says it is, or is not safe. The code says why; correct it and send it again.",
    },
};

/// `provider-unreachable`
pub const PROVIDER_UNREACHABLE: Row = Row {
    code: "provider-unreachable",
    clause: "HR 19",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізуші жүйеге қосылу мүмкін болмады; оған ештеңе жіберілген жоқ. Кейінірек қайталаңыз.",
        ru: "Не удалось соединиться с системой-поставщиком; ей ничего не отправлено. Повторите позже.",
        en: "The provider system could not be reached; nothing was sent to it. Try again later.",
    },
};

/// `provider-not-trusted`
pub const PROVIDER_NOT_TRUSTED: Row = Row {
    code: "provider-not-trusted",
    clause: "HR 26.3; Portal 63",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізуші жүйе өзін тіркелген куәлігімен растамады; оған ештеңе жіберілген жоқ. Жеткізушіге хабарласыңыз.",
        ru: "Система-поставщик не подтвердила себя зарегистрированным свидетельством; ей ничего не отправлено. Сообщите поставщику.",
        en: "The provider system did not prove itself by a certificate bound to it; nothing was sent to it. Tell the provider.",
    },
};

/// `provider-failed`
pub const PROVIDER_FAILED: Row = Row {
    code: "provider-failed",
    clause: "HR 19",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Сұрау жіберілгеннен кейін жеткізушімен байланыс үзілді; ол орындалған болуы мүмкін. Қайталамас бұрын нәтижесін тексеріңіз.",
        ru: "Связь с поставщиком прервалась после отправки запроса; он мог быть исполнен. Проверьте результат, прежде чем повторять.",
        en: "The connection to the provider broke after the request was sent; it may have been carried out. Check before you ask again.",
    },
};

/// `provider-timeout`
pub const PROVIDER_TIMEOUT: Row = Row {
    code: "provider-timeout",
    clause: "HR 19",
    status: 504,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізуші жүйе уақытында жауап бермеді; сұрау орындалған болуы мүмкін. Қайталамас бұрын нәтижесін тексеріңіз.",
        ru: "Система-поставщик не ответила вовремя; запрос мог быть исполнен. Проверьте результат, прежде чем повторять.",
        en: "The provider system did not answer in time; the request may have been carried out. Check before you ask again.",
    },
};

/// `response-too-large`
pub const RESPONSE_TOO_LARGE: Row = Row {
    code: "response-too-large",
    clause: "Portal 8-10",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізушінің жауабы ақпарат түріне рұқсат етілген көлемнен үлкен, сондықтан берілмеді. Жеткізушіге хабарласыңыз.",
        ru: "Ответ поставщика больше, чем допускает вид информации, и не передан. Сообщите поставщику.",
        en: "The provider's response is larger than the data type allows and was not passed on. Tell the provider.",
    },
};

/// `response-media-type`
pub const RESPONSE_MEDIA_TYPE: Row = Row {
    code: "response-media-type",
    clause: "Interaction 17.1",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізуші жауабының түрі ақпарат түрінде көзделгеннен басқа, сондықтан берілмеді. Жеткізушіге хабарласыңыз.",
        ru: "Тип ответа поставщика не тот, что предусмотрен видом информации; ответ не передан. Сообщите поставщику.",
        en: "The provider's response is not of the media type that the data type names and was not passed on. Tell the provider.",
    },
};

/// `response-schema`
pub const RESPONSE_SCHEMA: Row = Row {
    code: "response-schema",
    clause: "Interaction 17.1; Law 4.2.11",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізушінің жауабы ақпарат түрінің схемасына сай емес, сондықтан берілмеді. Жеткізушіге хабарласыңыз.",
        ru: "Ответ поставщика не соответствует схеме вида информации и не передан. Сообщите поставщику.",
        en: "The provider's response does not fit the data type's schema and was not passed on. Tell the provider.",
    },
};

/// `response-document`
pub const RESPONSE_DOCUMENT: Row = Row {
    code: "response-document",
    clause: "Portal 8-10",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізуші жіберген құжат өзі туралы айтқанға сай емес немесе қауіпсіз емес, сондықтан берілмеді немесе үзілді. Жеткізушіге хабарласыңыз.",
        ru: "Документ поставщика не соответствует заявленному или небезопасен; он не передан, либо передача оборвана. Сообщите поставщику.",
        en: "The provider's document is not what it says it is, or is not safe; it was not passed on, or was cut short. Tell the provider.",
    },
};

/// `response-not-agreed`
pub const RESPONSE_NOT_AGREED: Row = Row {
    code: "response-not-agreed",
    clause: "Interaction 17.1; Law 4.2.11",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізуші ережеде аталмаған нәрсе жіберді, сондықтан ол берілмеді. Жеткізушіге хабарласыңыз.",
        ru: "Поставщик прислал то, чего правила не называют; это не передано. Сообщите поставщику.",
        en: "The provider sent something that the agreement does not name; it was not passed on. Tell the provider.",
    },
};

/// `contract-unusable`
pub const CONTRACT_UNUSABLE: Row = Row {
    code: "contract-unusable",
    clause: "Interaction 17.1",
    status: 500,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Ақпарат түрінің схемасын шлюз қолдана алмады, сондықтан тексере алмайды. Жеткізуші жаңа нұсқасын жариялауы керек.",
        ru: "Шлюз не может применить схему вида информации и потому ничего не проверит. Поставщику следует опубликовать новую версию.",
        en: "The gateway cannot use the data type's schema and so can check nothing. The provider must publish a new version.",
    },
};

/// `request-signature`
pub const REQUEST_SIGNATURE: Row = Row {
    code: "request-signature",
    clause: "Portal 61-65; HR 12; RFC 9421",
    status: 403,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Ереже талап ететін қолтаңба жоқ немесе жарамсыз. Код себебін айтады; дұрыс қол қойып, қайта жіберіңіз.",
        ru: "Подписи, которой требуют правила, нет, или она недействительна. Код называет причину; подпишите верно и отправьте снова.",
        en: "A signature that the agreement asks for is missing or does not count. The code says why; sign as agreed and send it again.",
    },
};

/// `response-signature`
pub const RESPONSE_SIGNATURE: Row = Row {
    code: "response-signature",
    clause: "Portal 61-65; HR 12; RFC 9421",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізуші жауабында ереже талап ететін қолтаңба жоқ немесе ол жарамсыз; жауап берілмеді не үзілді. Жеткізушіге хабарласыңыз.",
        ru: "В ответе поставщика нет подписи, которой требуют правила, или она недействительна; ответ не передан или оборван. Сообщите поставщику.",
        en: "The provider's response lacks a signature that the agreement asks for, or it does not count; it was not passed on, or was cut short. Tell the provider.",
    },
};

/// `terms-changed`
pub const TERMS_CHANGED: Row = Row {
    code: "terms-changed",
    clause: "Interaction 14, 16",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Сұрау жіберілер сәтте тізілімдегі ереже немесе жеткізуші туралы дерек өзгерді; ештеңе жіберілген жоқ. Сұрауды қайталаңыз.",
        ru: "Перед самой отправкой в реестре изменились правила обмена или сведения о поставщике; ничего не отправлено. Повторите запрос.",
        en: "The agreement or the provider's registration changed just before the request was sent; nothing was sent. Send the request again.",
    },
};

/// `answer-lost`
pub const ANSWER_LOST: Row = Row {
    code: "answer-lost",
    clause: "HR 19",
    status: 500,
    culprit: Culprit::Us,
    words: Words {
        kk: "Сұрау жеткізушіге жіберілді, бірақ шлюз жауабын бере алмады; ол орындалған болуы мүмкін. Қайталамас бұрын нәтижесін тексеріңіз.",
        ru: "Запрос был отправлен поставщику, но шлюз не смог передать ответ; запрос мог быть исполнен. Проверьте результат, прежде чем повторять.",
        en: "The request was sent to the provider, but the gateway could not pass the answer on; it may have been carried out. Check before you ask again.",
    },
};

/// All of them, in the order in which a call meets them.
pub const ALL: &[&Row] = &[
    &REQUEST_MALFORMED,
    &REQUEST_UNREADABLE,
    &CERTIFICATE_REVOKED,
    &CERTIFICATE_EXPIRED,
    &CERTIFICATE_UNTRUSTED,
    &REGISTRY_UNCONFIRMED,
    &RATE_EXCEEDED,
    &VOLUME_EXCEEDED,
    &TOO_MANY_EXCHANGES,
    &GATEWAY_BUSY,
    &LOG_UNAVAILABLE,
    &LOG_FULL,
    &LOG_UNWITNESSED,
    &REQUEST_BODY_MISSING,
    &REQUEST_BODY_NOT_AGREED,
    &REQUEST_MEDIA_TYPE,
    &REQUEST_TOO_LARGE,
    &REQUEST_INCOMPLETE,
    &REQUEST_TIMEOUT,
    &REQUEST_PARAMETER,
    &REQUEST_SCHEMA,
    &REQUEST_EXCEEDS,
    &REQUEST_DOCUMENT,
    &REQUEST_SIGNATURE,
    &IDEMPOTENCY_KEY_MISSING,
    &IDEMPOTENCY_KEY_REUSED,
    &IDEMPOTENCY_IN_PROGRESS,
    &IDEMPOTENCY_OUTCOME_UNKNOWN,
    &IDEMPOTENCY_ANSWER_NOT_KEPT,
    &IDEMPOTENCY_KEYS_EXHAUSTED,
    &IDEMPOTENCY_UNAVAILABLE,
    &SCANNER_UNAVAILABLE,
    &SCANNER_LIMIT,
    &NATIONAL_SERVICE_UNAVAILABLE,
    &NATIONAL_SERVICE_ANSWER,
    &NATIONAL_SERVICE_LIMIT,
    &CLOCK_UNTRUSTED,
    &REQUEST_SUBJECT,
    &CONSENT_MISSING,
    &CONSENT_MALFORMED,
    &CONSENT_UNPROVEN,
    &CONSENT_ISSUER_UNKNOWN,
    &CONSENT_OTHER_GATEWAY,
    &CONSENT_OTHER_CONSUMER,
    &CONSENT_OTHER_DATA_TYPE,
    &CONSENT_WRONG_SUBJECT,
    &CONSENT_EXPIRED,
    &CONSENT_USED,
    &TERMS_CHANGED,
    &PROVIDER_UNREACHABLE,
    &PROVIDER_NOT_TRUSTED,
    &PROVIDER_FAILED,
    &PROVIDER_TIMEOUT,
    &RESPONSE_TOO_LARGE,
    &RESPONSE_MEDIA_TYPE,
    &RESPONSE_SCHEMA,
    &RESPONSE_DOCUMENT,
    &RESPONSE_SIGNATURE,
    &RESPONSE_NOT_AGREED,
    &RESPONSE_EXCEEDS,
    &RESPONSE_SUBJECT,
    &ANSWER_LOST,
    &CONTRACT_UNUSABLE,
];
