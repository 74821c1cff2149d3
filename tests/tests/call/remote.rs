//! The remote's page as a person sees it, in both languages, and a link whose server is not to be reached.

use std::fs;
use std::time::Duration;

use subrosa_tests::browser::{Browser, Devices, Plan as BrowserPlan};
use subrosa_tests::memory;
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage, artefact, eventually};

use crate::page::{LONG, state};

/// Reserved: there is no such host (RFC 6761, section 6.4).
const LINK: &str = "https://meet.invalid/Rose";

fn keep_screen(room: &Room, name: &str) {
    std::thread::sleep(Duration::from_secs(2)); // the last change has been drawn, on a busy machine, too
    let jpeg = eventually("the screen shows something", Duration::from_secs(10), || room.sim.screen().ok());
    fs::write(artefact(&format!("screen-remote-{name}.jpg")), jpeg).unwrap();
}

#[track_caller]
fn phase(phone: &mut Browser, phase: &str) {
    phone.wait_for(&format!("the phone says {phase}"), &format!("document.body.dataset.phase === '{phase}'"), LONG);
}

/// Pictures of the page, which has to fit and to be usable without eyes.
fn shot(phone: &mut Browser, name: &str) {
    for (size, (width, height)) in [("wide", (1280, 800)), ("phone", (390, 844))] {
        phone.size(width, height);
        std::thread::sleep(Duration::from_millis(300));
        let over = phone.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(over, 0, "{name} at {width} pixels is wider than its window");
        phone.screenshot(&format!("remote-{name}-{size}"));
    }
    let unnamed = "[...document.querySelectorAll('button, a, input, textarea')].filter((one) => one.checkVisibility() \
                   && !(one.innerText || one.ariaLabel || one.labels?.length)).length";
    assert_eq!(phone.evaluate(unnamed), 0, "{name}: everything that can be used has a name");
    let small = "[...document.querySelectorAll('button, input')].filter((one) => one.checkVisibility() \
                 && one.getBoundingClientRect().height < 44).map((one) => one.id || one.innerText)";
    assert_eq!(phone.evaluate(small).as_array().map(Vec::len), Some(0), "{name}: a thumb hits everything");
}

fn in_language(language: &'static str) {
    let room = Room::start(Plan { language, ..Plan::default() });
    let mut phone = Browser::chromium(&BrowserPlan { devices: Devices::Missing, language, ..BrowserPlan::default() });
    phone.open(&format!("{}/remote", room.origin()));
    state(&mut phone, "pairing", LONG);
    assert_eq!(phone.evaluate("document.documentElement.lang"), language);
    shot(&mut phone, &format!("{language}-1-pairing"));
    let _invitation = room.wake();
    let (page, code) = room.code();
    keep_screen(&room, &format!("{language}-1-code"));
    // As if it had been scanned: what the code on the screen holds is printed nowhere.
    let token = memory::after(room.pid("room"), &format!("{page}#"), 32, |c| c.is_ascii_hexdigit());
    let token = token.expect("the room knows the link with its token");
    phone.open("about:blank");
    phone.open(&format!("{page}#{token}"));
    phase(&mut phone, "free");
    assert_eq!(phone.evaluate("location.hash"), "", "the token does not stay in the address");
    assert_eq!(phone.evaluate("document.querySelector('#paired .said').getAttribute('role')"), "status");
    shot(&mut phone, &format!("{language}-2-free"));
    keep_screen(&room, &format!("{language}-2-paired"));
    assert_eq!(phone.console(), Vec::<String>::new(), "errors on the console");
    phone.fill("#link", "rose");
    phone.click("#propose button");
    phone.wait_for("a sentence", "document.querySelector('#propose-refusal').innerText", LONG);
    shot(&mut phone, &format!("{language}-3-refused"));
    phone.evaluate("document.querySelector('#link').value = ''");
    phone.fill("#link", LINK);
    phone.click("#propose button");
    phase(&mut phone, "proposed");
    shot(&mut phone, &format!("{language}-4-proposed"));
    keep_screen(&room, &format!("{language}-3-proposed"));
    phone.click("#leave");
    phase(&mut phone, "free");
    let gone = if language == "de" { "zurückgenommen" } else { "withdrawn" };
    phone.wait_for("it says so", &format!("document.querySelector('#sentence').innerText.includes('{gone}')"), LONG);
    phone.fill("#link", LINK);
    phone.click("#propose button");
    phase(&mut phone, "proposed");
    // Nobody is asked for before the press.
    assert_eq!(room.status()["contacts"].as_array().map(Vec::len), Some(0));
    std::thread::sleep(Duration::from_millis(1200));
    room.sim.press();
    phase(&mut phone, "over");
    let sentence = phone.evaluate("document.querySelector('#sentence').innerText");
    shot(&mut phone, &format!("{language}-5-over"));
    keep_screen(&room, &format!("{language}-4-over"));
    // The room sleeps by itself, and the pairing ends with it; why it failed stays on the phone.
    state(&mut phone, "ended", Duration::from_secs(40));
    assert_eq!(phone.evaluate("document.querySelector('#ended-sentence').innerText"), sentence);
    shot(&mut phone, &format!("{language}-6-ended"));
    let log = room.end();
    for secret in [token.as_str(), code.as_str(), "meet.invalid", "Rose"] {
        assert!(!log.contains(secret), "p9: “{secret}” in the log");
    }
}

#[test]
fn p9_the_remote_in_german_and_a_server_that_is_not_reached() {
    needs!(Need::Chromium, Need::Root);
    let _stage = Stage::take();
    in_language("de");
}

#[test]
fn p9_the_remote_in_english_and_a_server_that_is_not_reached() {
    needs!(Need::Chromium, Need::Root);
    let _stage = Stage::take();
    in_language("en");
}
