//! The door: PIN, back-off, token, and what is not let in.

use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::needs;
use subrosa_tests::peer::{Guest, Peer};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage, eventually};

use crate::page::{LONG, knock, open, state};

#[test]
fn a_wrong_pin_is_refused_in_words_and_the_right_one_enters_after_the_wait() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    open(&mut browser, &invitation.link);
    let wrong = if invitation.pin == "123456" { "654321" } else { "123456" };
    knock(&mut browser, wrong);
    browser.wait_for(
        "the refusal is shown",
        "!document.querySelector('#refusal').hidden && document.querySelector('#refusal').innerText",
        LONG,
    );
    browser.evaluate("document.querySelector('#pin').select()");
    browser.wait_for("the next try is allowed", "!document.querySelector('#join').disabled", LONG);
    std::thread::sleep(Duration::from_secs(2));
    browser.fill("#pin", "");
    browser.evaluate("document.querySelector('#pin').value = ''");
    browser.fill("#pin", &invitation.pin);
    browser.click("#join");
    state(&mut browser, "waiting", LONG);
}

#[test]
fn wrong_pins_back_off_longer_and_longer() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let wrong = json!({"pin": if invitation.pin == "123456" { "654321" } else { "123456" }});
    let (mut waits, mut tries) = (Vec::new(), 0);
    while waits.len() < 3 {
        let refusal = Peer::knock(&invitation.link, &wrong, &Guest::default()).err().expect("a refusal").json();
        assert_eq!(refusal["refusal"], "wrong-secret", "{refusal}");
        let wait = refusal["retry_after_ms"].as_u64().expect("a wait");
        // The first slips of a finger cost nothing.
        if wait == 0 {
            tries += 1;
            assert!(tries < 10, "PINs can be tried without end");
            continue;
        }
        waits.push(wait);
        let early = Peer::knock(&invitation.link, &json!({"pin": invitation.pin}), &Guest::default()).err();
        assert!(early.is_some_and(|reply| reply.status == 429), "even the right PIN is not looked at before {wait} ms");
        std::thread::sleep(Duration::from_millis(wait + 50));
    }
    assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
    let peer = Peer::ask(&invitation, &Guest::default());
    drop(peer);
}

#[test]
fn the_qr_code_on_the_screen_lets_a_guest_knock_without_a_pin() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let link = eventually("the screen shows a QR code", Duration::from_secs(10), || room.sim.qr());
    let (address, token) = link.split_once('#').expect("a token in the fragment");
    assert_eq!(address.trim_end_matches('/'), invitation.link.trim_end_matches('/'), "the code names the same address");
    assert!(token.len() >= 16, "a token is not guessed");
    let mut browser = Browser::chromium(&BrowserPlan::default());
    open(&mut browser, &link);
    assert!(browser.evaluate("subrosaTest.place('#pin')").is_null(), "no PIN is asked for");
    browser.fill("#name", "Guest A");
    browser.click("#join");
    state(&mut browser, "waiting", LONG);
    let sent = browser.requests();
    assert!(!sent.iter().any(|url| url.contains(token)), "the token is in no address that is sent");
    room.sim.press();
    state(&mut browser, "in", LONG);
}

#[test]
fn a_token_of_another_meeting_is_refused() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let first = room.wake();
    let token = eventually("the screen shows a QR code", Duration::from_secs(10), || room.sim.qr());
    room.sim.hold();
    eventually("the room sleeps", Duration::from_secs(6), || (room.status()["guard"]["awake"] == false).then_some(()));
    let second = room.wake();
    assert_ne!(first.pin, second.pin);
    let token = json!({"token": token.split_once('#').map(|(_, token)| token)});
    let refusal = Peer::knock(&second.link, &token, &Guest::default()).err().expect("a refusal");
    assert_eq!(refusal.json()["refusal"], "wrong-secret");
}

#[test]
fn requests_of_other_pages_are_refused_and_cookies_are_locked() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let body = json!({"pin": invitation.pin, "name": "Guest A", "lang": "en", "h264": true}).to_string();
    let client = room.client();
    let json_type = ("Content-Type", "application/json");
    for headers in [
        vec![json_type],
        vec![json_type, ("Origin", "https://example.org")],
        vec![json_type, ("Origin", "null")],
        vec![("Content-Type", "text/plain"), ("Origin", client.origin())],
    ] {
        let reply = client.post_with("/api/knock", &body, &headers).unwrap();
        assert!((400..=415).contains(&reply.status), "{headers:?}: {}", reply.status);
        assert!(reply.header("set-cookie").is_none());
    }
    let reply = client.post_with("/api/knock", &body, &[json_type, ("Origin", client.origin())]).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    let cookie = reply.header("set-cookie").unwrap();
    for part in ["__Host-session=", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let page = client.get("/").unwrap();
    let policy = page.header("content-security-policy").unwrap();
    assert!(!policy.contains("unsafe") && policy.contains("default-src"), "{policy}");
    assert!(page.header("strict-transport-security").is_none(), "no HSTS with the device's own certificate");
    assert_eq!(room.client().get("/api/events").unwrap().status, 401, "no events without a session");
}

#[test]
fn two_guests_take_turns() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let first = Peer::ask(&invitation, &Guest::default());
    room.sim.press();
    let _link = first.connected(Duration::from_secs(10));
    let started = Instant::now();
    let second = Peer::knock(
        &invitation.link,
        &json!({"pin": invitation.pin}),
        &Guest { name: "Guest B".to_owned(), ..Guest::default() },
    );
    // Either the room says that it is full, or it lets the second one wait; it never shows the one to the other.
    match second {
        Err(refusal) => assert_eq!(refusal.json()["refusal"], "full"),
        Ok(waiting) => assert!(waiting.events().iter().all(|(_, event)| event["event"] == "waiting")),
    }
    first.leave();
    eventually("there is room again", Duration::from_secs(10), || {
        Peer::knock(
            &invitation.link,
            &json!({"pin": invitation.pin}),
            &Guest { name: "Guest B".to_owned(), ..Guest::default() },
        )
        .ok()
    });
    assert!(started.elapsed() < Duration::from_secs(20));
}
