//! Somebody in a meeting on LiveKit's server who takes the picture of the one that is measured: whoever sends less than is wanted works less.

use std::time::{Duration, Instant};

use serde_json::Value;
use subrosa_tests::livekit::{Participant, Pictures};

use crate::report::Report;

/// Estimates have climbed, encoders have been tried, scripts are compiled: not before, and not awaited for longer.
const SETTLING: Duration = Duration::from_secs(12);
const SETTLED: Duration = Duration::from_secs(60);
/// Frames a second that are wanted, and the part of them with which less is done than was wanted.
pub const RATE: f64 = 30.0;
pub const KEEPS_UP: f64 = 0.9;

/// Takes the picture of the one that is measured.
pub struct Watcher {
    participant: Participant,
    /// The picture, as the server describes it.
    pub track: Value,
}

impl Watcher {
    pub fn new(participant: Participant, track: Value) -> Self {
        Watcher { participant, track }
    }

    /// What has come so far, and when that was.
    pub fn look(&self) -> Look {
        Look { pictures: self.participant.pictures(), at: Instant::now() }
    }

    /// Waits until as much comes as is wanted, or would not: its sender's estimate of the bandwidth climbs.
    pub fn settles(&self, mut also: impl FnMut() -> bool) {
        let start = Instant::now();
        while start.elapsed() < SETTLED {
            let before = self.look();
            std::thread::sleep(Duration::from_secs(2));
            let whole = self.look().since(&before).is_whole();
            if also() && whole && start.elapsed() > SETTLING {
                return;
            }
        }
    }
}

/// What had come at one moment.
pub struct Look {
    pictures: Pictures,
    at: Instant,
}

impl Look {
    /// What has come since then.
    pub fn since(&self, before: &Look) -> Flow {
        let took = (self.at - before.at).as_secs_f64();
        Flow {
            rate: (self.pictures.frames - before.pictures.frames) as f64 / took,
            kbits: (self.pictures.bytes - before.pictures.bytes) as f64 * 8.0 / 1000.0 / took,
            size: self.pictures.size,
        }
    }
}

/// What the one that is measured sends.
pub struct Flow {
    /// Frames a second.
    rate: f64,
    kbits: f64,
    /// At the end.
    size: Option<(u32, u32)>,
}

impl Flow {
    /// All that is wanted: 720 lines, and nearly all frames.
    pub fn is_whole(&self) -> bool {
        self.rate > KEEPS_UP * RATE && self.size.is_none_or(|size| size == (1280, 720))
    }

    /// `who` sends it with so many others.
    pub fn add_to(&self, report: &mut Report, who: &str, others: &str) {
        report.add(&format!("{who}, {others}: frames sent"), self.rate, "per s", None);
        report.add(&format!("{who}, {others}: picture sent"), self.kbits, "kbit/s", None);
        if !self.is_whole() {
            report.note(&format!(
                "{} WITH {} DID NOT SEND ALL OF ITS PICTURE ({:?}), so that its figure is that of less work",
                who.to_uppercase(),
                others.to_uppercase(),
                self.size.unwrap_or_default()
            ));
        }
    }
}
