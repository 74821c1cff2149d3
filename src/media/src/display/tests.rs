//! The screen with guests in front of their cameras.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::StreamProducer;
use gstreamer_utils::streamproducer::ProducerSettings;
use gstreamer_video as gst_video;
use subrosa_messages::frame as framing;
use subrosa_messages::media::{Codec, LinkId, MediaToRoom, Mid, TrackId};
use subrosa_messages::outputs::Output;

use super::*;
use crate::inbound::Meter;

const SCREEN: Size = Size { width: 320, height: 180 };
const WHOLE: Rectangle = Rectangle { x: 0, y: 0, width: 320, height: 180 };

struct Room {
    folder: tempfile::TempDir,
    display: Display,
    timebase: Timebase,
    said: Receiver<MediaToRoom>,
}

impl Room {
    fn new() -> Self {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("sim")).unwrap();
        let timebase = Timebase::start();
        let (notify, said) = mpsc::channel();
        let notify: Notify = Arc::new(move |word| {
            let _ended = notify.send(word);
        });
        let run = RunDir::new(folder.path());
        let display = Display::new(&subrosa_board::Screen::Sim, &run, SCREEN, &timebase, notify).unwrap();
        Room { folder, display, timebase, said }
    }

    /// What the simulated screen shows.
    fn screen(&self) -> Receiver<Vec<u8>> {
        let path = RunDir::new(self.folder.path()).sim_outputs();
        let _gone = fs::remove_file(&path);
        let listener = UnixListener::bind(path).unwrap();
        let (sender, pictures) = mpsc::channel();
        thread::spawn(move || {
            let Ok((mut socket, _)) = listener.accept() else { return };
            let mut decoder = framing::Decoder::<Output>::default();
            while let Ok(Some(frame)) = framing::read(&mut socket, &mut decoder) {
                assert_eq!(frame.message, Output::Screen);
                if sender.send(frame.body).is_err() {
                    return;
                }
            }
        });
        pictures
    }

    fn show(&self, guest: &Guest, place: Rectangle) {
        self.display.show(vec![(guest.inbound.clone(), place)]);
    }

    fn told_moving(&self, guest: &Guest) -> bool {
        match self.said.recv_timeout(Duration::from_secs(5)).unwrap() {
            MediaToRoom::Picture { track, moving } if track == guest.inbound.track => moving,
            other => panic!("{other:?}"),
        }
    }
}

/// A guest whose camera sees one colour.
struct Guest {
    pipeline: gst::Pipeline,
    inbound: Inbound,
    /// How often a key frame was asked for.
    asked: Arc<AtomicU32>,
}

const VP8: &str = "vp8enc deadline=1 cpu-used=8 keyframe-max-dist=100000 threads=1";
const H264: &str = "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=100000 threads=1 bframes=0 ! \
                    video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au";

impl Guest {
    fn new(link: u64, codec: Codec, colour: u32, size: (u32, u32), timebase: &Timebase) -> Self {
        let encoder = if codec == Codec::Vp8 { VP8 } else { H264 };
        let pipeline = gst::parse::launch(&format!(
            "videotestsrc name=camera is-live=true pattern=solid-color foreground-color={colour} ! \
             video/x-raw,format=I420,framerate=30/1 ! videoscale ! \
             capsfilter name=size caps=video/x-raw,width={},height={} ! valve name=valve ! {encoder} ! appsink name=sink",
            size.0, size.1
        ))
        .unwrap()
        .downcast::<gst::Pipeline>()
        .unwrap();
        timebase.rule(&pipeline);
        let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let count = asked.clone();
        sink.static_pad("sink").unwrap().add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            if info.event().is_some_and(|event| gst_video::UpstreamForceKeyUnitEvent::parse(event).is_ok()) {
                count.fetch_add(1, Ordering::SeqCst);
            }
            gst::PadProbeReturn::Ok
        });
        let producer = StreamProducer::with(&sink, ProducerSettings { sync: false });
        pipeline.set_state(gst::State::Playing).unwrap();
        let track = TrackId { link: LinkId(link), mid: Mid("guest-video".to_owned()) };
        Guest { pipeline, inbound: Inbound { track, codec, producer, meter: Meter::default() }, asked }
    }

    fn red(codec: Codec, room: &Room) -> Self {
        Guest::new(1, codec, 0xffff_0000, (160, 120), &room.timebase)
    }

    fn pause(&self) {
        self.pipeline.by_name("valve").unwrap().set_property("drop", true);
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.pipeline.set_state(gst::State::Null).unwrap();
    }
}

/// Decodes a JPEG; RGB rows of the screen's size.
fn decode(jpeg: Vec<u8>) -> Vec<[u8; 3]> {
    let pipeline = gst::parse::launch(
        "appsrc name=in caps=image/jpeg ! jpegdec ! capssetter replace=false caps=video/x-raw,colorimetry=(string)1:4:0:0 ! \
         videoconvert ! video/x-raw,format=RGB ! appsink name=out sync=false",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    let source = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    source.push_buffer(gst::Buffer::from_mut_slice(jpeg)).unwrap();
    source.end_of_stream().unwrap();
    let sample = sink.pull_sample().unwrap();
    let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
    assert_eq!((info.width(), info.height()), (SCREEN.width, SCREEN.height));
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &info).unwrap();
    let stride = usize::try_from(info.stride()[0]).unwrap();
    let pixels = frame
        .plane_data(0)
        .unwrap()
        .chunks(stride)
        .flat_map(|row| row[..SCREEN.width as usize * 3].chunks(3).map(|p| [p[0], p[1], p[2]]))
        .collect();
    pipeline.set_state(gst::State::Null).unwrap();
    pixels
}

fn at(pixels: &[[u8; 3]], x: usize, y: usize) -> [u8; 3] {
    pixels[y * SCREEN.width as usize + x]
}

fn is_near(pixel: [u8; 3], wanted: [u8; 3]) -> bool {
    pixel.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 12)
}

/// An overlay of one colour on the left half, nothing on the right.
fn left_half(rgba: [u8; 4]) -> Vec<u8> {
    (0..SCREEN.height).flat_map(|_| (0..SCREEN.width).flat_map(|x| if x < 160 { rgba } else { [0; 4] })).collect()
}

/// Waits until the screen looks as wanted.
fn wait_for(pictures: &Receiver<Vec<u8>>, wanted: impl Fn(&[[u8; 3]]) -> bool) -> Vec<[u8; 3]> {
    let start = Instant::now();
    loop {
        let mut jpeg = pictures.recv_timeout(Duration::from_secs(5)).expect("the screen never looked as wanted");
        while let Ok(newer) = pictures.try_recv() {
            jpeg = newer;
        }
        let pixels = decode(jpeg);
        if wanted(&pixels) {
            return pixels;
        }
        assert!(start.elapsed() < Duration::from_secs(6), "the screen never looked as wanted");
    }
}

const RED: [u8; 3] = [255, 0, 0];
const GREEN: [u8; 3] = [0, 255, 0];
const BLACK: [u8; 3] = [0, 0, 0];

#[test]
fn the_overlay_is_shown_at_once_and_then_nothing_is_sent() {
    let room = Room::new();
    let pictures = room.screen();
    pictures.recv_timeout(Duration::from_secs(2)).unwrap();
    for colour in [[0, 255, 0, 255], [255, 0, 0, 255], [0, 0, 255, 255]] {
        let start = Instant::now();
        room.display.overlay(SCREEN, left_half(colour));
        let jpeg = pictures.recv_timeout(Duration::from_secs(1)).unwrap();
        assert!(start.elapsed() < Duration::from_millis(300), "{:?}", start.elapsed());
        let pixels = decode(jpeg);
        assert!(is_near(at(&pixels, 80, 90), [colour[0], colour[1], colour[2]]), "{:?}", at(&pixels, 80, 90));
        assert!(is_near(at(&pixels, 240, 90), BLACK));
    }
    assert!(pictures.recv_timeout(Duration::from_millis(500)).is_err(), "the screen is sent though nothing changed");
}

fn a_guest_is_seen(codec: Codec) {
    let room = Room::new();
    let pictures = room.screen();
    let guest = Guest::red(codec, &room);
    // Long after its only key frame.
    thread::sleep(Duration::from_millis(500));
    room.display.overlay(SCREEN, left_half([0, 255, 0, 255]));
    room.show(&guest, WHOLE);
    let start = Instant::now();
    assert!(room.told_moving(&guest));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(guest.asked.load(Ordering::SeqCst) >= 1);

    let pixels = wait_for(&pictures, |pixels| is_near(at(pixels, 240, 90), RED));
    // 4:3 inside 16:9: 40 pixels are left on each side; the overlay covers the left half.
    assert!(is_near(at(&pixels, 290, 90), BLACK) && is_near(at(&pixels, 80, 90), GREEN));

    pictures.try_iter().for_each(drop);
    thread::sleep(Duration::from_secs(1));
    let sent = pictures.try_iter().count();
    assert!((5..=16).contains(&sent), "{sent} pictures a second");

    guest.pause();
    let stopped = Instant::now();
    assert!(!room.told_moving(&guest));
    let took = stopped.elapsed();
    assert!(took > Duration::from_millis(1500) && took < Duration::from_millis(4000), "{took:?}");
    wait_for(&pictures, |pixels| is_near(at(pixels, 240, 90), BLACK));
    assert!(pictures.recv_timeout(Duration::from_millis(500)).is_err());
}

#[test]
fn a_guest_who_sends_vp8_is_seen_in_place_and_not_frozen_when_gone() {
    a_guest_is_seen(Codec::Vp8);
}

#[test]
fn a_guest_who_sends_h264_is_seen_in_place_and_not_frozen_when_gone() {
    a_guest_is_seen(Codec::H264);
}

#[test]
fn only_what_is_shown_is_decoded() {
    let room = Room::new();
    let pictures = room.screen();
    let (red, green) =
        (Guest::red(Codec::Vp8, &room), Guest::new(2, Codec::Vp8, 0xff00_ff00, (160, 90), &room.timebase));
    let half = |x| Rectangle { x, y: 0, width: 160, height: 180 };
    room.display.show(vec![(red.inbound.clone(), half(0)), (green.inbound.clone(), half(160))]);
    wait_for(&pictures, |pixels| is_near(at(pixels, 80, 90), RED) && is_near(at(pixels, 240, 90), GREEN));
    room.show(&green, WHOLE);
    let pixels = wait_for(&pictures, |pixels| is_near(at(pixels, 80, 90), GREEN));
    assert!(is_near(at(&pixels, 240, 90), GREEN));
    let said: Vec<MediaToRoom> = room.said.try_iter().collect();
    assert!(said.contains(&MediaToRoom::Picture { track: red.inbound.track.clone(), moving: false }), "{said:?}");
    room.display.show(Vec::new());
    wait_for(&pictures, |pixels| is_near(at(pixels, 80, 90), BLACK));
}

#[test]
fn a_guest_may_change_size_in_mid_call() {
    let room = Room::new();
    let pictures = room.screen();
    let guest = Guest::red(Codec::Vp8, &room);
    room.show(&guest, WHOLE);
    wait_for(&pictures, |pixels| is_near(at(pixels, 160, 90), RED) && is_near(at(pixels, 10, 90), BLACK));
    let size = guest.pipeline.by_name("size").unwrap();
    size.set_property("caps", gst::Caps::builder("video/x-raw").field("width", 640).field("height", 360).build());
    wait_for(&pictures, |pixels| is_near(at(pixels, 10, 90), RED));
}

/// Some frames of the guest's are treated by `harm`; a key frame must be asked for, and the picture go on.
fn harm_is_survived(codec: Codec, harm: fn(u64, &mut gst::BufferRef) -> gst::PadProbeReturn) {
    let room = Room::new();
    let pictures = room.screen();
    let guest = Guest::red(codec, &room);
    let seen = Arc::new(AtomicU64::new(0));
    let count = seen.clone();
    let sink = guest.pipeline.by_name("sink").unwrap();
    sink.static_pad("sink").unwrap().add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        info.buffer_mut().map_or(gst::PadProbeReturn::Ok, |buffer| harm(n, buffer.make_mut()))
    });
    room.show(&guest, WHOLE);
    wait_for(&pictures, |pixels| is_near(at(pixels, 160, 90), RED));
    let before = guest.asked.load(Ordering::SeqCst);
    while seen.load(Ordering::SeqCst) < 50 {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(1000));
    assert!(guest.asked.load(Ordering::SeqCst) > before, "no key frame was asked for");
    pictures.try_iter().for_each(drop);
    wait_for(&pictures, |pixels| is_near(at(pixels, 160, 90), RED));
}

/// As after a depayloader that lost packets.
fn lose(n: u64, buffer: &mut gst::BufferRef) -> gst::PadProbeReturn {
    if n == 33 {
        buffer.set_flags(gst::BufferFlags::DISCONT);
    }
    if (30..33).contains(&n) { gst::PadProbeReturn::Handled } else { gst::PadProbeReturn::Ok }
}

fn garble(n: u64, buffer: &mut gst::BufferRef) -> gst::PadProbeReturn {
    if (30..40).contains(&n) {
        let mut map = buffer.map_writable().unwrap();
        map.iter_mut().for_each(|byte| *byte = byte.wrapping_mul(181).wrapping_add(77));
    }
    gst::PadProbeReturn::Ok
}

#[test]
fn lost_vp8_asks_for_a_key_frame_and_goes_on() {
    harm_is_survived(Codec::Vp8, lose);
}

#[test]
fn lost_h264_asks_for_a_key_frame_and_goes_on() {
    harm_is_survived(Codec::H264, lose);
}

#[test]
fn garbled_vp8_asks_for_a_key_frame_and_goes_on() {
    harm_is_survived(Codec::Vp8, garble);
}

#[test]
fn p10_a_screen_that_comes_back_shows_what_it_should_at_once() {
    let room = Room::new();
    let pictures = room.screen();
    room.display.overlay(SCREEN, left_half([0, 255, 0, 255]));
    wait_for(&pictures, |pixels| is_near(at(pixels, 80, 90), GREEN));
    drop(pictures);
    // While the screen is gone nothing is lost.
    room.display.overlay(SCREEN, left_half([255, 0, 0, 255]));
    thread::sleep(Duration::from_millis(300));
    let start = Instant::now();
    let pictures = room.screen();
    wait_for(&pictures, |pixels| is_near(at(pixels, 80, 90), RED));
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
}

/// In a process of its own: the threads of other tests have the same names.
#[test]
fn nothing_wakes_up_while_nothing_changes() {
    let alone = format!("{}::wake_ups_of_a_still_screen", module_path!().split_once("::").unwrap().1);
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &alone, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && told.contains("1 passed"), "{told}");
}

#[test]
#[ignore = "run by the test above"]
fn wake_ups_of_a_still_screen() {
    let room = Room::new();
    let pictures = room.screen();
    let guest = Guest::red(Codec::Vp8, &room);
    room.show(&guest, WHOLE);
    wait_for(&pictures, |pixels| is_near(at(pixels, 160, 90), RED));
    room.display.show(Vec::new());
    room.display.overlay(SCREEN, left_half([0, 255, 0, 255]));
    drop(guest);
    wait_for(&pictures, |pixels| is_near(at(pixels, 80, 90), GREEN));
    thread::sleep(Duration::from_millis(500));
    let before = wake_ups();
    thread::sleep(Duration::from_secs(2));
    let after = wake_ups();
    let grown: u64 = after.iter().map(|(thread, sleeps)| sleeps - before.get(thread).unwrap_or(&0)).sum();
    // GLib's pool lets a thread go.
    assert!(grown <= 1, "{before:?} {after:?}");
}

/// How often each thread of this process, but the one that asks, has slept so far.
fn wake_ups() -> BTreeMap<String, u64> {
    let me = rustix::thread::gettid().as_raw_nonzero().to_string();
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap);
    tasks
        .filter(|task| *task.file_name() != *me)
        .filter_map(|task| {
            let status = fs::read_to_string(task.path().join("status")).ok()?;
            let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let name = format!("{} {}", field("Pid:")?, field("Name:")?);
            Some((name, field("voluntary_ctxt_switches:")?.parse().ok()?))
        })
        .collect()
}

/// An X server without a screen of its own.
struct Xvfb(Child);

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[test]
fn a_window_of_an_x_server_shows_the_screen() {
    let server = Command::new("Xvfb")
        .args([":97", "-screen", "0", "320x180x24", "-nolisten", "tcp"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(server) = server else {
        println!("Xvfb is not installed: not tried");
        return;
    };
    let _server = Xvfb(server);
    gst::init().unwrap();
    let mut canvas = canvas::Canvas::new(SCREEN, overlay::Range::Video).unwrap();
    assert!(canvas.set_overlay(&left_half([255, 0, 0, 255]), SCREEN));
    let start = Instant::now();
    let mut screen = loop {
        match screen::open_window(":97", canvas.info()) {
            Ok(screen) => break screen,
            Err(error) => assert!(start.elapsed() < Duration::from_secs(10), "{error}"),
        }
        thread::sleep(Duration::from_millis(100));
    };
    screen.show(canvas.paint(&mut []).unwrap()).unwrap();
    thread::sleep(Duration::from_millis(500));
    let grab = gst::parse::launch(
        "ximagesrc display-name=:97 num-buffers=1 show-pointer=false use-damage=false ! videoconvert ! video/x-raw,format=RGB ! appsink name=out",
    )
    .unwrap()
    .downcast::<gst::Pipeline>()
    .unwrap();
    grab.set_state(gst::State::Playing).unwrap();
    let out = grab.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    let sample = out.pull_sample().unwrap();
    let map = sample.buffer().unwrap().map_readable().unwrap();
    let pixel = |x: usize, y: usize| [map[(y * 320 + x) * 3], map[(y * 320 + x) * 3 + 1], map[(y * 320 + x) * 3 + 2]];
    assert!(is_near(pixel(80, 90), RED) && is_near(pixel(240, 90), BLACK), "{:?} {:?}", pixel(80, 90), pixel(240, 90));
    grab.set_state(gst::State::Null).unwrap();
}
