//! Real browsers in a meeting: every pair sees and hears each other and the room, and what people do reaches the others.

use subrosa_tests::browser::{Browser, Key, Plan as BrowserPlan};
use subrosa_tests::namespace::Wire;
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage};

use crate::visitor::{LONG, Visitor, look, pair, state};

fn chromium(room: &Room) -> Browser {
    Browser::chromium(&BrowserPlan { namespace: room.namespace(), ..BrowserPlan::default() })
}

/// Everybody sees everybody and the room, and hears them.
#[track_caller]
fn all_together(visitors: &mut [&mut Visitor]) {
    let names: Vec<&str> = visitors.iter().map(|visitor| visitor.name).collect();
    for visitor in visitors.iter_mut() {
        visitor.sees_room();
        let own = visitor.name;
        for name in names.iter().filter(|name| **name != own) {
            visitor.sees(name);
        }
        visitor.hears(names.len());
    }
}

#[test]
fn two_browsers_see_and_hear_each_other_and_the_room_and_one_that_is_killed_is_gone() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut ada = Visitor::enter(chromium(&room), &room, &invitation, "Ada");
    assert_eq!(ada.browser.evaluate("document.querySelector('#stage').dataset.arrangement"), "alone");
    let mut ben = Visitor::enter(chromium(&room), &room, &invitation, "Ben");
    all_together(&mut [&mut ada, &mut ben]);

    // A camera that is switched off is no picture for the others, and comes back.
    ben.browser.click("#camera");
    ada.browser.wait_for(
        "Ben's picture is off",
        "document.querySelector('.tile.person').dataset.camera === 'false' && document.querySelector('.face').textContent === 'B'",
        LONG,
    );
    ben.browser.click("#camera");
    ada.sees("Ben");
    // A hand is seen, in the picture and in the list.
    ben.browser.click("#hand");
    ada.browser.wait_for("Ben's hand", "document.querySelector('.tile.person').dataset.hand === 'true'", LONG);
    ada.panel("people");
    ada.browser.wait_for(
        "and in words",
        "document.querySelector('.people-list').innerText.includes('hand raised')",
        LONG,
    );

    // Both reload at once.
    ada.browser.reload();
    ben.browser.reload();
    for visitor in [&mut ada, &mut ben] {
        visitor.is_in();
    }
    all_together(&mut [&mut ada, &mut ben]);
    assert_eq!(ada.browser.console(), Vec::<String>::new(), "errors on the console");

    // A browser that is killed says no goodbye.
    drop(ben);
    ada.browser.wait_for(
        "Ben is gone, or said to be",
        "!document.querySelector('.tile.person') || document.querySelector('[data-sign=unknown]:not([hidden])')",
        LONG,
    );
    ada.sees_room();
}

#[test]
fn three_browsers_of_two_makers_share_write_and_are_moderated() {
    needs!(Need::Chromium, Need::Firefox, Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let wire = Wire::lay();
    // Two processors have to carry three browsers.
    let small = vec![("media", "picture = \"640x360\"\n".to_owned())];
    let room = Room::start(Plan { more: small, ..Plan::on(&wire) });
    let plan = BrowserPlan { namespace: Some(wire.guest.clone()), small: true, ..BrowserPlan::default() };
    let invitation = room.wake();
    // All are started before anybody's picture takes the processor.
    let (firefox, [one, other]) = (Browser::firefox(&plan), [(); 2].map(|()| Browser::chromium(&plan)));
    let mut eve = Visitor::enter(firefox, &room, &invitation, "Eve");
    let mut ada = Visitor::enter(one, &room, &invitation, "Ada");
    let mut ben = Visitor::enter(other, &room, &invitation, "Ben");
    all_together(&mut [&mut ada, &mut ben, &mut eve]);

    // Whole lines: what looks like HTML is text.
    let line = "<b>Hello</b> & <img src=x>";
    eve.panel("talk");
    eve.browser.fill("#talk-field", line);
    eve.browser.press(Key::Enter);
    for visitor in [&mut ada, &mut ben, &mut eve] {
        visitor.panel("talk");
        visitor.reads(line);
        assert_eq!(visitor.browser.evaluate("document.querySelectorAll('#talk-log b, #talk-log img').length"), 0);
    }
    // Letters as they are typed, and an erased one.
    ada.browser.click("#talk-letters");
    ada.browser.fill("#talk-field", "Helo");
    for visitor in [&mut ben, &mut eve] {
        visitor.reads_letters("Helo");
    }
    ada.browser.press(Key::Backspace);
    ada.browser.type_text("lo");
    for visitor in [&mut ben, &mut eve] {
        visitor.reads_letters("Hello");
    }
    ada.browser.press(Key::Enter);
    for visitor in [&mut ben, &mut eve] {
        visitor.reads("Hello");
    }
    for visitor in [&mut ada, &mut eve] {
        assert_eq!(visitor.browser.console(), Vec::<String>::new(), "errors on the console of {}", visitor.name);
    }
}

#[test]
fn a_shared_screen_is_large_for_the_others_and_a_moderator_mutes_admits_and_removes() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut phone = pair(&room, "en");
    let mut ada = Visitor::enter(chromium(&room), &room, &invitation, "Ada");
    // The phone makes Ada a moderator: who may share, and run the meeting.
    look(&mut phone, "people");
    phone.click(".people-list .more");
    phone.evaluate(
        "(() => { const roles = document.querySelector('.people-list .roles'); roles.value = 'moderator'; \
         roles.dispatchEvent(new Event('change')); })()",
    );
    ada.browser.wait_for(
        "Ada is a moderator",
        "document.querySelector('#toast').innerText.includes('Moderator')",
        LONG,
    );
    drop(phone);

    // Somebody knocks: Ada is told, and lets them in.
    let mut ben = Visitor::knock(chromium(&room), &invitation, "Ben");
    ada.browser.wait_for("a word about it", "document.querySelector('#toast').innerText.includes('Ben')", LONG);
    assert!(ben.browser.evaluate("document.querySelectorAll('.tile.person').length") == 0);
    ada.panel("people");
    ada.browser.fill("#people-waiting-message", "One moment, please.");
    ada.browser.press(Key::Enter);
    ben.browser.wait_for(
        "the message",
        "document.querySelector('#waiting-message').innerText.includes('One moment, please.')",
        LONG,
    );
    ada.browser.click(".waiting-list .admit");
    ben.is_in();
    all_together(&mut [&mut ada, &mut ben]);

    ada.browser.click("#share");
    ben.sees_screen();
    ada.browser.click("#share");
    ben.browser.wait_for("the screen is gone", "document.querySelector('#screen-tile').hidden", LONG);

    ada.panel("people");
    ada.browser.click(".people-list .more");
    ada.browser.click(".people-list .mute");
    ben.browser.wait_for(
        "Ben's microphone is off, and why",
        "document.querySelector('#microphone').getAttribute('aria-pressed') === 'false' \
         && document.querySelector('#toast').innerText.includes('moderator')",
        LONG,
    );
    ada.browser.wait_for("and Ada sees it", "document.querySelector('.people-list').innerText.includes('muted')", LONG);
    ben.browser.click("#microphone");
    ada.browser.wait_for(
        "Ben speaks again",
        "document.querySelector('.people-list [data-sign=microphone-closed]').hidden",
        LONG,
    );
    ada.hears(2);

    ada.browser.click(".people-list .remove");
    ada.browser.click("#confirm-yes");
    state(&mut ben.browser, "ended");
    assert_eq!(ben.browser.evaluate("document.body.dataset.end"), "removed");
    ada.misses("Ben");
    assert_eq!(ada.browser.console(), Vec::<String>::new(), "errors on the console");
}
