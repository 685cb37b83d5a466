//! What is refused for the sake of the persons whom data is about.

use agreements::refusal::{Culprit, Row, Words};

/// `request-subject`
pub const REQUEST_SUBJECT: Row = Row {
    code: "request-subject",
    clause: "Law 4.2.1; HR 18",
    status: 422,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрау деректер кім туралы екенін ақпарат түрі көрсеткен жерде атамайды. Сол жерде бақылау разряды дұрыс ЖСН болуы керек, бір сұрауда 32 адамнан аспауы тиіс; keyword пен reason себебін айтады.",
        ru: "Запрос не называет лицо, о котором данные, там, где указывает вид информации. Там должен стоять ИИН с верным контрольным разрядом, не более 32 лиц в запросе; члены keyword и reason называют причину.",
        en: "The request does not name the person whom it is about where the data type says. An IIN with its check digit stands there, of at most 32 persons in a request; the members keyword and reason say what is wrong.",
    },
};

/// `request-exceeds`
pub const REQUEST_EXCEEDS: Row = Row {
    code: "request-exceeds",
    clause: "Interaction 17.1; Law 4.2.11",
    status: 422,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Сұрауда ереже атамаған өрістер бар, сондықтан ол жіберілмеді: ережеде солай белгіленген немесе сұрауға қол қойылған, не ол файлдары бар форма. Мұндай өрістерсіз жіберіңіз; pointer біріншісін, жазба барлығын айтады.",
        ru: "В запросе есть поля, которых правила не называют, и он не передан: так велят правила, либо запрос подписан или это форма с файлами. Отправьте его без этих полей; pointer указывает первое, запись называет все.",
        en: "The request has fields that the agreement does not name, and was not passed on: the agreement says so, or it is signed, or a form with files. Send it without them; pointer says the first, the record names all.",
    },
};

/// `response-subject`
pub const RESPONSE_SUBJECT: Row = Row {
    code: "response-subject",
    clause: "Law 4.2.1; HR 18",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізушінің жауабы деректер кім туралы екенін ақпарат түрі көрсеткен жерде атамайды немесе 32 адамнан көп, сондықтан берілмеді. Жеткізушіге хабарласыңыз немесе аз адам туралы сұраңыз.",
        ru: "Ответ поставщика не называет лиц, о которых данные, там, где указывает вид информации, или их более 32; ответ не передан. Сообщите поставщику или запросите о меньшем числе лиц.",
        en: "The provider's response does not name the persons whom it is about where the data type says, or names more than 32, and was not passed on. Tell the provider, or ask about fewer persons.",
    },
};

/// `response-exceeds`
pub const RESPONSE_EXCEEDS: Row = Row {
    code: "response-exceeds",
    clause: "Interaction 17.1; Law 4.2.11",
    status: 502,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Жеткізушінің жауабында ереже атамаған өрістер бар, ал ереже мұндай жауапты беруге жол бермейді. Жеткізушіге хабарласыңыз; артық өрістер жазбада аталған.",
        ru: "В ответе поставщика есть поля, которых правила не называют, а правила велят такой ответ не передавать. Сообщите поставщику; лишние поля названы в записи.",
        en: "The provider's response has fields that the agreement does not name, and the agreement has such responses refused. Tell the provider; the record names the fields.",
    },
};
