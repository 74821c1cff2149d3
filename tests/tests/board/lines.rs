//! The guard on lines of the kernel (`gpio-sim`); nodes are those of the simulated room.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_messages::Capture::{self, Camera, Microphone};
use subrosa_tests::devices::{Bench, monotonic};
use subrosa_tests::stage::eventually;
use subrosa_tests::vm::{Boot, Chip, inside};

const LABEL: &str = "switches";
const LINES: [&str; 6] =
    ["button", "camera-shutter", "camera-live", "microphone-switch", "microphone-live", "microphone-muted"];
const SOON: Duration = Duration::from_secs(3);

const BOARD: &str = r#"
name = "real"
title = "Kernel lines"
lines = "gpiochip"
encoders = ["x264enc"]
speaker = { sink = "sim" }
screen = { output = "sim" }
button = { line = "button" }

[gpiochip]
labels = ["switches"]

[camera]
source = "sim"
nodes = ["{run}/sim/nodes/camera"]
proof = "lease"
switch = { line = "camera-shutter" }
live = { line = "camera-live", bias = "pull-up" }

[microphone]
source = "sim"
nodes = ["{run}/sim/nodes/microphone"]
proof = "lease"
switch = { line = "microphone-switch" }
live = { line = "microphone-live", bias = "pull-up" }
muted = { line = "microphone-muted", bias = "pull-down" }
"#;

/// Switch and shutter open, the button released.
fn open_switches(chip: &Chip) {
    for (line, level) in [("button", false), ("camera-shutter", true), ("microphone-switch", true)] {
        chip.pull(line, level);
    }
}

fn bench(board: &str) -> Bench {
    let mut bench = Bench::prepare_on(Chip::plug_in(LABEL, &LINES), board);
    open_switches(bench.chip());
    bench.start_guard();
    bench.wait_dark();
    bench
}

#[test]
fn p1_p3_a_switch_on_a_kernel_line_closes_and_the_lamp_is_read_back() {
    if !inside(Boot::Bare) {
        return;
    }
    let bench = bench(BOARD);
    let (_room, media) = bench.awake();
    media.obey();
    let mut told = Vec::new();
    for _ in 0..20 {
        for capture in Capture::ALL {
            media.capture(&bench, capture);
            assert!(bench.lit(capture), "open, and its line is high");
            eventually("closed behind the open", SOON, || (bench.mode(capture) == 0o400).then_some(()));
            let mark = media.mark();
            let edge = bench.switch(capture, false);
            let (at, ()) = media.wait_from(mark, "revoked", |told| told["heard"]["revoke"].is_object().then_some(()));
            told.push(at - edge);
            eventually("dark again", SOON, || (!bench.lit(capture)).then_some(()));
            assert_eq!(bench.mode(capture), 0o400);
            eventually("red says muted", SOON, || (bench.red() == (capture == Microphone)).then_some(()));
            bench.switch(capture, true);
            media.may_ask(capture);
        }
    }
    told.sort();
    println!("switch edge → media told: median {:?}, longest {:?} of {}", told[20], told[39], told.len());
    assert!(told[39] < Duration::from_millis(100), "{told:?}");
}

#[test]
fn p1_a_chip_that_is_pulled_out_closes_everything_and_comes_back() {
    if !inside(Boot::Bare) {
        return;
    }
    let bench = bench(BOARD);
    let (room, media) = bench.awake();
    media.obey();
    media.capture(&bench, Camera);
    let mark = media.mark();
    let pulled = Instant::now();
    bench.chip().pull_out();
    media.wait_from(mark, "revoked", |told| told["heard"]["revoke"].is_object().then_some(()));
    println!("chip pulled out → media told: {:?}", pulled.elapsed());
    media.wait_refusal(Camera, Some("switch-unknown"));
    media.wait_refusal(Microphone, Some("switch-unknown"));
    room.wait_state("switches and lamps unknown", |state| {
        ["camera", "microphone"]
            .iter()
            .all(|capture| state[capture]["switch"] == "unknown" && state[capture]["live"] == "unknown")
    });
    bench.chip().come_back();
    open_switches(bench.chip());
    media.may_ask(Camera);
    media.capture(&bench, Camera);
    assert!(bench.lit(Camera) && !bench.red());
    let log = bench.log();
    assert_eq!(log.matches("its chip has gone").count(), LINES.len(), "each line is named once: {log}");
}

#[test]
fn p1_a_switch_on_a_lost_chip_lights_the_lamps_that_are_left() {
    if !inside(Boot::Bare) {
        return;
    }
    let lamps = Chip::plug_in("lamps", &["camera-live", "microphone-live", "microphone-muted"]);
    let board = BOARD.replace(r#"["switches"]"#, r#"["switches", "lamps"]"#);
    let switches = Chip::plug_in(LABEL, &["button", "camera-shutter", "microphone-switch"]);
    open_switches(&switches);
    let mut bench = Bench::prepare_on(switches, &board);
    bench.start_guard();
    let lamp = |name: &str| lamps.level(name).unwrap();
    eventually("dark", SOON, || (!lamp("camera-live") && !lamp("microphone-live")).then_some(()));
    bench.chip().pull_out();
    eventually("both live lamps", SOON, || (lamp("camera-live") && lamp("microphone-live")).then_some(()));
    assert!(!lamp("microphone-muted"));
    assert_eq!((bench.mode(Camera), bench.mode(Microphone)), (0o400, 0o400));
}

#[test]
fn p3_an_event_storm_loses_no_level() {
    if !inside(Boot::Bare) {
        return;
    }
    let bench = bench(BOARD);
    let (_room, media) = bench.awake();
    media.obey();
    for round in 0..6 {
        media.capture(&bench, Microphone);
        // Far more edges than the kernel keeps, with the guard standing still for half of them.
        let stopped = round % 2 == 1;
        if stopped {
            rustix::process::kill_process(bench.guard(), rustix::process::Signal::STOP).unwrap();
        }
        for edge in 0..401 {
            bench.switch(Microphone, edge % 2 == 1);
        }
        let mark = monotonic();
        if stopped {
            rustix::process::kill_process(bench.guard(), rustix::process::Signal::CONT).unwrap();
        }
        eventually("the last level counts", SOON, || (bench.red() && !bench.lit(Microphone)).then_some(()));
        println!("after 401 edges: muted and proved within {:?}", monotonic() - mark);
        media.wait_refusal(Microphone, Some("switch"));
        bench.switch(Microphone, true);
        media.may_ask(Microphone);
    }
}

#[test]
fn p1_a_killed_guard_leaves_its_lamps_to_their_pulls_and_the_next_one_lights_them() {
    if !inside(Boot::Bare) {
        return;
    }
    let mut bench = bench(BOARD);
    for round in 0..8 {
        let (_room, media) = bench.awake();
        let held = round % 2 == 0;
        if held {
            media.capture(&bench, Camera);
        }
        sleep(Duration::from_millis(round * 13));
        bench.kill_guard();
        let killed = Instant::now();
        assert!(bench.lit(Camera) && bench.lit(Microphone) && !bench.red(), "a dead board is a live one, by its pulls");
        if round % 3 == 0 {
            assert!(bench.stop_hook());
            assert!(bench.lit(Camera) && bench.lit(Microphone) && !bench.red());
        }
        bench.start_guard();
        assert!(!held || bench.lit(Camera), "round {round}: still held");
        assert!(killed.elapsed() < SOON);
        media.kill();
        bench.wait_dark();
        bench.set("button", false);
    }
}

#[test]
fn lines_that_are_busy_or_missing_are_unknown_named_once_and_found_again() {
    if !inside(Boot::Bare) {
        return;
    }
    let chip = Chip::plug_in(LABEL, &LINES);
    open_switches(&chip);
    let busy = chip.hold("microphone-switch", "somebody");
    let board = BOARD.replace(r#"line = "camera-shutter""#, r#"line = "camera-cover""#);
    let mut bench = Bench::prepare_on(chip, &board);
    bench.start_guard();
    sleep(Duration::from_millis(2500));
    let log = bench.log();
    for (what, times) in [("\"somebody\" uses it", 1), ("camera.switch, line \"camera-cover\"", 1), ("no such line", 1)]
    {
        assert_eq!(log.matches(what).count(), times, "{what} in {log}");
    }
    let (room, media) = (bench.room(), bench.media());
    media.wait_refusal(Microphone, Some("asleep"));
    assert_eq!(room.state()["microphone"]["switch"], "unknown");
    assert!(bench.lit(Camera) && bench.lit(Microphone) && !bench.red(), "unknown is lit");
    drop(busy);
    room.wait_state("the line is found", |state| state["microphone"]["switch"] == "open");
    assert_eq!(room.state()["camera"]["switch"], "unknown");
}

#[test]
fn lines_without_names_active_low_debounced_and_without_interrupts_work() {
    if !inside(Boot::Bare) {
        return;
    }
    let board = BOARD
        .replace(r#""button" }"#, r##""#0", active-low = true, bias = "pull-up" }"##)
        .replace(r#""camera-shutter""#, r##""#1", active-low = true, bias = "pull-up""##)
        .replace(r#""camera-live", bias = "pull-up""#, r##""#2", active-low = true, bias = "pull-down""##)
        .replace(r#""microphone-switch""#, r##""#3", bias = "pull-down", debounce-ms = 10"##)
        .replace(r#""microphone-live""#, r##""#4""##)
        .replace(r#""microphone-muted""#, r##""#5""##);
    for interrupts in [true, false] {
        let board = if interrupts {
            board.clone()
        } else {
            let board = board.replace(", debounce-ms = 10", "").replace("switches", "adapter");
            board.replace("[gpiochip]", "[gpiochip]\ninterrupts = false")
        };
        // USB adapters name no lines: they are found by their place.
        let label = if interrupts { LABEL } else { "adapter" };
        let mut bench = Bench::prepare_on(Chip::plug_in(label, &[""; 6]), &board);
        bench.start_guard();
        let chip = bench.chip();
        let level = |line: &str| chip.level(line).unwrap();
        // As requested with their pulls: nothing pressed, both switches closed.
        eventually("dark and muted", SOON, || (level("#2") && !level("#4") && level("#5")).then_some(()));
        let (room, media) = (bench.room(), bench.media());
        chip.pull("#1", false);
        chip.pull("#3", true);
        room.wait_state("both open", |state| {
            ["camera", "microphone"].iter().all(|capture| state[capture]["switch"] == "open")
        });
        assert!(!level("#5"), "not muted any more");
        chip.pull("#0", false);
        sleep(Duration::from_millis(120));
        chip.pull("#0", true);
        media.may_ask(Camera);
        media.may_ask(Microphone);
        media.obey();
        let (_, permit) = media.ask(Camera);
        assert!(!level("#2"), "lit by the low level");
        media.say(&json!({"did-not-open": {"permit": permit}}));
        let (_, _permit) = media.ask(Microphone);
        assert!(level("#4"));
        let edge = Instant::now();
        chip.pull("#3", false);
        eventually("muted", SOON, || (level("#5") && !level("#4")).then_some(()));
        println!("interrupts {interrupts}: switch edge → red: {:?}", edge.elapsed());
        // As long as the button is not down, a debounce of the kernel's costs its own time and no more.
        assert!(edge.elapsed() < Duration::from_millis(400));
    }
}

#[test]
fn p1_an_open_drain_lamp_that_nothing_pulls_up_is_not_believed() {
    if !inside(Boot::Bare) {
        return;
    }
    let board = BOARD.replace(r#""microphone-live", bias = "pull-up""#, r#""microphone-live", drive = "open-drain""#);
    let bench = bench(&board);
    let (_room, media) = bench.awake();
    assert_eq!(bench.level("microphone-live"), Some(false), "dark by being driven low");
    // Let go, the line of gpio-sim stays where it is.
    assert_eq!(media.is_refused(Microphone), "lamp");
    assert_eq!(bench.mode(Microphone), 0o400);
    media.ask(Camera);
}

/// The board with lines that cut the power of both captures.
fn with_power() -> String {
    let power = "[power]\ncamera = { line = \"camera-power\", bias = \"pull-down\" }\n\
                 microphone = { line = \"microphone-power\", bias = \"pull-down\" }\n\n[camera]";
    BOARD.replace("[camera]", power)
}

const WITH_POWER: [&str; 8] = [
    "button",
    "camera-shutter",
    "camera-live",
    "microphone-switch",
    "microphone-live",
    "microphone-muted",
    "camera-power",
    "microphone-power",
];

#[test]
fn p3_the_power_line_falls_when_somebody_keeps_a_capture_open_and_a_press_brings_it_back() {
    if !inside(Boot::Bare) {
        return;
    }
    let mut bench = Bench::prepare_on(Chip::plug_in(LABEL, &WITH_POWER), &with_power());
    open_switches(bench.chip());
    bench.start_guard();
    bench.wait_dark();
    let power = |bench: &Bench, capture: &str| bench.level(&format!("{capture}-power")) == Some(true);
    eventually("power for both", SOON, || (power(&bench, "camera") && power(&bench, "microphone")).then_some(()));
    {
        // Media that does not obey.
        let (_room, media) = bench.awake();
        media.capture(&bench, Microphone);
        let edge = Instant::now();
        bench.switch(Microphone, false);
        eventually("the line falls", SOON, || (!power(&bench, "microphone")).then_some(()));
        println!("switch → power cut, where media does not obey: {:?}", edge.elapsed());
        assert!(edge.elapsed() >= Duration::from_millis(240), "it was given its time: {:?}", edge.elapsed());
        assert!(bench.order_to_kill(SOON).is_some(), "and killed");
        assert!(power(&bench, "camera"), "the camera's is another line");
        media.kill();
        eventually("closed and proved", SOON, || (bench.red() && !bench.lit(Microphone)).then_some(()));
    }
    let (room, media) = (bench.room(), bench.media());
    media.obey();
    bench.switch(Microphone, true);
    media.wait_refusal(Microphone, Some("asleep"));
    sleep(Duration::from_millis(1200));
    assert!(!power(&bench, "microphone"), "it does not come back by itself");
    bench.press();
    eventually("a press brings it back", SOON, || power(&bench, "microphone").then_some(()));
    media.may_ask(Microphone);
    media.capture(&bench, Microphone);

    // A program of root's, with the room awake and the shutter open.
    let root = std::fs::File::open(bench.node(Camera)).unwrap();
    let opened = Instant::now();
    eventually("the line falls", SOON, || (!power(&bench, "camera")).then_some(()));
    println!("opened by another program → power cut: {:?}", opened.elapsed());
    assert!(bench.lit(Camera), "open is lit, with power or without");
    room.wait_state("another program", |state| state["camera"]["node"] == "foreign");
    bench.press();
    sleep(Duration::from_millis(200));
    assert!(!power(&bench, "camera"), "no press gives power to whoever still has it open");
    drop(root);
    eventually("dark", SOON, || (!bench.lit(Camera)).then_some(()));
    assert_eq!(room.state()["camera"]["refusal"], "power");
    bench.press();
    eventually("back", SOON, || power(&bench, "camera").then_some(()));
    // A dead guard gives none.
    bench.kill_guard();
    assert!(bench.stop_hook());
    assert!(!power(&bench, "camera") && !power(&bench, "microphone"));
    bench.start_guard();
    eventually("a guard that starts gives power", SOON, || power(&bench, "camera").then_some(()));
}

#[test]
fn p1_where_a_dead_guard_leaves_its_lamps_dark_the_stop_hook_lights_them() {
    if !inside(Boot::Bare) {
        return;
    }
    // No pull but the one that keeps the level.
    let mut bench = bench(&BOARD.replace(r#", bias = "pull-up""#, "").replace(r#", bias = "pull-down""#, ""));
    // As a Raspberry Pi's lines do: what was driven last stays.
    let keeper = bench.chip().keep_levels(&["camera-live", "microphone-live", "microphone-muted"]);
    bench.switch(Microphone, false);
    eventually("muted", SOON, || bench.red().then_some(()));
    sleep(Duration::from_millis(50));
    bench.kill_guard();
    sleep(Duration::from_millis(100));
    assert!(!bench.lit(Camera) && !bench.lit(Microphone) && bench.red(), "a dead guard's word stands, and is a lie");
    assert!(bench.stop_hook());
    sleep(Duration::from_millis(100));
    assert!(bench.lit(Camera) && bench.lit(Microphone) && !bench.red(), "nobody watches: live");
    drop(keeper);
}
