//! The room on a real LiveKit server, with participants in real browsers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

mod ends;
mod firefox;
mod media;
mod meeting;
mod old;
mod tokens;
