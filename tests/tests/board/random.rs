//! Two hundred random events on a whole device, with a record of the kernel's as the witness that never looks away.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use subrosa_process::run_dir::RunDir;
use subrosa_tests::devices::Actor;
use subrosa_tests::mute::Dice;
use subrosa_tests::stage::{eventually, seed};
use subrosa_tests::vm::{Boot, Witness, inside_for};

use crate::order::recorded;
use crate::units::{CAMERA, Device, GUARD, MEDIA, RUN, Room};

/// Each kind of event and how often it comes.
const DECK: [(Event, usize); 9] = [
    (Event::Camera(false), 25),
    (Event::Camera(true), 35),
    (Event::Microphone(false), 25),
    (Event::Microphone(true), 35),
    (Event::Press, 40),
    (Event::SomebodyElse, 14),
    (Event::KillMedia, 12),
    (Event::KillGuard, 8),
    (Event::KillRoom, 6),
];
/// In this time a lamp says exactly what is, after the death of a process that drives no lamps; and when somebody else opens a node.
const EXACT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Camera(bool),
    Microphone(bool),
    Press,
    SomebodyElse,
    KillMedia,
    KillGuard,
    KillRoom,
}

/// The deck, shuffled.
fn shuffled(dice: &mut Dice) -> Vec<Event> {
    let mut deck: Vec<Event> = DECK.iter().flat_map(|&(event, times)| std::iter::repeat_n(event, times)).collect();
    for last in (1..deck.len()).rev() {
        deck.swap(last, usize::try_from(dice.roll(last as u64 + 1)).unwrap());
    }
    deck
}

/// A stand-in for the room that comes back to whoever has left it.
struct Host {
    room: Room,
    guard: Option<usize>,
    media: Option<usize>,
}

impl Host {
    fn tend(&mut self) {
        let run = RunDir::new(RUN);
        let gone = |actor: &Actor, mark: Option<usize>| {
            mark.is_none_or(|mark| actor.has_told(mark, |told| told["guard"] == "gone"))
        };
        for (of_media, socket) in [(false, run.guard_for_room()), (true, run.media_for_room())] {
            let (actor, mark) =
                if of_media { (&self.room.media, &mut self.media) } else { (&self.room.guard, &mut self.guard) };
            if gone(actor, *mark) {
                let before = actor.mark();
                *mark = actor.try_connect(&socket).then_some(before);
                if of_media && mark.is_some() {
                    self.room.want();
                }
            }
        }
    }

    fn die(&mut self, device: &Device) {
        for actor in [&self.room.guard, &self.room.media] {
            actor.kill();
        }
        *self = Host { room: Room { guard: device.actor(), media: device.actor() }, guard: None, media: None };
    }
}

/// Looks at the lamps' pins: what a line does that nobody drives, no record of the kernel's tells.
struct Pins {
    stop: Arc<AtomicBool>,
    /// When somebody else has opened the camera last.
    others: Arc<Mutex<Option<Instant>>>,
    thread: Option<JoinHandle<(u64, Vec<String>)>>,
}

impl Pins {
    fn watch(device: &Arc<Device>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let others = Arc::new(Mutex::new(None));
        let (stopped, device, opened) = (stop.clone(), device.clone(), others.clone());
        let thread = thread::spawn(move || {
            // Anybody else's open is seen once it has happened, and has a time of its own (P1): the kernel's record tells how
            // long it was dark, to the end of this test.
            let is_of_others = || opened.lock().unwrap().is_some_and(|opened: Instant| opened.elapsed() < EXACT);
            let (mut looks, mut lies) = (0, Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                for capture in ["camera", "microphone"] {
                    let before = device.lit(capture);
                    let open =
                        if capture == "camera" { device.camera_files() > 0 } else { device.microphone_is_open() };
                    let of_others = capture == "camera" && is_of_others();
                    if open && !before && !device.lit(capture) && !of_others {
                        lies.push(format!("{capture} is open under a dark lamp"));
                    }
                }
                looks += 1;
                sleep(Duration::from_millis(5));
            }
            (looks, lies)
        });
        Pins { stop, others, thread: Some(thread) }
    }

    fn somebody_else_opens(&self) {
        *self.others.lock().unwrap() = Some(Instant::now());
    }

    fn end(mut self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

/// After a kill: the time until each lamp says exactly what is. After the guard's death lamps are lit until the next guard has proved
/// that nothing is open: that is true, since *lit* means that the sensor may be on, and lasts as long as a start does.
fn lamps_are_exact(device: &Device) -> Duration {
    let began = Instant::now();
    eventually("lamps are exact", Duration::from_secs(20), || {
        let camera = device.lit("camera") == (device.camera_files() > 0);
        (camera && device.lit("microphone") == device.microphone_is_open()).then_some(())
    });
    began.elapsed()
}

#[test]
fn p1_p10_two_hundred_random_events_on_a_whole_device_and_no_lamp_lies() {
    if !inside_for(Boot::Systemd, Duration::from_secs(600)) {
        return;
    }
    let seed = seed();
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let (mut device, mut trace, mut witness) = recorded();
    witness.allow(thread::current().name().unwrap());
    let mut host = Host { room: device.room.take().unwrap(), guard: Some(0), media: Some(0) };
    let device = Arc::new(device);
    let pins = Pins::watch(&device);
    device.press();
    let (mut somebody_else, mut wrong) = (None, BTreeMap::new());
    let began = Instant::now();
    for event in shuffled(&mut dice) {
        let kill = match event {
            Event::Camera(open) => {
                device.chip.pull("camera-shutter", open);
                false
            }
            Event::Microphone(open) => {
                device.chip.pull("microphone-switch", open);
                false
            }
            Event::Press => {
                device.press();
                false
            }
            Event::SomebodyElse => {
                pins.somebody_else_opens();
                somebody_else = if somebody_else.is_none() { File::open(CAMERA).ok() } else { None };
                false
            }
            Event::KillMedia | Event::KillGuard => {
                let unit = if event == Event::KillMedia { MEDIA } else { GUARD };
                // One that has just been killed may not be there yet.
                if device.pid(unit) != 0 {
                    device.signal(unit, libc::SIGKILL);
                }
                true
            }
            Event::KillRoom => {
                host.die(&device);
                true
            }
        };
        if kill {
            wrong.entry(event).or_insert_with(Vec::new).push(lamps_are_exact(&device));
        }
        host.tend();
        witness.see(&trace.take());
        // Some events come at once after each other, others find a device that has settled.
        sleep(dice.between(Duration::ZERO, Duration::from_millis(if kill { 6000 } else { 300 })));
    }
    let took = began.elapsed();
    drop(somebody_else);
    device.chip.pull("camera-shutter", false);
    device.chip.pull("microphone-switch", false);
    eventually("dark at the end", Duration::from_secs(20), || {
        host.tend();
        (!device.lit("camera") && !device.lit("microphone")).then_some(())
    });
    witness.see(&trace.take());
    report(&witness, &wrong, pins.end(), took);
}

fn report(witness: &Witness, wrong: &BTreeMap<Event, Vec<Duration>>, pins: (u64, Vec<String>), took: Duration) {
    for (event, times) in wrong {
        println!("{event:?}, {} times: lamps exact within {:?}", times.len(), times.iter().max());
    }
    let (looks, lies) = pins;
    println!("200 events in {took:.0?}, {looks} looks at the pins");
    for (name, capture) in [("camera", &witness.camera), ("microphone", &witness.microphone)] {
        println!(
            "{name}: {} opens, {} frames, lamp lit and darkened {:?}",
            capture.opens, capture.frames, capture.lamps
        );
    }
    assert!(witness.lies.is_empty(), "{:#?}", witness.lies);
    assert!(lies.is_empty(), "{lies:#?}");
    let late = witness.camera.late;
    println!("somebody else's open → lamp lit, at the latest: {late:?}");
    assert!(witness.camera.opens >= 8 && witness.microphone.opens >= 5, "hardly anything was captured");
    let of_others = wrong.iter().filter(|(event, _)| **event != Event::KillGuard).flat_map(|(_, times)| times);
    assert!(of_others.copied().max().is_some_and(|longest| longest <= EXACT), "{wrong:?}");
    assert!(late <= EXACT, "somebody else had the camera open under a dark lamp for {late:?}");
}
