//! Makes the simulated room below the run directory, before any other process starts.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use subrosa_board::CaptureSource;
use subrosa_messages::Capture;
use subrosa_process::share::Share;
use subrosa_process::users::{User, Users};

use crate::device::{Device, level, segmenter_line};

/// The mode of a capture node that is closed (docs/security.md).
const CLOSED: u32 = 0o400;

/// Why the room could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{path} cannot be made: as root every process gets a user of its own, otherwise give --one-user")]
pub struct PrepareError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Makes lines and nodes anew: switch and shutter open, button released, both live lamps lit (until the guard has
/// spoken nothing is known, and unknown is live), everything plugged in, every node closed.
///
/// With users of their own, lamps belong to the guard, switches to the simulator, nodes to the guard and media's group.
///
/// # Errors
/// When a file or folder cannot be made.
pub fn prepare(device: &Device, share: &Share, users: Users, one_user: bool) -> Result<(), PrepareError> {
    let run = device.run();
    let owner = |user: User| if one_user { None } else { Some((user.uid, user.gid)) };
    folder(run.path(), 0o755)?;
    // Made as a whole by the one who runs this, and handed over when it is complete: nobody else can put a link
    // where a file is about to be written.
    match fs::remove_dir_all(run.sim()) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            return Err(PrepareError { path: run.sim(), source });
        }
        _ => {}
    }
    folder(&run.sim(), 0o755)?;
    folder(&run.sim_lines(), 0o755)?;
    folder(&run.sim_nodes(), 0o755)?;
    folder(&run.sim_spare(), 0o700)?;

    let board = device.board();
    let line = |name: &str, on: bool, active_low: bool, user: User| {
        file(&run.sim_lines().join(name), 0o644, owner(user), |file| file.write_all(level(on, active_low)))
    };
    line(&board.button.line, false, board.button.active_low, users.sim)?;
    if let Some(reveal) = &board.reveal {
        line(&reveal.line, false, reveal.active_low, users.sim)?;
    }
    if let Some(segmenter) = segmenter_line(board) {
        line(&segmenter.line, true, segmenter.active_low, users.sim)?;
    }
    for capture in Capture::ALL {
        let capture_board = device.capture(capture);
        line(&capture_board.switch.line, true, capture_board.switch.active_low, users.sim)?;
        line(&capture_board.live.line, true, capture_board.live.active_low, users.guard)?;
        if let Some(muted) = &capture_board.muted {
            line(&muted.line, false, muted.active_low, users.guard)?;
        }
        let data = (capture_board.source == CaptureSource::Sim).then(|| share.data().join(data_file(capture)));
        for (place, name) in device.node_names(capture).iter().enumerate() {
            let node = User { uid: users.guard.uid, gid: users.media.gid };
            // The first node of a set delivers; the others only have to be there.
            let content = data.as_deref().filter(|_| place == 0).and_then(open_data);
            file(&run.sim_nodes().join(name), CLOSED, owner(node), |file| match content {
                Some(mut content) => io::copy(&mut content, file).map(drop),
                None => Ok(()),
            })?;
        }
    }
    for path in [run.sim_lines(), run.sim_nodes(), run.sim_spare(), run.sim()] {
        if let Some((uid, gid)) = owner(users.sim) {
            std::os::unix::fs::chown(&path, Some(uid), Some(gid)).map_err(|source| PrepareError { path, source })?;
        }
    }
    Ok(())
}

fn data_file(capture: Capture) -> &'static str {
    match capture {
        Capture::Camera => "camera.mjpeg",
        Capture::Microphone => "microphone.s16le",
    }
}

fn open_data(path: &Path) -> Option<File> {
    match File::open(path) {
        Ok(file) => Some(file),
        Err(error) => {
            let name = path.file_name().unwrap_or_default().display().to_string();
            tracing::warn!(%error, name, "nothing to play: `make data` makes it; until then a pattern or a tone is played");
            None
        }
    }
}

fn folder(path: &Path, mode: u32) -> Result<(), PrepareError> {
    let failed = |source| PrepareError { path: path.to_owned(), source };
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(failed(source)),
        // The umask must not narrow what others have to read.
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed),
    }
}

fn file(
    path: &Path,
    mode: u32,
    owner: Option<(u32, u32)>,
    content: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), PrepareError> {
    let make = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        content(&mut file)?;
        if let Some((uid, gid)) = owner {
            fchown(&file, Some(uid), Some(gid))?;
        }
        file.set_permissions(Permissions::from_mode(mode))
    };
    make().map_err(|source| PrepareError { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use subrosa_board::Board;
    use subrosa_process::run_dir::RunDir;

    fn device(folder: &Path) -> Device {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml");
        Device::new(Board::load(&file).unwrap(), RunDir::new(folder.join("run"))).unwrap()
    }

    #[test]
    fn nodes_are_closed_and_hold_what_the_data_folder_has() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("data/camera.mjpeg"), b"pictures").unwrap();
        let device = device(folder.path());
        for _ in 0..2 {
            prepare(&device, &Share::find(Some(folder.path())), Users::one(), true).unwrap(); // twice is once
        }
        let camera = fs::metadata(device.run().sim_nodes().join("camera")).unwrap();
        let microphone = fs::metadata(device.run().sim_nodes().join("microphone")).unwrap();
        assert_eq!((camera.mode() & 0o7777, camera.size()), (0o400, 8));
        assert_eq!((microphone.mode() & 0o7777, microphone.size()), (0o400, 0));
    }

    #[test]
    fn as_root_everything_has_the_owner_that_may_write_it() {
        if !rustix::process::geteuid().is_root() {
            return; // only root can give files away
        }
        let folder = tempfile::tempdir().unwrap();
        let user = |id| User { uid: id, gid: id + 100 };
        let users = Users { guard: user(1), media: user(2), room: user(3), sim: user(4), doctor: user(5) };
        let device = device(folder.path());
        prepare(&device, &Share::find(Some(folder.path())), users, false).unwrap();
        let owners = |path: PathBuf| {
            let found = fs::metadata(path).unwrap();
            (found.uid(), found.gid(), found.mode() & 0o7777)
        };
        let run = device.run();
        assert_eq!(owners(run.sim_nodes().join("camera")), (1, 102, 0o400));
        assert_eq!(owners(run.sim_lines().join("microphone-muted")), (1, 101, 0o644));
        assert_eq!(owners(run.sim_lines().join("button")), (4, 104, 0o644));
        assert_eq!(owners(run.sim_nodes()), (4, 104, 0o755));
        assert_eq!(owners(run.sim_spare()), (4, 104, 0o700));
    }
}
