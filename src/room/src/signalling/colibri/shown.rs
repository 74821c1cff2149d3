//! From what the screen shows to what the bridge is asked for.

use crate::signalling::jingle::source::{SourceName, VideoType};

/// A picture on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whose.
    pub source: SourceName,
    /// The height of its place, in pixels of the screen; not 0.
    pub height: u32,
    /// What it shows.
    pub shows: VideoType,
    /// It is the large one. The bridge serves it first when the path is narrow.
    pub large: bool,
}

/// The heights that Jitsi's clients send: other numbers only choose between them.
const STEPS: [u32; 5] = [180, 360, 720, 1080, 2160];

/// The height to ask for: that of the smallest picture which need not be enlarged by more than a fifth. Text on a shared
/// screen is not enlarged at all.
#[must_use]
pub fn height(shown: &Shown) -> u32 {
    let enough = |step: &&u32| match shown.shows {
        VideoType::Camera => step.saturating_mul(6) / 5 >= shown.height,
        VideoType::Desktop => **step >= shown.height,
    };
    STEPS.iter().find(enough).copied().unwrap_or(2160)
}
