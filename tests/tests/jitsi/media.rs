//! Picture and sound of the whole room in a meeting: its programs, real Prosody, the doubles of the focus and of the bridge.

use std::time::{Duration, Instant};

use subrosa_tests::jitsi::bridge::Shows;
use subrosa_tests::jitsi::meeting::{Meeting, Proposed, ROOM, SOON};
use subrosa_tests::jitsi::offered::{Offered, Stream};
use subrosa_tests::needs;
use subrosa_tests::sim::{Line, loudness};
use subrosa_tests::stage::{Stage, eventually};

use super::prosody::PROSODY;

const ALICE: &str = "aaaaaaaa";
const GREEN: u32 = 0xff00_c000;
const RED: u32 = 0xffc0_0000;

fn camera(ssrc: u32, colour: u32) -> Stream {
    Stream { owner: ALICE, ssrc, shows: Shows::Vp8(colour), screen: false }
}

fn microphone(ssrc: u32) -> Stream {
    Stream { owner: ALICE, ssrc, shows: Shows::Tone(600), screen: false }
}

/// A room that is in a meeting with Alice. The stage is put down after it.
fn meeting() -> (Stage, Meeting) {
    (Stage::take(), Proposed::with(&[(ALICE, "Alice")], Vec::new()).press())
}

/// A frame of the room's picture, decoded after this many.
#[track_caller]
fn picture(session: &Offered, after: usize) {
    let came = session.bridge.seen.wait(SOON, |frames, _| (frames.len() > after).then_some(()));
    assert!(came.is_some(), "no picture of the room");
}

fn frames(session: &Offered) -> usize {
    session.bridge.seen.frames().len()
}

#[test]
fn p1_p2_picture_and_sound_go_both_ways_and_a_mute_closes() {
    needs!(PROSODY);
    let (_stage, meeting) = meeting();
    let sim = &meeting.room.sim;
    assert!(!sim.lit(Line::CameraLive), "nobody is there to see it");
    let bridge = Offered::new("first", vec![camera(1001, GREEN), microphone(2001)]);
    let offered = Instant::now();
    meeting.offers(&bridge, bridge.initiate());
    picture(&bridge, 0);
    println!("offered → first frame of the room decoded at the bridge: {:.2} s", offered.elapsed().as_secs_f64());
    assert!(sim.lit(Line::CameraLive) && sim.lit(Line::MicrophoneLive));
    // Its sound says how loud it is (RFC 6464): who does not say it is never the dominant speaker.
    let loud = bridge
        .bridge
        .seen
        .wait(SOON, |_, packets| packets.iter().find_map(|packet| packet.level.filter(|level| *level < 60)));
    assert!(loud.is_some(), "no sound of the room");
    // The bridge's channel, as jitsi-videobridge knows it.
    bridge
        .hears("what its camera shows", SOON, |json| (json["colibriClass"] == "SourceVideoTypeMessage").then_some(()));
    let channel = ("JVB data channel".to_owned(), "http://jitsi.org/protocols/colibri".to_owned());
    assert_eq!(bridge.bridge.channel(), Some(channel));
    // Alice's picture and sound.
    let added = Instant::now();
    meeting.tells(bridge.add("aaaaaaaa-v0"));
    meeting.tells(bridge.add("aaaaaaaa-a0"));
    bridge.hears("a picture of Alice", SOON, |json| {
        json["constraints"]["aaaaaaaa-v0"]["maxHeight"].as_i64().filter(|height| *height >= 720)
    });
    meeting.shows_soon("Alice on the screen", [0, 192, 0], 0.2, 1.0);
    println!("source-add → on the room's screen: {:.2} s", added.elapsed().as_secs_f64());
    eventually("Alice is heard", SOON, || (loudness(&sim.heard(1)) > -40.0).then_some(()));
    // Nobody watches: no picture is sent, and it comes back.
    let own = meeting.own();
    let wish = |height: i64| {
        format!(r#"{{"colibriClass":"SenderSourceConstraints","sourceName":"{own}-v0","maxHeight":{height}}}"#)
    };
    bridge.bridge.say(&wish(0));
    eventually("the picture rests", SOON, || {
        let before = frames(&bridge);
        std::thread::sleep(Duration::from_millis(700));
        (frames(&bridge) == before).then_some(())
    });
    let before = frames(&bridge);
    bridge.bridge.say(&wish(180));
    picture(&bridge, before);
    // A moderator mutes the room: closed, as by its own switch. An unmute opens nothing.
    meeting.focus.mute(&meeting.place, "audio", true, None);
    eventually("the microphone is closed", SOON, || (!sim.lit(Line::MicrophoneLive)).then_some(()));
    meeting.focus.mute(&meeting.place, "audio", false, None);
    std::thread::sleep(Duration::from_secs(1));
    assert!(!sim.lit(Line::MicrophoneLive));
    sim.mute(true);
    std::thread::sleep(Duration::from_millis(300));
    sim.mute(false);
    eventually("a hand has opened it", SOON, || sim.lit(Line::MicrophoneLive).then_some(()));
    // While speaking is by permission the focus refuses that: nobody would hear it, so it is closed again.
    meeting.focus.moderate(true);
    meeting.focus.mute(&meeting.place, "audio", true, None);
    eventually("the microphone is closed", SOON, || (!sim.lit(Line::MicrophoneLive)).then_some(()));
    sim.mute(true);
    std::thread::sleep(Duration::from_millis(300));
    sim.mute(false);
    std::thread::sleep(Duration::from_secs(1));
    eventually("it is closed again", SOON, || (!sim.lit(Line::MicrophoneLive)).then_some(()));
    meeting.focus.moderate(false);
    // Alice stops her camera, and the stream ends.
    meeting.others[0].sends(&[("aaaaaaaa-a0", false), ("aaaaaaaa-v0", true)]);
    meeting.shows_soon("Alice's name in place of her picture", [0, 192, 0], 0.0, 0.02);
    sim.hold();
    eventually("everything is closed", SOON, || {
        (!sim.lit(Line::MicrophoneLive) && !sim.lit(Line::CameraLive)).then_some(())
    });
}

#[test]
fn streams_come_and_go_and_come_again_on_the_same_line() {
    needs!(PROSODY);
    let (_stage, meeting) = meeting();
    meeting.others[0].sends(&[("aaaaaaaa-v0", false), ("aaaaaaaa-v1", false)]);
    let screen = Stream { screen: true, ..camera(1003, RED) };
    let bridge = Offered::new("s", vec![camera(1001, GREEN), screen]);
    meeting.offers(&bridge, bridge.initiate());
    picture(&bridge, 0);
    meeting.tells(bridge.add("aaaaaaaa-v0"));
    meeting.shows_soon("Alice", [0, 192, 0], 0.2, 1.0);
    meeting.tells(bridge.add("aaaaaaaa-v1"));
    meeting.shows_soon("her shared screen, large", [192, 0, 0], 0.2, 1.0);
    meeting.shows_soon("and herself, small", [0, 192, 0], 0.005, 0.2);
    meeting.tells(bridge.remove("aaaaaaaa-v1"));
    meeting.shows_soon("Alice again", [0, 192, 0], 0.2, 1.0);
    meeting.tells(bridge.add("aaaaaaaa-v1"));
    meeting.shows_soon("her shared screen once more", [192, 0, 0], 0.2, 1.0);
}

#[test]
fn p10_another_bridge_is_taken_when_the_focus_offers_one_and_the_room_stays_in() {
    needs!(PROSODY);
    let (_stage, meeting) = meeting();
    let streams = || vec![camera(1001, GREEN)];
    let first = Offered::new("first", streams());
    first.flow("aaaaaaaa-v0");
    meeting.offers(&first, first.initiate());
    picture(&first, 0);
    meeting.shows_soon("Alice", [0, 192, 0], 0.2, 1.0);
    meeting.tells(first.terminate("success"));
    drop(first);
    let sim = &meeting.room.sim;
    eventually("without a bridge nothing is captured", SOON, || (!sim.lit(Line::CameraLive)).then_some(()));
    let second = Offered::new("second", streams());
    second.flow("aaaaaaaa-v0");
    let offered = Instant::now();
    meeting.offers(&second, second.initiate());
    picture(&second, 0);
    println!("offered again → first frame: {:.2} s", offered.elapsed().as_secs_f64());
    meeting.shows_soon("Alice", [0, 192, 0], 0.2, 1.0);
    assert_eq!(meeting.focus.people(ROOM).len(), 2);
}

#[test]
fn p8_a_bridge_with_another_certificate_gets_nothing_and_the_meeting_is_left() {
    needs!(PROSODY);
    let (_stage, mut meeting) = meeting();
    let bridge = Offered::new("s", Vec::new());
    meeting.offers(&bridge, bridge.forged());
    meeting.join.says("Picture and sound would not come from the server");
    eventually("the room has left", SOON, || (meeting.focus.people(ROOM).len() == 1).then_some(()));
    assert_eq!(meeting.join.ends(), Some(1));
    assert_eq!(frames(&bridge), 0);
}

#[test]
fn p10_media_that_dies_in_a_meeting_comes_back_into_it() {
    needs!(PROSODY);
    let (_stage, meeting) = meeting();
    let bridge = Offered::new("first", Vec::new());
    meeting.offers(&bridge, bridge.initiate());
    picture(&bridge, 0);
    meeting.room.kill("media");
    // Its session is broken: the room asks the focus for another one.
    let (_, asked) = eventually("the room asks for a restart", Duration::from_secs(30), || {
        let (from, jingle) = meeting.focus.took();
        (jingle.attr("action") == Some("session-terminate")).then_some((from, jingle))
    });
    let restart = asked.children().find(|child| child.name() == "bridge-session");
    assert_eq!(restart.and_then(|session| session.attr("restart")), Some("true"));
    let second = Offered::new("second", Vec::new());
    meeting.offers(&second, second.initiate());
    picture(&second, 0);
}
