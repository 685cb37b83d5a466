//! What the service says (NCANode 3, `CmsVerificationResponse`), held against what was asked.
//!
//! Source: NCANode's `CmsService.verify` and `CertificateWrapper`. It says `valid` of a signature whose signer's certificate it
//! did not find, and of one whose revocation it was not asked about or had nobody to ask; so each signer has to be there, by
//! the very certificate that the signature brings, with what was found of its revocation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certs::document::{DocumentFault, NationalSigner};
use serde::Deserialize;

use super::Trouble;
use crate::config::RevocationCheck;

/// Why what the service says is no answer to what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// It came before the end of the question.
    #[error("the service answers before it was asked all")]
    Early,
    /// It broke off, or is longer than any can be.
    #[error("the service's answer is too long, or broke off")]
    Length,
    /// It is no JSON of the form that it should have.
    #[error("the service's answer is none of NCANode's")]
    Form,
    /// It speaks of more signers than there are, of fewer, or of others.
    #[error("the service speaks of other signers than the signature has")]
    Signers,
    /// It does not say that revocation was looked at as it was asked to.
    #[error("the service does not say of each signer what it found of its revocation")]
    Revocation,
}

#[derive(Deserialize)]
struct Said {
    valid: bool,
    signers: Vec<SignerSaid>,
}

#[derive(Deserialize)]
struct SignerSaid {
    certificates: Vec<CertificateSaid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CertificateSaid {
    valid: bool,
    revocations: Vec<RevocationSaid>,
    serial_number: String,
    signature: String,
    subject: SubjectSaid,
}

#[derive(Deserialize)]
struct RevocationSaid {
    revoked: bool,
    by: String,
}

#[derive(Deserialize)]
struct SubjectSaid {
    #[serde(default)]
    iin: Option<String>,
    #[serde(default)]
    bin: Option<String>,
}

/// Whether the service vouches for each of `signers`, and for nobody else.
///
/// # Errors
/// [`Trouble`]: it does not.
pub(super) fn judge(
    body: &[u8],
    signers: &[NationalSigner],
    checks: &[RevocationCheck],
) -> Result<(), Trouble> {
    let said: Said = serde_json::from_slice(body).map_err(|_| Trouble::Answer(AnswerFault::Form))?;
    let certificates = || said.signers.iter().flat_map(|signer| &signer.certificates);
    if certificates().any(|one| one.revocations.iter().any(|found| found.revoked)) {
        return Err(Trouble::Refuted(DocumentFault::SignerRevoked));
    }
    if certificates().any(|one| !one.valid) {
        return Err(Trouble::Refuted(DocumentFault::SignerUntrusted(NOT_VALID)));
    }
    if !said.valid {
        return Err(Trouble::Refuted(DocumentFault::Invalid));
    }
    let mut left: Vec<&NationalSigner> = signers.iter().collect();
    for signer in &said.signers {
        let [certificate] = signer.certificates.as_slice() else {
            return Err(Trouble::Answer(AnswerFault::Signers));
        };
        let at = left.iter().position(|one| certificate.is_of(one));
        left.swap_remove(at.ok_or(Trouble::Answer(AnswerFault::Signers))?);
        let is_told =
            |check: &RevocationCheck| certificate.revocations.iter().any(|found| found.by == check.as_str());
        if !checks.iter().all(is_told) {
            return Err(Trouble::Answer(AnswerFault::Revocation));
        }
    }
    if left.is_empty() { Ok(()) } else { Err(Trouble::Answer(AnswerFault::Signers)) }
}

impl CertificateSaid {
    /// Whether it is that signer's: by number, by its issuer's signature, and by whom it names.
    fn is_of(&self, signer: &NationalSigner) -> bool {
        let number: String = signer.serial.iter().map(|byte| format!("{byte:02x}")).collect();
        let is_named = |ours: Option<String>, said: &Option<String>| ours.is_none() || ours == *said;
        self.serial_number.trim_start_matches('0').eq_ignore_ascii_case(number.trim_start_matches('0'))
            && STANDARD.decode(&self.signature).is_ok_and(|bytes| bytes == signer.certificate_signature)
            && is_named(signer.subject.iin.clone(), &self.subject.iin)
            && is_named(signer.subject.bin.as_ref().map(ToString::to_string), &self.subject.bin)
    }
}

/// What the service says of a certificate without saying why.
const NOT_VALID: &str = "not-valid-to-service";

#[cfg(test)]
mod tests {
    use certs::document::{Digests, NationalAlgorithm, NationalPerson, read_national, sign_nationally};
    use certs::trust::{Trust, TrustAnchors, TrustSet};
    use serde_json::{Value, json};

    use super::*;
    use crate::clock;

    fn person(serial: u8) -> NationalPerson {
        let bin = Some("000140000011");
        NationalPerson::new(NationalAlgorithm::Gost2015, serial, "Head", "860101300123", bin, clock::now())
    }

    fn signers(people: &[&NationalPerson]) -> Vec<NationalSigner> {
        let dir = tempfile::tempdir().unwrap();
        let authority =
            certs::authority::Authority::create(&dir.path().join("authority"), clock::now()).unwrap();
        let anchors =
            TrustAnchors::from_pem(authority.anchors_pem().unwrap().as_bytes(), clock::now()).unwrap();
        let trust = Trust::new(TrustSet::load(anchors, Vec::new(), &[]).unwrap());
        let content = Digests::default().finish();
        let der = sign_nationally(&content, people, clock::now());
        read_national(&der, &content, None, &trust, clock::now()).unwrap()
    }

    /// As NCANode says it.
    fn certificate(person: &NationalPerson) -> Value {
        let serial: String = person.serial().iter().map(|byte| format!("{byte:02x}")).collect();
        json!({
            "valid": true,
            "revocations": [{ "revoked": false, "by": "OCSP", "revocationTime": null, "reason": "OK" }],
            "notBefore": "2026-05-19T04:50:54.000+00:00", "notAfter": "2027-05-19T04:50:54.000+00:00",
            "keyUsage": "SIGN", "serialNumber": serial.trim_start_matches('0'),
            "signAlg": "ECGOST3410-2015-512", "keyUser": ["ORGANIZATION", "CEO"], "publicKey": "BAQE",
            "signature": STANDARD.encode(person.seal()),
            "subject": { "commonName": "Head", "iin": "860101300123", "bin": "000140000011", "country": "KZ" },
            "issuer": { "commonName": "National authority (GOST)", "country": "KZ" },
        })
    }

    fn answer(certificates: &[Value]) -> Value {
        let signers: Vec<Value> =
            certificates.iter().map(|one| json!({ "certificates": [one], "tsp": null })).collect();
        json!({ "status": 200, "message": "OK", "valid": true, "signers": signers })
    }

    const OCSP: &[RevocationCheck] = &[RevocationCheck::Ocsp];

    /// C5
    #[test]
    fn answer_that_vouches_for_each_signer_in_any_order_counts() {
        let (head, deputy) = (person(1), person(2));
        let (one, two) = (certificate(&head), certificate(&deputy));
        let both = signers(&[&head, &deputy]);
        for order in [[one.clone(), two.clone()], [two, one.clone()]] {
            let said = answer(&order).to_string();
            assert_eq!(judge(said.as_bytes(), &both, OCSP), Ok(()));
        }
        let twice = signers(&[&head, &head]);
        assert_eq!(judge(answer(&[one.clone(), one]).to_string().as_bytes(), &twice, OCSP), Ok(()));
    }

    /// C5: what does not say enough says nothing.
    #[test]
    fn hostile_answers_vouch_for_nobody() {
        let (head, deputy) = (person(1), person(2));
        let (one, two) = (certificate(&head), certificate(&deputy));
        let both = signers(&[&head, &deputy]);
        let bent = |bend: &dyn Fn(&mut Value)| {
            let mut said = answer(&[one.clone(), two.clone()]);
            bend(&mut said);
            said
        };
        let first =
            |bend: &dyn Fn(&mut Value)| bent(&|said| bend(&mut said["signers"][0]["certificates"][0]));
        let fault = |fault| Trouble::Answer(fault);
        let refuted = Trouble::Refuted;
        let (form, others, unchecked) =
            (fault(AnswerFault::Form), fault(AnswerFault::Signers), fault(AnswerFault::Revocation));
        let ours = DocumentFault::SignerUntrusted(NOT_VALID);
        for (what, said, trouble) in [
            ("no", bent(&|said| said["valid"] = false.into()), refuted(DocumentFault::Invalid)),
            ("nearly yes", bent(&|said| said["valid"] = "true".into()), form.clone()),
            ("neither", bent(&|said| drop(said.as_object_mut().unwrap().remove("valid"))), form.clone()),
            ("no signers", answer(&[]), others.clone()),
            ("none at all", bent(&|said| said["signers"] = Value::Null), form.clone()),
            ("fewer", answer(std::slice::from_ref(&one)), others.clone()),
            ("more", answer(&[one.clone(), two.clone(), two.clone()]), others.clone()),
            ("one twice", answer(&[one.clone(), one.clone()]), others.clone()),
            ("another", answer(&[one.clone(), certificate(&person(3))]), others.clone()),
            (
                "one without a certificate",
                bent(&|said| said["signers"][0]["certificates"] = json!([])),
                others.clone(),
            ),
            (
                "one with two",
                bent(&|said| said["signers"][0]["certificates"] = json!([one, two])),
                others.clone(),
            ),
            ("a certificate in doubt", first(&|one| one["valid"] = false.into()), refuted(ours)),
            ("nothing of revocation", first(&|one| one["revocations"] = json!([])), unchecked.clone()),
            ("lists alone", first(&|one| one["revocations"][0]["by"] = "CRL".into()), unchecked.clone()),
            (
                "revoked",
                first(&|one| one["revocations"][0]["revoked"] = true.into()),
                refuted(DocumentFault::SignerRevoked),
            ),
            (
                "revoked by something else",
                first(&|one| {
                    let other = json!({ "revoked": true, "by": "CRL" });
                    one["revocations"].as_array_mut().unwrap().push(other);
                }),
                refuted(DocumentFault::SignerRevoked),
            ),
            ("another body's", first(&|one| one["subject"]["bin"] = "000140000022".into()), others.clone()),
            (
                "nobody's",
                first(&|one| drop(one["subject"].as_object_mut().unwrap().remove("iin"))),
                others.clone(),
            ),
            (
                "without a name",
                first(&|one| drop(one.as_object_mut().unwrap().remove("subject"))),
                form.clone(),
            ),
            ("another number", first(&|one| one["serialNumber"] = "1".into()), others.clone()),
            ("another seal", first(&|one| one["signature"] = "AAAA".into()), others.clone()),
            ("no base64", first(&|one| one["signature"] = "?".into()), others.clone()),
        ] {
            assert_eq!(judge(said.to_string().as_bytes(), &both, OCSP), Err(trouble), "{what}");
        }
        let fine = answer(&[one, two]).to_string();
        let doubled = fine.replacen("\"valid\":true", "\"valid\":false,\"valid\":true", 1);
        let nested = "[".repeat(100_000);
        for garbage in ["", "OK", "null", "{}", "[]", &fine[..fine.len() - 1], &doubled, &nested] {
            assert_eq!(judge(garbage.as_bytes(), &both, OCSP), Err(form.clone()), "{}", garbage.len());
        }
        let asked = [RevocationCheck::Ocsp, RevocationCheck::Crl];
        assert_eq!(judge(fine.as_bytes(), &both, &asked), Err(unchecked), "each way that was asked for");
    }
}
