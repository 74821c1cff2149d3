//! The guard on Debian's own kernel, with two processors: its camera and sound card are drivers of that kernel, lines are those of the
//! simulated room, since it has none.

use std::fs::{self, File};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use subrosa_messages::Capture::{self, Camera, Microphone};
use subrosa_process::users::User;
use subrosa_tests::devices::Bench;
use subrosa_tests::mute::Dice;
use subrosa_tests::stage::{eventually, seed, tree};
use subrosa_tests::vm::{Boot, inside, load_camera, load_sound};

const EACCES: i64 = 13;
const SOON: Duration = Duration::from_secs(10);

fn bench() -> Bench {
    load_camera();
    load_sound();
    let (camera, microphone) = ("/dev/video0", "/dev/snd/pcmC0D1c");
    let board = fs::read_to_string(tree().join("boards/sim.toml")).unwrap();
    let board = board
        .replace("name = \"sim\"", "name = \"real\"")
        .replace("{run}/sim/nodes/camera", camera)
        .replace("{run}/sim/nodes/microphone", microphone)
        .replacen("\"lease\"", "\"module-references\"", 1)
        .replacen("\"lease\"", "\"alsa-status\"", 1);
    let mut bench = Bench::prepare_nodes(Path::new(camera), Path::new(microphone), &board);
    bench.start_guard();
    bench.wait_dark();
    bench
}

/// Files that are open on the camera's driver, by anybody; a substream of the microphone that is not closed.
fn is_open(capture: Capture) -> bool {
    let closed = match capture {
        Camera => fs::read_to_string("/sys/module/vivid/refcnt").unwrap().trim() == "0",
        Microphone => fs::read_to_string("/proc/asound/card0/pcm1c/sub0/status").unwrap().trim() == "closed",
    };
    !closed
}

#[test]
fn p1_p3_debians_kernel_refuses_grants_closes_behind_the_stream_and_tells_of_every_close() {
    if !inside(Boot::Debian) {
        return;
    }
    println!(
        "{}, {} processors",
        fs::read_to_string("/proc/version").unwrap().trim(),
        std::thread::available_parallelism().unwrap()
    );
    let bench = bench();
    let (_room, media) = bench.awake();
    media.obey();
    let nobody = bench.actor(User { uid: 65_534, gid: 65_534 });
    let dark = |capture| eventually("dark on proof", SOON, || (!bench.lit(capture)).then_some(()));
    for capture in [Camera, Microphone] {
        let node = bench.node(capture);
        assert_eq!((media.open(&node), nobody.open(&node)), (Err(EACCES), Err(EACCES)), "without a permit");
        let (_, permit) = media.ask(capture);
        assert!(bench.lit(capture) && bench.mode(capture) == 0o460 && !is_open(capture), "lit before it can be opened");
        assert_eq!((nobody.open(&node), media.open(&node)), (Err(EACCES), Ok(())), "{capture:?} with media's permit");
        media.say(&json!({"all-open": {"permit": permit}}));
        eventually("closed behind the open", SOON, || (bench.mode(capture) == 0o400).then_some(()));
        assert_eq!(media.open(&node), Err(EACCES), "one open for a permit");
        if capture == Camera {
            let frames: Vec<u64> = (0..5).map(|_| media.frame()).collect();
            assert!(frames.iter().all(|&length| length > 10_000), "behind the closed mode it runs on: {frames:?}");
        }
        assert!(is_open(capture) && bench.lit(capture));
        let edge = Instant::now();
        bench.switch(capture, false);
        eventually("released", SOON, || (!is_open(capture)).then_some(()));
        println!("{capture:?}: switch → released: {:?}", edge.elapsed());
        dark(capture);
        bench.switch(capture, true);
        media.may_ask(capture);
    }
    // What has been copied keeps its lamp lit until the last one is gone, also when nobody says a word.
    media.capture(&bench, Camera);
    let child = media.fork();
    media.kill();
    assert!(is_open(Camera) && bench.lit(Camera), "a copy is left");
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
    eventually("released", SOON, || (!is_open(Camera)).then_some(()));
    dark(Camera);
    for capture in [Camera, Microphone] {
        let root = File::options().read(true).write(capture == Camera).open(bench.node(capture));
        eventually("lit for root", SOON, || bench.lit(capture).then_some(()));
        drop(root);
        dark(capture);
    }
    random_events(&bench);
}

/// Random events: whoever captures looks at its lamp all the while, and opens and closes race on two processors.
fn random_events(bench: &Bench) {
    const EVENTS: usize = 400;
    let seed = seed();
    let mut dice = Dice::new(seed);
    let media = bench.media();
    media.capture_by_itself(&bench.run.sim_lines());
    // What the guard has said at the beginning came before.
    for capture in Capture::ALL {
        bench.switch(capture, false);
    }
    for _ in 0..EVENTS {
        let capture = if dice.roll(2) == 0 { Camera } else { Microphone };
        match dice.roll(10) {
            0..4 => drop(bench.switch(capture, dice.roll(3) > 0)),
            4 => media.sneak(&bench.node(capture)),
            5 => media.go_and_close(),
            6 => drop(File::open(bench.node(Camera))),
            _ => sleep(dice.between(Duration::ZERO, Duration::from_millis(60))),
        }
    }
    let told = media.all_told();
    let count = |what: &str| told.iter().filter(|told| !told.what[what].is_null()).count();
    println!("seed {seed}: {EVENTS} events, {} captures, {} looks", count("captures"), count("frames") * 10);
    assert_eq!(count("dark"), 0, "seed {seed}: {told:?}");
    assert!(count("captures") >= 20, "hardly anything was captured");
}
