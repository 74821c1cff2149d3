//! The lobby: a room of its own in which a guest waits, under another nick, until somebody decides.

use minidom::Element;
use subrosa_messages::Pii;

use super::roster::{self, Gone, Seen};
use crate::signalling::xmpp::namespace;

/// What the lobby or the room says to one who waits.
#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    /// The guest is in the lobby.
    Waiting,
    /// Admitted: ask for the conference, join the room (with this password, if there is one), then leave the lobby.
    Admitted(Option<Pii<String>>),
    /// Denied.
    Denied,
    /// The lobby is switched off, or the host has come: join the room.
    Opened,
    /// The lobby is gone, and so is the meeting.
    Ended,
    /// Left by ourselves, or the connection to the lobby was lost.
    Left,
    /// A moderator writes to one who waits.
    Said(Pii<String>),
}

/// Characters of a line that are shown.
const LINE: usize = 1000;

/// What a stanza says to one who waits in `lobby` for `room`. `None`: nothing, or it comes from elsewhere.
#[must_use]
pub fn read(stanza: &Element, lobby: &str, room: &str) -> Option<Word> {
    match stanza.name() {
        "presence" => match roster::read(stanza, lobby)? {
            Seen::Here { own: true, .. } => Some(Word::Waiting),
            Seen::Gone { own: true, how, .. } => Some(match how {
                Gone::Kicked | Gone::Banned => Word::Denied,
                Gone::Destroyed { moved: true } => Word::Opened,
                Gone::Destroyed { moved: false } => Word::Ended,
                Gone::Left => Word::Left,
            }),
            Seen::Here { own: false, .. } | Seen::Gone { own: false, .. } => None,
        },
        "message" if stanza.attr("type") != Some("error") => {
            let from = stanza.attr("from")?;
            if from == room {
                // XEP-0045, section 7.8.2: an invitation is the room's word, since the room itself sends it.
                let invite = stanza.get_child("x", namespace::MUC_USER)?;
                invite.children().find(|child| child.name() == "invite")?;
                let password = invite.children().find(|child| child.name() == "password").map(Element::text);
                return Some(Word::Admitted(password.filter(|text| text.len() <= 1024).map(Pii::new)));
            }
            let in_lobby = from.split_once('/').is_some_and(|(bare, _)| bare == lobby);
            let json = stanza.children().find(|child| child.name() == "json-message").filter(|_| in_lobby)?.text();
            let json: serde_json::Value = serde_json::from_str(&json).ok()?;
            let said = json.get("message").filter(|_| json.get("type").is_some_and(|kind| kind == "chat-message"))?;
            let line: String = said.as_str()?.chars().filter(|c| !c.is_control()).take(LINE).collect();
            Some(Word::Said(Pii::new(line)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::recording::{self, Direction};
    use crate::signalling::xmpp::frame;

    fn heard(name: &str) -> Vec<Word> {
        let recording = recording::read(name);
        let frames: Vec<Element> =
            recording.of("xmpp", Direction::In).filter_map(|line| frame::read(&line.data).ok()).collect();
        frames.iter().filter_map(|stanza| read(stanza, "room04@lobby.meet.test", "room04@muc.meet.test")).collect()
    }

    #[test]
    fn one_is_admitted_one_denied_and_one_finds_the_lobby_switched_off_as_recorded() {
        assert_eq!(heard("04-lobby/B"), [Word::Waiting, Word::Waiting, Word::Admitted(None), Word::Left]);
        let said = Word::Said(Pii::new("one moment please".to_owned()));
        assert_eq!(heard("04-lobby/C"), [Word::Waiting, said, Word::Denied]);
        assert_eq!(heard("04-lobby/D"), [Word::Waiting, Word::Opened]);
    }

    #[test]
    fn nobody_but_the_room_admits() {
        let invite = |from: &str| {
            let message = format!(
                "<message xmlns='jabber:client' from='{from}'><x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@meet.test'/><password>p</password></x></message>"
            );
            read(&frame::read(&message).expect("a message"), "r@lobby.meet.test", "r@muc.meet.test")
        };
        assert_eq!(invite("r@muc.meet.test"), Some(Word::Admitted(Some(Pii::new("p".to_owned())))));
        for from in ["r@muc.meet.test/a", "r@lobby.meet.test", "r@lobby.meet.test/a", "meet.test", "s@muc.meet.test"] {
            assert_eq!(invite(from), None, "{from}");
        }
    }

    #[test]
    fn a_lobby_that_ends_without_another_room_is_the_end() {
        let gone = "<presence xmlns='jabber:client' type='unavailable' from='r@lobby.meet.test/a'><x xmlns='http://jabber.org/protocol/muc#user'><destroy/><status code='110'/></x></presence>";
        let gone = frame::read(gone).expect("a presence");
        assert_eq!(read(&gone, "r@lobby.meet.test", "r@muc.meet.test"), Some(Word::Ended));
        assert_eq!(read(&gone, "s@lobby.meet.test", "r@muc.meet.test"), None);
    }
}
