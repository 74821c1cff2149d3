//! How a thread that waits for its next 10 ms is told to stop, and stops at once.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

/// Raised once, never lowered.
#[derive(Debug, Default)]
pub struct Stop {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Raises it and wakes who waits.
    pub fn raise(&self) {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until `deadline`, or less; whether it was raised.
    pub fn sleep_until(&self, deadline: Instant) -> bool {
        let mut raised = self.raised.lock().unwrap_or_else(PoisonError::into_inner);
        while !*raised {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            (raised, _) = self.changed.wait_timeout(raised, left).unwrap_or_else(PoisonError::into_inner);
        }
        *raised
    }
}
