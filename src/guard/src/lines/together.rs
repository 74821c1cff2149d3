//! Several rows as one: a board's own lines beside parts of attached devices.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use subrosa_board::{InputLine, LinesBackend, OutputLine};
use subrosa_messages::guard::Lamp;

use super::{Lines, LinesError};

struct Together {
    /// The board's own row: that of everything that is a line.
    own: LinesBackend,
    rows: Vec<(LinesBackend, Box<dyn Lines>)>,
    poller: OwnedFd,
}

/// Makes one of several rows. A row alone stays as it is.
pub(super) fn of(
    own: LinesBackend,
    mut rows: Vec<(LinesBackend, Box<dyn Lines>)>,
) -> Result<Box<dyn Lines>, LinesError> {
    if rows.len() == 1
        && let Some((_, row)) = rows.pop()
    {
        return Ok(row);
    }
    let wait = |error: rustix::io::Errno| LinesError::Wait(error.into());
    let poller = epoll::create(CreateFlags::CLOEXEC).map_err(wait)?;
    for (_, row) in &rows {
        epoll::add(&poller, row.changes(), EventData::new_u64(0), EventFlags::IN).map_err(wait)?;
    }
    Ok(Box::new(Together { own, rows, poller }))
}

impl Together {
    fn row(&mut self, row: LinesBackend) -> Option<&mut Box<dyn Lines>> {
        self.rows.iter_mut().find(|(one, _)| *one == row).map(|(_, lines)| lines)
    }
}

impl Lines for Together {
    fn read(&mut self, line: &InputLine) -> Option<bool> {
        self.row(line.row(self.own))?.read(line)
    }

    fn presses(&mut self, line: &InputLine) -> u32 {
        self.row(line.row(self.own)).map_or(0, |row| row.presses(line))
    }

    fn toggles(&self, line: &InputLine) -> bool {
        let row = line.row(self.own);
        self.rows.iter().any(|(one, lines)| *one == row && lines.toggles(line))
    }

    fn set(&mut self, line: &OutputLine, lit: bool) -> Lamp {
        self.row(line.row(self.own)).map_or(Lamp::Unknown, |row| row.set(line, lit))
    }

    fn changes(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }

    fn take_changes(&mut self) -> bool {
        // Each is asked: one may be readable for no reason but its clock.
        self.rows.iter_mut().fold(false, |any, (_, row)| row.take_changes() | any)
    }

    fn second(&mut self) {
        for (_, row) in &mut self.rows {
            row.second();
        }
    }
}
