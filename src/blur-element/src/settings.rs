//! What the element is told.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use gstreamer::glib;
use subrosa_blur::freshness::{MAXIMUM_AGE, State, Why};

use crate::worker::Fault;

/// What happens to the background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, glib::Enum)]
#[enum_type(name = "SubrosaBlurMode")]
#[repr(i32)]
pub enum Mode {
    /// Nothing: frames pass untouched.
    #[enum_value(name = "Off: frames pass untouched", nick = "off")]
    Off,
    /// Blurred so that the eye is not drawn to it.
    #[enum_value(name = "Light: blurred", nick = "light")]
    Light,
    /// Blurred so that nothing in it can be recognised.
    #[default]
    #[enum_value(name = "Strong: blurred until nothing can be recognised", nick = "strong")]
    Strong,
    /// Replaced by a picture.
    #[enum_value(name = "Image: replaced by a picture", nick = "image")]
    Image,
    /// Replaced by one colour.
    #[enum_value(name = "Colour: replaced by one colour", nick = "colour")]
    Colour,
}

impl Mode {
    /// Standard deviation of the blur, as a share of the picture's width.
    pub(crate) fn sigma(self) -> f32 {
        match self {
            Mode::Light => 0.018,
            Mode::Strong | Mode::Off | Mode::Image | Mode::Colour => 0.045,
        }
    }
}

/// Why nothing is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The first mask is awaited.
    Starting,
    /// The segmenter is slow or stuck.
    Late,
    /// Masks are not worth believing.
    Doubtful,
    /// The segmenter fails.
    Failed,
    /// There is no model.
    ModelMissing,
    /// The model cannot be used.
    ModelDamaged,
}

impl Reason {
    const ALL: [(Reason, &str); 6] = [
        (Reason::Starting, "starting"),
        (Reason::Late, "late"),
        (Reason::Doubtful, "doubtful"),
        (Reason::Failed, "failed"),
        (Reason::ModelMissing, "model-missing"),
        (Reason::ModelDamaged, "model-damaged"),
    ];

    /// As it stands in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("failed", |row| row.1)
    }

    /// Why nothing is seen in this state; `None` when something is.
    pub(crate) fn of(state: State, fault: Option<Fault>) -> Option<Self> {
        match (state, fault) {
            (State::Clear, _) => None,
            (State::Covered(Why::Gone), Some(Fault::Missing)) => Some(Reason::ModelMissing),
            (State::Covered(Why::Gone), Some(Fault::Damaged)) => Some(Reason::ModelDamaged),
            (State::Covered(Why::Gone | Why::Broken), _) => Some(Reason::Failed),
            (State::Covered(Why::Late), _) => Some(Reason::Late),
            (State::Covered(Why::Doubtful), _) => Some(Reason::Doubtful),
            (State::Starting, _) => Some(Reason::Starting),
        }
    }
}

/// A word that is no [`Reason`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reason for a covered picture is called so")]
pub struct NoReason;

impl FromStr for Reason {
    type Err = NoReason;

    fn from_str(word: &str) -> Result<Self, NoReason> {
        Self::ALL.iter().find(|row| row.1 == word).map(|row| row.0).ok_or(NoReason)
    }
}

/// The operator's picture.
#[derive(Debug)]
pub(crate) struct Rgba {
    pub size: (usize, usize),
    pub pixels: Vec<u8>,
}

/// Everything that can be set, at any time.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub mode: Mode,
    pub strength: f32,
    pub colour: [u8; 3],
    pub image: Option<String>,
    pub picture: Option<Arc<Rgba>>,
    pub cadence: u32,
    pub maximum_age: Duration,
    pub patience: Duration,
    pub budget: Duration,
    pub regions: usize,
    pub model: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            mode: Mode::default(),
            strength: 1.0,
            colour: [0x2b, 0x2d, 0x33],
            image: None,
            picture: None,
            cadence: 2,
            maximum_age: MAXIMUM_AGE,
            patience: Duration::ZERO,
            budget: Duration::ZERO,
            regions: 3,
            model: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_word_of_its_own() {
        for (reason, word) in Reason::ALL {
            assert_eq!(reason.as_str(), word);
            assert_eq!(word.parse(), Ok(reason));
        }
        assert_eq!("raw".parse::<Reason>(), Err(NoReason));
    }
}
