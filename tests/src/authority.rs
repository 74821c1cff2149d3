//! A certificate authority of a test, and a certificate of it: what a room trusts when its operator says so.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// Writes `authority.pem`, and a certificate of it for `localhost` and its address with its key in `certs/`.
///
/// # Panics
/// When it cannot.
pub fn write(folder: &Path) {
    fs::create_dir_all(folder.join("certs")).expect("a folder");
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let own = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
    let own = own.signed_by(&key, &issuer).expect("a certificate");
    for (name, text) in [
        ("authority.pem", issuer.pem()),
        ("certs/localhost.crt", own.pem()),
        ("certs/localhost.key", key.serialize_pem()),
    ] {
        fs::write(folder.join(name), text).expect("a certificate's file");
    }
}
