//! The element as GStreamer sees it, driven buffer by buffer. The segmenters here are doubles; the real one has its own tests.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // this is a test

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_check as gst_check;
use gstreamer_video as gst_video;
use gstsubrosablur::{Blur, Fault, MESSAGE, Mode};
use subrosa_blur::segmenter::{SegmentError, Segmenter};

const WIDTH: usize = 320;
const HEIGHT: usize = 180;

fn init() {
    gst::init().unwrap();
    gstsubrosablur::plugin_register_static().unwrap();
}

/// What is bright is a person.
struct Bright;

impl Segmenter for Bright {
    fn size(&self) -> (usize, usize) {
        (64, 36)
    }

    fn segment(&mut self, picture: &[[f32; 3]], mask: &mut [f32]) -> Result<(), SegmentError> {
        for (mask, pixel) in mask.iter_mut().zip(picture) {
            *mask = if pixel[1] > 0.75 { 1.0 } else { 0.0 };
        }
        Ok(())
    }
}

/// What [`Scripted`] does next.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Script {
    Bright,
    Fill(f32),
    Fail,
    Stall,
    Panic,
}

/// Does what it is told, and counts.
#[derive(Clone)]
struct Director {
    script: Arc<(Mutex<Script>, Condvar)>,
    asked: Arc<AtomicU64>,
    made: Arc<AtomicUsize>,
}

impl Director {
    fn new() -> Self {
        let script = Arc::new((Mutex::new(Script::Bright), Condvar::new()));
        Director { script, asked: Arc::default(), made: Arc::default() }
    }

    fn play(&self, script: Script) {
        *self.script.0.lock().unwrap() = script;
        self.script.1.notify_all();
    }

    fn direct(&self, element: &Blur) {
        let director = self.clone();
        element.set_segmenter(move || {
            director.made.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Scripted(director.clone())))
        });
    }
}

struct Scripted(Director);

impl Segmenter for Scripted {
    fn size(&self) -> (usize, usize) {
        Bright.size()
    }

    fn segment(&mut self, picture: &[[f32; 3]], mask: &mut [f32]) -> Result<(), SegmentError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let (script, changed) = &*self.0.script;
        let guard = changed.wait_while(script.lock().unwrap(), |script| *script == Script::Stall).unwrap();
        let script = *guard;
        drop(guard);
        match script {
            Script::Bright => Bright.segment(picture, mask),
            Script::Fill(value) => {
                mask.fill(value);
                Ok(())
            }
            Script::Fail => Err(SegmentError::Size),
            Script::Panic => std::panic::panic_any("as told"),
            Script::Stall => unreachable!(),
        }
    }
}

/// A camera before the element, a peer behind it.
struct Scene {
    harness: gst_check::Harness,
    element: Blur,
    bus: gst::Bus,
    info: gst_video::VideoInfo,
    next: u64,
}

impl Scene {
    fn new(format: gst_video::VideoFormat, set: impl FnOnce(&Blur)) -> Self {
        init();
        let element = gst::ElementFactory::make("subrosablur").build().unwrap().downcast::<Blur>().unwrap();
        set(&element);
        let bus = gst::Bus::new();
        element.set_bus(Some(&bus));
        let mut harness = gst_check::Harness::with_element(&element, Some("sink"), Some("src"));
        let info = gst_video::VideoInfo::builder(format, WIDTH as u32, HEIGHT as u32)
            .fps(gst::Fraction::new(30, 1))
            .build()
            .unwrap();
        harness.set_src_caps(info.to_caps().unwrap());
        harness.play();
        Scene { harness, element, bus, info, next: 0 }
    }

    fn directed(director: &Director) -> Self {
        Scene::new(gst_video::VideoFormat::I420, |element| director.direct(element))
    }

    /// Stripes of the room, one pixel wide, with a bright person in the middle.
    fn buffer(&mut self) -> gst::Buffer {
        let mut buffer = gst::Buffer::with_size(self.info.size()).unwrap();
        {
            let buffer = buffer.get_mut().unwrap();
            buffer.set_pts(gst::ClockTime::from_mseconds(self.next * 33));
            self.next += 1;
            let mut map = buffer.map_writable().unwrap();
            map.fill(128);
            for (at, luma) in map[..WIDTH * HEIGHT].iter_mut().enumerate() {
                let x = at % WIDTH;
                *luma = if (120..200).contains(&x) { 235 } else { [16, 140][x % 2] };
            }
        }
        buffer
    }

    /// A frame in, and out where it came through.
    fn frame(&mut self) -> Option<gst::Buffer> {
        let buffer = self.buffer();
        self.push(buffer)
    }

    fn push(&mut self, buffer: gst::Buffer) -> Option<gst::Buffer> {
        self.harness.push(buffer).unwrap();
        self.harness.try_pull()
    }

    /// Frames at the pace of a camera, until one comes through or not.
    fn until(&mut self, through: bool) -> Option<gst::Buffer> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(20) {
            let out = self.frame();
            if let Some(out) = &out {
                assert!(is_hidden(out), "never a raw frame");
            }
            if out.is_some() == through {
                return out;
            }
            thread::sleep(Duration::from_millis(33));
        }
        panic!("frames should {} come through; state {}", if through { "" } else { "not" }, self.state());
    }

    /// The next frame that comes through: on a busy machine a mask may be late.
    fn shown(&mut self) -> gst::Buffer {
        self.until(true).unwrap()
    }

    fn state(&self) -> String {
        self.element.property("state")
    }

    /// States and reasons that were told.
    fn told(&self) -> Vec<String> {
        std::iter::from_fn(|| self.bus.pop())
            .filter_map(|message| match message.view() {
                gst::MessageView::Element(element) => element.structure().map(ToOwned::to_owned),
                _ => None,
            })
            .filter(|structure| structure.name() == MESSAGE)
            .map(|structure| {
                let field = |name| structure.get::<String>(name).unwrap_or_default();
                format!("{} {}", field("state"), field("reason")).trim().to_owned()
            })
            .collect()
    }
}

/// Whether the stripes beside the person are gone.
fn is_hidden(buffer: &gst::Buffer) -> bool {
    let map = buffer.map_readable().unwrap();
    (20..160).all(|y| {
        let row = &map[y * WIDTH..y * WIDTH + 100];
        row.windows(2).all(|pair| pair[0].abs_diff(pair[1]) < 16)
    })
}

fn is_raw(buffer: &gst::Buffer) -> bool {
    let map = buffer.map_readable().unwrap();
    map[90 * WIDTH..90 * WIDTH + 100].windows(2).all(|pair| pair[0].abs_diff(pair[1]) == 124)
}

fn person_is_untouched(buffer: &gst::Buffer) -> bool {
    let map = buffer.map_readable().unwrap();
    (20..160).all(|y| map[y * WIDTH + 135..y * WIDTH + 185].iter().all(|luma| *luma == 235))
}

#[test]
fn p4_before_the_first_mask_nothing_passes_then_people_before_a_hidden_room() {
    for format in [gst_video::VideoFormat::I420, gst_video::VideoFormat::Nv12] {
        let mut scene = Scene::new(format, |element| element.set_segmenter(|| Ok(Box::new(Bright))));
        assert!(scene.frame().is_none());
        assert_eq!(scene.state(), "starting");
        let out = scene.shown();
        assert!(is_hidden(&out) && person_is_untouched(&out));
        assert_eq!(scene.told(), ["covered starting", "clear"]);
        assert_eq!(scene.element.pads().len(), 2);
    }
}

#[test]
fn p4_a_segmenter_that_stands_still_covers_and_recovers() {
    let director = Director::new();
    let mut scene = Scene::directed(&director);
    scene.until(true);
    scene.told();
    director.play(Script::Stall);
    // Stamps are 33 ms apart, so of 150 ms there are five frames, and one mask may still have been on its way.
    let mut passed = 0;
    while let Some(out) = scene.frame() {
        assert!(is_hidden(&out));
        passed += 1;
        assert!(passed <= 7, "frames pass on and on");
        thread::sleep(Duration::from_millis(33));
    }
    assert_eq!(scene.told(), ["covered late"]);
    // The thread that hangs is given up after two seconds, and another one is made; it hangs too.
    while director.made.load(Ordering::SeqCst) < 2 {
        assert!(scene.frame().is_none());
        thread::sleep(Duration::from_millis(33));
    }
    director.play(Script::Bright);
    scene.until(true);
    assert_eq!(scene.told(), ["clear"]);
}

#[test]
fn p4_nonsense_errors_and_panics_cover_and_recover() {
    let table = [
        (Script::Fill(f32::NAN), "failed"),
        (Script::Fill(0.5), "doubtful"),
        (Script::Fill(1.0), "doubtful"),
        (Script::Fail, "failed"),
        (Script::Panic, "failed"),
    ];
    for (script, reason) in table {
        let director = Director::new();
        let mut scene = Scene::directed(&director);
        scene.until(true);
        scene.told();
        director.play(script);
        // Also where everything is a person all at once: no raw frame, and no patience.
        scene.until(false);
        let told = scene.told();
        assert!(told.contains(&format!("covered {reason}")) || told == ["covered late"], "{script:?}: {told:?}");
        director.play(Script::Bright);
        scene.until(true);
        assert_eq!(scene.told().last().unwrap(), "clear", "{script:?}");
    }
}

#[test]
fn p4_a_mode_never_shows_a_raw_frame_before_it_takes_hold() {
    let director = Director::new();
    let mut scene = Scene::directed(&director);
    scene.element.set_property("mode", Mode::Off);
    assert!(is_raw(&scene.frame().unwrap()));
    assert_eq!(scene.state(), "off");
    assert_eq!(director.asked.load(Ordering::SeqCst), 0, "nobody is looked for");
    for mode in [Mode::Light, Mode::Strong, Mode::Colour, Mode::Image] {
        scene.element.set_property("mode", Mode::Off);
        assert!(is_raw(&scene.frame().unwrap()));
        scene.element.set_property("mode", mode);
        assert!(scene.frame().is_none(), "{mode:?}: the mask is younger than the mode");
        scene.until(true);
    }
    for turn in 0..80 {
        let mode = [Mode::Light, Mode::Image, Mode::Strong, Mode::Colour][turn % 4];
        scene.element.set_property("mode", mode);
        scene.element.set_property("cadence", turn as u32 % 4 + 1);
        if let Some(out) = scene.frame() {
            assert!(is_hidden(&out), "{mode:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn colour_and_picture_stand_behind_people() {
    let mut scene = Scene::new(gst_video::VideoFormat::I420, |element| {
        element.set_segmenter(|| Ok(Box::new(Bright)));
        element.set_property("mode", Mode::Colour);
        element.set_property("colour", 0x00ff_0000_u32);
    });
    let corner = |buffer: &gst::Buffer| {
        let map = buffer.map_readable().unwrap();
        let chroma = WIDTH * HEIGHT + 20 * WIDTH / 2 + 10;
        [map[40 * WIDTH + 20], map[chroma], map[chroma + WIDTH * HEIGHT / 4]]
    };
    let out = scene.shown();
    assert_eq!(corner(&out), [81, 90, 240]);
    assert!(person_is_untouched(&out));
    assert!(scene.element.set_picture((2, 2), vec![0; 15]).is_err());
    scene.element.set_picture((64, 64), [0, 0, 255, 255].repeat(64 * 64)).unwrap();
    scene.element.set_property("mode", Mode::Image);
    // Red until the picture is ready, then blue.
    let start = Instant::now();
    loop {
        match corner(&scene.shown()) {
            [81, 90, 240] => assert!(start.elapsed() < Duration::from_secs(10)),
            [41, 240, 110] => break,
            other => panic!("{other:?}"),
        }
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_file_becomes_the_background() {
    init();
    let folder = std::env::temp_dir().join(format!("subrosa-blur-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("green.png");
    let line = format!(
        "videotestsrc num-buffers=1 pattern=green ! video/x-raw,width=64,height=48 ! pngenc ! filesink location={}",
        file.display()
    );
    let pipeline = gst::parse::launch(&line).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    pipeline.bus().unwrap().timed_pop_filtered(gst::ClockTime::from_seconds(20), &[gst::MessageType::Eos]).unwrap();
    pipeline.set_state(gst::State::Null).unwrap();
    let mut scene = Scene::new(gst_video::VideoFormat::I420, |element| {
        element.set_segmenter(|| Ok(Box::new(Bright)));
        element.set_property("mode", Mode::Image);
        element.set_property("image", file.to_str().unwrap());
    });
    scene.until(true);
    let start = Instant::now();
    loop {
        let out = scene.shown();
        let luma = out.map_readable().unwrap()[40 * WIDTH + 20];
        if luma.abs_diff(145) < 3 {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(10), "green's luma is 145, not {luma}");
        thread::sleep(Duration::from_millis(20));
    }
    scene.element.set_property("image", folder.join("none.png").to_str().unwrap());
    let warned = std::iter::from_fn(|| scene.bus.pop()).any(|message| message.type_() == gst::MessageType::Warning);
    assert!(warned, "a file that is not there is said");
    assert!(is_hidden(&scene.shown()));
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn p4_without_a_model_nothing_passes_and_it_is_said() {
    for (model, reason) in [(None, "model-missing"), (Some("/nowhere/model.tflite"), "model-missing")] {
        let mut scene = Scene::new(gst_video::VideoFormat::I420, |element| element.set_property("model", model));
        let start = Instant::now();
        while scene.state() != reason {
            assert!(scene.frame().is_none());
            assert!(start.elapsed() < Duration::from_secs(10), "{}", scene.state());
            thread::sleep(Duration::from_millis(10));
        }
        assert!(scene.told().contains(&format!("covered {reason}")));
        // One that comes later is used.
        scene.element.set_segmenter(|| Ok(Box::new(Bright)));
        scene.until(true);
    }
    let mut scene = Scene::new(gst_video::VideoFormat::I420, |element| element.set_segmenter(|| Err(Fault::Damaged)));
    let start = Instant::now();
    while scene.state() != "model-damaged" {
        assert!(scene.frame().is_none() && start.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(10));
    }
}

/// A base class for video lets a buffer pass that it could not map.
#[test]
fn p4_a_buffer_that_is_no_picture_is_dropped() {
    let mut scene = Scene::new(gst_video::VideoFormat::I420, |element| {
        element.set_segmenter(|| Ok(Box::new(Bright)));
    });
    scene.until(true);
    let mut short = gst::Buffer::with_size(scene.info.size() - 1).unwrap();
    short.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(scene.next * 33));
    assert!(scene.push(short).is_none());
    assert_eq!(scene.state(), "failed");
    let mut meta = scene.buffer();
    gst_video::VideoMeta::add(
        meta.get_mut().unwrap(),
        gst_video::VideoFrameFlags::empty(),
        gst_video::VideoFormat::Nv12,
        WIDTH as u32,
        HEIGHT as u32,
    )
    .unwrap();
    assert!(scene.push(meta).is_none());
    scene.until(true);
}

/// Padded rows, a gap between planes, more lines than the caps say: as boards deliver.
#[test]
fn strides_and_offsets_come_from_the_meta() {
    let mut scene = Scene::new(gst_video::VideoFormat::Nv12, |element| {
        element.set_segmenter(|| Ok(Box::new(Bright)));
    });
    scene.until(true);
    let (stride, lines, gap) = (384, 192, 96);
    let chroma = stride * lines + gap;
    let padded = |tight: gst::Buffer| {
        let mut padded = gst::Buffer::with_size(chroma + stride * lines / 2).unwrap();
        {
            let padded = padded.get_mut().unwrap();
            padded.set_pts(tight.pts());
            let mut map = padded.map_writable().unwrap();
            map.fill(77);
            let from = tight.map_readable().unwrap();
            for y in 0..lines {
                let row = &from[y.min(HEIGHT - 1) * WIDTH..][..WIDTH];
                map[y * stride..y * stride + WIDTH].copy_from_slice(row);
            }
            for y in 0..lines / 2 {
                map[chroma + y * stride..chroma + y * stride + WIDTH].fill(128);
            }
            drop(map);
            gst_video::VideoMeta::add_full(
                padded,
                gst_video::VideoFrameFlags::empty(),
                gst_video::VideoFormat::Nv12,
                WIDTH as u32,
                lines as u32,
                &[0, chroma],
                &[stride as i32, stride as i32],
            )
            .unwrap();
        }
        padded
    };
    // On a busy machine a mask may be late.
    let out = (0..200).find_map(|_| {
        thread::sleep(Duration::from_millis(20));
        let tight = scene.buffer();
        scene.push(padded(tight))
    });
    let out = out.unwrap();
    let map = out.map_readable().unwrap();
    for (y, row) in map[..stride * lines].chunks(stride).enumerate() {
        assert!(row[..100].windows(2).all(|pair| pair[0].abs_diff(pair[1]) < 16), "line {y} is hidden");
        assert!(row[WIDTH..].iter().all(|byte| *byte == 77), "padding of line {y} is not touched");
    }
    assert!(map[stride * lines..chroma].iter().all(|byte| *byte == 77), "nor is the gap");
}

/// With patience every frame waits for its own mask: a file can be converted as fast as it goes.
#[test]
fn with_patience_every_frame_has_its_own_mask() {
    let mut scene = Scene::new(gst_video::VideoFormat::I420, |element| {
        element.set_segmenter(|| Ok(Box::new(Bright)));
        element.set_property("patience", 10_000_u32);
        element.set_property("cadence", 1_u32);
    });
    for _ in 0..30 {
        assert!(is_hidden(&scene.frame().unwrap()));
    }
    let counts: gst::Structure = scene.element.property("counts");
    assert_eq!((counts.get::<u64>("composed"), counts.get::<u64>("masks")), (Ok(30), Ok(30)));
}

/// The camera never waits: neither for a mask, nor for a segmenter that hangs when it closes.
#[test]
fn p3_nobody_waits_for_a_segmenter_that_hangs() {
    let director = Director::new();
    let mut scene = Scene::directed(&director);
    scene.until(true);
    director.play(Script::Stall);
    scene.until(false);
    let start = Instant::now();
    for _ in 0..100 {
        assert!(scene.frame().is_none());
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?} for 100 frames", start.elapsed());
    let start = Instant::now();
    drop(scene);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?} to close", start.elapsed());
    director.play(Script::Bright);
}

#[test]
fn caps_that_change_begin_anew() {
    let mut scene = Scene::new(gst_video::VideoFormat::I420, |element| {
        element.set_segmenter(|| Ok(Box::new(Bright)));
    });
    scene.until(true);
    let larger = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 640, 360).build().unwrap();
    scene.harness.set_src_caps(larger.to_caps().unwrap());
    let mut buffer = gst::Buffer::with_size(larger.size()).unwrap();
    buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(scene.next * 33));
    assert!(scene.push(buffer).is_none(), "the mask is of another picture");
}

/// The governor's wish for smaller frames, granted: masks lie on a grid of their own, so nothing is held back.
#[test]
fn caps_that_were_asked_for_hold_nothing_back() {
    let mut scene = Scene::new(gst_video::VideoFormat::I420, |element| {
        element.set_segmenter(|| Ok(Box::new(Bright)));
        element.set_property("budget", 1_u32);
    });
    let started = Instant::now();
    let asked = |bus: &gst::Bus| {
        std::iter::from_fn(|| bus.pop()).any(|message| {
            message.structure().is_some_and(|structure| structure.name() == gstsubrosablur::SIZE_MESSAGE)
        })
    };
    while !asked(&scene.bus) {
        scene.shown();
        thread::sleep(Duration::from_millis(33));
        assert!(started.elapsed() < Duration::from_secs(60), "no size was asked for");
    }
    scene.shown();
    let smaller = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 212, 120).build().unwrap();
    let frame = |scene: &Scene| {
        let mut buffer = gst::Buffer::with_size(smaller.size()).unwrap();
        buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(scene.next * 33));
        buffer
    };
    scene.harness.set_src_caps(smaller.to_caps().unwrap());
    let buffer = frame(&scene);
    assert!(scene.push(buffer).is_some(), "the mask is of the same pictures");
    let square = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 120, 120).build().unwrap();
    scene.harness.set_src_caps(square.to_caps().unwrap());
    let mut buffer = gst::Buffer::with_size(square.size()).unwrap();
    buffer.get_mut().unwrap().set_pts(gst::ClockTime::from_mseconds(scene.next * 33 + 1));
    assert!(scene.push(buffer).is_none(), "nobody asked for these");
}
