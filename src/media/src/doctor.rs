//! Who wants a capture: the room, for a meeting; and, while there is no link, whoever looks after the device.
//!
//! Wanting is not opening. Either way the guard is asked, and a hand at the device has opened switch and room before.

use subrosa_messages::Capture;

/// Camera and microphone.
type Both = [bool; 2];

/// Who wants what.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    room: Both,
    doctor: Both,
}

impl Wishes {
    /// The room's wishes, in place of its last.
    pub fn room_wants(&mut self, camera: bool, microphone: bool) {
        self.room = [camera, microphone];
    }

    /// The doctor's wishes, in place of its last. They end with its connection and with the first link.
    pub fn doctor_wants(&mut self, camera: bool, microphone: bool) {
        self.doctor = [camera, microphone];
    }

    /// Somebody wants it.
    #[must_use]
    pub fn want(&self, capture: Capture) -> bool {
        let [room, doctor] = [self.room, self.doctor].map(|[camera, microphone]| match capture {
            Capture::Camera => camera,
            Capture::Microphone => microphone,
        });
        room || doctor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_is_wanted_for_as_long_as_anybody_wants_it() {
        let mut wishes = Wishes::default();
        let both = |wishes: &Wishes| Capture::ALL.map(|capture| wishes.want(capture));
        assert_eq!(both(&wishes), [false, false]);
        wishes.doctor_wants(true, false);
        wishes.room_wants(false, true);
        assert_eq!(both(&wishes), [true, true]);
        wishes.doctor_wants(false, false);
        assert_eq!(both(&wishes), [false, true]);
        wishes.room_wants(false, false);
        assert_eq!(both(&wishes), [false, false]);
    }
}
