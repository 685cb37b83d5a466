//! Refusals of requests that bear an idempotency key, or should.

use agreements::refusal::{Culprit, Row, Words};

/// `idempotency-key-missing`
pub const IDEMPOTENCY_KEY_MISSING: Row = Row {
    code: "idempotency-key-missing",
    clause: "Interaction 17.6",
    status: 400,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Бұл операцияның сұрауында Idempotency-Key тақырыбы болуы керек. Әр жаңа сұрауға жаңа кілт беріп, қайталағанда сол кілтті жіберіңіз.",
        ru: "Запрос этой операции должен нести заголовок Idempotency-Key. Давайте каждому новому запросу новый ключ, а при повторе шлите тот же.",
        en: "A request of this operation bears the header Idempotency-Key. Give each new request a new key, and each repeat the same one.",
    },
};

/// `idempotency-key-reused`
pub const IDEMPOTENCY_KEY_REUSED: Row = Row {
    code: "idempotency-key-reused",
    clause: "Interaction 17.6",
    status: 422,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Осы кілтпен бұрын басқа сұрау келген; бұл сұрау жіберілген жоқ. Жаңа сұрауға жаңа кілт беріңіз.",
        ru: "С этим ключом раньше пришёл другой запрос; этот не отправлен. Дайте новому запросу новый ключ.",
        en: "Another request came under this key before; this one was not sent. Give a new request a new key.",
    },
};

/// `idempotency-in-progress`
pub const IDEMPOTENCY_IN_PROGRESS: Row = Row {
    code: "idempotency-in-progress",
    clause: "Interaction 17.6",
    status: 409,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Осы кілтпен келген бірінші сұрау әлі орындалуда; бұл сұрау жіберілген жоқ. Сәл кейінірек сол кілтпен қайталаңыз.",
        ru: "Первый запрос с этим ключом ещё исполняется; этот не отправлен. Повторите немного позже с тем же ключом.",
        en: "The first request under this key is still under way; this one was not sent. Ask again shortly, under the same key.",
    },
};

/// `idempotency-outcome-unknown`
pub const IDEMPOTENCY_OUTCOME_UNKNOWN: Row = Row {
    code: "idempotency-outcome-unknown",
    clause: "Interaction 17.6",
    status: 409,
    culprit: Culprit::Us,
    words: Words {
        kk: "Осы кілтпен келген бірінші сұраудың орындалғаны белгісіз; бұл сұрау жіберілген жоқ. first_exchange өрісіндегі нөмірмен жеткізушіден сұраңыз; орындалмаған болса, жаңа кілтпен қайталаңыз.",
        ru: "Неизвестно, исполнен ли первый запрос с этим ключом; этот не отправлен. Спросите поставщика по номеру из поля first_exchange; если не исполнен, повторите с новым ключом.",
        en: "It is not known whether the first request under this key was carried out; this one was not sent. Ask the provider by the number in first_exchange; if it was not, ask again under a new key.",
    },
};

/// `idempotency-answer-not-kept`
pub const IDEMPOTENCY_ANSWER_NOT_KEPT: Row = Row {
    code: "idempotency-answer-not-kept",
    clause: "Interaction 17.6",
    status: 409,
    culprit: Culprit::Us,
    words: Words {
        kk: "Осы кілтпен келген бірінші сұрау орындалды, бірақ жауабы сақталмаған: ол тым үлкен немесе ереже содан бері өзгерген. Бұл сұрау жіберілген жоқ; нәтижесін жеткізушіден оқыңыз.",
        ru: "Первый запрос с этим ключом исполнен, но ответ не сохранён: он слишком велик, либо правила с тех пор изменились. Этот не отправлен; прочтите результат у поставщика.",
        en: "The first request under this key was carried out, but its answer is not kept: it was too large, or the agreement has changed since. This one was not sent; read the result from the provider.",
    },
};

/// `idempotency-keys-exhausted`
pub const IDEMPOTENCY_KEYS_EXHAUSTED: Row = Row {
    code: "idempotency-keys-exhausted",
    clause: "Interaction 17.7",
    status: 429,
    culprit: Culprit::Consumer,
    words: Words {
        kk: "Жүйенің сақталған кілттері тым көп; сұрау жіберілген жоқ. Ескілерінің мерзімі өткен соң қайталаңыз.",
        ru: "У системы слишком много сохранённых ключей; запрос не отправлен. Повторите, когда истечёт срок старых.",
        en: "The system has too many keys that are still kept; the request was not sent. Try again when older ones have expired.",
    },
};

/// `idempotency-unavailable`
pub const IDEMPOTENCY_UNAVAILABLE: Row = Row {
    code: "idempotency-unavailable",
    clause: "Interaction 17.6",
    status: 503,
    culprit: Culprit::Us,
    words: Words {
        kk: "Шлюз сұраудың кілтін сақтай алмай тұр; сұрау жіберілген жоқ. Кейінірек сол кілтпен қайталаңыз.",
        ru: "Шлюз не может сохранить ключ запроса; запрос не отправлен. Повторите позже с тем же ключом.",
        en: "The gateway cannot keep the key of the request, which was not sent. Try again later, under the same key.",
    },
};
