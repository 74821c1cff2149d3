//! A meeting whose media is on LiveKit's server: the room joins it, and then a browser joins it in the room's place. Others play what was
//! encoded once and decode nothing, so that the processor is for the one that is measured.

use std::any::Any;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use subrosa_tests::figures::Machine;
use subrosa_tests::jitsi::visit::Join;
use subrosa_tests::livekit::token::claims;
use subrosa_tests::livekit::{Participant, Replayed, Server, Takes, token, track_of};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{artefact, eventually};

use super::watcher::Watcher;
use super::{Joins, PEOPLE, SHOWN, chromium};
use crate::cost::{ENCODER, over};
use crate::report::Report;

const SOON: Duration = Duration::from_secs(30);
/// A bar of the large picture, and the part of the room's screen that it covers at least.
const GREEN: ([u8; 3], f64) = ([16, 240, 16], 0.015);
/// What a browser in the room's place takes, for each of [`PEOPLE`].
const CHROMIUM: [&str; PEOPLE.len()] = [
    "Chromium in the room’s place, 1 other, 1 shown",
    "Chromium in the room’s place, 5 others, 3 shown",
    "Chromium in the room’s place, 10 others, 3 shown",
];

/// What holds for all of it.
pub fn conditions(report: &mut Report) {
    report.note(
        "LiveKit and OpenTalk: LiveKit’s own server, OpenTalk’s own room server with a double of its controller, on loopback. Each of the others sends one \
         picture in one size, VP8 at 30 frames a second, and Opus, all encoded beforehand: the one who is shown large 1280×720, the rest 320×180. One more, whom \
         nobody sees, takes the picture of the room, or of Chromium, and decodes nothing",
    );
    report.note(
        "the room: its defaults but for `[media] pictures = 3`: the background hidden, 1280×720 at 30 frames a second, at most 2500 kbit/s, echo and noise \
         taken out of its sound; eight voices at most are heard; its simulated screen takes 15 pictures a second, each encoded as JPEG by media",
    );
    chromium::conditions(report);
}

/// LiveKit's server, and others in a meeting on it.
pub struct Place {
    /// By identity, in the order in which they came.
    others: Vec<(String, Participant)>,
    /// LiveKit's.
    pub server: Server,
    /// What the meeting is called there.
    pub meeting: String,
    /// Makes a token for one more.
    enter: Box<dyn FnMut(usize) -> String>,
    _around: Box<dyn Any>,
}

impl Place {
    /// One is in who sends a large picture, and takes this. `around` is kept for as long.
    pub fn new(server: Server, enter: Box<dyn FnMut(usize) -> String>, around: Box<dyn Any>, takes: Takes) -> Self {
        let mut place = Place { others: Vec::new(), server, meeting: String::new(), enter, _around: around };
        place.one_more(Replayed::Large, takes);
        place
    }

    fn one_more(&mut self, picture: Replayed, takes: Takes) {
        let token = (self.enter)(self.others.len());
        let all = claims(&token);
        let word = |value: &Value| value.as_str().expect("a token of LiveKit's").to_owned();
        let identity = word(&all["sub"]);
        self.meeting = word(&all["video"]["room"]);
        let other = self.server.enter(&token, &[picture, Replayed::Tone], takes);
        let sends = || self.server.track(&self.meeting, &identity, "CAMERA");
        eventually("somebody else sends", SOON, sends);
        self.others.push((identity, other));
    }

    /// Until so many are in; the rest send small pictures and take nothing.
    fn fill(&mut self, people: usize) {
        while self.others.len() < people {
            self.one_more(Replayed::Small, Takes::Nothing);
        }
    }

    /// Identities, in the order in which they came.
    pub fn identities(&self) -> Vec<&str> {
        self.others.iter().map(|(identity, _)| identity.as_str()).collect()
    }

    /// Somebody whom nobody sees comes and takes the picture of whoever is measured: what nobody looks at is not sent.
    pub fn watch(&self) -> Watcher {
        let stranger = |one: &Value| self.identities().iter().all(|identity| one["identity"] != **identity);
        let track = eventually("a picture of the one that is measured", SOON, || {
            let people = self.server.people(&self.meeting);
            people.iter().filter(|one| stranger(one)).find_map(|one| track_of(one, "CAMERA").cloned())
        });
        let watcher = format!("watcher of {}", track["sid"]);
        let token = token(&self.meeting, &watcher, json!({"hidden": true, "canPublish": false}), json!({}));
        let participant = self.server.enter(&token, &[], Takes::Nothing);
        eventually("the watcher is in", SOON, || self.server.knows(&self.meeting, &watcher));
        self.server.sends(&self.meeting, &watcher, track["sid"].as_str().expect("a track"));
        eventually("the picture of the one that is measured", SOON, || participant.pictures().first);
        Watcher::new(participant, track)
    }

    /// Nobody has been sent away.
    pub fn is_whole(&self) -> bool {
        self.others.iter().all(|(_, other)| other.is_in())
    }
}

/// A room that stands before a meeting: the next press joins.
pub struct Hall {
    device: Device,
    place: Place,
}

struct Device {
    join: Join,
    room: Room,
}

impl Hall {
    /// A room that trusts this authority, and has been given the link.
    pub fn before(place: Place, authority: &Path, link: &str) -> Self {
        let joining = format!("authority = \"{}\"\nunknown_servers = \"allow\"\n", authority.display());
        let more = vec![("joining", joining), ("media", format!("pictures = {SHOWN}\n"))];
        let room = Room::start(Plan { more, ..Plan::default() });
        let join = Join::start(&room, link);
        join.says("Press the button");
        Hall { device: Device { join, room }, place }
    }

    fn press(&self) {
        self.device.room.sim.press();
        self.device.join.says("The room is in the meeting");
    }

    fn shows_the_first(&self) -> bool {
        self.device.room.sim.shows(GREEN.0) > GREEN.1
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let picture = self.room.sim.screen().unwrap_or_default();
            let _unwritable = std::fs::write(artefact("bench-screen.jpg"), picture);
        }
    }
}

/// From the press that joins to the first picture each way.
pub fn times(report: &mut Report, name: &str, times: usize, open: impl Fn() -> Hall) {
    report.doing(&format!("{name}: joining"));
    let mut joins = Joins::default();
    for _ in 0..times {
        let hall = open();
        assert!(!hall.shows_the_first(), "nobody is shown before");
        let pressed = Instant::now();
        hall.press();
        joins.in_room.push(pressed.elapsed());
        eventually("the picture on the screen", SOON, || hall.shows_the_first().then_some(()));
        joins.here.push(pressed.elapsed());
        let first = eventually("the room's picture", SOON, || hall.place.others[0].1.pictures().first);
        joins.there.push(first.saturating_duration_since(pressed));
    }
    joins.add_to(report, &format!("{name}: "), "at somebody else");
}

/// What the three processes take with so many others, and what a browser takes in their place.
pub fn costs(report: &mut Report, name: &str, seconds: u64, open: impl Fn() -> Hall) {
    for (people, reference) in PEOPLE.into_iter().zip(CHROMIUM) {
        let others = if people == 1 { "1 other".to_owned() } else { format!("{people} others") };
        report.doing(&format!("{name}: {others}"));
        let (Hall { device, place }, watcher) = open_filled(&open, people);
        let room = &device.room;
        watcher.settles(|| true);
        let (before, machine) = (watcher.look(), Machine::now());
        let span = over(room, seconds);
        let flow = watcher.look().since(&before);
        let busy = machine.zip(Machine::now()).map_or(f64::NAN, |(before, after)| after.busy_since(&before));
        assert!(place.is_whole(), "the server sent somebody away");
        assert!(room.sim.lit(Line::CameraLive) && room.sim.lit(Line::MicrophoneLive), "the room sends");
        let drawn = drawn(room);
        let picture = room.sim.screen().unwrap_or_default();
        let _for_people = std::fs::write(artefact(&format!("bench-{name}-{people}.jpg")), picture);
        drop((device, watcher));
        // Once for each number is enough: where the media is LiveKit's, a browser does the same.
        if !report.has(reference) {
            report.doing(&format!("Chromium: {others}"));
            chromium::measure(report, &place, reference, &others, seconds);
        }
        let shown = people.min(SHOWN);
        let what = format!("{name}: three processes, {others}, {shown} shown");
        report.add_against(&what, span.cpu, "% of a core", reference);
        report.add_against(&format!("{name}: of that, media, {others}"), span.media, "% of a core", ENCODER);
        flow.add_to(report, &format!("{name}: the room"), &others);
        report.add(&format!("{name}: the room, {others}: pictures that its screen took"), drawn, "per s", None);
        report.add(&format!("{name}: the room, {others}: machine"), busy, "% busy", None);
    }
}

/// A room that is in, and shows the first large; then the rest come.
fn open_filled(open: impl Fn() -> Hall, people: usize) -> (Hall, Watcher) {
    let mut hall = open();
    hall.press();
    let watcher = hall.place.watch();
    let track = &watcher.track;
    assert_eq!((&track["mime_type"], &track["width"]), (&"video/H264".into(), &1280.into()), "{track}");
    eventually("the first is shown large", SOON, || hall.shows_the_first().then_some(()));
    hall.place.fill(people);
    (hall, watcher)
}

/// Pictures a second that the screen takes, by those that differ.
fn drawn(room: &Room) -> f64 {
    let (start, mut last, mut pictures) = (Instant::now(), Vec::new(), 0_u32);
    while start.elapsed() < Duration::from_secs(2) {
        let picture = room.sim.screen().unwrap_or_default();
        if picture != last {
            pictures += 1;
            last = picture;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    f64::from(pictures) / start.elapsed().as_secs_f64()
}
