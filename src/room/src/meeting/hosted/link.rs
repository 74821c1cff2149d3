//! The link of a guest as the meeting sees it: how far it has come, what arrives on it, and what it is to send.

use std::collections::BTreeMap;
use std::time::Instant;

use subrosa_messages::Pii;
use subrosa_messages::media::{Kind, LinkId, Mid, RoomToMedia, Source, TrackId};

use super::event::Action;
use super::lines::{GUEST_AUDIO, GUEST_SCREEN, GUEST_VIDEO};

/// How far a link has come.
pub enum Step {
    Opening,
    Prepared(Pii<String>),
    Offered,
    /// Until then it has time to connect.
    Answered(Instant),
    Verified,
}

/// A picture that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arriving {
    /// Its track.
    pub track: TrackId,
    /// Frames of it have been decoded, and it moves.
    pub moving: bool,
}

/// A link.
pub struct Link {
    pub id: LinkId,
    pub step: Step,
    pub silent: Option<Instant>,
    /// The guest's picture.
    pub picture: Option<Arriving>,
    /// The screen that they share.
    pub screen: Option<Arriving>,
    /// Their sound.
    pub sound: Option<TrackId>,
    sent: BTreeMap<Mid, Source>,
    preferred: Vec<Mid>,
}

/// What a link is to send: a source for each line that sends something, and which pictures matter, the first the most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    pub sources: BTreeMap<Mid, Source>,
    pub preferred: Vec<Mid>,
}

impl Link {
    /// A link that is being opened.
    pub fn new(id: LinkId) -> Self {
        Link {
            id,
            step: Step::Opening,
            silent: None,
            picture: None,
            screen: None,
            sound: None,
            sent: BTreeMap::new(),
            preferred: Vec::new(),
        }
    }

    /// Media flows, both certificates checked.
    pub fn is_verified(&self) -> bool {
        matches!(self.step, Step::Verified)
    }

    /// Something arrives on a line.
    pub fn track(&mut self, track: TrackId, kind: Kind) {
        let arriving = |track| Some(Arriving { track, moving: false });
        match (track.mid.0.as_str(), kind) {
            (GUEST_VIDEO, Kind::Video) => self.picture = arriving(track),
            (GUEST_SCREEN, Kind::Video) => self.screen = arriving(track),
            (GUEST_AUDIO, Kind::Audio) => self.sound = Some(track),
            (_, Kind::Video | Kind::Audio) => {}
        }
    }

    /// A picture that arrives on it moves or has stopped.
    pub fn picture(&mut self, track: &TrackId, moving: bool) {
        for arriving in [&mut self.picture, &mut self.screen].into_iter().flatten() {
            if arriving.track == *track {
                arriving.moving = moving;
            }
        }
    }

    /// Makes it send this from now on; says only what differs from what it sends.
    pub fn send(&mut self, sending: Sending, out: &mut Vec<Action>) {
        let link = self.id;
        let mut say = |mid: &Mid, source: Source| {
            out.push(Action::Media(RoomToMedia::Send { link, mid: mid.clone(), source }));
        };
        // First what ends: nobody is in two slots.
        for mid in self.sent.keys().filter(|mid| !sending.sources.contains_key(*mid)) {
            say(mid, Source::Nothing);
        }
        for (mid, source) in &sending.sources {
            if self.sent.get(mid) != Some(source) {
                say(mid, source.clone());
            }
        }
        self.sent = sending.sources;
        if self.preferred != sending.preferred {
            out.push(Action::Media(RoomToMedia::Prefer { link, mids: sending.preferred.clone() }));
            self.preferred = sending.preferred;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mid(name: &str) -> Mid {
        Mid(name.to_owned())
    }

    #[test]
    fn only_what_changes_is_said_and_what_ends_comes_first() {
        let mut link = Link::new(LinkId(7));
        let one = Sending { sources: BTreeMap::from([(mid("b"), Source::RoomVideo)]), preferred: vec![] };
        let other = Sending { sources: BTreeMap::from([(mid("a"), Source::RoomAudio)]), preferred: vec![mid("a")] };
        let said = |link: &mut Link, sending: &Sending| {
            let mut out = Vec::new();
            link.send(sending.clone(), &mut out);
            out
        };
        let send = |name: &str, source| Action::Media(RoomToMedia::Send { link: LinkId(7), mid: mid(name), source });
        assert_eq!(said(&mut link, &one), [send("b", Source::RoomVideo)]);
        assert_eq!(said(&mut link, &one), []);
        let prefer = Action::Media(RoomToMedia::Prefer { link: LinkId(7), mids: vec![mid("a")] });
        assert_eq!(said(&mut link, &other), [send("b", Source::Nothing), send("a", Source::RoomAudio), prefer]);
    }
}
