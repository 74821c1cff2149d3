//! The device's own authority, and the certificate that it issues for the device.
//!
//! The authority may issue for this device's names and addresses and for nothing else (name constraints, RFC 5280,
//! section 4.2.1.10), so that whoever installs it on a phone trusts it with this one device. Verifiers may pass over
//! the constraints of what was installed (RFC 5280, section 6.1: a trust anchor is a name and a key), but not over
//! those of what it has issued. So there are two: the *root*, which is installed, and the *issuer*, which the root
//! signs with the same constraints before its key is thrown away. Who steals the device's keys has the issuer's.
//!
//! Keys, names and serial numbers are new whenever they are made: browsers that knew the ones before must not confuse
//! them.

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
}

/// What the device issues its certificates with.
pub struct Authority {
    /// What people install; its key is gone.
    pub root: CertificateDer<'static>,
    /// Issued by the root, and issuing.
    pub issuer: Pair,
    /// The root as PEM.
    pub root_text: String,
}

impl Authority {
    /// Makes an authority that may issue for these names.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn new(names: &Names) -> Result<Self, IssueError> {
        let root_key = KeyPair::generate()?;
        let root = authority_parameters(names, "device authority", 1)?;
        let certificate = root.self_signed(&root_key)?;
        let key = KeyPair::generate()?;
        let mut parameters = authority_parameters(names, "device issuer", 0)?;
        parameters.use_authority_key_identifier_extension = true;
        let issuer = parameters.signed_by(&key, &Issuer::from_params(&root, &root_key))?;
        Ok(Authority { root: certificate.der().clone(), issuer: Pair::new(&issuer, key), root_text: certificate.pem() })
    }

    /// Reads [`Authority::root_text`] and the issuer's [`Pair::text`]; `None` when they are none.
    #[must_use]
    pub fn from_texts(root: &str, issuer: &str) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(root.as_bytes()).ok()?;
        Some(Authority { root: certificate, issuer: Pair::from_text(issuer)?, root_text: root.to_owned() })
    }

    /// Issues a certificate for these names, valid from a day before `from`.
    ///
    /// # Errors
    /// When the system gives no random numbers, or the issuer is none.
    pub fn issue(&self, names: &Names, from: Date) -> Result<Pair, IssueError> {
        let key = KeyPair::generate()?;
        let issuer = Issuer::from_ca_cert_der(&self.issuer.certificate, &self.issuer.key)?;
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

/// An authority of twenty years that may have `below` others under it.
fn authority_parameters(names: &Names, title: &str, below: u8) -> Result<CertificateParams, IssueError> {
    let serial = random::<16>()?;
    let mark: String = serial.iter().skip(1).take(4).map(|byte| format!("{byte:02X}")).collect();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = named(&format!("Subrosa {title} {mark}"));
    parameters.serial_number = Some(SerialNumber::from_slice(&serial));
    parameters.not_before = date(FLOOR)?;
    parameters.not_after = date(CEILING)?;
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.name_constraints = Some(constraints(names));
    Ok(parameters)
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
