//! Offers of a server with two connections as media is to see them, and media's answers as the server is to get them: pure.
//!
//! The server lists on each line every codec that it knows, whatever the track on it is in, and says `sendrecv` whatever it does. Media
//! takes one codec of a line. So a line is cut to its track's own. The answer, though, names both codecs that this room can show, on
//! every line: for all lines to come the server goes by the first answer that has a picture (pion's `MediaEngine`).

use std::collections::HashMap;

use subrosa_messages::media::Codec;

use crate::signalling::sdp::{Sdp, Section};

/// What is said of a picture that is received.
const FEEDBACK: [&str; 3] = ["nack", "nack pli", "ccm fir"];

/// The offer as media is to see it: a line with a track on it sends that track, in that track's codec; a line without one rests,
/// whatever it says of itself (`sendrecv` from the beginning, `recvonly` after its track has ended).
pub fn cut(sdp: &str, tracks: &HashMap<String, String>, codec: impl Fn(&str) -> Option<Codec>) -> String {
    let sdp = Sdp::read(sdp);
    let mut lines: Vec<String> = sdp.session.lines().iter().map(|line| (*line).to_owned()).collect();
    for section in &sdp.media {
        if !matches!(section.head().next(), Some("audio" | "video")) {
            lines.extend(section.lines().iter().map(|line| (*line).to_owned()));
            continue;
        }
        let codec = section.attribute("mid").and_then(|mid| tracks.get(mid)).and_then(|track| codec(track));
        let kept = codec.map(|codec| formats(section, codec)).filter(|kept| !kept.is_empty());
        lines.extend(section.lines().iter().filter_map(|line| keep(line, kept.as_deref())));
        lines.push(if kept.is_some() { "a=sendonly" } else { "a=inactive" }.to_owned());
    }
    text(lines)
}

/// The answer as the server is to get it. A line that rests is not refused (port 0), so that another track can come on it, as
/// browsers do.
pub fn widened(answer: &str, offer: &str) -> String {
    let (answer, offer) = (Sdp::read(answer), Sdp::read(offer));
    let mut lines: Vec<String> = answer.session.lines().iter().map(|line| (*line).to_owned()).collect();
    for section in &answer.media {
        let head: Vec<&str> = section.head().collect();
        let [kind, port, protocol, known @ ..] = head.as_slice() else {
            lines.extend(section.lines().iter().map(|line| (*line).to_owned()));
            continue;
        };
        let port = if *port == "0" && *kind != "application" { "9" } else { *port };
        let offered = section.attribute("mid").and_then(|mid| offer.line(mid)).filter(|_| *kind == "video");
        let both = offered.map(|offered| [Codec::Vp8, Codec::H264].map(|codec| formats(offered, codec)).concat());
        let more: Vec<&str> = both.unwrap_or_default().into_iter().filter(|format| !known.contains(format)).collect();
        lines.push(format!("m={}", [&[*kind, port, *protocol], known, &more].concat().join(" ")));
        lines.extend(section.lines().iter().skip(1).map(|line| (*line).to_owned()));
        let Some(offered) = offered else { continue };
        for name in ["rtpmap", "fmtp", "rtcp-fb"] {
            let of_more = offered.attributes(name).filter(|value| {
                let (format, rest) = value.split_once(' ').unwrap_or((value, ""));
                more.contains(&format) && (name != "rtcp-fb" || FEEDBACK.contains(&rest))
            });
            lines.extend(of_more.map(|value| format!("a={name}:{value}")));
        }
    }
    text(lines)
}

fn text(lines: Vec<String>) -> String {
    lines.into_iter().flat_map(|line| [line, "\r\n".to_owned()]).collect()
}

/// The format of a line that is this codec, as media chooses it, and the one that repeats its packets (RFC 4588).
fn formats<'a>(section: &Section<'a>, codec: Codec) -> Vec<&'a str> {
    let name = match codec {
        Codec::H264 => "H264/90000",
        Codec::Vp8 => "VP8/90000",
        Codec::Opus => "opus/48000/2",
    };
    let parameters = |format: &str| {
        let mut all = section.attributes("fmtp").filter_map(|value| value.split_once(' '));
        all.find_map(|(of, text)| (of == format).then_some(text)).unwrap_or_default()
    };
    let fits = |format: &&str| {
        let text = parameters(format);
        codec != Codec::H264 || (text.contains("packetization-mode=1") && text.contains("profile-level-id=42"))
    };
    let named = section.attributes("rtpmap").filter_map(|value| value.split_once(' '));
    let named = named.filter(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(format, _)| format);
    let Some(chosen) = named.into_iter().find(fits) else { return Vec::new() };
    let repeats = section.attributes("fmtp").filter_map(|value| value.split_once(' '));
    let repeats = repeats.filter(|(_, text)| text.strip_prefix("apt=") == Some(chosen)).map(|(format, _)| format);
    std::iter::once(chosen).chain(repeats).collect()
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OFFER: &str = "v=0\r\na=group:BUNDLE 0 1 2 3\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=sendrecv\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96 97 125 126\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\n\
        a=fmtp:97 apt=96\r\na=rtpmap:125 H264/90000\r\na=fmtp:125 packetization-mode=1;profile-level-id=42e01f\r\na=rtcp-fb:96 goog-remb\r\na=rtpmap:126 rtx/90000\r\na=fmtp:126 apt=125\r\na=sendrecv\r\n\
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
    fn the_answer_names_both_codecs_on_every_line_and_refuses_none() {
        let made = "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 125 126\r\na=mid:1\r\n\
            a=rtpmap:125 H264/90000\r\na=rtpmap:126 rtx/90000\r\na=fmtp:126 apt=125\r\na=recvonly\r\n\
            m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:2\r\na=rtpmap:111 OPUS/48000/2\r\na=inactive\r\n";
        let answer = widened(made, OFFER);
        let answer = Sdp::read(&answer);
        let picture = answer.line("1").unwrap();
        assert_eq!(picture.head().skip(3).collect::<Vec<_>>(), ["125", "126", "96", "97"], "its own first");
        assert_eq!(picture.attributes("rtpmap").last(), Some("97 rtx/90000"));
        assert_eq!(picture.attributes("rtcp-fb").collect::<Vec<_>>(), ["96 nack"], "and no more than is meant");
        let sound = answer.line("2").unwrap();
        assert_eq!(sound.head().collect::<Vec<_>>(), ["audio", "9", "UDP/TLS/RTP/SAVPF", "111"]);
        assert!(sound.has("inactive") && sound.attributes("rtpmap").count() == 1);
    }

    proptest! {
        #[test]
        fn whatever_stands_in_an_offer_a_line_stays_where_it_is(at in 0_usize..OFFER.len(), with in "[ -~\r\n]{0,20}") {
            let bad = format!("{}{with}{}", &OFFER[..at], &OFFER[(at + with.len()).min(OFFER.len())..]);
            let tracks = HashMap::from([("1".to_owned(), "TR_V".to_owned())]);
            let seen = cut(&bad, &tracks, |_| Some(Codec::Vp8));
            let kinds = |sdp: &str| sdp.lines().filter(|line| line.starts_with("m=")).count();
            prop_assert_eq!(kinds(&seen), kinds(&bad));
            prop_assert_eq!(kinds(&widened(OFFER, &bad)), kinds(OFFER));
        }
    }
}
