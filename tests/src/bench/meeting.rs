//! A meeting of several on the device: what each guest costs while everybody's picture and sound is forwarded to everybody else, what
//! each viewer costs, how soon whoever is let in sees something, and what many who come and go leave behind.
//!
//! Guests run on the same machine. They play what was encoded once and decode nothing, so that the processor is the room's; what they
//! cost is theirs: only the room's three processes are counted, and how busy the machine was stands beside it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_tests::client::Client;
use subrosa_tests::figures::{Figures, Machine};
use subrosa_tests::peer::{Guest, LinkPlan, Peer, Picture};
use subrosa_tests::room::{Invitation, Plan, Room};
use subrosa_tests::stage::eventually;

use crate::cost::{ENCODER, over};
use crate::report::Report;
use crate::{growth, sfu};

const LONG: Duration = Duration::from_secs(30);
/// The most that a room takes.
const MOST: usize = 8;
/// Estimates of paths climb for so long at least.
const SETTLING: Duration = Duration::from_secs(12);
/// Within this time what was held back at first comes again, or it is too much.
const SETTLED: Duration = Duration::from_secs(60);
/// Joins before the first look: what is made once and kept is there, and the allocator has its share.
const FIRST_JOINS: usize = 25;
/// From here on, in percent, the guests may have kept the room waiting.
const FULL: f64 = 92.0;

/// What holds for all of it.
pub fn conditions(report: &mut Report) {
    report.note(
        "guests on the same machine, by loopback; each sends VP8, 240×136 at 15 frames, and Opus, encoded beforehand, and decodes nothing. \
         The room sends 720p at 30 frames, H.264, its background hidden; its screen shows all guests.",
    );
}

struct Hall {
    room: Room,
    invitation: Invitation,
    chair: Client,
}

impl Hall {
    fn open() -> Self {
        let room = Room::start(Plan { more: vec![("meeting", format!("max_guests = {MOST}\n"))], ..Plan::default() });
        let invitation = room.wake();
        let (_page, code) = room.code();
        let chair = room.client();
        let paired = chair.post("/api/remote/pair", &json!({"code": code})).expect("an answer");
        assert!(paired.status < 300, "{paired:?}");
        Hall { room, invitation, chair }
    }

    /// Lets whoever waits in. Returns the moment before.
    fn admit(&self) -> Instant {
        let now = Instant::now();
        let reply = self.chair.post("/api/remote/wish", &json!({"wish": "admit-all"})).expect("an answer");
        assert_eq!(reply.status, 204, "{reply:?}");
        now
    }

    fn enter(&self, guest: &Guest) -> Peer {
        let peer = Peer::ask(&self.invitation, guest);
        self.admit();
        let _link = peer.connected(LONG);
        peer
    }

    /// Waits until somebody is in nobody's list any more.
    fn is_left(&self, peer: &Peer) {
        peer.leave();
        eventually("they are gone", LONG, || (self.room.status()["guests"] == 1).then_some(()));
    }
}

fn guest(number: usize, picture: Option<Picture>, decodes: bool) -> Guest {
    let link = LinkPlan {
        sends: picture.map(|_| 0xff20_4060),
        keeps: false,
        decodes,
        others: decodes,
        picture: picture.unwrap_or(Picture::Plain),
        ..LinkPlan::default()
    };
    Guest { name: format!("Guest {number}"), link, ..Guest::default() }
}

/// How many bytes came on each way from one who sends to another guest.
fn flow(guests: &[Peer], senders: usize) -> Vec<usize> {
    let mut bytes = Vec::new();
    for (at, peer) in guests.iter().enumerate() {
        for other in (0..senders).filter(|other| *other != at) {
            let mid = |kind| eventually("all are in the list", LONG, || peer.line_of(&format!("Guest {other}"), kind));
            let link = peer.connected(LONG);
            bytes.push(link.slot(&mid("video")).bytes() + link.slot(&mid("audio")).bytes());
        }
    }
    bytes
}

/// Pictures that are held back now, as the guests were told.
fn held_back(guests: &[Peer]) -> usize {
    let of = |peer: &Peer| {
        let mut held = BTreeSet::new();
        for (_, event) in peer.events().iter().filter(|(_, event)| event["event"] == "picture") {
            let mid = event["mid"].to_string();
            if event["paused"] == true {
                held.insert(mid)
            } else {
                held.remove(&mid)
            };
        }
        held.len()
    };
    guests.iter().map(of).sum()
}

fn forget(guests: &[Peer], senders: usize) {
    for (at, peer) in guests.iter().enumerate() {
        let Some(link) = peer.link() else { continue };
        link.recording.forget();
        for other in (0..senders).filter(|other| *other != at) {
            for mid in ["video", "audio"].into_iter().filter_map(|kind| peer.line_of(&format!("Guest {other}"), kind)) {
                link.slot(&mid).forget();
            }
        }
    }
}

/// What was measured of one constellation.
struct Measured {
    /// CPU of media, in percent of a core.
    media: f64,
    /// The machine had something left, and everything was forwarded.
    fits: bool,
}

/// Measures one constellation; the first `senders` guests send.
fn measure(report: &mut Report, hall: &Hall, guests: &[Peer], senders: usize, what: &str, seconds: u64) -> Measured {
    let came = Instant::now();
    std::thread::sleep(SETTLING);
    while held_back(guests) > 0 && came.elapsed() < SETTLED {
        std::thread::sleep(Duration::from_millis(500));
    }
    forget(guests, senders);
    let machine = Machine::now();
    let start = Instant::now();
    let span = over(&hall.room, seconds);
    let busy = machine.zip(Machine::now()).map_or(f64::NAN, |(before, after)| after.busy_since(&before));
    let took = start.elapsed().as_secs_f64();
    let flow = flow(guests, senders);
    report.add_against(&format!("three processes, {what}"), span.cpu, "% of a core", ENCODER);
    report.add(&format!("of that, media, {what}"), span.media, "% of a core", None);
    report.add(&format!("machine, {what}"), busy, "% busy", None);
    let figures = Figures::of(hall.room.pid("media")).unwrap_or_default();
    report.add(&format!("media’s PSS, {what}"), figures.pss_kib as f64 / 1024.0, "MiB", None);
    report.add(&format!("media’s threads, {what}"), figures.threads as f64, "", None);
    if let Some(least) = flow.iter().min() {
        let kbits = *least as f64 * 8.0 / 1000.0 / took;
        report.add(&format!("{what}: least that came of one at another"), kbits, "kbit/s", None);
    }
    let held = held_back(guests);
    report.add(&format!("{what}: pictures held back"), held as f64, "", Some(0.0));
    Measured { media: span.media, fits: busy < FULL && held == 0 }
}

/// What the room sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// Its camera, with the background hidden.
    Camera,
    /// The card of a closed shutter: nothing moves, so that nearly all of the cost is guests.
    Card,
}

/// The cost with so many guests, as far as the machine can do it.
pub fn cost(report: &mut Report, counts: &[usize], shows: Shows, seconds: u64) {
    let words = match shows {
        Shows::Camera => "the room’s camera",
        Shows::Card => "the room’s card",
    };
    let hall = Hall::open();
    hall.room.sim.shutter(shows == Shows::Card);
    let mut guests: Vec<Peer> = Vec::new();
    let mut costs = Vec::new();
    for count in counts.iter().copied() {
        report.doing(&format!("a meeting of {count}, {words}"));
        while guests.len() < count {
            guests.push(hall.enter(&guest(guests.len(), Some(Picture::Replayed), false)));
        }
        let measured = measure(report, &hall, &guests, count, &format!("{words}, {count} guests"), seconds);
        if !measured.fits {
            report.note(&format!(
                "{words}: {count} guests were too much for this machine. Their figures say no more than that, and those of more were left out"
            ));
            break;
        }
        costs.extend((count > 0).then_some((count, measured.media)));
    }
    if let (Some((few, cheap)), Some((many, dear))) = (costs.first(), costs.last())
        && many > few
    {
        let each = (dear - cheap) / (many - few) as f64;
        report.add_against(
            &format!("media, {words}, each guest more ({few} → {many})"),
            each,
            "% of a core",
            sfu::GUEST,
        );
    }
    if let Some(growth) = growth::of(&costs) {
        report.add(
            &format!("media, {words}, for each guest: what the room sends them, theirs shown"),
            growth.guest,
            "% of a core",
            None,
        );
        let what = format!("media, {words}, each forwarded picture with its sound");
        report.add(&what, growth.forwarded, "% of a core", None);
    }
}

/// The cost of those who only look, at the room and one guest who sends.
pub fn viewers(report: &mut Report, seconds: u64) {
    let hall = Hall::open();
    let mut guests = vec![hall.enter(&guest(0, Some(Picture::Replayed), false))];
    let mut costs = Vec::new();
    for count in [1, 4] {
        report.doing(&format!("a meeting with {count} who only look"));
        while guests.len() < count + 1 {
            guests.push(hall.enter(&guest(guests.len(), None, false)));
        }
        costs.push(measure(report, &hall, &guests, 1, &format!("{count} who only look"), seconds).media);
    }
    report.add_against("media, each viewer more (1 → 4)", (costs[1] - costs[0]) / 3.0, "% of a core", sfu::VIEWER);
}

/// From the moment of being let in to the first decoded picture of the room and of somebody else.
pub fn speed(report: &mut Report, times: usize) {
    report.doing("being let in");
    let hall = Hall::open();
    let _there = hall.enter(&guest(0, Some(Picture::Busy), false));
    let (mut of_room, mut of_other) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let peer = Peer::ask(&hall.invitation, &guest(1, Some(Picture::Busy), true));
        std::thread::sleep(Duration::from_secs(1)); // the link is prepared meanwhile
        let admitted = hall.admit();
        let link = peer.connected(LONG);
        let frame = link.recording.wait_for_frame(0, LONG, |_| true).expect("the room's picture");
        of_room.push(frame.at.saturating_duration_since(admitted));
        let mid = eventually("the other is in the list", LONG, || peer.line_of("Guest 0", "video"));
        let frame = link.slot(&mid).wait_for_frame(0, LONG, |_| true).expect("the other's picture");
        of_other.push(frame.at.saturating_duration_since(admitted));
        hall.is_left(&peer);
    }
    report.add_times("let in → first frame of the room", &of_room, Some(500.0));
    report.add_times("let in → first frame of another guest", &of_other, None);
}

/// Many who come and go beside one who stays.
pub fn joins(report: &mut Report, joins: usize) {
    if joins == 0 {
        return;
    }
    report.doing(&format!("{joins} joins and leaves of a meeting"));
    let hall = Hall::open();
    let stays = [hall.enter(&guest(0, Some(Picture::Small), false))];
    let once = |round: usize| {
        let peer = hall.enter(&guest(1 + round % 6, Some(Picture::Small), false));
        let mid = eventually("the other is in the list", LONG, || peer.line_of("Guest 0", "video"));
        let slot = peer.connected(LONG).slot(&mid);
        eventually("the other's picture comes", LONG, || (slot.counts().0 > 10).then_some(()));
        let mid =
            eventually("the other sees them", LONG, || stays[0].line_of(&format!("Guest {}", 1 + round % 6), "video"));
        let slot = stays[0].connected(LONG).slot(&mid);
        eventually("their picture comes", LONG, || (slot.counts().0 > 0).then_some(()));
        hall.is_left(&peer);
        slot.forget();
        stays[0].connected(LONG).recording.forget();
    };
    let look = || {
        std::thread::sleep(Duration::from_secs(2));
        ["media", "room"].map(|process| (process, Figures::of(hall.room.pid(process)).unwrap_or_default()))
    };
    let first = FIRST_JOINS.min(joins);
    (0..first).for_each(once);
    let before = look();
    (0..joins / 2).for_each(once);
    let half = look();
    (joins / 2..joins).for_each(once);
    for (((process, before), (_, half)), (_, after)) in before.into_iter().zip(half).zip(look()) {
        let mib = |figures: Figures| figures.pss_kib as f64 / 1024.0;
        let at = |joins: usize, what: &str| format!("{process} after {joins} joins: {what}");
        report.add(&at(first, "PSS"), mib(before), "MiB", None);
        report.add(&at(first + joins / 2, "PSS"), mib(half), "MiB", None);
        report.add(&at(first + joins, "PSS"), mib(after), "MiB", None);
        let more = |now: u64, then: u64| now as f64 - then as f64;
        report.add(&at(first + joins, "threads more"), more(after.threads, before.threads), "", Some(0.0));
        report.add(&at(first + joins, "descriptors more"), more(after.descriptors, before.descriptors), "", Some(0.0));
    }
}
