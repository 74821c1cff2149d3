//! The run and state directories, with an owner and a mode for each process.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::{User, Users};

/// Why the folders could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A path cannot be made or changed.
    #[error("{path} cannot be made ({source}): name other folders with --run and --state, or mend this one")]
    Make {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else could have put anything there.
    #[error("{0} belongs to another user: remove it, or name another folder with --run")]
    Foreign(PathBuf),
    /// It is not a run directory, and what is in it would be removed.
    #[error("{path} holds {name}, which no room has put there: name an empty folder with --run")]
    Other {
        /// Which folder.
        path: PathBuf,
        /// What is in it.
        name: String,
    },
    /// Two rooms in one folder would take each other's sockets.
    #[error("another room runs in {0}: end it, or name another folder with --run (and --sim-listen)")]
    Taken(PathBuf),
}

/// Holds the run directory for as long as it lives.
#[derive(Debug)]
pub struct Folders {
    _lock: File,
}

impl Folders {
    /// Makes the folders anew. What an earlier room left in the run directory is gone then, the guard's memory of
    /// having been awake included: a room that is started sleeps.
    ///
    /// # Errors
    /// When a folder cannot be made, is somebody else's, or is in use.
    pub fn make(run: &RunDir, state: &Path, users: &Users) -> Result<Self, FolderError> {
        let me = User::of_this_process();
        folder(run.path(), 0o755, None)?;
        let owner = fs::symlink_metadata(run.path()).map_err(|source| at(run.path(), source))?;
        if owner.uid() != me.uid || !owner.is_dir() {
            return Err(FolderError::Foreign(run.path().to_owned()));
        }
        only_ours(run.path())?;
        let lock = lock(run)?;
        for (path, user) in [(run.guard(), users.guard), (run.media(), users.media), (run.room(), users.room)] {
            match fs::remove_dir_all(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(at(&path, source)),
                _ => {}
            }
            folder(&path, 0o755, Some(user))?;
        }
        folder(state, 0o755, None)?;
        folder(&state.join("media"), 0o700, Some(users.media))?;
        folder(&state.join("room"), 0o700, Some(users.room))?;
        Ok(Folders { _lock: lock })
    }
}

fn at(path: &Path, source: io::Error) -> FolderError {
    FolderError::Make { path: path.to_owned(), source }
}

fn only_ours(path: &Path) -> Result<(), FolderError> {
    const OURS: [&str; 6] = ["guard", "lock", "media", "programs", "room", "sim"];
    for entry in fs::read_dir(path).map_err(|source| at(path, source))?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !OURS.contains(&name.as_str()) {
            return Err(FolderError::Other { path: path.to_owned(), name });
        }
    }
    Ok(())
}

fn lock(run: &RunDir) -> Result<File, FolderError> {
    let path = run.path().join("lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let file = options.open(&path).map_err(|source| at(&path, source))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::AGAIN) => Err(FolderError::Taken(run.path().to_owned())),
        Err(error) => Err(at(&path, error.into())),
    }
}

fn folder(path: &Path, mode: u32, owner: Option<User>) -> Result<(), FolderError> {
    let make = || -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(mode).create(path)?;
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        match owner {
            Some(user) if user != User::of_this_process() => chown(path, Some(user.uid), Some(user.gid)),
            Some(_) | None => Ok(()),
        }
    };
    make().map_err(|source| at(path, source))
}

/// Copies a file to where one user alone can read it.
///
/// # Errors
/// When it cannot be read or written.
pub fn hand_over(file: &Path, to: &Path, user: User) -> Result<(), FolderError> {
    let copy = || -> io::Result<()> {
        let content = fs::read(file)?;
        let mut options = OpenOptions::new();
        let mut copy = options.write(true).create_new(true).mode(0o400).custom_flags(libc::O_NOFOLLOW).open(to)?;
        copy.write_all(&content)?;
        if user == User::of_this_process() {
            return Ok(());
        }
        std::os::unix::fs::fchown(&copy, Some(user.uid), Some(user.gid))
    };
    copy().map_err(|source| at(to, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn folders_have_their_modes_and_nothing_of_an_earlier_room() {
        let place = tempfile::tempdir().unwrap();
        let (run, state) = (RunDir::new(place.path().join("a/run")), place.path().join("state"));
        fs::create_dir_all(run.guard()).unwrap();
        fs::write(run.guard().join("awake"), "1").unwrap();
        let folders = Folders::make(&run, &state, &Users::one()).unwrap();
        assert_eq!(fs::read_dir(run.guard()).unwrap().count(), 0);
        assert_eq!((mode(run.path()), mode(&run.room()), mode(&state.join("room"))), (0o755, 0o755, 0o700));

        let taken = Folders::make(&run, &state, &Users::one()).unwrap_err();
        assert!(matches!(taken, FolderError::Taken(_)), "{taken}");
        drop(folders);
        Folders::make(&run, &state, &Users::one()).unwrap();
    }

    #[test]
    fn a_folder_behind_a_link_is_not_taken() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("elsewhere")).unwrap();
        let link = place.path().join("run");
        std::os::unix::fs::symlink(place.path().join("elsewhere"), &link).unwrap();
        let error = Folders::make(&RunDir::new(&link), place.path(), &Users::one()).unwrap_err();
        assert!(matches!(error, FolderError::Foreign(_)), "{error}");
    }

    #[test]
    fn a_folder_with_other_things_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("media")).unwrap();
        fs::write(place.path().join("media/holiday.mkv"), "").unwrap();
        fs::write(place.path().join("letter.txt"), "").unwrap();
        let error = Folders::make(&RunDir::new(place.path()), &place.path().join("s"), &Users::one()).unwrap_err();
        assert!(error.to_string().contains("letter.txt"), "{error}");
        assert!(place.path().join("media/holiday.mkv").exists());
    }

    #[test]
    fn what_is_handed_over_is_for_one_reader() {
        let place = tempfile::tempdir().unwrap();
        let (from, to) = (place.path().join("a"), place.path().join("b"));
        fs::write(&from, "secret").unwrap();
        hand_over(&from, &to, User::of_this_process()).unwrap();
        assert_eq!((fs::read_to_string(&to).unwrap().as_str(), mode(&to)), ("secret", 0o400));
    }
}
