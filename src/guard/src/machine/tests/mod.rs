//! The whole table of state × event, and the promises under random events.

mod properties;
mod scenes;
mod table;
mod world;

use subrosa_messages::guard::Trust;

use super::*;

/// The simulated room: one node each, the microphone has a lamp for *muted*.
fn setup() -> Setup {
    Setup {
        camera_single: true,
        microphone_single: true,
        camera_muted_lamp: false,
        microphone_muted_lamp: true,
        trust: Trust::SimulatedUsers,
    }
}
