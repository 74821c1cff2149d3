//! No capture without a lamp.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_messages::Capture::{self, Camera, Microphone};
use subrosa_process::users::User;
use subrosa_tests::devices::{Bench, Kill, Tier};
use subrosa_tests::needs;
use subrosa_tests::stage::{Need, Stage, eventually};

use crate::tiers;

const EACCES: i64 = 13;
const SOON: Duration = Duration::from_secs(2);

#[test]
fn p1_media_opens_with_a_permit_and_the_lamp_lit_and_not_otherwise() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        for capture in [Microphone, Camera] {
            let node = bench.node(capture);
            assert_eq!((bench.mode(capture), bench.lit(capture)), (0o400, false));
            assert_eq!(media.open(&node), Err(EACCES), "without a permit, {tier:?}");
            let (_, permit) = media.ask(capture);
            assert_eq!((bench.mode(capture), bench.lit(capture)), (bench.granted_mode(), true));
            assert_eq!(media.open(&node), Ok(()));
            // The guard looks at every mode once a second anyway; this is sooner.
            let soon = Duration::from_millis(200);
            eventually("the mode closes behind the first open", soon, || (bench.mode(capture) == 0o400).then_some(()));
            assert_eq!(media.open(&node), Err(EACCES), "one open per permit");
            media.say(&json!({"all-open": {"permit": permit}}));
            sleep(Duration::from_millis(1200));
            assert!(bench.lit(capture), "for as long as it is open");
            media.close();
            media.say(&json!({"closed": {"permit": permit}}));
            bench.wait_dark();
            media.may_ask(capture);
        }
    }
}

#[test]
fn p1_a_granted_node_is_open_to_media_alone() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let bench = Bench::start(Tier::Separate);
    let (room, media) = bench.awake();
    let (_, permit) = media.ask(Microphone);
    let node = bench.node(Microphone);
    let nobody = bench.actor(User { uid: 65_534, gid: 65_534 });
    assert_eq!((nobody.open(&node), room.open(&node)), (Err(EACCES), Err(EACCES)));
    media.say(&json!({"did-not-open": {"permit": permit}}));
    eventually("the unused permit goes back", SOON, || (bench.mode(Microphone) == 0o400).then_some(()));
    bench.wait_dark();
    assert_eq!(media.open(&node), Err(EACCES));
}

#[test]
fn p1_the_lamp_stays_lit_until_the_last_descriptor_is_proved_closed() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        media.obey();
        media.capture(&bench, Camera);
        let child = media.fork();
        // The actor says that it has closed, and what it has started has not.
        bench.switch(Camera, false);
        sleep(Duration::from_millis(150));
        assert!(bench.lit(Camera), "a copy is left, {tier:?}");
        rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
        bench.wait_dark();
    }
}

#[test]
fn p1_a_close_is_not_the_close() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let bench = Bench::start(Tier::Separate);
    let (_room, media) = bench.awake();
    let stays_lit = |what: &str| {
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(400) {
            assert!(bench.lit(Camera), "{what} after {:?}", start.elapsed());
            sleep(Duration::from_micros(500));
        }
    };
    // The kernel says of each descriptor that it was closed, and nothing of the ones that are left.
    let one = File::open(bench.node(Camera)).unwrap();
    let other = File::open(bench.node(Camera)).unwrap();
    eventually("the lamp is lit", SOON, || bench.lit(Camera).then_some(()));
    drop(one);
    stays_lit("dark with the second descriptor open");
    drop(other);
    bench.wait_dark();
    media.may_ask(Camera);
    media.capture(&bench, Camera);
    drop(File::open(bench.node(Camera)).unwrap());
    stays_lit("dark behind somebody's passing look, and media has it open");
    media.close();
}

#[test]
fn p1_root_opens_without_a_permit_and_the_lamp_is_lit_within_50_ms() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let mut late = Vec::new();
        for round in 0..40 {
            let capture = if round % 2 == 0 { Camera } else { Microphone };
            bench.wait_dark();
            // Root ignores modes; without root, reading is what the closed mode leaves to the owner.
            let file = File::open(bench.node(capture)).unwrap();
            let opened = Instant::now();
            while !bench.lit(capture) {
                assert!(opened.elapsed() < Duration::from_secs(1), "the lamp stays dark, {tier:?}");
                sleep(Duration::from_micros(200));
            }
            late.push(opened.elapsed());
            sleep(Duration::from_millis(round % 7 * 3));
            assert!(bench.lit(capture), "for as long as it is open");
            drop(file);
        }
        bench.wait_dark();
        late.sort();
        println!("{tier:?}: open by somebody else → lamp lit: median {:?}, longest {:?}", late[20], late[39]);
        assert!(late[39] <= Duration::from_millis(50), "{late:?}");
    }
}

#[test]
fn p1_a_lamp_that_cannot_be_lit_or_read_keeps_the_node_closed() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        let lamp = bench.line("microphone-live");
        let text = fs::read(&lamp).unwrap();
        let away = lamp.with_extension("away");
        fs::rename(&lamp, &away).unwrap();
        media.wait_refusal(Microphone, Some("lamp"));
        assert_eq!(media.is_refused(Microphone), "lamp");
        assert_eq!(bench.mode(Microphone), 0o400);
        fs::rename(&away, &lamp).unwrap();
        assert_eq!(fs::read(&lamp).unwrap(), text);
        media.may_ask(Microphone);
        // And while it is open: without a lamp it closes.
        media.obey();
        media.capture(&bench, Microphone);
        let mark = media.mark();
        fs::rename(&lamp, &away).unwrap();
        media.wait_from(mark, "revoked", |told| told["heard"]["revoke"].is_object().then_some(()));
    }
}

#[test]
fn p1_a_lamp_that_somebody_darkens_is_lit_again() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        media.capture(&bench, Microphone);
        bench.set("microphone-live", false);
        eventually("the lamp is lit again", Duration::from_millis(500), || bench.lit(Microphone).then_some(()));
    }
}

#[test]
fn p1_a_killed_guard_leaves_nothing_open_and_every_lamp_lit_until_proof() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::start(tier);
        for round in 0..12 {
            let (_room, media) = bench.awake();
            // It does not obey: whatever it holds it goes on holding.
            let asked = Instant::now();
            for capture in Capture::ALL {
                media.say(&json!({"ask": {"capture": if capture == Camera { "camera" } else { "microphone" }}}));
            }
            // At any moment between the question and well after the open.
            let moment = Duration::from_micros(round * 800);
            let mut held = false;
            while asked.elapsed() < moment {
                held = held || (bench.mode(Microphone) != 0o400 && media.open(&bench.node(Microphone)).is_ok());
            }
            bench.kill_guard();
            let held = held || media.open(&bench.node(Microphone)).is_ok();
            bench.start_guard();
            for capture in Capture::ALL {
                assert_eq!(bench.mode(capture), 0o400, "round {round}, {tier:?}");
            }
            assert!(!held || bench.lit(Microphone), "round {round}, {tier:?}: held, and the lamp is dark");
            if held {
                assert!(bench.order_to_kill(Duration::from_secs(2)).is_some(), "it still holds what it may not");
                assert!(bench.lit(Microphone));
            }
            media.kill();
            bench.wait_dark();
            bench.set("button", false);
        }
    }
}

#[test]
fn p1_the_stop_hook_closes_and_lights_what_a_killed_guard_has_left() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        media.ask(Microphone);
        bench.kill_guard();
        assert_eq!((bench.mode(Microphone), bench.lit(Camera)), (bench.granted_mode(), false));
        assert!(bench.stop_hook());
        assert_eq!((bench.mode(Microphone), bench.mode(Camera)), (0o400, 0o400));
        assert!(bench.lit(Camera) && bench.lit(Microphone) && !bench.red(), "nobody watches: unknown is lit");
        fs::remove_file(bench.line("camera-live")).unwrap();
        assert!(!bench.stop_hook(), "it says when something could not be done");
        assert!(bench.lit(Microphone));
    }
}

#[test]
fn p1_a_guard_that_is_told_to_end_closes_first() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::start(tier);
        let (_room, media) = bench.awake();
        media.obey();
        media.capture(&bench, Microphone);
        let mark = media.mark();
        assert!(bench.end_guard() < Duration::from_millis(500));
        media.wait_from(mark, "revoked before the end", |told| told["heard"]["revoke"].is_object().then_some(()));
        assert_eq!((bench.mode(Microphone), bench.lit(Microphone)), (0o400, false), "proved closed, so dark");

        bench.start_guard();
        let (_room, stubborn) = bench.awake();
        stubborn.capture(&bench, Microphone);
        let took = bench.end_guard();
        assert!((250..1500).contains(&took.as_millis()), "{took:?}");
        assert_eq!((bench.mode(Microphone), bench.lit(Microphone)), (0o400, true), "not proved, so lit");
    }
}

#[test]
fn p1_events_that_were_lost_are_made_up_by_proof() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let bench = Bench::start(Tier::Separate);
    let limit: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    rustix::process::kill_process(bench.guard(), rustix::process::Signal::STOP).unwrap();
    let node = bench.node(Camera);
    for _ in 0..=limit / 2 {
        drop(File::open(&node).unwrap());
    }
    let open = File::open(&node).unwrap();
    rustix::process::kill_process(bench.guard(), rustix::process::Signal::CONT).unwrap();
    eventually("the lamp is lit", SOON, || bench.lit(Camera).then_some(()));
    sleep(Duration::from_millis(1500));
    assert!(bench.lit(Camera));
    drop(open);
    bench.wait_dark();
}

#[test]
fn p1_while_nothing_is_proved_every_lamp_is_lit() {
    let _stage = Stage::take();
    for tier in tiers() {
        let mut bench = Bench::prepare(tier, Kill::Pipe);
        let holder = File::open(bench.node(Camera)).unwrap();
        bench.set("camera-live", false);
        bench.start_guard();
        assert!(bench.lit(Camera), "open since before the guard, {tier:?}");
        sleep(Duration::from_millis(1500));
        assert!(bench.lit(Camera) && !bench.lit(Microphone));
        drop(holder);
        bench.wait_dark();
    }
}
