//! The promises of docs/architecture.md on the whole: real programs, a guest that counts packets, a tap on the wire. One
//! module per promise, by its number.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

mod clock;
mod doctor;
mod documented;
mod island;
mod p1;
mod p10;
mod p2;
mod p3;
mod p4;
mod p5;
mod p6;
mod p7;
mod p8;
mod p9;
mod recovery;
