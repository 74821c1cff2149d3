//! The soak: random acts for a long time. Nothing grows, lamps are always true, and at the end a call still works.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use subrosa_tests::call::camera_moves;
use subrosa_tests::figures::Figures;
use subrosa_tests::mute::Dice;
use subrosa_tests::namespace::Wire;
use subrosa_tests::peer::{Guest, LinkPlan, Peer};
use subrosa_tests::room::{Invitation, Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::eventually;
use subrosa_tests::truth::Watch;

const PROCESSES: [&str; 4] = ["guard", "media", "room", "sim"];

struct Soak {
    room: Room,
    wire: Wire,
    dice: Dice,
    invitation: Option<Invitation>,
    peer: Option<Peer>,
    acts: BTreeMap<&'static str, u32>,
}

/// One look at a process, and which life of it was looked at.
struct Sample {
    pid: u32,
    figures: Figures,
}

pub fn run(minutes: u64, seed: u64) {
    let wire = Wire::lay();
    let room = Room::start(Plan::on(&wire));
    let watch = Watch::over(&room);
    let mut soak = Soak { room, wire, dice: Dice::new(seed), invitation: None, peer: None, acts: BTreeMap::new() };
    let end = Instant::now() + Duration::from_secs(minutes * 60);
    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    let mut minute = 0;
    while Instant::now() < end {
        let next = Instant::now() + Duration::from_secs(60).min(end - Instant::now());
        while Instant::now() < next {
            soak.act();
            watch.assert_true();
        }
        soak.rest();
        watch.assert_true();
        minute += 1;
        let mut line = format!("minute {minute}");
        for process in PROCESSES {
            let pid = soak.room.pid(process);
            let Some(figures) = Figures::of(pid) else { continue };
            line += &format!(
                " · {process} {:.1} MiB, {} threads, {} fds",
                figures.pss_kib as f64 / 1024.0,
                figures.threads,
                figures.descriptors
            );
            samples.entry(process).or_default().push(Sample { pid, figures });
        }
        println!("{line}");
    }
    for (process, samples) in &samples {
        assert_flat(process, samples);
    }
    soak.lasting_call();
    watch.assert_true();
    let (looks, open) = watch.looks();
    println!("acts: {:?}", soak.acts);
    println!("{looks} looks at the lamps, {open} of them at an open node, none of them a lie; nothing grew");
}

/// Within one life of a process nothing grows: its last look is compared with its first after two minutes of life, since
/// what is made once and kept comes first.
fn assert_flat(process: &str, samples: &[Sample]) {
    let mut start = 0;
    while start < samples.len() {
        let life: Vec<&Figures> = samples[start..]
            .iter()
            .take_while(|sample| sample.pid == samples[start].pid)
            .map(|sample| &sample.figures)
            .collect();
        start += life.len();
        let Some((first, last)) = life.get(2).zip(life.last()).filter(|_| life.len() >= 6) else { continue };
        let grown = last.pss_kib as f64 / first.pss_kib as f64;
        assert!(
            grown < 1.15 || last.pss_kib < first.pss_kib + 6 * 1024,
            "{process} grew from {} to {} KiB in {} minutes",
            first.pss_kib,
            last.pss_kib,
            life.len()
        );
        assert!(last.threads <= first.threads + 3, "{process}: threads {} → {}", first.threads, last.threads);
        assert!(
            last.descriptors <= first.descriptors + 4,
            "{process}: descriptors {} → {}",
            first.descriptors,
            last.descriptors
        );
    }
}

impl Soak {
    fn guest(&self) -> Guest {
        let link = LinkPlan { sends: Some(0xff20_8040), keeps: false, ..LinkPlan::default() };
        Guest { namespace: Some(self.wire.guest.clone()), link, ..Guest::default() }
    }

    fn count(&mut self, act: &'static str) {
        *self.acts.entry(act).or_default() += 1;
    }

    fn act(&mut self) {
        if let Some(link) = self.peer.as_ref().and_then(Peer::link) {
            link.recording.forget();
        }
        let act = match self.dice.roll(100) {
            0..25 => {
                let mute = self.dice.roll(2) == 0;
                self.room.sim.mute(mute);
                "switch"
            }
            25..45 => {
                let close = self.dice.roll(2) == 0;
                self.room.sim.shutter(close);
                "shutter"
            }
            45..65 => {
                self.room.sim.press();
                "press"
            }
            65..80 => self.join(),
            80..88 => {
                if let Some(peer) = self.peer.take() {
                    if self.dice.roll(2) == 0 { peer.leave() } else { peer.hang_up() }
                }
                "leave"
            }
            88..90 => {
                self.room.sim.hold();
                self.invitation = None;
                "hold"
            }
            90..92 => {
                let capture = if self.dice.roll(2) == 0 { "camera" } else { "microphone" };
                self.room.sim.unplug(capture);
                std::thread::sleep(self.dice.between(Duration::from_millis(50), Duration::from_secs(1)));
                self.room.sim.plug(capture);
                "unplug"
            }
            92..96 => self.kill("media", "kill media"),
            96..98 => self.kill("guard", "kill guard"),
            98..99 => self.kill("sim", "kill sim"),
            _ => self.kill("room", "kill room"),
        };
        self.count(act);
        std::thread::sleep(self.dice.between(Duration::from_millis(30), Duration::from_millis(1500)));
    }

    fn kill(&mut self, process: &str, act: &'static str) -> &'static str {
        if let Some(pid) = self.room.find(process) {
            subrosa_tests::room::send(pid, Signal::KILL);
        }
        if process == "room" {
            self.invitation = None;
            self.peer = None;
        }
        act
    }

    fn join(&mut self) -> &'static str {
        if self.peer.is_some() {
            return "join (one is there)";
        }
        let before = self.room.terminal();
        if self.room.status()["guard"]["awake"] == true {
            // Somebody woke it in an earlier act; the terminal has the newest invitation at its end.
            self.invitation = Invitation::read(&newest(&before));
        } else {
            self.invitation = None;
        }
        let Some(invitation) = self.invitation.clone() else { return "join (asleep)" };
        let secret = json!({"pin": invitation.pin});
        self.peer = Peer::knock(&invitation.link, &secret, &self.guest()).ok();
        "join"
    }

    /// Everything as at the start: nobody in, asleep, switches open.
    fn rest(&mut self) {
        self.peer = None;
        self.invitation = None;
        self.room.sim.mute(false);
        self.room.sim.shutter(false);
        for process in PROCESSES {
            let _running = self.room.pid(process);
        }
        eventually("the room sleeps, lamps dark", Duration::from_secs(90), || {
            let guard = self.room.status()["guard"].clone();
            if guard["awake"] == true {
                self.room.sim.hold();
            }
            (guard["awake"] == false
                && !self.room.sim.lit(Line::CameraLive)
                && !self.room.sim.lit(Line::MicrophoneLive))
            .then_some(())
        });
        std::thread::sleep(Duration::from_secs(2));
    }

    /// After all that, a call works as on the first day.
    fn lasting_call(&mut self) {
        let invitation = self.room.wake();
        let peer = Peer::ask(&invitation, &self.guest());
        self.room.sim.press();
        let link = peer.connected(Duration::from_secs(10));
        assert!(camera_moves(&link, Duration::from_secs(10)), "the last call has no picture");
        assert!(
            link.recording.wait_for_sound(0, Duration::from_secs(5), |sound| sound.level > -50.0).is_some(),
            "the last call has no sound"
        );
        self.peer = Some(peer);
    }
}

/// The newest invitation that a terminal shows.
fn newest(terminal: &str) -> String {
    terminal.rfind("https://").map_or_else(String::new, |at| terminal.get(at..).unwrap_or_default().to_owned())
}
