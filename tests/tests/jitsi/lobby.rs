//! The lobby, by a double of its plug-in.

use std::time::Duration;

use minidom::Element;
use subrosa_room::meeting::elsewhere::failure::Failure;
use subrosa_room::meeting::jitsi::muc;
use subrosa_room::signalling::xmpp::{Build, Told, namespace};
use subrosa_tests::jitsi::client::{Client, Occupant};
use subrosa_tests::jitsi::focus::Focus;
use subrosa_tests::jitsi::guest::{Guest, Seen};
use subrosa_tests::jitsi::meeting::{ROOM, server};
use subrosa_tests::jitsi::prosody::{Options, Prosody};
use subrosa_tests::needs;

use super::prosody::PROSODY;

const LOBBY: &str = "rose@lobby.meet.test";

/// A guest in the lobby of a room that has somebody in it.
fn knocking(password: Option<&str>) -> (Prosody, Focus, Occupant, Guest) {
    let (prosody, focus, link) = server(Options::default(), false);
    let alice = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    focus.password(ROOM, password);
    focus.members_only(ROOM, true);
    let guest = Guest::join(&link, &prosody.authority());
    guest.waits_for(Failure::WaitingForApproval);
    (prosody, focus, alice, guest)
}

fn jid(guest: &Guest) -> String {
    guest.wait("an address", Duration::from_secs(5), |seen| match seen {
        Seen::Session(Told::Online(jid)) => Some(jid.reveal().to_owned()),
        _ => None,
    })
}

/// The nick under which somebody waits in the lobby.
fn waiting(moderator: &Client) -> String {
    let x = Element::bare("x", namespace::MUC);
    moderator.send(Element::bare("presence", namespace::CLIENT).with("to", format!("{LOBBY}/focus")).child(x));
    moderator.wait("somebody waits", |stanza| {
        let nick = stanza.attr("from")?.strip_prefix(LOBBY)?.strip_prefix('/')?;
        (stanza.name() == "presence" && nick != "focus").then(|| nick.to_owned())
    })
}

#[test]
fn who_knocks_is_let_in_by_an_invitation() {
    needs!(PROSODY);
    let (_prosody, focus, _alice, guest) = knocking(None);
    focus.admit(ROOM, &jid(&guest));
    let place = guest.is_in(1);
    // Under another nick than in the lobby, and no longer there.
    let inside = focus.people(ROOM);
    assert!(inside.contains_key(place.resource().unwrap()), "{inside:?}");
}

#[test]
fn who_knocks_at_a_room_with_a_password_gets_it_with_the_invitation() {
    needs!(PROSODY);
    let (_prosody, focus, _alice, guest) = knocking(Some("under the rose"));
    focus.admit(ROOM, &jid(&guest));
    guest.is_in(1);
    assert_eq!(guest.count(|seen| *seen == Seen::Muc(muc::Told::Waits(Some(Failure::PasswordWanted)))), 0);
}

#[test]
fn who_is_denied_stays_out() {
    needs!(PROSODY);
    let (_prosody, focus, _alice, guest) = knocking(None);
    let nick = waiting(focus.client());
    focus.kick(LOBBY, &nick, "You have been kicked.");
    assert_eq!(guest.ends(), Failure::Denied);
    assert_eq!(focus.people(ROOM).len(), 1);
}

#[test]
fn a_lobby_that_is_switched_off_lets_everybody_in() {
    needs!(PROSODY);
    let (_prosody, focus, _alice, guest) = knocking(None);
    focus.members_only(ROOM, false);
    guest.is_in(1);
}

#[test]
fn a_meeting_that_ends_ends_its_lobby() {
    needs!(PROSODY);
    let (_prosody, focus, _alice, guest) = knocking(None);
    focus.destroy(ROOM, "The meeting has been terminated");
    assert_eq!(guest.ends(), Failure::Ended);
}
