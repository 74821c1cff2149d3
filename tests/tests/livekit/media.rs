//! Picture, sound and lines of the chat both ways, and what the server and others do to them.

use std::time::Duration;

use serde_json::json;
use subrosa_tests::needs;
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually};

use super::meeting::{Meeting, OWN, ROOM, SOON};

const BLUE: [u8; 3] = [20, 90, 220];
const ORANGE: [u8; 3] = [220, 120, 20];

#[test]
fn picture_sound_and_lines_go_both_ways_with_two_in_chromium() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let mut meeting = Meeting::joined();
    let mut anna = meeting.visitor("anna", &json!({"colour": "rgb(20,90,220)"}));
    anna.sees(OWN);
    anna.hears(OWN);
    meeting.shows_soon("Anna's picture", BLUE, 0.1, 1.0);
    let mut ben = meeting.visitor("ben", &json!({"colour": "rgb(220,120,20)", "codec": "h264"}));
    ben.sees(OWN);
    ben.hears(OWN);
    meeting.shows_soon("Ben's picture beside it", ORANGE, 0.02, 1.0);
    // What the screen does not show large is not asked for large; what comes is heard.
    meeting.hears_soon();
    meeting.join.types("hello from the room");
    anna.reads(&format!("{OWN}: hello from the room"));
    ben.says("hello room");
    // P5: the link's server, and where its picture and sound come from; the STUN server that it names is not contacted.
    let contacts = meeting.room.status()["contacts"].clone();
    let hosts: Vec<&str> = contacts.as_array().unwrap().iter().filter_map(|one| one["host"].as_str()).collect();
    assert_eq!(hosts, ["localhost", "127.0.0.1"], "{contacts}");
    // One leaves: the place is the other's, and filled anew when somebody comes.
    anna.leaves();
    meeting.shows_soon("Ben's picture alone", ORANGE, 0.1, 1.0);
    let mut again = meeting.visitor("anna", &json!({"colour": "rgb(20,90,220)", "single": false}));
    again.sees(OWN);
    meeting.shows_soon("Anna's picture, who has come again", BLUE, 0.02, 1.0);
    meeting.room.sim.hold();
    assert_eq!(meeting.join.ends(), Some(0));
    eventually("the room is gone from the server", SOON, || meeting.server.knows(ROOM, OWN).is_none().then_some(()));
    let log = meeting.room.log();
    for secret in [ROOM, OWN, "anna", "hello", "eyJ"] {
        assert!(!log.contains(secret), "p9: “{secret}” in the log");
    }
}

/// The server says of pictures which packets arrive, and of sound nothing: that is no loss.
#[test]
fn the_picture_goes_on_as_it_began() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let meeting = Meeting::joined();
    let mut anna = meeting.visitor("anna", &json!({}));
    anna.sees(OWN);
    std::thread::sleep(Duration::from_secs(20));
    let before = anna.came(OWN).frames;
    std::thread::sleep(Duration::from_secs(4));
    let after = anna.came(OWN);
    assert!(after.frames > before + 40, "{} frames in 4 s", after.frames - before);
    assert!(after.width >= 960, "{} pixels wide", after.width);
}

#[test]
fn p2_the_server_mutes_and_cannot_unmute() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let meeting = Meeting::joined();
    let mut anna = meeting.visitor("anna", &json!({}));
    anna.hears(OWN);
    anna.sees(OWN);
    let track = |source| eventually("the track", SOON, || meeting.server.track(ROOM, OWN, source));
    let (microphone, camera) = (track("MICROPHONE"), track("CAMERA"));
    let mute = |sid: &str, muted: bool| {
        let body = json!({"room": ROOM, "identity": OWN, "track_sid": sid, "muted": muted});
        assert_eq!(meeting.server.asks("MutePublishedTrack", &body).0, 200);
    };
    for (sid, lamp) in [(&microphone, Line::MicrophoneLive), (&camera, Line::CameraLive)] {
        assert!(meeting.room.sim.lit(lamp));
        mute(sid, true);
        eventually("the lamp goes out", SOON, || (!meeting.room.sim.lit(lamp)).then_some(()));
        // The server may unmute: the room does not.
        mute(sid, false);
        std::thread::sleep(Duration::from_secs(2));
        assert!(!meeting.room.sim.lit(lamp));
    }
    let still = anna.came(OWN);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(anna.came(OWN).frames, still.frames);
    assert_eq!(anna.came(OWN).muted.len(), 2, "and says so");
    // An act in the room opens it again.
    meeting.room.sim.mute(true);
    std::thread::sleep(Duration::from_millis(300));
    meeting.room.sim.mute(false);
    anna.hears(OWN);
}

#[test]
fn what_the_room_may_no_longer_send_is_closed() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let meeting = Meeting::joined();
    let mut anna = meeting.visitor("anna", &json!({}));
    anna.hears(OWN);
    let permission = json!({"can_subscribe": true, "can_publish": true, "can_publish_data": true, "can_publish_sources": ["CAMERA"]});
    let body = json!({"room": ROOM, "identity": OWN, "permission": permission});
    assert_eq!(meeting.server.asks("UpdateParticipant", &body).0, 200);
    let closed = || (!meeting.room.sim.lit(Line::MicrophoneLive)).then_some(());
    eventually("the microphone is closed", SOON, closed);
    assert!(meeting.room.sim.lit(Line::CameraLive));
    anna.sees(OWN);
}

#[test]
fn nobody_looks_and_the_camera_s_picture_is_not_sent() {
    needs!(Need::LiveKit, Need::Chromium);
    let _stage = Stage::take();
    let meeting = Meeting::joined();
    let mut anna = meeting.visitor("anna", &json!({}));
    anna.sees(OWN);
    let subscribe = |on: bool| {
        format!(
            "(() => {{ const who = visitor.room.getParticipantByIdentity('{OWN}'); \
             for (const one of who.trackPublications.values()) if (one.kind === 'video') one.setSubscribed({on}); return true; }})()"
        )
    };
    anna.browser().evaluate(&subscribe(false));
    // A quality that nobody wants is switched off after five seconds.
    std::thread::sleep(Duration::from_secs(8));
    anna.browser().evaluate(&subscribe(true));
    anna.sees(OWN);
}
