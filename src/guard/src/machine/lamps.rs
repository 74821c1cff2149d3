//! The lamps of one capture: what they were told and what was read back.

use std::time::Duration;

use subrosa_messages::Capture;
use subrosa_messages::guard::Lamp;

use super::{Action, LampId, Moment};

/// A lamp that failed is not trusted again for this long, so that a stuck one does not make media ask in a circle.
const REST: Duration = Duration::from_secs(2);

/// One lamp.
#[derive(Clone, Debug)]
struct One {
    told: Option<bool>,
    seen: Lamp,
}

impl One {
    fn new() -> Self {
        One { told: None, seen: Lamp::Unknown }
    }

    fn tell(&mut self, lamp: LampId, lit: bool, actions: &mut Vec<Action>) {
        if self.told != Some(lit) {
            self.told = Some(lit);
            actions.push(Action::SetLamp { lamp, lit });
        }
    }
}

/// The lamps of one capture.
#[derive(Clone, Debug)]
pub(super) struct Lamps {
    live: One,
    muted: Option<One>,
    failed: Option<Moment>,
}

impl Lamps {
    pub(super) fn new(has_muted: bool) -> Self {
        Lamps { live: One::new(), muted: has_muted.then(One::new), failed: None }
    }

    /// As it was read back.
    pub(super) fn live(&self) -> Lamp {
        self.live.seen
    }

    /// As it was read back; `None` where there is none.
    pub(super) fn muted(&self) -> Option<Lamp> {
        self.muted.as_ref().map(|lamp| lamp.seen)
    }

    /// A lamp was set and read back. `permitted`: a permit stands or is being made.
    pub(super) fn read(&mut self, now: Moment, lamp: LampId, seen: Lamp, permitted: bool) {
        let (one, must) = match (lamp, &mut self.muted) {
            (LampId::Live(_), _) => (&mut self.live, Lamp::Lit),
            (LampId::Muted(_), Some(muted)) => (muted, Lamp::Dark),
            (LampId::Muted(_), None) => return,
        };
        one.seen = seen;
        if seen == Lamp::Unknown || (permitted && seen != must) {
            self.failed = Some(now);
        }
    }

    /// They say that the capture is live, and nothing else.
    pub(super) fn say_live(&self) -> bool {
        self.live.seen == Lamp::Lit && self.muted.as_ref().is_none_or(|muted| muted.seen == Lamp::Dark)
    }

    /// One could not be set or read back, and not long ago.
    pub(super) fn have_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Everything is to be set and read back again, whatever was seen before.
    pub(super) fn doubt(&mut self) {
        self.live = One::new();
        self.muted = self.muted.as_ref().map(|_| One::new());
    }

    /// Everything is to be set and read back again; until then what was seen is believed.
    pub(super) fn repeat(&mut self) {
        self.live.told = None;
        if let Some(muted) = &mut self.muted {
            muted.told = None;
        }
    }

    /// A second has passed.
    pub(super) fn second(&mut self, now: Moment) {
        self.failed = self.failed.filter(|failed| now < failed.saturating_add(REST));
        self.repeat();
    }

    /// Tells the lamps. *Muted* goes out before *live* goes on, and goes on after *live* was seen dark.
    pub(super) fn tell(&mut self, capture: Capture, live: bool, muted: bool, actions: &mut Vec<Action>) {
        let muted = muted && !live && self.live.seen == Lamp::Dark;
        if let Some(one) = self.muted.as_mut().filter(|_| !muted) {
            one.tell(LampId::Muted(capture), false, actions);
        }
        self.live.tell(LampId::Live(capture), live, actions);
        if let Some(one) = self.muted.as_mut().filter(|_| muted) {
            one.tell(LampId::Muted(capture), true, actions);
        }
    }
}
