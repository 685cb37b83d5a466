//! Authorities, certificates and lists for tests, each bent as the test needs it.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "every test file uses its own part")]

use certs::{CertificateDer, TrustAnchors, TrustSet};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};

/// The day on which tests happen; certificates and lists below hold on it.
pub fn today() -> Timestamp {
    at("2026-11-15T12:00:00Z")
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub struct Ca {
    pub der: CertificateDer<'static>,
    pub pem: String,
    pub issuer: Issuer<'static, KeyPair>,
}

pub struct Leaf {
    pub der: CertificateDer<'static>,
    pub pem: String,
    pub key: KeyPair,
}

pub fn root(name: &str) -> Ca {
    root_with(name, KeyPair::generate().unwrap(), |_| {})
}

pub fn root_with(name: &str, key: KeyPair, bend: impl FnOnce(&mut CertificateParams)) -> Ca {
    let mut params = ca_params(name);
    bend(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    Ca { der: certificate.der().clone(), pem: certificate.pem(), issuer: Issuer::new(params, key) }
}

impl Ca {
    pub fn below(&self, name: &str, bend: impl FnOnce(&mut CertificateParams)) -> Ca {
        let mut params = ca_params(name);
        bend(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Ca { der: certificate.der().clone(), pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    pub fn leaf(&self, bend: impl FnOnce(&mut CertificateParams)) -> Leaf {
        self.leaf_of(KeyPair::generate().unwrap(), bend)
    }

    pub fn leaf_of(&self, key: KeyPair, bend: impl FnOnce(&mut CertificateParams)) -> Leaf {
        let mut params = CertificateParams::new(["system.test".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "system");
        params.not_before = date_time_ymd(2026, 6, 1);
        params.not_after = date_time_ymd(2027, 6, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.serial_number = Some(SerialNumber::from(7));
        bend(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf { der: certificate.der().clone(), pem: certificate.pem(), key }
    }

    pub fn crl(&self, revoked: &[u64]) -> Vec<u8> {
        self.crl_with(revoked, |_| {})
    }

    /// Good for November 2026; revocations are of the tenth.
    pub fn crl_with(
        &self,
        revoked: &[u64],
        bend: impl FnOnce(&mut CertificateRevocationListParams),
    ) -> Vec<u8> {
        let mut params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 11, 1),
            next_update: date_time_ymd(2026, 12, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked
                .iter()
                .map(|serial| RevokedCertParams {
                    serial_number: SerialNumber::from(*serial),
                    revocation_time: date_time_ymd(2026, 11, 10),
                    reason_code: None,
                    invalidity_date: None,
                })
                .collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        bend(&mut params);
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }

    pub fn anchors(&self) -> TrustAnchors {
        TrustAnchors::from_pem(self.pem.as_bytes(), today()).unwrap()
    }

    pub fn set(&self, issuing: &[&Ca], crls: &[Vec<u8>]) -> TrustSet {
        let issuing = issuing.iter().map(|ca| ca.der.clone()).collect();
        TrustSet::load(self.anchors(), issuing, crls).unwrap()
    }
}

fn ca_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2030, 1, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(SerialNumber::from(3));
    params
}
