//! Debian's Firefox: no H.264, so the room sends VP8. It does no ICE on a loopback interface alone, hence the wire.

use std::time::Duration;

use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::namespace::Wire;
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage};

use crate::page::{LONG, both_ways, enter, lamp, room_hears, room_sees, state};

#[test]
fn a_whole_call_works_in_vp8_and_comes_back_when_media_aborts() {
    needs!(Need::Firefox, Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let wire = Wire::lay();
    let room = Room::start(Plan::on(&wire));
    let invitation = room.wake();
    let mut browser = Browser::firefox(&BrowserPlan { namespace: Some(wire.guest.clone()), ..BrowserPlan::default() });
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    assert!(browser.statistics().frame_width <= 640, "VP8 is sent at 640 × 360");
    room_hears(&room);
    assert!(room_sees(&room) > 10);
    room.sim.mute(true);
    lamp(&mut browser, "microphone", false);
    let muted = browser.statistics();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(browser.statistics().audio_packets, muted.audio_packets, "no packet of sound while muted (P3)");
    room.sim.mute(false);
    lamp(&mut browser, "microphone", true);

    let links = browser.statistics().links;
    let killed = room.kill("media");
    let back = loop {
        let now = browser.statistics();
        if now.links > links && now.frames_decoded > 0 {
            break killed.elapsed();
        }
        assert!(killed.elapsed() < LONG, "no picture after {:?}: {now:?}", killed.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(back <= Duration::from_secs(3), "the picture is back after {back:?} (P10)");
    both_ways(&mut browser);
    browser.reload();
    state(&mut browser, "in", LONG);
    browser.wait_for_statistics("the picture is back after a reload", LONG, |now| now.frames_decoded > 10);
    assert_eq!(browser.console(), Vec::<String>::new(), "errors on the console");
    browser.click("#leave");
    state(&mut browser, "ended", Duration::from_secs(5));
}
