//! Harness of the tests of the whole: the real programs with a simulated room, real browsers, a guest made of
//! GStreamer that counts packets, networks of their own, and a tap on the wire.
//!
//! Nothing here is part of the product. Whatever fails in the harness is a failed test and says so by panicking,
//! which is why the rule against it is lifted for this crate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod authority;
pub mod browser;
pub mod call;
pub mod client;
pub mod clock;
pub mod devices;
pub mod doctor;
pub mod figures;
pub mod front;
pub mod island;
pub mod jitsi;
pub mod line;
pub mod livekit;
pub mod memory;
pub mod mute;
pub mod namespace;
pub mod opentalk;
pub mod peer;
pub mod room;
pub mod sim;
pub mod stage;
pub mod tap;
pub mod truth;
pub mod vm;
