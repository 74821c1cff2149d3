//! The operator's own certificate, from PEM files.

use std::fs;
use std::path::PathBuf;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::date::Clock;
use super::facts::CertificateContents;

/// Where the operator's certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorFiles {
    /// The chain, PEM, the device's own certificate first.
    pub certificate: PathBuf,
    /// Its private key, PEM, without a password.
    pub key: PathBuf,
}

/// Why the operator's certificate cannot be used. The device's own is used instead, and the screen says so.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// A file cannot be read.
    #[error("{path}: {source}; give the user that runs subrosa the right to read it")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No certificate in the file.
    #[error("{0}: holds no certificate in PEM format; it begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate(PathBuf),
    /// No key in the file.
    #[error("{0}: holds no private key in PEM format without a password; it begins with -----BEGIN PRIVATE KEY-----")]
    NoKey(PathBuf),
    /// Key and certificate are not a pair.
    #[error("{0}: is not the key of the first certificate in the chain; put the device's own certificate first")]
    NotAPair(PathBuf),
    /// The last day has passed.
    #[error("{0}: the certificate has expired; renew it")]
    Expired(PathBuf),
    /// The first day has not come.
    #[error("{0}: the certificate is not valid yet; check the clock of the device")]
    NotYetValid(PathBuf),
}

/// A certificate that can be served.
pub struct OperatorCertificate {
    /// Chain and key.
    pub certified: CertifiedKey,
    /// What the first certificate of the chain says.
    pub contents: CertificateContents,
}

impl OperatorFiles {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// When they cannot be used; the error names the file and what would be right.
    pub fn load(&self, clock: Clock, provider: &CryptoProvider) -> Result<OperatorCertificate, OperatorError> {
        let read = |path: &PathBuf| fs::read(path).map_err(|source| OperatorError::Read { path: path.clone(), source });
        let no_certificate = || OperatorError::NoCertificate(self.certificate.clone());
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(&self.certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|_error| no_certificate())?;
        let contents = chain.first().and_then(CertificateContents::read).ok_or_else(no_certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?)
            .map_err(|_error| OperatorError::NoKey(self.key.clone()))?;
        let certified =
            CertifiedKey::from_der(chain, key, provider).map_err(|_error| OperatorError::NotAPair(self.key.clone()))?;
        if let Clock::Believed(now) = clock {
            if now > contents.not_after {
                return Err(OperatorError::Expired(self.certificate.clone()));
            }
            if now < contents.not_before {
                return Err(OperatorError::NotYetValid(self.certificate.clone()));
            }
        }
        Ok(OperatorCertificate { certified, contents })
    }
}
