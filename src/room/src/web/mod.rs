//! HTTPS: the guests' page, what it asks of the meeting, the remote's page, and the status page.
//!
//! [`serve`] is one task of the room process. It keeps no name, PIN or session; what a guest sends goes to the
//! meeting as a [`GuestRequest`], and the answer goes back.

mod alarm;
mod connection;
mod files;
mod gate;
mod guests;
mod listen;
mod pages;
mod phones;
mod report;
mod router;
mod site;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use futures_util::future::join_all;
use tokio::sync::{mpsc, watch};

use crate::certificates::date::Clock;
use crate::certificates::{Certificate, CertificateError, CertificateFacts, Certificates, OperatorFiles, RETRY};
use crate::meeting::guest::GuestRequest;
use crate::screen::view::Fault;
use alarm::Alarm;
use listen::Listener;
use report::Report;
use site::Site;

/// What is wrong is tried again after this long.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// Where and as whom the page is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSettings {
    /// Where to listen; `[::]` stands for both families.
    pub listen: Vec<SocketAddr>,
    /// The operator's certificate, if the device is not to use its own.
    pub tls: Option<OperatorFiles>,
    /// The kernel's host name.
    pub host_name: String,
    /// Where the page is reached from elsewhere.
    pub public_url: Option<String>,
    /// The room's own folder, which outlives restarts.
    pub state: PathBuf,
}

/// What the web server tells the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebEvent {
    /// The page is served here. Sent again whenever an address is added.
    Serving {
        /// All addresses, with the ports that were really taken.
        addresses: Vec<SocketAddr>,
    },
    /// The certificate it is served with. Sent before [`WebEvent::Serving`] and at each change.
    Certificate(CertificateFacts),
    /// Something that a person can mend.
    Fault {
        /// What.
        fault: Fault,
        /// It has come, or it is over.
        present: bool,
    },
}

/// The certificate that [`serve`] would use now.
///
/// # Errors
/// When none can be made.
pub fn describe(settings: &WebSettings, addresses: &[IpAddr]) -> Result<CertificateFacts, CertificateError> {
    Ok(certificates(settings).look(Clock::read(), addresses)?.facts)
}

fn certificates(settings: &WebSettings) -> Certificates {
    Certificates::new(settings.tls.clone(), &settings.host_name, settings.public_url.as_deref(), &settings.state)
}

/// Serves until the process ends.
///
/// `addresses` are the device's own, kept up to date. Each change of `forget` says that a meeting has ended: every
/// connection is closed within two seconds, so that no buffer holds what a guest has sent (promise P6).
pub async fn serve(
    settings: WebSettings,
    addresses: watch::Receiver<Vec<IpAddr>>,
    meeting: mpsc::Sender<GuestRequest>,
    events: mpsc::UnboundedSender<WebEvent>,
    forget: watch::Receiver<u64>,
) {
    let report = Arc::new(Report::new(events));
    let mut keeper = Keeper {
        certificates: Some(certificates(&settings)),
        addresses,
        report: Arc::clone(&report),
        faults: HashSet::new(),
        facts: None,
    };
    let first = loop {
        match keeper.look().await {
            Ok(first) => break first,
            Err(error) => {
                tracing::error!("there is no certificate, the page is not served: {error}");
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    };
    let site = Arc::new(Site::new(&settings, meeting));
    site.use_certificate(&first);
    let tls = RustlsConfig::from_config(Arc::clone(&first.tls));
    let listener = Listener::new(&site, tls.clone(), forget, report);
    let listening = settings.listen.iter().map(|address| listener.listen(*address));
    tokio::join!(join_all(listening), keeper.keep(&site, &tls, first));
}

/// Keeps the certificate as it should be.
struct Keeper {
    /// `None` only if a look at the disk has died.
    certificates: Option<Certificates>,
    addresses: watch::Receiver<Vec<IpAddr>>,
    report: Arc<Report>,
    faults: HashSet<Fault>,
    facts: Option<CertificateFacts>,
}

impl Keeper {
    async fn look(&mut self) -> Result<Certificate, CertificateError> {
        let addresses = self.addresses.borrow_and_update().clone();
        let found = self.blocking(move |certificates| certificates.look(Clock::read(), &addresses)).await;
        let found = found.unwrap_or(Err(CertificateError::Unreadable))?;
        self.say_of_clock(found.faults.contains(&Fault::Clock));
        for fault in [Fault::Clock, Fault::Certificate] {
            let present = found.faults.contains(&fault);
            self.fault(fault, present);
        }
        if self.facts.as_ref() != Some(&found.facts) {
            self.facts = Some(found.facts.clone());
            self.report.certificate(found.facts.clone());
        }
        Ok(found)
    }

    /// Saves, waits until something has changed, looks again.
    async fn keep(mut self, site: &Site, tls: &RustlsConfig, first: Certificate) {
        let mut look_again = first.look_again;
        loop {
            let saved = self.blocking(Certificates::keep).await;
            if let Some(Err(error)) = &saved
                && !self.faults.contains(&Fault::Disk)
            {
                let kind = error.kind();
                tracing::warn!("the device's certificate cannot be kept ({kind}) and is new at the next start");
            }
            let full = matches!(saved, Some(Err(_)));
            self.fault(Fault::Disk, full);
            if full {
                look_again = look_again.min(time::OffsetDateTime::now_utc().unix_timestamp() + RETRY);
            }
            tokio::select! {
                () = Alarm::at(look_again) => {}
                Ok(()) = self.addresses.changed() => {}
            }
            match self.look().await {
                Ok(found) => {
                    look_again = found.look_again;
                    site.use_certificate(&found);
                    tls.reload_from_config(found.tls);
                }
                Err(error) => {
                    tracing::error!("the certificate stays as it is: {error}");
                    look_again = time::OffsetDateTime::now_utc().unix_timestamp() + RETRY;
                }
            }
        }
    }

    /// Runs on a thread that may wait for the disk.
    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Certificates) -> T + Send + 'static,
    ) -> Option<T> {
        let mut certificates = self.certificates.take()?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work(&mut certificates);
            (certificates, result)
        });
        let (certificates, result) = done.await.ok()?;
        self.certificates = Some(certificates);
        Some(result)
    }

    fn say_of_clock(&self, wrong: bool) {
        match (self.faults.contains(&Fault::Clock), wrong) {
            (false, true) => tracing::warn!(
                "the clock of this device cannot be right: the certificate is dated without it; let the device reach a \
                 time server (NTP) or set the clock by hand"
            ),
            (true, false) => tracing::info!("the clock of this device is believed again"),
            (false, false) | (true, true) => {}
        }
    }

    fn fault(&mut self, fault: Fault, present: bool) {
        let changed = if present { self.faults.insert(fault.clone()) } else { self.faults.remove(&fault) };
        if changed {
            self.report.fault(fault, present);
        }
    }
}

#[cfg(test)]
mod tests;
