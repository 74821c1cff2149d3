//! A meeting of Jitsi Meet's.
//!
//! The server is Debian's Prosody with the tests' doubles of jicofo and the bridge: what a real one adds (allocating a session, choosing
//! streams) is not in the times. The bridge's double forwards what the room asks for, in the layer that fits.

use std::time::{Duration, Instant};

use subrosa_tests::jitsi::bridge::Shows;
use subrosa_tests::jitsi::meeting::{Meeting, Proposed, SOON};
use subrosa_tests::jitsi::offered::{Offered, Stream};
use subrosa_tests::stage::eventually;

use super::{Joins, SHOWN};
use crate::cost::{ENCODER, over};
use crate::report::Report;

const NICKS: [&str; 10] = [
    "aaaaaaa0", "aaaaaaa1", "aaaaaaa2", "aaaaaaa3", "aaaaaaa4", "aaaaaaa5", "aaaaaaa6", "aaaaaaa7", "aaaaaaa8",
    "aaaaaaa9",
];
const GREEN: u32 = 0xff00_c000;

fn meeting_of(people: usize) -> Proposed {
    let others: Vec<(&str, &str)> = NICKS.iter().take(people).map(|nick| (*nick, "Somebody")).collect();
    Proposed::with(&others, vec![("media", format!("pictures = {SHOWN}\n"))])
}

fn streams(people: usize, shows: Shows) -> Vec<Stream> {
    let of = |(owner, n): (&&'static str, u32)| {
        let camera = Stream { owner, ssrc: 1000 + 10 * n, shows, screen: false };
        [camera, Stream { owner, ssrc: 2000 + 10 * n, shows: Shows::Tone(400), screen: false }]
    };
    NICKS.iter().zip(0..).take(people).flat_map(of).collect()
}

/// From the press that joins to the first picture each way.
pub fn times(report: &mut Report, times: usize) {
    report.doing("joining");
    let mut joins = Joins::default();
    for _ in 0..times {
        let proposed = meeting_of(1);
        let bridge = Offered::new("s", streams(1, Shows::Vp8(GREEN)));
        bridge.flow("aaaaaaa0-v0");
        let pressed = Instant::now();
        let meeting = proposed.press();
        joins.in_room.push(pressed.elapsed());
        meeting.offers(&bridge, bridge.initiate());
        // Both are waited for at once: the one that comes first must not hide when the other came.
        std::thread::scope(|scope| {
            let sent = scope.spawn(|| bridge.bridge.seen.wait(SOON, |frames, _| frames.first().map(|frame| frame.at)));
            eventually("the picture on the screen", SOON, || (meeting.shows([0, 192, 0]) > 0.2).then_some(()));
            joins.here.push(pressed.elapsed());
            let first = sent.join().ok().flatten().expect("a picture of the room");
            joins.there.push(first.saturating_duration_since(pressed));
        });
    }
    joins.add_to(report, "", "decoded at the bridge");
}

/// What the three processes take with so many streams on offer.
pub fn cost(report: &mut Report, offered: usize, seconds: u64) {
    report.doing(&format!("{offered} streams on offer"));
    let meeting = meeting_of(offered).press();
    let bridge = Offered::new("s", streams(offered, Shows::Moving(720)));
    for nick in NICKS.iter().take(offered) {
        for stream in ["v0", "a0"] {
            let _told_by_the_offer = bridge.announce(&format!("{nick}-{stream}"));
        }
    }
    meeting.offers(&bridge, bridge.initiate());
    let shown = offered.min(SHOWN);
    eventually("the room asks for what it shows", SOON, || (bridge.obey().len() == shown).then_some(()));
    settle(&meeting, &bridge);
    let span = over(&meeting.room, seconds);
    let asked = bridge.obey();
    assert_eq!(asked.len(), shown, "{asked:?}");
    report.add_against(
        &format!("three processes, {offered} on offer, {shown} shown"),
        span.cpu,
        "% of a core",
        ENCODER,
    );
    report.add_against(&format!("of that, media, {offered} on offer"), span.media, "% of a core", ENCODER);
}

/// The estimate has climbed, and what is asked for stays the same.
fn settle(meeting: &Meeting, bridge: &Offered) {
    let until = Instant::now() + Duration::from_secs(12);
    while Instant::now() < until {
        let _asked = bridge.obey();
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(meeting.room.sim.lit(subrosa_tests::sim::Line::CameraLive), "the room sends");
}
