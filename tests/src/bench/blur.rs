//! Hiding the background: CPU time of the whole path and of its stages, against MediaPipe with OpenCV in the same run.
//!
//! One thread, a photograph with two people (I420), no GStreamer around it, so that the same is compared. The comparison infers
//! with every frame; ours is shown for every frame and for every second one, which is what the element does.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use subrosa_blur::composition::{Background, Composition, thumbnail};
use subrosa_blur::picture::{Colours, Layout, Matrix, Picture};
use subrosa_blur::segmenter::Segmenter;
use subrosa_blur::selfie::Selfie;
use subrosa_blur::smoothing::{Cover, Smoothing};
use subrosa_blur::thumbnail::Thumbnail;
use subrosa_tests::stage::tree;

use crate::report::Report;

/// What the frames are in.
pub const COLOURS: Colours = Colours { matrix: Matrix::Bt601, full_range: false };
const FRAMES: usize = 200;
/// Frames of each variant of the comparison: some take a tenth of a second.
const THEIRS: usize = 40;

/// The segmentation model, as `make data` puts it.
pub fn model() -> PathBuf {
    tree().join("data/selfie_segmentation_landscape.tflite")
}

/// Runs a set-up script of the tree; what it prints.
pub fn set_up(script: &str) -> String {
    let output = Command::new(tree().join("setup").join(script)).stderr(Stdio::inherit()).output().expect("a shell");
    assert!(output.status.success(), "setup/{script} failed");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A photograph as a tight I420 frame of this size.
pub fn frame(path: &std::path::Path, (width, height): (usize, usize)) -> Vec<u8> {
    let line = format!(
        "filesrc location={} ! decodebin ! videoconvertscale ! \
         video/x-raw,format=I420,width={width},height={height},colorimetry=bt601 ! appsink name=out",
        path.display()
    );
    let pipeline = gst::parse::launch(&line).expect("GStreamer").downcast::<gst::Pipeline>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let sample = sink.try_pull_sample(gst::ClockTime::from_seconds(20)).expect("a photograph");
    pipeline.set_state(gst::State::Null).unwrap();
    sample.buffer().unwrap().map_readable().unwrap().to_vec()
}

pub fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Least, median and 95th percentile.
pub fn spread(mut times: Vec<f64>) -> [f64; 3] {
    times.sort_by(f64::total_cmp);
    [times[0], times[times.len() / 2], times[times.len() * 95 / 100]]
}

pub fn add(report: &mut Report, what: &str, [least, median, high]: [f64; 3]) {
    report.add(&format!("{what}, median"), median, "ms", None);
    report.add(&format!("{what}, least"), least, "ms", None);
    report.add(&format!("{what}, p95"), high, "ms", None);
}

/// CPU time of each stage and of whole frames; the medians and minima for every frame and for every second one.
fn ours(report: &mut Report, lines: usize, photograph: &std::path::Path) -> [[f64; 3]; 2] {
    let size = (lines * 16 / 9, lines);
    let original = frame(photograph, size);
    let mut data = original.clone();
    let mut segmenter = Selfie::open(&model()).expect("the model: `make data` fetches it");
    let mask_size = segmenter.size();
    let mut mask = vec![0.0; mask_size.0 * mask_size.1];
    let (mut small, mut pixels) = (Thumbnail::default(), Vec::new());
    let (mut smoothing, mut cover, mut composition) = (Smoothing::default(), Cover::default(), Composition::default());
    let names = ["thumbnail", "the model's input", "inference", "smoothing and cover", "blur and mixing"];
    let mut totals = [Vec::new(), Vec::new()];
    for (every, totals) in [1, 2].into_iter().zip(&mut totals) {
        let mut stages = vec![Vec::new(); names.len()];
        let mut pair = 0.0;
        for turn in 0..FRAMES {
            data.copy_from_slice(&original);
            let (luma, colours) = data.split_at_mut(size.0 * size.1);
            let (cb, cr) = colours.split_at_mut(size.0 * size.1 / 4);
            let planes = [(luma, size.0), (cb, size.0 / 2), (cr, size.0 / 2)];
            let mut picture = Picture::new(Layout::I420, size, COLOURS, planes).unwrap();
            let start = cpu_time();
            let mut last = start;
            let mut stage = |at: usize| {
                let now = cpu_time();
                stages[at].push((now - last).as_secs_f64() * 1000.0);
                last = now;
            };
            thumbnail(&picture, &mut small);
            stage(0);
            if turn % every == 0 {
                small.rgb(COLOURS, mask_size, &mut pixels);
                stage(1);
                segmenter.segment(&pixels, &mut mask).unwrap();
                stage(2);
                smoothing.follow(&mask);
                cover.make(smoothing.values(), mask_size, 0);
                stage(3);
            }
            let background = Background::Blurred { thumbnail: &small, sigma: 0.018, coarse: false };
            composition.compose(&mut picture, &cover, background).unwrap();
            stage(4);
            pair += (cpu_time() - start).as_secs_f64() * 1000.0;
            if turn % every == every - 1 {
                totals.push(pair / every as f64);
                pair = 0.0;
            }
        }
        if every == 1 {
            for (name, times) in names.iter().zip(stages) {
                add(report, &format!("{lines}p, {name}"), spread(times));
            }
        }
    }
    totals.map(spread)
}

/// The whole path at both sizes.
pub fn whole(report: &mut Report) {
    gst::init().expect("GStreamer");
    set_up("photographs.sh");
    let python = set_up("blur-reference.sh");
    let photograph = tree().join("data/photographs/zidane.jpg");
    report.doing("hiding the background, ours");
    let ours: Vec<_> = [720, 1080].map(|lines| (lines, ours(report, lines, &photograph))).into();
    report.doing("hiding the background, MediaPipe and OpenCV");
    let output = Command::new(python)
        .arg(tree().join("tests/src/bench/blur.py"))
        .arg(&photograph)
        .arg(THEIRS.to_string())
        .stderr(Stdio::null())
        .output()
        .expect("Python");
    let theirs: Vec<serde_json::Value> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert!(output.status.success() && theirs.len() == 6, "MediaPipe did not run");
    for (lines, [every, second]) in &ours {
        let of_size = theirs.iter().filter(|line| line["lines"] == *lines);
        let all: Vec<(String, [f64; 3])> = of_size
            .map(|line| {
                let times = line["ms"].as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
                (format!("{lines}p, MediaPipe, {}", line["name"].as_str().unwrap()), spread(times))
            })
            .collect();
        for (name, figures) in &all {
            add(report, name, *figures);
        }
        let cheapest = all.iter().min_by(|one, other| one.1[1].total_cmp(&other.1[1])).unwrap();
        for (what, figures) in [("a mask for every frame", every), ("a mask for every second frame", second)] {
            add(report, &format!("{lines}p, ours, {what}"), *figures);
            report.add(
                &format!("{lines}p, the cheapest of theirs : ours, {what}, medians"),
                cheapest.1[1] / figures[1],
                "×",
                None,
            );
        }
    }
}
