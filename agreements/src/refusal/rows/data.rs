//! What is asked for.

use crate::refusal::{Culprit, Row, Words};

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

/// `official-use-not-allowed`
pub const OFFICIAL_USE_NOT_ALLOWED: Row = Row {
    code: "official-use-not-allowed",
    clause: "Portal 3",
    status: 403,
    culprit: Culprit::Provider,
    words: Words {
        kk: "Ақпарат қызмет бабында пайдалануға арналған, ал ереженің негіздері оны беруге жол бермейді. Жол беретін акт аталған ереженің жаңа нұсқасын келісіңіз.",
        ru: "Сведения предназначены для служебного пользования, а основания правил не допускают их передачи. Согласуйте новую версию правил, называющую акт, который её допускает.",
        en: "The data is for official use, and no act on which the agreement stands lets it pass. Have a new version concurred in that names an act which does.",
    },
};
