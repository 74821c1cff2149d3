//! The clock jumps, or was never set (P10): a call does not notice, and a certificate is dated as well as it can be.

use std::time::{Duration, Instant};

use subrosa_tests::call::{Call, camera_moves};
use subrosa_tests::client::Client;
use subrosa_tests::clock::{NOTICED, WrongClock};
use subrosa_tests::needs;
use subrosa_tests::peer::Guest;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually};
use subrosa_tests::truth::Watch;

fn call_with(clock: &WrongClock) -> Call {
    Call::begin_with(|plan| Plan { environment: clock.environment(), ..plan }, Guest::default())
}

#[test]
fn p10_a_call_goes_on_when_the_clock_is_set_back_and_far_ahead() {
    needs!(Need::Root, Need::Program("ip"), Need::WrongClock);
    let _stage = Stage::take();
    let clock = WrongClock::by("+0");
    let call = call_with(&clock);
    let watch = Watch::over(&call.room);
    let link = call.peer.link().unwrap();
    let processes = ["guard", "media", "room", "sim"].map(|name| call.room.pid(name));
    for jump in ["-2h", "-30y", "+15y", "+0"] {
        clock.set(jump);
        std::thread::sleep(NOTICED);
        assert!(camera_moves(&link, Duration::from_secs(3)), "the picture stands at {jump}");
        call.room.sim.mute(true);
        eventually("red says muted", Duration::from_secs(1), || call.room.sim.lit(Line::MicrophoneMuted).then_some(()));
        let (_, _, sounds) = link.recording.counts();
        call.room.sim.mute(false);
        let heard = link.recording.wait_for_sound(sounds, Duration::from_secs(3), |sound| sound.level > -50.0);
        assert!(heard.is_some(), "no sound at {jump}");
    }
    // Longer than anybody may be silent; what counts by the wall clock would have ended long ago.
    clock.set("+1d");
    std::thread::sleep(Duration::from_secs(4));
    assert!(camera_moves(&link, Duration::from_secs(3)));
    watch.assert_true();
    assert_eq!(["guard", "media", "room", "sim"].map(|name| call.room.pid(name)), processes, "nobody has died");
    let told: Vec<_> = call.peer.events().iter().map(|(_, event)| event["event"].clone()).collect();
    assert_eq!(told.iter().filter(|event| *event == "offer").count(), 1, "one link for all of it: {told:?}");
    assert!(!told.iter().any(|event| event == "reconnecting" || event == "ended"), "{told:?}");
}

/// First and last second of the certificate that is served now (RFC 5280, section 4.1.2.5.1: two `UTCTime` in a row).
fn validity(client: &Client) -> (String, String) {
    let der = client.certificate().unwrap();
    let time = |bytes: &[u8]| {
        let digits = bytes.strip_prefix(&[0x17, 13]).and_then(|text| str::from_utf8(text.get(..13)?).ok());
        digits.filter(|digits| digits.ends_with('Z')).map(|digits| format!("20{digits}"))
    };
    let pair = |window: &[u8]| Some((time(window)?, time(window.get(15..)?)?));
    der.windows(30).find_map(pair).expect("the dates of a certificate")
}

/// The same form, of the machine's clock.
fn today() -> String {
    let output = std::process::Command::new("date").args(["-u", "+%Y%m%d%H%M%SZ"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn p10_a_room_whose_clock_was_never_set_says_so_and_holds_a_call_with_a_valid_certificate() {
    needs!(Need::Root, Need::Program("ip"), Need::WrongClock);
    let _stage = Stage::take();
    // A quarter of a century ahead is as wrong as 1970.
    let clock = WrongClock::by("+25y");
    let call = call_with(&clock);
    assert!(call.room.log().contains("the clock of this device cannot be right"), "{}", call.room.log());
    let (first, last) = validity(&call.room.client());
    let now = today();
    assert!(first < now && now < last, "a guest whose clock is right is served a certificate from {first} to {last}");
    assert!(camera_moves(&call.peer.link().unwrap(), Duration::from_secs(3)));
    // The clock is set; the room looks when its addresses change.
    clock.set("+0");
    std::thread::sleep(NOTICED);
    let namespace = call.room.namespace().unwrap();
    let (mut changes, mut changed) = (0, Instant::now());
    eventually("the room believes its clock again", Duration::from_secs(12), || {
        // The library may give a look the answer of before; the next look has the new one.
        if changes == 0 || changed.elapsed() > Duration::from_secs(4) {
            namespace.add_interface(&format!("other{changes}"), &format!("192.168.{}.1/24", 77 + changes));
            (changes, changed) = (changes + 1, Instant::now());
        }
        call.room.log().contains("the clock of this device is believed again").then_some(())
    });
    assert!(camera_moves(&call.peer.link().unwrap(), Duration::from_secs(5)), "and the call has not noticed");
}

#[test]
fn p10_a_certificate_of_a_clock_that_was_ahead_is_replaced_when_the_clock_is_put_right() {
    needs!(Need::WrongClock);
    let _stage = Stage::take();
    let clock = WrongClock::by("+3y");
    let mut room = Room::start(Plan { environment: clock.environment(), ..Plan::default() });
    let (first, _) = validity(&room.client());
    assert!(first > today(), "nothing tells the room that this clock is wrong: {first}");
    clock.set("+0");
    std::thread::sleep(NOTICED);
    // The kernel's timer that notices a set clock knows nothing of ours: the next start looks, too.
    let old = room.pid("room");
    room.kill("room");
    eventually("another room process", Duration::from_secs(5), || room.find("room").filter(|new| *new != old));
    room.wait_until_served();
    let (first, last) = validity(&room.client());
    let now = today();
    assert!(first < now && now < last, "served from {first} to {last} on {now}");
}
