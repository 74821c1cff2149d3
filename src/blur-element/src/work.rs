//! One camera's blur: carries out what freshness and governor decide, frame by frame. No GStreamer in here.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use subrosa_blur::composition::{self, Background, Composition, Still};
use subrosa_blur::freshness::{Action, Event, Freshness, Taken};
use subrosa_blur::governor::{self, Governor, Limits, Measures, Size};
use subrosa_blur::picture::{Colours, Layout, Picture};
use subrosa_blur::regions::Look;
use subrosa_blur::smoothing::{Cover, Smoothing, widening};
use subrosa_blur::thumbnail::{Thumbnail, factor};

use crate::settings::{Mode, Reason, Rgba, Settings};
use crate::worker::{Answer, Fault, Make, Worker, cpu_time};

/// A question that is not answered for so long is never answered.
const STUCK: Duration = Duration::from_secs(2);
/// A segmenter that has ended is replaced after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It passes; its background is hidden.
    Composed,
    /// It passes as it is: the mode is off.
    Untouched,
    /// It is dropped.
    HeldBack,
}

/// What is seen, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// People before a hidden background.
    Clear,
    /// Nothing.
    Covered(Reason),
    /// Everything: the mode is off.
    Off,
}

/// Counts since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub composed: u64,
    pub untouched: u64,
    pub held_back: u64,
    pub masks: u64,
    /// CPU time of the frames that were composed.
    pub frame_cost: Duration,
    /// CPU time of the masks.
    pub mask_cost: Duration,
}

/// What a step has found.
#[derive(Clone, Copy, Debug)]
pub struct Result {
    pub fate: Fate,
    /// What is seen, where it has changed.
    pub said: Option<Seen>,
    /// The size that the camera should have, where it has changed.
    pub wanted: Option<Size>,
}

/// A still and what it was made for.
struct Ready {
    made_for: Fit,
    still: Still,
}

#[derive(Clone, Copy, PartialEq)]
struct Fit {
    layout: Layout,
    size: (usize, usize),
    colours: Colours,
}

/// The blur of one stream.
pub struct Work {
    start: Instant,
    freshness: Freshness,
    governor: Option<(Limits, Governor)>,
    measures: Measures,
    worker: Option<Worker>,
    threads: Arc<AtomicUsize>,
    start_at: Duration,
    fault: Option<Fault>,
    smoothing: Smoothing,
    mask_size: (usize, usize),
    /// Changes with every mask that is used.
    serial: u64,
    cover: Cover,
    cover_of: Option<(u64, u32)>,
    thumbnail: Thumbnail,
    composition: Composition,
    colour: Option<([u8; 3], Ready)>,
    image: Option<(Arc<Rgba>, Ready)>,
    making: Option<(Arc<Rgba>, Fit, Receiver<Still>)>,
    hiding: bool,
    since_asked: u32,
    last: Option<Taken>,
    seen: Option<Seen>,
    pub counts: Counts,
}

impl Work {
    /// Nothing is known yet. `threads` counts segmenters of this element that have not ended.
    pub fn new(settings: &Settings, threads: &Arc<AtomicUsize>) -> Self {
        Work {
            start: Instant::now(),
            freshness: Freshness::new(Duration::ZERO, settings.maximum_age),
            governor: None,
            measures: Measures { cadence: settings.cadence, coarse: false, size: Size::Full },
            worker: None,
            threads: threads.clone(),
            start_at: Duration::ZERO,
            fault: None,
            smoothing: Smoothing::default(),
            mask_size: (0, 0),
            serial: 0,
            cover: Cover::default(),
            cover_of: None,
            thumbnail: Thumbnail::default(),
            composition: Composition::default(),
            colour: None,
            image: None,
            making: None,
            hiding: false,
            since_asked: 0,
            last: None,
            seen: None,
            counts: Counts::default(),
        }
    }

    /// From now on the picture is another one: no mask made before counts.
    pub fn begin(&mut self) {
        self.hiding = false;
        self.last = None;
    }

    /// Another segmenter, or another model: the old one is forgotten with all that it said.
    pub fn dismiss(&mut self) {
        self.worker = None;
        self.start_at = Duration::ZERO;
        self.begin();
    }

    /// A frame with its stamp: hides the background of its picture, or says that it must not pass. Without a picture it never
    /// passes, unless the mode is off.
    pub fn frame(
        &mut self,
        stamp: Option<Duration>,
        settings: &Settings,
        make: Option<&Make>,
        picture: Option<&mut Picture<'_>>,
    ) -> Result {
        let before = cpu_time();
        let now = self.start.elapsed();
        let taken = Taken { arrived: now, stamp };
        if settings.mode == Mode::Off {
            self.begin();
            self.counts.untouched += 1;
            return Result { fate: Fate::Untouched, said: self.say(Seen::Off), wanted: None };
        }
        if self.freshness.maximum_age() != settings.maximum_age {
            self.freshness = Freshness::new(now, settings.maximum_age);
            self.hiding = false;
        }
        if !std::mem::replace(&mut self.hiding, true) {
            self.freshness.step(now, Event::Begin);
            self.smoothing.forget();
            self.since_asked = u32::MAX;
        }
        let mut wanted = self.listen(now);
        self.tend(now, settings, make);
        let shown = match picture {
            Some(picture) => self.look_and_compose(taken, settings, picture),
            None => false,
        };
        let spent = cpu_time().saturating_sub(before);
        if shown {
            self.counts.composed += 1;
            self.counts.frame_cost += spent;
        } else {
            self.counts.held_back += 1;
        }
        let period = self.last.map(|last| taken.arrived.saturating_sub(last.arrived));
        self.last = Some(taken);
        self.govern_by(now, settings);
        if let Some(period) = period {
            wanted = self.govern(now, governor::Event::Frame { period, spent }).or(wanted);
        }
        let seen = match Reason::of(self.freshness.state(), self.fault) {
            None if shown => Seen::Clear,
            None => Seen::Covered(Reason::Failed),
            Some(reason) => Seen::Covered(reason),
        };
        Result { fate: if shown { Fate::Composed } else { Fate::HeldBack }, said: self.say(seen), wanted }
    }

    fn say(&mut self, seen: Seen) -> Option<Seen> {
        (self.seen.replace(seen) != Some(seen)).then_some(seen)
    }

    /// Takes what the segmenter has said.
    fn listen(&mut self, now: Duration) -> Option<Size> {
        let mut wanted = None;
        for answer in self.worker.as_ref().map(Worker::answers).unwrap_or_default() {
            match answer {
                Answer::Mask { of, mask, size, quality, spent } => {
                    self.fault = None;
                    self.counts.masks += 1;
                    self.counts.mask_cost += spent;
                    if self.freshness.step(now, Event::Mask { of, quality }).contains(&Action::Use) {
                        self.smoothing.follow(&mask);
                        self.mask_size = size;
                        self.serial += 1;
                    }
                    if let Some(worker) = &self.worker {
                        worker.give_back(mask);
                    }
                    wanted = self.govern(now, governor::Event::Mask { spent }).or(wanted);
                }
                Answer::Failed => {
                    self.freshness.step(now, Event::Failed);
                }
                Answer::Gone(fault) => {
                    self.fault = Some(fault);
                    self.freshness.step(now, Event::Gone);
                    self.worker = None;
                    self.start_at = now + AGAIN;
                }
            }
        }
        wanted
    }

    /// Sees to it that there is a segmenter, and that it answers.
    fn tend(&mut self, now: Duration, settings: &Settings, make: Option<&Make>) {
        if self.worker.as_ref().and_then(Worker::busy_for).is_some_and(|busy| busy > STUCK) {
            self.worker = None;
        }
        if self.worker.is_some() || now < self.start_at {
            return;
        }
        self.start_at = now + AGAIN;
        match make {
            Some(make) => self.worker = Worker::start(make, settings.regions, &self.threads),
            None => {
                self.fault = Some(Fault::Missing);
                self.freshness.step(now, Event::Gone);
            }
        }
    }

    /// Shows the picture to the segmenter, and hides its background. `false`: it must not pass.
    fn look_and_compose(&mut self, taken: Taken, settings: &Settings, picture: &mut Picture<'_>) -> bool {
        // While nothing is seen every frame is looked at, so that it does not last.
        let clear = self.seen == Some(Seen::Clear);
        let due = self.since_asked >= if clear { self.measures.cadence.saturating_sub(1) } else { 0 };
        let looks = if due { self.worker.as_ref().and_then(Worker::wants) } else { None };
        let blurred = matches!(settings.mode, Mode::Light | Mode::Strong | Mode::Off);
        if looks.is_some() || blurred {
            composition::thumbnail(picture, &mut self.thumbnail);
        }
        self.since_asked = self.since_asked.saturating_add(1);
        if let (Some(looks), Some(worker)) = (looks, &self.worker) {
            let looks = looks.into_iter().map(|look| (look, self.look(look, picture))).collect();
            worker.ask(taken, looks, picture.colours());
            self.since_asked = 0;
            if !settings.patience.is_zero() {
                worker.wait(settings.patience);
                self.listen(self.start.elapsed());
            }
        }
        let decided = self.freshness.step(self.start.elapsed(), Event::Frame { taken });
        let Some(Action::Compose { age }) = decided.first() else { return false };
        let cover_of = (self.serial, widening(*age));
        if self.cover_of.replace(cover_of) != Some(cover_of) {
            self.cover.make(self.smoothing.values(), self.mask_size, cover_of.1);
        }
        let fit = Fit { layout: picture.layout(), size: picture.size(), colours: picture.colours() };
        if settings.mode == Mode::Image {
            self.prepare(settings.picture.as_ref(), fit);
        }
        let image = self.image.as_ref().filter(|(rgba, ready)| {
            settings.picture.as_ref().is_some_and(|wanted| Arc::ptr_eq(wanted, rgba)) && ready.made_for == fit
        });
        let background = match (settings.mode, image) {
            (Mode::Light | Mode::Strong | Mode::Off, _) => Background::Blurred {
                thumbnail: &self.thumbnail,
                sigma: settings.mode.sigma() * settings.strength,
                coarse: self.measures.coarse,
            },
            (Mode::Image, Some((_, ready))) => Background::Still(&ready.still),
            // While there is no picture the colour hides as much.
            (Mode::Image | Mode::Colour, _) => {
                let ready = match self.colour.take() {
                    Some((colour, ready)) if colour == settings.colour && ready.made_for == fit => ready,
                    _ => Ready {
                        made_for: fit,
                        still: Still::colour(settings.colour, fit.layout, fit.size, fit.colours),
                    },
                };
                Background::Still(&self.colour.insert((settings.colour, ready)).1.still)
            }
        };
        self.composition.compose(picture, &self.cover, background).is_ok()
    }

    /// What a look is at.
    fn look(&self, look: Look, picture: &Picture<'_>) -> Thumbnail {
        if look.is_whole() {
            return self.thumbnail.clone();
        }
        let window = look.area.window(picture.size());
        let mut thumbnail = Thumbnail::default();
        thumbnail.take(picture, window, factor(window, composition::THUMBNAIL));
        thumbnail
    }

    /// Has the operator's picture made for these frames, by another thread: it takes longer than a frame.
    fn prepare(&mut self, wanted: Option<&Arc<Rgba>>, fit: Fit) {
        let Some(wanted) = wanted else { return };
        let is = |rgba: &Arc<Rgba>, made_for: Fit| Arc::ptr_eq(rgba, wanted) && made_for == fit;
        if self.image.as_ref().is_some_and(|(rgba, ready)| is(rgba, ready.made_for)) {
            return;
        }
        if let Some((rgba, made_for, made)) = self.making.take_if(|(rgba, made_for, _)| is(rgba, *made_for)) {
            match made.try_recv() {
                Ok(still) => self.image = Some((rgba, Ready { made_for, still })),
                Err(TryRecvError::Empty) => self.making = Some((rgba, made_for, made)),
                // It cannot be made; it stays so until another one is given.
                Err(TryRecvError::Disconnected) => self.making = Some((rgba, made_for, made)),
            }
            return;
        }
        let (done, made) = mpsc::channel();
        let rgba = wanted.clone();
        let _without_it_the_colour_stays = thread::Builder::new().name("still".into()).spawn(move || {
            if let Ok(still) = Still::cover(&rgba.pixels, rgba.size, fit.layout, fit.size, fit.colours) {
                let _no_longer_wanted = done.send(still);
            }
        });
        self.making = Some((wanted.clone(), fit, made));
    }

    /// Governs within these limits from now on.
    fn govern_by(&mut self, now: Duration, settings: &Settings) {
        let start = Measures { cadence: settings.cadence, coarse: false, size: Size::Full };
        let limits = Limits { budget: settings.budget, start, maximum_age: settings.maximum_age };
        if settings.budget.is_zero() {
            self.governor = None;
            self.measures = start;
        } else if self.governor.as_ref().is_none_or(|(before, _)| *before != limits) {
            self.governor = Some((limits, Governor::new(now, limits)));
            self.measures = start;
        }
    }

    fn govern(&mut self, now: Duration, event: governor::Event) -> Option<Size> {
        let (_, governor) = self.governor.as_mut()?;
        let actions = governor.step(now, event);
        self.measures = governor.measures();
        actions.iter().find_map(|action| match action {
            governor::Action::Ask(size) => Some(*size),
            governor::Action::Cadence(_) | governor::Action::Coarse(_) => None,
        })
    }

    /// What was last said to be seen.
    pub fn seen(&self) -> Option<Seen> {
        self.seen
    }

    /// What is done for each frame at present.
    pub fn measures(&self) -> Measures {
        self.measures
    }
}
