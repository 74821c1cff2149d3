//! `subrosa join`: proposes a link to the running room and tells how far it is.

use std::io::{self, BufRead, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};
use subrosa_messages::Pii;
use subrosa_messages::frame::{self, Decoder};
use subrosa_messages::join::{JoinToRoom, RoomToJoin};
use subrosa_process::run_dir::RunDir;

/// Proposes a link (`-`: the first line of standard input), then passes on what is typed and says what is told. Without a link the room
/// is to leave. `true`: the room has left as wanted.
///
/// # Errors
/// When no room runs there, or it does not let this user speak with it.
pub fn join(run: &RunDir, link: Option<&str>) -> anyhow::Result<bool> {
    let path = run.room_for_join();
    let mut socket = match UnixStream::connect(&path) {
        Ok(socket) => socket,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            bail!("the room speaks with root, or with the user that `subrosa run` runs as: try it with sudo")
        }
        Err(error) => {
            return Err(error).with_context(|| {
                format!("no room runs in {}: start it, or name its folder with --run", run.path().display())
            });
        }
    };
    let word = match link {
        None => JoinToRoom::Leave,
        Some("-") => JoinToRoom::Propose { link: Pii::new(line(&mut io::stdin().lock())?.unwrap_or_default()) },
        Some(link) => JoinToRoom::Propose { link: Pii::new(link.to_owned()) },
    };
    frame::write(&mut socket, &word, &[])?;
    let mut decoder: Decoder<RoomToJoin> = Decoder::default();
    let mut typed = None;
    let asks = Arc::new(AtomicBool::new(false));
    let mut last = String::new();
    let mut say = |text: &str| if std::mem::replace(&mut last, text.to_owned()) == text { Ok(()) } else { print(text) };
    while let Some(word) = frame::read(&mut socket, &mut decoder)? {
        match word.message {
            RoomToJoin::Proposed { text } => {
                say(text.reveal())?;
                let (to, asks) = (socket.try_clone()?, Arc::clone(&asks));
                typed.get_or_insert_with(|| std::thread::spawn(move || type_on(to, &asks)));
            }
            RoomToJoin::Refused { text } => {
                say(text.reveal())?;
                return Ok(false);
            }
            RoomToJoin::Stands { text, password } => {
                asks.store(password, Ordering::SeqCst);
                say(text.reveal())?;
            }
            RoomToJoin::Over { text, wanted } => {
                say(text.reveal())?;
                return Ok(wanted);
            }
        }
    }
    bail!("the room has ended; the meeting with it")
}

/// What is typed: the password while it is asked for, else a line for the chat.
fn type_on(mut socket: UnixStream, asks: &AtomicBool) {
    let mut input = io::stdin().lock();
    while let Ok(Some(text)) = line(&mut input) {
        if text.is_empty() {
            continue;
        }
        let word = if asks.swap(false, Ordering::SeqCst) {
            JoinToRoom::Password { password: Pii::new(text) }
        } else {
            JoinToRoom::Say { line: Pii::new(text) }
        };
        if frame::write(&mut socket, &word, &[]).is_err() {
            return;
        }
    }
}

fn line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    let read = input.read_line(&mut text)?;
    Ok((read > 0).then(|| text.trim().to_owned()))
}

/// Prints to a reader that may have gone.
fn print(text: &str) -> io::Result<()> {
    match writeln!(io::stdout(), "{}", text.trim_end()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
