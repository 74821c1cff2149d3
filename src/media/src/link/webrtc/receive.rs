//! What comes out of webrtcbin: pads, the streams they carry, and the lines these belong to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use subrosa_messages::media::{Codec, LinkFault, LinkId, Mid, TrackId};

use super::shared::{Shared, fault, locked, weak};
use crate::inbound::Inbound;
use crate::link::TransportEvent;
use crate::link::line::Receiving;
use crate::link::streams::{Arrived, Change, Described, Streams};

/// A peer that sends more streams than that at a time is not heard with those above it.
const MOST_STREAMS: u32 = 200;

/// All pads that came out of webrtcbin, and what stands behind them.
#[derive(Default)]
pub struct Receivers {
    streams: Streams,
    /// What the lines carry, by their places in the description: webrtcbin's guess.
    pub(super) lines: Vec<(usize, Mid, Codec)>,
    chains: BTreeMap<u64, Chain>,
    jitterbuffers: BTreeMap<u32, glib::WeakRef<gst::Element>>,
    /// The SSRCs whose lost packets can be asked for once more; `None`: webrtcbin decides.
    repaired: Option<Vec<u32>>,
    next: u64,
}

struct Chain {
    codec: Codec,
    receiving: Receiving,
    /// Its packets pass.
    open: Arc<AtomicBool>,
}

impl Receivers {
    fn apply(&mut self, changes: Vec<Change>, link: LinkId) -> Vec<TransportEvent> {
        for (id, chain) in &mut self.chains {
            chain.open.store(self.streams.is_carried(*id), Ordering::SeqCst);
        }
        let event = |change| match change {
            Change::Begin(mid, id) => {
                let chain = self.chains.get(&id)?;
                let track = TrackId { link, mid };
                Some(TransportEvent::Track(Inbound {
                    track,
                    codec: chain.codec,
                    producer: chain.receiving.producer.clone(),
                    meter: chain.receiving.meter.clone(),
                }))
            }
            Change::End(mid) => Some(TransportEvent::Ended(mid)),
        };
        changes.into_iter().filter_map(event).collect()
    }

    fn line_at(&self, transceiver: &gst_webrtc::WebRTCRTPTransceiver) -> Option<(Mid, Codec)> {
        let by_mid = transceiver.mid().and_then(|mid| self.lines.iter().find(|line| line.1.0 == mid.as_str()));
        let place = usize::try_from(transceiver.mlineindex()).ok();
        let by_place = place.and_then(|place| self.lines.iter().find(|line| line.0 == place));
        by_mid.or(by_place).map(|(_, mid, codec)| (mid.clone(), *codec))
    }

    fn set_repair(&self, ssrc: u32) {
        let jitterbuffer = self.jitterbuffers.get(&ssrc).and_then(glib::WeakRef::upgrade);
        if let (Some(repaired), Some(jitterbuffer)) = (&self.repaired, jitterbuffer) {
            jitterbuffer.set_property("do-retransmission", repaired.contains(&ssrc));
            // It would ask for packets that were never sent, and then give them up for lost: pictures of one frame a second
            // stop, since after a loss only a key frame counts.
            jitterbuffer.set_property("rtx-next-seqnum", false);
        }
    }
}

impl Shared {
    /// A description says what the lines carry. A stream that it no longer names stays, held: taking it out of the RTP session
    /// while its last packets come makes 1.22's `rtpssrcdemux` stumble.
    pub(super) fn described(&self, link: LinkId, lines: Vec<Described>, by_ssrc: bool, repaired: Option<Vec<u32>>) {
        let mut receivers = locked(&self.receivers);
        receivers.repaired = repaired;
        let known: Vec<u32> = receivers.jitterbuffers.keys().copied().collect();
        known.into_iter().for_each(|ssrc| receivers.set_repair(ssrc));
        let changes = receivers.streams.described(lines, by_ssrc);
        let events = receivers.apply(changes, link);
        drop(receivers);
        events.into_iter().for_each(|event| (self.tell)(event));
    }

    fn first_packet(&self, id: u64, ssrc: u32, guess: Option<Mid>, link: LinkId) {
        let mut receivers = locked(&self.receivers);
        let Some(chain) = receivers.chains.get(&id) else { return };
        let codec = chain.codec;
        let changes = receivers.streams.arrived(Arrived { id, ssrc, codec, guess });
        let events = receivers.apply(changes, link);
        drop(receivers);
        events.into_iter().for_each(|event| (self.tell)(event));
    }
}

/// Connects what webrtcbin says of what it receives.
///
/// # Errors
/// When webrtcbin is not made as it should be.
pub(super) fn listen(
    shared: &Arc<Shared>,
    pipeline: &gst::Pipeline,
    webrtcbin: &gst::Element,
    link: LinkId,
) -> Result<(), LinkFault> {
    let rtpbin = webrtcbin.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin"));
    let rtpbin = rtpbin.ok_or(LinkFault::Pipeline)?;
    if rtpbin.find_property("max-streams").is_some() {
        rtpbin.set_property("max-streams", MOST_STREAMS);
    }
    // webrtcbin has its say first, and takes any line's setting for any stream's.
    let jitterbuffers = weak(shared);
    rtpbin.connect_closure(
        "new-jitterbuffer",
        true,
        glib::closure!(move |_: &gst::Element, jitterbuffer: gst::Element, _session: u32, ssrc: u32| {
            if let Some(shared) = jitterbuffers.upgrade() {
                let mut receivers = locked(&shared.receivers);
                receivers.jitterbuffers.retain(|_, known| known.upgrade().is_some());
                receivers.jitterbuffers.insert(ssrc, jitterbuffer.downgrade());
                receivers.set_repair(ssrc);
            }
        }),
    );
    let (shared, pipeline) = (weak(shared), pipeline.downgrade());
    webrtcbin.connect_pad_added(move |webrtcbin, pad| {
        let (Some(shared), Some(pipeline)) = (shared.upgrade(), pipeline.upgrade()) else { return };
        if pad.direction() == gst::PadDirection::Src {
            shared.verify(webrtcbin);
            if let Err(fault) = arrive(&shared, &pipeline, pad, link) {
                shared.fail(fault);
            }
        }
    });
    Ok(())
}

/// A stream comes: puts a depayloader behind it at once, since a pad without one stops all others of its session, and
/// waits for its first packet.
fn arrive(shared: &Arc<Shared>, pipeline: &gst::Pipeline, pad: &gst::Pad, link: LinkId) -> Result<(), LinkFault> {
    let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
    let mut receivers = locked(&shared.receivers);
    let guess = receivers.line_at(&transceiver);
    let Some(codec) = codec(pad).or(guess.as_ref().map(|(_, codec)| *codec)) else {
        tracing::warn!("a stream arrived that is nothing this room knows");
        return discard(pipeline, pad).map_err(fault);
    };
    receivers.next += 1;
    let id = receivers.next;
    let open = Arc::new(AtomicBool::new(false));
    let (may_pass, gate) = (open.clone(), shared.gate.clone());
    let passes = move || may_pass.load(Ordering::SeqCst) && gate.is_verified();
    let receiving = Receiving::build(pipeline, pad, codec, passes).map_err(fault)?;
    receivers.chains.insert(id, Chain { codec, receiving, open });
    drop(receivers);
    let shared = weak(shared);
    let guess = guess.map(|(mid, _)| mid);
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        let first = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => ssrc(buffer),
            Some(gst::PadProbeData::BufferList(list)) => list.get(0).and_then(ssrc),
            _ => None,
        };
        let (Some(first), Some(shared)) = (first, shared.upgrade()) else { return gst::PadProbeReturn::Ok };
        shared.first_packet(id, first, guess.clone(), link);
        gst::PadProbeReturn::Remove
    });
    Ok(())
}

fn discard(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), glib::BoolError> {
    let sink = gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build()?;
    pipeline.add(&sink)?;
    sink.sync_state_with_parent()?;
    let into = sink.static_pad("sink").ok_or_else(|| glib::bool_error!("an element without its pad"))?;
    pad.link(&into).map(drop).map_err(|_| glib::bool_error!("a stream that cannot even be thrown away"))
}

fn codec(pad: &gst::Pad) -> Option<Codec> {
    let caps = pad.current_caps()?;
    match caps.structure(0)?.get::<&str>("encoding-name").ok()? {
        "VP8" => Some(Codec::Vp8),
        "H264" => Some(Codec::H264),
        "OPUS" => Some(Codec::Opus),
        _ => None,
    }
}

/// The SSRC of an RTP packet (RFC 3550, section 5.1).
pub(super) fn ssrc(packet: &gst::BufferRef) -> Option<u32> {
    let mut bytes = [0; 4];
    packet.copy_to_slice(8, &mut bytes).ok()?;
    Some(u32::from_be_bytes(bytes))
}
