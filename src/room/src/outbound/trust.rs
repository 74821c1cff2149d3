//! Whom a server's certificate must come from: the system's authorities, and the operator's own if there is one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// Why nobody can be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The operator's file cannot be read.
    #[error("{path}: {source}; give the user that runs subrosa the right to read it")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It holds no certificate of an authority.
    #[error("{0}: holds no certificate of an authority in PEM format; it begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate(PathBuf),
    /// The system knows no authority, and the operator names none.
    #[error("this system knows no certificate authorities; install the package ca-certificates")]
    Nobody,
    /// The library refuses.
    #[error("the TLS library refuses its settings; install this program anew")]
    Tls(#[from] rustls::Error),
}

/// Settings of TLS for connections outward: 1.2 and 1.3, no client certificate, nothing remembered.
#[derive(Clone, Debug)]
pub struct Trust {
    tls: Arc<ClientConfig>,
}

impl Trust {
    /// Reads the system's authorities, and adds the operator's own (PEM, one or more). Reads files: not for a thread that
    /// has other things to do.
    ///
    /// # Errors
    /// When the operator's file cannot be used, or there is no authority at all.
    pub fn load(authority: Option<&Path>) -> Result<Self, TrustError> {
        let mut roots = RootCertStore::empty();
        // One of hundreds that cannot be read is left out: whoever needs it is not trusted.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = authority {
            let text = fs::read(path).map_err(|source| TrustError::Read { path: path.to_owned(), source })?;
            let own: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&text).flatten().collect();
            let (added, _ignored) = roots.add_parsable_certificates(own);
            if added == 0 {
                return Err(TrustError::NoCertificate(path.to_owned()));
            }
        }
        if roots.is_empty() {
            return Err(TrustError::Nobody);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Tickets would tell a server that the same device has been there before, and outlive the meeting (P6).
        tls.resumption = Resumption::disabled();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Trust { tls: Arc::new(tls) })
    }

    pub(super) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.tls)
    }
}
