//! What a guest is in the meeting, apart from their link: role, seat, what they say of their devices, and whether they are
//! heard.

use crate::meeting::role::{Capability, May, Role};

/// A guest's standing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Given by whoever may assign roles.
    pub role: Role,
    /// The place among those who are in; `None` while waiting.
    pub seat: Option<usize>,
    /// Their microphone is open, as their page says; `None`: it has not said.
    pub microphone: Option<bool>,
    /// Their camera, likewise.
    pub camera: Option<bool>,
    /// Their hand is raised.
    pub hand: bool,
    /// How often somebody has closed their microphone.
    pub mutes: u32,
    muted: bool,
}

impl Standing {
    /// Their page says how it stands. An unmute that was said before the last mute arrived does not count.
    pub fn says(&mut self, microphone: bool, camera: bool, hand: bool, mutes: u32) {
        if mutes == self.mutes || !microphone {
            self.microphone = Some(microphone);
        }
        if mutes == self.mutes && microphone {
            self.muted = false;
        }
        self.camera = Some(camera);
        self.hand = hand;
    }

    /// Somebody closes their microphone; `true` where that is news.
    pub fn mute(&mut self) -> bool {
        let news = !self.muted;
        self.muted = true;
        self.microphone = Some(false);
        if news {
            self.mutes = self.mutes.saturating_add(1);
        }
        news
    }

    /// Nobody hears them, whatever they send.
    pub fn is_silenced(&self, may: May) -> bool {
        self.muted || !may.holds(Capability::Speak)
    }

    /// What they send is heard.
    pub fn is_heard(&self, may: May) -> bool {
        !self.is_silenced(may) && self.microphone != Some(false)
    }

    /// What they send is seen.
    pub fn is_seen(&self, may: May) -> bool {
        may.holds(Capability::Show) && self.camera != Some(false)
    }

    /// The page is another one: it says anew what is open.
    pub fn begins_anew(&mut self) {
        self.microphone = None;
        self.camera = None;
        self.hand = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unmute_that_is_older_than_the_mute_does_not_count() {
        let mut standing = Standing::default();
        let may = May::all();
        standing.says(true, true, false, 0);
        assert!(standing.is_heard(may) && standing.is_seen(may));
        assert!(standing.mute() && !standing.mute());
        standing.says(true, false, true, 0);
        assert!(!standing.is_heard(may) && standing.is_silenced(may) && standing.hand, "said before the mute came");
        standing.says(false, false, false, 1);
        assert!(standing.is_silenced(may));
        standing.says(true, false, false, 1);
        assert!(standing.is_heard(may) && !standing.is_silenced(may), "they may speak again by themselves");
    }

    #[test]
    fn who_may_not_speak_is_not_heard_whatever_their_page_says() {
        let mut standing = Standing::default();
        let silent = May::only(&[Capability::Show]);
        standing.says(true, true, false, 0);
        assert!(standing.is_silenced(silent) && !standing.is_heard(silent) && standing.is_seen(silent));
        assert!(!standing.is_seen(May::default()));
    }
}
