//! What a tree of processes spends while it sends a picture, and what its peer has of it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use subrosa_tests::call::MOVED;
use subrosa_tests::figures::Figures;
use subrosa_tests::peer::{Link, Packet, difference, pictures};
use subrosa_tests::stage::{artefact, eventually};

use crate::cost::{spent, tree_of};

/// Before the measure: the estimate of the bandwidth has climbed, everything is loaded and compiled.
const WARM_UP: Duration = Duration::from_secs(15);

/// A sender at work: its processes, and the peer that it sends to.
pub struct Sender<'a> {
    /// What the picture of it is called among the artefacts.
    pub name: &'a str,
    /// The process that all others descend from.
    pub ancestor: u32,
    /// Names of processes that are not counted: what stands in for hardware.
    pub besides: &'a [&'a str],
    /// The peer's link.
    pub link: &'a Link,
    /// The payload type of the picture.
    pub payload: u8,
    /// When the first process was started.
    pub started: Instant,
}

/// What was measured of one sender in one round.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// CPU time of all processes, in percent of one core.
    pub cpu: f64,
    /// Frames that arrived, per second.
    pub rate: f64,
    /// CPU time for each of them, in ms.
    pub per_frame: f64,
    /// PSS of all processes, in MiB, at the end.
    pub memory: f64,
    /// Start of the first process → first packet of the picture, in s.
    pub first: f64,
    /// Start of the first process → the picture moves, in s.
    pub moves: f64,
    /// What arrived, in kbit/s.
    pub bits: f64,
    /// Sizes of the picture during the measure.
    pub sizes: BTreeSet<(u32, u32)>,
    /// How busy the whole machine was, in percent of all its cores.
    pub busy: f64,
}

impl Sender<'_> {
    fn look(&self) -> HashMap<u32, Figures> {
        tree_of(self.ancestor, self.besides)
    }

    fn packets(&self) -> Vec<Packet> {
        self.link.recording.packets().into_iter().filter(|packet| packet.payload_type == self.payload).collect()
    }

    /// Measures for some seconds, after the warm-up.
    pub fn measure(&self, seconds: u64) -> Outcome {
        eventually("a picture arrives", Duration::from_secs(60), || (!self.packets().is_empty()).then_some(()));
        std::thread::sleep(WARM_UP);
        let (before, machine, start) = (self.look(), Machine::now(), Instant::now());
        std::thread::sleep(Duration::from_secs(seconds));
        let (end, after, busy) = (Instant::now(), self.look(), Machine::now().busy_since(machine));
        let took = (end - start).as_secs_f64();
        let cpu = spent(&before, &after);
        let packets = self.packets();
        let measured: Vec<&Packet> = packets.iter().filter(|packet| packet.at >= start && packet.at < end).collect();
        let frames: HashSet<u32> = measured.iter().map(|packet| packet.timestamp).collect();
        let bytes: usize = measured.iter().map(|packet| packet.bytes.len()).sum();
        let since = |at: Option<Instant>| at.map_or(f64::NAN, |at| (at - self.started).as_secs_f64());
        Outcome {
            cpu: cpu.as_secs_f64() / took * 100.0,
            rate: frames.len() as f64 / took,
            per_frame: cpu.as_secs_f64() * 1000.0 / frames.len() as f64,
            memory: after.values().map(|figures| figures.pss_kib).sum::<u64>() as f64 / 1024.0,
            first: since(packets.first().map(|packet| packet.at)),
            moves: since(moves(&packets, self.payload)),
            bits: bytes as f64 * 8.0 / 1000.0 / took,
            sizes: watch(&packets, self.payload, start, self.name),
            busy,
        }
    }
}

/// Time of all cores so far (`/proc/stat`), in ticks.
#[derive(Clone, Copy)]
struct Machine {
    idle: u64,
    all: u64,
}

impl Machine {
    fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        let ticks: Vec<u64> =
            stat.lines().next().unwrap_or_default().split_whitespace().filter_map(|tick| tick.parse().ok()).collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are part of user.
        Machine { idle: ticks.iter().skip(3).take(2).sum(), all: ticks.iter().take(8).sum() }
    }

    fn busy_since(self, before: Machine) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        100.0 - self.idle.saturating_sub(before.idle) as f64 / all as f64 * 100.0
    }
}

/// When the first packet arrived of the first frame that differs from the very first: a card stands still.
fn moves(packets: &[Packet], payload: u8) -> Option<Instant> {
    let first = packets.first()?.at;
    let early: Vec<Packet> =
        packets.iter().take_while(|packet| packet.at - first < Duration::from_secs(8)).cloned().collect();
    let looks = pictures(&early, "H264", payload);
    let still = early.iter().find_map(|packet| looks.get(&packet.timestamp))?;
    let moved = |packet: &&Packet| looks.get(&packet.timestamp).is_some_and(|look| difference(still, look) > MOVED);
    early.iter().find(moved).map(|packet| packet.at)
}

/// Decodes what arrived, afterwards. Returns the sizes of the frames from `start` on, and keeps the last of them for people
/// to look at: a figure for a page that does not blur would be worth nothing.
fn watch(packets: &[Packet], payload: u8, start: Instant, name: &str) -> BTreeSet<(u32, u32)> {
    let description = format!(
        "appsrc name=in format=time caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=H264,payload={payload} \
         ! rtph264depay ! avdec_h264 ! appsink name=out sync=false"
    );
    let pipeline =
        gst::parse::launch(&description).expect("the decoder").downcast::<gst::Pipeline>().expect("a pipeline");
    let input = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let output = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).expect("the decoder runs");
    let begin = packets.first().map_or(start, |packet| packet.at);
    let time = |at: Instant| gst::ClockTime::from_nseconds(u64::try_from((at - begin).as_nanos()).unwrap_or(0));
    let feed: Vec<(gst::ClockTime, Vec<u8>)> =
        packets.iter().map(|packet| (time(packet.at), packet.bytes.clone())).collect();
    let feeder = std::thread::spawn(move || {
        for (at, bytes) in feed {
            let mut buffer = gst::Buffer::from_mut_slice(bytes);
            buffer.get_mut().unwrap().set_pts(at);
            if input.push_buffer(buffer).is_err() {
                break;
            }
        }
        let _ended = input.end_of_stream();
    });
    let mut sizes = BTreeSet::new();
    let mut last = None;
    while let Ok(sample) = output.pull_sample() {
        if sample.buffer().and_then(gst::BufferRef::pts).is_some_and(|pts| pts >= time(start)) {
            let info = sample.caps().and_then(|caps| gst_video::VideoInfo::from_caps(caps).ok());
            sizes.extend(info.map(|info| (info.width(), info.height())));
            last = Some(sample);
        }
    }
    let _panicked = feeder.join();
    let _stopped = pipeline.set_state(gst::State::Null);
    let png = gst::Caps::builder("image/png").build();
    let image =
        last.and_then(|last| gst_video::convert_sample(&last, &png, Some(gst::ClockTime::from_seconds(5))).ok());
    if let Some(Ok(bytes)) = image.as_ref().and_then(|image| image.buffer()).map(gst::BufferRef::map_readable) {
        let _unwritable = std::fs::write(artefact(&format!("kiosk-{name}.png")), bytes.as_slice());
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_busy_for_what_is_not_idle() {
        let (before, after) = (Machine { idle: 100, all: 1000 }, Machine { idle: 150, all: 1200 });
        assert!((after.busy_since(before) - 75.0).abs() < 1e-9);
        let now = Machine::now();
        assert!(now.all > now.idle, "the kernel says how busy it was");
    }
}
