//! Random events, ten thousand of them, against the real guard. Whoever captures looks at its own lamp all the while.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_messages::Capture::{self, Camera, Microphone};
use subrosa_tests::devices::{Actor, Bench, Kill, name};
use subrosa_tests::mute::Dice;
use subrosa_tests::stage::{Stage, eventually, seed};

use crate::tiers;

const EVENTS: usize = 10_000;
const MOODS: [&str; 4] = ["obeys", "ignores", "lies", "is silent"];

/// What those who captured have told, over all of their lives.
#[derive(Default, Debug)]
struct Told {
    captures: usize,
    frames: u64,
    dark: Vec<String>,
}

struct World {
    bench: Bench,
    dice: Dice,
    room: Actor,
    media: Actor,
    told: Told,
    happened: BTreeMap<&'static str, usize>,
    foreign: BTreeMap<&'static str, File>,
}

impl World {
    fn begin(seed: u64) -> Self {
        let mut bench = Bench::prepare(*tiers().first().unwrap(), Kill::Pipe);
        bench.start_guard();
        bench.wait_dark();
        let (room, media) = (bench.room(), bench.media());
        media.capture_by_itself(&bench.run.sim_lines());
        let (told, happened, foreign) = (Told::default(), BTreeMap::new(), BTreeMap::new());
        World { bench, dice: Dice::new(seed), room, media, told, happened, foreign }
    }

    fn capture(&mut self) -> Capture {
        if self.dice.roll(2) == 0 { Camera } else { Microphone }
    }

    fn hear_media(&mut self) {
        for told in self.media.all_told() {
            self.told.frames += told.what["frames"].as_u64().unwrap_or(0);
            self.told.captures += usize::from(told.what["captures"].is_string());
            if let Some(capture) = told.what["dark"].as_str() {
                self.told.dark.push(format!("{capture} at {:?}", told.at));
            }
        }
    }

    /// Another process in media's place, wherever the guard is. What the old one has told is kept.
    fn replace_media(&mut self) {
        self.media.kill();
        self.hear_media();
        self.media = self.bench.actor(self.bench.users().media);
        self.media.capture_by_itself(&self.bench.run.sim_lines());
        self.media.go_and_connect(&self.bench.run.guard_for_media());
    }

    fn replace_guard(&mut self) {
        self.bench.kill_guard();
        if self.dice.roll(2) == 0 {
            assert!(self.bench.stop_hook() || !self.all_plugged_in());
        }
        self.bench.start_guard();
        self.media.go_and_connect(&self.bench.run.guard_for_media());
        self.room.go_and_connect(&self.bench.run.guard_for_room());
    }

    fn all_plugged_in(&self) -> bool {
        Capture::ALL.into_iter().all(|capture| self.bench.node(capture).exists())
    }

    fn plug(&self, capture: Capture, present: bool) {
        let (node, spare) = (self.bench.node(capture), self.bench.run.sim_spare().join(name(capture)));
        if present && spare.exists() {
            fs::rename(spare, node).unwrap();
        } else if !present && node.exists() {
            fs::rename(node, spare).unwrap();
        }
    }

    fn happen(&mut self) {
        let capture = self.capture();
        let what = match self.dice.roll(1000) {
            0..140 => {
                let open = self.dice.roll(5) > 0;
                self.bench.switch(capture, open);
                "switch"
            }
            140..190 => {
                let down = self.dice.roll(2) == 0;
                self.bench.set("button", down);
                "button"
            }
            190..200 => {
                self.room.say(&json!({"mute": {"capture": name(capture)}}));
                "mute"
            }
            200..203 => {
                self.room.say(&json!("sleep"));
                "sleep"
            }
            203..243 => {
                // It obeys most of the time.
                let mood = self.dice.roll(8);
                self.media.set_mood(MOODS.get(usize::try_from(mood).unwrap()).unwrap_or(&"obeys"));
                "mood"
            }
            243..300 => {
                self.media.sneak(&self.bench.node(capture));
                "sneak"
            }
            300..330 => {
                self.media.go_and_close();
                "close"
            }
            330..336 => {
                let opened = File::open(self.bench.node(capture)).ok();
                self.foreign.extend(opened.map(|file| (name(capture), file)));
                "somebody else opens"
            }
            336..400 => {
                self.foreign.remove(name(capture));
                "somebody else closes"
            }
            400..430 => {
                // As udev does, whatever the guard has just granted.
                let closed = Permissions::from_mode(0o400);
                let _unplugged = fs::set_permissions(self.bench.node(capture), closed);
                "chmod"
            }
            430..470 => {
                let present = self.dice.roll(8) > 0;
                self.plug(capture, present);
                "plug"
            }
            470..480 => {
                self.replace_media();
                "media dies"
            }
            480..484 => {
                self.replace_guard();
                "guard dies"
            }
            484 => {
                self.room = self.bench.room();
                "room dies"
            }
            _ => {
                sleep(self.dice.between(Duration::ZERO, Duration::from_millis(10)));
                "pause"
            }
        };
        *self.happened.entry(what).or_default() += 1;
        // As whoever supervises media: the guard's order is carried out at once.
        if self.bench.order_to_kill(Duration::ZERO).is_some() {
            self.replace_media();
            *self.happened.entry("killed by the guard").or_default() += 1;
        }
    }

    /// Everything is let go, and then the lamps are dark and say so.
    fn come_to_rest(mut self) -> (Told, BTreeMap<&'static str, usize>) {
        self.foreign.clear();
        for capture in Capture::ALL {
            self.plug(capture, true);
            self.bench.switch(capture, false);
        }
        eventually("dark at the end", Duration::from_secs(5), || {
            if self.bench.order_to_kill(Duration::ZERO).is_some() {
                self.replace_media();
            }
            Capture::ALL.into_iter().all(|capture| !self.bench.lit(capture)).then_some(())
        });
        eventually("red at the end", Duration::from_secs(5), || self.bench.red().then_some(()));
        self.hear_media();
        (self.told, self.happened)
    }
}

#[test]
fn p1_ten_thousand_random_events_and_nothing_is_captured_under_a_dark_lamp() {
    let _stage = Stage::take();
    let seed = seed();
    let mut world = World::begin(seed);
    let began = Instant::now();
    for _ in 0..EVENTS {
        world.happen();
    }
    let took = began.elapsed();
    let (told, happened) = world.come_to_rest();
    println!("seed {seed}: {EVENTS} events in {took:.1?}: {happened:?}");
    println!("{} captures, {} looks at the lamp of an open node", told.captures, told.frames);
    let dark = told.dark.len();
    assert_eq!(dark, 0, "seed {seed}: captured under a dark lamp: {:?}", &told.dark[..dark.min(5)]);
    assert!(told.captures > 100 && told.frames > 1000, "seed {seed}: hardly anything was captured: {told:?}");
}
