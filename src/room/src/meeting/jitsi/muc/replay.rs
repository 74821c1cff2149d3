//! The recordings: what the server said to a real client is said to the machine, and what the machine sends is compared with
//! what the client sent.

use std::time::Instant;

use minidom::Element;
use subrosa_messages::Pii;

use super::{Action, Event, Muc, Settings, Told};
use crate::meeting::elsewhere::failure::Failure;
use crate::signalling::recording::{self, Direction};
use crate::signalling::xmpp::caps::Capabilities;
use crate::signalling::xmpp::{Jid, Stanza, frame};

/// What a presence is for. Left out: updates, which are of the streams and the name (`presence` compares them), and the second
/// presence in a lobby, which holds an address for mail.
fn purpose(presence: &Element) -> Option<String> {
    let to = presence.attr("to").filter(|_| presence.name() == "presence")?;
    let place = if to.contains("@lobby.") { "lobby" } else { "room" };
    let x = presence.get_child("x", "http://jabber.org/protocol/muc");
    let password = x.and_then(|x| x.children().find(|child| child.name() == "password")).map(Element::text);
    match (presence.attr("type"), x) {
        (Some(kind), _) => Some(format!("{kind} {place}")),
        (None, Some(_)) => Some(format!("join {place} {password:?}")),
        (None, None) => None,
    }
}

/// What the machine did: its purposes, what it told at last, and how often it requested.
fn replay(name: &str, passwords: &[&str]) -> (Vec<String>, Vec<String>, Vec<Told>) {
    let recording = recording::read(name);
    let now = Instant::now();
    let mut passwords = passwords.iter();
    let mut muc: Option<Muc> = None;
    let (mut theirs, mut ours, mut told) = (Vec::new(), Vec::new(), Vec::new());
    let mut queue: Vec<Event> = Vec::new();
    for line in &recording.frames {
        match (line.channel.as_str(), line.dir) {
            ("xmpp", Direction::Out) => {
                let Ok(sent) = frame::read(&line.data) else { continue };
                theirs.extend(purpose(&sent));
                if muc.is_some() && theirs.last().is_some_and(|last: &String| last == "unavailable room") {
                    queue.push(Event::Leave);
                }
            }
            ("xmpp", Direction::In) => {
                let Ok(came) = frame::read(&line.data) else { continue };
                let jid =
                    came.get_child("bind", "urn:ietf:params:xml:ns:xmpp-bind").and_then(|bind| bind.children().next());
                if let Some(jid) = jid.and_then(|jid| Jid::new(&jid.text())) {
                    let room = recording.frames.iter().find_map(|line| {
                        let (_, rest) = line.data.split_once("\\\"room\\\":\\\"")?;
                        Some(rest.split('\\').next()?.to_owned())
                    });
                    // Recording 08a and some of 08c and 16 ask by IQ.
                    let room = room.and_then(|room| Jid::new(&room)).or_else(|| asked_by_iq(&recording));
                    let Some(room) = room else { continue };
                    muc = Some(Muc::new(Settings {
                        room,
                        name: Pii::new("Bob".to_owned()),
                        machine: Pii::new("m".to_owned()),
                        http: true,
                        focus: "focus.meet.test".to_owned(),
                        capabilities: Capabilities { node: String::new(), identity: None, features: Vec::new() },
                        seed: 1,
                    }));
                    queue.push(Event::Online(jid));
                } else {
                    queue.push(Event::Stanza(Stanza(came)));
                }
            }
            _ => {}
        }
        let Some(muc) = &mut muc else {
            queue.clear();
            continue;
        };
        while !queue.is_empty() {
            for action in muc.step(now, queue.remove(0)) {
                match action {
                    // Each request of a real client was answered like this.
                    Action::Post(_) => queue.push(Event::Http(200, Pii::new("{\"ready\":true}".to_owned()))),
                    Action::Send(Stanza(sent)) => ours.extend(purpose(&sent)),
                    Action::Tell(Told::Waits(Some(Failure::PasswordWanted | Failure::PasswordWrong))) => {
                        queue.extend(passwords.next().map(|word| Event::Password(Pii::new((*word).to_owned()))));
                    }
                    Action::Tell(word) => told.push(word),
                    Action::Ask(_) => panic!("asked by IQ, where HTTP is there"),
                }
            }
        }
    }
    (theirs, ours, told)
}

/// The room that a client asks for without HTTP.
fn asked_by_iq(recording: &recording::Recording) -> Option<Jid> {
    recording.of("xmpp", Direction::Out).find_map(|line| {
        let sent = frame::read(&line.data).ok()?;
        let conference = sent.get_child("conference", "http://jitsi.org/protocol/focus")?;
        Jid::new(conference.attr("room")?)
    })
}

fn over(told: &[Told]) -> Option<Failure> {
    told.iter().find_map(|told| if let Told::Over(failure) = told { Some(*failure) } else { None })
}

#[test]
fn the_password_is_given_as_recorded() {
    let passwords: Vec<String> = recording::read("03-password/B")
        .of("xmpp", Direction::Out)
        .filter_map(|line| {
            line.data.split_once("<password>")?.1.split_once("</password>").map(|(word, _)| word.to_owned())
        })
        .collect();
    let passwords: Vec<&str> = passwords.iter().map(String::as_str).collect();
    let (theirs, ours, told) = replay("03-password/B", &passwords);
    assert_eq!(ours, theirs);
    assert!(ours.len() >= 3 && told.iter().any(|told| matches!(told, Told::In(_))));
}

#[test]
fn the_lobby_is_passed_denied_and_found_switched_off_as_recorded() {
    let (theirs, ours, told) = replay("04-lobby/B", &[]);
    assert_eq!(ours, theirs);
    assert!(told.iter().any(|told| matches!(told, Told::In(_))));
    let (theirs, ours, told) = replay("04-lobby/C", &[]);
    assert_eq!((ours, over(&told)), (theirs, Some(Failure::Denied)));
    assert!(told.iter().any(|told| matches!(told, Told::Said(None, _))));
    let (theirs, ours, told) = replay("04-lobby/D", &[]);
    assert_eq!(ours, theirs);
    assert!(told.iter().any(|told| matches!(told, Told::In(_))));
}

#[test]
fn a_full_room_a_kick_and_an_end_are_the_end_as_recorded() {
    for (name, failure) in [("08b-room-full/C", Failure::Full), ("05-moderation/B", Failure::Kicked)] {
        let (theirs, ours, told) = replay(name, &[]);
        assert_eq!((ours.first(), over(&told)), (theirs.first(), Some(failure)), "{name}");
    }
}

#[test]
fn people_hands_and_lines_are_seen_as_recorded() {
    let (_, _, told) = replay("01-two-clients/B", &[]);
    let has = |find: &dyn Fn(&Told) -> bool| told.iter().any(find);
    assert!(has(&|told| matches!(told, Told::Here(_, somebody) if somebody.name.is_some())));
    assert!(has(&|told| matches!(told, Told::Said(Some(_), line) if line.reveal().starts_with("hello from Alice"))));
    assert!(has(&|told| matches!(told, Told::Focus(says) if !says.records && !says.without_bridge)));
}

/// Where the real client did something else, and why ours does not.
const DIFFERENCES: [(&str, &str); 4] = [
    ("03-password/B", "its passwords are given by a person (`the_password_is_given_as_recorded`)"),
    ("04-lobby/A", "a moderator who goes into the lobby to admit others; this room never moderates"),
    ("05-moderation/B", "says goodbye to a room that it was thrown out of"),
    ("08c-not-authorized/B", "was refused by IQ; here every request is answered by HTTP, and taken"),
];

#[test]
fn in_every_recording_the_machine_enters_and_leaves_as_the_real_client_did() {
    let mut same = 0;
    for recording in recording::all() {
        let (theirs, ours, _) = replay(&recording.name, &[]);
        let differs = DIFFERENCES.iter().any(|(name, _)| *name == recording.name);
        assert_eq!(ours != theirs, differs, "{}: {ours:?} and {theirs:?}", recording.name);
        same += usize::from(!ours.is_empty() && !differs);
    }
    assert!(same > 40, "{same}");
}
