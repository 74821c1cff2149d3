//! Who is in the room, from presences (XEP-0045) and what Jitsi adds to them.

use std::collections::BTreeMap;

use minidom::Element;
use serde::Deserialize;
use subrosa_messages::Pii;

use crate::signalling::xmpp::{Jid, namespace};

/// Jitsi's namespace.
pub const JITSI: &str = "http://jitsi.org/jitmeet";
/// The resource of jicofo in every room.
pub const FOCUS: &str = "focus";
/// Occupants that are kept; those beyond are not shown.
pub const MOST: usize = 1000;
/// Characters of a name.
const NAME: usize = 80;
/// Sources of one participant.
const SOURCES: usize = 32;

/// The part of an address that names a participant: eight hexadecimal digits, mostly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nick(pub Pii<String>);

/// One source, as its owner declares it (`SourceInfo`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Closed at its owner's.
    pub muted: bool,
    /// A screen, not a camera.
    pub desktop: bool,
}

/// One occupant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// As they call themselves, without control characters, at most 80 characters.
    pub name: Option<Pii<String>>,
    /// May moderate.
    pub moderator: bool,
    /// A raised hand: since when, in milliseconds of the owner's clock.
    pub hand: Option<u64>,
    /// By the name of the source. What is not listed counts as muted.
    pub sources: BTreeMap<String, Declared>,
    /// Codecs in order of preference; empty: not said.
    pub codecs: Vec<String>,
    /// Encrypts frames end to end.
    pub end_to_end: bool,
    /// A program of the server that records or transcribes (jibri, jigasi), by its own word.
    pub recorder: bool,
}

/// What a presence says, if it is one of an occupant.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Somebody is there; `own` is this room (status 110).
    Here {
        /// Who.
        nick: Nick,
        /// What they say.
        participant: Participant,
        /// Ourselves.
        own: bool,
    },
    /// Somebody is gone.
    Gone {
        /// Who.
        nick: Nick,
        /// Ourselves.
        own: bool,
        /// How.
        how: Gone,
    },
}

/// How somebody went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// They left, or lost their connection.
    Left,
    /// Status 307.
    Kicked,
    /// Status 301.
    Banned,
    /// The room is gone; `moved`: with another one named in its place.
    Destroyed {
        /// `<destroy jid>`.
        moved: bool,
    },
}

#[derive(Deserialize)]
struct SourceInfo {
    #[serde(default)]
    muted: bool,
    #[serde(rename = "videoType", default)]
    kind: Option<String>,
}

fn statuses(user: &Element) -> impl Iterator<Item = &str> {
    user.children().filter(|child| child.name() == "status").filter_map(|status| status.attr("code"))
}

fn child_text(presence: &Element, name: &str) -> Option<String> {
    presence.children().find(|child| child.name() == name).map(Element::text)
}

fn name(text: &str) -> Option<Pii<String>> {
    let plain: String = text.chars().filter(|c| !c.is_control()).take(NAME).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| Pii::new(plain.to_owned()))
}

fn participant(presence: &Element, user: &Element) -> Participant {
    let item = user.children().find(|child| child.name() == "item");
    let item = |name| item.and_then(|item| item.attr(name)).unwrap_or_default();
    let sources: BTreeMap<String, SourceInfo> =
        child_text(presence, "SourceInfo").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let declared = |info: SourceInfo| Declared { muted: info.muted, desktop: info.kind.as_deref() == Some("desktop") };
    let codecs = child_text(presence, "jitsi_participant_codecList").unwrap_or_default();
    let features = presence.children().find(|child| child.name() == "features");
    let features = features.into_iter().flat_map(Element::children).filter_map(|feature| feature.attr("var"));
    let mut words = features.chain(presence.children().map(Element::name));
    Participant {
        name: presence.get_child("nick", namespace::NICK).and_then(|nick| name(&nick.text())),
        moderator: item("role") == "moderator",
        hand: child_text(presence, "jitsi_participant_raisedHand").and_then(|text| text.trim().parse().ok()),
        sources: sources
            .into_iter()
            .filter(|(name, _)| name.len() <= 64)
            .take(SOURCES)
            .map(|(name, info)| (name, declared(info)))
            .collect(),
        codecs: codecs.split(',').map(|codec| codec.trim().to_lowercase()).filter(|c| !c.is_empty()).take(8).collect(),
        end_to_end: child_text(presence, "jitsi_participant_e2ee.enabled").is_some_and(|text| text.trim() == "true"),
        recorder: words
            .any(|word| matches!(word, "jibri" | "transcription-status" | "http://jitsi.org/protocol/jigasi")),
    }
}

/// What a presence from `room` says. `None`: an error, from elsewhere, or one that asks to be ignored.
#[must_use]
pub fn read(presence: &Element, room: &str) -> Option<Seen> {
    let from = Jid::new(presence.attr("from")?)?;
    let nick = Nick(Pii::new(from.resource().filter(|_| from.bare() == room)?.to_owned()));
    let user = presence.get_child("x", namespace::MUC_USER)?;
    if presence.children().any(|child| child.name() == "ignore") {
        return None;
    }
    let own = statuses(user).any(|code| code == "110");
    match presence.attr("type") {
        None => Some(Seen::Here { nick, participant: participant(presence, user), own }),
        Some("unavailable") => {
            let destroyed = user.children().find(|child| child.name() == "destroy");
            let how = match destroyed {
                Some(destroy) => Gone::Destroyed { moved: destroy.attr("jid").is_some() },
                None if statuses(user).any(|code| code == "307") => Gone::Kicked,
                None if statuses(user).any(|code| code == "301") => Gone::Banned,
                None => Gone::Left,
            };
            Some(Seen::Gone { nick, own, how })
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signalling::recording::{self, Direction};
    use crate::signalling::xmpp::frame;

    fn seen(name: &str, room: &str) -> Vec<Seen> {
        let recording = recording::read(name);
        let frames: Vec<Element> =
            recording.of("xmpp", Direction::In).filter_map(|line| frame::read(&line.data).ok()).collect();
        frames.iter().filter(|stanza| stanza.name() == "presence").filter_map(|stanza| read(stanza, room)).collect()
    }

    #[test]
    fn names_hands_and_leaving_are_seen_as_recorded() {
        let seen = seen("01-two-clients/A", "room01@muc.meet.test");
        let others = |find: &dyn Fn(&Participant) -> bool| {
            seen.iter().any(|one| matches!(one, Seen::Here { participant, own: false, .. } if find(participant)))
        };
        assert!(others(&|one| one.name.as_ref().is_some_and(|name| name.reveal() == "Bob")));
        assert!(others(&|one| one.hand == Some(1_795_462_913_133)));
        assert!(others(&|one| one.codecs == ["vp8"]));
        assert!(others(&|one| one.moderator), "the focus");
        assert!(others(&|one| one.sources.values().any(|source| source.muted)));
        assert!(seen.iter().any(|one| matches!(one, Seen::Gone { own: false, how: Gone::Left, .. })));
    }

    #[test]
    fn a_shared_screen_a_kick_and_encryption_are_seen_as_recorded() {
        let shared = seen("02-three-clients-screenshare/A", "room02@muc.meet.test");
        let screen = |one: &Seen| matches!(one, Seen::Here { participant, .. } if participant.sources.values().any(|source| source.desktop));
        assert!(shared.iter().any(screen));
        let kicked = seen("05-moderation/B", "room05@muc.meet.test");
        assert!(kicked.iter().any(|one| matches!(one, Seen::Gone { own: true, how: Gone::Kicked, .. })));
        let encrypted = seen("09a-e2ee-managed/A", "room09@muc.meet.test");
        assert!(encrypted.iter().any(|one| matches!(one, Seen::Here { participant, .. } if participant.end_to_end)));
    }

    proptest! {
        #[test]
        fn whatever_a_participant_declares_is_bounded_and_nothing_panics(name in ".{0,300}", sources in ".{0,200}") {
            let presence = Element::bare("presence", namespace::CLIENT);
            let user = Element::bare("x", namespace::MUC_USER);
            let mut presence = crate::signalling::xmpp::Build::with(presence, "from", "r@m/a");
            let mut nick = Element::bare("nick", namespace::NICK);
            nick.append_text(name);
            let mut info = Element::bare("SourceInfo", namespace::CLIENT);
            info.append_text(sources);
            for child in [nick, info, user] {
                presence.append_child(child);
            }
            let Some(Seen::Here { participant, .. }) = read(&presence, "r@m") else { panic!("a presence") };
            let plain = |name: &Pii<String>| name.reveal().chars().count() <= NAME && !name.reveal().chars().any(char::is_control);
            prop_assert!(participant.name.as_ref().is_none_or(plain));
        }
    }
}
