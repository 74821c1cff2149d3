//! Candidates of the server for one link: they come right after its first description, by themselves.

use std::time::{Duration, Instant};

use subrosa_messages::Pii;

use super::offer;

/// They are waited for no longer than this.
const PATIENCE: Duration = Duration::from_millis(500);
/// Of a server's candidates no more than this are tried.
const MOST: usize = 16;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    lines: Vec<String>,
    /// The first description has come; they are waited for until then.
    until: Option<Instant>,
    /// All have come, or have been waited for.
    complete: bool,
}

impl Candidates {
    /// A description has come.
    pub fn begin(&mut self, now: Instant) {
        self.until.get_or_insert(now + PATIENCE);
    }

    /// One has come, or the last one has.
    pub fn came(&mut self, init: &str, last: bool) {
        let line = offer::candidate(init).filter(|_| self.lines.len() < MOST);
        self.lines.extend(line);
        self.complete |= last;
    }

    /// When they are waited for no longer.
    pub fn deadline(&self) -> Option<Instant> {
        self.until.filter(|_| !self.complete)
    }

    /// Whether a description can be handed on.
    pub fn are_there(&mut self, now: Instant) -> bool {
        self.complete |= self.until.is_some_and(|until| until <= now);
        self.complete && self.until.is_some()
    }

    /// The description with them in it.
    pub fn put_into(&self, sdp: &Pii<String>) -> Pii<String> {
        offer::with_candidates(sdp, &self.lines)
    }
}
