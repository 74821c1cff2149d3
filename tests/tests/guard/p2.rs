//! The room decides.

use std::fs;
use std::os::unix::net::UnixStream;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use subrosa_messages::Capture::{Camera, Microphone};
use subrosa_process::users::User;
use subrosa_tests::devices::{Bench, Tier};
use subrosa_tests::needs;
use subrosa_tests::stage::{Need, Stage, eventually};
use subrosa_tests::truth::holders;

use crate::tiers;

fn press(told: &Value) -> Option<bool> {
    told["heard"]["press"]["woke"].as_bool()
}

#[test]
fn p2_only_a_press_wakes_and_only_a_hold_or_the_room_ends() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (room, media) = (bench.room(), bench.media());
        media.wait_refusal(Camera, Some("asleep"));
        assert_eq!(media.is_refused(Camera), "asleep");
        bench.press();
        assert!(room.wait_from(0, "a press that woke", press).1);
        let mark = room.mark();
        bench.press();
        assert!(!room.wait_from(mark, "a press that did not wake", press).1);
        media.may_ask(Camera);
        room.say(&json!("sleep"));
        media.wait_refusal(Camera, Some("asleep"));
        bench.press();
        media.may_ask(Camera);
        let mark = room.mark();
        bench.set("button", true);
        sleep(Duration::from_millis(2300));
        bench.set("button", false);
        media.wait_refusal(Camera, Some("asleep"));
        sleep(Duration::from_millis(100));
        assert!(!room.has_told(mark, |told| press(told).is_some()), "whoever ends the meeting admits nobody");
    }
}

#[test]
fn p2_a_mute_over_the_network_ends_at_the_switch_only() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (room, media) = bench.awake();
        media.obey();
        media.capture(&bench, Microphone);
        room.say(&json!({"mute": {"capture": "microphone"}}));
        media.wait_refusal(Microphone, Some("muted"));
        bench.wait_dark();
        room.wait_state("red, on proof", |state| state["microphone"]["muted"] == "lit");
        assert!(bench.red());
        // Neither a press nor a new meeting ends it.
        bench.press();
        room.say(&json!("sleep"));
        media.wait_refusal(Microphone, Some("asleep"));
        bench.press();
        media.may_ask(Camera);
        assert_eq!(media.is_refused(Microphone), "muted");
        bench.switch(Microphone, false);
        sleep(Duration::from_millis(60));
        bench.switch(Microphone, true);
        media.may_ask(Microphone);
        assert!(!bench.red());
        media.capture(&bench, Microphone);
    }
}

#[test]
fn p2_whatever_else_the_room_says_opens_nothing_and_ends_its_connection() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        for word in [
            json!("wake"),
            json!({"unmute": {"capture": "microphone"}}),
            json!({"press": {"woke": true}}),
            json!({"ask": {"capture": "camera"}}),
            json!({"granted": {"permit": 1, "capture": "camera", "nodes": []}}),
        ] {
            let (room, media) = bench.awake();
            media.obey();
            media.capture(&bench, Camera);
            let mark = room.mark();
            room.say(&word);
            room.wait_from(mark, "the end of the connection", |told| (told["guard"] == "gone").then_some(()));
            media.wait_refusal(Camera, Some("asleep"));
            bench.wait_dark();
            assert_eq!((bench.mode(Camera), bench.mode(Microphone)), (0o400, 0o400), "{word}");
        }
    }
}

#[test]
fn p2_a_line_that_cannot_be_read_closes() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        media.obey();
        media.capture(&bench, Microphone);
        let line = bench.line("microphone-switch");
        let away = line.with_extension("away");
        fs::rename(&line, &away).unwrap();
        media.wait_refusal(Microphone, Some("switch-unknown"));
        let node = bench.node(Microphone);
        eventually("closed", Duration::from_secs(1), || {
            (bench.mode(Microphone) == 0o400 && holders(&node).is_empty()).then_some(())
        });
        sleep(Duration::from_millis(100));
        assert!(bench.lit(Microphone), "what is unknown is lit (P1)");
        assert!(!bench.red(), "red is said on proof that the switch is closed, and on nothing less");
        fs::write(&line, "perhaps").unwrap();
        sleep(Duration::from_millis(100));
        assert_eq!(media.is_refused(Microphone), "switch-unknown");
        fs::rename(&away, &line).unwrap();
        media.may_ask(Microphone);
        bench.wait_dark();
    }
}

#[test]
fn p2_red_is_lit_on_proof_only() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        media.capture(&bench, Microphone);
        assert!(!bench.red());
        let edge = bench.switch(Microphone, false);
        // It holds on: white stays, red does not come.
        let killed = bench.order_to_kill(Duration::from_secs(1)).expect("an order to kill");
        assert!(bench.lit(Microphone) && !bench.red(), "{tier:?}, killed {:?} after the edge", killed - edge);
        media.kill();
        bench.wait_dark();
        eventually("red", Duration::from_secs(1), || bench.red().then_some(()));
    }
}

#[test]
fn p2_strangers_are_turned_away_at_both_doors() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let bench = Bench::start(Tier::Separate);
    let (room, media) = bench.awake();
    let users = bench.users();
    let (for_media, for_room) = (bench.run.guard_for_media(), bench.run.guard_for_room());
    for user in [users.room, users.sim, User { uid: 65_534, gid: 65_534 }] {
        assert!(!bench.actor(user).try_connect(&for_media), "{user:?} is in the group of nobody");
    }
    for user in [users.media, users.sim, User { uid: 65_534, gid: 65_534 }] {
        assert!(!bench.actor(user).try_connect(&for_room));
    }
    // Root passes every mode, and is not the one either.
    for door in [&for_media, &for_room] {
        let mut root = UnixStream::connect(door).unwrap();
        let mut byte = [0];
        assert_eq!(std::io::Read::read(&mut root, &mut byte).unwrap(), 0, "hung up");
    }
    assert!(!room.has_told(0, |told| told["guard"] == "gone") && !media.has_told(0, |told| told["guard"] == "gone"));
    media.capture(&bench, Camera);
}
