//! One peer connection of the peer: webrtcbin as answerer, with a probe where packets leave SRTP.
//!
//! What comes on the room's own lines is in [`Link::recording`], what others send in [`Link::slot`], by the SSRCs of the offer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use gstreamer_webrtc as gst_webrtc;

use super::channels::Channels;
use super::offer::{Offer, TWCC};
use super::recording::{Frame, Recording, Sound, THUMB, Thumb};
use super::{loopback, sends};
use crate::sim::loudness;

/// Whoever sees nothing for so long asks for a key frame.
const BLIND: Duration = Duration::from_millis(500);

/// How a link behaves.
#[derive(Clone, Debug)]
pub struct LinkPlan {
    /// Sends a picture (VP8, of this `videotestsrc` colour, `0xAARRGGBB`) and a tone.
    pub sends: Option<u32>,
    /// Decodes what arrives while it arrives.
    pub decodes: bool,
    /// Keeps whole packets, to be decoded afterwards.
    pub keeps: bool,
    /// Decodes what comes in slots, too.
    pub others: bool,
    /// Which picture it sends.
    pub picture: Picture,
    /// The tone that it sends, in Hz.
    pub tone: u32,
    /// How long it waits for what is late, and for what it asked for once more, in ms. A browser finds out by itself.
    pub latency: u32,
}

impl Default for LinkPlan {
    fn default() -> Self {
        LinkPlan {
            sends: None,
            decodes: true,
            keeps: true,
            others: true,
            picture: Picture::Plain,
            tone: 440,
            latency: 200,
        }
    }
}

/// What a guest's camera sees, and how it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// One colour, 640×360, 15 frames a second: some kbit/s.
    Plain,
    /// The same, 160×90 and 10 frames a second: for where there are many.
    Small,
    /// Noise, 320×180, 15 frames a second: about 600 kbit/s, which nothing makes smaller.
    Busy,
    /// Such noise and a tone, encoded once for all guests that send it, and no screen: for where the guests share a processor with what
    /// is measured.
    Replayed,
}

/// A peer connection.
pub struct Link {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    jitterbuffers: Arc<Mutex<Vec<gst::Element>>>,
    video: Arc<Mutex<Option<gst::Pad>>>,
    /// The offer that it answers.
    pub offer: Offer,
    /// What it received of the room, and whatever nobody knows whose it is.
    pub recording: Arc<Recording>,
    /// What it received of others.
    slots: Slots,
    /// What is said over data channels.
    pub channels: Channels,
    screen: Mutex<Option<gst::Element>>,
}

/// What came of others, by line.
#[derive(Clone, Default)]
struct Slots {
    ssrcs: Arc<HashMap<u32, String>>,
    recordings: Arc<Mutex<HashMap<String, Arc<Recording>>>>,
}

impl Slots {
    fn new(offer: &Offer) -> Self {
        let others = offer.lines.iter().filter(|line| line.direction == "sendonly" && !line.mid.starts_with("room-"));
        let ssrcs = others.flat_map(|line| line.ssrcs.iter().map(|ssrc| (*ssrc, line.mid.clone())));
        Slots { ssrcs: Arc::new(ssrcs.collect()), recordings: Arc::default() }
    }

    fn of(&self, mid: &str) -> Arc<Recording> {
        self.recordings.lock().unwrap().entry(mid.to_owned()).or_default().clone()
    }

    fn by_ssrc(&self, ssrc: u32) -> Option<Arc<Recording>> {
        self.ssrcs.get(&ssrc).map(|mid| self.of(mid))
    }
}

pub(super) fn caps(line: &super::offer::OfferedLine) -> Option<gst::Caps> {
    let (payload, encoding) = line.codec()?;
    let rate = if line.kind == "audio" { 48_000 } else { 90_000 };
    let mut caps = gst::Caps::builder("application/x-rtp")
        .field("media", line.kind.as_str())
        .field("encoding-name", encoding)
        .field("clock-rate", rate)
        .field("payload", i32::from(payload));
    if encoding == "OPUS" {
        caps = caps.field("encoding-params", "2");
    }
    // As browsers do: the room learns from it what the path carries.
    if let Some(id) = line.twcc.filter(|_| line.direction == "sendonly") {
        caps = caps.field("rtcp-fb-transport-cc", true).field(format!("extmap-{id}"), TWCC);
    }
    Some(caps.build())
}

fn description(kind: gst_webrtc::WebRTCSDPType, sdp: &str) -> Result<gst_webrtc::WebRTCSessionDescription, String> {
    let sdp = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).map_err(|error| error.to_string())?;
    Ok(gst_webrtc::WebRTCSessionDescription::new(kind, sdp))
}

pub(crate) fn ask(
    webrtc: &gst::Element,
    signal: &str,
    argument: &dyn ToValue,
) -> Result<Option<gst::Structure>, String> {
    let promise = gst::Promise::new();
    webrtc.emit_by_name_with_values(signal, &[argument.to_value(), promise.to_value()]);
    match promise.wait() {
        gst::PromiseResult::Replied => {}
        other => return Err(format!("{signal}: {other:?}")),
    }
    let reply = promise.get_reply().map(ToOwned::to_owned);
    if let Some(error) = reply.as_ref().and_then(|reply| reply.get::<glib::Error>("error").ok()) {
        return Err(format!("{signal}: {error}"));
    }
    Ok(reply)
}

impl Link {
    /// Answers an offer. Returns the link and its answer. Blocks until the answer is made; sockets and threads belong
    /// to the network of the calling thread.
    ///
    /// # Errors
    /// When webrtcbin refuses, in its words.
    pub fn answer(sdp: &str, plan: &LinkPlan) -> Result<(Self, String), String> {
        gst::init().map_err(|error| error.to_string())?;
        let offer = Offer::read(sdp);
        let pipeline = gst::Pipeline::new();
        let webrtc = gst::ElementFactory::make("webrtcbin")
            .property_from_str("bundle-policy", "max-bundle")
            .property("latency", plan.latency)
            .build();
        let webrtc = webrtc.map_err(|error| error.to_string())?;
        let recording = Arc::new(Recording::default());
        let jitterbuffers = Arc::new(Mutex::new(Vec::new()));
        let video = Arc::new(Mutex::new(None));
        let (slots, channels, screen) = (Slots::new(&offer), Channels::default(), Mutex::new(None));
        let link = Link { pipeline, webrtc, jitterbuffers, video, offer, recording, slots, channels, screen };
        link.watch(plan);
        link.channels.listen(&link.webrtc);
        link.pipeline.add(&link.webrtc).map_err(|error| error.to_string())?;
        link.lines(plan)?;
        link.pipeline.set_state(gst::State::Playing).map_err(|error| error.to_string())?;
        if link.offer.candidates.iter().any(|candidate| candidate.contains(" 127.")) {
            loopback::allow(&link.webrtc);
        }
        ask(&link.webrtc, "set-remote-description", &description(gst_webrtc::WebRTCSDPType::Offer, sdp)?)?;
        link.wait_for_caps();
        let reply = ask(&link.webrtc, "create-answer", &None::<gst::Structure>)?.ok_or("no answer was made")?;
        let answer: gst_webrtc::WebRTCSessionDescription =
            reply.value("answer").ok().and_then(|value| value.get().ok()).ok_or("no answer was made")?;
        let text = answer.sdp().as_text().map_err(|error| error.to_string())?;
        ask(&link.webrtc, "set-local-description", &answer)?;
        Ok((link, text))
    }

    /// One transceiver for each line of the offer, in its order, so that webrtcbin pairs them by line and not by luck.
    fn lines(&self, plan: &LinkPlan) -> Result<(), String> {
        for (index, line) in (0_u32..).zip(&self.offer.lines) {
            let Some(caps) = caps(line) else { continue };
            let is_silent = plan.picture == Picture::Replayed && line.mid == sends::SCREEN;
            if line.direction == "sendonly" || plan.sends.is_none() || is_silent {
                let direction = match line.direction.as_str() {
                    "sendonly" => gst_webrtc::WebRTCRTPTransceiverDirection::Recvonly,
                    _ => gst_webrtc::WebRTCRTPTransceiverDirection::Inactive,
                };
                let transceiver = self
                    .webrtc
                    .emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("add-transceiver", &[&direction, &caps]);
                if let Some(transceiver) = transceiver.filter(|_| line.kind == "video") {
                    transceiver.set_property("do-nack", true); // takes repairs, as browsers do
                }
                continue;
            }
            if let Some(valve) = sends::add(&self.pipeline, &self.webrtc, line, index, plan)? {
                *self.screen.lock().unwrap() = Some(valve);
            }
        }
        Ok(())
    }

    /// An answer that is made before webrtcbin knows what its lines carry does not name their SSRCs, as browsers' answers do.
    fn wait_for_caps(&self) {
        let until = Instant::now() + Duration::from_secs(3);
        while !self.webrtc.sink_pads().iter().all(|pad| pad.has_current_caps()) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What came on a line that is not the room's: a slot, or somebody's screen.
    #[must_use]
    pub fn slot(&self, mid: &str) -> Arc<Recording> {
        self.slots.of(mid)
    }

    /// Shows its screen, or no longer.
    pub fn show_screen(&self, on: bool) {
        if let Some(valve) = &*self.screen.lock().unwrap() {
            valve.set_property("drop", !on);
        }
    }

    fn watch(&self, plan: &LinkPlan) {
        let (recording, jitterbuffers, keeps) = (self.recording.clone(), self.jitterbuffers.clone(), plan.keeps);
        let slots = self.slots.clone();
        self.pipeline.connect_deep_element_added(move |_, _, element| {
            match element.factory().map(|factory| factory.name().to_string()).as_deref() {
                Some("dtlssrtpdec") => {
                    let Some(pad) = element.static_pad("rtp_src") else { return };
                    let (recording, slots) = (recording.clone(), slots.clone());
                    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
                        let note = |buffer: &gst::BufferRef| {
                            if let Ok(map) = buffer.map_readable() {
                                let ssrc =
                                    map.get(8..12).and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
                                match ssrc.and_then(|ssrc| slots.by_ssrc(ssrc)) {
                                    Some(slot) => slot.packet(map.as_slice(), false),
                                    None => recording.packet(map.as_slice(), keeps),
                                }
                            }
                        };
                        match &info.data {
                            Some(gst::PadProbeData::Buffer(buffer)) => note(buffer),
                            Some(gst::PadProbeData::BufferList(list)) => list.iter().for_each(note),
                            _ => {}
                        }
                        gst::PadProbeReturn::Ok
                    });
                }
                Some("rtpjitterbuffer") => jitterbuffers.lock().unwrap().push(element.clone()),
                _ => {}
            }
        });
        let (recording, video, plan) = (self.recording.clone(), self.video.clone(), plan.clone());
        let slots = self.slots.clone();
        let pipeline = self.pipeline.downgrade();
        self.webrtc.connect_pad_added(move |_, pad| {
            let Some(pipeline) = pipeline.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src) else {
                return;
            };
            let caps = pad.current_caps().or_else(|| pad.allowed_caps());
            let structure = caps.as_ref().and_then(|caps| caps.structure(0));
            let encoding =
                structure.and_then(|structure| structure.get::<String>("encoding-name").ok()).unwrap_or_default();
            let ssrc = structure.and_then(|structure| structure.get::<u32>("ssrc").ok());
            if let Some(slot) = ssrc.and_then(|ssrc| slots.by_ssrc(ssrc)) {
                receive(&pipeline, pad, &encoding, &slot, plan.others);
                return;
            }
            if encoding == "H264" || encoding == "VP8" {
                *video.lock().unwrap() = Some(pad.clone());
            }
            receive(&pipeline, pad, &encoding, &recording, plan.decodes);
        });
    }

    /// Asks for a key frame (PLI, RFC 4585).
    pub fn ask_for_key_frame(&self) {
        let pad = self.video.lock().unwrap().clone();
        if let Some(pad) = pad {
            pad.send_event(key_frame_request());
        }
    }

    /// Asks for packets once more (generic NACK, RFC 4585), as if they had been lost.
    pub fn ask_again(&self, ssrc: u32, sequences: impl IntoIterator<Item = u16>) {
        for sequence in sequences {
            for jitterbuffer in self.jitterbuffers.lock().unwrap().iter() {
                let request = gst::Structure::builder("GstRTPRetransmissionRequest")
                    .field("seqnum", u32::from(sequence))
                    .field("ssrc", ssrc)
                    .field("delay", 0_u32)
                    .field("deadline", 1000_u32)
                    .field("avg-rtt", 10_u32)
                    .build();
                if let Some(pad) = jitterbuffer.static_pad("sink") {
                    pad.push_event(gst::event::CustomUpstream::new(request));
                }
            }
        }
    }

    /// Whether its state is `connected`.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        let state = self.webrtc.property::<gst_webrtc::WebRTCPeerConnectionState>("connection-state");
        state == gst_webrtc::WebRTCPeerConnectionState::Connected
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.channels.clear();
        subrosa_media::link::dtls::stop(&self.pipeline);
    }
}

fn receive(pipeline: &gst::Pipeline, pad: &gst::Pad, encoding: &str, recording: &Arc<Recording>, decodes: bool) {
    let chain = match encoding {
        "H264" if decodes => "rtph264depay ! avdec_h264 max-threads=1 name=decoder",
        "VP8" if decodes => "rtpvp8depay ! vp8dec name=decoder",
        "OPUS" if decodes => "rtpopusdepay ! opusdec name=decoder ! audio/x-raw,format=S16LE",
        _ => "identity name=decoder",
    };
    let chain = gst::parse::bin_from_description(&format!("queue ! {chain} ! fakesink sync=false async=false"), true);
    let Ok(chain) = chain else { return };
    let decoder = chain.by_name("decoder").and_then(|decoder| decoder.static_pad("src"));
    if let Some(decoded) = decoder.filter(|_| decodes) {
        let recording = recording.clone();
        let audio = encoding == "OPUS";
        let shown = Arc::new(Mutex::new(Instant::now()));
        if !audio {
            ask_while_blind(pad, shown.clone());
        }
        decoded.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            let Some(gst::PadProbeData::Buffer(buffer)) = &info.data else { return gst::PadProbeReturn::Ok };
            let at = Instant::now();
            *shown.lock().unwrap() = at;
            if audio {
                if let Ok(map) = buffer.map_readable() {
                    let samples: Vec<i16> =
                        map.as_slice().chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
                    recording.sound(Sound { at, level: loudness(&samples) });
                }
            } else if let Some((width, height, thumb)) = pad.current_caps().and_then(|caps| thumb(&caps, buffer)) {
                recording.frame(Frame { at, width, height, thumb });
            }
            gst::PadProbeReturn::Ok
        });
    }
    if pipeline.add(&chain).is_ok()
        && let Some(sink) = chain.static_pad("sink")
    {
        let _linked = pad.link(&sink);
        let _running = chain.sync_state_with_parent();
    }
}

/// Asks for a key frame for as long as packets come and nothing can be shown, as browsers do: a request may be lost, too.
fn ask_while_blind(packets: &gst::Pad, shown: Arc<Mutex<Instant>>) {
    let asked = Mutex::new(Instant::now());
    packets.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |pad, _| {
        let mut asked = asked.lock().unwrap();
        if shown.lock().unwrap().elapsed() > BLIND && asked.elapsed() > BLIND {
            *asked = Instant::now();
            pad.send_event(key_frame_request());
        }
        gst::PadProbeReturn::Ok
    });
}

/// A PLI (RFC 4585, section 6.3.1).
fn key_frame_request() -> gst::Event {
    gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(false).build()
}

/// The brightness plane of an I420 picture, by single samples: enough to tell one picture from another.
fn thumb(caps: &gst::Caps, buffer: &gst::BufferRef) -> Option<(u32, u32, Thumb)> {
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).ok()?;
    let (width, height) = (info.width() as usize, info.height() as usize);
    let stride = usize::try_from(*frame.plane_stride().first()?).ok()?;
    let plane = frame.plane_data(0).ok()?;
    let mut thumb = Vec::with_capacity(THUMB.0 * THUMB.1);
    for row in 0..THUMB.1 {
        for column in 0..THUMB.0 {
            let (x, y) = ((column * 2 + 1) * width / (THUMB.0 * 2), (row * 2 + 1) * height / (THUMB.1 * 2));
            thumb.push(*plane.get(y * stride + x)?);
        }
    }
    Some((info.width(), info.height(), thumb))
}
