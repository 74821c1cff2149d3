//! The room's picture, encoded: one encoder of H.264 for all peers, and one of VP8 while somebody needs it.

pub mod encoding;
pub mod keyframe;
pub mod narrowed;
pub mod rate;
pub mod rows;
pub mod trial;

use std::thread;
use std::time::Instant;

use gstreamer_utils::StreamProducer;
use subrosa_messages::media::{Codec, LinkId, Size};

use crate::picture::Picture;
use crate::timebase::Timebase;
use encoding::{Encoding, Plan};
use rate::{Rates, Target, Viewed};
use rows::Row;

/// The size for peers without H.264, whatever the room's picture is.
const VP8_SIZE: Size = Size { width: 640, height: 360 };
/// Above it VP8 at that size gains nothing.
const VP8_MAX: u32 = 700_000;

/// Names one encoder that ran, so that a late fault does not fall on the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run(u64);

/// Says that an encoder has failed; from any thread.
pub type Failed = std::sync::Arc<dyn Fn(Codec, Run) + Send + Sync>;

/// What changed in one step; the caller puts links on new producers.
#[derive(Debug, Default)]
pub struct Change {
    /// Producers are others than before.
    pub producers: bool,
    /// The row of H.264 is another than before.
    pub row: bool,
    /// Viewers that get no picture from now on, or get it again.
    pub paused: Vec<(LinkId, bool)>,
}

/// All encoders.
pub struct Encoders {
    picture: Picture,
    timebase: Timebase,
    frames_per_second: u32,
    rows: Vec<&'static Row>,
    h264: Slot,
    vp8: Slot,
    failed: Failed,
    runs: u64,
    frames_before: u64,
}

struct Slot {
    codec: Codec,
    row: Option<&'static Row>,
    rates: Rates,
    run: Run,
    running: Option<Encoding>,
}

impl Encoders {
    /// Encoders of this picture. `rows` are those of H.264 that passed their trial, in order.
    #[must_use]
    pub fn new(
        picture: &Picture,
        timebase: &Timebase,
        max_bitrate: u32,
        rows: Vec<&'static Row>,
        failed: Failed,
    ) -> Self {
        let info = picture.info();
        let size = Size { width: info.width(), height: info.height() };
        let frames_per_second = u32::try_from(info.fps().numer()).unwrap_or(30);
        let vp8_size = Size { width: size.width.min(VP8_SIZE.width), height: size.height.min(VP8_SIZE.height) };
        let slot = |codec, row, size, max| Slot {
            codec,
            row,
            rates: Rates::new(size, frames_per_second, max),
            run: Run(0),
            running: None,
        };
        Encoders {
            picture: picture.clone(),
            timebase: timebase.clone(),
            frames_per_second,
            h264: slot(Codec::H264, rows.first().copied(), size, max_bitrate),
            vp8: slot(Codec::Vp8, rows::vp8(), vp8_size, max_bitrate.min(VP8_MAX)),
            rows,
            failed,
            runs: 0,
            frames_before: 0,
        }
    }

    /// One more row of H.264 that passed its trial, to be used after those before it.
    pub fn add_row(&mut self, row: &'static Row) {
        self.rows.push(row);
        if self.h264.row.is_none() {
            self.h264.row = Some(row);
        }
    }

    /// The row that feeds H.264 peers.
    #[must_use]
    pub fn row(&self) -> Option<&'static str> {
        self.h264.row.map(|row| row.name)
    }

    /// The frames of a codec, while its encoder runs.
    #[must_use]
    pub fn producer(&self, codec: Codec) -> Option<&StreamProducer> {
        self.slot(codec)?.running.as_ref().map(Encoding::producer)
    }

    /// Runs the encoder of a codec, or ends it.
    pub fn need(&mut self, codec: Codec, needed: bool) -> Change {
        let running = self.slot(codec).is_some_and(|slot| slot.running.is_some());
        match (needed, running) {
            (true, false) => self.start(codec),
            (false, true) => {
                self.stop(codec);
                Change::default()
            }
            _ => Change::default(),
        }
    }

    /// Follows the paths of the viewers of a codec, about four times a second.
    pub fn step(&mut self, now: Instant, codec: Codec, viewers: &[Viewed]) -> Change {
        let camera = self.picture.camera_size();
        let Some(slot) = self.slot_mut(codec) else { return Change::default() };
        let rates = slot.rates.step(now, viewers);
        let mut change = Change::default();
        let target = within(slot.rates.target(), camera);
        if let Some(running) = &mut slot.running {
            if target.size != running.target().size {
                change = self.start(codec);
            } else if rates.target.is_some() {
                running.set_bitrate(target.bitrate);
            }
        }
        change.paused = rates.paused;
        change
    }

    /// Whether this viewer gets no picture.
    #[must_use]
    pub fn is_paused(&self, codec: Codec, link: LinkId) -> bool {
        self.slot(codec).is_some_and(|slot| slot.rates.is_paused(link))
    }

    /// From which bitrate on the picture is made whole in this codec, in bit/s.
    #[must_use]
    pub fn whole(&self, codec: Codec) -> u32 {
        self.slot(codec).map_or(0, |slot| slot.rates.whole())
    }

    /// Looks for an encoder that hangs, about once a second.
    pub fn look(&mut self, now: Instant) -> Change {
        for codec in [Codec::H264, Codec::Vp8] {
            let hangs = self.slot(codec).and_then(|slot| slot.running.as_ref()).is_some_and(|one| one.hangs(now));
            if hangs && let Some(run) = self.slot(codec).map(|slot| slot.run) {
                return self.fault(codec, run);
            }
        }
        Change::default()
    }

    /// An encoder has failed: the next row takes over, for as long as this process runs.
    pub fn fault(&mut self, codec: Codec, run: Run) -> Change {
        let Some(slot) = self.slot_mut(codec) else { return Change::default() };
        if slot.run != run || slot.running.is_none() {
            return Change::default();
        }
        let name = slot.row.map_or("none", |row| row.name);
        tracing::warn!("the encoder {name} failed");
        if codec == Codec::H264 {
            self.next_row();
        }
        let mut change = self.start(codec);
        change.row = codec == Codec::H264;
        change
    }

    /// Frames that entered an encoder since the start.
    #[must_use]
    pub fn frames(&self) -> u64 {
        let now = [&self.h264, &self.vp8].into_iter().filter_map(|slot| slot.running.as_ref()).map(Encoding::frames);
        self.frames_before + now.sum::<u64>()
    }

    /// The bitrate that H.264 peers get, or those of VP8 where there are no others; 0 while nothing is encoded.
    #[must_use]
    pub fn bitrate(&self) -> u32 {
        [&self.h264, &self.vp8]
            .into_iter()
            .filter_map(|slot| slot.running.as_ref())
            .map(|one| one.target().bitrate)
            .next()
            .unwrap_or(0)
    }

    fn slot(&self, codec: Codec) -> Option<&Slot> {
        [&self.h264, &self.vp8].into_iter().find(|slot| slot.codec == codec)
    }

    fn slot_mut(&mut self, codec: Codec) -> Option<&mut Slot> {
        [&mut self.h264, &mut self.vp8].into_iter().find(|slot| slot.codec == codec)
    }

    fn next_row(&mut self) {
        let current = self.h264.row.map(|row| row.name);
        self.rows.retain(|row| Some(row.name) != current);
        self.h264.row = self.rows.first().copied();
    }

    /// Starts the encoder of a codec anew, in the row that works.
    fn start(&mut self, codec: Codec) -> Change {
        self.stop(codec);
        let mut change = Change { producers: true, ..Change::default() };
        loop {
            self.runs += 1;
            let run = Run(self.runs);
            let (picture, timebase, failed) = (self.picture.clone(), self.timebase.clone(), self.failed.clone());
            let Some(slot) = self.slot_mut(codec) else { return change };
            let Some(row) = slot.row else { return change };
            let target = within(slot.rates.target(), picture.camera_size());
            let failed: Box<dyn Fn() + Send + Sync> = Box::new(move || failed(codec, run));
            match Encoding::start(Plan { row, picture: &picture, target, timebase: &timebase, failed }) {
                Ok(encoding) => {
                    slot.run = run;
                    slot.running = Some(encoding);
                    return change;
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    if codec != Codec::H264 {
                        return change;
                    }
                    self.next_row();
                    change.row = true;
                }
            }
        }
    }

    fn stop(&mut self, codec: Codec) {
        let Some(slot) = self.slot_mut(codec) else { return };
        let Some(encoding) = slot.running.take() else { return };
        self.frames_before += encoding.frames();
        // A driver may take its time, or for ever.
        let _ends_by_itself = thread::Builder::new().name("encoder-end".into()).spawn(move || drop(encoding));
    }

    /// Frames a second of the picture.
    #[must_use]
    pub fn frames_per_second(&self) -> u32 {
        self.frames_per_second
    }

    /// What an encoder of this codec makes, or would make.
    #[must_use]
    pub fn target(&self, codec: Codec) -> Option<Target> {
        self.slot(codec).map(|slot| within(slot.rates.target(), self.picture.camera_size()))
    }
}

/// No picture is made larger than the camera's frames are: nobody would see more.
fn within(target: Target, camera: Size) -> Target {
    let smaller = camera.width < target.size.width || camera.height < target.size.height;
    if smaller { Target { size: camera, ..target } } else { target }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::time::Duration;

    use gstreamer::prelude::{ElementExt, PadExt};

    use super::*;
    use crate::cut::Cut;

    fn encoders(rows: &[&str]) -> (Encoders, mpsc::Receiver<(Codec, Run)>) {
        crate::plugins::start().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::camera(&timebase);
        let picture = Picture::new(Size { width: 640, height: 360 }, 30, &timebase, &cut).unwrap();
        let (sender, failed) = mpsc::channel();
        let rows = rows.iter().map(|row| rows::find(row).unwrap()).collect();
        let failed_at = Arc::new(move |codec, run| sender.send((codec, run)).unwrap());
        (Encoders::new(&picture, &timebase, 2_500_000, rows, failed_at), failed)
    }

    #[test]
    fn p10_a_row_that_does_not_start_gives_way_to_the_next() {
        let (mut encoders, _) = encoders(&["mpph264enc", "openh264enc"]);
        let change = encoders.need(Codec::H264, true);
        assert!(change.producers && change.row);
        assert_eq!(encoders.row(), Some("openh264enc"));
        assert!(encoders.producer(Codec::H264).is_some());
        assert!(encoders.producer(Codec::Vp8).is_none());
    }

    #[test]
    fn p10_an_encoder_that_fails_in_mid_call_gives_way_to_the_next() {
        let (mut encoders, failed) = encoders(&["x264enc", "openh264enc"]);
        encoders.need(Codec::H264, true);
        let first = encoders.producer(Codec::H264).unwrap().clone();
        let appsink = first.appsink().clone();
        gstreamer::element_error!(appsink, gstreamer::StreamError::Encode, ("a fault for the test"));
        let (codec, run) = failed.recv_timeout(Duration::from_secs(5)).unwrap();
        let change = encoders.fault(codec, run);
        assert!(change.row && change.producers);
        assert_eq!(encoders.row(), Some("openh264enc"));
        assert_ne!(encoders.producer(Codec::H264).unwrap(), &first);
        let late = encoders.fault(codec, run);
        assert!(!late.producers, "a fault that comes twice is one fault");
        assert_eq!(encoders.row(), Some("openh264enc"));
    }

    #[test]
    fn an_encoder_that_is_slower_than_the_picture_gets_fewer_frames() {
        crate::plugins::start().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::camera(&timebase);
        let picture = Picture::new(Size { width: 640, height: 360 }, 30, &timebase, &cut).unwrap();
        let row = Row { frames_per_second: Some(20), ..*rows::find("x264enc").unwrap() };
        let mut encoders =
            Encoders::new(&picture, &timebase, 2_500_000, vec![Box::leak(Box::new(row))], Arc::new(|_, _| {}));
        encoders.need(Codec::H264, true);
        let caps = eventually(|| encoders.producer(Codec::H264)?.appsink().static_pad("sink")?.current_caps());
        let rate = caps.structure(0).unwrap().get::<gstreamer::Fraction>("framerate").unwrap();
        assert_eq!(rate, gstreamer::Fraction::new(20, 1));
    }

    fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
        let end = Instant::now() + Duration::from_secs(5);
        loop {
            match look() {
                Some(found) => return found,
                None if Instant::now() < end => thread::sleep(Duration::from_millis(10)),
                None => panic!("it did not happen"),
            }
        }
    }

    #[test]
    fn p10_without_any_row_there_is_no_picture_and_no_panic() {
        let (mut encoders, _) = encoders(&[]);
        encoders.need(Codec::H264, true);
        assert_eq!(encoders.row(), None);
        assert!(encoders.producer(Codec::H264).is_none());
    }

    #[test]
    fn the_encoder_of_vp8_exists_only_while_it_is_needed() {
        let (mut encoders, _) = encoders(&["x264enc"]);
        encoders.need(Codec::Vp8, true);
        assert!(encoders.producer(Codec::Vp8).is_some());
        encoders.need(Codec::Vp8, false);
        assert!(encoders.producer(Codec::Vp8).is_none());
    }

    #[test]
    fn frames_that_get_smaller_make_a_smaller_picture_and_never_a_larger_one() {
        let size = |width, height| Size { width, height };
        let target = |size| Target { bitrate: 1_000_000, size };
        let table = [
            // the path allows, the camera gives: what is made
            (size(1280, 720), size(1280, 720), size(1280, 720)),
            (size(1280, 720), size(852, 480), size(852, 480)),
            (size(960, 540), size(852, 480), size(852, 480)),
            (size(640, 360), size(852, 480), size(640, 360)),
        ];
        for (path, camera, made) in table {
            assert_eq!(within(target(path), camera), target(made));
        }
    }

    #[test]
    fn a_narrower_path_makes_a_smaller_picture_from_a_new_encoder() {
        crate::plugins::start().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::camera(&timebase);
        let picture = Picture::new(Size { width: 1280, height: 720 }, 30, &timebase, &cut).unwrap();
        let mut encoders =
            Encoders::new(&picture, &timebase, 2_500_000, vec![rows::find("x264enc").unwrap()], Arc::new(|_, _| {}));
        encoders.need(Codec::H264, true);
        let first = encoders.producer(Codec::H264).unwrap().clone();
        let change = encoders.step(Instant::now(), Codec::H264, &[Viewed::of(LinkId(1), Some(500_000))]);
        assert!(change.producers);
        assert_ne!(encoders.producer(Codec::H264).unwrap(), &first);
        assert_eq!(encoders.target(Codec::H264).unwrap().size.height, 360);
        let change = encoders.step(Instant::now(), Codec::H264, &[Viewed::of(LinkId(1), Some(600_000))]);
        assert!(!change.producers, "the bitrate alone changes nothing else");
    }
}
