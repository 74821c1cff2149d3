//! A link as one pipeline around `webrtcbin`.
//!
//! Lines, mids, SSRCs, payload types and extensions are all said explicitly before the first description, and nothing
//! is added or taken away afterwards: renegotiation is where webrtcbin 1.22 leaks, refuses and aborts. What a line sends
//! is switched in front of its payloader.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use subrosa_messages::media::{Codec, DataChannel, DescriptionKind, Direction, Line, LinkFault, LinkId, Mid, TrackId};

use super::caps::Carriage;
use super::fingerprint;
use super::gate::Gate;
use super::line::{self, Sending};
use super::sdp::{self, Offered};
use super::{Feed, Figures, PeerTransport, Plan, TransportEvent, ice};
use crate::pads;

/// Packets of a peer wait this long for the ones before them.
const JITTER_MS: u32 = 80;
/// Candidates of this device are there at once; those of a relay take a few round trips.
const GATHERING: Duration = Duration::from_millis(1500);
const GATHERING_WITH_RELAY: Duration = Duration::from_secs(6);
/// What a path is taken for before it has been measured, in bit/s.
const FIRST_ESTIMATE: u32 = 1_500_000;
const LEAST_ESTIMATE: u32 = 50_000;

/// What webrtcbin's threads, the link's thread and the session share.
pub struct Shared {
    tell: Box<dyn Fn(TransportEvent) + Send + Sync>,
    gate: Gate,
    heard: AtomicU64,
    failed: AtomicBool,
    fingerprints: Mutex<Vec<(String, String)>>,
    lines: Mutex<Vec<(Mid, Codec)>>,
    estimator: Mutex<Option<glib::WeakRef<gst::Element>>>,
    channel: Mutex<Option<gst_webrtc::WebRTCDataChannel>>,
    gathered: (Mutex<bool>, Condvar),
}

impl Shared {
    /// For a link that says what happens through `tell`.
    #[must_use]
    pub fn new(tell: Box<dyn Fn(TransportEvent) + Send + Sync>) -> Self {
        Shared {
            tell,
            gate: Gate::default(),
            heard: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            fingerprints: Mutex::default(),
            lines: Mutex::default(),
            estimator: Mutex::default(),
            channel: Mutex::default(),
            gathered: (Mutex::new(false), Condvar::new()),
        }
    }

    fn fail(&self, fault: LinkFault) {
        if !self.failed.swap(true, Ordering::SeqCst) {
            (self.tell)(TransportEvent::Failed(fault));
        }
    }

    fn wait_for_candidates(&self, at_most: Duration) {
        let (done, changed) = &self.gathered;
        let done = done.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_timeout_while(done, at_most, |done| !*done));
    }

    /// Compares the peer's certificate as soon as there is one (P8).
    fn verify(&self, webrtcbin: &gst::Element) {
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
        let named = self.fingerprints.lock().unwrap_or_else(PoisonError::into_inner).clone();
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
        let estimator = self.estimator.lock().unwrap_or_else(PoisonError::into_inner);
        Some(estimator.as_ref()?.upgrade()?.property::<u32>("estimated-bitrate"))
    }
}

/// All DTLS transports of a webrtcbin; with a bundle it is one.
fn transports(webrtcbin: &gst::Element) -> Vec<gst_webrtc::WebRTCDTLSTransport> {
    let mut found: Vec<gst_webrtc::WebRTCDTLSTransport> = Vec::new();
    let mut add = |transport: Option<gst_webrtc::WebRTCDTLSTransport>| {
        found.extend(transport.filter(|transport| !found.contains(transport)));
    };
    for index in 0.. {
        let transceiver =
            webrtcbin.emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("get-transceiver", &[&index]);
        let Some(transceiver) = transceiver else { break };
        add(transceiver.sender().and_then(|sender| sender.transport()));
        add(transceiver.receiver().and_then(|receiver| receiver.transport()));
        if index > 64_i32 {
            break;
        }
    }
    let sctp = webrtcbin.property::<Option<gst_webrtc::WebRTCSCTPTransport>>("sctp-transport");
    add(sctp.and_then(|sctp| sctp.transport()));
    found
}

/// The link.
pub struct WebRtc {
    link: LinkId,
    plan: Plan,
    pipeline: gst::Pipeline,
    webrtcbin: gst::Element,
    sending: Vec<Sending>,
    feeds: Vec<(Mid, Feed)>,
    shared: Arc<Shared>,
    offer: Option<String>,
    released: bool,
    paused: bool,
}

impl WebRtc {
    /// Builds the pipeline. The offering side has all its lines afterwards, the answering side none.
    ///
    /// # Errors
    /// When GStreamer lacks something or the network's settings are refused.
    pub fn new(plan: Plan, shared: Arc<Shared>) -> Result<Self, LinkFault> {
        let pipeline = gst::Pipeline::new();
        plan.timebase.rule(&pipeline);
        let webrtcbin = gst::ElementFactory::make("webrtcbin")
            .property_from_str("bundle-policy", "max-bundle")
            .property("latency", JITTER_MS)
            .build()
            .map_err(fault)?;
        pipeline.add(&webrtcbin).map_err(fault)?;
        if let Err(error) = ice::set_up(&webrtcbin, &plan.network) {
            tracing::warn!("{error}");
            return Err(LinkFault::Path);
        }
        let mut link = WebRtc {
            link: plan.link,
            plan,
            pipeline,
            webrtcbin,
            sending: Vec::new(),
            feeds: Vec::new(),
            shared,
            offer: None,
            released: false,
            paused: false,
        };
        link.listen()?;
        // A data channel can be made from READY on.
        link.pipeline.set_state(gst::State::Ready).map_err(fault)?;
        if link.plan.side == DescriptionKind::Offer {
            link.add_lines()?;
            if let Some(channel) = link.plan.data_channel.clone() {
                link.add_channel(&channel)?;
            }
        }
        link.pipeline.set_state(gst::State::Playing).map_err(fault)?;
        Ok(link)
    }

    fn add_lines(&mut self) -> Result<(), LinkFault> {
        for (index, line) in self.plan.lines.clone().into_iter().enumerate() {
            let carriage = Carriage::ours(line.codec);
            let preferences = carriage.preferences(&line.mid.0);
            match line.direction {
                Direction::Send => self.add_sending(index, &line.mid, &carriage, &preferences)?,
                Direction::Receive => self.add_receiving(line.codec, &preferences),
            }
            self.remember(&line.mid, line.codec);
        }
        Ok(())
    }

    fn remember(&self, mid: &Mid, codec: Codec) {
        self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner).push((mid.clone(), codec));
    }

    fn add_sending(
        &mut self,
        index: usize,
        mid: &Mid,
        carriage: &Carriage,
        preferences: &gst::Caps,
    ) -> Result<(), LinkFault> {
        let ssrc = glib::random_int().max(1);
        let (sending, last) = Sending::build(&self.pipeline, mid, carriage, ssrc).map_err(fault)?;
        let template = self.webrtcbin.pad_template("sink_%u").ok_or(LinkFault::Pipeline)?;
        let caps = carriage.stream(ssrc);
        let pad = self
            .webrtcbin
            .request_pad(&template, Some(&format!("sink_{index}")), Some(&caps))
            .ok_or(LinkFault::Pipeline)?;
        if pad.find_property("msid").is_some() {
            // One stream for sound and picture: browsers keep them together.
            pad.set_property("msid", "room");
        }
        let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
        transceiver.set_direction(gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
        transceiver.set_codec_preferences(Some(preferences));
        let with_retransmission = carriage.codec.kind() == subrosa_messages::media::Kind::Video;
        transceiver.set_property("do-nack", with_retransmission);
        last.static_pad("src").ok_or(LinkFault::Pipeline)?.link(&pad).map_err(|_| LinkFault::Pipeline)?;
        self.sending.push(sending);
        Ok(())
    }

    fn add_receiving(&self, codec: Codec, preferences: &gst::Caps) {
        let direction = gst_webrtc::WebRTCRTPTransceiverDirection::Recvonly;
        let transceiver = self
            .webrtcbin
            .emit_by_name::<gst_webrtc::WebRTCRTPTransceiver>("add-transceiver", &[&direction, preferences]);
        transceiver.set_property("do-nack", codec.kind() == subrosa_messages::media::Kind::Video);
    }

    fn add_channel(&self, wanted: &DataChannel) -> Result<(), LinkFault> {
        let options = gst::Structure::builder("options").field("protocol", &wanted.protocol).build();
        let channel = self
            .webrtcbin
            .emit_by_name::<Option<gst_webrtc::WebRTCDataChannel>>(
                "create-data-channel",
                &[&wanted.label, &Some(options)],
            )
            .ok_or(LinkFault::Pipeline)?;
        keep_channel(&self.shared, channel);
        Ok(())
    }

    /// Connects everything that webrtcbin says by itself.
    fn listen(&self) -> Result<(), LinkFault> {
        let shared = &self.shared;
        let weak = Arc::downgrade(shared);
        let bus = self.pipeline.bus().ok_or(LinkFault::Pipeline)?;
        let pipeline = self.pipeline.downgrade();
        bus.set_sync_handler(move |_bus, message| {
            match message.view() {
                gst::MessageView::Error(error) => {
                    // Sources say so while a link goes away or has just begun: nothing is broken by it.
                    let benign = error.src().is_some_and(|source| source.is::<gstreamer_app::AppSrc>());
                    if !benign && let Some(shared) = weak.upgrade() {
                        shared.fail(LinkFault::Pipeline);
                    }
                }
                gst::MessageView::Latency(_) => {
                    if let Some(pipeline) = pipeline.upgrade() {
                        pipeline.call_async(|pipeline| {
                            let _recalculated = pipeline.recalculate_latency();
                        });
                    }
                }
                _ => {}
            }
            gst::BusSyncReply::Drop
        });

        let weak = Arc::downgrade(shared);
        self.webrtcbin.connect_notify(Some("ice-gathering-state"), move |webrtcbin, _| {
            let state = webrtcbin.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state");
            if state == gst_webrtc::WebRTCICEGatheringState::Complete
                && let Some(shared) = weak.upgrade()
            {
                *shared.gathered.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
                shared.gathered.1.notify_all();
            }
        });
        let weak = Arc::downgrade(shared);
        self.webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
            let Some(shared) = weak.upgrade() else { return };
            match webrtcbin.property::<gst_webrtc::WebRTCPeerConnectionState>("connection-state") {
                gst_webrtc::WebRTCPeerConnectionState::Connected => shared.verify(webrtcbin),
                gst_webrtc::WebRTCPeerConnectionState::Failed | gst_webrtc::WebRTCPeerConnectionState::Closed => {
                    shared.fail(LinkFault::Path);
                }
                _ => {}
            }
        });
        let weak = Arc::downgrade(shared);
        self.webrtcbin.connect_closure(
            "on-data-channel",
            false,
            glib::closure!(move |_: &gst::Element, channel: gst_webrtc::WebRTCDataChannel| {
                if let Some(shared) = weak.upgrade() {
                    keep_channel(&shared, channel);
                }
            }),
        );
        self.listen_to_pads()?;
        self.estimate();
        Ok(())
    }

    fn listen_to_pads(&self) -> Result<(), LinkFault> {
        let rtpbin = self.webrtcbin.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin"));
        let weak = Arc::downgrade(&self.shared);
        rtpbin.ok_or(LinkFault::Pipeline)?.connect_pad_added(move |_rtpbin, pad| {
            let Some(shared) = weak.upgrade() else { return };
            let name = pad.name();
            if name.starts_with("send_rtp_src") {
                shared.gate.guard(pad);
            } else if name.starts_with("recv_rtp_sink") || name.starts_with("recv_rtcp_sink") {
                let weak = Arc::downgrade(&shared);
                pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
                    if let Some(shared) = weak.upgrade() {
                        shared.heard.fetch_add(pads::count(info), Ordering::Relaxed);
                    }
                    gst::PadProbeReturn::Ok
                });
            }
        });
        let (weak, pipeline, link) = (Arc::downgrade(&self.shared), self.pipeline.downgrade(), self.link);
        self.webrtcbin.connect_pad_added(move |webrtcbin, pad| {
            let (Some(shared), Some(pipeline)) = (weak.upgrade(), pipeline.upgrade()) else { return };
            if pad.direction() == gst::PadDirection::Src {
                shared.verify(webrtcbin);
                arrive(&shared, &pipeline, pad, link);
            }
        });
        Ok(())
    }

    /// The bandwidth estimator sits right in front of the RTP session, behind the retransmission history.
    fn estimate(&self) {
        let weak = Arc::downgrade(&self.shared);
        let most = self.plan.max_estimate.max(FIRST_ESTIMATE);
        self.webrtcbin.connect("request-aux-sender", false, move |_| {
            let estimator = gst::ElementFactory::make("rtpgccbwe").build().ok()?;
            estimator.set_property("min-bitrate", LEAST_ESTIMATE);
            estimator.set_property("max-bitrate", most);
            estimator.set_property("estimated-bitrate", FIRST_ESTIMATE);
            if let Some(shared) = weak.upgrade() {
                *shared.estimator.lock().unwrap_or_else(PoisonError::into_inner) = Some(estimator.downgrade());
            }
            Some(estimator.to_value())
        });
    }

    fn set_description(&self, side: &str, kind: gst_webrtc::WebRTCSDPType, sdp: &str) -> Result<(), LinkFault> {
        let message = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).map_err(|_| LinkFault::Description)?;
        let description = gst_webrtc::WebRTCSessionDescription::new(kind, message);
        let promise = gst::Promise::new();
        self.webrtcbin.emit_by_name::<()>(side, &[&description, &promise]);
        answered(&promise).map(drop)
    }

    /// Makes a description, sets it, waits for the candidates: the text that goes to the peer.
    fn describe(&mut self, what: DescriptionKind) -> Result<String, LinkFault> {
        let (signal, field, kind) = match what {
            DescriptionKind::Offer => ("create-offer", "offer", gst_webrtc::WebRTCSDPType::Offer),
            DescriptionKind::Answer => ("create-answer", "answer", gst_webrtc::WebRTCSDPType::Answer),
        };
        let promise = gst::Promise::new();
        self.webrtcbin.emit_by_name::<()>(signal, &[&None::<gst::Structure>, &promise]);
        let reply = answered(&promise)?.ok_or(LinkFault::Description)?;
        let made = reply.get::<gst_webrtc::WebRTCSessionDescription>(field).map_err(|_| LinkFault::Description)?;
        let text = made.sdp().as_text().map_err(|_| LinkFault::Description)?;
        // Which SSRC is which line's is known before a packet can leave.
        self.shared.gate.learn(sdp::ssrcs(&text));
        self.set_description("set-local-description", kind, &text)?;
        let with_relay = self.plan.network.turn.is_some();
        self.shared.wait_for_candidates(if with_relay { GATHERING_WITH_RELAY } else { GATHERING });
        let local = self
            .webrtcbin
            .property::<Option<gst_webrtc::WebRTCSessionDescription>>("local-description")
            .ok_or(LinkFault::Description)?;
        let text = local.sdp().as_text().map_err(|_| LinkFault::Description)?;
        if !text.contains("a=candidate:") {
            tracing::warn!("a link has no address or port to listen on: see `[network]` in subrosa.toml");
            return Err(LinkFault::Path);
        }
        Ok(text)
    }

    /// The answering side's lines, as the offer has them.
    fn add_offered(&mut self, lines: &[Offered]) -> Result<(), LinkFault> {
        for line in lines {
            let carriage = Carriage::theirs(line);
            let preferences = carriage.match_for(&line.mid.0);
            match line.direction {
                Direction::Send => self.add_sending(line.index, &line.mid, &carriage, &preferences)?,
                Direction::Receive => self.add_receiving(line.codec, &preferences),
            }
            self.remember(&line.mid, line.codec);
        }
        for (mid, feed) in std::mem::take(&mut self.feeds) {
            self.send(&mid, Some(&feed));
        }
        let taken =
            lines.iter().map(|line| Line { mid: line.mid.clone(), codec: line.codec, direction: line.direction });
        (self.shared.tell)(TransportEvent::Lines(taken.collect()));
        Ok(())
    }
}

impl PeerTransport for WebRtc {
    fn offer(&mut self) -> Result<String, LinkFault> {
        let offer = self.describe(DescriptionKind::Offer)?;
        let mids: Vec<Mid> = sdp::ssrcs(&offer).into_iter().map(|(mid, _)| mid).collect();
        if !self.plan.lines.iter().map(|line| &line.mid).eq(mids.iter().take(self.plan.lines.len())) {
            tracing::warn!("GStreamer offers other lines than were asked for: this version of webrtcbin is not known");
            return Err(LinkFault::Pipeline);
        }
        self.offer = Some(offer.clone());
        Ok(offer)
    }

    fn accept(&mut self, kind: DescriptionKind, sdp: &str) -> Result<Option<String>, LinkFault> {
        let checked = match (kind, &self.offer) {
            (DescriptionKind::Answer, Some(offer)) => sdp::check_answer(offer, sdp),
            (DescriptionKind::Offer, None) => sdp::check(sdp),
            // A second offer, or an answer to nothing.
            (DescriptionKind::Answer, None) | (DescriptionKind::Offer, Some(_)) => return Err(LinkFault::Description),
        };
        if let Err(error) = checked {
            tracing::warn!("{error}");
            return Err(LinkFault::Description);
        }
        *self.shared.fingerprints.lock().unwrap_or_else(PoisonError::into_inner) = sdp::fingerprints(sdp);
        match kind {
            DescriptionKind::Answer => {
                self.set_description("set-remote-description", gst_webrtc::WebRTCSDPType::Answer, sdp)?;
                Ok(None)
            }
            DescriptionKind::Offer => {
                let lines = sdp::offered(sdp);
                let offer = sdp::only(sdp, &lines);
                self.add_offered(&lines)?;
                self.set_description("set-remote-description", gst_webrtc::WebRTCSDPType::Offer, &offer)?;
                self.describe(DescriptionKind::Answer).map(Some)
            }
        }
    }

    fn send(&mut self, mid: &Mid, feed: Option<&Feed>) {
        let Some(line) = self.sending.iter_mut().find(|line| line.mid == *mid) else {
            // The answering side has its lines once the offer has come.
            self.feeds.retain(|(known, _)| known != mid);
            self.feeds.extend(feed.map(|feed| (mid.clone(), feed.clone())));
            return;
        };
        if let Some(cut) = feed.and_then(|feed| feed.cut.as_ref()) {
            self.shared.gate.carries(mid, cut);
        }
        line.feed(feed);
        if self.released {
            line.release();
        }
        line.pause(self.paused && line.codec.kind() == subrosa_messages::media::Kind::Video);
    }

    fn release(&mut self) {
        self.released = true;
        self.sending.iter_mut().for_each(Sending::release);
    }

    fn pause(&mut self, paused: bool) {
        self.paused = paused;
        for line in self.sending.iter_mut().filter(|line| line.codec.kind() == subrosa_messages::media::Kind::Video) {
            line.pause(paused);
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        if !self.released {
            return;
        }
        let channel = self.shared.channel.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(channel) = channel else { return };
        if channel.ready_state() != gst_webrtc::WebRTCDataChannelState::Open {
            return;
        }
        let sent = match std::str::from_utf8(bytes) {
            Ok(text) => channel.send_string_full(Some(text)),
            Err(_) => channel.send_data_full(Some(&glib::Bytes::from(bytes))),
        };
        if sent.is_err() {
            tracing::warn!("a message could not be sent over a data channel");
        }
    }
}

impl Drop for WebRtc {
    fn drop(&mut self) {
        // Consumers first: a source that is pushed to while it stops says that it has failed.
        self.sending.clear();
        *self.shared.channel.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let _stopped = self.pipeline.set_state(gst::State::Null);
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
        }
    }
}

/// The reply to a promise; webrtcbin puts an error into it where there is one.
fn answered(promise: &gst::Promise) -> Result<Option<gst::Structure>, LinkFault> {
    match promise.wait() {
        gst::PromiseResult::Replied => {
            let reply = promise.get_reply().map(gst::StructureRef::to_owned);
            match reply {
                Some(reply) if reply.has_field("error") => Err(LinkFault::Description),
                reply => Ok(reply),
            }
        }
        _ => Err(LinkFault::Description),
    }
}

fn keep_channel(shared: &Arc<Shared>, channel: gst_webrtc::WebRTCDataChannel) {
    let weak = Arc::downgrade(shared);
    channel.connect_on_message_string(move |_, text| {
        if let (Some(shared), Some(text)) = (weak.upgrade(), text) {
            (shared.tell)(TransportEvent::Data(text.as_bytes().to_vec()));
        }
    });
    let weak = Arc::downgrade(shared);
    channel.connect_on_message_data(move |_, bytes| {
        if let (Some(shared), Some(bytes)) = (weak.upgrade(), bytes) {
            (shared.tell)(TransportEvent::Data(bytes.to_vec()));
        }
    });
    *shared.channel.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel);
}

/// A stream has arrived: finds its line and puts a depayloader behind it.
fn arrive(shared: &Arc<Shared>, pipeline: &gst::Pipeline, pad: &gst::Pad, link: LinkId) {
    let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
    let lines = shared.lines.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let by_mid = transceiver.mid().and_then(|mid| lines.iter().find(|(known, _)| known.0 == mid.as_str()));
    let by_index = usize::try_from(transceiver.mlineindex()).ok().and_then(|index| lines.get(index));
    let Some((mid, codec)) = by_mid.or(by_index).cloned() else {
        tracing::warn!("a stream arrived that belongs to no line");
        return;
    };
    match line::receive(pipeline, pad, TrackId { link, mid }, codec, &shared.gate) {
        Ok(inbound) => (shared.tell)(TransportEvent::Track(inbound)),
        Err(error) => {
            tracing::warn!("{error}");
            shared.fail(LinkFault::Pipeline);
        }
    }
}

fn fault<E: std::fmt::Display>(error: E) -> LinkFault {
    tracing::warn!("a link's pipeline: {error}");
    LinkFault::Pipeline
}
