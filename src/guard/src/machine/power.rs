//! The power of one capture's device, where the board has a line that cuts it.
//!
//! It is on unless a promise was broken: a camera on USB that loses its power at every mute would be away for seconds
//! after it. What is cut comes back by a press of the room's button, or with a guard that starts.

use subrosa_messages::Capture;

use super::Action;

/// One line, or none.
#[derive(Clone, Debug)]
pub(super) struct Power {
    line: bool,
    cut: bool,
    told: Option<bool>,
}

impl Power {
    pub(super) fn new(line: bool) -> Self {
        Power { line, cut: false, told: None }
    }

    /// There is a line, and it is on.
    pub(super) fn can_be_cut(&self) -> bool {
        self.line && !self.cut
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    pub(super) fn cut(&mut self) {
        self.cut = self.line;
    }

    pub(super) fn restore(&mut self) {
        self.cut = false;
    }

    /// It is to be set again, whatever was told before.
    pub(super) fn repeat(&mut self) {
        self.told = None;
    }

    pub(super) fn tell(&mut self, capture: Capture, actions: &mut Vec<Action>) {
        let on = !self.cut;
        if self.line && self.told != Some(on) {
            self.told = Some(on);
            actions.push(Action::SetPower(capture, on));
        }
    }
}
