//! The simulated speaker: a socket that takes 10 ms at a time.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use subrosa_messages::frame;
use subrosa_messages::outputs::Output;
use subrosa_process::peer;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::User;

use super::super::frame::{Frame, to_bytes};
use super::{Pace, Speaker, SpeakerError};

/// A listener that takes nothing for this long is given up.
const DEAF: Duration = Duration::from_secs(2);

struct SimSpeaker {
    socket: UnixStream,
    /// The rest of a frame of which the socket took only a part.
    rest: Vec<u8>,
    taken: Instant,
    pace: Pace,
}

/// Connects to where the simulated room takes its outputs. The one who answers must be the owner of that folder.
pub(crate) fn connect(run: &RunDir) -> Result<Option<UnixStream>, io::Error> {
    let socket = UnixStream::connect(run.sim_outputs())?;
    let folder = fs::metadata(run.sim())?;
    socket.set_nonblocking(true)?;
    Ok(peer::is_user(&socket, User { uid: folder.uid(), gid: folder.gid() }).then_some(socket))
}

pub(super) fn open(run: &RunDir) -> Result<Box<dyn Speaker>, SpeakerError> {
    let socket = connect(run)?.ok_or(SpeakerError::Stranger)?;
    Ok(Box::new(SimSpeaker { socket, rest: Vec::new(), taken: Instant::now(), pace: Pace::default() }))
}

impl Speaker for SimSpeaker {
    fn play(&mut self, sound: &Frame) -> Result<(), SpeakerError> {
        if self.rest.is_empty() {
            self.rest = frame::encode(&Output::Sound, &to_bytes(sound)).map_err(io::Error::other)?;
        }
        match self.socket.write(&self.rest) {
            Ok(length) => {
                self.rest.drain(..length);
                self.taken = Instant::now();
            }
            // It does not keep up: what it has not begun to take is not heard.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.taken.elapsed() < DEAF => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        self.pace.hold(Duration::ZERO);
        Ok(())
    }
}
