//! Reading a certificate: what it names, until when it is valid, who issued it.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::date::Date;
use super::names::Names;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateContents {
    /// First second of its validity.
    pub not_before: Date,
    /// Last second of its validity.
    pub not_after: Date,
    /// What it is issued for.
    pub names: Names,
    /// For an authority: what it may issue for.
    pub permitted: Names,
    /// Its issuer is its subject: no browser can check it.
    pub self_issued: bool,
}

impl CertificateContents {
    /// Reads a certificate; `None` when it is none.
    #[must_use]
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_rest, parsed) = X509Certificate::from_der(certificate).ok()?;
        let mut names = Names::default();
        if let Ok(Some(extension)) = parsed.subject_alternative_name() {
            for name in &extension.value.general_names {
                add(&mut names, name);
            }
        }
        let mut permitted = Names::default();
        if let Ok(Some(extension)) = parsed.name_constraints() {
            for subtree in extension.value.permitted_subtrees.iter().flatten() {
                add(&mut permitted, &subtree.base);
            }
        }
        Some(CertificateContents {
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            names,
            permitted,
            self_issued: parsed.issuer().as_raw() == parsed.subject().as_raw(),
        })
    }
}

/// The SHA-256 fingerprint as browsers show it: hexadecimal pairs with colons.
#[must_use]
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let pairs: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// In name constraints an address comes with its mask; only the masks of single addresses are ours.
fn add(names: &mut Names, name: &GeneralName<'_>) {
    match name {
        GeneralName::DNSName(host) => {
            names.hosts.insert(host.to_ascii_lowercase());
        }
        GeneralName::IPAddress(bytes) => {
            if let Some(address) = address(bytes) {
                names.addresses.insert(address);
            }
        }
        GeneralName::OtherName(..)
        | GeneralName::RFC822Name(_)
        | GeneralName::X400Address(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EDIPartyName(_)
        | GeneralName::URI(_)
        | GeneralName::RegisteredID(_)
        | GeneralName::Invalid(..) => {}
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(v4.into());
    }
    if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        return Some(v6.into());
    }
    let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
    let single = mask.iter().all(|byte| *byte == 0xff);
    if single && matches!(bytes.len(), 8 | 32) { self::address(address) } else { None }
}
