//! Lines of the simulated room: one file each, holding `0` or `1`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use subrosa_board::{Board, InputLine, OutputLine};
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

use super::{Lines, LinesError};
use crate::watch::for_each_event;

struct SimLines {
    folder: PathBuf,
    events: OwnedFd,
    watched: bool,
}

pub(super) fn open(_board: &Board, run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    in_folder(run)
}

fn in_folder(run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    let folder = run.sim_lines();
    let events = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)
        .map_err(|error| LinesError::Watch { folder: folder.clone(), source: error.into() })?;
    let mut lines = SimLines { folder, events, watched: false };
    lines.second();
    Ok(Box::new(lines))
}

impl SimLines {
    fn file(&self, line: &str, write: bool) -> io::Result<File> {
        // A link or a pipe in a place where a line should be neither leads elsewhere nor blocks.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        OpenOptions::new().read(true).write(write).custom_flags(flags).open(self.folder.join(line))
    }
}

fn level(file: &mut File) -> Option<bool> {
    let mut text = [0_u8; 4];
    let length = file.read(&mut text).ok()?;
    match text.get(..length)?.trim_ascii() {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    }
}

impl Lines for SimLines {
    fn read(&mut self, line: &InputLine) -> Option<bool> {
        let level = level(&mut self.file(&line.line, false).ok()?)?;
        Some(level != line.active_low)
    }

    fn set(&mut self, line: &OutputLine, lit: bool) -> Lamp {
        let wanted = lit != line.active_low;
        let read = |lines: &Self| lines.file(&line.line, false).ok().and_then(|mut file| level(&mut file));
        if read(self) != Some(wanted) {
            let written = self.file(&line.line, true).and_then(|file| {
                // Over the old level and never through an empty file.
                file.write_all_at(if wanted { b"1" } else { b"0" }, 0)?;
                file.set_len(1)
            });
            if written.is_err() {
                return Lamp::Unknown;
            }
        }
        match read(self) {
            Some(level) if level != line.active_low => Lamp::Lit,
            Some(_) => Lamp::Dark,
            None => Lamp::Unknown,
        }
    }

    fn changes(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }

    fn take_changes(&mut self) -> bool {
        let mut any = false;
        let mut watched = self.watched;
        for_each_event(&self.events, |_, flags| {
            any = true;
            watched &= !flags.contains(ReadFlags::IGNORED);
        });
        self.watched = watched;
        any
    }

    fn second(&mut self) {
        if !self.watched {
            let what = WatchFlags::MODIFY
                | WatchFlags::ATTRIB
                | WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::MOVE
                | WatchFlags::ONLYDIR;
            self.watched = inotify::add_watch(&self.events, &self.folder, what).is_ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn room() -> (tempfile::TempDir, Box<dyn Lines>) {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path());
        fs::create_dir_all(run.sim_lines()).unwrap();
        let lines = in_folder(&run).unwrap();
        (folder, lines)
    }

    fn line(name: &str, active_low: bool) -> (InputLine, OutputLine) {
        (
            InputLine { line: name.into(), active_low, ..InputLine::default() },
            OutputLine { line: name.into(), active_low, ..OutputLine::default() },
        )
    }

    #[test]
    fn levels_are_read_and_anything_else_is_unknown() {
        let (folder, mut lines) = room();
        let (input, _) = line("switch", false);
        let (low, _) = line("switch", true);
        assert_eq!(lines.read(&input), None, "missing");
        for (text, level) in [("1", Some(true)), ("0\n", Some(false)), ("", None), ("yes", None), ("11", None)] {
            fs::write(folder.path().join("sim/lines/switch"), text).unwrap();
            assert_eq!(lines.read(&input), level, "{text:?}");
            assert_eq!(lines.read(&low), level.map(|level| !level), "{text:?}, active low");
        }
    }

    #[test]
    fn a_lamp_is_what_was_read_back() {
        let (folder, mut lines) = room();
        let path = folder.path().join("sim/lines/lamp");
        let (_, lamp) = line("lamp", false);
        let (_, low) = line("lamp", true);
        assert_eq!(lines.set(&lamp, true), Lamp::Unknown, "missing");
        fs::write(&path, "what").unwrap();
        assert_eq!((lines.set(&lamp, true), fs::read_to_string(&path).unwrap()), (Lamp::Lit, "1".into()));
        assert_eq!((lines.set(&lamp, false), fs::read_to_string(&path).unwrap()), (Lamp::Dark, "0".into()));
        assert_eq!((lines.set(&low, true), fs::read_to_string(&path).unwrap()), (Lamp::Lit, "0".into()));
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/null", &path).unwrap();
        assert_eq!(lines.set(&lamp, true), Lamp::Unknown, "a link is no line");
    }

    #[test]
    fn changes_are_seen_at_once_and_again_after_the_folder_was_made_anew() {
        let (folder, mut lines) = room();
        assert!(!lines.take_changes());
        fs::write(folder.path().join("sim/lines/switch"), "1").unwrap();
        assert!(lines.take_changes());
        fs::remove_dir_all(folder.path().join("sim/lines")).unwrap();
        assert!(lines.take_changes());
        fs::create_dir(folder.path().join("sim/lines")).unwrap();
        lines.second();
        fs::write(folder.path().join("sim/lines/switch"), "1").unwrap();
        assert!(lines.take_changes());
    }
}
