//! `kelisim certs verify`: the verifier of the gateway on files.

use jiff::Timestamp;

use crate::certificate::Certificate;
use crate::danger::danger_trust_without_revocation;
use crate::keys::{read_certificates, read_crls};
use crate::trust::{AnchorError, Purpose, Trust, TrustAnchors, TrustSet, Untrusted, VerifiedChain};

/// What to verify.
#[derive(Clone, Copy, Debug)]
pub struct Inspection<'a> {
    /// Trust anchors, PEM. Those that could not be enrolled are not believed.
    pub anchors: &'a [u8],
    /// Revocation lists, PEM or DER. Without them nobody asks whether something was revoked.
    pub crls: Option<&'a [u8]>,
    /// The chain, PEM, leaf first.
    pub chain: &'a [u8],
    /// What it would be presented for.
    pub purpose: Purpose,
    /// The name that the leaf must be for, if it matters.
    pub name: Option<&'a str>,
    /// As of when.
    pub at: Timestamp,
}

/// What the gateway would say.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It would be let in.
    Accepted {
        /// Who it is.
        chain: VerifiedChain,
        /// Whether revocation was asked about.
        revocation: Revocation,
    },
    /// It would not.
    Rejected(Untrusted),
}

/// Whether revocation was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Every certificate below the anchor is settled by a revocation list.
    Asked,
    /// No lists were given; the gateway itself would refuse.
    NotAsked,
}

/// Verifies as the gateway would.
pub fn inspect(inspection: Inspection<'_>) -> Verdict {
    match run(inspection) {
        Ok((chain, revocation)) => Verdict::Accepted { chain, revocation },
        Err(untrusted) => Verdict::Rejected(untrusted),
    }
}

fn run(inspection: Inspection<'_>) -> Result<(VerifiedChain, Revocation), Untrusted> {
    let Inspection { anchors, crls, chain, purpose, name, at } = inspection;
    let (anchors, refused) = TrustAnchors::fit_from_pem(anchors, at).map_err(told)?;
    let chain = read_certificates(chain).map_err(|error| Untrusted::Malformed(error.to_string()))?;
    // Whoever runs this has no configured authorities: those of the chain stand in for them.
    let issuing = chain[1..].iter().filter(|der| Certificate::read(der).is_ok()).cloned().collect();
    let unreadable = |error: &dyn std::error::Error| Untrusted::Malformed(error.to_string());
    let (set, revocation) = match crls {
        Some(crls) => {
            let crls = read_crls(crls).map_err(|error| unreadable(&error))?;
            (TrustSet::load(anchors, issuing, &crls), Revocation::Asked)
        }
        None => (danger_trust_without_revocation(anchors, issuing), Revocation::NotAsked),
    };
    let trust = Trust::new(set.map_err(|error| unreadable(&error))?);
    let verified =
        trust.verify(&chain, purpose, at).map_err(|untrusted| match refused.into_iter().next() {
            Some(refused) if untrusted == Untrusted::ChainIncomplete => told(refused),
            _ => untrusted,
        })?;
    if let Some(name) = name {
        verified.check_name(name)?;
    }
    Ok((verified, revocation))
}

fn told(error: AnchorError) -> Untrusted {
    Untrusted::AnchorRefused(match &error {
        AnchorError::Unfit { fault, .. } => format!("{error}: {fault}"),
        AnchorError::NotPem | AnchorError::None => error.to_string(),
    })
}
