//! The lines of a peer's offer, each with the one codec of it that is taken.

use subrosa_messages::media::{Codec, Direction, Kind, Mid};

use super::{attribute, attributes, parts};
use crate::link::caps::{AUDIO_LEVEL, TWCC};

/// What a line is for, seen from us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// We send.
    Send,
    /// We receive.
    Receive,
    /// We send. The peer may send too, but what comes is no track: a bridge's probing comes on such a line.
    Both,
}

impl Way {
    /// As the room knows it.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Way::Send | Way::Both => Direction::Send,
            Way::Receive => Direction::Receive,
        }
    }
}

/// A line of a peer's offer that we can take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Position among the m-lines.
    pub index: usize,
    /// Its name.
    pub mid: Mid,
    /// The codec that was chosen.
    pub codec: Codec,
    /// Its payload type.
    pub payload_type: u8,
    /// What it is for.
    pub way: Way,
    /// It is in use. A line that is off keeps its place (RFC 8829, section 5.2.2).
    pub open: bool,
    /// Format parameters of that payload type, as offered.
    pub parameters: Vec<(String, String)>,
    /// The id of the transport-wide congestion control extension.
    pub twcc: Option<u8>,
    /// The id of the extension that says how loud a packet is (RFC 6464).
    pub audio_level: Option<u8>,
    /// Lost packets can be asked for once more (RFC 4588).
    pub repairs: bool,
    /// The SSRCs that may carry what the peer sends, without those of retransmissions.
    pub ssrcs: Vec<u32>,
}

/// The lines of an offer, each with the one codec we take: webrtcbin as answerer takes the first of a line, whatever
/// it is. Lines for which we have none are left out. `known`: what was taken before, which is taken again.
#[must_use]
pub fn offered(sdp: &str, known: &[Offered]) -> Vec<Offered> {
    parts(sdp).media.iter().enumerate().filter_map(|(index, part)| line(index, part, known)).collect()
}

fn line(index: usize, part: &[&str], known: &[Offered]) -> Option<Offered> {
    let mut words = part.first()?.strip_prefix("m=")?.split(' ');
    let kind = match words.next()? {
        "audio" => Kind::Audio,
        "video" => Kind::Video,
        _ => return None,
    };
    // Port 0 is a line that is off, but for one that only waits for its bundle (RFC 8843, section 6).
    let off = words.next() == Some("0") && !part.contains(&"a=bundle-only");
    let payload_types: Vec<u8> = words.skip(1).filter_map(|word| word.parse().ok()).collect();
    let mid = Mid(attribute(part, "mid")?.to_owned());
    let known = known.iter().find(|line| line.mid == mid);
    let has = |direction| part.contains(&direction);
    let (way, open) = if has("a=recvonly") {
        (Way::Send, true)
    } else if has("a=sendonly") {
        (Way::Receive, true)
    } else if has("a=inactive") {
        (known.map_or(Way::Receive, |line| line.way), false)
    } else {
        (Way::Both, true)
    };
    let wanted: &[Codec] = match (known, kind) {
        // Another track may have come on it: what it was before comes first.
        (Some(line), Kind::Video) if line.way == Way::Receive && line.codec == Codec::Vp8 => &[Codec::Vp8, Codec::H264],
        (Some(line), _) if line.way != Way::Receive => &[line.codec],
        (_, Kind::Audio) => &[Codec::Opus],
        (_, Kind::Video) => &[Codec::H264, Codec::Vp8],
    };
    let (codec, payload_type, parameters) = wanted.iter().find_map(|codec| {
        payload_types.iter().find_map(|payload_type| {
            let parameters = parameters(part, *payload_type);
            let fits = is_codec(part, *payload_type, *codec) && (*codec != Codec::H264 || is_baseline(&parameters));
            fits.then_some((*codec, *payload_type, parameters))
        })
    })?;
    Some(Offered {
        index,
        mid,
        codec,
        payload_type,
        way,
        open: open && !off,
        parameters,
        twcc: extension(part, TWCC),
        audio_level: extension(part, AUDIO_LEVEL),
        repairs: !repairs(part, payload_type).is_empty(),
        ssrcs: carriers(part),
    })
}

/// Whether the peer tells which packets arrive and when (transport-wide congestion control).
#[must_use]
pub fn tells_arrivals(sdp: &str) -> bool {
    parts(sdp).media.iter().any(|part| extension(part, TWCC).is_some())
}

/// The lines on which the peer tells which packets arrive. A server may do so for pictures only.
#[must_use]
pub fn told_of(sdp: &str) -> Vec<Mid> {
    let media = parts(sdp).media;
    let told = media.iter().filter(|part| extension(part, TWCC).is_some());
    told.filter_map(|part| Some(Mid(attribute(part, "mid")?.to_owned()))).collect()
}

/// The SSRCs of each line that carry something new, not repetitions.
#[must_use]
pub fn sources(sdp: &str) -> Vec<(Mid, Vec<u32>)> {
    let media = parts(sdp).media;
    media.iter().filter_map(|part| Some((Mid(attribute(part, "mid")?.to_owned()), carriers(part)))).collect()
}

/// The id of a header extension (RFC 8285, section 5). One with attributes of its own is not taken: webrtcbin compares
/// them as a whole.
fn extension(part: &[&str], uri: &str) -> Option<u8> {
    attributes(part, "extmap").find_map(|value| {
        let (id, name) = value.split_once(' ')?;
        let id: u8 = id.parse().ok()?;
        (name.trim() == uri && (1..=14).contains(&id)).then_some(id)
    })
}

/// The SSRCs of a line that carry something new: not those that only repeat others (RFC 5576, section 4.2).
fn carriers(part: &[&str]) -> Vec<u32> {
    let number = |word: &str| word.parse::<u32>().ok();
    let repeats: Vec<u32> = attributes(part, "ssrc-group")
        .filter_map(|group| group.strip_prefix("FID "))
        .flat_map(|group| group.split(' ').skip(1).filter_map(number))
        .collect();
    let all = attributes(part, "ssrc").filter_map(|value| value.split(' ').next().and_then(number));
    let mut carriers: Vec<u32> = Vec::new();
    for ssrc in all {
        if !repeats.contains(&ssrc) && !carriers.contains(&ssrc) {
            carriers.push(ssrc);
        }
    }
    carriers
}

fn is_codec(part: &[&str], payload_type: u8, codec: Codec) -> bool {
    let wanted = match codec {
        Codec::H264 => "h264/90000",
        Codec::Vp8 => "vp8/90000",
        Codec::Opus => "opus/48000/2",
    };
    attributes(part, "rtpmap").any(|value| {
        value.split_once(' ').is_some_and(|(number, name)| {
            number.parse() == Ok(payload_type) && name.trim().eq_ignore_ascii_case(wanted)
        })
    })
}

fn parameters(part: &[&str], payload_type: u8) -> Vec<(String, String)> {
    let of_type = attributes(part, "fmtp").filter_map(|value| value.split_once(' '));
    let of_type = of_type.filter(|(number, _)| number.parse() == Ok(payload_type));
    of_type
        .flat_map(|(_, text)| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn is_baseline(parameters: &[(String, String)]) -> bool {
    let value = |name| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    value("packetization-mode") == Some("1") && value("profile-level-id").is_some_and(|id| id.starts_with("42"))
}

/// The payload types that repeat packets of this one (RFC 4588, section 8.1).
fn repairs(part: &[&str], payload_type: u8) -> Vec<u8> {
    let apt = |value: &str| {
        let (number, text) = value.split_once(' ')?;
        let apt = text.split(';').find_map(|pair| pair.trim().strip_prefix("apt="))?;
        (apt.parse() == Ok(payload_type)).then(|| number.parse::<u8>().ok()).flatten()
    };
    attributes(part, "fmtp").filter_map(apt).collect()
}

/// An m-line with only the chosen codec in it, and its retransmission.
pub(super) fn only(part: &[&str], payload_type: u8) -> Vec<String> {
    let mut kept = vec![payload_type];
    kept.extend(repairs(part, payload_type));
    let mut lines = Vec::new();
    for line in part {
        if line.starts_with("m=") {
            let head: Vec<&str> = line.split(' ').take(3).collect();
            let numbers: Vec<String> = kept.iter().map(u8::to_string).collect();
            lines.push(format!("{} {}", head.join(" "), numbers.join(" ")));
            continue;
        }
        let of_type = ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"].iter().find_map(|start| line.strip_prefix(start));
        let number = of_type.and_then(|value| value.split(' ').next());
        let keep = number.is_none_or(|number| number == "*" || number.parse().is_ok_and(|n| kept.contains(&n)));
        if keep {
            lines.push((*line).to_owned());
        }
    }
    lines
}
