//! The guard's own speed: from the edge of a switch to a closed device and a dark lamp, on simulated lines and, in the
//! virtual machine, on lines of the kernel.
//!
//! The reference is a program that does nothing else: it waits for the same kind of edge, closes the node's permission and
//! the file that it holds itself. The guard has two processes and a proof for that.

use std::fs::{self, File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use gpiocdev::line::EdgeDetection;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use subrosa_messages::Capture::{self, Camera, Microphone};
use subrosa_tests::devices::{Bench, Tier, monotonic, name};
use subrosa_tests::stage::tree;
use subrosa_tests::vm::{Boot, Chip, kernel, run_program};

use crate::report::Report;

const SIMULATED: &str = "simulated lines";

/// What was measured for each edge.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Edges {
    /// The program that does nothing else has closed.
    bare: Vec<Duration>,
    /// Media has read that its permit is taken back.
    told: Vec<Duration>,
    /// Media has closed the node.
    closed: Vec<Duration>,
    /// The guard has proved it and the lamp is dark.
    dark: Vec<Duration>,
}

pub fn run(report: &mut Report, edges: usize) {
    report.doing(&format!("{edges} edges on simulated lines"));
    let bench = Bench::start(Tier::Separate);
    add(report, SIMULATED, &measure(&bench, edges, false));
    drop(bench);
    if kernel().is_none() {
        report.note("No virtual machine (`make vm`): kernel lines were not measured.");
        return;
    }
    report.doing(&format!("{edges} edges on kernel lines, in the virtual machine"));
    let me = std::env::current_exe().expect("the path of this program");
    let ran =
        run_program(Boot::Bare, &format!("{} guard --inside --edges {edges}", me.display()), Duration::from_secs(300));
    let measured =
        ran.output.lines().find(|line| line.starts_with('{')).and_then(|line| serde_json::from_str(line).ok());
    match measured {
        Some(measured) => add(report, "gpio-sim, virtual machine", &measured),
        None => report.note(&format!("The virtual machine gave no figures: {:?}\n{}", ran.code, ran.output)),
    }
}

/// The same within the virtual machine; prints what was measured as one line of JSON.
pub fn inside(edges: usize) {
    const LINES: [&str; 7] = [
        "button",
        "reveal",
        "camera-shutter",
        "camera-live",
        "microphone-switch",
        "microphone-live",
        "microphone-muted",
    ];
    let chip = Chip::plug_in("switches", &LINES);
    for (line, level) in [("button", false), ("reveal", false), ("camera-shutter", true), ("microphone-switch", true)] {
        chip.pull(line, level);
    }
    let board = fs::read_to_string(tree().join("boards/sim.toml")).expect("the board of the simulated room");
    let board = board
        .replace("name = \"sim\"", "name = \"real\"")
        .replace("segmenter = \"sim\"", "segmenter = \"selfie\"")
        .replace("lines = \"sim\"", "lines = \"gpiochip\"\ngpiochip.labels = [\"switches\"]")
        .replace("-live\"", "-live\", bias = \"pull-up\"")
        .replace("-muted\"", "-muted\", bias = \"pull-down\"");
    let mut bench = Bench::prepare_on(chip, &board);
    bench.start_guard();
    bench.wait_dark();
    println!("{}", serde_json::to_string(&measure(&bench, edges, true)).expect("JSON"));
}

fn add(report: &mut Report, lines: &str, edges: &Edges) {
    // The virtual machine is no device: goals are for real time.
    let goal = |goal| (lines == SIMULATED).then_some(goal);
    let median = |times: &[Duration]| subrosa_tests::mute::percentile(times, 0.5).as_secs_f64();
    report.add_times(&format!("{lines}: a bare program, edge → closed"), &edges.bare, None);
    report.add_times(&format!("{lines}: edge → media is told"), &edges.told, goal(5.0));
    report.add_times(&format!("{lines}: edge → device closed"), &edges.closed, goal(50.0));
    report.add_times(&format!("{lines}: edge → proved, lamp dark"), &edges.dark, None);
    report.add(
        &format!("{lines}: edge → device closed, against the bare program (p50)"),
        median(&edges.closed) / median(&edges.bare),
        "×",
        None,
    );
}

/// The guard and the program that does nothing else take turns.
fn measure(bench: &Bench, edges: usize, kernel_lines: bool) -> Edges {
    let (_room, media) = bench.awake();
    media.obey();
    let bare = if kernel_lines { Bare::on_a_chip() } else { Bare::on_a_file() };
    let lamps = Lamps::watch(bench, kernel_lines);
    let mut measured = Edges::default();
    for edge in 0..edges {
        let capture = if edge % 2 == 0 { Microphone } else { Camera };
        measured.bare.push(bare.edge());
        media.may_ask(capture);
        media.capture(bench, capture);
        let mark = media.mark();
        let at = bench.switch(capture, false);
        let told = |told: &Value| told["heard"]["revoke"].is_object().then_some(());
        measured.told.push(media.wait_from(mark, "revoked", told).0 - at);
        let closed = |told: &Value| told["obeyed"].is_u64().then_some(());
        measured.closed.push(media.wait_from(mark, "closed", closed).0 - at);
        bench.wait_dark();
        measured.dark.extend(lamps.dark_since(at, capture));
        bench.switch(capture, true);
    }
    measured
}

/// Waits for changes of files in a folder; says of each when it was seen.
fn changes_of(folder: &Path) -> OwnedFd {
    let changes = inotify::init(CreateFlags::CLOEXEC).expect("inotify");
    inotify::add_watch(&changes, folder, WatchFlags::MODIFY).expect("a watch");
    changes
}

fn wait_for_a_change(changes: &OwnedFd) {
    let mut events = [0; 4096];
    let _read = rustix::io::read(changes, &mut events).expect("a change");
}

/// A program that does nothing else.
struct Bare {
    _folder: tempfile::TempDir,
    line: BareLine,
    node: PathBuf,
    /// Files to hold, and when they were closed.
    held: std::sync::mpsc::Sender<File>,
    closed: Receiver<Duration>,
}

enum BareLine {
    File(PathBuf),
    Chip(Chip),
}

impl Bare {
    fn on_a_file() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let line = folder.path().join("lines/switch");
        fs::create_dir(folder.path().join("lines")).expect("a folder");
        fs::write(&line, "1").expect("a line");
        let changes = changes_of(&folder.path().join("lines"));
        let of = line.clone();
        Bare::start(folder, BareLine::File(line), move || {
            loop {
                wait_for_a_change(&changes);
                if fs::read(&of).is_ok_and(|level| level == b"0") {
                    break;
                }
            }
        })
    }

    fn on_a_chip() -> Self {
        let chip = Chip::plug_in("reference", &["switch"]);
        chip.pull("switch", true);
        let mut request = gpiocdev::Request::builder();
        request.on_chip(chip.node()).with_line(0).as_input().with_edge_detection(EdgeDetection::BothEdges);
        let request = request.request().expect("a line that nobody uses");
        let folder = tempfile::tempdir().expect("a folder");
        Bare::start(folder, BareLine::Chip(chip), move || {
            loop {
                let _edge = request.read_edge_event().expect("an edge");
                if request.value(0).is_ok_and(|level| level == gpiocdev::line::Value::Inactive) {
                    break;
                }
            }
        })
    }

    fn start(folder: tempfile::TempDir, line: BareLine, wait: impl Fn() + Send + 'static) -> Self {
        let node = folder.path().join("node");
        fs::write(&node, "").expect("a node");
        let (held, files) = channel::<File>();
        let (told, closed) = channel();
        let of = node.clone();
        thread::spawn(move || {
            for file in files {
                wait();
                fs::set_permissions(&of, Permissions::from_mode(0o400)).expect("the node's mode");
                drop(file);
                let _nobody = told.send(monotonic());
            }
        });
        Bare { _folder: folder, line, node, held, closed }
    }

    fn set(&self, high: bool) -> Duration {
        match &self.line {
            BareLine::File(line) => {
                let file = fs::OpenOptions::new().write(true).open(line).expect("a line");
                let now = monotonic();
                std::os::unix::fs::FileExt::write_all_at(&file, if high { b"1" } else { b"0" }, 0).expect("a line");
                now
            }
            BareLine::Chip(chip) => {
                let now = monotonic();
                chip.pull("switch", high);
                now
            }
        }
    }

    /// From an edge until it has closed.
    fn edge(&self) -> Duration {
        self.held.send(File::open(&self.node).expect("the node")).expect("a program");
        // It must be asleep, as the guard is.
        thread::sleep(Duration::from_millis(20));
        let edge = self.set(false);
        let closed = self.closed.recv().expect("a program");
        self.set(true);
        closed - edge
    }
}

/// When a lamp went dark.
struct Lamps {
    /// `None` on lines of the kernel: they tell nobody but who holds them.
    seen: Option<Receiver<(Capture, Duration)>>,
}

impl Lamps {
    fn watch(bench: &Bench, kernel_lines: bool) -> Self {
        if kernel_lines {
            return Lamps { seen: None };
        }
        let (tell, seen) = channel();
        let folder = bench.run.sim_lines();
        let changes = changes_of(&folder);
        thread::spawn(move || {
            loop {
                wait_for_a_change(&changes);
                let now = monotonic();
                for capture in Capture::ALL {
                    let lamp = folder.join(format!("{}-live", name(capture)));
                    if fs::read(lamp).is_ok_and(|level| level == b"0") && tell.send((capture, now)).is_err() {
                        return;
                    }
                }
            }
        });
        Lamps { seen: Some(seen) }
    }

    /// From this edge until the lamp was first seen dark.
    fn dark_since(&self, edge: Duration, capture: Capture) -> Option<Duration> {
        let seen = self.seen.as_ref()?;
        while let Ok((of, at)) = seen.recv_timeout(Duration::from_secs(1)) {
            if of == capture && at > edge {
                return Some(at - edge);
            }
        }
        None
    }
}
