//! A browser in the room's place: Chromium with LiveKit's own client in the same meeting with the same others, on the same machine.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use subrosa_tests::browser::{Browser, Plan};
use subrosa_tests::figures::Machine;
use subrosa_tests::livekit;
use subrosa_tests::stage::tree;

use super::SHOWN;
use super::hall::Place;
use super::watcher::{KEEPS_UP, RATE};
use crate::cost::{spent, tree_of};
use crate::report::Report;

const SCRIPT: &str = include_str!("call.js");
/// What holds for it.
pub fn conditions(report: &mut Report) {
    let version = Command::new("chromium").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let gpu = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten().next().is_some();
    let gpu = if gpu { "told not to use the graphics device" } else { "without a GPU, which this machine has not" };
    report.note(&format!(
        "{}, headless, {gpu}: the whole tree of its processes. LiveKit’s client with adaptive stream and dynacast, no simulcast; no blur; the same camera’s \
         pictures as the room, 1280×720 at 30 frames a second, at most 2500 kbit/s; a microphone that beeps, with the browser’s own echo canceller; one \
         picture of 864×486 on the page and two of 320×180, everybody’s sound",
        String::from_utf8_lossy(&version).trim()
    ));
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Sent {
    frames: u64,
    width: u64,
    height: u64,
    codec: String,
    encoder: String,
    limited: String,
    packets: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Came {
    frames: u64,
    painted: u64,
    height: u64,
    energy: f64,
}

/// What has been sent and has come so far.
#[derive(Clone, Debug, Default, Deserialize)]
struct Figures {
    sent: Sent,
    came: BTreeMap<String, Came>,
}

struct Seat {
    browser: Browser,
    shows: Vec<String>,
}

impl Seat {
    fn take(place: &Place) -> Self {
        let camera = Some(tree().join("data/camera.mjpeg")).filter(|file| file.is_file());
        let mut browser = Browser::chromium(&Plan { camera, ..Plan::default() });
        browser.size(1280, 720);
        let url = livekit::load(&mut browser, &place.server);
        browser.evaluate(&format!("(() => {{ {SCRIPT} return true; }})()"));
        let token = livekit::token(&place.meeting, "a-browser", json!({}), json!({"name": "A browser"}));
        let shows: Vec<String> = place.identities().into_iter().take(SHOWN).map(str::to_owned).collect();
        let options =
            json!({"shows": shows, "width": 1280, "height": 720, "frameRate": RATE, "bitsPerSecond": 2_500_000});
        browser.evaluate(&format!("call.join({}, {}, {options})", Value::from(url), Value::from(token)));
        Seat { browser, shows }
    }

    fn figures(&mut self) -> Figures {
        serde_json::from_value(self.browser.evaluate("call.figures()")).expect("statistics")
    }

    /// Least of those that are shown, a second.
    fn least(&self, of: impl Fn(&Came) -> u64, before: &Figures, after: &Figures, took: f64) -> f64 {
        let count = |figures: &Figures, who: &str| figures.came.get(who).map_or(0, &of);
        let rate = |who: &String| count(after, who).saturating_sub(count(before, who)) as f64 / took;
        self.shows.iter().map(rate).fold(f64::INFINITY, f64::min)
    }

    /// Whether what is shown comes at its rate.
    fn keeps_up(&mut self) -> bool {
        let (before, at) = (self.figures(), Instant::now());
        std::thread::sleep(Duration::from_secs(1));
        let after = self.figures();
        self.least(|one| one.frames, &before, &after, at.elapsed().as_secs_f64()) > KEEPS_UP * RATE
    }
}

/// Measures it. `reference` is what its cost is called.
pub fn measure(report: &mut Report, place: &Place, reference: &str, others: &str, seconds: u64) {
    let mut seat = Seat::take(place);
    let watcher = place.watch();
    watcher.settles(|| seat.keeps_up());
    let (before, looked) = (seat.figures(), Instant::now());
    let (look, machine, family, start) =
        (watcher.look(), Machine::now(), tree_of(seat.browser.id(), &[]), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let (took, flow) = (start.elapsed().as_secs_f64(), watcher.look().since(&look));
    let cpu = spent(&family, &tree_of(seat.browser.id(), &[])).as_secs_f64() / took * 100.0;
    let busy = machine.zip(Machine::now()).map_or(f64::NAN, |(before, after)| after.busy_since(&before));
    let (after, between) = (seat.figures(), looked.elapsed().as_secs_f64());
    does_what_the_room_does(place, &seat, &before, &after);
    seat.browser.screenshot(&format!("bench-chromium-{}", place.identities().len()));
    seat.browser.evaluate("call.leave()");
    let decoded = seat.least(|one| one.frames, &before, &after, between);
    let painted = seat.least(|one| one.painted, &before, &after, between);
    report.add(reference, cpu, "% of a core", None);
    flow.add_to(report, "Chromium", others);
    report.add(&format!("Chromium, {others}: frames decoded, least of those shown"), decoded, "per s", None);
    report.add(&format!("Chromium, {others}: frames painted, least of those shown"), painted, "per s", None);
    report.add(&format!("Chromium, {others}: machine"), busy, "% busy", None);
    let Sent { codec, encoder, limited, .. } = after.sent;
    report.note(&format!("Chromium, {others}: sent {codec} by {encoder}, limited by {limited}"));
    if decoded.min(painted) < KEEPS_UP * RATE {
        report.note(&format!(
            "CHROMIUM WITH {} DID NOT SHOW ALL FRAMES, so that its figure is that of less work",
            others.to_uppercase()
        ));
    }
}

/// A figure for a page that shows, sends or plays something else would be worth nothing.
fn does_what_the_room_does(place: &Place, seat: &Seat, before: &Figures, after: &Figures) {
    let sent = &after.sent;
    assert!(sent.frames > before.sent.frames && sent.width > 0 && sent.height > 0, "it sends a picture: {sent:?}");
    assert!(sent.packets > before.sent.packets, "it sends sound: {sent:?}");
    for (number, identity) in place.identities().into_iter().enumerate() {
        let (then, now) = (&before.came[identity], &after.came[identity]);
        let height = if number == 0 { 720 } else { 180 };
        if seat.shows.iter().any(|shown| shown == identity) {
            assert!(now.frames > then.frames && now.painted > then.painted && now.height == height, "{now:?}");
        } else {
            assert_eq!(now.frames, then.frames, "who is not shown is not decoded");
        }
        assert!(now.energy > then.energy, "{identity} is heard: {now:?}");
    }
}
