//! Our answer as the peer gets it: webrtcbin's, with what it was not told put back.

use std::collections::BTreeMap;

use super::offer::Offered;
use super::{attribute, attributes, join, parts};

/// The SSRC of retransmissions of each stream of ours, as it was said first.
///
/// webrtcbin 1.22 puts a new one into each answer, while its sender keeps the one it began with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repairs(BTreeMap<u32, u32>);

impl Repairs {
    /// Takes from an answer those that are new.
    pub fn learn(&mut self, answer: &str) {
        for (stream, repair) in pairs(answer) {
            self.0.entry(stream).or_insert(repair);
        }
    }

    /// Stream and retransmissions.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().map(|(stream, repair)| (*stream, *repair))
    }
}

fn pairs(sdp: &str) -> Vec<(u32, u32)> {
    let parts = parts(sdp);
    let groups = parts.media.iter().flat_map(|part| attributes(part, "ssrc-group"));
    let pair = |group: &str| {
        let (stream, repair) = group.strip_prefix("FID ")?.split_once(' ')?;
        Some((stream.parse().ok()?, repair.parse().ok()?))
    };
    groups.filter_map(pair).collect()
}

/// The answer that the peer gets: lines that are off in the offer are off in it (RFC 3264, section 6), and
/// retransmissions have the SSRC that they had from the beginning.
#[must_use]
pub fn answer(made: &str, lines: &[Offered], repairs: &Repairs) -> String {
    let renamed: BTreeMap<u32, u32> = pairs(made)
        .into_iter()
        .filter_map(|(stream, repair)| Some((repair, *repairs.0.get(&stream)?)))
        .filter(|(new, old)| new != old)
        .collect();
    let parts = parts(made);
    let mut text: Vec<String> = parts.session.iter().map(|line| (*line).to_owned()).collect();
    for part in &parts.media {
        let mid = attribute(part, "mid");
        let off = lines.iter().any(|line| !line.open && Some(line.mid.0.as_str()) == mid);
        for line in part {
            if off {
                text.extend(closed(line));
            } else {
                text.push(rename(line, &renamed));
            }
        }
    }
    join(text.iter().map(String::as_str))
}

/// A line's text where the line is off.
fn closed(line: &str) -> Option<String> {
    if line.starts_with("m=") {
        let words = line.split(' ').enumerate().map(|(n, word)| if n == 1 { "0" } else { word });
        return Some(words.collect::<Vec<_>>().join(" "));
    }
    let directions = ["a=sendonly", "a=recvonly", "a=sendrecv"];
    let names_ssrc = line.starts_with("a=ssrc:") || line.starts_with("a=ssrc-group:");
    if directions.contains(&line) { Some("a=inactive".into()) } else { (!names_ssrc).then(|| line.to_owned()) }
}

fn rename(line: &str, renamed: &BTreeMap<u32, u32>) -> String {
    let new_name = |word: &str| {
        let old = word.parse().ok().and_then(|number: u32| renamed.get(&number));
        old.map_or_else(|| word.to_owned(), u32::to_string)
    };
    if let Some(value) = line.strip_prefix("a=ssrc:") {
        let (number, rest) = value.split_once(' ').unwrap_or((value, ""));
        return format!("a=ssrc:{} {rest}", new_name(number)).trim_end().to_owned();
    }
    if let Some(group) = line.strip_prefix("a=ssrc-group:") {
        let words: Vec<String> = group.split(' ').map(new_name).collect();
        return format!("a=ssrc-group:{}", words.join(" "));
    }
    line.to_owned()
}
