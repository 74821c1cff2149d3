//! The whole room with a phone: paired at the device, it gives the link of a meeting, and ends it.

use std::time::Duration;

use subrosa_tests::browser::{Browser, Devices, Plan as BrowserPlan};
use subrosa_tests::jitsi::client::Occupant;
use subrosa_tests::jitsi::focus::Focus;
use subrosa_tests::jitsi::meeting::{ROOM, room, server};
use subrosa_tests::jitsi::prosody::Options;
use subrosa_tests::needs;
use subrosa_tests::stage::{Need, Stage, artefact, eventually};

use super::prosody::PROSODY;
use super::room::nick;

const LONG: Duration = Duration::from_secs(20);

/// Waits until the page of a paired phone says that it stands so.
#[track_caller]
fn stands(phone: &mut Browser, phase: &str) {
    let there = format!("document.body.dataset.state === 'paired' && document.body.dataset.phase === '{phase}'");
    phone.wait_for(&format!("the phone says {phase}"), &there, LONG);
}

#[track_caller]
fn place(phone: &mut Browser, place: &str) {
    phone.wait_for(&format!("the phone is at {place}"), &format!("document.body.dataset.state === '{place}'"), LONG);
}

fn only_alice(focus: &Focus) -> bool {
    focus.people(ROOM).keys().all(|nick| nick == "aaaaaaaa")
}

#[test]
fn p2_p9_a_paired_phone_gives_a_link_a_press_joins_and_the_phone_leaves() {
    needs!(PROSODY, Need::Chromium);
    let _stage = Stage::take();
    let (prosody, focus, link) = server(Options::default(), false);
    let _alice = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    focus.password(ROOM, Some("letmein"));
    let room = room(&prosody, "warn");
    let mut phone = Browser::chromium(&BrowserPlan { devices: Devices::Missing, ..BrowserPlan::default() });
    phone.size(390, 844);

    // Before anybody has pressed the button no code is right.
    phone.open(&format!("{}/remote", room.origin()));
    place(&mut phone, "pairing");
    phone.fill("#code", "000000");
    phone.click("#pair button");
    phone.wait_for(
        "no code is on the screen",
        "document.querySelector('#pair-refusal').innerText.includes('No code')",
        LONG,
    );

    let _invitation = room.wake();
    let (page, code) = room.code();
    assert_eq!(page, format!("{}/remote", room.origin()));
    phone.evaluate("document.querySelector('#code').value = ''");
    phone.fill("#code", &code);
    phone.click("#pair button");
    stands(&mut phone, "free");
    assert_eq!(phone.evaluate("document.cookie"), "", "no script reads the key");
    // One code pairs one phone.
    let mut other = Browser::chromium(&BrowserPlan { devices: Devices::Missing, ..BrowserPlan::default() });
    other.open(&page);
    place(&mut other, "pairing");
    other.fill("#code", &code);
    other.click("#pair button");
    other.wait_for("no code any more", "document.querySelector('#pair-refusal').innerText.includes('No code')", LONG);
    drop(other);

    phone.fill("#link", &link);
    phone.click("#propose button");
    stands(&mut phone, "proposed");
    let said = phone.evaluate("document.querySelector('#paired').innerText").to_string();
    for words in ["localhost", "not on record", "Press the button", "Nobody is contacted before"] {
        assert!(said.contains(words), "{words} in {said}");
    }
    // The link alone does nothing: the one request is Alice's.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((focus.requests().len(), focus.people(ROOM).len()), (1, 1));
    assert_eq!(room.status()["contacts"].as_array().map(Vec::len), Some(0));
    let jpeg = eventually("the screen shows something", LONG, || room.sim.screen().ok());
    std::fs::write(artefact("screen-remote-proposed.jpg"), jpeg).unwrap();

    room.sim.press();
    stands(&mut phone, "password");
    phone.fill("#password", "wrong");
    phone.click("#unlock button");
    phone.wait_for("it is not right", "document.querySelector('#sentence').innerText.includes('not right')", LONG);
    phone.fill("#password", "letmein");
    phone.click("#unlock button");
    let own = nick(&focus);
    stands(&mut phone, "in");
    // A page that is loaded again is still paired.
    phone.reload();
    stands(&mut phone, "in");
    phone.click("#leave");
    eventually("the room has left", LONG, || only_alice(&focus).then_some(()));
    place(&mut phone, "ended");
    // The pairing has ended with the meeting: the key is nobody's now.
    let status = "fetch('/api/remote/leave', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })\
                  .then((answer) => answer.status)";
    assert_eq!(phone.evaluate(status), 401);
    let requests = phone.requests();
    assert!(requests.iter().all(|url| url.starts_with(&room.origin()) || url.starts_with("data:")), "{requests:?}");

    let log = room.end();
    for secret in ["Rose", "rose@", &own, &code, "letmein", "localhost:", "/remote"] {
        assert!(!log.contains(secret), "p9: “{secret}” in the log");
    }
}
