//! Session descriptions as text (RFC 8866): what is read from them and what is taken out. Pure.
//!
//! webrtcbin parses descriptions with assertions in places, so what comes from a peer is checked here first.

use subrosa_messages::media::{Codec, Direction, Kind, Mid};

/// Why a description is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// An m-line has no `a=mid`.
    #[error("a line of the description has no mid")]
    NoMid,
    /// The answer's lines are not those of the offer.
    #[error("the answer does not have the lines of the offer")]
    OtherLines,
    /// Neither a fingerprint for the session nor one for every line.
    #[error("the description has no fingerprint that can be checked")]
    NoFingerprint,
    /// It has no ICE credentials.
    #[error("the description has no ICE credentials")]
    NoIce,
    /// There is nothing in it.
    #[error("the description has no lines, or more than any meeting needs")]
    Empty,
}

/// More lines than that are no meeting.
const MOST_LINES: usize = 64;

/// A description, cut at its m-lines.
struct Parts<'a> {
    session: Vec<&'a str>,
    media: Vec<Vec<&'a str>>,
}

fn parts(sdp: &str) -> Parts<'_> {
    let mut parts = Parts { session: Vec::new(), media: Vec::new() };
    for line in sdp.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line.starts_with("m=") {
            parts.media.push(Vec::new());
        }
        parts.media.last_mut().unwrap_or(&mut parts.session).push(line);
    }
    parts
}

/// The value of the first `a=name:value` of a part.
fn attribute<'a>(part: &[&'a str], name: &str) -> Option<&'a str> {
    attributes(part, name).next()
}

fn attributes<'a>(part: &[&'a str], name: &str) -> impl Iterator<Item = &'a str> {
    part.iter().filter_map(move |line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
}

fn join<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    lines.into_iter().flat_map(|line| [line, "\r\n"]).collect()
}

/// The description without the peer's candidates: nobody can point this device at an address (P5). Connections come
/// up all the same, because the peer's checks reach our candidates and become peer-reflexive ones (RFC 8445, 7.3.1.3).
#[must_use]
pub fn without_candidates(sdp: &str) -> String {
    let names_an_address = |line: &&str| {
        ["a=candidate:", "a=remote-candidates:", "a=end-of-candidates"].iter().any(|start| line.starts_with(start))
    };
    join(sdp.lines().map(str::trim_end).filter(|line| !line.is_empty() && !names_an_address(line)))
}

/// Checks the peer's answer against our offer before webrtcbin sees it.
///
/// # Errors
/// When lines, fingerprints or credentials are not as they have to be.
pub fn check_answer(offer: &str, answer: &str) -> Result<(), SdpError> {
    check(answer)?;
    let names = |sdp| -> Vec<(String, Option<String>)> {
        let media = parts(sdp).media;
        media
            .iter()
            .map(|part| {
                let kind = part.first().and_then(|line| line.split(' ').next()).unwrap_or_default();
                (kind.to_owned(), attribute(part, "mid").map(str::to_owned))
            })
            .collect()
    };
    if names(offer) == names(answer) { Ok(()) } else { Err(SdpError::OtherLines) }
}

/// Checks what every description must have.
///
/// # Errors
/// When a line has no mid, fingerprint or ICE credentials, or there are no lines.
pub fn check(sdp: &str) -> Result<(), SdpError> {
    let parts = parts(sdp);
    if parts.media.is_empty() || parts.media.len() > MOST_LINES {
        return Err(SdpError::Empty);
    }
    for part in &parts.media {
        attribute(part, "mid").filter(|mid| !mid.is_empty()).ok_or(SdpError::NoMid)?;
        let has = |name| attribute(part, name).or_else(|| attribute(&parts.session, name)).is_some();
        if !has("fingerprint") {
            return Err(SdpError::NoFingerprint);
        }
        if !has("ice-ufrag") || !has("ice-pwd") {
            return Err(SdpError::NoIce);
        }
    }
    Ok(())
}

/// Every `a=fingerprint` of a description, as `(hash function, hexadecimal)`.
#[must_use]
pub fn fingerprints(sdp: &str) -> Vec<(String, String)> {
    let parts = parts(sdp);
    let all = parts.media.iter().chain([&parts.session]);
    all.flat_map(|part| attributes(part, "fingerprint"))
        .map(|value| {
            let (hash, hexadecimal) = value.split_once(' ').unwrap_or((value, ""));
            (hash.to_ascii_lowercase(), hexadecimal.trim().to_owned())
        })
        .collect()
}

/// The SSRCs of each line: its stream and its retransmissions.
#[must_use]
pub fn ssrcs(sdp: &str) -> Vec<(Mid, Vec<u32>)> {
    let media = parts(sdp).media;
    let numbers = |part: &[&str]| {
        let groups = attributes(part, "ssrc-group").flat_map(|group| group.split(' ').skip(1));
        let singles = attributes(part, "ssrc").filter_map(|value| value.split(' ').next());
        let mut numbers: Vec<u32> = groups.chain(singles).filter_map(|number| number.parse().ok()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    media.iter().filter_map(|part| Some((Mid(attribute(part, "mid")?.to_owned()), numbers(part)))).collect()
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
    /// Seen from us.
    pub direction: Direction,
    /// Format parameters of that payload type, as offered.
    pub parameters: Vec<(String, String)>,
    /// The id of the transport-wide congestion control extension.
    pub twcc: Option<u8>,
}

/// The lines of an offer, each with the one codec we take: webrtcbin as answerer takes the first of a line, whatever
/// it is. Lines for which we have none are left out.
#[must_use]
pub fn offered(sdp: &str) -> Vec<Offered> {
    parts(sdp).media.iter().enumerate().filter_map(|(index, part)| offered_line(index, part)).collect()
}

fn offered_line(index: usize, part: &[&str]) -> Option<Offered> {
    let mut words = part.first()?.strip_prefix("m=")?.split(' ');
    let kind = match words.next()? {
        "audio" => Kind::Audio,
        "video" => Kind::Video,
        _ => return None,
    };
    let payload_types: Vec<u8> = words.skip(2).filter_map(|word| word.parse().ok()).collect();
    let mid = Mid(attribute(part, "mid")?.to_owned());
    let direction = if part.contains(&"a=recvonly") {
        Direction::Send
    } else if part.contains(&"a=inactive") {
        return None;
    } else {
        Direction::Receive
    };
    let wanted: &[Codec] = match kind {
        Kind::Audio => &[Codec::Opus],
        Kind::Video => &[Codec::H264, Codec::Vp8],
    };
    let (codec, payload_type, parameters) = wanted.iter().find_map(|codec| {
        payload_types.iter().find_map(|payload_type| {
            let parameters = parameters(part, *payload_type);
            let fits = is_codec(part, *payload_type, *codec) && (*codec != Codec::H264 || is_baseline(&parameters));
            fits.then_some((*codec, *payload_type, parameters))
        })
    })?;
    let twcc = attributes(part, "extmap").find_map(|value| {
        let (id, uri) = value.split_once(' ')?;
        (uri.trim() == super::caps::TWCC).then(|| id.parse().ok()).flatten()
    });
    Some(Offered { index, mid, codec, payload_type, direction, parameters, twcc })
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

/// The offer with only the chosen codecs in it, and their retransmission.
#[must_use]
pub fn only(sdp: &str, chosen: &[Offered]) -> String {
    let parts = parts(sdp);
    let mut lines: Vec<String> = parts.session.iter().map(|line| (*line).to_owned()).collect();
    for (index, part) in parts.media.iter().enumerate() {
        match chosen.iter().find(|line| line.index == index) {
            Some(line) => lines.extend(only_of(part, line.payload_type)),
            None => lines.extend(part.iter().map(|line| (*line).to_owned())),
        }
    }
    join(lines.iter().map(String::as_str))
}

fn only_of(part: &[&str], payload_type: u8) -> Vec<String> {
    let mut kept = vec![payload_type];
    kept.extend(attributes(part, "fmtp").filter_map(|value| {
        let (number, text) = value.split_once(' ')?;
        let apt = text.split(';').find_map(|pair| pair.trim().strip_prefix("apt="))?;
        (apt.parse() == Ok(payload_type)).then(|| number.parse::<u8>().ok()).flatten()
    }));
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

#[cfg(test)]
mod tests;
