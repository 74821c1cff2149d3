//! The guard with inputs and lamps that are parts of attached devices (`uinput`, `uhid`) beside lines of the kernel.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_messages::Capture::{Camera, Microphone};
use subrosa_tests::devices::{Actor, Bench};
use subrosa_tests::stage::eventually;
use subrosa_tests::vm::{Boot, Chip, Conference, InputDevice, MuteKey, inside};

const LABEL: &str = "lamps";
const LINES: [&str; 6] =
    ["button", "camera-shutter", "camera-live", "microphone-switch", "microphone-live", "microphone-muted"];
const SOON: Duration = Duration::from_secs(3);
/// `KEY_PAGEDOWN`, `SW_CAMERA_LENS_COVER`, `SW_MUTE_DEVICE`.
const PAGE_DOWN: u16 = 109;
const COVER: u16 = 0x09;
const MUTE: u16 = 0x0e;

fn board(button: &str, shutter: &str, switch: &str, muted: &str) -> String {
    format!(
        r#"
name = "real"
title = "Attached devices"
lines = "gpiochip"
encoders = ["x264enc"]
speaker = {{ sink = "sim" }}
screen = {{ output = "sim" }}
button = {{ {button} }}

[gpiochip]
labels = ["lamps"]

[camera]
source = "sim"
nodes = ["{{run}}/sim/nodes/camera"]
proof = "lease"
switch = {{ {shutter} }}
live = {{ line = "camera-live", bias = "pull-up" }}

[microphone]
source = "sim"
nodes = ["{{run}}/sim/nodes/microphone"]
proof = "lease"
switch = {{ {switch} }}
live = {{ line = "microphone-live", bias = "pull-up" }}
muted = {{ {muted} }}
"#
    )
}

const BUTTON: &str = r#"line = "button""#;
const SHUTTER: &str = r#"line = "camera-shutter""#;
const RED: &str = r#"line = "microphone-muted", bias = "pull-down""#;

/// The guard runs; shutter open, button released.
fn bench(board: &str) -> Bench {
    let mut bench = Bench::prepare_on(Chip::plug_in(LABEL, &LINES), board);
    for (line, level) in [("button", false), ("camera-shutter", true), ("microphone-switch", true)] {
        bench.chip().pull(line, level);
    }
    bench.start_guard();
    bench
}

/// Media and the room; the button of the chip is pressed.
fn woken(bench: &Bench) -> (Actor, Actor) {
    let (room, media) = (bench.room(), bench.media());
    bench.press();
    room.wait_state("awake", |state| state["awake"] == true);
    media.obey();
    (room, media)
}

fn revoked(media: &Actor, mark: usize) {
    media.wait_from(mark, "revoked", |told| told["heard"]["revoke"].is_object().then_some(()));
}

#[test]
fn p1_p3_switches_of_an_input_device_close_are_unknown_when_torn_out_and_come_back() {
    if !inside(Boot::Bare) {
        return;
    }
    let switches = || InputDevice::plug_in("Laptop switches", &[], &[COVER, MUTE]);
    let device = switches();
    // Another device of another name has the same switches.
    let _other = InputDevice::plug_in("Somebody else's", &[], &[COVER, MUTE]);
    let shutter = r#"switch = "SW_CAMERA_LENS_COVER", device = "Laptop switches""#;
    let switch = r#"switch = "SW_MUTE_DEVICE", device = "Laptop switches""#;
    let bench = bench(&board(BUTTON, shutter, switch, RED));
    bench.wait_dark();
    let (room, media) = woken(&bench);
    for (capture, code) in [(Microphone, MUTE), (Camera, COVER)] {
        for _ in 0..5 {
            media.may_ask(capture);
            media.capture(&bench, capture);
            let mark = media.mark();
            let edge = Instant::now();
            device.switch(code, true);
            revoked(&media, mark);
            println!("{capture:?}: switch → media told: {:?}", edge.elapsed());
            eventually("dark, and red where there is one", SOON, || {
                (!bench.lit(capture) && bench.red() == (capture == Microphone)).then_some(())
            });
            device.switch(code, false);
        }
        media.may_ask(capture);
    }
    media.capture(&bench, Microphone);
    let mark = media.mark();
    drop(device);
    revoked(&media, mark);
    room.wait_state("both switches unknown", |state| {
        ["camera", "microphone"].iter().all(|capture| state[capture]["switch"] == "unknown")
    });
    eventually("unknown is lit", SOON, || (bench.lit(Camera) && bench.lit(Microphone) && !bench.red()).then_some(()));
    let device = switches();
    media.may_ask(Microphone);
    media.may_ask(Camera);
    media.capture(&bench, Camera);
    device.switch(COVER, true);
    eventually("closed by the one that has come back", SOON, || (!bench.lit(Camera)).then_some(()));
    let log = bench.log();
    assert_eq!(log.matches("its device has gone").count(), 2, "each switch is named once: {log}");
    assert_eq!(log.matches(", is there").count(), 2, "{log}");
}

#[test]
fn p2_a_presenters_key_is_the_rooms_button_and_types_nothing() {
    if !inside(Boot::Bare) {
        return;
    }
    let presenter = InputDevice::plug_in("Presenter", &[PAGE_DOWN, 30], &[]);
    let switch = r#"line = "microphone-switch""#;
    let bench = bench(&board(r#"key = "KEY_PAGEDOWN", device = "1209:5ab0""#, SHUTTER, switch, RED));
    bench.wait_dark();
    let (room, media) = (bench.room(), bench.media());
    media.wait_refusal(Microphone, Some("asleep"));
    let mut typed = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(presenter.node()).unwrap();
    // Another key of it is no press.
    presenter.key(30, true);
    presenter.key(30, false);
    sleep(Duration::from_millis(200));
    assert_eq!(room.state()["awake"], false);
    let mark = room.mark();
    let presses = |mark: usize, woke: bool| {
        room.wait_from(mark, "a press", |told| (told["heard"]["press"]["woke"] == woke).then_some(()));
    };
    // Down and up before anybody can have looked.
    presenter.send(&[(1, PAGE_DOWN, 1), (0, 0, 0), (1, PAGE_DOWN, 0)]);
    presses(mark, true);
    media.may_ask(Microphone);
    let mark = room.mark();
    sleep(Duration::from_millis(100));
    presenter.send(&[(1, PAGE_DOWN, 1), (0, 0, 0), (1, PAGE_DOWN, 0)]);
    presses(mark, false);
    // Held for less than a hold, with the kernel's repetitions: one press.
    let mark = room.mark();
    sleep(Duration::from_millis(100));
    presenter.key(PAGE_DOWN, true);
    for _ in 0..10 {
        sleep(Duration::from_millis(30));
        presenter.send(&[(1, PAGE_DOWN, 2)]);
    }
    assert!(!room.has_told(mark, |told| told["heard"]["press"].is_object()), "not before it comes up");
    presenter.key(PAGE_DOWN, false);
    presses(mark, false);
    sleep(Duration::from_millis(200));
    assert_eq!(room.state()["awake"], true);
    let mut bytes = [0; 512];
    let error = typed.read(&mut bytes).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "the guard has the presenter for itself");
    // Held: the room sleeps.
    presenter.key(PAGE_DOWN, true);
    room.wait_state("asleep by a hold", |state| state["awake"] == false);
    // Torn out while it is down: neither a press nor a hold when it comes back.
    drop(presenter);
    let mark = room.mark();
    let _again = InputDevice::plug_in("Presenter", &[PAGE_DOWN, 30], &[]);
    eventually("there again", SOON, || bench.log().contains("is there").then_some(()));
    sleep(Duration::from_millis(200));
    assert!(!room.has_told(mark, |told| told["heard"]["press"].is_object()));
}

#[test]
fn p2_p3_a_press_on_a_conference_device_closes_and_its_led_follows_on_proof() {
    if !inside(Boot::Bare) {
        return;
    }
    let device = Conference::plug_in("Speakerphone", MuteKey::Toggles, None);
    let switch = r#"hid = "mute", device = "Speakerphone""#;
    let bench = bench(&board(BUTTON, SHUTTER, switch, r#"led = "mute", device = "Speakerphone""#));
    eventually("dark, closed, red, and in a call as far as the device knows", SOON, || {
        (!bench.lit(Microphone) && device.leds() == Some((true, true))).then_some(())
    });
    let (room, media) = woken(&bench);
    media.wait_refusal(Microphone, Some("switch"));
    for _ in 0..5 {
        // Presses nearer than 30 ms are one.
        sleep(Duration::from_millis(50));
        device.press();
        media.may_ask(Microphone);
        eventually("the LED goes out", SOON, || (!device.red()).then_some(()));
        media.capture(&bench, Microphone);
        assert!(bench.lit(Microphone) && !device.red());
        let mark = media.mark();
        sleep(Duration::from_millis(50));
        let press = Instant::now();
        device.press();
        revoked(&media, mark);
        println!("press → media told: {:?}", press.elapsed());
        eventually("red on proof", SOON, || device.red().then_some(()));
        assert!(!bench.lit(Microphone), "red only when it is proved closed");
    }
    // Somebody holds it open all the same: muted is not proved, and red would be a lie.
    sleep(Duration::from_millis(50));
    device.press();
    media.may_ask(Microphone);
    media.capture(&bench, Microphone);
    let held = std::fs::File::open(bench.node(Microphone)).unwrap();
    sleep(Duration::from_millis(50));
    device.press();
    sleep(Duration::from_millis(700));
    assert!(bench.lit(Microphone) && !device.red(), "closed by its key, open by somebody");
    drop(held);
    eventually("proved now", SOON, || device.red().then_some(()));

    // The network mutes: the LED says so, and one press opens again.
    device.press();
    media.may_ask(Microphone);
    room.say(&json!({"mute": {"capture": "microphone"}}));
    media.wait_refusal(Microphone, Some("muted"));
    eventually("red", SOON, || device.red().then_some(()));
    sleep(Duration::from_millis(600));
    device.press();
    media.may_ask(Microphone);
    eventually("not red", SOON, || (!device.red()).then_some(()));

    // The device has turned its own LED: it is told again after every report.
    let told = device.told();
    device.says(false);
    eventually("told again", SOON, || (device.told() > told).then_some(()));
}

#[test]
fn p1_p2_a_conference_device_torn_out_is_unknown_and_closed_when_it_is_back() {
    if !inside(Boot::Bare) {
        return;
    }
    let plug_in = || Conference::plug_in("Speakerphone", MuteKey::Toggles, None);
    let device = plug_in();
    let switch = r#"hid = "mute", device = "Speakerphone""#;
    let bench = bench(&board(BUTTON, SHUTTER, switch, r#"led = "mute", device = "Speakerphone""#));
    let (room, media) = woken(&bench);
    media.wait_refusal(Microphone, Some("switch"));
    device.press();
    media.may_ask(Microphone);
    media.capture(&bench, Microphone);
    let mark = media.mark();
    drop(device);
    revoked(&media, mark);
    room.wait_state("unknown", |state| {
        state["microphone"]["switch"] == "unknown" && state["microphone"]["muted"] == "unknown"
    });
    eventually("unknown is lit", SOON, || bench.lit(Microphone).then_some(()));
    assert!(!bench.lit(Camera), "the camera is none of its business");
    let device = plug_in();
    room.wait_state("closed until it is pressed", |state| state["microphone"]["switch"] == "closed");
    eventually("red on proof", SOON, || (device.red() && !bench.lit(Microphone)).then_some(()));
    sleep(Duration::from_millis(50));
    device.press();
    media.may_ask(Microphone);
    let log = bench.log();
    assert_eq!(log.matches("its device has gone").count(), 1, "{log}");
}

#[test]
fn p3_a_mute_switch_that_stands_is_asked_for_and_no_storm_loses_its_level() {
    if !inside(Boot::Bare) {
        return;
    }
    let switch = r#"hid = "mute", device = "Speakerphone""#;
    let device = Conference::plug_in("Speakerphone", MuteKey::Stands, Some(false));
    let bench = bench(&board(BUTTON, SHUTTER, switch, r#"led = "mute", device = "Speakerphone""#));
    let (room, media) = woken(&bench);
    room.wait_state("it has answered: open", |state| state["microphone"]["switch"] == "open");
    for round in 0..4 {
        media.may_ask(Microphone);
        media.capture(&bench, Microphone);
        // More than the kernel keeps, with the guard standing still for half of them.
        let stopped = round % 2 == 1;
        if stopped {
            rustix::process::kill_process(bench.guard(), rustix::process::Signal::STOP).unwrap();
        }
        for place in 0..301 {
            device.says(place % 2 == 0);
        }
        if stopped {
            rustix::process::kill_process(bench.guard(), rustix::process::Signal::CONT).unwrap();
        }
        // Where reports were lost, the device is asked anew.
        eventually("the last level counts", SOON, || (device.red() && !bench.lit(Microphone)).then_some(()));
        media.wait_refusal(Microphone, Some("switch"));
        device.says(false);
    }
    assert!(bench.log().contains("it has said more than can be read"), "the storm was one: {}", bench.log());
    drop(device);
    let silent = Conference::plug_in("Speakerphone", MuteKey::Stands, None);
    eventually("it is there", SOON, || (silent.told() > 0).then_some(()));
    sleep(Duration::from_millis(500));
    assert_eq!(room.state()["microphone"]["switch"], "unknown", "it has not answered");
    media.wait_refusal(Microphone, Some("switch-unknown"));
    silent.says(true);
    room.wait_state("it has spoken", |state| state["microphone"]["switch"] == "closed");
}

#[test]
fn p3_an_event_storm_on_an_input_device_loses_no_level() {
    if !inside(Boot::Bare) {
        return;
    }
    let device = InputDevice::plug_in("Laptop switches", &[PAGE_DOWN], &[MUTE]);
    let switch = r#"switch = "SW_MUTE_DEVICE", device = "Laptop switches""#;
    let key = r#"key = "KEY_PAGEDOWN", device = "Laptop switches""#;
    let bench = bench(&board(key, SHUTTER, switch, RED));
    bench.wait_dark();
    let (room, media) = (bench.room(), bench.media());
    device.key(PAGE_DOWN, true);
    room.wait_state("awake", |state| state["awake"] == true);
    sleep(Duration::from_millis(100));
    device.key(PAGE_DOWN, false);
    media.obey();
    for round in 0..4 {
        media.may_ask(Microphone);
        media.capture(&bench, Microphone);
        let stopped = round % 2 == 1;
        if stopped {
            rustix::process::kill_process(bench.guard(), rustix::process::Signal::STOP).unwrap();
        }
        for edge in 0..1001 {
            device.switch(MUTE, edge % 2 == 0);
        }
        if stopped {
            rustix::process::kill_process(bench.guard(), rustix::process::Signal::CONT).unwrap();
        }
        eventually("the last level counts", SOON, || (bench.red() && !bench.lit(Microphone)).then_some(()));
        media.wait_refusal(Microphone, Some("switch"));
        device.switch(MUTE, false);
    }
    media.may_ask(Microphone);
    // The key went down among events that were lost: it is asked for.
    let mark = room.mark();
    rustix::process::kill_process(bench.guard(), rustix::process::Signal::STOP).unwrap();
    for edge in 0..1000 {
        device.switch(MUTE, edge % 2 == 0);
    }
    device.key(PAGE_DOWN, true);
    rustix::process::kill_process(bench.guard(), rustix::process::Signal::CONT).unwrap();
    sleep(Duration::from_millis(300));
    device.key(PAGE_DOWN, false);
    room.wait_from(mark, "a press", |told| told["heard"]["press"].is_object().then_some(()));
}

#[test]
fn p2_a_key_may_be_the_microphones_switch_and_toggles_it() {
    if !inside(Boot::Bare) {
        return;
    }
    let device = InputDevice::plug_in("Key box", &[248, PAGE_DOWN], &[]);
    let switch = r#"key = "KEY_MICMUTE", device = "Key box""#;
    let key = r#"key = "KEY_PAGEDOWN", device = "Key box""#;
    let bench = bench(&board(key, SHUTTER, switch, RED));
    let (room, media) = (bench.room(), bench.media());
    eventually("closed to begin with", SOON, || (bench.red() && !bench.lit(Microphone)).then_some(()));
    let tap = |code| device.send(&[(1, code, 1), (0, 0, 0), (1, code, 0)]);
    tap(PAGE_DOWN);
    room.wait_state("awake, by another key of the same device", |state| state["awake"] == true);
    media.obey();
    for _ in 0..3 {
        sleep(Duration::from_millis(50));
        tap(248);
        media.may_ask(Microphone);
        sleep(Duration::from_millis(50));
        tap(248);
        media.wait_refusal(Microphone, Some("switch"));
    }
}
