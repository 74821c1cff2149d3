//! What may leave while the background is hidden (P4): the decision, without clock, picture or thread.
//!
//! A frame is composed when there is a mask that is not older than the maximum age, and the masks are worth believing. Otherwise
//! it is held back, and the privacy card is shown instead. There is no third way.
//!
//! ```text
//!             a good mask                     no fresh mask, or doubt
//! Starting ─────────────────────────► Clear ──────────────────────────► Covered(why)
//!    │                                  ▲                                   │
//!    │ nothing for START                └───────────────────────────────────┘
//!    └──────────────────────► Covered            RECOVERY good masks
//! ```

use std::time::Duration;

/// Nothing older is ever used (P4), whatever is set.
pub const MAXIMUM_AGE: Duration = Duration::from_millis(150);
/// How long a start may take before it is called late.
pub const START: Duration = Duration::from_secs(1);
/// So many good masks in a row end a cover: the picture does not flicker.
pub const RECOVERY: u32 = 3;
/// Masks that show only people, or nobody and are unsure of it, are believed for so long.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Only people are believed at all when at least this share was people before: who comes near grows from mask to mask (by 0.14 at most
/// when it takes half a second, see the test in `tests/masks.rs`), while a segmenter that fails, or a lens that is covered, jumps.
const GROWN: f32 = 0.5;

/// When a picture was taken: by our clock, and by its own stamp where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// When it came.
    pub arrived: Duration,
    /// Its running time.
    pub stamp: Option<Duration>,
}

impl Taken {
    /// How much later this is than an earlier picture: the larger of both measures. `None` when the stamps go backwards: then
    /// the earlier picture is of another scene.
    fn since(self, earlier: Taken) -> Option<Duration> {
        let arrived = self.arrived.checked_sub(earlier.arrived)?;
        match (self.stamp, earlier.stamp) {
            (Some(stamp), Some(before)) => Some(arrived.max(stamp.checked_sub(before)?)),
            _ => Some(arrived),
        }
    }
}

/// What a mask looks like, without knowing the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Every value is a number from 0 to 1.
    pub sound: bool,
    /// The share of pixels that are rather a person.
    pub people: f32,
    /// The share of pixels that could be either.
    pub unsure: f32,
    /// The mean of all values.
    pub mean: f32,
}

impl Quality {
    /// Looks at a mask.
    #[must_use]
    pub fn of(mask: &[f32]) -> Self {
        let (mut sum, mut people, mut unsure) = (0.0_f32, 0_u32, 0_u32);
        let mut sound = !mask.is_empty();
        for value in mask {
            // A rounding error may lead a hair out of the range.
            sound &= (-0.01..=1.01).contains(value);
            sum += value;
            people += u32::from(*value > 0.5);
            unsure += u32::from((0.2..0.8).contains(value));
        }
        let count = mask.len().max(1) as f32;
        Quality { sound, people: people as f32 / count, unsure: unsure as f32 / count, mean: sum / count }
    }

    fn judge(self) -> Judgement {
        if !self.sound {
            Judgement::Broken
        } else if self.unsure > UNSURE {
            Judgement::Grey
        } else if self.people > EVERYTHING {
            Judgement::Everything
        } else if self.people < NOTHING && self.mean > SURE_OF_NOTHING {
            Judgement::Nobody
        } else {
            Judgement::Good
        }
    }
}

/// A mask of which more is unsure is grey, and shows the room through a veil. Edges are unsure by nature: of real pictures of
/// people, crowded ones too, less than a fifth is.
const UNSURE: f32 = 0.4;
/// More than this is everything: nobody fills the whole picture for long.
const EVERYTHING: f32 = 0.97;
/// Less than this is nothing …
const NOTHING: f32 = 0.002;
/// … and a mask that is sure of it has a lower mean.
const SURE_OF_NOTHING: f32 = 0.08;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    Good,
    /// Only people: possible for a while, not for long, and not out of nothing.
    Everything,
    /// Nobody, and unsure of it: possible for a while, not for long.
    Nobody,
    /// Never to be used.
    Grey,
    /// Not a mask.
    Broken,
}

/// Why frames are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The last mask is too old: the segmenter is slow or stuck.
    Late,
    /// Masks are not worth believing.
    Doubtful,
    /// The segmenter failed, or gave what is no mask.
    Broken,
    /// There is no segmenter: no model, or its thread has ended.
    Gone,
}

/// What is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Nothing yet: the first mask is awaited.
    Starting,
    /// The picture.
    Clear,
    /// The card.
    Covered(Why),
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// The background is hidden from now on, or the camera is another one: no older mask counts.
    Begin,
    /// A mask of the picture taken then.
    Mask {
        /// When its picture was taken.
        of: Taken,
        /// What it looks like.
        quality: Quality,
    },
    /// The segmenter said an error instead of a mask.
    Failed,
    /// The segmenter is no more.
    Gone,
    /// A frame wants to leave.
    Frame {
        /// When it was taken.
        taken: Taken,
    },
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The mask that has come replaces the one before.
    Use,
    /// The frame is composed with the mask in use, which is so old.
    Compose {
        /// The age of the mask.
        age: Duration,
    },
    /// The frame is dropped.
    HoldBack,
    /// What is seen has changed.
    Say(State),
}

/// The decision. `now`, by the clock of [`Taken::arrived`], only grows.
#[derive(Clone, Debug)]
pub struct Freshness {
    maximum_age: Duration,
    state: State,
    begun: Duration,
    mask: Option<Taken>,
    /// Good masks in a row.
    good: u32,
    /// Since when every mask is odd: only people, or nobody and unsure of it.
    odd_since: Option<Duration>,
    /// The share of people in the last mask that was believed.
    share: f32,
    /// What was last wrong with the segmenter, until a good mask has come.
    trouble: Option<Why>,
    gone: bool,
}

impl Freshness {
    /// No mask yet. A longer age than [`MAXIMUM_AGE`] is that one.
    #[must_use]
    pub fn new(now: Duration, maximum_age: Duration) -> Self {
        Freshness {
            maximum_age: maximum_age.min(MAXIMUM_AGE),
            state: State::Starting,
            begun: now,
            mask: None,
            good: 0,
            odd_since: None,
            share: 0.0,
            trouble: None,
            gone: false,
        }
    }

    /// What is seen.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// The maximum age of a mask.
    #[must_use]
    pub fn maximum_age(&self) -> Duration {
        self.maximum_age
    }

    /// Takes what has happened, and says what is to be done.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Action> {
        match event {
            Event::Begin => {
                let before = self.state;
                *self = Freshness { gone: self.gone, ..Freshness::new(now, self.maximum_age) };
                if before == State::Starting { Vec::new() } else { vec![Action::Say(State::Starting)] }
            }
            Event::Mask { of, quality } => {
                self.gone = false;
                match self.judge(now, quality) {
                    // Masks come in order; one from before a beginning is not ours.
                    None if of.arrived < self.begun => Vec::new(),
                    None => {
                        self.mask = Some(of);
                        self.share = quality.people;
                        self.good = self.good.saturating_add(1);
                        if self.good >= RECOVERY {
                            self.trouble = None;
                        }
                        vec![Action::Use]
                    }
                    Some(why) => self.distrust(why),
                }
            }
            Event::Failed => self.distrust(Why::Broken),
            Event::Gone => {
                self.gone = true;
                self.mask = None;
                self.distrust(Why::Gone)
            }
            Event::Frame { taken } => self.frame(now, taken),
        }
    }

    /// What is wrong with a mask, if anything.
    fn judge(&mut self, now: Duration, quality: Quality) -> Option<Why> {
        match quality.judge() {
            Judgement::Good => {
                self.odd_since = None;
                None
            }
            // The mask before stays in use while it is young enough: one wrong mask covers nothing.
            Judgement::Everything if self.share < GROWN => Some(Why::Doubtful),
            Judgement::Everything | Judgement::Nobody => {
                let since = *self.odd_since.get_or_insert(now);
                // While frames are held back there is no patience: it would show the room again and again.
                let believed = now.saturating_sub(since) < PATIENCE && !matches!(self.state, State::Covered(_));
                (!believed).then_some(Why::Doubtful)
            }
            Judgement::Grey => Some(Why::Doubtful),
            Judgement::Broken => Some(Why::Broken),
        }
    }

    fn distrust(&mut self, why: Why) -> Vec<Action> {
        self.good = 0;
        self.trouble = Some(why);
        // Odd for too long: what is shown with the last mask is as odd.
        if why == Why::Doubtful && self.odd_since.is_some() {
            self.mask = None;
        }
        Vec::new()
    }

    fn frame(&mut self, now: Duration, taken: Taken) -> Vec<Action> {
        let age = self.mask.and_then(|mask| taken.since(mask)).filter(|age| *age <= self.maximum_age);
        let enough = match self.state {
            State::Clear => true,
            State::Starting => self.good > 0,
            State::Covered(_) => self.good >= RECOVERY,
        };
        match age {
            Some(age) if enough && !self.gone => {
                let mut actions = self.turn(State::Clear);
                actions.insert(0, Action::Compose { age });
                actions
            }
            _ => {
                let late = now.saturating_sub(self.begun) > START;
                let state = match (self.state, self.trouble) {
                    (_, Some(why)) => State::Covered(why),
                    (State::Starting, None) if !late => State::Starting,
                    (State::Starting | State::Clear, None) => State::Covered(Why::Late),
                    // The masks are good again, but not for long enough.
                    (State::Covered(why), None) => State::Covered(why),
                };
                // What held frames back once has to be made good.
                if !matches!(self.state, State::Covered(_)) && matches!(state, State::Covered(_)) {
                    self.good = 0;
                }
                let mut actions = vec![Action::HoldBack];
                actions.extend(self.turn(state));
                actions
            }
        }
    }

    fn turn(&mut self, state: State) -> Vec<Action> {
        if std::mem::replace(&mut self.state, state) == state { Vec::new() } else { vec![Action::Say(state)] }
    }
}

#[cfg(test)]
mod tests;
