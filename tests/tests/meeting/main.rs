//! A whole meeting on the device: several guests, their browsers, and the phones that run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a test

mod browsers;
mod churn;
mod hall;
mod hostile;
mod lines;
mod looks;
mod recovery;
mod remote;
mod roles;
mod several;
mod visitor;
