//! What is done when the guard has ended, however it ended (`ExecStopPost=`): modes closed, live lamps lit, power off.
//!
//! Nobody watches the nodes now, so nothing is known, and what is not known is lit.

use subrosa_board::Board;
use subrosa_messages::Capture;
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

use crate::devices::word;
use crate::lines;
use crate::machine::{Mode, Permission};
use crate::node::{NodeFile, Rights};

/// What could not be done.
#[derive(Debug, thiserror::Error)]
pub enum StopHookError {
    /// The lines cannot be reached.
    #[error(transparent)]
    Lines(#[from] lines::LinesError),
    /// Something stayed as it was.
    #[error("not everything is closed and lit: {0}. Do not trust the lamps until the guard runs again")]
    Left(String),
}

/// Closes and lights all that it can.
///
/// # Errors
/// When something stayed open or dark. The rest was done all the same.
pub fn stop_hook(board: &Board, run: &RunDir, rights: &Rights) -> Result<(), StopHookError> {
    let mut left = Vec::new();
    let captures = Capture::ALL.map(|capture| match capture {
        Capture::Camera => (capture, &board.camera),
        Capture::Microphone => (capture, &board.microphone),
    });
    // Modes first: they open nothing, whatever the lamps do.
    for (capture, board) in captures {
        for path in board.nodes.iter().map(|node| run.expand(node)) {
            // A node that is not there cannot be opened.
            if let Ok(mut node) = NodeFile::hold(&path)
                && node.set(Mode::Closed, rights) == Permission::Wrong
            {
                left.push(format!("the permission of a node of the {}", word(capture)));
            }
        }
    }
    let mut lines = lines::open(board, run)?;
    for (capture, board) in captures {
        if let Some(muted) = &board.muted
            && lines.set(muted, false) != Lamp::Dark
        {
            left.push(format!("the lamp \"muted\" of the {}", word(capture)));
        }
        if lines.set(&board.live, true) != Lamp::Lit {
            left.push(format!("the lamp \"live\" of the {}", word(capture)));
        }
    }
    for (key, line) in board.power_lines() {
        if lines.set(line, false) != Lamp::Dark {
            left.push(key.to_owned());
        }
    }
    if left.is_empty() { Ok(()) } else { Err(StopHookError::Left(left.join(", "))) }
}
