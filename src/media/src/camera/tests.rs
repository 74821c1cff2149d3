use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use gstreamer as gst;
use subrosa_messages::guard::{MediaToGuard, PermitId};

use super::*;
use crate::cut::Cut;
use crate::picture::Viewer;

struct Stage {
    camera: Camera,
    cut: Cut,
    heard: Arc<Mutex<Vec<CaptureHealth>>>,
    said: Arc<Mutex<Vec<MediaToGuard>>>,
    frames: Arc<Frames>,
    _view: crate::picture::View,
    picture: Picture,
}

#[derive(Default)]
struct Frames(Mutex<Vec<gst::ClockTime>>);

impl Viewer for Frames {
    fn frame(&self, frame: gst::Buffer, _size: Size) {
        self.0.lock().unwrap().extend(frame.pts());
    }

    fn key_frame_at(&self, _running_time: gst::ClockTime) {}
}

fn stage() -> Stage {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    let cut = Cut::camera(&timebase);
    let picture = Picture::new(Size { width: 320, height: 180 }, 30, &timebase, &cut).unwrap();
    let frames = Arc::new(Frames::default());
    let view = picture.add(frames.clone());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    let notify: Notify = Arc::new(move |word| {
        if let MediaToRoom::Capture { state, .. } = word {
            log.lock().unwrap().push(state);
        }
    });
    let camera = Camera::new(CaptureSource::Sim, &picture, &timebase, &crate::blur::tests::off(), notify).unwrap();
    Stage { camera, cut, heard, said: Arc::default(), frames, _view: view, picture }
}

impl Stage {
    fn permit(&self, node: &Path) -> Permit {
        let said = self.said.clone();
        let tell: crate::permit::TellGuard = Arc::new(move |word| said.lock().unwrap().push(word));
        Permit::granted(PermitId(1), Capture::Camera, vec![node.to_owned()], tell)
    }

    fn wait_for(&self, what: impl Fn(&Self) -> bool) -> Duration {
        let started = Instant::now();
        while !what(self) {
            assert!(started.elapsed() < Duration::from_secs(10), "{:?}", self.heard.lock().unwrap());
            thread::sleep(Duration::from_millis(1));
        }
        started.elapsed()
    }

    fn last(&self) -> Option<CaptureHealth> {
        self.heard.lock().unwrap().last().copied()
    }
}

/// A node with three small frames.
fn node(folder: &Path) -> std::path::PathBuf {
    let node = folder.join("camera");
    let pipeline =
        "videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=320,height=180 ! jpegenc ! appsink name=out";
    crate::plugins::start().unwrap();
    let pipeline = gst::parse::launch(pipeline).unwrap();
    let out = gst::prelude::GstBinExt::by_name(pipeline.downcast_ref::<gst::Bin>().unwrap(), "out").unwrap();
    let out = out.downcast::<gstreamer_app::AppSink>().unwrap();
    gst::prelude::ElementExt::set_state(&pipeline, gst::State::Playing).unwrap();
    let mut file = std::fs::File::create(&node).unwrap();
    while let Ok(sample) = out.pull_sample() {
        file.write_all(&sample.buffer().unwrap().map_readable().unwrap()).unwrap();
    }
    gst::prelude::ElementExt::set_state(&pipeline, gst::State::Null).unwrap();
    node
}

use gst::prelude::Cast;

#[test]
fn p3_the_edge_closes_the_node_and_the_guard_is_told_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let stage = stage();
    stage.camera.open(stage.permit(&node));
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Running));
    assert_eq!(*stage.said.lock().unwrap(), [MediaToGuard::AllOpen { permit: PermitId(1) }]);
    let before = stage.picture.camera_frames();
    stage.wait_for(|stage| stage.picture.camera_frames() > before + 10);
    stage.cut.close();
    let frames = stage.picture.camera_frames();
    let took = stage.wait_for(|stage| stage.said.lock().unwrap().len() == 2);
    assert!(took < Duration::from_millis(50), "{took:?}");
    assert_eq!(stage.said.lock().unwrap()[1], MediaToGuard::Closed { permit: PermitId(1) });
    assert_eq!(stage.picture.camera_frames(), frames, "not one frame after the edge");
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Closed));
    let card = stage.frames.0.lock().unwrap().iter().filter(|time| **time >= stage.cut.at()).count();
    assert!(card >= 1);
}

#[test]
fn p1_a_node_that_is_closed_stays_closed_and_the_permit_goes_back() {
    if rustix::process::geteuid().is_root() {
        // Root ignores modes: a folder in the node's place refuses root too.
        let folder = tempfile::tempdir().unwrap();
        let stage = stage();
        stage.camera.open(stage.permit(folder.path()));
        stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Failed));
        assert_eq!(*stage.said.lock().unwrap(), [MediaToGuard::DidNotOpen { permit: PermitId(1) }]);
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    std::fs::set_permissions(&node, std::fs::Permissions::from_mode(0o400)).unwrap();
    let stage = stage();
    stage.camera.open(stage.permit(&node));
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Failed));
    assert_eq!(*stage.said.lock().unwrap(), [MediaToGuard::DidNotOpen { permit: PermitId(1) }]);
}

#[test]
fn p10_an_unplugged_camera_is_missing_and_its_permit_ends() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let stage = stage();
    stage.camera.open(stage.permit(&node));
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Running));
    std::fs::rename(&node, folder.path().join("spare")).unwrap();
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Missing));
    assert!(!stage.cut.is_open());
    assert_eq!(stage.said.lock().unwrap().last(), Some(&MediaToGuard::Closed { permit: PermitId(1) }));
    std::fs::rename(folder.path().join("spare"), &node).unwrap();
    stage.camera.open(stage.permit(&node));
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Running));
}

#[test]
fn an_empty_node_shows_a_pattern() {
    let folder = tempfile::tempdir().unwrap();
    let node = folder.path().join("camera");
    std::fs::write(&node, b"").unwrap();
    let stage = stage();
    stage.camera.open(stage.permit(&node));
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Running));
    stage.camera.close();
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Closed));
}

#[test]
fn p3_a_permit_that_was_taken_back_on_the_way_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = node(folder.path());
    let stage = stage();
    let permit = stage.permit(&node);
    permit.revocation().revoke();
    stage.cut.close();
    stage.camera.open(permit);
    stage.wait_for(|stage| stage.last() == Some(CaptureHealth::Closed));
    assert_eq!(*stage.said.lock().unwrap(), [MediaToGuard::DidNotOpen { permit: PermitId(1) }]);
    assert_eq!(stage.picture.camera_frames(), 0);
}
