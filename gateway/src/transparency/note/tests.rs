//! Notes of the specification, of our own, and of nobody.

use proptest::prelude::*;

use super::*;
use crate::transparency::Hash;
use crate::transparency::checkpoint::Checkpoint;

const NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

fn key() -> VerifierKey {
    KEY.parse().unwrap()
}

fn signing_key(name: &str) -> (SigningKey, String) {
    SigningKey::generate(&name.parse().unwrap(), Scheme::Ed25519).unwrap()
}

#[test]
fn the_note_of_the_specification_is_read_verified_and_written() {
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.text(), "This is an example message.\n");
    let keys = [key()];
    assert_eq!(note.verify(&keys).unwrap(), [Signed { key: &keys[0], posix_seconds: None }]);
    assert_eq!(note.to_string(), NOTE);
}

#[test]
fn text_with_empty_lines_ends_at_the_last_of_them() {
    let (key, _) = signing_key("a.example");
    let mut note = Note::unsigned("one\n\ntwo\n").unwrap();
    note.sign(&key).unwrap();
    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read, note);
    assert!(read.verify(&[key.verifier().clone()]).is_ok());
}

#[test]
fn signatures_of_unknown_keys_are_passed_over() {
    let (other, _) = signing_key("example.com/foo");
    let mut note = Note::parse(NOTE.as_bytes()).unwrap();
    note.sign(&other).unwrap();
    assert_eq!(note.signatures().len(), 2);
    assert_eq!(note.verify(&[key()]).unwrap().len(), 1);
    let stranger = [signing_key("example.com/foo").0.verifier().clone()];
    assert_eq!(note.verify(&stranger), Err(NoteError::Unsigned));
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));
}

#[test]
fn one_forged_signature_of_a_known_key_spoils_the_note() {
    let (other, _) = signing_key("other.example");
    let mut note = Note::parse(NOTE.replace("example message", "altered message").as_bytes()).unwrap();
    note.sign(&other).unwrap();
    let keys = [key(), other.verifier().clone()];
    assert_eq!(note.verify(&keys), Err(NoteError::Forged(key().name().clone())));
}

#[test]
fn a_signature_given_twice_counts_once() {
    let twice = format!("{NOTE}{}", NOTE.split_once("\n\n").unwrap().1);
    let note = Note::parse(twice.as_bytes()).unwrap();
    assert_eq!(note.verify(&[key()]).unwrap().len(), 1);
}

#[test]
fn what_is_spelled_otherwise_is_no_note() {
    let long = "x".repeat(Note::MAX_BYTES);
    let line = NOTE.split_once("\n\n").unwrap().1;
    let many = format!("text\n\n{}", line.repeat(Note::MAX_SIGNATURES + 1));
    let most = format!("text\n\n{}", line.repeat(Note::MAX_SIGNATURES));
    assert!(Note::parse(most.as_bytes()).is_ok());
    for text in [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        NOTE.trim_end(),
        &format!("{NOTE}\n"),
        &NOTE.replace("— ", "- "),
        &NOTE.replace("— ", "—  "),
        &NOTE.replace("— ", " — "),
        &NOTE.replace("/foo ", "/foo+ "),
        &NOTE.replace("/foo ", "/foo\u{a0}"),
        &NOTE.replace("aQM=", "aQM"),
        &NOTE.replace("aQM=", "aQN="),
        &NOTE.replace("aQM=\n", "aQM= \n"),
        &NOTE.replace('\n', "\r\n"),
        &NOTE.replace("message", "mess\tage"),
        "text\n\n— a.example AAAAAA==\n",
        "text\n\n— a.example AAA=\n",
        &many,
        &format!("{long}{NOTE}"),
    ] {
        assert!(Note::parse(text.as_bytes()).is_err(), "{:?}", &text[..text.len().min(200)]);
    }
    assert!(Note::parse(b"text\xff\n\n").is_err());
    for text in ["", "text", "te\txt\n"] {
        assert!(Note::unsigned(text).is_err(), "{text:?}");
    }
}

#[test]
fn sixteen_signatures_of_the_longest_kind_fit() {
    let mut note = Checkpoint::new("a.example", 1, Hash([1; 32])).note().unwrap();
    for number in 0..16 {
        let name = format!("witness.example/w{number}").parse().unwrap();
        let (key, _) = SigningKey::generate(&name, Scheme::CosignatureMlDsa44).unwrap();
        note.add(cosignature::cosign(&note, &key, 1).unwrap()).unwrap();
    }
    assert_eq!(Note::parse(note.to_string().as_bytes()).unwrap(), note);
}

#[test]
fn published_crate_verifies_our_notes_and_we_verify_its() {
    let (ours, text) = signing_key("kelisim.example/log");
    let mut note = Checkpoint::new("kelisim.example/log", 3, Hash([5; 32])).note().unwrap();
    note.sign(&ours).unwrap();

    use signed_note::{Signer, StandardSigner, StandardVerifier, VerifierList};
    let verifier = StandardVerifier::new(&ours.verifier().to_string()).unwrap();
    let theirs = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
    let (known, unknown) = theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((known.len(), unknown.len()), (1, 0));

    let signer = StandardSigner::new(&text).unwrap();
    assert_eq!(signer.key_id(), ours.verifier().id());
    let mut made = signed_note::Note::new(note.text().as_bytes(), &[]).unwrap();
    made.add_sigs(&[&signer]).unwrap();
    let read = Note::parse(&made.to_bytes()).unwrap();
    assert_eq!(read, note, "Ed25519 is deterministic, so the two are equal to the byte");
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_is_read_is_written_back(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(note) = Note::parse(&bytes) {
            prop_assert_eq!(note.to_string().into_bytes(), bytes);
        }
    }

    #[test]
    fn no_changed_byte_verifies(at in 0..NOTE.len(), flip in 1..=255u8) {
        let mut bytes = NOTE.as_bytes().to_vec();
        bytes[at] ^= flip;
        if let Ok(note) = Note::parse(&bytes) {
            prop_assert!(note.verify(&[key()]).is_err());
        }
    }
}
