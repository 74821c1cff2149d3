//! It comes back.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use subrosa_messages::Capture::{Camera, Microphone};
use subrosa_tests::devices::Bench;
use subrosa_tests::stage::{Stage, eventually};

use crate::tiers;

#[test]
fn p10_a_guard_that_was_killed_neither_wakes_nor_unmutes_nor_ends_a_meeting() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::start(tier);
        let (room, media) = bench.awake();
        room.say(&json!({"mute": {"capture": "microphone"}}));
        media.wait_refusal(Microphone, Some("muted"));
        bench.kill_guard();
        bench.start_guard();
        let (room, media) = (bench.room(), bench.media());
        room.wait_state("still awake", |state| state["awake"] == true);
        media.may_ask(Camera);
        media.wait_refusal(Microphone, Some("muted"));
        sleep(Duration::from_millis(3500));
        assert_eq!(room.state()["awake"], true, "the room is there");

        bench.kill_guard();
        bench.start_guard();
        let media = bench.media();
        media.may_ask(Camera);
        // The room does not come back.
        sleep(Duration::from_millis(3200));
        media.wait_refusal(Camera, Some("asleep"));

        bench.kill_guard();
        bench.start_guard();
        bench.media().wait_refusal(Camera, Some("asleep"));
    }
}

#[test]
fn p10_media_dies_with_a_capture_open_and_another_one_takes_its_place() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::start(tier);
        let (_room, mut media) = bench.awake();
        for round in 0..8 {
            // At every stage of a permit.
            if round % 4 > 0 {
                media.ask(Camera);
            }
            if round % 4 > 1 {
                assert_eq!(media.open(&bench.node(Camera)), Ok(()));
            }
            if round % 4 > 2 {
                bench.switch(Camera, false);
                bench.switch(Camera, true);
            }
            media.kill();
            let next = bench.media();
            next.may_ask(Camera);
            bench.wait_dark();
            assert_eq!(bench.mode(Camera), 0o400);
            media = next;
        }
        assert!(bench.order_to_kill(Duration::from_millis(300)).is_none(), "the dead are not killed");
        media.capture(&bench, Camera);
    }
}

#[test]
fn p10_media_that_is_started_again_before_its_end_was_noticed_takes_over() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::start(tier);
        let (_room, old) = bench.awake();
        old.capture(&bench, Camera);
        let mark = old.mark();
        let new = bench.media();
        old.wait_from(mark, "its connection is closed", |told| (told["guard"] == "gone").then_some(()));
        assert!(bench.order_to_kill(Duration::from_secs(1)).is_some(), "the old one still holds the camera");
        assert_eq!(new.is_refused(Camera), "unproved");
        old.kill();
        new.may_ask(Camera);
    }
}

#[test]
fn p10_the_room_dies_and_everything_closes() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (room, media) = bench.awake();
        media.obey();
        media.capture(&bench, Camera);
        media.capture(&bench, Microphone);
        room.kill();
        media.wait_refusal(Camera, Some("asleep"));
        bench.wait_dark();
        let room = bench.room();
        room.wait_state("a new room is a new meeting", |state| state["awake"] == false);
        bench.press();
        media.may_ask(Camera);
    }
}

#[test]
fn p10_the_simulated_room_is_made_anew_under_a_running_guard() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        std::fs::rename(bench.run.sim(), bench.run.path().join("gone")).unwrap();
        media.wait_refusal(Camera, Some("switch-unknown"));
        std::fs::rename(bench.run.path().join("gone"), bench.run.sim()).unwrap();
        media.may_ask(Camera);
        media.capture(&bench, Camera);
        eventually("lit", Duration::from_secs(1), || bench.lit(Camera).then_some(()));
    }
}
