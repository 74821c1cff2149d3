//! The link on which others come, where a server has two for each participant: it offers, and we answer.
//!
//! The server takes whatever it lists on a line for taken, sends what the publisher sends, and lists everything that it knows.
//! So each line is cut to what its track is before media sees it, and lines that rest keep their place ([`cut`]).

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use livekit_protocol::SessionDescription;
use livekit_protocol::signal_request::Message as Ask;
use subrosa_messages::Pii;
use subrosa_messages::media::{Codec, DataChannel, DescriptionKind, LinkId, RoomToMedia, TurnServer};

use super::candidates::Candidates;
use super::event::{Action, Told};
use super::packet::CHANNEL;
use super::people::People;
use super::session::{Out, say};
use crate::signalling::sdp::{Sdp, Section};

/// Media answers within this time, or there is nothing in the offer that it can take.
const ANSWERED: Duration = Duration::from_secs(5);

/// An offer that media has.
#[derive(Clone, Debug)]
struct Asked {
    id: u32,
    slots: BTreeMap<String, String>,
    until: Instant,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Subscriber {
    /// Once media is there.
    pub id: Option<LinkId>,
    candidates: Candidates,
    /// The newest offer, until media has it.
    offered: Option<SessionDescription>,
    asked: Option<Asked>,
    /// Which track is on which line.
    pub slots: BTreeMap<String, String>,
}

impl Subscriber {
    /// Has it opened; the server offers by itself, and may have done so already.
    pub fn open(&mut self, id: LinkId, relay: Option<TurnServer>, out: &mut Out) {
        self.id = Some(id);
        out.push(Action::Media(RoomToMedia::OpenLink {
            link: id,
            side: DescriptionKind::Answer,
            lines: Vec::new(),
            data_channels: vec![DataChannel::called(CHANNEL)],
            relay,
        }));
    }

    pub fn deadline(&self) -> Option<Instant> {
        let answered = self.asked.as_ref().map(|asked| asked.until);
        [self.candidates.deadline(), answered].into_iter().flatten().min().filter(|_| self.id.is_some())
    }

    /// The server offers; what it offered before, and media has not seen, is of no more use.
    pub fn offered(&mut self, now: Instant, offer: SessionDescription) {
        self.candidates.begin(now);
        self.offered = Some(offer);
    }

    pub fn trickled(&mut self, init: &str, last: bool) {
        self.candidates.came(init, last);
    }

    /// Hands the offer on, when it is time. `false`: media makes nothing of the one before.
    pub fn negotiate(&mut self, now: Instant, people: &People, out: &mut Out) -> bool {
        if let Some(asked) = &self.asked {
            return now < asked.until;
        }
        let Some(link) = self.id.filter(|_| self.candidates.are_there(now)) else { return true };
        let Some(offer) = self.offered.take() else { return true };
        let tracks = offer.mid_to_track_id;
        let codec = |track: &str| people.track(track).and_then(|track| track.codec);
        let sdp = self.candidates.put_into(&Pii::new(cut(&offer.sdp, &tracks, codec)));
        self.asked = Some(Asked { id: offer.id, slots: tracks.into_iter().collect(), until: now + ANSWERED });
        let kind = DescriptionKind::Offer;
        out.push(Action::Media(RoomToMedia::Description { link, kind, sdp, candidates: true }));
        true
    }

    /// Media has answered.
    pub fn answered(&mut self, sdp: &Pii<String>, out: &mut Out) {
        let Some(asked) = self.asked.take() else { return };
        let answer = SessionDescription {
            r#type: "answer".to_owned(),
            sdp: resting(sdp.reveal()),
            id: asked.id,
            ..SessionDescription::default()
        };
        say(Ask::Answer(answer), out);
        if std::mem::replace(&mut self.slots, asked.slots) != self.slots {
            out.push(Action::Tell(Told::Slots));
        }
    }
}

/// The offer as media is to see it: a line with a track on it sends that track, in that track's codec; a line without one rests,
/// whatever it says of itself (`sendrecv` from the beginning, `recvonly` after its track has ended).
fn cut(sdp: &str, tracks: &HashMap<String, String>, codec: impl Fn(&str) -> Option<Codec>) -> String {
    let sdp = Sdp::read(sdp);
    let mut lines: Vec<String> = sdp.session.lines().iter().map(|line| (*line).to_owned()).collect();
    for section in &sdp.media {
        let kind = section.head().next();
        if !matches!(kind, Some("audio" | "video")) {
            lines.extend(section.lines().iter().map(|line| (*line).to_owned()));
            continue;
        }
        let codec = section.attribute("mid").and_then(|mid| tracks.get(mid)).and_then(|track| codec(track));
        let kept = match (kind, codec) {
            (Some("video"), Some(codec)) => Some(formats(section, codec)),
            _ => None,
        };
        lines.extend(section.lines().iter().filter_map(|line| keep(line, kept.as_deref())));
        lines.push(if codec.is_some() { "a=sendonly" } else { "a=inactive" }.to_owned());
    }
    lines.into_iter().flat_map(|line| [line, "\r\n".to_owned()]).collect()
}

/// The formats of a line that are this codec, and those that repeat its packets (RFC 4588).
fn formats<'a>(section: &Section<'a>, codec: Codec) -> Vec<&'a str> {
    let name = match codec {
        Codec::H264 => "H264/90000",
        Codec::Vp8 => "VP8/90000",
        Codec::Opus => "opus/48000/2",
    };
    let is = |value: &&'a str| value.split_once(' ').is_some_and(|(_, known)| known.eq_ignore_ascii_case(name));
    let mut kept: Vec<&str> =
        section.attributes("rtpmap").filter(is).filter_map(|value| Some(value.split_once(' ')?.0)).collect();
    let repeats = section.attributes("fmtp").filter_map(|value| {
        let (format, parameters) = value.split_once(' ')?;
        kept.contains(&parameters.strip_prefix("apt=")?).then_some(format)
    });
    let repeats: Vec<&str> = repeats.collect();
    kept.extend(repeats);
    kept
}

/// A line of a section, if it is one of what is kept; directions are said anew.
fn keep(line: &str, kept: Option<&[&str]>) -> Option<String> {
    if ["a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive"].contains(&line) {
        return None;
    }
    let Some(kept) = kept else { return Some(line.to_owned()) };
    if line.starts_with("m=") {
        let head: Vec<&str> = line.split(' ').take(3).chain(kept.iter().copied()).collect();
        return Some(head.join(" "));
    }
    let format = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().find_map(|start| line.strip_prefix(start));
    let format = format.and_then(|value| value.split(' ').next());
    format.is_none_or(|format| format == "*" || kept.contains(&format)).then(|| line.to_owned())
}

/// The answer as the server is to get it: a line that rests is not refused (port 0), so that another track can come on it, as browsers do.
fn resting(sdp: &str) -> String {
    let line = |line: &str| match (line.strip_prefix("m=audio 0 "), line.strip_prefix("m=video 0 ")) {
        (Some(rest), _) => format!("m=audio 9 {rest}\r\n"),
        (_, Some(rest)) => format!("m=video 9 {rest}\r\n"),
        _ => format!("{line}\r\n"),
    };
    sdp.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\na=group:BUNDLE 0 1 2 3\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=sendrecv\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 125 126\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\n\
        a=fmtp:97 apt=96\r\na=rtpmap:125 H264/90000\r\na=fmtp:125 packetization-mode=1\r\na=rtpmap:126 rtx/90000\r\na=fmtp:126 apt=125\r\na=sendrecv\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:2\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\na=sendrecv\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:3\r\na=rtpmap:96 VP8/90000\r\na=recvonly\r\n";

    #[test]
    fn a_line_is_cut_to_its_track_and_one_without_a_track_rests() {
        let tracks = [("1", "TR_V"), ("2", "TR_A")].map(|(mid, track)| (mid.to_owned(), track.to_owned()));
        let codec = |track: &str| Some(if track == "TR_V" { Codec::H264 } else { Codec::Opus });
        let seen = cut(OFFER, &HashMap::from(tracks), codec);
        let seen = Sdp::read(&seen);
        let one = seen.line("1").unwrap();
        assert_eq!(one.head().collect::<Vec<_>>(), ["video", "9", "UDP/TLS/RTP/SAVPF", "125", "126"]);
        assert_eq!(one.attributes("rtpmap").collect::<Vec<_>>(), ["125 H264/90000", "126 rtx/90000"]);
        assert!(one.has("sendonly") && !one.has("sendrecv") && one.attribute("rtcp-fb").is_none());
        assert!(seen.line("2").unwrap().has("sendonly") && seen.line("3").unwrap().has("inactive"));
        assert!(seen.line("0").unwrap().has("sendrecv"), "that is no line of a track");
    }

    #[test]
    fn a_track_that_nobody_here_can_show_rests() {
        let tracks = HashMap::from([("1".to_owned(), "TR_V".to_owned())]);
        let seen = cut(OFFER, &tracks, |_| None);
        assert!(Sdp::read(&seen).line("1").unwrap().has("inactive"));
    }

    #[test]
    fn a_line_that_rests_is_not_refused() {
        let answer = "v=0\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=inactive\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n";
        assert_eq!(resting(answer), answer.replace("m=video 0", "m=video 9"));
    }
}
