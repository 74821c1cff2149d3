//! The governor's whole ladder, as a guest sees it: a segmenter that is too slow for the board's budget makes the picture smaller,
//! and larger again when it is quick; nothing else happens to the call, and no frame is raw (P4).

use std::sync::Mutex;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::{ConsumptionLink, StreamProducer};
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;
use subrosa_media::inbound::Inbound;

use super::*;

/// What the steepest step of a hidden background is at most, as in the test of P4 on the whole room.
const HIDDEN: u8 = 25;
const LADDER: Duration = Duration::from_secs(90);

/// Size and steepness of a frame.
type Look = ((u32, u32), u8);

/// Decodes every frame of a track.
struct Watch {
    looks: Arc<Mutex<Vec<Look>>>,
    pipeline: gst::Pipeline,
    _link: ConsumptionLink,
}

impl Watch {
    fn begin(inbound: &Inbound) -> Self {
        let line = "appsrc name=in format=time is-live=true ! h264parse ! avdec_h264 ! video/x-raw,format=I420 \
                    ! appsink name=out sync=false";
        let pipeline = gst::parse::launch(line).unwrap().downcast::<gst::Pipeline>().unwrap();
        let source = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
        let sink = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
        StreamProducer::configure_consumer(&source);
        let looks: Arc<Mutex<Vec<Look>>> = Arc::default();
        let into = looks.clone();
        let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            into.lock().unwrap().push(look(&sample));
            Ok(gst::FlowSuccess::Ok)
        });
        sink.set_callbacks(callbacks.build());
        pipeline.set_state(gst::State::Playing).unwrap();
        let link = inbound.producer.add_consumer(&source).unwrap();
        Watch { looks, pipeline, _link: link }
    }

    /// Sizes in their order, each once in a row.
    fn sizes(&self) -> Vec<(u32, u32)> {
        let mut sizes: Vec<_> = self.looks.lock().unwrap().iter().map(|(size, _)| *size).collect();
        sizes.dedup();
        sizes
    }

    fn wait(&self, what: &str, seen: impl Fn(&Watch) -> bool) {
        let started = Instant::now();
        while !seen(self) {
            assert!(started.elapsed() < LADDER, "{what}: {:?}", self.sizes());
            thread::sleep(Duration::from_millis(20));
        }
        println!("{what} after {:?}", started.elapsed());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}

/// The steepest step of brightness in rows at the right edge, below the middle: the median of all rows.
fn look(sample: &gst::Sample) -> Look {
    let info = gst_video::VideoInfo::from_caps(sample.caps().unwrap()).unwrap();
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().unwrap(), &info).unwrap();
    let (width, height) = (info.width() as usize, info.height() as usize);
    let stride = frame.plane_stride()[0] as usize;
    let luma = frame.plane_data(0).unwrap();
    let step = (6 * width / 1280).max(1);
    let mut rows: Vec<u8> = (height * 2 / 5..height * 4 / 5)
        .map(|y| {
            let row = &luma[y * stride + width * 78 / 100..y * stride + width];
            row.iter().zip(&row[step..]).map(|(one, other)| one.abs_diff(*other)).max().unwrap()
        })
        .collect();
    rows.sort_unstable();
    ((info.width(), info.height()), rows[rows.len() / 2])
}

#[test]
fn p4_the_ladder_makes_the_picture_smaller_and_larger_again_and_no_frame_is_raw() {
    let data = boards().join("../data");
    let (model, camera) = (data.join("selfie_segmentation_landscape.tflite"), data.join("camera.mjpeg"));
    if !model.is_file() || !camera.is_file() {
        eprintln!("SKIPPED: no model or no data for the camera; `make data` puts them there");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let board = folder.path().join("sim.toml");
    let text = fs::read_to_string(boards().join("sim.toml")).unwrap();
    let with_budget = text.replace("segmenter = \"sim\"", "segmenter = \"sim\"\nbudget = 8000");
    assert_ne!(text, with_budget);
    fs::write(&board, with_budget).unwrap();

    let mut stage = Stage::with(&board, &model);
    stage.room().hide(Background::Strong);
    let (_guest, events) = stage.guest(LinkId(1));
    let watch = Watch::begin(&track(&events, Kind::Video));
    let node = stage.run().sim_nodes().join("camera");
    fs::copy(&camera, &node).unwrap();
    let line = stage.run().sim_segmenter();
    fs::create_dir_all(line.parent().unwrap()).unwrap();
    stage.guard.may_ask(Capture::Camera, None);
    stage.room().say(&RoomToMedia::Want { camera: true, microphone: false }, &[]);
    stage.guard.grant(Capture::Camera, &node);
    stage.room().health(Capture::Camera, CaptureHealth::Running);

    let (full, two_thirds, half) = ((640, 360), (426, 240), (320, 180));
    fs::write(&line, "slow").unwrap();
    watch.wait("half of the size", |watch| watch.sizes().last() == Some(&half));
    fs::write(&line, "1").unwrap();
    watch.wait("the whole size again", |watch| watch.sizes().last() == Some(&full));
    assert_eq!(watch.sizes(), [full, two_thirds, half, two_thirds, full]);
    assert_eq!(stage.room().count().links, 1, "it is the same link");

    let hidden = watch.looks.lock().unwrap().len();
    stage.guard.say(&GuardToMedia::Reveal);
    watch.wait("raw frames", |watch| watch.looks.lock().unwrap()[hidden..].iter().any(|look| look.1 > HIDDEN + 10));
    let steepest = watch.looks.lock().unwrap()[..hidden].iter().map(|look| look.1).max();
    println!("{hidden} frames before that, the steepest {steepest:?}");
    assert!(steepest < Some(HIDDEN), "{steepest:?}");
}
