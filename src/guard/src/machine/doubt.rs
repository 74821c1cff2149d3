//! How long nobody has known whether a capture is closed, and what is done about it.

use std::time::Duration;

use super::{Moment, Proved};

/// A process that has not closed after this long is killed (P3).
pub(super) const OBEDIENCE: Duration = Duration::from_millis(250);
/// Whoever opens a capture without a permit, while a permit of media has not been answered, is taken for media:
/// only a passing look (udev's `v4l_id`) is shorter than this.
pub(super) const LATE_OPEN: Duration = Duration::from_millis(20);
/// Pauses between two proofs. After the last one the proof is made once a second. Between two proofs the guard
/// sleeps: on one processor a busy guard would keep the driver from finishing.
const PAUSES: [Duration; 9] = [
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(40),
    Duration::from_millis(80),
    Duration::from_millis(160),
    Duration::from_millis(320),
    Duration::from_millis(640),
];

/// A time without knowledge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    since: Moment,
    next: Option<Moment>,
    pause: usize,
    last: Option<(Moment, Proved)>,
    killed: Option<Moment>,
}

impl Doubt {
    /// Begins now, with a proof at once.
    pub(super) fn new(now: Moment) -> Self {
        Doubt { since: now, next: Some(now), pause: 0, last: None, killed: None }
    }

    /// Begins now with an answer that was just given.
    pub(super) fn after(now: Moment, proved: Proved) -> Self {
        let mut doubt = Doubt::new(now);
        doubt.answer(now, proved);
        doubt
    }

    /// Begins now, without a proof: somebody was told to close and has to be given time.
    pub(super) fn waiting(now: Moment) -> Self {
        Doubt { next: None, ..Doubt::new(now) }
    }

    /// Something happened: prove at once.
    pub(super) fn look(&mut self, now: Moment) {
        self.next = Some(now);
        self.pause = 0;
    }

    /// A second has passed.
    pub(super) fn second(&mut self, now: Moment) {
        self.next.get_or_insert(now);
    }

    /// The time to obey starts now.
    pub(super) fn restart(&mut self, now: Moment) {
        self.since = now;
        self.killed = None;
        self.look(now);
    }

    /// A proof was made.
    pub(super) fn answer(&mut self, now: Moment, proved: Proved) {
        self.last = Some((now, proved));
        self.next = PAUSES.get(self.pause).map(|pause| now.saturating_add(*pause));
        self.pause += 1;
    }

    /// The last answer.
    pub(super) fn last(&self) -> Option<Proved> {
        self.last.map(|(_, proved)| proved)
    }

    /// The last answer is from this moment or later.
    pub(super) fn is_answered_since(&self, moment: Moment) -> bool {
        self.last.is_some_and(|(answered, _)| answered >= moment)
    }

    /// Takes the proof that is due.
    pub(super) fn take_due(&mut self, now: Moment) -> bool {
        self.next.take_if(|due| *due <= now).is_some()
    }

    /// When a proof is due.
    pub(super) fn next(&self) -> Option<Moment> {
        self.next
    }

    /// When the given patience ends.
    pub(super) fn end(&self, patience: Duration) -> Moment {
        self.since.saturating_add(patience)
    }

    /// When to kill: at the end of patience, and again and again while the condemned is still connected.
    pub(super) fn kill_at(&self, patience: Duration, condemned: bool) -> Option<Moment> {
        match self.killed {
            None => Some(self.end(patience)),
            Some(killed) if condemned => Some(killed.saturating_add(OBEDIENCE)),
            Some(_) => None,
        }
    }

    /// The kill was ordered.
    pub(super) fn killed(&mut self, now: Moment) {
        self.killed = Some(now);
        self.look(now.saturating_add(PAUSES[0]));
    }
}
