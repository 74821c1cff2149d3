//! The certificate that the page is served with: the operator's, or one from the device's own authority.
//!
//! What a guest's browser shows in each case, and how an operator gets rid of it, is in `docs/certificates.md`.

pub mod authority;
pub mod date;
pub mod decision;
pub mod facts;
pub mod names;
pub mod operator;
pub mod store;

use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::screen::view::Fault;
use authority::{Authority, IssueError, RENEW_BEFORE};
use date::{Clock, DAY, Date};
use decision::{Decision, decide};
use facts::{CertificateContents, fingerprint};
use names::Names;
pub use operator::{OperatorError, OperatorFiles};
use store::{Bundle, Store};

/// Looked at again after this long while something is wrong, in seconds: a full disk or a missing file may be mended.
pub const RETRY: Date = 60;

/// What others need to know about the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// SHA-256 of the certificate, in hexadecimal pairs with colons, as browsers show it.
    pub fingerprint: String,
    /// A browser can check it: it is the operator's, somebody else has issued it, and it names the host of the
    /// public URL where there is one.
    pub checked: bool,
    /// The host that links can name so that the check succeeds, where `checked` and there is no public URL.
    pub host: Option<String>,
}

/// Why there is no certificate at all.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// None could be made.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// The library refuses what was made.
    #[error("the TLS library refuses the device's certificate: remove the folder certificates/ of the room's state")]
    Tls(#[from] rustls::Error),
    /// What was made cannot be read.
    #[error("the device's certificate cannot be read: remove the folder certificates/ of the room's state")]
    Unreadable,
}

/// What there is after looking.
pub struct Certificate {
    /// For the server.
    pub tls: Arc<ServerConfig>,
    /// For the others.
    pub facts: CertificateFacts,
    /// All that the served certificate names.
    pub names: Names,
    /// The device's authority (DER), for those who want to install it; `None` with the operator's certificate.
    pub authority: Option<CertificateDer<'static>>,
    /// Things that a person can mend.
    pub faults: Vec<Fault>,
    /// Look again at this date, in seconds since 1970, and whenever clock or addresses change.
    pub look_again: Date,
}

/// Finds, makes and renews the certificate.
pub struct Certificates {
    operator: Option<OperatorFiles>,
    host_name: String,
    public_url: Option<String>,
    store: Store,
    bundle: Option<Bundle>,
    saved: bool,
    provider: Arc<CryptoProvider>,
}

impl Certificates {
    /// `state` is the room's own folder; the device's certificate is in `certificates/` in it.
    #[must_use]
    pub fn new(operator: Option<OperatorFiles>, host_name: &str, public_url: Option<&str>, state: &Path) -> Self {
        Certificates {
            operator,
            host_name: host_name.to_owned(),
            public_url: public_url.map(str::to_owned),
            store: Store::new(state.join("certificates")),
            bundle: None,
            saved: true,
            provider: Arc::new(rustls::crypto::ring::default_provider()),
        }
    }

    /// Looks at files, clock and addresses, and makes what is missing.
    ///
    /// # Errors
    /// When no certificate can be made at all.
    pub fn look(&mut self, clock: Clock, addresses: &[IpAddr]) -> Result<Certificate, CertificateError> {
        let mut faults = Vec::new();
        if clock == Clock::Wrong {
            faults.push(Fault::Clock);
        }
        let now = match clock {
            Clock::Believed(now) => now,
            Clock::Wrong => time::OffsetDateTime::now_utc().unix_timestamp(),
        };
        match self.operator.as_ref().map(|files| files.load(clock, &self.provider)) {
            Some(Ok(found)) => {
                let look_again = if faults.is_empty() { now + DAY } else { now + RETRY };
                return self.of_operator(found, faults, look_again);
            }
            Some(Err(error)) => {
                tracing::warn!("the operator's certificate is not used, the device's own is: {error}");
                faults.push(Fault::Certificate);
            }
            None => {}
        }
        self.of_device(clock, now, addresses, faults)
    }

    /// Writes the device's certificate if it is new. Apart from [`Certificates::look`], so that a slow disk does not
    /// keep the page from being served.
    ///
    /// # Errors
    /// When the disk is full or not writable; the certificate then lives in memory, and the next call tries again.
    pub fn keep(&mut self) -> io::Result<()> {
        if let (false, Some(bundle)) = (self.saved, &self.bundle) {
            self.store.save(bundle)?;
            self.saved = true;
        }
        Ok(())
    }

    fn of_operator(
        &self,
        found: operator::OperatorCertificate,
        faults: Vec<Fault>,
        look_again: Date,
    ) -> Result<Certificate, CertificateError> {
        let own = found.certified.end_entity_cert()?;
        let names = found.contents.names;
        let host = names.hosts.iter().find(|host| !host.contains('*')).cloned();
        let named = match self.public_url.as_deref().and_then(names::host_of_url) {
            Some(public) => names.covers(&public),
            None => host.is_some(),
        };
        let facts = CertificateFacts {
            fingerprint: fingerprint(own),
            checked: named && !found.contents.self_issued,
            host: host.filter(|_host| self.public_url.is_none() && !found.contents.self_issued),
        };
        Ok(Certificate { tls: self.tls(found.certified)?, facts, names, authority: None, faults, look_again })
    }

    fn of_device(
        &mut self,
        clock: Clock,
        now: Date,
        addresses: &[IpAddr],
        faults: Vec<Fault>,
    ) -> Result<Certificate, CertificateError> {
        let wanted = Names::of_device(&self.host_name, self.public_url.as_deref(), addresses);
        let stored = self.bundle.take().or_else(|| self.store.load());
        let bundle = self.renewed(clock, &wanted, stored)?;
        let contents = CertificateContents::read(&bundle.own.certificate).ok_or(CertificateError::Unreadable)?;
        let key = PrivateKeyDer::try_from(bundle.own.key.serialize_der()).map_err(|_| CertificateError::Unreadable)?;
        let chain = vec![bundle.own.certificate.clone(), bundle.authority.issuer.certificate.clone()];
        let tls = self.tls(CertifiedKey::from_der(chain, key, &self.provider)?)?;
        let facts = CertificateFacts { fingerprint: fingerprint(&bundle.own.certificate), checked: false, host: None };
        let renewal = contents.not_after - RENEW_BEFORE;
        let look_again = if faults.is_empty() { renewal.min(now + DAY) } else { now + RETRY };
        let authority = Some(bundle.authority.root.clone());
        self.bundle = Some(bundle);
        Ok(Certificate { tls, facts, names: contents.names, authority, faults, look_again })
    }

    fn renewed(&mut self, clock: Clock, wanted: &Names, stored: Option<Bundle>) -> Result<Bundle, CertificateError> {
        let read = |bundle: &Bundle| {
            let authority = CertificateContents::read(&bundle.authority.issuer.certificate)?;
            Some((authority, CertificateContents::read(&bundle.own.certificate)?))
        };
        let contents = stored.as_ref().and_then(read);
        let decision = decide(clock, wanted, contents.as_ref().map(|(authority, own)| (authority, own)));
        match (decision, stored) {
            (Decision::Keep, Some(bundle)) => Ok(bundle),
            (Decision::Issue(date), Some(Bundle { authority, .. })) => {
                tracing::info!("the device's certificate is renewed");
                self.saved = false;
                Ok(Bundle { own: authority.issue(wanted, date)?, authority })
            }
            (Decision::Begin(date) | Decision::Issue(date), _) => self.begun(wanted, date),
            (Decision::Keep, None) => Err(CertificateError::Unreadable),
        }
    }

    fn begun(&mut self, wanted: &Names, date: Date) -> Result<Bundle, CertificateError> {
        tracing::info!("a new authority of this device is made");
        self.saved = false;
        let authority = Authority::new(wanted)?;
        Ok(Bundle { own: authority.issue(wanted, date)?, authority })
    }

    fn tls(&self, certified: CertifiedKey) -> Result<Arc<ServerConfig>, CertificateError> {
        let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(certified));
        let mut tls = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(tls))
    }
}

#[cfg(test)]
mod tests;
