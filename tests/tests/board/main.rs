//! A board: the guard on kernel lines and the units under systemd, in the virtual machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

mod debian;
mod doctor;
mod exposure;
mod inputs;
mod island;
mod lines;
mod order;
mod package;
mod picture;
mod random;
mod several;
mod units;
mod watchdog;

/// This program is also the actors of its tests; as a test it does nothing.
#[test]
fn actor() {
    subrosa_tests::devices::act();
}
