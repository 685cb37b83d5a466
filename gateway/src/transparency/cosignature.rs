//! Cosignatures: a witness states that it saw a checkpoint, consistent with all it saw before, and when
//! (C2SP `tlog-cosignature`).

use super::checkpoint::Checkpoint;
use super::key::{Scheme, SigningKey, VerifierKey};
use super::note::{Note, NoteError, Signature};

/// Cosigns the checkpoint that `note` is, with a key for cosignatures.
///
/// # Errors
/// [`NoteError::Form`]: the note is no checkpoint, or the time is none that may stand there. [`NoteError::Scheme`]:
/// the key is a log's.
pub fn cosign(note: &Note, key: &SigningKey, posix_seconds: u64) -> Result<Signature, NoteError> {
    let message = message(key.verifier(), note.text(), posix_seconds)?;
    let signature = key.sign(&message)?;
    let bytes = [&posix_seconds.to_be_bytes()[..], &signature].concat();
    Ok(Signature::new(key.verifier(), bytes))
}

/// When `key` cosigned the checkpoint of `text`, if `signature` is its cosignature.
pub(super) fn verified_at(key: &VerifierKey, text: &str, signature: &[u8]) -> Option<u64> {
    let (time, signature) = signature.split_first_chunk()?;
    let posix_seconds = u64::from_be_bytes(*time);
    let message = message(key, text, posix_seconds).ok()?;
    key.holds(&message, signature).then_some(posix_seconds)
}

/// What is signed.
fn message(key: &VerifierKey, text: &str, posix_seconds: u64) -> Result<Vec<u8>, NoteError> {
    let checkpoint: Checkpoint = text.parse()?;
    // The specification's bounds; zero would say that no time is stated, which a witness must.
    if !(1..=i64::MAX as u64).contains(&posix_seconds) {
        return Err(NoteError::Form("the time of a cosignature"));
    }
    match key.scheme() {
        Scheme::Ed25519 => Err(NoteError::Scheme),
        Scheme::Cosignature => Ok(format!("cosignature/v1\ntime {posix_seconds}\n{text}").into_bytes()),
        Scheme::CosignatureMlDsa44 => subtree(key.name().as_str(), posix_seconds, &checkpoint),
    }
}

/// `cosigned_message` over a whole tree. It leaves the checkpoint's further lines out.
fn subtree(name: &str, posix_seconds: u64, checkpoint: &Checkpoint) -> Result<Vec<u8>, NoteError> {
    let mut message = b"subtree/v1\n\0".to_vec();
    let push = |text: &str, message: &mut Vec<u8>| {
        message.push(u8::try_from(text.len()).map_err(|_| NoteError::TooLong)?);
        message.extend_from_slice(text.as_bytes());
        Ok::<_, NoteError>(())
    };
    push(name, &mut message)?;
    message.extend_from_slice(&posix_seconds.to_be_bytes());
    push(&checkpoint.origin, &mut message)?;
    message.extend_from_slice(&0u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size.to_be_bytes());
    message.extend_from_slice(&checkpoint.root.0);
    Ok(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transparency::Hash;

    fn key(scheme: Scheme) -> SigningKey {
        SigningKey::generate(&"witness.example/w1".parse().unwrap(), scheme).unwrap().0
    }

    fn log_note(extensions: &[&str]) -> Note {
        let mut checkpoint = Checkpoint::new("example.com/log", 7, Hash([9; 32]));
        checkpoint.extensions = extensions.iter().map(ToString::to_string).collect();
        checkpoint.note().unwrap()
    }

    #[test]
    fn cosignature_tells_who_and_when() {
        for scheme in [Scheme::Cosignature, Scheme::CosignatureMlDsa44] {
            let key = key(scheme);
            let mut note = log_note(&[]);
            note.add(cosign(&note, &key, 1_679_315_147).unwrap()).unwrap();
            let note = Note::parse(note.to_string().as_bytes()).unwrap();
            let keys = [key.verifier().clone()];
            let (checkpoint, signed) = Checkpoint::verified(&note, &keys).unwrap();
            assert_eq!(checkpoint.size, 7);
            assert_eq!(signed[0].posix_seconds, Some(1_679_315_147), "{scheme:?}");
        }
    }

    #[test]
    fn the_time_is_signed_too() {
        for scheme in [Scheme::Cosignature, Scheme::CosignatureMlDsa44] {
            let key = key(scheme);
            let note = log_note(&[]);
            let keys = [key.verifier().clone()];
            let signature = cosign(&note, &key, 1_679_315_147).unwrap();
            let message = message(key.verifier(), note.text(), 1_679_315_147).unwrap();
            let bytes = key.sign(&message).unwrap();
            let mut genuine = note.clone();
            genuine.add(signature).unwrap();
            assert!(genuine.verify(&keys).is_ok());
            let later = [&1_679_315_148u64.to_be_bytes()[..], &bytes].concat();
            let mut forged = note.clone();
            forged.add(Signature::new(key.verifier(), later)).unwrap();
            assert_eq!(forged.verify(&keys), Err(NoteError::Forged(key.verifier().name().clone())));
        }
    }

    #[test]
    fn the_signed_message_is_that_of_the_specification() {
        let key = key(Scheme::Cosignature);
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let signed = message(key.verifier(), text, 1_679_315_147).unwrap();
        assert_eq!(signed, format!("cosignature/v1\ntime 1679315147\n{text}").into_bytes());
    }

    #[test]
    fn the_subtree_message_has_the_lengths_of_the_specification() {
        let checkpoint = Checkpoint::new("log", 0x0102, Hash([7; 32]));
        let message = subtree("w", 3, &checkpoint).unwrap();
        let expected = [
            b"subtree/v1\n\0\x01w\0\0\0\0\0\0\0\x03\x03log".as_slice(),
            &[0; 8],
            &[0, 0, 0, 0, 0, 0, 1, 2],
            &[7; 32],
        ];
        assert_eq!(message, expected.concat());
        assert_eq!(subtree(&"w".repeat(256), 3, &checkpoint), Err(NoteError::TooLong));
    }

    #[test]
    fn ed25519_cosignature_covers_further_lines_and_ml_dsa_does_not() {
        for (scheme, covers) in [(Scheme::Cosignature, true), (Scheme::CosignatureMlDsa44, false)] {
            let key = key(scheme);
            let signature = cosign(&log_note(&[]), &key, 5).unwrap();
            let mut other = log_note(&["further"]);
            other.add(signature).unwrap();
            assert_eq!(other.verify(&[key.verifier().clone()]).is_err(), covers, "{scheme:?}");
        }
    }

    #[test]
    fn no_key_cosigns_what_is_no_checkpoint_or_without_a_time() {
        let key = key(Scheme::Cosignature);
        let prose = Note::unsigned("prose\n").unwrap();
        assert!(cosign(&prose, &key, 5).is_err());
        assert!(cosign(&log_note(&[]), &key, 0).is_err());
        assert!(cosign(&log_note(&[]), &key, u64::MAX).is_err());
        let (log, _) = SigningKey::generate(&"a.example".parse().unwrap(), Scheme::Ed25519).unwrap();
        assert_eq!(cosign(&log_note(&[]), &log, 5), Err(NoteError::Scheme));
    }
}
