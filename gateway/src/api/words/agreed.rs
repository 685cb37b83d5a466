//! The table of problems with what is agreed, signed and ordered: code, status, titles.

use super::Row;

/// Kinds of problems with agreements and with what is signed beside them.
pub(super) const ALL: &[Row] = &[
    Row {
        code: "ruling-unfit",
        status: 422,
        kk: "Келісу нәтижесі толық емес",
        ru: "Результат согласования неполон",
        en: "The ruling is not complete",
    },
    Row {
        code: "ruling-of-other-document",
        status: 422,
        kk: "Келісу нәтижесі басқа құжатқа қатысты",
        ru: "Результат согласования относится к другому документу",
        en: "The ruling is on another document",
    },
    Row {
        code: "protocol-unfit",
        status: 422,
        kk: "Келіспеушілік хаттамасы жарамсыз",
        ru: "Протокол разногласий не подходит",
        en: "The protocol of disagreement does not do",
    },
    Row {
        code: "act-unfit",
        status: 422,
        kk: "Акт туралы мәлімет негіз ретінде жарамсыз",
        ru: "Сведения об акте как основании не подходят",
        en: "What is said of the act as a basis does not do",
    },
    Row {
        code: "template-unfit",
        status: 422,
        kk: "Үлгі жарамсыз",
        ru: "Шаблон не подходит",
        en: "The template does not do",
    },
    Row {
        code: "training-unfit",
        status: 422,
        kk: "Оқыту сертификаты туралы мәлімет толық емес",
        ru: "Сведения о сертификате об обучении неполны",
        en: "What is said of a training certificate is not complete",
    },
    Row {
        code: "paper-not-attached",
        status: 409,
        kk: "Аттестат немесе сертификат қол қойылғандар арасында жоқ",
        ru: "Аттестата или сертификата нет среди подписанного",
        en: "A paper is not among what was signed",
    },
    Row {
        code: "paper-without-document",
        status: 409,
        kk: "Аттестат немесе сертификат құжатсыз жазылған",
        ru: "Аттестат или сертификат записан без самого документа",
        en: "A paper was recorded without its document",
    },
    Row {
        code: "document-not-kept",
        status: 422,
        kk: "Аталған құжат депозитарийде жоқ",
        ru: "Названного документа нет в депозитарии",
        en: "A document that is named is not in the depositary",
    },
    Row {
        code: "delegation-unfit",
        status: 422,
        kk: "Өкілдік жарамсыз",
        ru: "Доверие полномочий непригодно",
        en: "The delegation cannot be used",
    },
    Row {
        code: "prescription-unfit",
        status: 422,
        kk: "Нұсқама жарамсыз",
        ru: "Предписание непригодно",
        en: "The prescription cannot be used",
    },
    Row {
        code: "user-list-old",
        status: 409,
        kk: "Тізім кезегімен емес",
        ru: "Список не по порядку",
        en: "The list is out of turn",
    },
    Row {
        code: "signer-not-named",
        status: 422,
        kk: "Қол қоюшы келісімде аталмаған",
        ru: "Подписавший не назван в соглашении",
        en: "The signer is not named in the agreement",
    },
    Row {
        code: "signer-missing",
        status: 409,
        kk: "Қол қоюшының қолы жетіспейді",
        ru: "Не хватает подписи названного лица",
        en: "A named signer has not signed",
    },
    Row {
        code: "agreement-version-old",
        status: 409,
        kk: "Нұсқа ескі",
        ru: "Версия устарела",
        en: "The version is old",
    },
];
