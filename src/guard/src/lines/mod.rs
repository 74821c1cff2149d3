//! Lines: what the guard reads and drives. One row of the table per way to reach them.

mod gpiochip;
#[cfg(feature = "rppal")]
mod rppal;
mod sim;
mod tick;

use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use subrosa_board::{Board, InputLine, LinesBackend, OutputLine};
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

/// A way to reach lines.
pub trait Lines {
    /// Whether a line is active: a button pressed, a switch open. `None` when it cannot be read.
    fn read(&mut self, line: &InputLine) -> Option<bool>;

    /// Lights or darkens a lamp and says what was read back.
    fn set(&mut self, line: &OutputLine, lit: bool) -> Lamp;

    /// Readable when a line may have changed.
    fn changes(&self) -> BorrowedFd<'_>;

    /// Takes the news of [`Lines::changes`]; `true` when there was any.
    fn take_changes(&mut self) -> bool;

    /// A second has passed: whatever makes [`Lines::changes`] work is put right if it broke.
    fn second(&mut self);
}

/// Why lines cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The kernel has no more watches to give.
    #[error(
        "the lines in {folder} cannot be watched: is fs.inotify.max_user_instances (sysctl) used up by other programs?"
    )]
    Watch {
        /// Where the lines are.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The board names no chip.
    #[error("the board file names no GPIO chip: add [gpiochip] with the labels that `gpiodetect` prints")]
    NoChips,
    /// No descriptor to wait with.
    #[error("lines cannot be waited for: has the guard used up its descriptors?")]
    Wait(#[source] io::Error),
    /// `rppal` does not know the machine.
    #[error(
        "this is no Raspberry Pi that rppal knows: write lines = \"gpiochip\" in the board file, which reaches the \
         lines of any board through the kernel"
    )]
    NoRaspberryPi,
    /// `rppal` cannot reach a line.
    #[error(
        "the Raspberry Pi's lines cannot be reached ({0}): may the guard open /dev/gpiomem (the udev rules see to it), \
         and does nothing else use the lines?"
    )]
    Registers(String),
    /// No row.
    #[error("this guard was built without lines = \"{0}\": build it with the feature of that name")]
    NoRow(&'static str),
}

type Open = fn(&Board, &RunDir) -> Result<Box<dyn Lines>, LinesError>;

const ROWS: &[(LinesBackend, Open)] = &[
    (LinesBackend::Sim, sim::open),
    (LinesBackend::Gpiochip, gpiochip::open),
    #[cfg(feature = "rppal")]
    (LinesBackend::Rppal, rppal::open),
];

/// Opens the lines of a board. Live lamps that can be driven by then are lit, the others dark.
///
/// # Errors
/// When they cannot be reached at all; a single line that cannot be read is no error but unknown.
pub fn open(board: &Board, run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    let name = board.lines.name();
    let (_, open) = ROWS.iter().find(|(row, _)| *row == board.lines).ok_or(LinesError::NoRow(name))?;
    open(board, run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "rppal")]
    fn every_backend_of_the_boards_has_a_row() {
        for backend in LinesBackend::ALL {
            assert!(ROWS.iter().any(|(row, _)| *row == backend), "{backend:?}");
        }
    }
}
