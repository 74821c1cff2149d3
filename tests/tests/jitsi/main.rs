//! The room as a guest of Jitsi Meet, against real Prosody and doubles of Jitsi's own programs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

mod lobby;
mod media;
mod paths;
mod prosody;
mod remote;
mod room;
mod session;
mod several;
