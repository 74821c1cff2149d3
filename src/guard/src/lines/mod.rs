//! Lines: what the guard reads and drives. One row of the table per way to reach them.

mod sim;

use std::io;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use subrosa_board::{InputLine, LinesBackend, OutputLine};
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
    /// No row.
    #[error("this guard was built without the lines of this board: use a board file with lines = \"sim\"")]
    NoRow,
}

type Open = fn(&RunDir) -> Result<Box<dyn Lines>, LinesError>;

const ROWS: [(LinesBackend, Open); 1] = [(LinesBackend::Sim, sim::open)];

/// Opens the lines of a board.
///
/// # Errors
/// When they cannot be reached at all; a single line that cannot be read is no error but unknown.
pub fn open(backend: LinesBackend, run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    let (_, open) = ROWS.iter().find(|(row, _)| *row == backend).ok_or(LinesError::NoRow)?;
    open(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_of_the_boards_has_a_row() {
        for backend in LinesBackend::ALL {
            assert!(ROWS.iter().any(|(row, _)| *row == backend), "{backend:?}");
        }
    }
}
