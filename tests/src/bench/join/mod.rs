//! A meeting elsewhere: how fast the room is in it, and what it costs with many streams on offer of which three are shown; on LiveKit's
//! server beside a browser in the room's place.

mod chromium;
mod hall;
mod jitsi;
mod livekit;
mod opentalk;
mod watcher;

use std::time::Duration;

use clap::ValueEnum;
use subrosa_tests::livekit::Takes;
use subrosa_tests::stage::{Need, have};

use crate::cost;
use crate::report::Report;

/// Others who are there, one measure for each.
const PEOPLE: [usize; 3] = [1, 5, 10];
/// Pictures that are shown: `[media] pictures`.
const SHOWN: usize = 3;

/// Whose meetings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum With {
    Jitsi,
    Livekit,
    Opentalk,
}

impl With {
    fn needs(self) -> &'static [Need] {
        match self {
            With::Jitsi => &[Need::Program("prosody")],
            With::Livekit => &[Need::LiveKit, Need::Chromium],
            With::Opentalk => &[Need::OpenTalk, Need::LiveKit, Need::Chromium],
        }
    }
}

/// Whether what they need is there; says loudly what is not.
pub fn can(with: &[With]) -> bool {
    with.iter().all(|one| have(one.needs()))
}

/// How often something is timed, and over how many seconds a cost is measured.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    pub times: usize,
    pub seconds: u64,
}

/// Measures them in this order.
pub fn run(report: &mut Report, with: &[With], extent: Extent) {
    let Extent { times, seconds } = extent;
    let _percent = cost::reference(report, seconds);
    if with.contains(&With::Jitsi) {
        report.note("server: Prosody with doubles of jicofo and the bridge, on loopback; pictures of others: VP8, one of 720 lines and two small ones");
        jitsi::times(report, times);
        for offered in PEOPLE {
            jitsi::cost(report, offered, seconds);
        }
    }
    if with.iter().any(|one| *one != With::Jitsi) {
        hall::conditions(report);
    }
    if with.contains(&With::Livekit) {
        hall::times(report, "LiveKit", times, || livekit::open(Takes::Everything));
        hall::costs(report, "LiveKit", seconds, || livekit::open(Takes::Nothing));
    }
    if with.contains(&With::Opentalk) {
        hall::times(report, "OpenTalk", times, || opentalk::open(Takes::Everything));
        hall::costs(report, "OpenTalk", seconds, || opentalk::open(Takes::Nothing));
    }
}

/// Times from the press that joins.
#[derive(Debug, Default)]
struct Joins {
    in_room: Vec<Duration>,
    there: Vec<Duration>,
    here: Vec<Duration>,
}

impl Joins {
    /// `before` stands before each line, `there` says where the room's picture came.
    fn add_to(&self, report: &mut Report, before: &str, there: &str) {
        report.add_times(&format!("{before}press → in the meeting"), &self.in_room, None);
        report.add_times(&format!("{before}press → first frame of the room {there}"), &self.there, None);
        report.add_times(
            &format!("{before}press → first frame of somebody else on the room’s screen"),
            &self.here,
            None,
        );
    }
}
