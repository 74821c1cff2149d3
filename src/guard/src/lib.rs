//! The guard: reads switches, lights lamps, owns the capture nodes and decides who may open them.
//!
//! It has no network, no GStreamer, no TLS and no asynchronous runtime; one thread waits in `poll` for lines, nodes
//! and two sockets. What it decides is in [`machine`], which does nothing itself; everything else here only carries
//! out and reports.

pub mod devices;
pub mod doctor;
pub mod enforce;
pub mod lines;
pub mod machine;
pub mod memory;
pub mod node;
pub mod proof;
pub mod server;
pub mod shell;
pub mod signals;
pub mod stop_hook;
pub mod watch;
