//! The guard as a real process, with actors in the places of media and room. One module per promise, by its number.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

mod made_of;
mod p1;
mod p10;
mod p1_nodes;
mod p1_random;
mod p2;
mod p3;

use subrosa_tests::devices::Tier;
use subrosa_tests::stage::{Need, have};

/// This program is also the actors of its tests; as a test it does nothing.
#[test]
fn actor() {
    subrosa_tests::devices::act();
}

/// Under which users a test can run here.
#[track_caller]
fn tiers() -> Vec<Tier> {
    if have(&[Need::Root]) { vec![Tier::Separate, Tier::One] } else { vec![Tier::One] }
}
