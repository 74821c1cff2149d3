//! The call end to end: the room on one side, a real browser on the other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

mod blur;
mod chromium;
mod door;
mod firefox;
mod looks;
mod page;
mod relay;
mod remote;
