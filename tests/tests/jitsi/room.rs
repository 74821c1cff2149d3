//! The whole room: its programs, a person at its button, `subrosa join`.

use std::process::Command;
use std::time::Duration;

use subrosa_tests::jitsi::client::Occupant;
use subrosa_tests::jitsi::focus::Focus;
use subrosa_tests::jitsi::meeting::{ROOM, room, server};
use subrosa_tests::jitsi::prosody::{Options, Prosody};
use subrosa_tests::jitsi::visit::Join;
use subrosa_tests::needs;
use subrosa_tests::stage::{Stage, eventually, program};

use super::prosody::PROSODY;

/// The room is in the meeting; its nick.
#[track_caller]
pub fn nick(focus: &Focus) -> String {
    let own = || focus.people(ROOM).into_keys().find(|nick| nick != "aaaaaaaa");
    eventually("the room is in the meeting", Duration::from_secs(20), own)
}

#[track_caller]
fn left(focus: &Focus) {
    let gone = || focus.people(ROOM).keys().all(|nick| nick == "aaaaaaaa").then_some(());
    eventually("the room has left the meeting", Duration::from_secs(10), gone);
}

fn said(alice: &Occupant, line: &str) -> bool {
    let has = |stanza: &minidom::Element| stanza.children().any(|child| child.name() == "body" && child.text() == line);
    alice.client.heard().iter().any(has)
}

#[test]
fn p2_a_link_is_a_proposal_a_press_joins_and_holding_leaves() {
    needs!(PROSODY);
    let _stage = Stage::take();
    let (prosody, focus, link) = server(Options::default(), true);
    let alice = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    let room = room(&prosody, "warn");
    let mut join = Join::start(&room, &link);
    join.says("Press the button");
    for words in ["localhost", "Who runs this server is not known here", "Nobody is contacted before"] {
        assert!(join.said().contains(words), "{words} in {}", join.said());
    }
    // A link alone does nothing: no host is contacted, the room goes on sleeping.
    std::thread::sleep(Duration::from_secs(2));
    // The one request is Alice's.
    assert_eq!((focus.requests().len(), focus.people(ROOM).len()), (1, 1));
    assert_eq!(room.status()["contacts"].as_array().map(Vec::len), Some(0));
    room.sim.press();
    let own = nick(&focus);
    join.says("The room is in the meeting");
    // It says its own name and nothing else of itself, and what it has contacted is on the status page.
    let place = format!("{ROOM}/{own}");
    let presence = eventually("its presence", Duration::from_secs(5), || {
        alice
            .client
            .heard()
            .into_iter()
            .find(|stanza| stanza.name() == "presence" && stanza.attr("from") == Some(&place))
    });
    let name = presence.children().find(|child| child.name() == "nick").map(minidom::Element::text);
    assert_eq!(name.as_deref(), Some("Test room"));
    let contacts = room.status()["contacts"].clone();
    let listed = |host: &str| contacts.as_array().is_some_and(|all| all.iter().any(|one| one["host"] == host));
    assert!(listed("localhost") && listed("turn.meet.test"), "{contacts}");
    // Chat, both ways; the hand by the button.
    join.types("hello from the room");
    eventually("the room's line", Duration::from_secs(5), || said(&alice, "hello from the room").then_some(()));
    room.sim.press();
    let hand = |stanza: &minidom::Element| {
        let child = stanza.children().find(|child| child.name() == "jitsi_participant_raisedHand");
        stanza.attr("from") == Some(&place) && child.is_some_and(|hand| !hand.text().is_empty())
    };
    eventually("a raised hand", Duration::from_secs(5), || alice.client.heard().iter().any(hand).then_some(()));
    // Lowered: said with an empty one, for browsers go on showing what is only left out.
    room.sim.press();
    let lowered = |stanza: &minidom::Element| {
        let child = stanza.children().find(|child| child.name() == "jitsi_participant_raisedHand");
        stanza.attr("from") == Some(&place) && child.is_some_and(|hand| hand.text().is_empty())
    };
    eventually("a lowered hand", Duration::from_secs(5), || alice.client.heard().iter().any(lowered).then_some(()));
    // Alone with a person and without a bridge nothing is captured.
    assert!(!room.sim.lit(subrosa_tests::sim::Line::CameraLive));
    room.sim.hold();
    left(&focus);
    assert_eq!(join.ends(), Some(0), "{}", join.said());
    assert_eq!(room.status()["contacts"].as_array().map(Vec::len), Some(0));
    // The room is as it was: a press opens a meeting of its own.
    let _invitation = room.wake();
    let log = room.end();
    for secret in ["Rose", "rose@", &own, "Alice", "hello from the room"] {
        assert!(!log.contains(secret), "p9: “{secret}” in the log");
    }
}

#[test]
fn a_meeting_with_a_password_and_a_lobby_is_entered_from_the_terminal() {
    needs!(PROSODY);
    let _stage = Stage::take();
    let (prosody, focus, link) = server(Options::default(), false);
    let _alice = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    focus.password(ROOM, Some("letmein"));
    let room = room(&prosody, "allow");
    let mut join = Join::start(&room, &link);
    join.says("Press the button");
    room.sim.press();
    join.says("This meeting has a password");
    join.types("wrong");
    join.says("The password is not right");
    join.types("letmein");
    let own = nick(&focus);
    focus.kick(ROOM, &own, "enough");
    join.says("removed");
    // Why it is over stands there for a while; then the room sleeps by itself.
    assert_eq!(join.ends(), Some(1));
    focus.password(ROOM, None);
    focus.members_only(ROOM, true);
    let mut join = Join::start(&room, &link);
    join.says("Press the button");
    room.sim.press();
    join.says("waits in the lobby");
    let mut leaves = Command::new(program("subrosa"));
    let done = leaves.args(["join", "--leave", "--run"]).arg(room.run_dir().path()).output().expect("`subrosa join`");
    assert!(done.status.success(), "{done:?}");
    assert_eq!(join.ends(), Some(0));
}

#[test]
fn p7_by_the_operators_rule_a_server_that_is_not_on_record_is_not_joined() {
    needs!(PROSODY);
    let _stage = Stage::take();
    let (prosody, focus, link) = server(Options::default(), true);
    let room = room(&prosody, "refuse");
    let mut join = Join::start(&room, &link);
    assert_eq!(join.ends(), Some(1), "{}", join.said());
    assert!(join.said().contains("operator’s rule"), "{}", join.said());
    let mut nonsense = Join::start(&room, "https://");
    assert_eq!(nonsense.ends(), Some(1));
    // The press opens a meeting of the room's own.
    let _invitation = room.wake();
    assert!(focus.requests().is_empty());
}

#[test]
fn p8_a_server_whose_certificate_nobody_vouches_for_is_not_joined() {
    needs!(PROSODY);
    let _stage = Stage::take();
    let (prosody, focus, link) = server(Options::default(), true);
    let stranger = Prosody::start(Options::default());
    let room = room(&stranger, "allow");
    let mut join = Join::start(&room, &link);
    join.says("Press the button");
    room.sim.press();
    join.says("certificate of this server is not valid");
    assert!(focus.requests().is_empty());
    room.sim.hold();
    assert_eq!(join.ends(), Some(1));
    drop(prosody);
}
