//! What all requests share.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::WebSettings;
use crate::certificates::Certificate;
use crate::certificates::names::{Names, host_of_url, without_port};
use crate::meeting::guest::GuestRequest;

/// Event streams at the same time; more than guests, since a reload opens one before the other has ended.
const MAX_STREAMS: usize = 64;

/// The meeting answers within a step of its machine; after this long it does not answer at all.
const PATIENCE: Duration = Duration::from_secs(3);

/// What all requests share.
pub struct Site {
    meeting: mpsc::Sender<GuestRequest>,
    device: Names,
    public_host: Option<String>,
    public_origin: Option<String>,
    served: RwLock<Served>,
    /// Room for one more event stream.
    pub streams: Arc<Semaphore>,
}

/// What depends on the certificate.
#[derive(Clone, Default)]
struct Served {
    names: Names,
    checked: bool,
    authority: Option<CertificateDer<'static>>,
}

impl Site {
    pub fn new(settings: &WebSettings, meeting: mpsc::Sender<GuestRequest>) -> Self {
        let public_url = settings.public_url.as_deref();
        Site {
            meeting,
            device: Names::of_device(&settings.host_name, public_url, &[]),
            public_host: public_url.and_then(host_of_url),
            public_origin: public_url.map(|url| origin(url).to_ascii_lowercase()),
            served: RwLock::default(),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
        }
    }

    pub fn use_certificate(&self, certificate: &Certificate) {
        let served = Served {
            names: certificate.names.clone(),
            checked: certificate.facts.checked,
            authority: certificate.authority.clone(),
        };
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = served;
    }

    fn served(&self) -> Served {
        self.served.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Browsers can check the certificate: they may be told never to come without encryption.
    pub fn checked(&self) -> bool {
        self.served().checked
    }

    /// The device's authority, where it issued the certificate.
    pub fn authority(&self) -> Option<CertificateDer<'static>> {
        self.served().authority
    }

    /// A request for this authority (`host:port`) is meant for this device. A name that is not ours is somebody
    /// else's page that made its own name point here (DNS rebinding); an address cannot be made to.
    pub fn is_ours(&self, authority: &str) -> bool {
        let host = without_port(authority);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.parse::<std::net::IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.device.covers(host)
            || self.public_host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(host))
            || self.served().names.covers(host)
    }

    /// A page of this origin, loaded from this authority, is our own.
    pub fn is_own_origin(&self, origin: &str, authority: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        origin.strip_prefix("https://").is_some_and(|own| own == authority.to_ascii_lowercase())
            || self.public_origin.as_deref() == Some(origin.as_str())
    }

    /// Tells the meeting. `false`: it is not there.
    pub async fn tell(&self, request: GuestRequest) -> bool {
        let sent = tokio::time::timeout(PATIENCE, self.meeting.send(request)).await;
        matches!(sent, Ok(Ok(())))
    }

    /// Asks the meeting. `None`: it does not answer.
    pub async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> GuestRequest) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        if !self.tell(request(reply)).await {
            return None;
        }
        tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
    }

    /// The meeting's ear, for what is said when nobody waits any more.
    pub fn meeting(&self) -> mpsc::Sender<GuestRequest> {
        self.meeting.clone()
    }
}

/// Scheme, host and port of a URL.
fn origin(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url.get(after_scheme..).and_then(|rest| rest.find(['/', '?', '#'])).map(|at| after_scheme + at);
    end.and_then(|end| url.get(..end)).unwrap_or(url)
}
