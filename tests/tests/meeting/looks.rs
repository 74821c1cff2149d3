//! Pictures of a meeting on the guests' page and on the remote, in both languages, kept as artefacts for people to look
//! at; and what can be checked of looks without eyes.

use std::time::Duration;

use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage};

use crate::visitor::{LONG, Visitor, look, pair};

const UNNAMED: &str = "[...document.querySelectorAll('button, a, input, select, textarea')].filter((one) => one.checkVisibility() \
                       && !(one.innerText || one.ariaLabel || one.labels?.length || one.title)).map((one) => one.outerHTML)";
const SMALL: &str = "[...document.querySelectorAll('button, input, select')].filter((one) => one.checkVisibility() \
                     && !one.closest('#facts') && one.getBoundingClientRect().height < 44).map((one) => one.id || one.innerText)";

/// The page has to fit, to be hit by a thumb, and to be usable without eyes, in either language; switching it changes the words in
/// place.
#[track_caller]
fn shot(browser: &mut Browser, name: &str) {
    for _language in ["as it was", "the other"] {
        let language = browser.evaluate("document.documentElement.lang");
        for (size, (width, height)) in [("wide", (1280, 800)), ("phone", (390, 844))] {
            let name = format!("{}-{name}-{size}", language.as_str().unwrap());
            browser.size(width, height);
            std::thread::sleep(Duration::from_millis(600));
            let over = browser.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
            assert_eq!(over, 0, "{name} is wider than its window");
            assert_eq!(
                browser.evaluate(UNNAMED),
                serde_json::json!([]),
                "{name}: everything that can be used has a name"
            );
            if size == "phone" {
                assert_eq!(browser.evaluate(SMALL), serde_json::json!([]), "{name}: a thumb hits everything");
            }
            browser.screenshot(&format!("meeting-{name}"));
        }
        browser.evaluate("document.querySelector('#language').click()");
        assert_ne!(browser.evaluate("document.documentElement.lang"), language);
    }
}

#[test]
fn a_meeting_in_both_languages() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let language = "de";
    let small = vec![("media", "picture = \"640x360\"\n".to_owned())];
    let room = Room::start(Plan { language, more: small, ..Plan::default() });
    let invitation = room.wake();
    let mut phone = pair(&room, language);
    look(&mut phone, "room");
    shot(&mut phone, "remote-1-empty");
    let plan = BrowserPlan { language, small: true, ..BrowserPlan::default() };
    let mut ada = Visitor::knock(Browser::chromium(&plan), &invitation, "Ada Lovelace");
    let mut ben = Visitor::knock(Browser::chromium(&plan), &invitation, "Ben");
    phone.wait_for("both wait", "document.querySelectorAll('.waiting-list li').length === 2", LONG);
    phone.fill("#view-door-message", "Wir fangen um zehn an.");
    phone.press(subrosa_tests::browser::Key::Enter);
    ada.browser.wait_for("the message", "!document.querySelector('#waiting-message').hidden", LONG);
    shot(&mut ada.browser, "guest-1-lobby");
    shot(&mut phone, "remote-2-waiting");
    phone.click(".admit-all");
    ada.is_in();
    ben.is_in();
    ada.sees("Ben");
    ada.sees_room();
    ben.browser.click("#hand");
    ada.browser.wait_for("the hand", "document.querySelector('.tile.person').dataset.hand === 'true'", LONG);
    shot(&mut ada.browser, "guest-2-grid");
    look(&mut phone, "people");
    phone.click(".people-list .more");
    shot(&mut phone, "remote-3-people");
    phone.evaluate(
        "(() => { const roles = document.querySelector('.people-list .roles'); roles.value = 'moderator'; \
         roles.dispatchEvent(new Event('change')); })()",
    );
    look(&mut phone, "room");
    shot(&mut phone, "remote-4-room");
    ada.browser.wait_for("Ada may share", "!document.querySelector('#share').hidden", LONG);
    ada.panel("people");
    shot(&mut ada.browser, "guest-3-people");
    ada.panel("talk");
    ada.browser.fill("#talk-field", "<b>Hello</b>");
    ada.browser.press(subrosa_tests::browser::Key::Enter);
    ada.reads("<b>Hello</b>");
    ben.panel("talk");
    ben.browser.click("#talk-letters");
    ben.browser.fill("#talk-field", "Letter by let");
    ada.reads_letters("Letter by let");
    shot(&mut ada.browser, "guest-4-talk");
    ada.browser.size(1280, 800);
    ada.browser.click("#talk");
    ada.browser.click("#share");
    ben.browser.click("#talk");
    ben.sees_screen();
    shot(&mut ben.browser, "guest-5-screen");
    for browser in [&mut ada.browser, &mut ben.browser, &mut phone] {
        assert_eq!(browser.console(), Vec::<String>::new(), "errors on the console");
    }
}
