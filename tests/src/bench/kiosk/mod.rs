//! `subrosa bench kiosk`: a browser that stands where the room system stands, doing the same work, in the same run.
//!
//! A page of a meeting in Chromium is what people use instead. It blurs the background in ways of its own and sends H.264
//! to a peer that counts and does not decode. Rounds are interleaved, so that a busy machine is busy for everybody.

mod measure;
mod senders;
mod site;

use std::process::Command;

use subrosa_tests::stage::tree;

use crate::report::{Goal, Report};
use measure::Outcome;

const ROOM: &str = "Subrosa, blur";

/// What a browser runs instead, and how many times more CPU per frame than the room it should need.
struct Reference {
    name: &'static str,
    effect: &'static str,
    goal: f64,
}

const REFERENCES: [Reference; 3] = [
    Reference { name: "Chromium, blur in canvases", effect: "canvas", goal: 8.0 },
    Reference { name: "Chromium, blur in planes", effect: "planes", goal: 5.0 },
    Reference { name: "Chromium, no blur", effect: "none", goal: 1.0 },
];
const MEMORY: f64 = 10.0;

/// All rounds of one sender.
#[derive(Default)]
struct Rounds(Vec<Outcome>);

impl Rounds {
    fn sorted(&self, figure: impl Fn(&Outcome) -> f64) -> Vec<f64> {
        let mut all: Vec<f64> = self.0.iter().map(figure).collect();
        all.sort_by(f64::total_cmp);
        all
    }

    fn median(&self, figure: impl Fn(&Outcome) -> f64) -> f64 {
        let all = self.sorted(figure);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn add_to(&self, report: &mut Report, name: &str) {
        type Figure = (&'static str, &'static str, fn(&Outcome) -> f64);
        const FIGURES: [Figure; 7] = [
            ("CPU per frame that arrived", "ms", |outcome| outcome.per_frame),
            ("frames that arrived", "per s", |outcome| outcome.rate),
            ("CPU", "% of a core", |outcome| outcome.cpu),
            ("PSS of all processes", "MiB", |outcome| outcome.memory),
            ("start → first frame", "s", |outcome| outcome.first),
            ("start → the picture moves", "s", |outcome| outcome.moves),
            ("sent", "kbit/s", |outcome| outcome.bits),
        ];
        for (what, unit, figure) in FIGURES {
            let all = self.sorted(figure);
            let range = all.first().copied().zip(all.last().copied());
            report.add_range(&format!("{name}: {what}"), self.median(figure), unit, range);
        }
    }
}

/// Interleaved rounds of all senders.
pub fn run(report: &mut Report, seconds: u64, rounds: usize) {
    report.doing("what the pages load");
    let fetched = Command::new(tree().join("setup/kiosk.sh")).status().expect("setup/kiosk.sh");
    assert!(fetched.success(), "setup/kiosk.sh could not fetch what the pages load");
    let address = site::serve();
    let mut room = Rounds::default();
    let mut browsers = REFERENCES.map(|_| Rounds::default());
    let mut encoders = Vec::new();
    for round in 1..=rounds {
        report.doing(&format!("round {round} of {rounds}: {ROOM}"));
        room.0.push(senders::room(seconds));
        for (reference, outcomes) in REFERENCES.iter().zip(&mut browsers) {
            report.doing(&format!("round {round} of {rounds}: {}", reference.name));
            let (outcome, encoder) = senders::kiosk(&address, reference.effect, seconds);
            outcomes.0.push(outcome);
            if !encoders.contains(&encoder) {
                encoders.push(encoder);
            }
        }
    }
    conditions(report, seconds, rounds, &encoders);
    room.add_to(report, ROOM);
    for (reference, outcomes) in REFERENCES.iter().zip(&browsers) {
        outcomes.add_to(report, reference.name);
    }
    for (reference, outcomes) in REFERENCES.iter().zip(&browsers) {
        let ratio = |figure: fn(&Outcome) -> f64| outcomes.median(figure) / room.median(figure);
        let times = format!("times that of {ROOM}");
        let goal = |goal| Some(Goal::AtLeast(goal));
        let name = reference.name;
        report.add_goal(
            &format!("{name}: CPU per frame, {times}"),
            ratio(|one| one.per_frame),
            "×",
            goal(reference.goal),
        );
        report.add_goal(&format!("{name}: PSS, {times}"), ratio(|one| one.memory), "×", goal(MEMORY));
    }
    let all = || room.0.iter().chain(browsers.iter().flat_map(|rounds| &rounds.0));
    let sizes: Vec<String> = all()
        .flat_map(|outcome| &outcome.sizes)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .map(|(width, height)| format!("{width}x{height}"))
        .collect();
    report.note(&format!("sizes that arrived: {}", sizes.join(", ")));
    let busy = |pick: fn(f64, f64) -> f64, start| all().map(|outcome| outcome.busy).fold(start, pick);
    report.note(&format!(
        "the whole machine was busy for {:.0} to {:.0} % of its cores' time, these programs and their peer included",
        busy(f64::min, 100.0),
        busy(f64::max, 0.0)
    ));
}

fn conditions(report: &mut Report, seconds: u64, rounds: usize, encoders: &[String]) {
    let gpu = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten().next().is_some();
    report.note(if gpu {
        "a graphics device is there and Chromium was told not to use it: with it the ratios are smaller"
    } else {
        "this machine has no GPU: Chromium draws, computes and encodes on the processor; with a GPU the ratios are smaller"
    });
    let version = Command::new("chromium").arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    report.note(&format!("{}; its encoder: {}", String::from_utf8_lossy(&version).trim(), encoders.join("; ")));
    report.note(&format!(
        "medians of {rounds} interleaved rounds of {seconds} s each [lowest to highest]; 1280x720 at 30 per s from the same Motion JPEG \
         file, H.264 at {} kbit/s at most, no sound, one peer on loopback that decodes nothing and is not counted; whole trees of \
         processes, without the simulator of the room's hardware",
        senders::TARGET
    ));
    report.note(
        "blur in canvases: TFLite (WebAssembly, SIMD) on each frame, masked and blurred by filters of a 2D canvas; blur in planes: the \
         same model on every second frame, as in the room, blurred and composed in I420 planes by JavaScript in a worker",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_on_a_busy_machine_does_not_move_the_figure() {
        let outcome = |per_frame| Outcome { per_frame, ..Outcome::default() };
        let rounds = Rounds([9.0, 80.0, 10.0].map(outcome).to_vec());
        assert!((rounds.median(|outcome| outcome.per_frame) - 10.0).abs() < f64::EPSILON);
        assert!(Rounds::default().median(|outcome| outcome.per_frame).is_nan(), "nothing measured is no figure");
    }
}
