//! The table of microphones. A row opens the nodes of a granted permit and hands out 10 ms at a time; dropping it
//! closes the device.

use std::io;
use std::path::{Path, PathBuf};

use subrosa_board::CaptureSource;
use subrosa_messages::media::CaptureHealth;

use super::frame::Frame;
use super::stop::Stop;

mod alsa;
mod sim;
mod tone;

/// An open microphone.
pub trait Microphone: Send {
    /// Waits for the next 10 ms. Returns early, with whatever is in `frame`, when `stop` is raised.
    ///
    /// # Errors
    /// When the device has gone or failed; it is of no more use then.
    fn read(&mut self, frame: &mut Frame, stop: &Stop) -> Result<(), MicrophoneError>;
}

/// Why there is no sound from a microphone.
#[derive(Debug, thiserror::Error)]
pub enum MicrophoneError {
    /// The node is not there, or not there any more.
    #[error("the microphone {0} is not there: plug it in, or name another node in the board file")]
    Missing(PathBuf),
    /// The node could not be opened.
    #[error("the microphone {node} could not be opened; is another program using it?")]
    Open {
        /// Which node.
        node: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The node's name is not one of a capture PCM.
    #[error("{0} is not an ALSA capture node: the board file should name one like /dev/snd/pcmC0D0c")]
    Name(PathBuf),
    /// The board file names a camera's row.
    #[error("the source {0:?} is not a microphone: the board file should say `alsa`, `tone` or `sim`")]
    Row(CaptureSource),
    /// GStreamer lacks something.
    #[error("the microphone needs the GStreamer element {0}: `make setup` installs it")]
    Element(&'static str),
    /// The device failed while it ran.
    #[error("the microphone {0} failed; it is tried again")]
    Failed(PathBuf),
}

impl MicrophoneError {
    /// What the room is told.
    #[must_use]
    pub fn health(&self) -> CaptureHealth {
        match self {
            MicrophoneError::Missing(_) => CaptureHealth::Missing,
            MicrophoneError::Open { source, .. } if source.kind() == io::ErrorKind::NotFound => CaptureHealth::Missing,
            MicrophoneError::Open { .. }
            | MicrophoneError::Name(_)
            | MicrophoneError::Row(_)
            | MicrophoneError::Element(_)
            | MicrophoneError::Failed(_) => CaptureHealth::Failed,
        }
    }
}

type Open = fn(&Path) -> Result<Box<dyn Microphone>, MicrophoneError>;

/// The rows.
const ROWS: [(CaptureSource, Open); 3] =
    [(CaptureSource::Sim, sim::open), (CaptureSource::Alsa, alsa::open), (CaptureSource::Tone, tone::open)];

/// Opens the microphone of a board: the row of its source, on the nodes that were granted.
///
/// # Errors
/// When there is no such row or the device cannot be opened.
pub fn open(source: CaptureSource, nodes: &[PathBuf]) -> Result<Box<dyn Microphone>, MicrophoneError> {
    let (_, open) = ROWS.iter().find(|(name, _)| *name == source).ok_or(MicrophoneError::Row(source))?;
    // A microphone is one node; a board file that names more is checked by whoever grants them.
    let node = nodes.first().ok_or_else(|| MicrophoneError::Missing(PathBuf::new()))?;
    open(node)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_is_no_microphone_and_a_missing_node_is_said_to_be_missing() {
        let nowhere = [PathBuf::from("/nowhere/pcmC0D0c")];
        assert!(matches!(open(CaptureSource::V4l2, &nowhere), Err(MicrophoneError::Row(_))));
        for source in [CaptureSource::Sim, CaptureSource::Alsa, CaptureSource::Tone] {
            let Err(error) = open(source, &nowhere) else { panic!("{source:?} opened what is not there") };
            assert_eq!(error.health(), CaptureHealth::Missing, "{source:?}: {error}");
        }
    }
}
