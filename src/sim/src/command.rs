//! The same hands from a terminal: asks the running room over its page's address.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use subrosa_messages::guard::{Lamp, Level};
use subrosa_process::run_dir::RunDir;

use crate::device::{CaptureState, State};

/// Longer than any act takes; *hold* is the longest.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the room did not do it.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// There is no room.
    #[error(
        "no simulated room runs in {run}: start one with `subrosa run --board sim`, or name its run directory with --run"
    )]
    NoRoom {
        /// Where it was looked for.
        run: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It answered with an error.
    #[error("the simulated room could not do it: {0}")]
    Refused(String),
    /// It answered something that cannot be read.
    #[error("the simulated room's answer cannot be read: are both programs of one version?")]
    Answer,
}

/// A running simulated room.
#[derive(Clone, Debug)]
pub struct Room {
    run: PathBuf,
    address: SocketAddr,
}

impl Room {
    /// Finds the room of a run directory.
    ///
    /// # Errors
    /// When none has been started there.
    pub fn find(run: &RunDir) -> Result<Self, CommandError> {
        let no_room = |source| CommandError::NoRoom { run: run.path().to_owned(), source };
        let text = fs::read_to_string(run.sim_address()).map_err(no_room)?;
        let address =
            text.trim().parse().map_err(|error| no_room(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        Ok(Room { run: run.path().to_owned(), address })
    }

    /// What can be seen in the room.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn state(&self) -> Result<State, CommandError> {
        let body = self.ask("GET", "/state", "")?;
        serde_json::from_str(&body).map_err(|_| CommandError::Answer)
    }

    /// Moves something.
    ///
    /// # Errors
    /// When it does not answer or cannot do it.
    pub fn act(&self, path: &str, body: &impl Serialize) -> Result<(), CommandError> {
        let body = serde_json::to_string(body).map_err(|_| CommandError::Answer)?;
        self.ask("POST", path, &body).map(drop)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> Result<String, CommandError> {
        let no_room = |source| CommandError::NoRoom { run: self.run.clone(), source };
        let mut answer = String::new();
        let mut exchange = || {
            let mut socket = TcpStream::connect(self.address)?;
            socket.set_read_timeout(Some(PATIENCE))?;
            let (host, length) = (self.address, body.len());
            // HTTP/1.0: the answer ends where the connection ends.
            write!(
                socket,
                "{method} {path} HTTP/1.0\r\nHost: {host}\r\nOrigin: http://{host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )?;
            socket.read_to_string(&mut answer)
        };
        exchange().map_err(no_room)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(CommandError::Answer)?;
        match head.split(' ').nth(1) {
            Some("200" | "204") => Ok(body.to_owned()),
            Some(_) => Err(CommandError::Refused(complaint(body))),
            None => Err(CommandError::Answer),
        }
    }
}

#[derive(Deserialize)]
struct Complaint {
    error: String,
}

fn complaint(body: &str) -> String {
    serde_json::from_str::<Complaint>(body).map_or_else(|_| body.to_owned(), |complaint| complaint.error)
}

/// The state for a person: one line for each thing in the room.
#[must_use]
pub fn describe(state: &State) -> String {
    let mut text = format!("button       {}\n", if state.pressed { "pressed" } else { "released" });
    if let Some(reveal) = state.reveal {
        text += &format!("reveal       {}\n", if reveal { "pressed" } else { "released" });
    }
    text += &capture_line("camera", "shutter", &state.camera);
    text += &capture_line("microphone", "switch", &state.microphone);
    if let Some(answers) = state.segmenter {
        text += &format!("segmenter    {}\n", if answers { "answers" } else { "stands still" });
    }
    text += if state.outputs { "screen       connected\n" } else { "screen       nothing arrives\n" };
    text
}

fn capture_line(name: &str, switch: &str, state: &CaptureState) -> String {
    let plug = if state.plugged { "plugged in" } else { "unplugged" };
    let position = match state.switch {
        Level::Open => "open",
        Level::Closed => "closed",
        Level::Unknown => "unknown",
    };
    let mut line = format!("{name:<12} {plug}, {switch} {position}, live lamp {}", lamp(state.live));
    if let Some(muted) = state.muted {
        line += &format!(", muted lamp {}", lamp(muted));
    }
    line + "\n"
}

fn lamp(lamp: Lamp) -> &'static str {
    match lamp {
        Lamp::Lit => "lit",
        Lamp::Dark => "dark",
        Lamp::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_reads_as_sentences() {
        let state = State {
            pressed: false,
            reveal: Some(true),
            segmenter: Some(false),
            camera: CaptureState { plugged: false, switch: Level::Open, live: Lamp::Unknown, muted: None },
            microphone: CaptureState { plugged: true, switch: Level::Closed, live: Lamp::Dark, muted: Some(Lamp::Lit) },
            outputs: true,
        };
        assert_eq!(
            describe(&state),
            "button       released\n\
             reveal       pressed\n\
             camera       unplugged, shutter open, live lamp unknown\n\
             microphone   plugged in, switch closed, live lamp dark, muted lamp lit\n\
             segmenter    stands still\n\
             screen       connected\n"
        );
    }

    #[test]
    fn a_room_that_is_not_there_is_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let error = Room::find(&RunDir::new(folder.path())).unwrap_err().to_string();
        assert!(error.contains("subrosa run --board sim"), "{error}");
    }
}
