//! The hand that gives the room a link: what `subrosa join` does, from the page. Where each process has a user of its own the room lets this one
//! in on a simulated board only.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use subrosa_messages::Pii;
use subrosa_messages::frame::{self, Decoder, FrameError};
use subrosa_messages::join::{JoinToRoom, RoomToJoin};
use subrosa_process::run_dir::RunDir;

/// The room answers at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Body of `POST /link`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The link.
    pub link: Pii<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// A press of the button joins.
    pub proposed: bool,
    /// What the room says of it, in its own language.
    pub text: String,
}

/// Proposes a link to the room. Blocks.
///
/// # Errors
/// When no room listens, or it does not answer.
pub fn give(run: &RunDir, link: Pii<String>) -> io::Result<Taken> {
    let mut socket = UnixStream::connect(run.room_for_join())?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    let broken = |error: FrameError| io::Error::other(error);
    frame::write(&mut socket, &JoinToRoom::Propose { link }, &[]).map_err(broken)?;
    let mut decoder: Decoder<RoomToJoin> = Decoder::default();
    while let Some(word) = frame::read(&mut socket, &mut decoder).map_err(broken)? {
        match word.message {
            RoomToJoin::Proposed { text } => return Ok(Taken { proposed: true, text: text.into_revealed() }),
            RoomToJoin::Refused { text } => return Ok(Taken { proposed: false, text: text.into_revealed() }),
            // Of a meeting that is on.
            RoomToJoin::Stands { .. } | RoomToJoin::Over { .. } => {}
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_link_is_handed_on_and_the_rooms_word_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path());
        assert!(give(&run, Pii::new(String::new())).is_err());
        std::fs::create_dir(run.room()).unwrap();
        let listener = UnixListener::bind(run.room_for_join()).unwrap();
        let room = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let heard = frame::read::<JoinToRoom>(&mut socket, &mut Decoder::default()).unwrap().unwrap().message;
            let stands = RoomToJoin::Stands { text: Pii::new("on".to_owned()), password: false };
            frame::write(&mut socket, &stands, &[]).unwrap();
            frame::write(&mut socket, &RoomToJoin::Proposed { text: Pii::new("press".to_owned()) }, &[]).unwrap();
            heard
        });
        let taken = give(&run, Pii::new("https://meet.example.org/rose".to_owned())).unwrap();
        assert_eq!(taken, Taken { proposed: true, text: "press".to_owned() });
        let link = Pii::new("https://meet.example.org/rose".to_owned());
        assert_eq!(room.join().unwrap(), JoinToRoom::Propose { link });
    }
}
