//! The simulated room: a switch, a shutter, a button, three lamps, a camera, a microphone, a screen and a speaker
//! that a person without the hardware can use.
//!
//! It owns what on a device is hardware: the lines are files that hold `0` or `1`, the capture nodes are files that
//! hold what a camera and a microphone deliver. Guard and media reach them by the paths of the board file
//! `boards/sim.toml` with the code that a board uses. A page on the loopback interface shows the room and works its
//! switches; `subrosa-sim press …` does the same from a terminal.
//!
//! No other program knows that this one exists, and it keeps nothing.

pub mod button;
pub mod command;
pub mod device;
pub mod door;
pub mod link;
pub mod outputs;
pub mod prepare;
pub mod serve;
pub mod sound;
pub mod watch;
pub mod web;
