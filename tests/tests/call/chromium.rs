//! Debian's Chromium: H.264 from the room, VP8 to it.

use std::time::{Duration, Instant};

use subrosa_tests::browser::{Browser, Devices, Plan as BrowserPlan};
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room, Users};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage, eventually};

use crate::page::{LONG, both_ways, enter, knock, lamp, open, room_hears, room_sees, state};

#[test]
fn p7_the_notice_is_read_before_the_browser_asks_and_a_whole_call_works() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    let acts = browser.acts();
    let at = |wanted: &str| {
        acts.iter().position(|act| act.starts_with(wanted)).unwrap_or_else(|| panic!("{wanted}: {acts:?}"))
    };
    assert!(
        at("fetch /api/notice") < at("click join") && at("click join") < at("getUserMedia"),
        "told first: {acts:?}"
    );
    assert!(at("getUserMedia") > at("fetch /api/knock"), "no question before the person has joined: {acts:?}");

    room_hears(&room);
    assert!(room_sees(&room) > 10);
    lamp(&mut browser, "camera", true);
    lamp(&mut browser, "microphone", true);
    let word = browser.evaluate("document.querySelector('#encryption').dataset.encryption");
    assert_eq!(word, "device-not-checked", "no word stronger than the truth (P8)");

    room.sim.mute(true);
    lamp(&mut browser, "microphone", false);
    let muted = browser.statistics();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(browser.statistics().audio_packets, muted.audio_packets, "no packet of sound while muted (P3)");
    room.sim.shutter(true);
    lamp(&mut browser, "camera", false);
    browser.wait_for_statistics("the card is sent", LONG, |now| now.frames_decoded > muted.frames_decoded + 10);
    room.sim.mute(false);
    room.sim.shutter(false);
    lamp(&mut browser, "microphone", true);
    lamp(&mut browser, "camera", true);
    both_ways(&mut browser);

    let own = room.origin();
    for url in browser.requests() {
        assert!(
            url.starts_with(&own) || url.starts_with("data:") || url.starts_with("blob:"),
            "a request to another host: {url}"
        );
    }
    assert_eq!(browser.console(), Vec::<String>::new(), "errors on the console");
    browser.click("#leave");
    state(&mut browser, "ended", LONG);
    eventually("the lamps are dark", Duration::from_secs(5), || {
        (!room.sim.lit(Line::CameraLive) && !room.sim.lit(Line::MicrophoneLive)).then_some(())
    });
    assert_eq!(room.status()["guests"], 0);
}

#[test]
fn a_reload_comes_back_without_asking_again() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    browser.reload();
    state(&mut browser, "in", LONG);
    browser.wait_for_statistics("picture and sound from the room", LONG, |now| {
        now.frames_decoded > 20 && now.audio_packets > 20
    });
    browser.wait_for_statistics("and to it", LONG, |now| now.frames_encoded > 5);
    assert!(!browser.acts().iter().any(|act| act == "fetch /api/knock"), "the guest did not knock again");
}

#[test]
fn p10_media_aborts_and_the_browser_has_its_picture_back_within_3_s() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    for _ in 0..2 {
        let links = browser.statistics().links;
        let killed = room.signal("media", rustix::process::Signal::ABORT).1;
        let back = loop {
            let now = browser.statistics();
            if now.links > links && now.frames_decoded > 0 {
                break killed.elapsed();
            }
            assert!(killed.elapsed() < LONG, "no picture after {:?}: {now:?}", killed.elapsed());
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(back <= Duration::from_secs(3), "the picture is back after {back:?}");
        state(&mut browser, "in", LONG);
        both_ways(&mut browser);
    }
    room_hears(&room);
}

#[test]
fn p10_a_page_that_lost_the_room_says_so() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    room.kill("room");
    state(&mut browser, "ended", LONG);
    assert_eq!(browser.evaluate("document.body.dataset.end"), "gone");
    let words = browser.evaluate("document.querySelector('#ended').innerText");
    assert!(words.as_str().is_some_and(|words| words.len() > 20), "in words: {words}");
}

#[test]
fn p10_a_browser_that_was_put_away_comes_back() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    browser.freeze(true);
    std::thread::sleep(Duration::from_secs(9));
    browser.freeze(false);
    let before = browser.statistics();
    browser.wait_for_statistics("the picture moves again", Duration::from_secs(30), |now| {
        now.connected
            && (now.links > before.links || now.frames_decoded > before.frames_decoded + 20)
            && now.frames_decoded > 20
    });
    state(&mut browser, "in", LONG);
}

#[test]
fn a_guest_without_camera_and_microphone_still_joins() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    for devices in [Devices::Missing, Devices::Refused] {
        let invitation = room.wake();
        let mut browser = Browser::chromium(&BrowserPlan { devices, ..BrowserPlan::default() });
        open(&mut browser, &invitation.link);
        knock(&mut browser, &invitation.pin);
        state(&mut browser, "waiting", LONG);
        room.sim.press();
        state(&mut browser, "in", LONG);
        browser.wait_for_statistics("the room is seen and heard", LONG, |now| {
            now.frames_decoded > 20 && now.audio_packets > 20
        });
        let words = browser.evaluate("document.querySelector('#own-words').innerText");
        assert!(words.as_str().is_some_and(|words| !words.is_empty()), "{devices:?}: the page says why");
        drop(browser);
        room.sim.hold();
        eventually("the room sleeps", Duration::from_secs(6), || {
            (room.status()["guard"]["awake"] == false).then_some(())
        });
    }
}

#[test]
fn the_guest_switches_camera_and_microphone() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    browser.click("#camera");
    browser.wait_for(
        "the camera is off",
        "document.querySelector('#camera').getAttribute('aria-pressed') === 'false'",
        LONG,
    );
    std::thread::sleep(Duration::from_millis(500));
    let off = browser.statistics();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(browser.statistics().frames_encoded, off.frames_encoded, "a camera that is off sends no frame");
    browser.click("#camera");
    browser.wait_for_statistics("the camera is on again", LONG, |now| now.frames_encoded > off.frames_encoded + 10);
}

#[test]
fn a_whole_call_works_under_one_user() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan { users: Users::One, ..Plan::default() });
    assert_eq!(
        room.status()["guard"]["trust"],
        "simulated-one-user",
        "the status page says what the lamps' word is worth"
    );
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    let edge = Instant::now();
    room.sim.mute(true);
    lamp(&mut browser, "microphone", false);
    assert!(edge.elapsed() < Duration::from_secs(2));
    assert!(room.sim.lit(Line::MicrophoneMuted) && !room.sim.lit(Line::MicrophoneLive));
}
