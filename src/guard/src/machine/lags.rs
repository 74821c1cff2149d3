//! How long a lamp took to be lit, and a device to be closed: measured on what happens anyway, at the longest since
//! the guard started. Plays no part in any decision; `subrosa doctor` prints it for the board file.

use std::time::Duration;

use subrosa_messages::doctor::Lag;

use super::Moment;
use super::node::Node;

/// Of one capture.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopwatch {
    asked: Option<Moment>,
    edge: Option<Moment>,
    lag: Lag,
}

impl Stopwatch {
    /// Media has asked, and its lamp is about to be lit.
    pub(super) fn asked(&mut self, now: Moment) {
        self.asked = Some(now);
    }

    /// The switch has just been read closed; that is of interest where something was open.
    pub(super) fn edge(&mut self, now: Moment, node: &Node) {
        match node {
            Node::Offered { .. } | Node::Open { .. } => self.edge = Some(now),
            Node::Unknown(_)
            | Node::Closed
            | Node::Lit { .. }
            | Node::Revoking { .. }
            | Node::Closing { .. }
            | Node::Foreign(_) => {}
        }
    }

    /// Takes what has come of it.
    pub(super) fn look(&mut self, now: Moment, node: &Node) {
        match node {
            Node::Lit { granting: false, .. } => {}
            Node::Lit { granting: true, .. } | Node::Offered { .. } => {
                if let Some(asked) = self.asked.take() {
                    longest(&mut self.lag.permit_to_lamp_us, now.saturating_sub(asked));
                }
            }
            Node::Closed => {
                self.asked = None;
                if let Some(edge) = self.edge.take() {
                    self.lag.edges += 1;
                    longest(&mut self.lag.edge_to_closed_us, now.saturating_sub(edge));
                }
            }
            Node::Unknown(_) | Node::Open { .. } | Node::Revoking { .. } | Node::Closing { .. } | Node::Foreign(_) => {
                self.asked = None
            }
        }
    }

    pub(super) fn lag(&self) -> Lag {
        self.lag
    }
}

fn longest(so_far: &mut Option<u64>, took: Duration) {
    let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    *so_far = Some(so_far.unwrap_or_default().max(took));
}
