//! The offer that media's webrtcbin answers, written from jicofo's.
//!
//! How it must look was measured (notes, 5.10 and 0a): always an offer, so that the room is the answering side and may
//! wait in DTLS (`a=setup:active` here makes the answer `passive`: the bridge as DTLS server takes only ECDSA
//! certificates, and webrtcbin's is RSA; as client it takes any); one codec and its retransmissions per line; the
//! SSRCs of every stream on its own line; no candidate but the bridge's, and only on the first line of the bundle.
//!
//! No name, address or id of a participant is in it: streams are called after their lines. Media has no use for more.

use std::fmt::Write;

use subrosa_messages::media::{Codec, Kind};

use super::super::content::{Description, PayloadType};
use super::super::error::JingleError;
use super::super::transport::Candidate;
use super::ability;
use super::lines::{BRIDGE, Lines};
use super::offer::Offer;
use super::streams::{Stream, Streams};
use crate::signalling::lines::{ROOM_AUDIO, ROOM_VIDEO};

/// The largest message of the bridge's channel, in bytes (RFC 8841, section 6).
const LARGEST_MESSAGE: u32 = 262_144;

/// Writes the offer. `version` is larger than that of the one before (RFC 8866, section 5.2), `room` the codec of the
/// room's own picture.
///
/// # Errors
/// When a codec of a line was not offered.
pub fn describe(
    offer: &Offer,
    lines: &Lines,
    streams: &Streams,
    version: u64,
    room: Codec,
) -> Result<String, JingleError> {
    let mut sdp = Writer { offer, text: String::with_capacity(8192), first: true };
    let data = offer.data.as_ref().map(|_| BRIDGE);
    let mids = [Some(ROOM_AUDIO), Some(ROOM_VIDEO), data];
    let slots = lines.slots().iter().map(|slot| slot.mid.0.as_str());
    let bundle: Vec<&str> = mids.into_iter().flatten().chain(slots).collect();
    sdp.line("v=0");
    sdp.line(&format!("o=- 1 {version} IN IP4 0.0.0.0"));
    sdp.line("s=-");
    sdp.line("t=0 0");
    sdp.line(&format!("a=group:BUNDLE {}", bundle.join(" ")));
    let bridge = |kind| {
        streams.iter().find(move |stream| stream.kind == kind && stream.owner == super::super::source::Owner::Bridge)
    };
    sdp.rtp(ROOM_AUDIO, Codec::Opus, Use::Both(bridge(Kind::Audio)))?;
    sdp.rtp(ROOM_VIDEO, room, Use::Both(bridge(Kind::Video)))?;
    if let Some((_, port, _)) = &offer.data {
        sdp.data(*port);
    }
    for slot in lines.slots() {
        let stream = slot.occupant.as_ref().and_then(|name| streams.named(name));
        sdp.rtp(&slot.mid.0, slot.codec, stream.map_or(Use::Closed, Use::Receive))?;
    }
    Ok(sdp.text)
}

/// What a line is used for, as the room sees it.
enum Use<'a> {
    /// The room sends; what comes is the bridge's own.
    Both(Option<&'a Stream>),
    /// Somebody's stream comes.
    Receive(&'a Stream),
    /// Nothing.
    Closed,
}

struct Writer<'a> {
    offer: &'a Offer,
    text: String,
    first: bool,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push_str("\r\n");
    }

    fn attribute(&mut self, attribute: std::fmt::Arguments<'_>) {
        let _never_fails = self.text.write_fmt(attribute);
        self.text.push_str("\r\n");
    }

    fn rtp(&mut self, mid: &str, codec: Codec, used: Use<'_>) -> Result<(), JingleError> {
        let offer = self.offer;
        let (kind, description): (&str, &Description) = match codec.kind() {
            Kind::Audio => ("audio", &offer.audio.1),
            Kind::Video => ("video", &offer.video.1),
        };
        let (payload, retransmission) = ability::offered(description, codec)?;
        let retransmission = retransmission.filter(|_| codec.kind() == Kind::Video);
        let (port, direction) = match &used {
            Use::Both(_) => (9, "sendrecv"),
            Use::Receive(_) => (9, "sendonly"),
            Use::Closed => (0, "inactive"),
        };
        let rtx = retransmission.map(|rtx| format!(" {}", rtx.id)).unwrap_or_default();
        self.attribute(format_args!("m={kind} {port} UDP/TLS/RTP/SAVPF {}{rtx}", payload.id));
        self.line("c=IN IP4 0.0.0.0");
        self.line("a=rtcp-mux");
        self.attribute(format_args!("a={direction}"));
        self.payload(payload, codec);
        if let Some(rtx) = retransmission {
            self.attribute(format_args!("a=rtpmap:{} rtx/90000", rtx.id));
            self.attribute(format_args!("a=fmtp:{} apt={}", rtx.id, payload.id));
        }
        for extension in ability::extensions(description, codec.kind()) {
            self.attribute(format_args!("a=extmap:{} {}", extension.id, extension.uri));
        }
        match used {
            Use::Both(Some(stream)) | Use::Receive(stream) => self.ssrcs(mid, stream),
            Use::Both(None) | Use::Closed => {}
        }
        self.transport(mid);
        Ok(())
    }

    fn payload(&mut self, payload: &PayloadType, codec: Codec) {
        let name = match codec {
            Codec::H264 => "H264/90000",
            Codec::Vp8 => "VP8/90000",
            Codec::Opus => "opus/48000/2",
        };
        self.attribute(format_args!("a=rtpmap:{} {name}", payload.id));
        let pairs = ability::parameters(payload);
        let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !pairs.is_empty() {
            self.attribute(format_args!("a=fmtp:{} {}", payload.id, pairs.join(";")));
        }
        for feedback in ability::feedback(payload) {
            let subtype = feedback.subtype.as_ref().map(|subtype| format!(" {subtype}")).unwrap_or_default();
            self.attribute(format_args!("a=rtcp-fb:{} {}{subtype}", payload.id, feedback.kind));
        }
    }

    /// Streams are named after their line: an id of a participant is nothing that media has to know.
    fn ssrcs(&mut self, mid: &str, stream: &Stream) {
        let retransmission = stream.retransmission();
        let Some(primary) = stream.primary() else { return };
        for ssrc in [Some(primary), retransmission].into_iter().flatten() {
            self.attribute(format_args!("a=ssrc:{ssrc} cname:{mid}"));
            self.attribute(format_args!("a=ssrc:{ssrc} msid:{mid} {mid}"));
        }
        if let Some(retransmission) = retransmission {
            self.attribute(format_args!("a=ssrc-group:FID {primary} {retransmission}"));
        }
    }

    fn data(&mut self, port: u16) {
        self.line("m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
        self.line("c=IN IP4 0.0.0.0");
        self.attribute(format_args!("a=sctp-port:{port}"));
        self.attribute(format_args!("a=max-message-size:{LARGEST_MESSAGE}"));
        self.transport(BRIDGE);
    }

    fn transport(&mut self, mid: &str) {
        let offer = self.offer;
        let (name, password) = &offer.credentials;
        self.attribute(format_args!("a=mid:{mid}"));
        self.attribute(format_args!("a=ice-ufrag:{}", name.reveal()));
        self.attribute(format_args!("a=ice-pwd:{}", password.reveal()));
        for fingerprint in &offer.fingerprints {
            self.attribute(format_args!("a=fingerprint:{} {}", fingerprint.hash, fingerprint.digest));
        }
        self.line("a=setup:active");
        if std::mem::take(&mut self.first) {
            for candidate in &offer.candidates {
                self.candidate(candidate);
            }
            self.line("a=end-of-candidates");
        }
    }

    fn candidate(&mut self, candidate: &Candidate) {
        let related = candidate.related.as_ref().map(|related| {
            let (address, port) = related.reveal();
            format!(" raddr {address} rport {port}")
        });
        self.attribute(format_args!(
            "a=candidate:{} {} udp {} {} {} typ {}{}",
            candidate.foundation,
            candidate.component,
            candidate.priority,
            candidate.address.reveal(),
            candidate.port,
            candidate.kind.as_str(),
            related.unwrap_or_default(),
        ));
    }
}
