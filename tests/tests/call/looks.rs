//! Pictures of page and screen in both languages, kept as artefacts for people to look at, and what can be checked of
//! looks without eyes.

use std::fs;
use std::time::Duration;

use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage, artefact, eventually};

use crate::page::{LONG, both_ways, knock, open, room_sees, state};

fn keep_screen(room: &Room, name: &str) {
    std::thread::sleep(Duration::from_millis(700)); // the last change has been drawn
    let jpeg = eventually("the screen shows something", Duration::from_secs(10), || room.sim.screen().ok());
    fs::write(artefact(&format!("screen-{name}.jpg")), jpeg).unwrap();
}

fn in_language(language: &'static str) {
    let room = Room::start(Plan { language, ..Plan::default() });
    keep_screen(&room, &format!("{language}-1-asleep"));
    let invitation = room.wake();
    keep_screen(&room, &format!("{language}-2-awake"));
    let mut browser = Browser::chromium(&BrowserPlan { language, ..BrowserPlan::default() });
    let shot = |browser: &mut Browser, name: &str| {
        for (size, (width, height)) in [("wide", (1280, 800)), ("phone", (390, 844))] {
            browser.size(width, height);
            std::thread::sleep(Duration::from_millis(400));
            let over = browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(over, 0, "{name} at {width} pixels is wider than its window");
            browser.screenshot(&format!("page-{language}-{name}-{size}"));
        }
    };
    open(&mut browser, &invitation.link);
    assert_eq!(browser.evaluate("document.documentElement.lang"), language);
    let unnamed = "[...document.querySelectorAll('button, a, input, select')].filter((one) => one.checkVisibility() \
                   && !(one.innerText || one.ariaLabel || one.labels?.length || one.title)).length";
    assert_eq!(browser.evaluate(unnamed), 0, "everything that can be used has a name");
    shot(&mut browser, "1-door");
    knock(&mut browser, &invitation.pin);
    state(&mut browser, "waiting", LONG);
    shot(&mut browser, "2-waiting");
    keep_screen(&room, &format!("{language}-3-asking"));
    room.sim.press();
    state(&mut browser, "in", LONG);
    both_ways(&mut browser);
    room_sees(&room);
    assert_eq!(browser.evaluate(unnamed), 0, "everything that can be used has a name");
    shot(&mut browser, "3-in");
    keep_screen(&room, &format!("{language}-4-in-call"));
    room.sim.mute(true);
    room.sim.shutter(true);
    std::thread::sleep(Duration::from_secs(1));
    shot(&mut browser, "4-muted");
    keep_screen(&room, &format!("{language}-5-muted"));
    room.sim.hold();
    state(&mut browser, "ended", LONG);
    shot(&mut browser, "5-ended");
    browser.open(&format!("{}/status", room.origin()));
    browser.wait_for("the status page has its facts", "document.querySelector('#version').innerText", LONG);
    shot(&mut browser, "6-status");
}

#[test]
fn page_and_screen_in_german() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    in_language("de");
}

#[test]
fn page_and_screen_in_english() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    in_language("en");
}
