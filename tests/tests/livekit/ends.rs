//! How a meeting on LiveKit's server is not entered, interrupted, and ended: with words for people each time.

use std::time::Duration;

use serde_json::json;
use subrosa_tests::livekit::{now, token};
use subrosa_tests::needs;
use subrosa_tests::stage::{Need, Stage, eventually};

use super::meeting::{Meeting, OWN, ROOM, SOON, proposed};

#[test]
fn whoever_ends_it_is_told_in_the_room() {
    needs!(Need::LiveKit);
    let _stage = Stage::take();
    let whole = json!({"room": ROOM});
    for (method, body, words) in [
        ("RemoveParticipant", json!({"room": ROOM, "identity": OWN}), "removed this room"),
        ("DeleteRoom", whole, "The meeting is over"),
    ] {
        let mut meeting = Meeting::joined();
        eventually("the room is in", SOON, || meeting.server.knows(ROOM, OWN));
        assert_eq!(meeting.server.asks(method, &body).0, 200);
        meeting.join.says(words);
        // Why it is over stands there for a while; then the room sleeps by itself.
        assert_eq!(meeting.join.ends(), Some(1));
    }
    let mut meeting = Meeting::joined();
    eventually("the room is in", SOON, || meeting.server.knows(ROOM, OWN));
    meeting.server.ends();
    // It does not always get to say so before it is gone; then the room tries for a while.
    let words = ["being switched off", "The connection to the meeting was lost"];
    let is_told = || words.iter().any(|words| meeting.join.said().contains(words)).then_some(());
    eventually("the room is told", Duration::from_secs(60), is_told);
}

#[test]
fn with_the_same_token_only_one_is_in() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let meeting = Meeting::joined();
    let mut other = meeting.visitor(OWN, &json!({"sound": false}));
    // The server closes the connection of the first, and does not always get to say why: then the room comes again, and the other is out.
    eventually("one of both is told", SOON, || {
        let room = meeting.join.said().contains("Another device is in the meeting with the same link");
        (room || other.told().iter().any(|told| told.starts_with("disconnected"))).then_some(())
    });
}

#[test]
fn what_lets_nobody_in_is_said() {
    needs!(Need::LiveKit);
    let _stage = Stage::take();
    for (grant, claims, words) in [
        (json!({}), json!({"exp": now() - 600}), "good for no meeting"),
        (json!({}), json!({"iss": "nobody"}), "good for no meeting"),
        (json!({"roomJoin": false}), json!({}), "good for no meeting"),
    ] {
        let meeting = proposed(grant, claims, Vec::new());
        meeting.room.sim.press();
        meeting.join.says(words);
        assert!(!meeting.room.log().contains("eyJ"), "p9: no token in the log");
    }
    // A room with a place for one.
    let meeting = proposed(json!({}), json!({}), Vec::new());
    assert_eq!(meeting.server.asks("CreateRoom", &json!({"name": ROOM, "max_participants": 1})).0, 200);
    let _other = meeting.server.join(ROOM, "anna", &[]);
    eventually("Anna is in", SOON, || meeting.server.knows(ROOM, "anna"));
    meeting.room.sim.press();
    meeting.join.says("The meeting is full");
    // Not LiveKit at all: no such path.
    let link = |token: &str| format!("livekit+wss://localhost:{}/elsewhere/?token={token}", meeting.front.port());
    meeting.room.sim.hold();
    let join = subrosa_tests::jitsi::visit::Join::start(&meeting.room, &link(&token(ROOM, OWN, json!({}), json!({}))));
    join.says("Press the button");
    meeting.room.sim.press();
    join.says("There is no LiveKit on this server");
}

#[test]
fn p8_a_server_whose_certificate_nobody_vouches_for_is_not_joined() {
    needs!(Need::LiveKit);
    let _stage = Stage::take();
    let meeting = proposed(json!({}), json!({}), Vec::new());
    let stranger = subrosa_tests::front::Front::before(meeting.server.port());
    let link = subrosa_tests::livekit::link(&stranger, &token(ROOM, OWN, json!({}), json!({})));
    let join = subrosa_tests::jitsi::visit::Join::start(&meeting.room, &link);
    join.says("Press the button");
    meeting.room.sim.press();
    join.says("certificate of this server is not valid");
    assert_eq!(stranger.opened(), 0);
}

#[test]
fn a_connection_that_is_cut_is_taken_up_again_and_media_goes_on() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let meeting = Meeting::joined();
    let mut anna = meeting.visitor("anna", &json!({"colour": "rgb(20,90,220)"}));
    anna.sees(OWN);
    meeting.shows_soon("Anna's picture", [20, 90, 220], 0.1, 1.0);
    let before = meeting.server.knows(ROOM, OWN).unwrap()["sid"].clone();
    meeting.front.cut();
    eventually("another connection", SOON, || (meeting.front.opened() >= 2).then_some(()));
    anna.sees(OWN);
    meeting.shows_soon("Anna's picture", [20, 90, 220], 0.1, 1.0);
    std::thread::sleep(Duration::from_secs(6));
    // It is the same participant, and who comes now is shown.
    assert_eq!(meeting.server.knows(ROOM, OWN).unwrap()["sid"], before);
    let _ben = meeting.visitor("ben", &json!({"colour": "rgb(220,120,20)"}));
    meeting.shows_soon("Ben's picture", [220, 120, 20], 0.02, 1.0);
    anna.sees(OWN);
}

#[test]
fn a_server_that_starts_again_is_joined_again() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let mut meeting = Meeting::joined();
    eventually("the room is in", SOON, || meeting.server.knows(ROOM, OWN));
    meeting.server.start_again();
    eventually("the room is in again", Duration::from_secs(40), || meeting.server.knows(ROOM, OWN));
    let mut anna = meeting.visitor("anna", &json!({"colour": "rgb(20,90,220)"}));
    anna.sees(OWN);
    anna.hears(OWN);
    meeting.shows_soon("Anna's picture", [20, 90, 220], 0.1, 1.0);
}
