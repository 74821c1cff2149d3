//! How a process that does not obey is killed. One row per way.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::str::FromStr;

/// The name of a way, as it is given with `--kill`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KillWay {
    /// `cgroup:PATH`: the file `cgroup.kill` of media's control group, which the guard's group may write. It ends the
    /// whole tree at once, forks and frozen processes included, and takes no capability.
    Cgroup(PathBuf),
    /// `fd:N`: an inherited pipe to the parent, which kills media for one byte.
    Parent(i32),
}

/// Why media could not be killed.
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    /// The file cannot be written.
    #[error("{file} cannot be written: does its group bear the guard's name and is its mode 0220?")]
    Cgroup {
        /// Which file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The pipe is broken.
    #[error("the parent process does not take the order to kill: it has ended or was not started by `subrosa run`")]
    Parent(#[source] io::Error),
    /// Nobody said how.
    #[error("no way to kill was given: start the guard with --kill cgroup:PATH or --kill fd:N")]
    NoWay,
}

impl FromStr for KillWay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("cgroup", path)) if path.starts_with('/') => {
                let path = PathBuf::from(path);
                let file = if path.ends_with("cgroup.kill") { path } else { path.join("cgroup.kill") };
                Ok(KillWay::Cgroup(file))
            }
            Some(("fd", number)) => match number.parse() {
                Ok(number) if number > 2 => Ok(KillWay::Parent(number)),
                _ => Err("fd:N takes the number of an inherited pipe, 3 or more".to_owned()),
            },
            _ => Err("say cgroup:/sys/fs/cgroup/… (media's control group) or fd:N (a pipe to the parent)".to_owned()),
        }
    }
}

/// A way that is ready to be used.
#[derive(Debug)]
pub enum Enforcer {
    /// Through the control group.
    Cgroup(PathBuf),
    /// Through the parent.
    Parent(std::fs::File),
    /// Not at all: whoever does not obey keeps its lamp lit.
    None,
}

impl Enforcer {
    /// Makes a way ready. Called once: it takes the pipe for its own.
    ///
    /// # Errors
    /// When the pipe was not inherited.
    pub fn ready(way: Option<KillWay>) -> Result<Self, KillError> {
        match way {
            None => Ok(Enforcer::None),
            Some(KillWay::Cgroup(file)) => Ok(Enforcer::Cgroup(file)),
            Some(KillWay::Parent(number)) => {
                // SAFETY: fcntl with F_SETFD takes an int and touches no memory of ours.
                if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
                    return Err(KillError::Parent(io::Error::last_os_error()));
                }
                // SAFETY: the descriptor is open, as the call above has shown, it was inherited for this purpose, and
                // nothing else in this process knows its number.
                let pipe = unsafe { OwnedFd::from_raw_fd(number) };
                Ok(Enforcer::Parent(pipe.into()))
            }
        }
    }

    /// Kills media.
    ///
    /// # Errors
    /// When it was not possible.
    pub fn kill(&mut self) -> Result<(), KillError> {
        match self {
            Enforcer::Cgroup(file) => {
                // Opened each time: the group is made anew whenever media starts.
                let write = || {
                    let mut kill = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).open(&file)?;
                    kill.write_all(b"1")
                };
                write().map_err(|source| KillError::Cgroup { file: file.clone(), source })
            }
            Enforcer::Parent(pipe) => pipe.write_all(b"k").map_err(KillError::Parent),
            Enforcer::None => Err(KillError::NoWay),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::IntoRawFd;

    use super::*;

    #[test]
    fn the_ways_are_read_from_the_command_line() {
        let file = PathBuf::from("/sys/fs/cgroup/x/cgroup.kill");
        assert_eq!("cgroup:/sys/fs/cgroup/x".parse(), Ok(KillWay::Cgroup(file.clone())));
        assert_eq!("cgroup:/sys/fs/cgroup/x/cgroup.kill".parse(), Ok(KillWay::Cgroup(file)));
        assert_eq!("fd:7".parse(), Ok(KillWay::Parent(7)));
        for wrong in ["", "fd:", "fd:2", "fd:-1", "cgroup:", "cgroup:relative", "pid:3"] {
            assert!(wrong.parse::<KillWay>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn p3_each_row_kills_as_it_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cgroup.kill");
        let mut cgroup = Enforcer::ready(Some(KillWay::Cgroup(file.clone()))).unwrap();
        assert!(matches!(cgroup.kill(), Err(KillError::Cgroup { .. })), "no such group");
        std::fs::write(&file, "").unwrap();
        cgroup.kill().unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "1");

        let (mut reader, writer) = io::pipe().unwrap();
        let number = OwnedFd::from(writer).into_raw_fd();
        let mut parent = Enforcer::ready(Some(KillWay::Parent(number))).unwrap();
        parent.kill().unwrap();
        let mut ready = [rustix::event::PollFd::new(&reader, rustix::event::PollFlags::IN)];
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut ready, Some(&at_once)), Ok(1));
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        drop(reader);
        assert!(matches!(parent.kill(), Err(KillError::Parent(_))));
        assert!(matches!(Enforcer::ready(None).unwrap().kill(), Err(KillError::NoWay)));
    }

    #[test]
    fn a_pipe_that_was_not_inherited_is_refused_at_start() {
        assert!(matches!(Enforcer::ready(Some(KillWay::Parent(60_000))), Err(KillError::Parent(_))));
    }
}
