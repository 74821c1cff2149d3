//! Phones that run the meeting: they agree with each other, since everything they show is the room's word.

use serde_json::Value;
use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage};

use crate::visitor::{LONG, Visitor, look, pair, state};

#[track_caller]
fn both(phones: [&mut Browser; 2], what: &str, expression: &str) {
    for phone in phones {
        phone.wait_for(what, expression, LONG);
    }
}

#[test]
fn p2_two_phones_agree_and_the_room_is_asked_and_never_opened() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut first = pair(&room, "en");
    room.sim.press();
    let mut second = pair(&room, "de");
    both([&mut first, &mut second], "both know of two", "document.querySelector('#phones').innerText.includes('2')");

    let browser = Browser::chromium(&BrowserPlan::default());
    let mut ada = Visitor::knock(browser, &invitation, "Ada");
    let waits = "document.querySelector('.waiting-list').textContent.includes('Ada')";
    both([&mut first, &mut second], "Ada waits on both", waits);
    look(&mut second, "door");
    second.click(".waiting-list .admit");
    ada.is_in();
    let here = "document.querySelector('.people-list').textContent.includes('Ada')";
    both([&mut first, &mut second], "Ada is in on both", &format!("{here} && !({waits})"));

    look(&mut first, "people");
    first.click("#remote-chair .lock");
    let locked = "document.querySelector('#remote-chair .lock').getAttribute('aria-pressed') === 'true'";
    both([&mut first, &mut second], "locked on both", locked);
    let mut late = Browser::chromium(&BrowserPlan::default());
    late.open(&invitation.link);
    state(&mut late, "door");
    late.wait_for("the notice is there", "document.querySelector('#notice-short').innerText.length > 100", LONG);
    late.fill("#name", "Late");
    late.fill("#pin", &invitation.pin);
    late.click("#join");
    late.wait_for("it says so", "document.querySelector('#refusal').innerText.includes('locked')", LONG);
    drop(late);

    look(&mut second, "people");
    second.click(".people-list .more");
    second.click(".people-list .mute");
    ada.browser.wait_for(
        "muted",
        "document.querySelector('#microphone').getAttribute('aria-pressed') === 'false'",
        LONG,
    );

    look(&mut first, "room");
    first.evaluate(
        "(() => { const volume = document.querySelector('#volume'); volume.value = 40; volume.dispatchEvent(new Event('input')); \
         volume.dispatchEvent(new Event('change')); })()",
    );
    both([&mut first, &mut second], "the volume on both", "document.querySelector('#volume').value === '40'");

    // Closing goes from here; opening is asked for, and only an act in the room does it (P2).
    first.click(".pair button:nth-child(1)");
    let closed = "document.querySelector('.pair button:nth-child(1)').dataset.live === 'false'";
    both([&mut first, &mut second], "the room's camera is closed on both", closed);
    ada.browser.wait_for("and for Ada", "document.querySelector('#room-camera').dataset.live === 'false'", LONG);
    look(&mut second, "room");
    second.click(".pair button:nth-child(1)");
    both(
        [&mut first, &mut second],
        "the room is asked, on both",
        "document.querySelector('.pair button:nth-child(1)').getAttribute('aria-disabled') === 'true'",
    );
    assert_eq!(ada.browser.evaluate("document.querySelector('#room-camera').dataset.live"), "false");

    look(&mut first, "people");
    first.click("#remote-chair .end");
    first.click("#confirm-yes");
    state(&mut ada.browser, "ended");
    assert_eq!(ada.browser.evaluate("document.body.dataset.end"), "meeting-ended");
    for phone in [&mut first, &mut second] {
        assert_eq!(phone.console(), Vec::<String>::new(), "errors on the console");
    }
}

#[test]
fn a_phone_that_reloads_is_where_it_was() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut phone = pair(&room, "en");
    let ada = Visitor::knock(Browser::chromium(&BrowserPlan::default()), &invitation, "Ada");
    phone.reload();
    state(&mut phone, "paired");
    // Somebody waits: that is what it shows first.
    phone.wait_for("the door is shown", "!document.querySelector('#view-door').hidden", LONG);
    assert_eq!(phone.evaluate("document.querySelector('.waiting-list .name').textContent"), Value::from(ada.name));
    phone.click(".waiting-list .deny");
    let mut ada = ada;
    state(&mut ada.browser, "ended");
    assert_eq!(ada.browser.evaluate("document.body.dataset.end"), "denied");
}
