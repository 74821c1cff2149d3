//! Stream management (XEP-0198): what was sent and not yet acknowledged, what was received, and how both survive a cut
//! connection.

use std::collections::VecDeque;

use minidom::Element;
use subrosa_messages::Pii;

use super::element::Build;
use super::namespace;

/// Stanzas that may wait for their acknowledgement. Beyond, the session can no longer be resumed: what a server that
/// never acknowledges costs is bounded.
pub const UNACKNOWLEDGED: usize = 512;
/// Bytes of them.
pub const BYTES: usize = 4 << 20;
/// After so many stanzas an acknowledgement is asked for (as lib-jitsi-meet does).
const ASK_EACH: u32 = 5;

/// The server acknowledged what was never sent (XEP-0198, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcknowledgedTooMuch;

/// Both counts and the queue between them.
#[derive(Clone, Debug, Default)]
pub struct Management {
    on: bool,
    name: Option<Pii<String>>,
    received: u32,
    acknowledged: u32,
    waiting: VecDeque<Pii<String>>,
    bytes: usize,
    since_asked: u32,
    overflowed: bool,
}

impl Management {
    /// `<enable>`: counting of what is sent starts here.
    pub fn enable(&mut self) -> Element {
        *self = Management { on: true, ..Management::default() };
        Element::bare("enable", namespace::MANAGEMENT).with("resume", "true")
    }

    /// `<enabled>`: counting of what is received starts here.
    pub fn enabled(&mut self, enabled: &Element) {
        let resumable = enabled.attr("resume").is_some_and(|resume| matches!(resume, "true" | "1"));
        self.name = enabled.attr("id").filter(|id| resumable && id.len() <= 256).map(|id| Pii::new(id.to_owned()));
        self.received = 0;
    }

    /// It is off: the server does not know it, or the session is a new one.
    pub fn disable(&mut self) {
        *self = Management::default();
    }

    /// The name by which the session can be resumed; `None` when it cannot.
    #[must_use]
    pub fn resumable(&self) -> Option<&Pii<String>> {
        self.name.as_ref().filter(|_| !self.overflowed)
    }

    /// A stanza was sent. `true`: ask for an acknowledgement now.
    pub fn sent(&mut self, frame: &str) -> bool {
        if !self.on || self.overflowed {
            return false;
        }
        self.bytes += frame.len();
        self.waiting.push_back(Pii::new(frame.to_owned()));
        if self.waiting.len() > UNACKNOWLEDGED || self.bytes > BYTES {
            self.overflowed = true;
            self.waiting.clear();
            self.bytes = 0;
            return false;
        }
        self.since_asked += 1;
        let ask = self.since_asked >= ASK_EACH;
        if ask {
            self.since_asked = 0;
        }
        ask
    }

    /// A stanza came.
    pub fn received(&mut self) {
        if self.on {
            self.received = self.received.wrapping_add(1);
        }
    }

    /// Whether anything waits for its acknowledgement.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// `<r>`.
    #[must_use]
    pub fn question() -> Element {
        Element::bare("r", namespace::MANAGEMENT)
    }

    /// `<a>`, the answer to `<r>`.
    #[must_use]
    pub fn answer(&self) -> Element {
        Element::bare("a", namespace::MANAGEMENT).with("h", self.received.to_string())
    }

    /// `<resume>`, if there is something to resume.
    #[must_use]
    pub fn resume(&self) -> Option<Element> {
        let name = self.resumable()?;
        let resume = Element::bare("resume", namespace::MANAGEMENT).with("h", self.received.to_string());
        Some(resume.with("previd", name.reveal().as_str()))
    }

    /// The server has handled everything up to `h` (modulo 2³²).
    ///
    /// # Errors
    /// [`AcknowledgedTooMuch`].
    pub fn handled(&mut self, h: u32) -> Result<(), AcknowledgedTooMuch> {
        if self.overflowed {
            return Ok(());
        }
        let newly = h.wrapping_sub(self.acknowledged);
        if usize::try_from(newly).map_or(true, |newly| newly > self.waiting.len()) {
            return Err(AcknowledgedTooMuch);
        }
        for _ in 0..newly {
            if let Some(frame) = self.waiting.pop_front() {
                self.bytes = self.bytes.saturating_sub(frame.reveal().len());
            }
        }
        self.acknowledged = h;
        Ok(())
    }

    /// What must be sent again after resumption, in order. It stays in the queue.
    pub fn again(&mut self) -> Vec<String> {
        self.since_asked = 0;
        self.waiting.iter().map(|frame| frame.reveal().clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn on() -> Management {
        let mut management = Management::default();
        management.enable();
        management.enabled(&Element::bare("enabled", namespace::MANAGEMENT).with("resume", "true").with("id", "x"));
        management
    }

    #[test]
    fn what_was_not_acknowledged_is_sent_again_in_order() {
        let mut management = on();
        for frame in ["a", "b", "c"] {
            management.sent(frame);
        }
        assert_eq!(management.handled(1), Ok(()));
        assert_eq!(management.again(), ["b", "c"]);
        assert_eq!(management.handled(4), Err(AcknowledgedTooMuch));
        assert_eq!(management.handled(0), Err(AcknowledgedTooMuch), "an acknowledgement is never taken back");
        assert_eq!(management.handled(3), Ok(()));
        assert!(!management.is_waiting());
    }

    #[test]
    fn a_server_that_never_acknowledges_costs_a_bounded_queue_and_its_session() {
        let mut management = on();
        for _ in 0..UNACKNOWLEDGED {
            management.sent("a");
        }
        assert!(management.resumable().is_some());
        management.sent("a");
        assert!(management.resumable().is_none());
        assert!(!management.is_waiting());
        let mut management = on();
        management.sent(&"a".repeat(BYTES + 1));
        assert!(management.resumable().is_none());
    }

    #[test]
    fn counts_pass_two_to_the_thirty_two() {
        let mut management = on();
        management.acknowledged = u32::MAX;
        management.sent("a");
        management.sent("b");
        assert_eq!(management.handled(1), Ok(()));
        assert!(!management.is_waiting());
    }

    proptest! {
        #[test]
        fn whatever_the_server_acknowledges_nothing_is_lost_or_reordered(steps in prop::collection::vec((any::<bool>(), 0_u32..40), 0..200)) {
            let mut management = on();
            let (mut sent, mut handled) = (0_u32, 0_u32);
            for (send, h) in steps {
                if send {
                    management.sent(&sent.to_string());
                    sent += 1;
                } else if management.handled(h).is_ok() {
                    prop_assert!(h >= handled && h <= sent);
                    handled = h;
                }
                let expected: Vec<String> = (handled..sent).map(|n| n.to_string()).collect();
                prop_assert_eq!(management.again(), expected);
            }
        }
    }
}
