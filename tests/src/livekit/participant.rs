//! A participant: one connection that sends, one that receives, as LiveKit's protocol has it (version 16 over `/rtc`).

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

use super::arrivals::{Arrivals, Pictures};
use super::codecs::Codecs;
use super::wire::{Field, fields, message, number_of, text, text_of};
use crate::peer::replay::{Replayed, replay};
use crate::peer::{ask, loopback};

/// What somebody takes of what others send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// All of it.
    Everything,
    /// Nothing but what [`super::Server::sends`] to them.
    Nothing,
}

/// Somebody in a room of LiveKit's. Leaves when dropped.
pub struct Participant {
    bytes: Arc<AtomicU64>,
    arrivals: Arc<Arrivals>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Participant {
    pub(super) fn join(url: &str, lines: &[Replayed]) -> Self {
        gst::init().expect("GStreamer");
        let (bytes, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (socket, _) = tungstenite::connect(url).unwrap_or_else(|error| panic!("joining: {error}"));
        let arrivals = Arc::<Arrivals>::default();
        let desk = Desk::new(socket, lines, bytes.clone(), arrivals.clone());
        let ends = ended.clone();
        let thread = std::thread::spawn(move || desk.work(&ends));
        Participant { bytes, arrivals, ended, thread: Some(thread) }
    }

    /// Bytes of RTP of others that have come.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Pictures of others that have come.
    #[must_use]
    pub fn pictures(&self) -> Pictures {
        self.arrivals.pictures()
    }

    /// The server has not sent it away.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// One of the two connections.
struct Connection {
    pipeline: gst::Pipeline,
    webrtc: gst::Element,
    /// Candidates that came before a description.
    early: Vec<(u32, String)>,
    described: bool,
}

impl Connection {
    fn new() -> Self {
        let pipeline = gst::Pipeline::new();
        let webrtc = gst::ElementFactory::make("webrtcbin").property_from_str("bundle-policy", "max-bundle").build();
        let webrtc = webrtc.expect("webrtcbin");
        pipeline.add(&webrtc).expect("a pipeline");
        Connection { pipeline, webrtc, early: Vec::new(), described: false }
    }

    fn start(&self) {
        self.pipeline.set_state(gst::State::Playing).expect("a pipeline that plays");
        loopback::allow(&self.webrtc);
        // The server closes a connection on which nothing comes for fifteen seconds, and libnice's own sign of life is rarer than that.
        let ice = self.webrtc.property::<Option<gst::glib::Object>>("ice-agent");
        if let Some(agent) = ice.and_then(|ice| ice.property::<Option<gst::glib::Object>>("agent")) {
            agent.set_property("keepalive-conncheck", true);
        }
    }

    fn candidate(&mut self, line: u32, candidate: String) {
        if self.described {
            self.webrtc.emit_by_name::<()>("add-ice-candidate", &[&line, &candidate]);
        } else {
            self.early.push((line, candidate));
        }
    }

    fn remote(&mut self, kind: gst_webrtc::WebRTCSDPType, sdp: &str) {
        let sdp = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).expect("a description");
        let description = gst_webrtc::WebRTCSessionDescription::new(kind, sdp);
        ask(&self.webrtc, "set-remote-description", &description).expect("a description that is taken");
        self.described = true;
        for (line, candidate) in std::mem::take(&mut self.early) {
            self.candidate(line, candidate);
        }
    }

    fn local(&self, signal: &str, field: &str) -> String {
        let reply = ask(&self.webrtc, signal, &None::<gst::Structure>).expect(signal).expect(signal);
        let made: gst_webrtc::WebRTCSessionDescription = reply.get(field).expect("a description");
        let sdp = made.sdp().as_text().expect("text");
        ask(&self.webrtc, "set-local-description", &made).expect("our own description");
        sdp
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        subrosa_media::link::dtls::stop(&self.pipeline);
    }
}

/// In both directions.
const LEAVE: u32 = 8;

struct Desk {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    sends: Connection,
    receives: Connection,
    lines: Vec<Replayed>,
    arrivals: Arc<Arrivals>,
    codecs: Codecs,
    offer: String,
    published: usize,
}

/// The caps that a payloader has not by itself, so that webrtcbin offers what the server looks for.
const CAPS: [&str; 2] = [
    "application/x-rtp,media=video,encoding-name=VP8,clock-rate=90000,payload=96,rtcp-fb-nack=true,rtcp-fb-nack-pli=true",
    "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=111",
];

impl Desk {
    fn new(
        socket: WebSocket<MaybeTlsStream<TcpStream>>,
        lines: &[Replayed],
        bytes: Arc<AtomicU64>,
        arrivals: Arc<Arrivals>,
    ) -> Self {
        let (sends, receives) = (Connection::new(), Connection::new());
        for (ssrc, what) in (1000..).zip(lines) {
            let is_sound = *what == Replayed::Tone;
            let source = replay(*what, if is_sound { 111 } else { 96 }, ssrc).expect("a source");
            let caps = CAPS[usize::from(is_sound)];
            sends.pipeline.add(&source).expect("a source");
            let pad = sends.webrtc.request_pad_simple("sink_%u").expect("a pad");
            let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
            transceiver.set_property("direction", gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
            transceiver.set_property("codec-preferences", caps.parse::<gst::Caps>().expect("caps"));
            source.static_pad("src").expect("a pad").link(&pad).expect("a link");
        }
        let pipeline = receives.pipeline.downgrade();
        receives.webrtc.connect_pad_added(move |_, pad| {
            let Some(pipeline) = pipeline.upgrade().filter(|_| pad.direction() == gst::PadDirection::Src) else {
                return;
            };
            let sink = gst::ElementFactory::make("fakesink").property("sync", false).property("async", false).build();
            let sink = sink.expect("a sink");
            pipeline.add(&sink).expect("a sink");
            let _runs = sink.sync_state_with_parent();
            let _linked = sink.static_pad("sink").map(|into| pad.link(&into));
            let bytes = bytes.clone();
            pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
                if let Some(gst::PadProbeData::Buffer(buffer)) = &info.data {
                    bytes.fetch_add(buffer.size() as u64, Ordering::Relaxed);
                }
                gst::PadProbeReturn::Ok
            });
        });
        arrivals.watch(&receives.pipeline);
        sends.start();
        receives.start();
        Desk {
            socket,
            sends,
            receives,
            lines: lines.to_vec(),
            arrivals,
            codecs: Codecs::default(),
            offer: String::new(),
            published: 0,
        }
    }

    fn work(mut self, ended: &AtomicBool) {
        if let MaybeTlsStream::Plain(stream) = self.socket.get_ref() {
            stream.set_read_timeout(Some(Duration::from_millis(100))).expect("a socket");
        }
        while !ended.load(Ordering::SeqCst) {
            match self.socket.read() {
                Ok(Message::Binary(bytes)) => {
                    for (number, field) in fields(&bytes) {
                        if number == LEAVE {
                            return;
                        }
                        if let Field::Bytes(body) = field {
                            self.said(number, &fields(&body));
                        }
                    }
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error))
                    if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
        // A leave; the server would wait for us otherwise.
        self.say(LEAVE, &[(2, Field::Number(1))]);
        let _gone = self.socket.close(None);
    }

    fn say(&mut self, number: u32, body: &[(u32, Field)]) {
        let bytes = message(&[(number, Field::Bytes(message(body)))]);
        let _gone = self.socket.send(Message::Binary(bytes.into()));
    }

    /// Something of `SignalResponse`.
    fn said(&mut self, number: u32, body: &[(u32, Field)]) {
        // Others: those who are there already, and those who come or change.
        let people = match number {
            1 => Some(3),
            5 => Some(1),
            _ => None,
        };
        for (number, field) in body {
            if let Field::Bytes(person) = field
                && people == Some(*number)
            {
                self.codecs.told(person);
            }
        }
        match number {
            // join
            1 if self.lines.is_empty() => {}
            1 => {
                std::thread::sleep(Duration::from_millis(300)); // caps come to the pads
                self.offer = self.sends.local("create-offer", "offer");
                let cids: Vec<String> = self.offer.lines().filter_map(track).fold(Vec::new(), |mut all, cid| {
                    if !all.contains(&cid) {
                        all.push(cid);
                    }
                    all
                });
                for (n, cid) in cids.iter().enumerate() {
                    let is_picture = self.lines.get(n) != Some(&Replayed::Tone);
                    let kind = (3, Field::Number(u64::from(is_picture)));
                    let source = (8, Field::Number(if is_picture { 1 } else { 2 }));
                    let mut track = vec![(1, text(cid)), (2, text(cid)), kind, source];
                    if let Some((width, height)) = self.lines.get(n).and_then(|line| line.size()) {
                        track.extend([(4, Field::Number(width)), (5, Field::Number(height))]);
                    }
                    self.say(4, &track);
                }
            }
            // answer
            2 => self.sends.remote(gst_webrtc::WebRTCSDPType::Answer, &text_of(body, 2)),
            // offer
            3 => {
                let offer = self.codecs.first(&text_of(body, 2));
                self.arrivals.offered(&offer);
                self.receives.remote(gst_webrtc::WebRTCSDPType::Offer, &offer);
                let answer = self.receives.local("create-answer", "answer");
                self.say(2, &[(1, text("answer")), (2, text(&answer)), (3, Field::Number(number_of(body, 3)))]);
            }
            // trickle
            4 => {
                let candidate: serde_json::Value = serde_json::from_str(&text_of(body, 1)).unwrap_or_default();
                let line = candidate["sdpMLineIndex"].as_u64().and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
                let text = candidate["candidate"].as_str().unwrap_or_default().to_owned();
                if !text.is_empty() {
                    let which = if number_of(body, 2) == 0 { &mut self.sends } else { &mut self.receives };
                    which.candidate(line, text);
                }
            }
            // track_published
            6 => {
                self.published += 1;
                if self.published == self.lines.len() {
                    let offer = std::mem::take(&mut self.offer);
                    self.say(1, &[(1, text("offer")), (2, text(&offer))]);
                }
            }
            _ => {}
        }
    }
}

/// The name of a track in our own offer: `a=ssrc:N msid:STREAM TRACK`.
fn track(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("a=ssrc:")?;
    let (_, msid) = rest.split_once(" msid:")?;
    msid.split(' ').nth(1).map(str::to_owned)
}
