//! All boards of a folder: for a person who chooses one, for the README, and for `--board auto`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::detection::{Machine, Match, detect};
use crate::source::{Source, is_name};
use crate::{Board, BoardError, LinesBackend};

/// The name that stands for *the board that is for this machine*.
pub const AUTO: &str = "auto";

/// One board of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its file.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// What a person calls it.
    pub title: String,
    /// The machines that it is for.
    pub matches: Match,
    /// The board, or in words why it cannot be used.
    pub board: Result<Box<Board>, String>,
}

/// What every board file says, also one that cannot be used.
#[derive(Debug, Deserialize)]
pub(crate) struct Head {
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(rename = "match", default)]
    matches: Match,
    pub(crate) unsupported: Option<String>,
}

/// Why no board is found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The folder.
    #[error("the board files in {0} cannot be read: is Subrosa installed, or --share right?")]
    Folder(PathBuf),
    /// The name.
    #[error("there is no board \"{name}\" in {folder}: there are {known}, and \"auto\" takes the one for this machine")]
    Unknown {
        /// The name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// The names that there are.
        known: String,
    },
    /// The machine.
    #[error(transparent)]
    Detect(#[from] crate::detection::DetectError),
    /// A file.
    #[error(transparent)]
    Board(#[from] BoardError),
}

/// The boards of a folder by their names. A file that is no board file at all is left out: its own error is told to
/// whoever names it.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(folder: &Path) -> Result<Vec<Listed>, FindError> {
    let entries = fs::read_dir(folder).map_err(|_| FindError::Folder(folder.to_owned()))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    paths.sort();
    Ok(paths.into_iter().filter_map(|path| listed(path).ok()).collect())
}

fn listed(path: PathBuf) -> Result<Listed, BoardError> {
    let head: Head = Source::read(&path)?.parse()?;
    let board = match Board::load(&path) {
        Ok(board) => Ok(Box::new(board)),
        Err(BoardError::Unsupported { reason, .. }) => Err(format!("not supported: {reason}")),
        Err(error @ (BoardError::Read { .. } | BoardError::Invalid { .. })) => Err(error.to_string()),
    };
    Ok(Listed { path, name: head.name, title: head.title, matches: head.matches, board })
}

/// The file of a board: `auto`, one of the folder's names, or the path of a file.
///
/// # Errors
/// When there is no such board, or none for this machine.
pub fn find(board: &str, folder: &Path) -> Result<PathBuf, FindError> {
    if board == AUTO {
        return Ok(detect(&Machine::this(), &list(folder)?)?.path.clone());
    }
    if !is_name(board) {
        return Ok(PathBuf::from(board));
    }
    let path = folder.join(format!("{board}.toml"));
    if path.exists() {
        return Ok(path);
    }
    let known: Vec<String> = list(folder)?.into_iter().map(|board| board.name).collect();
    Err(FindError::Unknown { name: board.to_owned(), folder: folder.to_owned(), known: known.join(", ") })
}

/// The table of boards in the README.
#[must_use]
pub fn markdown(boards: &[Listed]) -> String {
    let mut text = String::from(
        "| board | for | system | encoders, in order | switches and lamps | measured |\n|---|---|---|---|---|---|\n",
    );
    for listed in boards {
        let Listed { name, title, board, .. } = listed;
        match board {
            Ok(board) => {
                let system = board.system.as_ref().map_or("any".to_owned(), |system| system.name.clone());
                let (encoders, lines, measured) = (encoders(board), lines(board), measured(board));
                text.push_str(&format!("| `{name}` | {title} | {system} | {encoders} | {lines} | {measured} |\n"));
            }
            Err(why) => text.push_str(&format!("| `{name}` | {title} | {why} | | | |\n")),
        }
    }
    text
}

/// The same for a person at a terminal.
#[must_use]
pub fn words(boards: &[Listed]) -> String {
    let width = boards.iter().map(|board| board.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for Listed { name, title, board, .. } in boards {
        let line = match board {
            Ok(board) => format!("{title}. {}; {}; measured: {}.", encoders(board), lines(board), measured(board)),
            Err(why) => format!("{title}. {why}"),
        };
        text.push_str(&format!("{name:width$}  {line}\n"));
    }
    text
}

fn encoders(board: &Board) -> String {
    let rows = board.encoders.iter().map(|row| {
        let size = row.largest.map(|(width, height)| format!(" to {width}×{height}"));
        let rate = row.frames_per_second.map(|rate| format!(" at {rate}"));
        format!("{}{}{}", row.element, size.unwrap_or_default(), rate.unwrap_or_default())
    });
    rows.collect::<Vec<_>>().join(", ")
}

fn lines(board: &Board) -> String {
    let how = match (board.lines, &board.gpiochip, &board.header) {
        (LinesBackend::Sim, ..) => return "simulated".to_owned(),
        (LinesBackend::Rppal, ..) => "header".to_owned(),
        (LinesBackend::Evdev | LinesBackend::Hid, ..) => "attached devices".to_owned(),
        (LinesBackend::Gpiochip, _, Some(header)) => format!("header {}", header.label),
        (LinesBackend::Gpiochip, Some(chips), None) => format!("USB adapter {}", chips.labels.join(", ")),
        (LinesBackend::Gpiochip, None, None) => "none".to_owned(),
    };
    let (camera, microphone) = (board.camera.worth(), board.microphone.worth());
    let tiers = |what: &str, camera: u8, microphone: u8| {
        if camera == microphone { format!("{what} {camera}") } else { format!("{what} {camera} and {microphone}") }
    };
    let lamps = tiers("lamps tier", camera.lamp.into(), microphone.lamp.into());
    let switches = tiers("switches tier", camera.switch.into(), microphone.switch.into());
    format!("{how}; {lamps}, {switches}")
}

fn measured(board: &Board) -> String {
    match (&board.measured, board.lines) {
        (Some(measured), _) => measured.date.clone(),
        (None, LinesBackend::Sim) => "—".to_owned(),
        (None, LinesBackend::Gpiochip | LinesBackend::Rppal | LinesBackend::Evdev | LinesBackend::Hid) => {
            "no".to_owned()
        }
    }
}
