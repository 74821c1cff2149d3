//! `subrosa boards`: the boards there are, for a person who chooses or wires one.

use anyhow::Context;
use subrosa_board::detection::detect;
use subrosa_board::{Board, Machine, wiring};
use subrosa_process::share::Share;

/// All boards, and which one is for this machine.
///
/// # Errors
/// When the folder cannot be read.
pub fn all(share: &Share, markdown: bool) -> anyhow::Result<String> {
    let boards = subrosa_board::list(&share.boards())?;
    if markdown {
        return Ok(subrosa_board::markdown(&boards));
    }
    let this = match detect(&Machine::this(), &boards) {
        Ok(board) => format!("This machine: {}\n", board.name),
        Err(error) => format!("This machine: {error}\n"),
    };
    Ok(format!("{}\n{this}", subrosa_board::words(&boards)))
}

/// How one board is wired.
///
/// # Errors
/// When its file cannot be used, or there is nothing to draw.
pub fn one(share: &Share, board: &str, drawing: bool) -> anyhow::Result<String> {
    let board = Board::load(&share.board_file(board)?)?;
    if drawing {
        return wiring::drawing(&board).with_context(|| format!("{} has no drawing", board.name));
    }
    let pins = match wiring::table(&board) {
        Ok(table) => table,
        Err(why) => format!("No wiring: {why}.\n"),
    };
    let (file, title) = (board.places().file().display(), &board.title);
    Ok(format!("{title}\n{file}: can be used.\n\n{pins}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn share() -> Share {
        Share::find(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")))
    }

    #[test]
    fn all_boards_are_listed_with_the_one_of_this_machine() {
        let text = all(&share(), false).unwrap();
        for part in ["raspberry-pi-4 ", "jetson-nano", "not supported", "measured: no", "This machine: "] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(all(&share(), true).unwrap().starts_with("| board |"));
    }

    #[test]
    fn one_board_is_shown_with_its_pins() {
        let text = one(&share(), "raspberry-pi-4", false).unwrap();
        for part in ["Raspberry Pi 4", "can be used", "| 29 | `GPIO5` | Camera lamp, white"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(one(&share(), "raspberry-pi-4", true).unwrap().starts_with("<svg"));
        assert!(one(&share(), "sim", false).unwrap().contains("nothing to wire"));
        let no_drawing = format!("{:#}", one(&share(), "sim", true).unwrap_err());
        assert!(no_drawing.contains("nothing to wire"), "{no_drawing}");
        let unknown = one(&share(), "raspberry-pi-9", false).unwrap_err().to_string();
        assert!(unknown.contains("raspberry-pi-5") && unknown.contains("\"auto\""), "{unknown}");
        assert!(one(&share(), "jetson-nano", false).unwrap_err().to_string().contains("not supported"));
    }
}
