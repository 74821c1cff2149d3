//! The device's own authority, and the certificate that it issues for the device.
//!
//! The authority may issue for this device's names and addresses and for nothing else (name constraints, RFC 5280,
//! section 4.2.1.10), so that whoever installs it on a phone trusts it with this one device. Its key, its name and
//! its serial number are new whenever it is made: browsers that knew the one before must not confuse them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::date::{CEILING, DAY, Date, FLOOR};
use super::names::Names;

/// How long the device's certificate is valid: browsers refuse more than 398 days.
pub const VALIDITY: Date = 397 * DAY;
/// The certificate is made anew this long before it ends.
pub const RENEW_BEFORE: Date = 30 * DAY;
/// The certificate begins this long before it is made, for guests whose clocks are late.
pub const BACKDATED: Date = DAY;

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The library refused.
    #[error("a certificate could not be made: the random numbers of the system or the stored key are not usable")]
    Certificate(#[from] rcgen::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: restart the device")]
    Random,
    /// A date out of range.
    #[error("a date cannot be written into a certificate: set the clock of the device")]
    Date,
}

/// A certificate with its key.
pub struct Pair {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// Its key.
    pub key: KeyPair,
    /// Both as PEM, key first (RFC 7468).
    pub text: Zeroizing<String>,
}

impl Pair {
    /// Reads [`Pair::text`]; `None` when it is not one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok()?;
        let certificate = CertificateDer::from_pem_slice(text.as_bytes()).ok()?;
        Some(Pair { certificate, key: KeyPair::try_from(&key).ok()?, text: text.to_owned().into() })
    }

    fn new(certificate: &rcgen::Certificate, key: KeyPair) -> Self {
        let text = Zeroizing::new(key.serialize_pem() + &certificate.pem());
        Pair { certificate: certificate.der().clone(), key, text }
    }

    /// Makes an authority that may issue for these names.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new_authority(names: &Names) -> Result<Self, IssueError> {
        let key = KeyPair::generate()?;
        let serial = random::<16>()?;
        let mut parameters = CertificateParams::default();
        let mark: String = serial.iter().skip(1).take(4).map(|byte| format!("{byte:02X}")).collect();
        parameters.distinguished_name = named(&format!("Subrosa device authority {mark}"));
        parameters.serial_number = Some(SerialNumber::from_slice(&serial));
        parameters.not_before = date(FLOOR)?;
        parameters.not_after = date(CEILING)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.name_constraints = Some(constraints(names));
        Ok(Pair::new(&parameters.self_signed(&key)?, key))
    }

    /// Issues a certificate for these names, valid from a day before `from`.
    ///
    /// # Errors
    /// When the system gives no random numbers, or this is no authority.
    pub fn issue(&self, names: &Names, from: Date) -> Result<Self, IssueError> {
        let key = KeyPair::generate()?;
        let issuer = Issuer::from_ca_cert_der(&self.certificate, &self.key)?;
        let mut parameters = CertificateParams::default();
        let title = names.hosts.iter().find(|host| host.ends_with(".local")).or_else(|| names.hosts.first());
        parameters.distinguished_name = named(title.map_or("Subrosa", String::as_str));
        parameters.serial_number = Some(SerialNumber::from_slice(&random::<16>()?));
        let begin = from - BACKDATED;
        parameters.not_before = date(begin)?;
        // The last second counts as well (RFC 5280, section 4.1.2.5).
        parameters.not_after = date(begin + VALIDITY - 1)?;
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        for host in &names.hosts {
            parameters.subject_alt_names.push(SanType::DnsName(Ia5String::try_from(host.clone())?));
        }
        parameters.subject_alt_names.extend(names.addresses.iter().copied().map(SanType::IpAddress));
        Ok(Pair::new(&parameters.signed_by(&key, &issuer)?, key))
    }
}

/// An authority that permits no address at all has to say so: without a subtree of a kind, all of that kind are
/// permitted.
fn constraints(names: &Names) -> NameConstraints {
    let mut permitted: Vec<GeneralSubtree> = names.hosts.iter().cloned().map(GeneralSubtree::DnsName).collect();
    let single = |address: &IpAddr| CidrSubnet::from_addr_prefix(*address, if address.is_ipv4() { 32 } else { 128 });
    permitted.extend(names.addresses.iter().map(|address| GeneralSubtree::IpAddress(single(address))));
    let everything = |address: IpAddr| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, 0));
    let excluded = if names.addresses.is_empty() {
        vec![everything(Ipv4Addr::UNSPECIFIED.into()), everything(Ipv6Addr::UNSPECIFIED.into())]
    } else {
        Vec::new()
    };
    NameConstraints { permitted_subtrees: permitted, excluded_subtrees: excluded }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn date(seconds: Date) -> Result<OffsetDateTime, IssueError> {
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|_error| IssueError::Date)
}

/// Random bytes, the first one between 1 and 127: serial numbers are positive and have no leading zero.
fn random<const N: usize>() -> Result<[u8; N], IssueError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_error| IssueError::Random)?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 1;
    }
    Ok(bytes)
}
