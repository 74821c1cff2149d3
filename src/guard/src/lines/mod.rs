//! Lines: what the guard reads and drives. One row of the table per way to reach them.

mod attached;
mod evdev;
mod gpiochip;
mod hid;
mod named;
#[cfg(feature = "rppal")]
mod rppal;
mod sim;
mod tick;
mod together;

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;

pub use attached::{is_mute_device, print_attached};
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventFlags};

use subrosa_board::{Board, InputLine, LinesBackend, OutputLine};
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

/// A way to reach lines.
pub trait Lines {
    /// Whether a line is active: a button pressed, a switch open. `None` when it cannot be read.
    fn read(&mut self, line: &InputLine) -> Option<bool>;

    /// How often a key was pressed since this was last asked. A press can be over before the line is read.
    fn presses(&mut self, _line: &InputLine) -> u32 {
        0
    }

    /// As a switch, this is a key that closes with one press and opens with the next: [`Lines::read`] says no more
    /// than that it is there.
    fn toggles(&self, _line: &InputLine) -> bool {
        false
    }

    /// Sets a lamp, or the power of a device, and says what was read back.
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
    (LinesBackend::Evdev, evdev::open),
    (LinesBackend::Hid, hid::open),
];

/// Opens the lines of a board, in as many rows as it names. Live lamps that can be driven by then are lit, the others
/// dark, and what switches power is off.
///
/// # Errors
/// When they cannot be reached at all; a single line that cannot be read is no error but unknown.
pub fn open(board: &Board, run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    let row = |wanted: LinesBackend| {
        let (_, open) = ROWS.iter().find(|(row, _)| *row == wanted).ok_or(LinesError::NoRow(wanted.name()))?;
        Ok((wanted, open(board, run)?))
    };
    together::of(board.lines, board.rows().into_iter().map(row).collect::<Result<_, LinesError>>()?)
}

/// What a set of descriptors has to say: the number that each was given, and what happened.
fn ready(poller: &OwnedFd) -> Vec<(u64, EventFlags)> {
    const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut room = [MaybeUninit::uninit(); 16];
    let Ok((events, _)) = epoll::wait(poller, &mut room, Some(&AT_ONCE)) else { return Vec::new() };
    events.iter().map(|event| (event.data.u64(), event.flags)).collect()
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
