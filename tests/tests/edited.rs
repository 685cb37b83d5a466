//! What the fuzz targets demand, of a few hundred edits each: `tests/fuzz` goes on from there for as long as one likes.

#[path = "../fuzz/src"]
#[allow(unreachable_pub, reason = "they are a crate's parts there")]
mod fuzz {
    pub mod cms;
    pub mod documents;
    pub mod edits;
    pub mod forms;
    pub mod messages;
    pub mod national;
    pub mod pdf;

    #[path = "../../../adapters/tests/support/files.rs"]
    #[allow(dead_code, reason = "each user has a part of it")]
    mod files;
    mod signers;
    #[path = "../../../certs/tests/support/mod.rs"]
    mod support;
    mod tree;
}

/// Promise 7, C4
#[test]
fn edited_documents_and_forms_are_judged_alike_wherever_they_are_cut() {
    each(300, fuzz::documents::check);
    each(300, fuzz::forms::check);
}

/// Promise 7, C5
#[test]
fn edited_signatures_count_for_what_was_signed_or_not_at_all() {
    each(300, fuzz::cms::check);
    each(300, fuzz::messages::check);
    each(300, fuzz::national::check);
    each(50, fuzz::pdf::check);
}

/// Each kind of sample, with so many edits.
fn each(count: u64, check: fn(&[u8])) {
    check(&[]);
    for which in (0..=u8::MAX).step_by(5) {
        check(&[which, which]);
    }
    (0..count).for_each(|number| check(&fuzz::edits::said(number)));
}
