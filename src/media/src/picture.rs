//! The room's picture: where camera and privacy card come together in front of the encoders.
//!
//! Frames of both have one format, and one size unless the camera's are made smaller for a slow processor, so that changing from one
//! to the other restarts nothing. What
//! leaves is always one of two things: a frame of the camera while its gate is open, or the card. When the camera
//! closes, or what stands behind people cannot be hidden ([`crate::blur`]), the card follows at once, as a key frame; when it
//! stalls, the card comes after [`STALL`]. There is no third way, so there is no frozen picture of the room.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as gst_video;
use subrosa_messages::media::Size;

use crate::cut::Cut;
use crate::timebase::Timebase;

/// A camera that has delivered nothing for so long shows the card instead.
pub const STALL: Duration = Duration::from_millis(400);
/// The card is sent five times a second: who joins waits no longer for a first frame.
pub const CARD_PERIOD: Duration = Duration::from_millis(200);

/// Takes the frames of the picture: an encoder.
pub trait Viewer: Send + Sync {
    /// A frame of this size with its running time as PTS. Must not block.
    fn frame(&self, frame: gst::Buffer, size: Size);
    /// The frame with this running time has to be a key frame; it comes next.
    fn key_frame_at(&self, running_time: gst::ClockTime);
}

/// The room's picture. Cheap to clone.
#[derive(Clone)]
pub struct Picture(Arc<Inner>);

struct Inner {
    timebase: Timebase,
    cut: Cut,
    info: gst_video::VideoInfo,
    state: Mutex<State>,
    changed: Condvar,
    camera_frames: AtomicU64,
}

struct State {
    viewers: Vec<(u64, Arc<dyn Viewer>)>,
    next_viewer: u64,
    card: gst::Buffer,
    last: gst::ClockTime,
    last_camera: Option<gst::ClockTime>,
    /// Of the camera's last frame: smaller than the picture where the processor is too slow for more.
    camera_size: Size,
    showing_camera: bool,
    at_first_camera_frame: Option<Box<dyn Fn() + Send>>,
}

/// A viewer's place; dropping it ends the view.
#[must_use]
pub struct View {
    picture: Weak<Inner>,
    id: u64,
}

impl Picture {
    /// A picture of this size, with a plain card until the room has drawn one.
    ///
    /// # Errors
    /// When there is no such video format.
    pub fn new(
        size: Size,
        frames_per_second: u32,
        timebase: &Timebase,
        cut: &Cut,
    ) -> Result<Self, gst::glib::BoolError> {
        let rate = gst::Fraction::new(i32::try_from(frames_per_second).unwrap_or(30), 1);
        let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, size.width, size.height)
            .fps(rate)
            .colorimetry(&crate::camera::range::PICTURE.parse::<gst_video::VideoColorimetry>()?)
            .build()?;
        let inner = Arc::new(Inner {
            timebase: timebase.clone(),
            cut: cut.clone(),
            state: Mutex::new(State {
                viewers: Vec::new(),
                next_viewer: 0,
                card: crate::card::plain(&info)?,
                last: gst::ClockTime::ZERO,
                last_camera: None,
                camera_size: size,
                showing_camera: false,
                at_first_camera_frame: None,
            }),
            info,
            changed: Condvar::new(),
            camera_frames: AtomicU64::new(0),
        });
        let edge = Arc::downgrade(&inner);
        cut.when_closed(Box::new(move |at| {
            if let Some(inner) = edge.upgrade() {
                inner.show_card(at);
            }
        }));
        let weak = Arc::downgrade(&inner);
        let _lives_as_long_as_the_picture = thread::Builder::new()
            .name("card".into())
            .spawn(move || card_thread(&weak))
            .map_err(|_| gst::glib::bool_error!("no thread"))?;
        Ok(Picture(inner))
    }

    /// Size, format, colours and rate of the frames.
    #[must_use]
    pub fn info(&self) -> &gst_video::VideoInfo {
        &self.0.info
    }

    /// The gate of the camera.
    #[must_use]
    pub fn cut(&self) -> &Cut {
        &self.0.cut
    }

    /// Adds a viewer; it sees the card or the camera from the next frame on.
    pub fn add(&self, viewer: Arc<dyn Viewer>) -> View {
        let mut state = self.0.lock();
        let id = state.next_viewer;
        state.next_viewer += 1;
        state.viewers.push((id, viewer));
        drop(state);
        // Wakes the card's thread: who is new sees something at once.
        self.0.changed.notify_all();
        View { picture: Arc::downgrade(&self.0), id }
    }

    /// Another card.
    pub fn set_card(&self, card: gst::Buffer) {
        self.0.lock().card = card;
        self.0.changed.notify_all();
    }

    /// Sends the card as a key frame, as an edge does: for an encoder's trial.
    pub(crate) fn rehearse_edge(&self, cut: &Cut) {
        self.0.lock().showing_camera = true;
        self.0.show_card(cut.at());
    }

    /// A frame of the camera, of this size, stamped with its running time before this call. `false` when it was not let through.
    pub fn camera_frame(&self, frame: gst::Buffer, size: Size) -> bool {
        let mut state = self.0.lock();
        // Asked under the lock: the edge's card waits for it, so no camera frame comes behind it.
        if !self.0.cut.is_open() {
            return false;
        }
        let Some(time) = frame.pts().filter(|time| *time > state.last && self.0.cut.passes(Some(*time))) else {
            return false;
        };
        self.0.camera_frames.fetch_add(1, Ordering::Relaxed);
        state.last = time;
        state.last_camera = Some(self.0.timebase.now());
        state.camera_size = size;
        state.showing_camera = true;
        if let Some(tell) = state.at_first_camera_frame.take() {
            tell();
        }
        state.show(&frame, size);
        true
    }

    /// No frame of the camera is fit to be sent: the card, at once and until one comes again (P4).
    pub fn cover(&self) {
        if self.0.lock().showing_camera {
            self.0.show_card(self.0.cut.at());
            self.0.changed.notify_all();
        }
    }

    /// What is to be done once, at the next frame of the camera.
    pub fn at_first_camera_frame(&self, tell: Box<dyn Fn() + Send>) {
        self.0.lock().at_first_camera_frame = Some(tell);
    }

    /// Size of the camera's last frame; that of the picture before the first.
    #[must_use]
    pub fn camera_size(&self) -> Size {
        self.0.lock().camera_size
    }

    /// Frames taken from the camera since the start.
    #[must_use]
    pub fn camera_frames(&self) -> u64 {
        self.0.camera_frames.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The card, not before this running time. A key frame where the camera was shown before.
    fn show_card(&self, earliest: gst::ClockTime) {
        let mut state = self.lock();
        let time = self.timebase.now().max(earliest).max(state.last + gst::ClockTime::from_nseconds(1));
        let mut card = state.card.copy();
        if let Some(card) = card.get_mut() {
            card.set_pts(time);
        }
        state.last = time;
        state.last_camera = None;
        if std::mem::take(&mut state.showing_camera) {
            for (_, viewer) in &state.viewers {
                viewer.key_frame_at(time);
            }
        }
        state.show(&card, Size { width: self.info.width(), height: self.info.height() });
    }
}

impl State {
    fn show(&self, frame: &gst::Buffer, size: Size) {
        for (_, viewer) in &self.viewers {
            viewer.frame(frame.clone(), size);
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        if let Some(inner) = self.picture.upgrade() {
            inner.lock().viewers.retain(|(id, _)| *id != self.id);
        }
    }
}

/// Sends the card whenever the camera does not deliver. Sleeps without a time-out while nobody watches.
fn card_thread(picture: &Weak<Inner>) {
    loop {
        let Some(inner) = picture.upgrade() else { return };
        let state = inner.lock();
        if state.viewers.is_empty() {
            // Wakes now and then only to notice that the picture is gone; that is when the room changes its size.
            drop(inner.changed.wait_timeout(state, Duration::from_secs(60)));
            continue;
        }
        let fresh = state.last_camera.map(|last| {
            let age = Duration::from(inner.timebase.now().saturating_sub(last));
            STALL.saturating_sub(age)
        });
        let wait = match fresh {
            Some(left) if !left.is_zero() && inner.cut.is_open() => left,
            _ => {
                drop(state);
                inner.show_card(inner.cut.at());
                let state = inner.lock();
                drop(inner.changed.wait_timeout(state, CARD_PERIOD));
                continue;
            }
        };
        drop(inner.changed.wait_timeout(state, wait));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permit::tests::permit;

    #[derive(Default)]
    struct Log(Mutex<Vec<(Option<gst::ClockTime>, bool)>>, AtomicU64);

    impl Viewer for Log {
        fn frame(&self, frame: gst::Buffer, _size: Size) {
            let camera = frame.flags().contains(gst::BufferFlags::MARKER);
            self.0.lock().unwrap().push((frame.pts(), camera));
        }

        fn key_frame_at(&self, running_time: gst::ClockTime) {
            self.1.store(running_time.nseconds(), Ordering::SeqCst);
        }
    }

    const SIZE: Size = Size { width: 64, height: 48 };

    fn picture() -> (Picture, Timebase, Cut) {
        gst::init().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::camera(&timebase);
        let picture = Picture::new(SIZE, 30, &timebase, &cut).unwrap();
        (picture, timebase, cut)
    }

    fn frame(timebase: &Timebase) -> gst::Buffer {
        let mut buffer = gst::Buffer::with_size(16).unwrap();
        let frame = buffer.get_mut().unwrap();
        frame.set_pts(timebase.now());
        frame.set_flags(gst::BufferFlags::MARKER);
        buffer
    }

    #[test]
    fn p3_the_first_frame_after_the_edge_is_the_card_as_key_frame() {
        let (picture, timebase, cut) = picture();
        let log = Arc::new(Log::default());
        let _view = picture.add(log.clone());
        assert!(!picture.camera_frame(frame(&timebase), SIZE), "nothing passes a closed gate");
        assert!(cut.open(&permit().0));
        thread::sleep(Duration::from_millis(2));
        assert!(picture.camera_frame(frame(&timebase), SIZE));
        let stamped_before = frame(&timebase);
        thread::sleep(Duration::from_millis(2));
        cut.close();
        assert!(!picture.camera_frame(stamped_before, SIZE));
        let log_lines = log.0.lock().unwrap().clone();
        let (time, camera) = *log_lines.last().unwrap();
        assert!(!camera);
        assert!(time.unwrap() >= cut.at());
        assert_eq!(log.1.load(Ordering::SeqCst), time.unwrap().nseconds());
    }

    #[test]
    fn p4_a_camera_that_stalls_is_replaced_by_the_card() {
        let (picture, timebase, cut) = picture();
        let log = Arc::new(Log::default());
        let _view = picture.add(log.clone());
        assert!(cut.open(&permit().0));
        thread::sleep(Duration::from_millis(2));
        assert!(picture.camera_frame(frame(&timebase), SIZE));
        thread::sleep(STALL + CARD_PERIOD);
        assert!(!log.0.lock().unwrap().last().unwrap().1);
        assert_ne!(log.1.load(Ordering::SeqCst), 0, "as a key frame");
    }

    #[test]
    fn p4_a_covered_picture_is_the_card_at_once_until_a_frame_comes() {
        let (picture, timebase, cut) = picture();
        let log = Arc::new(Log::default());
        let _view = picture.add(log.clone());
        assert!(cut.open(&permit().0));
        thread::sleep(Duration::from_millis(2));
        assert!(picture.camera_frame(frame(&timebase), SIZE));
        let cameras = || log.0.lock().unwrap().iter().filter(|(_, camera)| *camera).count();
        picture.cover();
        let lines = log.0.lock().unwrap().clone();
        // Not the last one: the card's thread, woken by this, may have sent its next card already.
        let after = &lines[lines.iter().rposition(|(_, camera)| *camera).unwrap() + 1..];
        let (time, _card) = after.first().expect("before anything else");
        assert_eq!(log.1.load(Ordering::SeqCst), time.unwrap().nseconds(), "as a key frame");
        thread::sleep(CARD_PERIOD * 2);
        assert!(log.0.lock().unwrap().iter().filter(|(_, camera)| !camera).count() >= 3, "and it goes on");
        assert_eq!(cameras(), 1);
        assert!(picture.camera_frame(frame(&timebase), SIZE));
        assert_eq!((cameras(), log.0.lock().unwrap().last().unwrap().1), (2, true), "it recovers by itself");
    }

    #[test]
    fn times_only_ever_grow() {
        let (picture, timebase, cut) = picture();
        let log = Arc::new(Log::default());
        let _view = picture.add(log.clone());
        assert!(cut.open(&permit().0));
        for _ in 0..5 {
            thread::sleep(Duration::from_millis(1));
            let one = frame(&timebase);
            picture.camera_frame(one.clone(), SIZE);
            picture.camera_frame(one, SIZE);
        }
        let times: Vec<_> = log.0.lock().unwrap().iter().map(|(time, _)| *time).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    }
}
