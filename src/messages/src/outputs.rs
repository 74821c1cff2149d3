//! What media says to a screen and a speaker that are sockets: the simulated room's.

use serde::{Deserialize, Serialize};

/// One output; the body holds the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// What the screen shows; the body is a JPEG.
    Screen,
    /// 10 ms of what the speaker plays; the body is 16-bit little-endian mono at 48 kHz, 960 bytes.
    Sound,
}
