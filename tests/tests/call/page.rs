//! The guests' page as a person uses it.

use std::time::Duration;

use subrosa_tests::browser::{Browser, Statistics};
use subrosa_tests::room::Room;
use subrosa_tests::sim::loudness;
use subrosa_tests::stage::eventually;

/// Loading a page and starting a call on a busy machine.
pub const LONG: Duration = Duration::from_secs(20);

pub fn state(browser: &mut Browser, wanted: &str, within: Duration) {
    browser.wait_for(
        &format!("the page says {wanted}"),
        &format!("document.body.dataset.state === '{wanted}'"),
        within,
    );
}

/// Opens the link and waits for the door with its notice.
pub fn open(browser: &mut Browser, link: &str) {
    browser.open(link);
    state(browser, "door", LONG);
    browser.wait_for("the notice is there", "document.querySelector('#notice-short').innerText.length > 100", LONG);
}

/// Types name and PIN and knocks.
pub fn knock(browser: &mut Browser, pin: &str) {
    browser.fill("#name", "Guest A");
    browser.fill("#pin", pin);
    browser.click("#join");
}

/// All of it, up to the moment when picture and sound run both ways.
pub fn enter(browser: &mut Browser, room: &Room, link: &str, pin: &str) -> Statistics {
    open(browser, link);
    knock(browser, pin);
    state(browser, "waiting", LONG);
    room.sim.press();
    state(browser, "in", LONG);
    both_ways(browser)
}

/// Waits until frames are decoded and encoded and sound is heard, all of it growing.
pub fn both_ways(browser: &mut Browser) -> Statistics {
    let first = browser.wait_for_statistics("picture and sound both ways", LONG, |now| {
        now.connected
            && now.frames_decoded > 5
            && now.frames_encoded > 5
            && now.audio_packets > 20
            && now.packets_sent > 50
    });
    browser.wait_for_statistics("all of it goes on", LONG, |now| {
        now.frames_decoded > first.frames_decoded + 20
            && now.frames_encoded > first.frames_encoded + 10
            && now.audio_packets > first.audio_packets + 50
            && now.audio_energy > first.audio_energy
    })
}

/// Waits until the page shows a lamp as wanted.
pub fn lamp(browser: &mut Browser, capture: &str, live: bool) {
    let what = format!("the page shows the {capture}'s lamp: {live}");
    browser.wait_for(
        &what,
        &format!("document.querySelector('#room-{capture}').dataset.live === '{live}'"),
        Duration::from_secs(5),
    );
}

/// Waits until the room hears the guest's beeps.
pub fn room_hears(room: &Room) {
    eventually("the room's speaker plays the guest's beeps", Duration::from_secs(10), || {
        (loudness(&room.sim.heard(2)) > -60.0).then_some(())
    });
}

/// Waits until the room's screen shows a moving picture, and returns how many of its pixels moved.
pub fn room_sees(room: &Room) -> usize {
    let mut first = None;
    eventually("the room's screen shows the guest's picture", Duration::from_secs(15), || {
        let now = room.sim.look()?;
        let before = first.get_or_insert_with(|| now.clone());
        let moved =
            before.iter().zip(&now).filter(|(a, b)| a.iter().zip(b.iter()).any(|(a, b)| a.abs_diff(*b) > 24)).count();
        let more = (moved > 10).then_some(moved);
        *before = now;
        std::thread::sleep(Duration::from_millis(300));
        more
    })
}
