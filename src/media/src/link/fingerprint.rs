//! Whether the peer's DTLS certificate is the one in its description (P8; RFC 8122, section 5).
//!
//! webrtcbin before 1.28.5 does not look (only that there is a fingerprint at all), so we do, with every version.

use gstreamer::glib;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Why a certificate is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FingerprintError {
    /// There is none, or it cannot be read.
    #[error("the peer has shown no certificate that can be read")]
    Certificate,
    /// The description names none with a hash that is strong enough.
    #[error("the peer's description names no fingerprint with SHA-256, SHA-384 or SHA-512")]
    None,
    /// It is another one.
    #[error("the peer's certificate is not the one in its description: somebody is in between")]
    Other,
}

/// Compares a certificate (PEM) with all fingerprints of a description, as [`super::sdp::fingerprints`] gives
/// them. *Every* fingerprint with a hash we know must match, and there must be one: a second, weaker or other one beside
/// the right one is no reason to believe.
///
/// # Errors
/// When it is not the certificate of the description.
pub fn verify(pem: &str, fingerprints: &[(String, String)]) -> Result<(), FingerprintError> {
    let der = der(pem).ok_or(FingerprintError::Certificate)?;
    let mut matched = false;
    for (hash, named) in fingerprints {
        let actual = match hash.as_str() {
            "sha-256" => Sha256::digest(&der).to_vec(),
            "sha-384" => Sha384::digest(&der).to_vec(),
            "sha-512" => Sha512::digest(&der).to_vec(),
            _ => continue,
        };
        let named = bytes(named).ok_or(FingerprintError::Other)?;
        if !same(&actual, &named) {
            return Err(FingerprintError::Other);
        }
        matched = true;
    }
    if matched { Ok(()) } else { Err(FingerprintError::None) }
}

/// The bytes between the first pair of PEM borders (RFC 7468).
fn der(pem: &str) -> Option<Vec<u8>> {
    let body = pem.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END CERTIFICATE-----")?.0;
    let text: String = body.chars().filter(|character| !character.is_whitespace()).collect();
    let der = glib::base64_decode(&text);
    (!der.is_empty()).then_some(der)
}

/// `AB:CD:…` as bytes.
fn bytes(hexadecimal: &str) -> Option<Vec<u8>> {
    hexadecimal.split(':').map(|pair| (pair.len() == 2).then(|| u8::from_str_radix(pair, 16).ok()).flatten()).collect()
}

/// Compares in a time that does not depend on where the difference is.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && std::hint::black_box(one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nc3VicmVz\nYQ==\n-----END CERTIFICATE-----\n";

    fn fingerprint(digest: &[u8]) -> String {
        digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    fn sha256(text: &str) -> (String, String) {
        ("sha-256".into(), fingerprint(&Sha256::digest(text)))
    }

    #[test]
    fn p8_only_the_certificate_of_the_description_is_accepted() {
        assert_eq!(verify(PEM, &[sha256("subresa")]), Ok(()));
        let small = (String::from("sha-256"), sha256("subresa").1.to_lowercase());
        assert_eq!(verify(PEM, &[small]), Ok(()));
        let long = (String::from("sha-512"), fingerprint(&Sha512::digest("subresa")));
        assert_eq!(verify(PEM, &[long, sha256("subresa")]), Ok(()));
        assert_eq!(verify(PEM, &[sha256("subrosa")]), Err(FingerprintError::Other));
        assert_eq!(verify(PEM, &[sha256("subresa"), sha256("another")]), Err(FingerprintError::Other));
    }

    #[test]
    fn p8_nothing_weak_missing_or_broken_is_accepted() {
        let (_, right) = sha256("subresa");
        let short = right.get(..right.len() - 3).unwrap().to_owned();
        assert_eq!(verify(PEM, &[("sha-256".into(), short)]), Err(FingerprintError::Other));
        assert_eq!(verify(PEM, &[("sha-1".into(), right.clone())]), Err(FingerprintError::None));
        assert_eq!(verify(PEM, &[]), Err(FingerprintError::None));
        assert_eq!(verify(PEM, &[("sha-256".into(), String::new())]), Err(FingerprintError::Other));
        assert_eq!(verify("", &[("sha-256".into(), right)]), Err(FingerprintError::Certificate));
    }
}
