//! What may be asked of the trial authority, in the form of Kazakhstan's registration certificates.

use agreements::Bin;
use rcgen::string::{Ia5String, PrintableString};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, KeyUsagePurpose, SanType,
};

use super::AuthorityError;

/// A certificate for a system.
#[derive(Clone, Debug)]
pub struct SystemRequest {
    /// The system's code: the common name.
    pub code: String,
    /// The holder's business identification number.
    pub bin: Bin,
    /// The holder.
    pub organisation: String,
    /// DNS names and IP addresses under which it is called.
    pub names: Vec<String>,
    /// How long the certificate lasts, at most as long as the issuing authority.
    pub days: u16,
}

/// A certificate for a person who signs for a body.
#[derive(Clone, Debug)]
pub struct PersonRequest {
    /// The person's name: the common name.
    pub name: String,
    /// The person's identification number, twelve digits.
    pub iin: String,
    /// The body's business identification number.
    pub bin: Bin,
    /// The body.
    pub organisation: String,
    /// How long the certificate lasts, at most as long as the issuing authority.
    pub days: u16,
}

impl SystemRequest {
    pub(super) fn params(&self) -> Result<CertificateParams, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&self.code, None, self.bin, &self.organisation)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        params.subject_alt_names = self
            .names
            .iter()
            .map(|name| match name.parse() {
                Ok(address) => Ok(SanType::IpAddress(address)),
                Err(_) => Ia5String::try_from(name.as_str())
                    .map(SanType::DnsName)
                    .map_err(|_| AuthorityError::Request("the DNS name")),
            })
            .collect::<Result<_, _>>()?;
        Ok(params)
    }
}

impl PersonRequest {
    /// To sign with.
    pub(super) fn signing(&self) -> Result<CertificateParams, AuthorityError> {
        let mut params = self.named()?;
        params.key_usages.push(KeyUsagePurpose::ContentCommitment);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
        Ok(params)
    }

    /// To show who is on the line.
    pub(super) fn client(&self) -> Result<CertificateParams, AuthorityError> {
        let mut params = self.named()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        Ok(params)
    }

    fn named(&self) -> Result<CertificateParams, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(&self.name, Some(&self.iin), self.bin, &self.organisation)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Ok(params)
    }
}

fn name(
    common: &str,
    iin: Option<&str>,
    bin: Bin,
    organisation: &str,
) -> Result<DistinguishedName, AuthorityError> {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, text(common, "the name")?);
    if let Some(iin) = iin {
        let number = PrintableString::try_from(format!("IIN{}", digits(iin, "the IIN")?))
            .map_err(|_| AuthorityError::Request("the IIN"))?;
        name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), DnValue::PrintableString(number));
    }
    name.push(DnType::CountryName, "KZ");
    name.push(DnType::OrganizationName, text(organisation, "the organisation")?);
    name.push(DnType::OrganizationalUnitName, format!("BIN{bin}"));
    Ok(name)
}

fn text<'a>(text: &'a str, what: &'static str) -> Result<&'a str, AuthorityError> {
    let fits = !text.trim().is_empty() && text.len() <= 512 && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(AuthorityError::Request(what)) }
}

fn digits<'a>(number: &'a str, what: &'static str) -> Result<&'a str, AuthorityError> {
    let fits = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit());
    if fits { Ok(number) } else { Err(AuthorityError::Request(what)) }
}
