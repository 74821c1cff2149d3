//! What tests of board files share.

use crate::Board;

/// The board that a text describes, with some texts in it replaced by others; or what is wrong with it.
pub fn load(text: &str, changes: &[(&str, &str)]) -> Result<Board, String> {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board.toml");
    std::fs::write(&path, text).unwrap();
    Board::load(&path).map_err(|error| error.to_string())
}
