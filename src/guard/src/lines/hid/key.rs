//! The mute key of a device over time.

/// A key that toggles, or a switch that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Each press counts; whether it is muted now is for the guard to decide.
    Toggles { set: bool, presses: u32 },
    /// Set means *muted*; `None`: the device has not said.
    Stands(Option<bool>),
}

impl Key {
    pub(super) fn new(stands: bool) -> Self {
        if stands { Key::Stands(None) } else { Key::Toggles { set: false, presses: 0 } }
    }

    /// Takes what a report says.
    pub(super) fn reported(&mut self, now_set: bool) {
        match self {
            Key::Toggles { set, presses } => {
                if now_set && !*set {
                    *presses = presses.saturating_add(1);
                }
                *set = now_set;
            }
            Key::Stands(muted) => *muted = Some(now_set),
        }
    }

    /// Whether it lets the microphone through; of a key that toggles only that it is there.
    pub(super) fn read(self) -> Option<bool> {
        match self {
            Key::Toggles { .. } => Some(true),
            Key::Stands(muted) => muted.map(|muted| !muted),
        }
    }

    /// Presses since this was last called.
    pub(super) fn take_presses(&mut self) -> u32 {
        match self {
            Key::Toggles { presses, .. } => std::mem::take(presses),
            Key::Stands(_) => 0,
        }
    }
}
