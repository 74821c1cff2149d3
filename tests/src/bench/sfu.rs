//! The reference of a meeting on the device: LiveKit's server (`setup/livekit.sh`) forwards the same pictures and sound to as many. It has no
//! room of its own, so what counts is what each guest, each forwarded picture and each viewer adds.

use std::time::{Duration, Instant};

use subrosa_tests::figures::{Figures, Machine};
use subrosa_tests::livekit::{self, Participant, Replayed, Server};
use subrosa_tests::stage::eventually;

use crate::growth;
use crate::report::Report;

/// What each guest more costs.
pub const GUEST: &str = "LiveKit’s server, each guest more";
/// What each forwarded picture costs.
pub const FORWARDED: &str = "LiveKit’s server, each forwarded picture with its sound";
/// What each viewer costs.
pub const VIEWER: &str = "LiveKit’s server, each viewer more";

const LONG: Duration = Duration::from_secs(20);
const GUESTS_LINES: [Replayed; 2] = [Replayed::Guest, Replayed::Tone];
const ROOMS_LINES: [Replayed; 2] = [Replayed::Room, Replayed::Tone];

struct Hall {
    server: Server,
    guests: Vec<Participant>,
}

impl Hall {
    fn open() -> Self {
        Hall { server: Server::start(), guests: Vec::new() }
    }

    /// One more, to whom comes what `others` of those before send, if any.
    fn enter(&mut self, sends: &[Replayed], others: bool) {
        let guest = self.server.join("room", &format!("guest-{}", self.guests.len()), sends);
        if others {
            eventually("what others send comes", LONG, || (guest.bytes() > 10_000).then_some(()));
        }
        self.guests.push(guest);
        std::thread::sleep(Duration::from_secs(1));
    }

    /// CPU of the server over some seconds, in percent of a core, and how many bit/s came to each guest.
    fn over(&self, report: &mut Report, what: &str, seconds: u64) -> (f64, f64) {
        std::thread::sleep(Duration::from_secs(5));
        let bytes = || self.guests.iter().map(Participant::bytes).collect::<Vec<u64>>();
        let look = || (Figures::of(self.server.pid()).unwrap_or_default(), bytes(), Machine::now(), Instant::now());
        let before = look();
        std::thread::sleep(Duration::from_secs(seconds));
        let after = look();
        assert!(self.guests.iter().all(Participant::is_in), "LiveKit's server sent somebody away");
        let took = (after.3 - before.3).as_secs_f64();
        let cpu = after.0.cpu.saturating_sub(before.0.cpu).as_secs_f64() / took * 100.0;
        report.add(&format!("LiveKit’s server, {what}"), cpu, "% of a core", None);
        report.add(&format!("LiveKit’s server’s PSS, {what}"), after.0.pss_kib as f64 / 1024.0, "MiB", None);
        if let (Some(before), Some(after)) = (before.2, after.2) {
            report.add(&format!("machine with LiveKit’s server, {what}"), after.busy_since(&before), "% busy", None);
        }
        let came = before.1.iter().zip(&after.1).map(|(before, after)| (after - before) as f64 * 8.0 / took);
        let least = came.fold(f64::INFINITY, f64::min);
        (cpu, least)
    }
}

/// The cost with as many guests, and of one more viewer; says loudly where there is no server.
pub fn cost(report: &mut Report, counts: &[usize], seconds: u64) {
    if livekit::place().is_none() {
        let words = "LIVEKIT’S SERVER IS NOT THERE, SO NOTHING IS COMPARED WITH IT: setup/livekit.sh builds it";
        report.note(words);
        eprintln!("{words}");
        return;
    }
    let mut hall = Hall::open();
    let mut costs = Vec::new();
    for count in counts.iter().copied().filter(|count| *count > 0) {
        report.doing(&format!("LiveKit’s server with {count}"));
        while hall.guests.len() < count {
            hall.enter(&GUESTS_LINES, !hall.guests.is_empty());
        }
        let (cpu, least) = hall.over(report, &format!("{count} guests"), seconds);
        if count > 1 {
            let each = least / 1000.0 / (count - 1) as f64;
            report.add(
                &format!("LiveKit’s server, {count} guests: least that came of each other"),
                each,
                "kbit/s",
                None,
            );
        }
        costs.push((count, cpu));
    }
    drop(hall);
    if let (Some((few, cheap)), Some((many, dear))) = (costs.first(), costs.last())
        && many > few
    {
        report.add(GUEST, (dear - cheap) / (many - few) as f64, "% of a core", None);
    }
    if let Some(growth) = growth::of(&costs) {
        report.add(FORWARDED, growth.forwarded, "% of a core", None);
    }
    viewers(report, seconds);
}

/// Those who only look, at as much as a room and one guest send.
fn viewers(report: &mut Report, seconds: u64) {
    let mut hall = Hall::open();
    hall.enter(&ROOMS_LINES, false);
    hall.enter(&GUESTS_LINES, true);
    let mut costs = Vec::new();
    for count in [1, 4] {
        report.doing(&format!("LiveKit’s server with {count} who look"));
        while hall.guests.len() < count + 2 {
            hall.enter(&[], true);
        }
        costs.push(hall.over(report, &format!("{count} who only look"), seconds).0);
    }
    report.add(VIEWER, (costs[1] - costs[0]) / 3.0, "% of a core", None);
}
