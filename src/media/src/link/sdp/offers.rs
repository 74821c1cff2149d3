//! One peer's offers, one after the other, and how webrtcbin is to see each: pure.
//!
//! webrtcbin 1.22 takes further offers, with four reservations (read in its source and measured): it refuses a line that
//! is off and then on again; it aborts where lines change places; it dereferences nothing when a packet comes for a line
//! that it has read of but not yet answered; and it keeps an SSRC on the line where it first saw it. So it is told
//! less than the peer says: lines that are off stay on for it, with nobody on them, and SSRCs are left out. What the
//! peer meant is kept here, for [`crate::link::streams`] and for the answer.

use super::offer::{self, Offered, Way, offered};
use super::{SdpError, attribute, attributes, check, join, parts};

/// What has been taken of a peer's offers.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    /// Kind and mid of each m-line of the newest offer, in order.
    heads: Vec<(String, String)>,
    /// The lines that we take, as the newest offer has them.
    lines: Vec<Offered>,
    /// Fingerprints and credentials of the connection.
    transport: Vec<String>,
}

/// An offer that can be taken.
#[derive(Clone, Debug)]
pub struct Next {
    /// What webrtcbin is to see.
    pub seen: String,
    /// All lines that we take.
    pub lines: Vec<Offered>,
    /// Of those, the first that was not there before.
    pub new_from: usize,
    /// Of those that were, the ones that are to be received in another codec or under another payload type.
    pub changed: Vec<usize>,
    /// It says by their SSRCs whose streams are.
    pub names_ssrcs: bool,
    offers: Offers,
}

impl Offers {
    /// Nothing has been taken yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Reads the next offer; nothing is changed by it until it has been [`Offers::taken`].
    ///
    /// # Errors
    /// When it lacks something, belongs to another connection, or changes lines that are there.
    pub fn next(&self, sdp: &str) -> Result<Next, SdpError> {
        check(sdp)?;
        let parts = parts(sdp);
        let heads: Vec<(String, String)> = parts
            .media
            .iter()
            .map(|part| {
                let kind = part.first().and_then(|line| line.split(' ').next()).unwrap_or_default();
                (kind.to_owned(), attribute(part, "mid").unwrap_or_default().to_owned())
            })
            .collect();
        let is_twice = |(at, head): (usize, &(String, String))| heads.iter().take(at).any(|known| known.1 == head.1);
        if heads.iter().enumerate().any(is_twice) {
            return Err(SdpError::SameMid);
        }
        let transport = transport(sdp);
        if !self.is_empty() {
            if !heads.starts_with(&self.heads) {
                return Err(SdpError::Continues("its lines are others"));
            }
            if transport != self.transport {
                return Err(SdpError::Continues("its certificate or its ICE credentials are others"));
            }
        }
        let lines = offered(sdp, &self.lines);
        for known in &self.lines {
            // What is only received may come as something else: it is another track that comes on the same line.
            let carried = |line: &Offered| line.payload_type == known.payload_type || line.way == Way::Receive;
            let same = |line: &&Offered| line.mid == known.mid && carried(line) && line.way == known.way;
            if lines.iter().filter(same).count() != 1 {
                return Err(SdpError::Continues("a line has another codec or another direction"));
            }
        }
        let names_ssrcs = parts.media.iter().any(|part| attribute(part, "ssrc").is_some());
        // Without SSRCs webrtcbin puts every stream on the first line of the bundle: that must be one for streams.
        let bundled = attributes(&parts.session, "group").find_map(|group| group.strip_prefix("BUNDLE "));
        let first = bundled.and_then(|mids| mids.split(' ').next());
        let without_ssrcs = lines.iter().any(|line| Some(line.mid.0.as_str()) == first);
        let mut seen: Vec<String> = parts.session.iter().map(|line| (*line).to_owned()).collect();
        for (index, part) in parts.media.iter().enumerate() {
            match lines.iter().find(|line| line.index == index) {
                Some(line) => seen.extend(as_seen(part, line, without_ssrcs)),
                None => seen.extend(part.iter().map(|line| (*line).to_owned())),
            }
        }
        let new_from = self.heads.len();
        let new_from = lines.iter().filter(|line| line.index < new_from).count();
        let other = |line: &Offered| {
            let known = self.lines.iter().find(|known| known.mid == line.mid);
            known.is_some_and(|known| (known.codec, known.payload_type) != (line.codec, line.payload_type))
        };
        let changed = lines.iter().enumerate().filter(|(_, line)| other(line)).map(|(at, _)| at).collect();
        Ok(Next {
            seen: join(seen.iter().map(String::as_str)),
            lines: lines.clone(),
            new_from,
            changed,
            names_ssrcs,
            offers: Offers { heads, lines, transport },
        })
    }

    /// The offer has been answered.
    pub fn taken(&mut self, next: Next) {
        *self = next.offers;
    }
}

/// A line as webrtcbin is to see it.
fn as_seen(part: &[&str], line: &Offered, without_ssrcs: bool) -> Vec<String> {
    let direction = match line.way {
        Way::Send => "a=recvonly",
        Way::Receive => "a=sendonly",
        Way::Both => "a=sendrecv",
    };
    let is_direction = |text: &str| ["a=sendonly", "a=recvonly", "a=sendrecv", "a=inactive"].contains(&text);
    let names_ssrc = |text: &str| text.starts_with("a=ssrc:") || text.starts_with("a=ssrc-group:");
    let mut lines = Vec::new();
    for text in offer::only(part, line.payload_type) {
        if text.starts_with("m=") && !line.open {
            let words = text.split(' ').enumerate().map(|(n, word)| if n == 1 { "9" } else { word });
            lines.push(words.collect::<Vec<_>>().join(" "));
        } else if !is_direction(&text) && !(names_ssrc(&text) && (without_ssrcs || !line.open)) {
            lines.push(text);
        }
    }
    lines.push(direction.to_owned());
    lines
}

/// What makes two offers ones of the same connection: certificates and ICE credentials, each once.
fn transport(sdp: &str) -> Vec<String> {
    let parts = parts(sdp);
    let all = parts.media.iter().chain([&parts.session]);
    let mut transport: Vec<String> = all
        .flat_map(|part| ["fingerprint", "ice-ufrag", "ice-pwd"].map(|name| (part, name)))
        .flat_map(|(part, name)| attributes(part, name).map(move |value| format!("{name}:{value}")))
        .collect();
    transport.sort_unstable();
    transport.dedup();
    transport
}
