//! What a call costs: processor, memory, threads, wake-ups, and what many joins leave behind.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use subrosa_tests::call::Call;
use subrosa_tests::figures::{Figures, descendants};
use subrosa_tests::peer::{Guest, LinkPlan, Peer};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{eventually, tree};

use crate::report::Report;

pub const ENCODER: &str = "encoder alone, 720p30";
/// Joins before the first look: what is made once and kept is there, and the allocator has its share.
const SETTLING: usize = 25;
const PROCESSES: [&str; 3] = ["guard", "media", "room"];

/// CPU of `gst-launch-1.0` running a description for some seconds, in percent of one core.
fn launched(description: &str, seconds: u64) -> f64 {
    let mut child = Command::new("gst-launch-1.0")
        .arg("-q")
        .args(description.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("gst-launch-1.0");
    std::thread::sleep(Duration::from_secs(2)); // plug-ins are loaded
    let cpu = |pid| Figures::of(pid).map_or(Duration::ZERO, |figures| figures.cpu);
    let (before, start) = (cpu(child.id()), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let used = cpu(child.id()).saturating_sub(before);
    let percent = used.as_secs_f64() / start.elapsed().as_secs_f64() * 100.0;
    let _gone = child.kill();
    let _gone = child.wait();
    percent
}

/// The reference: the same encoder with the same settings on the same pictures, and nothing around it. What its source
/// costs is measured by itself and taken off. In percent of a core, at 30 frames a second.
pub fn reference(report: &mut Report, seconds: u64) -> f64 {
    report.doing("the encoder alone");
    let data = tree().join("data/camera.mjpeg");
    let source = if data.is_file() {
        // The loop is shorter than the measure, so that it is read over and over.
        format!(
            "multifilesrc location={} loop=true ! image/jpeg,framerate=30/1 ! jpegparse ! jpegdec ! videoconvert",
            data.display()
        )
    } else {
        "videotestsrc pattern=smpte is-live=true".to_owned()
    };
    let raw = "video/x-raw,format=I420,width=1280,height=720,framerate=30/1";
    let encoder = "x264enc tune=zerolatency speed-preset=superfast bframes=0 byte-stream=true cabac=false dct8x8=false vbv-buf-capacity=300 \
                   bitrate=2500 key-int-max=3000 ! video/x-h264,stream-format=byte-stream,alignment=au,profile=constrained-baseline";
    let alone = launched(&format!("{source} ! {raw} ! fakesink sync=true"), seconds);
    let with = launched(&format!("{source} ! {raw} ! {encoder} ! fakesink sync=true"), seconds);
    report.add(ENCODER, with - alone, "% of a core", None);
    with - alone
}

fn family(room: &Room) -> Vec<(&'static str, u32)> {
    PROCESSES.iter().map(|process| (*process, room.pid(process))).collect()
}

/// What the three processes took over some time.
pub struct Span {
    /// All of them, in percent of a core.
    pub cpu: f64,
    /// Media alone.
    pub media: f64,
    wakeups: f64,
}

/// Looks at a room for some seconds.
pub fn over(room: &Room, seconds: u64) -> Span {
    let family = family(room);
    let look = || -> Vec<Figures> { family.iter().map(|(_, pid)| Figures::of(*pid).unwrap_or_default()).collect() };
    let (before, start) = (look(), Instant::now());
    std::thread::sleep(Duration::from_secs(seconds));
    let (after, took) = (look(), start.elapsed().as_secs_f64());
    let mut span = Span { cpu: 0.0, media: 0.0, wakeups: 0.0 };
    for ((before, after), (process, _)) in before.iter().zip(&after).zip(&family) {
        let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64() / took * 100.0;
        span.cpu += cpu;
        if *process == "media" {
            span.media = cpu;
        }
        span.wakeups += after.wakeups.saturating_sub(before.wakeups) as f64 / took;
    }
    span
}

/// A process and all that descend from it; those with these names are not counted.
pub fn tree_of(ancestor: u32, besides: &[&str]) -> HashMap<u32, Figures> {
    let family = descendants(ancestor).into_iter().filter(|process| !besides.contains(&process.name.as_str()));
    let pids = family.map(|process| process.pid).chain([ancestor]);
    pids.filter_map(|pid| Some((pid, Figures::of(pid)?))).collect()
}

/// CPU time of all of them between two looks.
pub fn spent(before: &HashMap<u32, Figures>, after: &HashMap<u32, Figures>) -> Duration {
    let of =
        |(pid, figures): (&u32, &Figures)| figures.cpu.saturating_sub(before.get(pid).copied().unwrap_or_default().cpu);
    after.iter().map(of).sum()
}

fn sizes(report: &mut Report, room: &Room, when: &str, goal: Option<f64>) {
    let all: Vec<Figures> = family(room).iter().filter_map(|(_, pid)| Figures::of(*pid)).collect();
    report.add(
        &format!("PSS of the three processes, {when}"),
        all.iter().map(|one| one.pss_kib).sum::<u64>() as f64 / 1024.0,
        "MiB",
        goal,
    );
    report.add(&format!("threads, {when}"), all.iter().map(|one| one.threads).sum::<u64>() as f64, "", None);
}

/// The three processes asleep, awake, and with a guest who looks and listens.
pub fn processes(report: &mut Report, seconds: u64) {
    report.doing("the processes, asleep and awake without a guest");
    {
        let room = Room::start(Plan::default());
        std::thread::sleep(Duration::from_secs(10)); // encoder trials and keys are done
        let asleep = over(&room, seconds.max(20));
        report.add("wake-ups a second, asleep", asleep.wakeups, "", Some(2.0));
        report.add("processor, asleep", asleep.cpu, "% of a core", None);
        sizes(report, &room, "asleep", Some(80.0));
        let _invitation = room.wake();
        std::thread::sleep(Duration::from_secs(3));
        let awake = over(&room, seconds);
        report.add_against("three processes, 0 guests", awake.cpu, "% of a core", ENCODER);
    }
    report.doing("the processes with a guest");
    let guest = Guest { link: LinkPlan { keeps: false, ..LinkPlan::default() }, ..Guest::default() };
    let call = Call::begin(guest);
    std::thread::sleep(Duration::from_secs(15)); // the bandwidth estimate has climbed
    let span = over(&call.room, seconds);
    report.add_against("three processes, 1 guest", span.cpu, "% of a core", ENCODER);
    report.add_against("of that, media", span.media, "% of a core", ENCODER);
    sizes(report, &call.room, "with a guest", None);
    drop(call);
    report.doing("the processes with a guest who sends picture and sound");
    let guest =
        Guest { link: LinkPlan { keeps: false, sends: Some(0xff30_60a0), ..LinkPlan::default() }, ..Guest::default() };
    let call = Call::begin(guest);
    std::thread::sleep(Duration::from_secs(15));
    report.add_against("three processes, 1 guest who sends", over(&call.room, seconds).cpu, "% of a core", ENCODER);
}

/// Many guests, one after the other.
pub fn joins(report: &mut Report, joins: usize) {
    if joins == 0 {
        return;
    }
    report.doing(&format!("{joins} joins and leaves"));
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let guest = Guest { link: LinkPlan { keeps: false, ..LinkPlan::default() }, ..Guest::default() };
    let once = || {
        let peer = Peer::ask(&invitation, &guest);
        room.sim.press();
        let link = peer.connected(Duration::from_secs(10));
        assert!(link.recording.wait_for_frame(0, Duration::from_secs(10), |_| true).is_some(), "a picture");
        peer.leave();
        eventually("the room is empty", Duration::from_secs(10), || {
            (room.status()["guests"] == 0 && !room.sim.lit(Line::CameraLive)).then_some(())
        });
    };
    for _ in 0..SETTLING {
        once();
    }
    std::thread::sleep(Duration::from_secs(2));
    let before: Vec<(&str, u32, Figures)> =
        family(&room).into_iter().map(|(process, pid)| (process, pid, Figures::of(pid).unwrap_or_default())).collect();
    for _ in 0..joins {
        once();
    }
    std::thread::sleep(Duration::from_secs(2));
    for (process, pid, before) in before {
        let after = Figures::of(pid).unwrap_or_default();
        assert!(after.pss_kib > 0, "{process} died during the joins");
        let after_joins = |what: &str| format!("{process} after {joins} more joins: {what}");
        let mib = |kib: u64| kib as f64 / 1024.0;
        report.add(&format!("{process} after {SETTLING} joins: PSS"), mib(before.pss_kib), "MiB", None);
        report.add(&after_joins("PSS"), mib(after.pss_kib), "MiB", None);
        report.add(&after_joins("threads more"), after.threads as f64 - before.threads as f64, "", Some(0.0));
        report.add(
            &after_joins("descriptors more"),
            after.descriptors as f64 - before.descriptors as f64,
            "",
            Some(0.0),
        );
    }
}
