//! A double of Jitsi's bridge (jitsi-videobridge), built on webrtcbin after the recordings 13b, 13c, 15a and 15b.
//!
//! Like the bridge it knows no m-lines: it has one transport, says `a=setup:active`, names one candidate, and sends
//! whatever streams there are by their SSRCs, without asking anybody. Payload types and extensions are those that the
//! recordings have. What it does not do: it selects nothing, it has no simulcast, and it sends probing only when told.

mod answer;
mod seen;
mod source;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;

pub use answer::{Accepted, Transport};
pub use seen::{Frame, Seen};
pub use source::Shows;

/// The codecs of its lines.
pub const AUDIO: &str = "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,\
    payload=111,minptime=(string)10,useinbandfec=(string)1,rtcp-fb-transport-cc=true,\
    extmap-1=(string)urn:ietf:params:rtp-hdrext:ssrc-audio-level,\
    extmap-5=(string)http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const VP8: &str = "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=100,\
    rtcp-fb-nack=true,rtcp-fb-nack-pli=true,rtcp-fb-ccm-fir=true,rtcp-fb-transport-cc=true,\
    extmap-5=(string)http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
const H264: &str = "application/x-rtp,media=video,encoding-name=H264,clock-rate=90000,payload=107,\
    packetization-mode=(string)1,profile-level-id=(string)42e01f,level-asymmetry-allowed=(string)1,\
    rtcp-fb-nack=true,rtcp-fb-nack-pli=true,rtcp-fb-ccm-fir=true,rtcp-fb-transport-cc=true,\
    extmap-5=(string)http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Its lines, as webrtcbin has them: names of no meaning to anybody else.
const LINES: [(&str, &str); 3] = [("audio", AUDIO), ("vp8", VP8), ("h264", H264)];

/// What a channel of a client carried.
#[derive(Default)]
struct Channel {
    open: Option<gst_webrtc::WebRTCDataChannel>,
    came: Vec<String>,
}

/// The bridge.
pub struct Bridge {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    funnels: Vec<gst::Element>,
    sources: Mutex<BTreeMap<u32, source::Source>>,
    channel: Arc<Mutex<Channel>>,
    silent: Arc<AtomicBool>,
    offer: String,
    /// What it has received.
    pub seen: Arc<Seen>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ask(webrtc: &gst::Element, signal: &str, argument: &dyn ToValue) -> Option<gst::Structure> {
    let promise = gst::Promise::new();
    webrtc.emit_by_name_with_values(signal, &[argument.to_value(), promise.to_value()]);
    assert_eq!(promise.wait(), gst::PromiseResult::Replied, "{signal}");
    let reply = promise.get_reply().map(ToOwned::to_owned);
    let error = reply.as_ref().and_then(|reply| reply.get::<glib::Error>("error").ok());
    assert!(error.is_none(), "{signal}: {error:?}");
    reply
}

impl Bridge {
    /// A bridge at this address, with nobody on it.
    ///
    /// # Panics
    /// When GStreamer lacks something.
    #[must_use]
    pub fn start(address: IpAddr) -> Self {
        Self::begin(address, true)
    }

    /// One whose operator has switched data channels off (`videobridge.sctp.enabled`).
    ///
    /// # Panics
    /// When GStreamer lacks something.
    #[must_use]
    pub fn without_channel(address: IpAddr) -> Self {
        Self::begin(address, false)
    }

    fn begin(address: IpAddr, channel_line: bool) -> Self {
        gst::init().expect("GStreamer");
        let pipeline = gst::Pipeline::new();
        let webrtc = gst::ElementFactory::make("webrtcbin").property_from_str("bundle-policy", "max-bundle").build();
        let webrtc = webrtc.expect("webrtcbin");
        let (seen, channel, silent) = (Arc::new(Seen::default()), Arc::default(), Arc::new(AtomicBool::new(false)));
        seen::watch(&pipeline, &webrtc, &seen);
        silence(&pipeline, &silent);
        pipeline.add(&webrtc).expect("a pipeline");
        let ice = webrtc.property::<Option<glib::Object>>("ice-agent").expect("an ICE agent");
        assert!(ice.emit_by_name::<bool>("add-local-ip-address", &[&address.to_string()]), "its address");
        ice.set_property("ice-tcp", false);
        let funnels = LINES.iter().enumerate().map(|(n, (name, caps))| add_line(&pipeline, &webrtc, n, name, caps));
        let funnels: Vec<gst::Element> = funnels.collect();
        pipeline.set_state(gst::State::Playing).expect("a running pipeline");
        if channel_line {
            // One that both sides know of: nothing is said about it on the wire, and the bridge opens no channel.
            let options = gst::Structure::builder("options").field("negotiated", true).field("id", 1000_i32).build();
            let made = webrtc.emit_by_name::<Option<gst_webrtc::WebRTCDataChannel>>(
                "create-data-channel",
                &[&"unused", &Some(options)],
            );
            assert!(made.is_some(), "a line for the channel");
        }
        take_channels(&webrtc, &channel);
        let reply = ask(&webrtc, "create-offer", &None::<gst::Structure>).expect("an offer");
        let offer: gst_webrtc::WebRTCSessionDescription = reply.get("offer").expect("an offer");
        ask(&webrtc, "set-local-description", &offer);
        let until = Instant::now() + Duration::from_secs(10);
        let offer = loop {
            let local = webrtc.property::<gst_webrtc::WebRTCSessionDescription>("local-description");
            let text = local.sdp().as_text().expect("a description");
            if text.contains("a=candidate:") {
                break text;
            }
            assert!(Instant::now() < until, "the bridge has no candidate");
            std::thread::sleep(Duration::from_millis(10));
        };
        Bridge { pipeline, webrtc, funnels, sources: Mutex::default(), channel, silent, offer, seen }
    }

    /// What a session-initiate says of it.
    #[must_use]
    pub fn transport(&self) -> Transport {
        Transport::read(&self.offer)
    }

    /// What a client's session-accept says.
    pub fn accept(&self, accepted: &Accepted) {
        let answer = answer::write(&self.offer, accepted);
        let sdp = gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).expect("a description");
        let answer = gst_webrtc::WebRTCSessionDescription::new(gst_webrtc::WebRTCSDPType::Answer, sdp);
        ask(&self.webrtc, "set-remote-description", &answer);
    }

    /// Forwards one more stream.
    pub fn add(&self, ssrc: u32, shows: Shows) {
        let funnel = self.funnels.get(shows.line()).expect("a line");
        let source = source::Source::start(&self.pipeline, funnel, ssrc, shows);
        locked(&self.sources).insert(ssrc, source);
    }

    /// A stream ends.
    pub fn remove(&self, ssrc: u32) {
        let source = locked(&self.sources).remove(&ssrc);
        source.expect("a stream").stop(&self.pipeline);
    }

    /// Sends padding under an SSRC, as it does to measure a path: with a payload type that nobody may have agreed to, and
    /// the extension header of two bytes (RFC 8285, section 4.3).
    pub fn probe(&self, ssrc: u32, payload_type: u8, packets: u16) {
        source::probe(&self.pipeline, self.funnels.get(1).expect("a line"), ssrc, payload_type, packets);
    }

    /// Sends nothing any more, while the path stays.
    pub fn fall_silent(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    /// Whether the client has opened its channel: label and protocol.
    #[must_use]
    pub fn channel(&self) -> Option<(String, String)> {
        let channel = locked(&self.channel).open.clone()?;
        let is_open = channel.ready_state() == gst_webrtc::WebRTCDataChannelState::Open;
        let text = |text: Option<glib::GString>| text.map(String::from).unwrap_or_default();
        is_open.then(|| (text(channel.label()), text(channel.protocol())))
    }

    /// Says something over the client's channel.
    pub fn say(&self, text: &str) {
        let channel = locked(&self.channel).open.clone().expect("a channel");
        channel.send_string_full(Some(text)).expect("an open channel");
    }

    /// What the client has said since it was asked last.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.channel).came)
    }

    /// Closes the client's channel.
    pub fn close_channel(&self) {
        if let Some(channel) = locked(&self.channel).open.take() {
            channel.close();
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        locked(&self.channel).open = None;
        subrosa_media::link::dtls::stop(&self.pipeline);
    }
}

/// One line, and a funnel in front of it that takes any number of streams.
fn add_line(pipeline: &gst::Pipeline, webrtc: &gst::Element, n: usize, name: &str, caps: &str) -> gst::Element {
    let funnel = gst::ElementFactory::make("rtpfunnel").build().expect("rtpfunnel");
    pipeline.add(&funnel).expect("a pipeline");
    let caps: gst::Caps = caps.parse().expect("caps");
    let mut preferences = caps.clone();
    for structure in preferences.make_mut().iter_mut() {
        structure.set("a-mid", name);
    }
    let template = webrtc.pad_template("sink_%u").expect("a template");
    let pad = webrtc.request_pad(&template, Some(&format!("sink_{n}")), Some(&caps)).expect("a pad");
    let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
    transceiver.set_codec_preferences(Some(&preferences));
    transceiver.set_property("do-nack", name != "audio");
    funnel.static_pad("src").expect("a pad").link(&pad).expect("a link");
    funnel
}

fn silence(pipeline: &gst::Pipeline, silent: &Arc<AtomicBool>) {
    let silent = silent.clone();
    pipeline.connect_deep_element_added(move |_, _, element| {
        if element.type_().name() == "GstClockSync" {
            // A bridge forwards what comes when it comes: one stream never waits for another.
            element.set_property("sync", false);
        }
        if element.type_().name() == "GstNiceSink"
            && let Some(pad) = element.static_pad("sink")
        {
            let silent = silent.clone();
            pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
                if silent.load(Ordering::SeqCst) { gst::PadProbeReturn::Drop } else { gst::PadProbeReturn::Ok }
            });
        }
    });
}

fn take_channels(webrtc: &gst::Element, channel: &Arc<Mutex<Channel>>) {
    let channel = channel.clone();
    webrtc.connect_closure(
        "on-data-channel",
        false,
        glib::closure!(move |_: &gst::Element, opened: gst_webrtc::WebRTCDataChannel| {
            let came = channel.clone();
            opened.connect_on_message_string(move |_, text| {
                locked(&came).came.extend(text.map(str::to_owned));
            });
            locked(&channel).open = Some(opened);
        }),
    );
}
