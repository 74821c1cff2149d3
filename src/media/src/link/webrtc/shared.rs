//! What webrtcbin's threads, the link's thread and the session share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use subrosa_messages::media::LinkFault;

use super::channel::Channels;
use super::receive::Receivers;
use crate::link::fingerprint;
use crate::link::flood::Flood;
use crate::link::gate::Gate;
use crate::link::{Figures, TransportEvent};

/// What webrtcbin's threads, the link's thread and the session share.
pub struct Shared {
    pub(super) tell: Box<dyn Fn(TransportEvent) + Send + Sync>,
    pub(super) gate: Gate,
    pub(super) heard: AtomicU64,
    pub(super) receivers: Mutex<Receivers>,
    pub(super) channels: Mutex<Channels>,
    pub(super) flood: Mutex<Flood>,
    pub(super) estimator: Mutex<Option<glib::WeakRef<gst::Element>>>,
    /// The peer says what of ours arrives.
    measured: AtomicBool,
    failed: AtomicBool,
    fingerprints: Mutex<Vec<(String, String)>>,
    gathered: (Mutex<bool>, Condvar),
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// For a link that says what happens through `tell`.
    #[must_use]
    pub fn new(tell: Box<dyn Fn(TransportEvent) + Send + Sync>) -> Self {
        Shared {
            tell,
            gate: Gate::default(),
            heard: AtomicU64::new(0),
            receivers: Mutex::default(),
            channels: Mutex::default(),
            flood: Mutex::default(),
            estimator: Mutex::default(),
            measured: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            fingerprints: Mutex::default(),
            gathered: (Mutex::new(false), Condvar::new()),
        }
    }

    pub(super) fn fail(&self, fault: LinkFault) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            (self.tell)(TransportEvent::Failed(fault));
        }
    }

    /// The certificates that the peer's description names.
    pub(super) fn expect(&self, fingerprints: Vec<(String, String)>) {
        *locked(&self.fingerprints) = fingerprints;
    }

    /// Whether these are the certificates that were named before.
    pub(super) fn expects(&self, fingerprints: &[(String, String)]) -> bool {
        let known = locked(&self.fingerprints);
        !fingerprints.is_empty() && fingerprints.iter().all(|named| known.contains(named))
    }

    /// The peer's description says whether it tells what arrives. Without that, an estimate stays for ever where it began.
    pub(super) fn measures(&self, measured: bool) {
        if !measured {
            tracing::info!("a peer does not say what arrives: what is sent to it is not made to fit its path");
        }
        self.measured.store(measured, Ordering::Relaxed);
    }

    pub(super) fn all_candidates_are_there(&self) {
        *locked(&self.gathered.0) = true;
        self.gathered.1.notify_all();
    }

    /// Waits until all candidates are there, or `enough` says so.
    pub(super) fn wait_for_candidates(&self, at_most: Duration, enough: impl Fn() -> bool) {
        let (done, changed) = &self.gathered;
        let until = Instant::now() + at_most;
        let mut done = locked(done);
        while !*done && !enough() && Instant::now() < until {
            done = changed.wait_timeout(done, Duration::from_millis(20)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Compares the peer's certificate as soon as there is one (P8).
    pub(super) fn verify(&self, webrtcbin: &gst::Element) {
        if self.gate.is_verified() || self.failed.load(Ordering::SeqCst) {
            return;
        }
        let certificates: Vec<String> = transports(webrtcbin)
            .iter()
            .filter(|transport| transport.state() == gst_webrtc::WebRTCDTLSTransportState::Connected)
            .map(|transport| transport.remote_certificate().map(String::from).unwrap_or_default())
            .collect();
        if certificates.is_empty() {
            return;
        }
        let named = locked(&self.fingerprints).clone();
        match certificates.iter().try_for_each(|certificate| fingerprint::verify(certificate, &named)) {
            Ok(()) => {
                self.gate.verify();
                (self.tell)(TransportEvent::Verified);
            }
            Err(error) => {
                tracing::warn!("{error}");
                self.fail(LinkFault::Fingerprint);
            }
        }
    }
}

impl Figures for Shared {
    fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    fn estimate(&self) -> Option<u32> {
        if !self.measured.load(Ordering::Relaxed) {
            return None;
        }
        Some(locked(&self.estimator).as_ref()?.upgrade()?.property::<u32>("estimated-bitrate"))
    }
}

/// All DTLS transports of a webrtcbin; with a bundle it is one.
fn transports(webrtcbin: &gst::Element) -> Vec<gst_webrtc::WebRTCDTLSTransport> {
    let mut found: Vec<gst_webrtc::WebRTCDTLSTransport> = Vec::new();
    let mut add = |transport: Option<gst_webrtc::WebRTCDTLSTransport>| {
        found.extend(transport.filter(|transport| !found.contains(transport)));
    };
    for index in 0..=64_i32 {
        let transceiver =
            webrtcbin.emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("get-transceiver", &[&index]);
        let Some(transceiver) = transceiver else { break };
        add(transceiver.sender().and_then(|sender| sender.transport()));
        add(transceiver.receiver().and_then(|receiver| receiver.transport()));
    }
    let sctp = webrtcbin.property::<Option<gst_webrtc::WebRTCSCTPTransport>>("sctp-transport");
    add(sctp.and_then(|sctp| sctp.transport()));
    found
}

/// A pipeline that cannot be built, said in the log.
pub(super) fn fault<E: std::fmt::Display>(error: E) -> LinkFault {
    tracing::warn!("a link's pipeline: {error}");
    LinkFault::Pipeline
}

/// Whatever it is, it goes on only as long as the link does.
pub(super) type Weak = std::sync::Weak<Shared>;

/// See [`Weak`].
pub(super) fn weak(shared: &Arc<Shared>) -> Weak {
    Arc::downgrade(shared)
}
