//! The table of screens.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use gstreamer as gst;
use gstreamer_video as gst_video;
use subrosa_board::Screen as BoardScreen;
use subrosa_process::run_dir::RunDir;

use super::DisplayError;
use super::overlay::Range;

mod sim;
mod sink;

#[cfg(test)]
pub(super) use sink::open_window;

/// An open screen.
pub(super) trait Screen: Send {
    /// Shows a picture of the format it was opened with.
    ///
    /// # Errors
    /// When the screen has gone or failed; it is of no more use then.
    fn show(&mut self, picture: gst::Buffer) -> Result<(), ScreenError>;

    /// It is still busy with the last picture: the next one can wait.
    fn is_busy(&self) -> bool {
        false
    }

    /// A socket on which the screen has something to say, or to take when it is busy.
    fn socket(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Something happened on the socket, or time has passed.
    ///
    /// # Errors
    /// When the screen has gone or failed.
    fn attend(&mut self) -> Result<(), ScreenError> {
        Ok(())
    }
}

/// Why nothing is on the screen.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScreenError {
    /// The simulated room does not answer.
    #[error("the simulated screen cannot be reached; is subrosa-sim running?")]
    Socket(#[from] io::Error),
    /// Somebody else listens where the simulated room should.
    #[error("whoever listens for the simulated screen's pictures is not the owner of that folder")]
    Stranger,
    /// A pipeline of ours.
    #[error(transparent)]
    Display(#[from] DisplayError),
    /// There is no screen, or somebody else has it.
    #[error("no screen could be opened by {0}: is one connected, and does no other program hold it?")]
    Open(&'static str),
    /// It failed while it was on.
    #[error("the screen failed ({0})")]
    Failed(&'static str),
}

type Open = fn(&RunDir, &gst_video::VideoInfo) -> Result<Box<dyn Screen>, ScreenError>;

/// One row of the table.
#[derive(Clone, Copy)]
pub(super) struct Row {
    /// Opens it for pictures of this format.
    pub open: Open,
    /// What black and white are for it.
    pub range: Range,
    /// How often it takes a moving picture.
    pub interval: Duration,
    /// After how long it is tried again when it is not there, at first, and at most.
    pub again: (Duration, Duration),
}

/// The row of a board's screen.
pub(super) fn row(screen: &BoardScreen) -> Row {
    const SECOND: Duration = Duration::from_secs(1);
    let thirty = Duration::from_millis(31);
    match screen {
        BoardScreen::Sim => Row {
            open: sim::open,
            range: Range::Full,
            interval: Duration::from_millis(66),
            again: (Duration::from_millis(100), SECOND),
        },
        BoardScreen::Kms => {
            Row { open: sink::open_kms, range: Range::Video, interval: thirty, again: (SECOND, SECOND * 4) }
        }
        BoardScreen::X11 => {
            Row { open: sink::open_x11, range: Range::Video, interval: thirty, again: (SECOND, SECOND * 4) }
        }
    }
}
