//! A link as one pipeline around `webrtcbin`.
//!
//! On the offering side nothing is added or taken away after the first description: renegotiation is where webrtcbin 1.22
//! leaks, refuses and aborts. The answering side takes further offers, in the way that [`super::sdp::Offers`] makes
//! safe: lines only ever come, at the end, and none changes for webrtcbin.

mod channel;
mod describe;
mod lines;
mod receive;
mod repair;
mod shared;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use subrosa_messages::media::{DescriptionKind, LinkFault, LinkId, Mid};

use super::line::Sending;
use super::sdp::{self, Offers};
use super::{Feed, PeerTransport, Plan, dtls, ice};
use crate::pads;
use repair::Pin;
use shared::{fault, locked, weak};

pub use shared::Shared;

/// Packets of a peer wait this long for the ones before them.
const JITTER_MS: u32 = 80;
const LEAST_ESTIMATE: u32 = 50_000;

/// The link.
pub struct WebRtc {
    link: LinkId,
    plan: Plan,
    pipeline: gst::Pipeline,
    webrtcbin: gst::Element,
    sending: Vec<Sending>,
    feeds: Vec<(Mid, Feed)>,
    shared: Arc<Shared>,
    pin: Pin,
    /// Ours.
    offer: Option<String>,
    is_answered: bool,
    /// The peer's.
    offers: Offers,
    peer_is_known: bool,
    channels_are_made: bool,
    released: bool,
    paused: BTreeSet<Mid>,
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
        shared.expect_channels(&plan.data_channels);
        let mut link = WebRtc {
            link: plan.link,
            plan,
            pipeline,
            webrtcbin,
            sending: Vec::new(),
            feeds: Vec::new(),
            shared,
            pin: Pin::default(),
            offer: None,
            is_answered: false,
            offers: Offers::default(),
            peer_is_known: false,
            channels_are_made: false,
            released: false,
            paused: BTreeSet::new(),
        };
        link.listen()?;
        // A data channel can be made from READY on.
        link.pipeline.set_state(gst::State::Ready).map_err(fault)?;
        if link.plan.side == DescriptionKind::Offer {
            link.add_planned()?;
            link.open_channels()?;
        }
        link.pipeline.set_state(gst::State::Playing).map_err(fault)?;
        Ok(link)
    }

    /// Opens the link's data channels, once.
    fn open_channels(&mut self) -> Result<(), LinkFault> {
        if !std::mem::replace(&mut self.channels_are_made, true) {
            for wanted in &self.plan.data_channels {
                channel::open(&self.shared, &self.webrtcbin, wanted)?;
            }
        }
        Ok(())
    }

    /// Connects everything that webrtcbin says by itself.
    fn listen(&self) -> Result<(), LinkFault> {
        let shared = &self.shared;
        let told = weak(shared);
        let bus = self.pipeline.bus().ok_or(LinkFault::Pipeline)?;
        let pipeline = self.pipeline.downgrade();
        bus.set_sync_handler(move |_bus, message| {
            match message.view() {
                gst::MessageView::Error(error) => {
                    // Sources say so while a link goes away or has just begun: nothing is broken by it.
                    let benign = error.src().is_some_and(|source| source.is::<gstreamer_app::AppSrc>());
                    if !benign && let Some(shared) = told.upgrade() {
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

        let gathering = weak(shared);
        self.webrtcbin.connect_notify(Some("ice-gathering-state"), move |webrtcbin, _| {
            let state = webrtcbin.property::<gst_webrtc::WebRTCICEGatheringState>("ice-gathering-state");
            if state == gst_webrtc::WebRTCICEGatheringState::Complete
                && let Some(shared) = gathering.upgrade()
            {
                shared.all_candidates_are_there();
            }
        });
        let connection = weak(shared);
        self.webrtcbin.connect_notify(Some("connection-state"), move |webrtcbin, _| {
            let Some(shared) = connection.upgrade() else { return };
            match webrtcbin.property::<gst_webrtc::WebRTCPeerConnectionState>("connection-state") {
                gst_webrtc::WebRTCPeerConnectionState::Connected => shared.verify(webrtcbin),
                gst_webrtc::WebRTCPeerConnectionState::Failed | gst_webrtc::WebRTCPeerConnectionState::Closed => {
                    shared.fail(LinkFault::Path);
                }
                _ => {}
            }
        });
        channel::listen(shared, &self.webrtcbin);
        receive::listen(shared, &self.pipeline, &self.webrtcbin, self.link)?;
        self.listen_to_the_wire()?;
        self.estimate();
        Ok(())
    }

    /// The gate on what leaves, and a count of what comes.
    fn listen_to_the_wire(&self) -> Result<(), LinkFault> {
        let rtpbin = self.webrtcbin.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin"));
        let weak_shared = weak(&self.shared);
        rtpbin.ok_or(LinkFault::Pipeline)?.connect_pad_added(move |_rtpbin, pad| {
            let Some(shared) = weak_shared.upgrade() else { return };
            let name = pad.name();
            if name.starts_with("send_rtp_src") {
                shared.gate.guard(pad);
            } else if name.starts_with("recv_rtp_sink") || name.starts_with("recv_rtcp_sink") {
                let weak_shared = weak(&shared);
                pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
                    if let Some(shared) = weak_shared.upgrade() {
                        shared.heard.fetch_add(pads::count(info), Ordering::Relaxed);
                    }
                    gst::PadProbeReturn::Ok
                });
            }
        });
        Ok(())
    }

    /// The bandwidth estimator sits right in front of the RTP session, behind the retransmission history.
    fn estimate(&self) {
        let weak_shared = weak(&self.shared);
        let first = self.plan.first_estimate.max(LEAST_ESTIMATE);
        let most = self.plan.max_estimate.max(first);
        self.webrtcbin.connect("request-aux-sender", false, move |_| {
            let estimator = gst::ElementFactory::make("rtpgccbwe").build().ok()?;
            // The slope of the delay over twenty groups of packets, as browsers take it. The filter of the draft, the element's
            // default, takes each burst for a queue and falls below what is sent.
            estimator.set_property_from_str("estimator", "linear-regression");
            estimator.set_property("min-bitrate", LEAST_ESTIMATE);
            estimator.set_property("max-bitrate", most);
            estimator.set_property("estimated-bitrate", first);
            if let Some(shared) = weak_shared.upgrade() {
                *locked(&shared.estimator) = Some(estimator.downgrade());
            }
            Some(estimator.to_value())
        });
    }

    /// A server fills its slots anew, with another answer to the same offer. For webrtcbin nothing changes; another certificate would
    /// be another peer.
    fn fill(&self, sdp: &str) -> Result<(), LinkFault> {
        if !self.has_slots() {
            return Err(LinkFault::Description);
        }
        if !self.shared.expects(&sdp::fingerprints(sdp)) {
            return Err(LinkFault::Fingerprint);
        }
        self.expect(&sdp::sources(sdp));
        Ok(())
    }

    pub(super) fn has_slots(&self) -> bool {
        self.plan.lines.iter().any(|line| line.or.is_some())
    }

    fn feed(&mut self, mid: &Mid, feed: Option<&Feed>) {
        let Some(line) = self.sending.iter_mut().find(|line| line.mid == *mid) else {
            // The answering side has its lines once the offer has come.
            self.feeds.retain(|(known, _)| known != mid);
            self.feeds.extend(feed.map(|feed| (mid.clone(), feed.clone())));
            return;
        };
        match feed {
            Some(Feed { cut: Some(cut), .. }) => self.shared.gate.carries(mid, cut),
            Some(_) => {}
            None => self.shared.gate.ends(mid, self.plan.timebase.now()),
        }
        line.feed(feed);
        if self.released {
            line.release();
        }
        line.pause(self.paused.contains(mid));
    }
}

impl PeerTransport for WebRtc {
    fn offer(&mut self) -> Result<String, LinkFault> {
        let offer = self.describe(DescriptionKind::Offer, &[])?;
        let mids: Vec<Mid> = sdp::ssrcs(&offer).into_iter().map(|(mid, _)| mid).collect();
        if !self.plan.lines.iter().map(|line| &line.mid).eq(mids.iter().take(self.plan.lines.len())) {
            tracing::warn!("GStreamer offers other lines than were asked for: this version of webrtcbin is not known");
            return Err(LinkFault::Pipeline);
        }
        // Most slots are empty most of the time.
        self.sending.iter().for_each(Sending::rest);
        self.offer = Some(offer.clone());
        Ok(offer)
    }

    fn accept(&mut self, kind: DescriptionKind, sdp: &str) -> Result<Option<String>, LinkFault> {
        match (kind, &self.offer, self.plan.side) {
            (DescriptionKind::Answer, Some(offer), _) => {
                if let Err(error) = sdp::check_answer(offer, sdp) {
                    tracing::warn!("{error}");
                    return Err(LinkFault::Description);
                }
                if self.is_answered {
                    return self.fill(sdp).map(|()| None);
                }
                self.shared.expect(sdp::fingerprints(sdp));
                self.shared.measures(sdp::tells_arrivals(sdp));
                self.expect(&sdp::sources(sdp));
                let told = sdp::told_of(sdp);
                self.sending.iter().filter(|line| !told.contains(&line.mid)).for_each(Sending::number_nothing);
                self.set_description("set-remote-description", gst_webrtc::WebRTCSDPType::Answer, sdp)?;
                self.is_answered = true;
                Ok(None)
            }
            (DescriptionKind::Offer, _, DescriptionKind::Answer) => self.take_offer(sdp),
            // An answer to nothing, or an offer to the side that offers.
            (DescriptionKind::Answer, None, _) | (DescriptionKind::Offer, _, DescriptionKind::Offer) => {
                Err(LinkFault::Description)
            }
        }
    }

    fn send(&mut self, mid: &Mid, feed: Option<&Feed>) {
        self.feed(mid, feed);
    }

    fn release(&mut self) {
        self.released = true;
        self.sending.iter_mut().for_each(Sending::release);
    }

    fn pause(&mut self, mid: &Mid, paused: bool) {
        let _was_so = if paused { self.paused.insert(mid.clone()) } else { self.paused.remove(mid) };
        if let Some(line) = self.sending.iter_mut().find(|line| line.mid == *mid) {
            line.pause(paused);
        }
    }

    fn data(&mut self, channel: &str, bytes: &[u8]) {
        if self.released {
            channel::send(&self.shared, channel, bytes);
        }
    }
}

impl Drop for WebRtc {
    fn drop(&mut self) {
        // Consumers first: a source that is pushed to while it stops says that it has failed.
        self.sending.clear();
        locked(&self.shared.channels).clear();
        dtls::stop(&self.pipeline);
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
        }
    }
}
