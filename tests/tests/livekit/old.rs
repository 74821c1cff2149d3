//! A server that has two connections for everybody (`/rtc`): the real one, behind a front that does not know `/rtc/v1`.

use serde_json::json;
use subrosa_tests::livekit::Server;
use subrosa_tests::needs;
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually};

use super::meeting::{OWN, ROOM, SOON, on_old};

const BLUE: [u8; 3] = [20, 90, 220];
const ORANGE: [u8; 3] = [220, 120, 20];

#[test]
fn on_an_old_server_picture_sound_and_lines_go_both_ways() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let mut meeting = on_old(Server::start());
    meeting.press();
    let mut anna = meeting.visitor("anna", &json!({"colour": "rgb(20,90,220)", "single": false}));
    anna.sees(OWN);
    anna.hears(OWN);
    meeting.shows_soon("Anna's picture", BLUE, 0.1, 1.0);
    let mut ben = meeting.visitor("ben", &json!({"colour": "rgb(220,120,20)", "codec": "h264"}));
    ben.sees(OWN);
    ben.hears(OWN);
    meeting.shows_soon("Ben's picture beside it, in another codec", ORANGE, 0.02, 1.0);
    meeting.hears_soon();
    meeting.join.types("hello from the room");
    anna.reads(&format!("{OWN}: hello from the room"));
    ben.says("hello room");
    // The line of who has left is used again, by somebody whose picture is in another codec.
    anna.leaves();
    meeting.shows_soon("Ben's picture alone", ORANGE, 0.1, 1.0);
    let mut again = meeting.visitor("anna", &json!({"colour": "rgb(20,90,220)", "codec": "h264"}));
    again.sees(OWN);
    meeting.shows_soon("Anna's picture, who has come again", BLUE, 0.02, 1.0);
    let track = eventually("the track", SOON, || meeting.server.track(ROOM, OWN, "MICROPHONE"));
    let mute = json!({"room": ROOM, "identity": OWN, "track_sid": track, "muted": true});
    assert_eq!(meeting.server.asks("MutePublishedTrack", &mute).0, 200);
    let closed = || (!meeting.room.sim.lit(Line::MicrophoneLive)).then_some(());
    eventually("the microphone is closed", SOON, closed);
    meeting.room.sim.hold();
    assert_eq!(meeting.join.ends(), Some(0));
    eventually("the room is gone from the server", SOON, || meeting.server.knows(ROOM, OWN).is_none().then_some(()));
    let log = meeting.room.log();
    for secret in [ROOM, OWN, "anna", "hello", "eyJ"] {
        assert!(!log.contains(secret), "p9: “{secret}” in the log");
    }
}

#[test]
fn on_an_old_server_a_room_whose_line_was_cut_comes_again() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let meeting = on_old(Server::start());
    meeting.press();
    let mut anna = meeting.visitor("anna", &json!({"colour": "rgb(20,90,220)", "single": false}));
    anna.sees(OWN);
    let sid = |meeting: &super::meeting::Meeting| meeting.server.knows(ROOM, OWN).map(|one| one["sid"].clone());
    let before = sid(&meeting);
    meeting.front.cut();
    eventually("the room comes as somebody new", SOON, || (sid(&meeting)? != before.clone()?).then_some(()));
    anna.sees(OWN);
    anna.hears(OWN);
    meeting.shows_soon("Anna's picture", BLUE, 0.1, 1.0);
}
