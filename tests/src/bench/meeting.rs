//! A meeting of several on the device: what each guest costs while everybody's picture and sound is forwarded to everybody else, how
//! soon whoever is let in sees something, and what many who come and go leave behind.
//!
//! Guests run on the same machine and send VP8, 640×360 at 15 frames, 400 kbit/s, with a tone; they decode nothing, so that the
//! processor is the room's. What they cost is theirs: only the room's three processes are counted.

use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_tests::client::Client;
use subrosa_tests::figures::Figures;
use subrosa_tests::livekit::{self, Participant, Server};
use subrosa_tests::peer::{Guest, LinkPlan, Peer};
use subrosa_tests::room::{Invitation, Plan, Room};
use subrosa_tests::stage::eventually;

use crate::cost::{ENCODER, over};
use crate::report::Report;

const LONG: Duration = Duration::from_secs(30);
/// What the reference takes for each guest more.
const LIVEKIT: &str = "LiveKit’s server, each guest more (1 → 8)";
/// The most that a room takes.
const MOST: usize = 8;

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
}

fn guest(number: usize, decodes: bool) -> Guest {
    let link = LinkPlan {
        sends: Some(0xff20_4060 + number as u32 * 0x0010_0800),
        keeps: false,
        decodes,
        others: decodes,
        ..LinkPlan::default()
    };
    Guest { name: format!("Guest {number}"), link, ..Guest::default() }
}

/// The cost with 0, 1, 2, 4 and 8 guests, and of one more viewer.
pub fn cost(report: &mut Report, seconds: u64) {
    let hall = Hall::open();
    let mut guests: Vec<Peer> = Vec::new();
    let mut media = Vec::new();
    for count in [0, 1, 2, 4, MOST] {
        report.doing(&format!("a meeting of {count}"));
        while guests.len() < count {
            guests.push(hall.enter(&guest(guests.len(), false)));
        }
        if count > 1 {
            // Everybody's picture comes everywhere, or this measures something else.
            for peer in &guests {
                for other in (0..count).map(|number| format!("Guest {number}")) {
                    let Some(mid) = peer.line_of(&other, "video") else { continue };
                    let slot = peer.link().expect("a link").slot(&mid);
                    let (before, _, _) = slot.counts();
                    eventually("a forwarded picture comes", LONG, || (slot.counts().0 > before + 10).then_some(()));
                }
            }
        }
        std::thread::sleep(Duration::from_secs(12)); // estimates have climbed
        let span = over(&hall.room, seconds);
        let what = format!("three processes, {count} guests");
        report.add_against(&what, span.cpu, "% of a core", ENCODER);
        report.add(&format!("of that, media, {count} guests"), span.media, "% of a core", None);
        let figures = Figures::of(hall.room.pid("media")).unwrap_or_default();
        report.add(&format!("media’s PSS, {count} guests"), figures.pss_kib as f64 / 1024.0, "MiB", None);
        report.add(&format!("media’s threads, {count} guests"), figures.threads as f64, "", None);
        media.push((count, span.media));
        guests.iter().filter_map(Peer::link).for_each(|link| link.recording.forget());
    }
    if let (Some((_, one)), Some((most, all))) = (media.get(1), media.last()) {
        let streams = (most * (most - 1)) as f64;
        let each = (all - one) / (*most as f64 - 1.0);
        report.add_against("media, each guest more (1 → 8)", each, "% of a core", LIVEKIT);
        report.add("media, each forwarded picture with its sound", (all - one) / streams, "% of a core", None);
    }
}

/// The reference: LiveKit's server forwards the same pictures and sound of as many. It makes no picture of a room, so what counts is
/// what each guest and each forwarded picture adds.
pub fn reference(report: &mut Report, seconds: u64) {
    if !livekit::is_built() {
        report.note("LIVEKIT'S SERVER IS NOT THERE, AND IS NOT MEASURED: setup/livekit.sh builds it");
        eprintln!("LiveKit's server is not there, and is not measured: setup/livekit.sh builds it");
        return;
    }
    let server = Server::start();
    let mut guests: Vec<Participant> = Vec::new();
    let mut costs = Vec::new();
    for count in [1, 2, 4, MOST] {
        report.doing(&format!("LiveKit's server with {count}"));
        while guests.len() < count {
            guests.push(server.join(&format!("guest-{}", guests.len())));
            std::thread::sleep(Duration::from_millis(700));
        }
        if count > 1 {
            for guest in &guests {
                let before = guest.packets();
                // Of each of the others some sixty a second, of which fifty are sound.
                let wanted = 100 * (count as u64 - 1);
                eventually("what others send comes", LONG, || (guest.packets() > before + wanted).then_some(()));
            }
        }
        std::thread::sleep(Duration::from_secs(5));
        let look = || Figures::of(server.pid()).unwrap_or_default();
        let (before, start) = (look(), Instant::now());
        std::thread::sleep(Duration::from_secs(seconds));
        let after = look();
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
        report.add(&format!("LiveKit’s server, {count} guests"), cpu, "% of a core", None);
        report.add(&format!("LiveKit’s server, {count} guests: PSS"), after.pss_kib as f64 / 1024.0, "MiB", None);
        costs.push(cpu);
    }
    if let (Some(one), Some(all)) = (costs.first(), costs.last()) {
        let most = MOST as f64;
        report.add(LIVEKIT, (all - one) / (most - 1.0), "% of a core", None);
        report.add(
            "LiveKit’s server, each forwarded picture with its sound",
            (all - one) / (most * (most - 1.0)),
            "% of a core",
            None,
        );
    }
}

/// From the moment of being let in to the first picture of the room and of somebody else.
pub fn speed(report: &mut Report, times: usize) {
    report.doing("being let in");
    let hall = Hall::open();
    let _there = hall.enter(&guest(0, false));
    let (mut of_room, mut of_other) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let peer = Peer::ask(&hall.invitation, &guest(1, true));
        std::thread::sleep(Duration::from_secs(1)); // the link is prepared meanwhile
        let admitted = hall.admit();
        let link = peer.connected(LONG);
        let frame = link.recording.wait_for_frame(0, LONG, |_| true).expect("the room's picture");
        of_room.push(frame.at.saturating_duration_since(admitted));
        let mid = eventually("the other is in the list", LONG, || peer.line_of("Guest 0", "video"));
        let frame = link.slot(&mid).wait_for_frame(0, LONG, |_| true).expect("the other's picture");
        of_other.push(frame.at.saturating_duration_since(admitted));
        peer.leave();
        eventually("they are gone", LONG, || (hall.room.status()["guests"] == 1).then_some(()));
    }
    report.add_times("let in → first frame of the room", &of_room, None);
    report.add_times("let in → first frame of another guest", &of_other, None);
}

/// Many who come and go beside one who stays.
pub fn joins(report: &mut Report, joins: usize) {
    if joins == 0 {
        return;
    }
    report.doing(&format!("{joins} joins and leaves of a meeting"));
    let hall = Hall::open();
    let stays = hall.enter(&guest(0, false));
    let once = |round: usize| {
        let guest = guest(1 + round % 6, false);
        let peer = hall.enter(&guest);
        let mid = eventually("both are in the list", LONG, || peer.line_of("Guest 0", "video"));
        let slot = peer.link().expect("a link").slot(&mid);
        eventually("the other's picture comes", LONG, || (slot.counts().0 > 10).then_some(()));
        peer.leave();
        eventually("they are gone", LONG, || (hall.room.status()["guests"] == 1).then_some(()));
        stays.link().expect("a link").recording.forget();
    };
    let settling = 25.min(joins);
    (0..settling).for_each(once);
    let look = || {
        std::thread::sleep(Duration::from_secs(2));
        ["media", "room"].map(|process| (process, Figures::of(hall.room.pid(process)).unwrap_or_default()))
    };
    let before = look();
    (0..joins).for_each(once);
    for ((process, before), (_, after)) in before.into_iter().zip(look()) {
        let more = |what: &str| format!("{process} after {joins} more joins: {what}");
        report.add(&format!("{process} after {settling} joins: PSS"), before.pss_kib as f64 / 1024.0, "MiB", None);
        report.add(&more("PSS"), after.pss_kib as f64 / 1024.0, "MiB", None);
        report.add(&more("threads more"), after.threads as f64 - before.threads as f64, "", Some(0.0));
        report.add(&more("descriptors more"), after.descriptors as f64 - before.descriptors as f64, "", Some(0.0));
    }
}
