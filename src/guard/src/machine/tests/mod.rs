//! The whole table of state × event, and the promises under random events.

mod power;
mod properties;
mod scenes;
mod table;
mod world;

use subrosa_messages::guard::Trust;

use super::*;

/// The same, and the power of both can be cut.
fn setup_with_power() -> Setup {
    Setup { camera_power: true, microphone_power: true, ..setup() }
}

/// The simulated room: one node each, the microphone has a lamp for *muted*.
fn setup() -> Setup {
    Setup {
        camera_single: true,
        microphone_single: true,
        camera_muted_lamp: false,
        microphone_muted_lamp: true,
        camera_power: false,
        microphone_power: false,
        trust: Trust::SimulatedUsers,
    }
}
