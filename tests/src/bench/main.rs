//! `subrosa-bench`: what a call costs and how fast it is, against a reference measured in the same run; and the soak.
//!
//! Figures are printed, never asserted: a shared machine is no place for timed tests. The soak is the exception, since it
//! asserts no speed: nothing grows, and lamps are always true.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // part of the tests' harness

mod blur;
mod cost;
mod far;
mod growth;
mod guard;
mod inference;
mod join;
mod kiosk;
mod meeting;
mod pictures;
mod report;
mod sfu;
mod soak;
mod speed;

use clap::{Parser, Subcommand};
use subrosa_tests::stage::{Need, Stage, have};

use report::Report;

/// What a call costs and how fast it is
#[derive(Parser)]
#[command(name = "subrosa-bench", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One room, one guest: cost, speed, and what is left over after many joins
    Call {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Edges of the mute switch (and a quarter as many of the shutter)
        #[arg(long, default_value_t = 200)]
        edges: usize,
        /// Guests that join and leave, one after the other
        #[arg(long, default_value_t = 200)]
        joins: usize,
        /// How often each start, join and crash is timed
        #[arg(long, default_value_t = 5)]
        times: usize,
        /// Seconds that each cost is measured over
        #[arg(long, default_value_t = 15)]
        seconds: u64,
    },
    /// Hiding the background: CPU time against MediaPipe and OpenCV, which are installed for it
    Blur {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Seconds over which the encoder's own cost is measured
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// The guard alone: edge of a switch → media told → device closed → lamp dark
    Guard {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Edges, on simulated lines and on kernel lines in the virtual machine
        #[arg(long, default_value_t = 500)]
        edges: usize,
        /// Used by itself: within the virtual machine
        #[arg(long, hide = true)]
        inside: bool,
    },
    /// A meeting elsewhere: from the press to the first picture, and what it costs with many streams on offer; on LiveKit’s server beside
    /// Chromium in the room’s place
    Join {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Whose meetings
        #[arg(long, value_enum, value_delimiter = ',', default_value = "jitsi,livekit,opentalk")]
        with: Vec<join::With>,
        /// How often joining is timed
        #[arg(long, default_value_t = 10)]
        times: usize,
        /// Seconds that each cost is measured over
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// A meeting of several on the device: what guests and viewers cost, against LiveKit’s server with as many; being let in; many who
    /// come and go
    Meeting {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// How many guests, one measure for each
        #[arg(long, value_delimiter = ',', default_value = "0,1,2,4,8", value_parser = clap::value_parser!(u8).range(0..=8))]
        guests: Vec<u8>,
        /// Guests that join and leave, one after the other
        #[arg(long, default_value_t = 200)]
        joins: usize,
        /// How often being let in is timed
        #[arg(long, default_value_t = 10)]
        times: usize,
        /// Seconds that each cost is measured over
        #[arg(long, default_value_t = 15)]
        seconds: u64,
    },
    /// How far away people may sit from the camera; with pictures in tests/artefacts
    Far {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Photographs and a clip with their background hidden, in tests/artefacts
    Pictures,
    /// The room against a browser that blurs and sends the same picture: CPU for each frame that arrives, memory, start
    Kiosk {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Seconds that each sender is measured over, in each round
        #[arg(long, default_value_t = 30)]
        seconds: u64,
        /// Rounds, interleaved
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// Random presses, joins and kills: nothing grows, lamps are always true
    Soak {
        /// How long
        #[arg(long, default_value_t = 30)]
        minutes: u64,
        /// Which random run; the same number plays the same acts
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

fn main() {
    // This program is also the actors that play media and the room.
    subrosa_tests::devices::act();
    let arguments = Arguments::parse();
    let alone = matches!(arguments.command, Command::Guard { .. });
    if !have(&[Need::Root]) || !(alone || have(&[Need::Program("ip"), Need::Program("gst-launch-1.0")])) {
        std::process::exit(2);
    }
    if matches!(arguments.command, Command::Kiosk { .. }) && !have(&[Need::Chromium, Need::Program("npm")]) {
        std::process::exit(2);
    }
    if matches!(&arguments.command, Command::Join { with, .. } if !join::can(with)) {
        std::process::exit(2);
    }
    let _stage = Stage::take();
    match arguments.command {
        Command::Call { json, edges, joins, times, seconds } => {
            let mut report = Report::start(json);
            let _percent = cost::reference(&mut report, seconds);
            cost::processes(&mut report, seconds);
            speed::start(&mut report, times);
            speed::join(&mut report, times);
            speed::crash(&mut report, times);
            speed::mute(&mut report, edges);
            cost::joins(&mut report, joins);
            report.print();
        }
        Command::Blur { json, seconds } => {
            let mut report = Report::start(json);
            inference::against_litert(&mut report);
            blur::whole(&mut report);
            let encoder = cost::reference(&mut report, seconds);
            report.add("the encoder alone, 720p, a frame", encoder / 100.0 * 1000.0 / 30.0, "ms", None);
            report.print();
        }
        Command::Join { json, with, times, seconds } => {
            let mut report = Report::start(json);
            join::run(&mut report, &with, join::Extent { times, seconds: seconds.max(1) });
            report.print();
        }
        Command::Meeting { json, mut guests, joins, times, seconds } => {
            let mut report = Report::start(json);
            guests.sort_unstable();
            guests.dedup();
            let guests: Vec<usize> = guests.into_iter().map(usize::from).collect();
            meeting::conditions(&mut report);
            let _percent = cost::reference(&mut report, seconds);
            sfu::cost(&mut report, &guests, seconds);
            meeting::cost(&mut report, &guests, meeting::Shows::Camera, seconds);
            meeting::cost(&mut report, &guests, meeting::Shows::Card, seconds);
            meeting::viewers(&mut report, seconds);
            meeting::speed(&mut report, times);
            meeting::joins(&mut report, joins);
            report.print();
        }
        Command::Guard { inside: true, edges, .. } => guard::inside(edges),
        Command::Guard { json, edges, inside: false } => {
            let mut report = Report::start(json);
            guard::run(&mut report, edges.max(1));
            report.print();
        }
        Command::Far { json } => {
            let mut report = Report::start(json);
            far::run(&mut report);
            report.print();
        }
        Command::Pictures => pictures::run(),
        Command::Kiosk { json, seconds, rounds } => {
            let mut report = Report::start(json);
            kiosk::run(&mut report, seconds.max(1), rounds.max(1));
            report.print();
        }
        Command::Soak { minutes, seed } => soak::run(minutes, seed),
    }
}
