//! Finding people: CPU time of our engine with each kind of instructions that the processor has, against LiteRT with XNNPACK on one
//! thread, in turns in the same run; and how far the masks are apart.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use gstreamer as gst;
use subrosa_blur::composition::thumbnail;
use subrosa_blur::picture::{Layout, Picture};
use subrosa_blur::segmenter::Segmenter;
use subrosa_blur::selfie::Selfie;
use subrosa_blur::thumbnail::Thumbnail;
use subrosa_tests::stage::tree;

use crate::blur::{COLOURS, add, cpu_time, frame, model, set_up, spread};
use crate::report::Report;

/// Turns of ours and theirs, and runs of each in a turn.
const TURNS: usize = 10;
const RUNS: usize = 40;
/// Photographs on which masks are compared, from `setup/photographs.sh`.
const PHOTOGRAPHS: [&str; 5] = ["zidane.jpg", "bus.jpg", "group.jpg", "astronaut.png", "carphone_pristine.mp4"];
/// The faster form of theirs.
const THEIRS: &str = "inference, LiteRT with XNNPACK, model rewritten for it";

/// LiteRT in a process of its own.
struct LiteRt {
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl LiteRt {
    /// Loads the model and makes the mask of the picture in the folder.
    fn start(python: &str, folder: &Path) -> LiteRt {
        let mut process = Command::new(python)
            .args([&tree().join("tests/src/bench/litert.py"), &model()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python");
        let (ask, answers) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let mut this = LiteRt { process, ask, answers };
        assert_eq!(this.answer().trim(), "ready", "LiteRT did not start");
        this
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line
    }

    /// CPU times in ms of so many runs: of the model as it is, and rewritten.
    fn measure(&mut self, runs: usize) -> [Vec<f64>; 2] {
        writeln!(self.ask, "{runs}").unwrap();
        let times: serde_json::Value = serde_json::from_str(&self.answer()).expect("LiteRT's figures");
        ["as it is", "rewritten"]
            .map(|name| times[name].as_array().unwrap().iter().filter_map(|ms| ms.as_f64()).collect())
    }
}

impl Drop for LiteRt {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A photograph as the model takes it.
fn picture(path: &Path, size: (usize, usize)) -> Vec<[f32; 3]> {
    let mut data = frame(path, (1280, 720));
    let (luma, colours) = data.split_at_mut(1280 * 720);
    let (cb, cr) = colours.split_at_mut(640 * 360);
    let picture = Picture::new(Layout::I420, (1280, 720), COLOURS, [(luma, 1280), (cb, 640), (cr, 640)]).unwrap();
    let (mut small, mut pixels) = (Thumbnail::default(), Vec::new());
    thumbnail(&picture, &mut small);
    small.rgb(COLOURS, size, &mut pixels);
    pixels
}

fn numbers(path: &Path) -> Vec<f32> {
    std::fs::read(path).unwrap().as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect()
}

/// Intersection over union of what is more person than background.
fn overlap(one: &[f32], other: &[f32]) -> f64 {
    let count =
        |both: fn(bool, bool) -> bool| one.iter().zip(other).filter(|(a, b)| both(**a > 0.5, **b > 0.5)).count();
    count(|a, b| a && b) as f64 / count(|a, b| a || b).max(1) as f64
}

/// How far our masks are from LiteRT's, then both one's times.
pub fn against_litert(report: &mut Report) {
    gst::init().expect("GStreamer");
    set_up("photographs.sh");
    let python = set_up("blur-reference.sh");
    let folder = tempfile::tempdir().expect("a folder");
    let file = std::fs::read(model()).expect("the model: `make data` fetches it");
    let mut ours = Selfie::each(&file).expect("the model");
    let size = ours[0].size();
    let mut mask = vec![0.0; size.0 * size.1];

    report.doing("finding people: our masks and LiteRT's");
    let (mut least_overlap, mut furthest) = (1.0_f64, 0.0_f32);
    let mut last = None;
    for name in PHOTOGRAPHS {
        let pixels = picture(&tree().join("data/photographs").join(name), size);
        let bytes: Vec<u8> = pixels.as_flattened().iter().flat_map(|number| number.to_le_bytes()).collect();
        std::fs::write(folder.path().join("picture"), bytes).unwrap();
        let litert = LiteRt::start(&python, folder.path());
        let theirs = numbers(&folder.path().join("as it is"));
        assert_eq!(theirs, numbers(&folder.path().join("rewritten")), "the rewritten model computes something else");
        for selfie in &mut ours {
            selfie.segment(&pixels, &mut mask).unwrap();
            least_overlap = least_overlap.min(overlap(&mask, &theirs));
            furthest = mask.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(furthest, f32::max);
        }
        last = Some((pixels, litert));
    }
    report.add("least IoU of our masks and LiteRT's, 5 photographs", least_overlap, "", None);
    report.add("largest difference of them, of 1000", f64::from(furthest) * 1000.0, "‰", None);

    report.doing("finding people: times");
    let (pixels, mut litert) = last.unwrap();
    let mut times = vec![Vec::new(); ours.len()];
    let mut theirs = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (selfie, times) in ours.iter_mut().zip(&mut times) {
            for _ in 0..RUNS {
                let start = cpu_time();
                selfie.segment(&pixels, &mut mask).unwrap();
                times.push((cpu_time() - start).as_secs_f64() * 1000.0);
            }
        }
        for (all, some) in theirs.iter_mut().zip(litert.measure(RUNS)) {
            all.extend(some);
        }
    }
    let [plain, rewritten] = theirs.map(spread);
    add(report, "inference, LiteRT with XNNPACK, model as it is", plain);
    add(report, THEIRS, rewritten);
    for (selfie, times) in ours.iter().zip(times) {
        let figures = spread(times);
        let name = format!("inference, ours, {}", selfie.instructions());
        add(report, &name, figures);
        for (what, at) in [("medians", 1), ("least", 0)] {
            report.add(&format!("{name} : rewritten, {what}"), figures[at] / rewritten[at], "×", None);
        }
    }
}
