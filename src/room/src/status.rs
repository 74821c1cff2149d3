//! What the status page says about this device; facts without personal data.

use serde::Serialize;
use subrosa_board::Board;
use subrosa_messages::guard::GuardState;
use subrosa_messages::media::{BackgroundState, Cover};

/// The device as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Status {
    /// Version of the program.
    pub version: &'static str,
    /// Name of the board.
    pub board: String,
    /// What was measured on such a board; `None`: nothing ever.
    pub measured: Option<Measure>,
    /// What the guard says; `None` while it restarts.
    pub guard: Option<GuardState>,
    /// Media is connected and configured.
    pub media: bool,
    /// The encoder row in use.
    pub encoder: Option<String>,
    /// What becomes of what stands behind people.
    pub background: BackgroundWord,
    /// Guests in the meeting, without the waiting.
    pub guests: usize,
    /// Hosts that this device contacts and why (P5); the configuration's, and nothing else.
    pub contacts: Vec<Contact>,
    /// SHA-256 of the certificate the page is served with, in hexadecimal pairs.
    pub fingerprint: String,
}

/// What the room knows of its board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardFacts {
    /// Its name.
    pub name: String,
    /// What was measured on such a board.
    pub measured: Option<Measure>,
}

impl BoardFacts {
    /// As its file says.
    #[must_use]
    pub fn of(board: &Board) -> Self {
        let measured = board.measured.as_ref().map(|measured| Measure {
            date: measured.date.clone(),
            closed_us: measured.camera.closed_us.max(measured.microphone.closed_us),
            lit_us: measured.camera.lit_us.max(measured.microphone.lit_us),
        });
        BoardFacts { name: board.name.clone(), measured }
    }
}

/// Lags of switches and lamps, in microseconds: of camera and microphone the longer one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Measure {
    /// The day.
    pub date: String,
    /// From the switch's edge until the capture is proved closed.
    pub closed_us: u32,
    /// From the question for a permit until the lamp is lit.
    pub lit_us: u32,
}

/// What becomes of what stands behind people, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackgroundWord {
    /// Media has not said.
    Unknown,
    /// It is seen: the configuration says so.
    AsItIs,
    /// It is hidden.
    Hidden,
    /// Somebody in the room has uncovered it for a while.
    Revealed,
    /// No frame is sent until people have been looked for.
    Starting,
    /// No frame is sent: the search for people is slow or stuck.
    Late,
    /// No frame is sent: what it finds cannot be right.
    Doubtful,
    /// No frame is sent: it fails.
    Failed,
    /// No frame is sent: the model is missing.
    ModelMissing,
    /// No frame is sent: the model is damaged.
    ModelDamaged,
}

impl From<Option<BackgroundState>> for BackgroundWord {
    fn from(state: Option<BackgroundState>) -> Self {
        match state {
            None => BackgroundWord::Unknown,
            Some(BackgroundState::AsItIs) => BackgroundWord::AsItIs,
            Some(BackgroundState::Hidden) => BackgroundWord::Hidden,
            Some(BackgroundState::Revealed { left_ms: _ }) => BackgroundWord::Revealed,
            Some(BackgroundState::Covered(cover)) => match cover {
                Cover::Starting => BackgroundWord::Starting,
                Cover::Late => BackgroundWord::Late,
                Cover::Doubtful => BackgroundWord::Doubtful,
                Cover::Failed => BackgroundWord::Failed,
                Cover::ModelMissing => BackgroundWord::ModelMissing,
                Cover::ModelDamaged => BackgroundWord::ModelDamaged,
            },
        }
    }
}

/// A host that the device contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Contact {
    /// Host name or address.
    pub host: String,
    /// What for.
    pub purpose: String,
}
