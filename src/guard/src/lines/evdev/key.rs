//! One key over time: its level and the presses that were over before anybody looked.

use super::node::{EV_KEY, EV_SYN, Happened, SYN_DROPPED};

/// One key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) down: bool,
    presses: u32,
    /// Events were lost, its level has to be asked for.
    pub(super) doubted: bool,
}

impl Key {
    /// A key that is down when it is first seen has not been pressed.
    pub(super) fn new(down: bool) -> Self {
        Key { down, presses: 0, doubted: false }
    }

    /// Takes an event of its device. The kernel's repetition of a key that is held (value 2) is no press.
    pub(super) fn happened(&mut self, code: u16, event: Happened) {
        match (event.kind, event.code, event.value) {
            (EV_SYN, SYN_DROPPED, _) => self.doubted = true,
            (EV_KEY, found, 1) if found == code => self.is(true),
            (EV_KEY, found, 0) if found == code => self.is(false),
            _ => {}
        }
    }

    /// Its level, as the kernel says when asked.
    pub(super) fn is(&mut self, down: bool) {
        if down && !self.down {
            self.presses = self.presses.saturating_add(1);
        }
        (self.down, self.doubted) = (down, false);
    }

    /// The presses since this was last called.
    pub(super) fn take_presses(&mut self) -> u32 {
        std::mem::take(&mut self.presses)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(value: i32) -> Happened {
        Happened { kind: EV_KEY, code: 109, value }
    }

    #[test]
    fn a_held_key_that_repeats_is_one_press() {
        let mut one = Key::new(false);
        for value in [1, 2, 2, 2, 0] {
            one.happened(109, key(value));
        }
        assert_eq!((one.take_presses(), one.down, one.take_presses()), (1, false, 0));
    }

    #[test]
    fn another_key_is_none_of_its_business() {
        let mut one = Key::new(false);
        one.happened(104, key(1));
        assert_eq!(one, Key::new(false));
    }

    #[test]
    fn p2_a_key_that_is_down_from_the_start_was_not_pressed() {
        let mut one = Key::new(true);
        one.happened(109, key(2));
        one.happened(109, key(0));
        assert_eq!(one.take_presses(), 0);
    }

    #[test]
    fn what_was_lost_is_asked_for() {
        let mut one = Key::new(false);
        one.happened(109, Happened { kind: EV_SYN, code: SYN_DROPPED, value: 0 });
        assert!(one.doubted);
        one.is(true);
        assert_eq!((one.take_presses(), one.doubted), (1, false), "it went down among what was lost");
    }

    proptest! {
        #[test]
        fn p2_there_are_never_more_presses_than_the_hand_made(values in prop::collection::vec(0..3_i32, 0..60)) {
            let mut one = Key::new(false);
            for value in &values {
                one.happened(109, key(*value));
            }
            let made = values.iter().filter(|value| **value == 1).count();
            prop_assert!(one.take_presses() as usize <= made);
        }
    }
}
