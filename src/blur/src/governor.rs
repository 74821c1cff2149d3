//! Keeps the blur within its time for each frame: a ladder of measures that look worse one after the other, each taken only when
//! the one before was not enough, and taken back when there is room again. It never makes the picture slower than the camera:
//! fewer masks, a coarser blur, a smaller picture, in this order (EN 301 549 asks for 20 frames a second).
//!
//! Pure: time and costs are arguments.

use std::time::Duration;

use crate::freshness::MAXIMUM_AGE;

/// Costs are looked at over so long.
pub const WINDOW: Duration = Duration::from_secs(1);
/// There must be room for so long before a measure is taken back …
pub const CALM: Duration = Duration::from_secs(5);
/// … and for at most so long when taking it back has failed again and again.
pub const LONGEST_CALM: Duration = Duration::from_secs(80);
/// Fewer frames a second than this are not accepted.
pub const LEAST_RATE: u32 = 20;
/// A measure is taken back when the cost is foreseen to be below this share of the budget.
const ROOM: f64 = 0.85;
/// The most masks that may be left out, whatever the age.
const SLOWEST_CADENCE: u32 = 4;

/// How large the camera's picture should be, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// As the room wants it.
    Full,
    /// Two thirds of its width and height: 720 lines instead of 1080, 480 instead of 720.
    TwoThirds,
    /// Half of its width and height.
    Half,
}

impl Size {
    /// Pixels, as a share of all.
    fn share(self) -> f64 {
        match self {
            Size::Full => 1.0,
            Size::TwoThirds => 4.0 / 9.0,
            Size::Half => 0.25,
        }
    }
}

/// What is done for each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Measures {
    /// A mask for every so-manieth frame.
    pub cadence: u32,
    /// The blur at half its resolution.
    pub coarse: bool,
    /// The size of the camera's picture.
    pub size: Size,
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame has passed, or was held back.
    Frame {
        /// Since the one before.
        period: Duration,
        /// CPU time that composing it took.
        spent: Duration,
    },
    /// A mask was made.
    Mask {
        /// CPU time that it took.
        spent: Duration,
    },
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// From now on a mask for every so-manieth frame.
    Cadence(u32),
    /// From now on at this resolution.
    Coarse(bool),
    /// The camera is asked for a picture of this size. Whoever can do it restarts it.
    Ask(Size),
}

/// What the board allows and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// CPU time for each frame, masks included.
    pub budget: Duration,
    /// Where it begins, and what it returns to.
    pub start: Measures,
    /// The age that no mask passes.
    pub maximum_age: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    frames: u32,
    period: Duration,
    frame_cost: Duration,
    masks: u32,
    mask_cost: Duration,
}

/// The governor.
#[derive(Clone, Debug)]
pub struct Governor {
    limits: Limits,
    measures: Measures,
    window: Duration,
    sums: Sums,
    /// What a mask costs, from the last window that had one.
    mask_cost: Duration,
    /// Since when there is room.
    room_since: Option<Duration>,
    calm: Duration,
    /// When a measure was last taken back.
    eased: Option<Duration>,
}

impl Governor {
    /// Begins where the limits say, at this time.
    #[must_use]
    pub fn new(now: Duration, limits: Limits) -> Self {
        let cadence = limits.start.cadence.clamp(1, SLOWEST_CADENCE);
        let start = Measures { cadence, ..limits.start };
        Governor {
            limits: Limits { start, maximum_age: limits.maximum_age.min(MAXIMUM_AGE), ..limits },
            measures: start,
            window: now,
            sums: Sums::default(),
            mask_cost: Duration::ZERO,
            room_since: None,
            calm: CALM,
            eased: None,
        }
    }

    /// What is done at present.
    #[must_use]
    pub fn measures(&self) -> Measures {
        self.measures
    }

    /// Takes what has happened, and says what is to be done.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Action> {
        match event {
            Event::Frame { period, spent } => {
                self.sums.frames += 1;
                self.sums.period += period;
                self.sums.frame_cost += spent;
            }
            Event::Mask { spent } => {
                self.sums.masks += 1;
                self.sums.mask_cost += spent;
            }
        }
        if now.saturating_sub(self.window) < WINDOW || self.sums.frames == 0 {
            return Vec::new();
        }
        let sums = std::mem::take(&mut self.sums);
        self.window = now;
        if sums.masks > 0 {
            self.mask_cost = sums.mask_cost / sums.masks;
        }
        self.decide(now, sums.period / sums.frames, sums.frame_cost / sums.frames)
    }

    fn decide(&mut self, now: Duration, period: Duration, frame_cost: Duration) -> Vec<Action> {
        let cost = frame_cost.as_secs_f64() + self.mask_cost.as_secs_f64() / f64::from(self.measures.cadence);
        let budget = self.limits.budget.as_secs_f64();
        // A camera may be slow by itself; only where composing takes a third of the time it can be our doing.
        let slow = period * LEAST_RATE > Duration::from_secs(1) && 3.0 * cost > period.as_secs_f64();
        if self.measures.cadence > self.limits.start.cadence && !self.young_enough(period, self.measures.cadence) {
            // The camera has become slower: masks would be too old.
            let cadence = self.measures.cadence - 1;
            return self.take(Measures { cadence, ..self.measures });
        }
        if cost > budget || slow {
            self.room_since = None;
            if self.eased.take().is_some_and(|eased| now.saturating_sub(eased) < CALM) {
                self.calm = (2 * self.calm).min(LONGEST_CALM);
            }
            return self.harder(period).map(|measures| self.take(measures)).unwrap_or_default();
        }
        let Some(easier) = self.easier() else {
            self.calm = CALM;
            return Vec::new();
        };
        if self.foreseen(easier, frame_cost) > ROOM * budget {
            self.room_since = None;
            return Vec::new();
        }
        let since = *self.room_since.get_or_insert(now);
        if now.saturating_sub(since) < self.calm {
            return Vec::new();
        }
        self.room_since = None;
        self.eased = Some(now);
        self.take(easier)
    }

    /// The next measure: fewer masks while they stay young enough, then a coarser blur, then a smaller picture.
    fn harder(&self, period: Duration) -> Option<Measures> {
        let now = self.measures;
        let fewer = now.cadence + 1;
        if fewer <= SLOWEST_CADENCE && self.young_enough(period, fewer) {
            Some(Measures { cadence: fewer, ..now })
        } else if !now.coarse {
            Some(Measures { coarse: true, ..now })
        } else {
            match now.size {
                Size::Full => Some(Measures { size: Size::TwoThirds, ..now }),
                Size::TwoThirds => Some(Measures { size: Size::Half, ..now }),
                Size::Half => None,
            }
        }
    }

    /// The last measure undone.
    fn easier(&self) -> Option<Measures> {
        let (now, start) = (self.measures, self.limits.start);
        if now.size > start.size {
            let size = if now.size == Size::Half { Size::TwoThirds } else { Size::Full };
            Some(Measures { size: size.max(start.size), ..now })
        } else if now.coarse && !start.coarse {
            Some(Measures { coarse: false, ..now })
        } else if now.cadence > start.cadence {
            Some(Measures { cadence: now.cadence - 1, ..now })
        } else {
            None
        }
    }

    /// The oldest mask that a frame meets: of `cadence` frames before, or of more where a mask takes longer than a frame.
    fn young_enough(&self, period: Duration, cadence: u32) -> bool {
        let periods = self.mask_cost.as_secs_f64() / period.as_secs_f64().max(0.001);
        period.mul_f64(f64::from(cadence) + periods.ceil().max(1.0)) <= self.limits.maximum_age
    }

    /// What a frame would cost.
    fn foreseen(&self, measures: Measures, frame_cost: Duration) -> f64 {
        // A blur of full resolution costs a seventh of composing (`subrosa bench blur`).
        let finer = if self.measures.coarse && !measures.coarse { 1.15 } else { 1.0 };
        let pixels = measures.size.share() / self.measures.size.share();
        frame_cost.as_secs_f64() * finer * pixels + self.mask_cost.as_secs_f64() / f64::from(measures.cadence)
    }

    fn take(&mut self, measures: Measures) -> Vec<Action> {
        let before = std::mem::replace(&mut self.measures, measures);
        let mut actions = Vec::new();
        if before.cadence != measures.cadence {
            actions.push(Action::Cadence(measures.cadence));
        }
        if before.coarse != measures.coarse {
            actions.push(Action::Coarse(measures.coarse));
        }
        if before.size != measures.size {
            actions.push(Action::Ask(measures.size));
        }
        actions
    }
}

#[cfg(test)]
mod tests;
