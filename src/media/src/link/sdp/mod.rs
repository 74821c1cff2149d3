//! Session descriptions as text (RFC 8866): what is read from them and what is taken out. Pure.
//!
//! webrtcbin parses descriptions with assertions in places, so what comes from a peer is checked here first.

mod answer;
mod offer;
mod offers;

use subrosa_messages::media::Mid;

pub use answer::{Repairs, answer};
pub use offer::{Offered, Way, offered, sources, tells_arrivals, told_of};
pub use offers::{Next, Offers};

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
    /// Two lines have the same mid.
    #[error("two lines of the description have the same mid")]
    SameMid,
    /// A later offer is one of another connection, or changes what cannot be changed.
    #[error("an offer that does not continue the ones before it: {0}")]
    Continues(&'static str),
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

#[cfg(test)]
mod tests;
