//! Programs and files where every process can reach them.
//!
//! Root's own home is closed to the users of the processes, and so is a clone in it. What they need from there is
//! copied into the run directory, which is open to all and gone after the next boot.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use subrosa_board::source::BASES;

use crate::run_dir::RunDir;

/// Where the processes find what they are started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reachable {
    /// The folder of the programs.
    pub programs: PathBuf,
    /// The board file.
    pub board: PathBuf,
}

/// Finds, or makes, a place for the programs of that folder and the board file that everybody can reach. Programs
/// whose name starts with `subrosa` are copied where it is not so.
///
/// # Errors
/// When something cannot be looked at or copied; the error names it.
pub fn for_all(programs: &Path, board: &Path, run: &RunDir) -> io::Result<Reachable> {
    let (programs, board) = (named(fs::canonicalize(programs), programs)?, named(fs::canonicalize(board), board)?);
    if is_open(&programs)? && is_open(&board)? {
        return Ok(Reachable { programs, board });
    }
    let place = run.programs();
    match fs::remove_dir_all(&place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return named(Err(error), &place),
        _ => {}
    }
    folder(&place)?;
    for entry in named(fs::read_dir(&programs), &programs)? {
        let entry = entry?;
        let name = entry.file_name();
        // Cargo's folder also holds lists of what each program is made of.
        let ours = Path::new(&name).extension().is_none() && name.as_encoded_bytes().starts_with(b"subrosa");
        if ours && entry.metadata()?.is_file() {
            copy(&entry.path(), &place.join(&name), 0o755)?;
        }
    }
    let boards = place.join("boards");
    folder(&boards)?;
    let copied = boards.join(board.file_name().unwrap_or(OsStr::new("board.toml")));
    copy(&board, &copied, 0o644)?;
    // What it may extend.
    let bases = board.with_file_name(BASES);
    if bases.is_dir() {
        folder(&boards.join(BASES))?;
        for entry in named(fs::read_dir(&bases), &bases)? {
            let entry = entry?;
            copy(&entry.path(), &boards.join(BASES).join(entry.file_name()), 0o644)?;
        }
    }
    Ok(Reachable { programs: place, board: copied })
}

/// The same for one file that processes need besides. One that is not there is named as it is: whoever needs it says so.
///
/// # Errors
/// When it cannot be copied.
pub fn file(file: &Path, run: &RunDir) -> io::Result<PathBuf> {
    let Ok(file) = fs::canonicalize(file) else { return Ok(file.to_owned()) };
    if is_open(&file)? {
        return Ok(file);
    }
    let place = run.programs();
    if !place.is_dir() {
        folder(&place)?;
    }
    let copied = place.join(file.file_name().unwrap_or(OsStr::new("file")));
    copy(&file, &copied, 0o644)?;
    Ok(copied)
}

/// Whether everybody may enter every folder on the way to `path`, and read (and, for a folder, enter) what is there.
fn is_open(path: &Path) -> io::Result<bool> {
    let mode = |path: &Path| Ok::<_, io::Error>(named(fs::metadata(path), path)?.permissions().mode());
    let wanted = if path.is_dir() { 0o005 } else { 0o004 };
    if mode(path)? & wanted != wanted {
        return Ok(false);
    }
    for folder in path.ancestors().skip(1) {
        if mode(folder)? & 0o001 == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn folder(path: &Path) -> io::Result<()> {
    named(fs::create_dir(path).and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o755))), path)
}

fn copy(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    named(fs::copy(from, to).and_then(|_| fs::set_permissions(to, Permissions::from_mode(mode))), from)
}

fn named<T>(result: io::Result<T>, path: &Path) -> io::Result<T> {
    result.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with programs and a board file; `mode` is the mode of the folder that holds both.
    fn clone(mode: u32) -> (tempfile::TempDir, PathBuf, PathBuf, RunDir) {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        let tree = root.path().join("clone");
        let (programs, board) = (tree.join("target/release"), tree.join("boards/sim.toml"));
        fs::create_dir_all(&programs).unwrap();
        fs::create_dir_all(tree.join("boards").join(BASES)).unwrap();
        fs::write(tree.join("boards").join(BASES).join("usual.toml"), "lines = \"sim\"").unwrap();
        for (name, mode) in [("subrosa", 0o755), ("subrosa-guard", 0o700), ("subrosa.d", 0o644), ("other", 0o755)] {
            fs::write(programs.join(name), name).unwrap();
            fs::set_permissions(programs.join(name), Permissions::from_mode(mode)).unwrap();
        }
        fs::write(&board, "name = \"sim\"").unwrap();
        fs::set_permissions(&tree, Permissions::from_mode(mode)).unwrap();
        fs::create_dir(root.path().join("run")).unwrap();
        let run = RunDir::new(root.path().join("run"));
        (root, programs, board, run)
    }

    #[test]
    fn what_everybody_can_reach_stays_where_it_is() {
        let (_root, programs, board, run) = clone(0o755);
        let reached = for_all(&programs, &board, &run).unwrap();
        assert_eq!(reached, Reachable { programs, board });
        assert!(!run.programs().exists());
    }

    #[test]
    fn what_only_root_can_reach_is_copied() {
        let (_root, programs, board, run) = clone(0o700);
        for _ in 0..2 {
            let reached = for_all(&programs, &board, &run).unwrap(); // twice is once
            let mut names: Vec<_> = fs::read_dir(&reached.programs).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            assert_eq!(names, ["boards", "subrosa", "subrosa-guard"]);
            assert!(is_open(&reached.programs.join("subrosa-guard")).unwrap() && is_open(&reached.board).unwrap());
            assert_eq!(reached.board.file_stem().unwrap(), "sim");
            assert!(is_open(&reached.board.with_file_name(BASES).join("usual.toml")).unwrap(), "what it extends");
        }
    }

    #[test]
    fn a_single_file_is_copied_where_it_must_be_and_a_missing_one_is_nobodys_fault() {
        let (_root, _, board, run) = clone(0o755);
        assert_eq!(file(&board, &run).unwrap(), fs::canonicalize(&board).unwrap());
        let (_root, programs, board, run) = clone(0o700);
        for _ in 0..2 {
            let copied = file(&board, &run).unwrap();
            assert!(is_open(&copied).unwrap() && fs::read(&copied).unwrap() == fs::read(&board).unwrap());
        }
        let missing = programs.join("model");
        assert_eq!(file(&missing, &run).unwrap(), missing);
    }

    #[test]
    fn what_is_missing_is_named() {
        let (_root, programs, board, run) = clone(0o755);
        fs::remove_file(&board).unwrap();
        let error = for_all(&programs, &board, &run).unwrap_err().to_string();
        assert!(error.contains("sim.toml"), "{error}");
    }
}
