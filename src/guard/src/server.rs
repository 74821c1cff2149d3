//! The guard's two sockets: one peer each, whose user the kernel vouches for.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use subrosa_messages::frame::{Decoder, encode};
use subrosa_process::peer;
use subrosa_process::users::User;

/// A peer that has left this much unread is taken for hanging, and the connection is closed.
const UNREAD: usize = 256 * 1024;

/// What happened at a door.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<I> {
    /// The peer has connected.
    Connected,
    /// It has said something.
    Said(I),
    /// It has gone.
    Gone,
}

/// A socket for one peer. A second connection takes the place of the first: a process that was started again need not
/// wait until the end of its predecessor is noticed.
#[derive(Debug)]
pub struct Door<I> {
    listener: UnixListener,
    peer: User,
    line: Option<Line<I>>,
}

#[derive(Debug)]
struct Line<I> {
    stream: UnixStream,
    decoder: Decoder<I>,
    unsent: Vec<u8>,
}

impl<I: DeserializeOwned> Door<I> {
    /// Opens the door for one user.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn open(path: &Path, peer: User) -> io::Result<Self> {
        let listener = peer::listen(path, peer)?;
        listener.set_nonblocking(true)?;
        Ok(Door { listener, peer, line: None })
    }

    /// Where somebody may knock.
    #[must_use]
    pub fn knock(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }

    /// Where the peer may say something.
    #[must_use]
    pub fn line(&self) -> Option<BorrowedFd<'_>> {
        self.line.as_ref().map(|line| line.stream.as_fd())
    }

    /// Something waits to be sent.
    #[must_use]
    pub fn has_unsent(&self) -> bool {
        self.line.as_ref().is_some_and(|line| !line.unsent.is_empty())
    }

    /// Everything that has happened, in order.
    pub fn hear(&mut self) -> Vec<Heard<I>> {
        let mut heard = Vec::new();
        self.hear_line(&mut heard);
        while let Ok((stream, _)) = self.listener.accept() {
            if !peer::is_user(&stream, self.peer) {
                tracing::warn!("somebody who is not the expected user knocked at a socket and was turned away");
                continue;
            }
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            if self.line.replace(Line { stream, decoder: Decoder::default(), unsent: Vec::new() }).is_some() {
                heard.push(Heard::Gone);
            }
            heard.push(Heard::Connected);
            self.hear_line(&mut heard);
        }
        heard
    }

    fn hear_line(&mut self, heard: &mut Vec<Heard<I>>) {
        let Some(line) = &mut self.line else {
            return;
        };
        let alive = line.flush() && line.hear(heard);
        if !alive {
            self.line = None;
            heard.push(Heard::Gone);
        }
    }

    /// Says something to the peer, if it is there. A peer that cannot be reached is noticed by [`Door::hear`].
    pub fn say<O: Serialize>(&mut self, message: &O) {
        let Some(line) = &mut self.line else {
            return;
        };
        match encode(message, &[]) {
            Ok(bytes) => line.unsent.extend_from_slice(&bytes),
            Err(error) => tracing::error!("a message was not sent: {error}"),
        }
        let sent = line.flush();
        if !sent || line.unsent.len() > UNREAD {
            // The next reading finds the end of the stream.
            let _already_closed = line.stream.shutdown(Shutdown::Both);
            line.unsent.clear();
        }
    }
}

impl<I: DeserializeOwned> Line<I> {
    /// Sends what it can; `false` when the connection is broken.
    fn flush(&mut self) -> bool {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(length) => drop(self.unsent.drain(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Reads what is there; `false` when the peer has gone or talks nonsense.
    fn hear(&mut self, heard: &mut Vec<Heard<I>>) -> bool {
        let mut buffer = [0_u8; 4096];
        loop {
            let length = match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return false,
            };
            self.decoder.push(buffer.get_mut(..length).unwrap_or_default());
            loop {
                match self.decoder.pull() {
                    Ok(Some(frame)) => heard.push(Heard::Said(frame.message)),
                    Ok(None) => break,
                    Err(error) => {
                        tracing::error!("a connection is closed: {error}");
                        return false;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use subrosa_messages::frame;

    use super::*;

    fn door() -> (tempfile::TempDir, Door<String>, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let door = Door::open(&path, User::of_this_process()).unwrap();
        (folder, door, path)
    }

    #[test]
    fn a_peer_comes_speaks_and_goes() {
        let (_folder, mut door, path) = door();
        assert_eq!(door.hear(), []);
        let mut peer = UnixStream::connect(&path).unwrap();
        frame::write(&mut peer, &"one", &[]).unwrap();
        frame::write(&mut peer, &"two", &[]).unwrap();
        assert_eq!(door.hear(), [Heard::Connected, Heard::Said("one".into()), Heard::Said("two".into())]);
        door.say(&"three");
        let mut decoder = Decoder::<String>::default();
        assert_eq!(frame::read(&mut peer, &mut decoder).unwrap().unwrap().message, "three");
        drop(peer);
        assert_eq!(door.hear(), [Heard::Gone]);
        door.say(&"nobody hears this");
        assert_eq!(door.hear(), []);
    }

    #[test]
    fn p10_a_process_that_was_started_again_takes_the_place_of_the_old_one() {
        let (_folder, mut door, path) = door();
        let _old = UnixStream::connect(&path).unwrap();
        assert_eq!(door.hear(), [Heard::Connected]);
        let mut new = UnixStream::connect(&path).unwrap();
        frame::write(&mut new, &"new", &[]).unwrap();
        assert_eq!(door.hear(), [Heard::Gone, Heard::Connected, Heard::Said("new".into())]);
    }

    #[test]
    fn p2_a_stranger_is_turned_away_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let mut door = Door::<String>::open(&path, User::of_this_process()).unwrap();
        let _peer = UnixStream::connect(&path).unwrap();
        assert_eq!(door.hear(), [Heard::Connected]);
        door.peer.uid += 1;
        let mut stranger = UnixStream::connect(&path).unwrap();
        frame::write(&mut stranger, &"let me in", &[]).unwrap();
        assert_eq!(door.hear(), []);
        assert!(door.line.is_some());
    }

    #[test]
    fn nonsense_and_silence_end_a_connection() {
        let (_folder, mut door, path) = door();
        let mut peer = UnixStream::connect(&path).unwrap();
        peer.write_all(&[0xff; 16]).unwrap();
        assert_eq!(door.hear(), [Heard::Connected, Heard::Gone]);
        let _deaf = UnixStream::connect(&path).unwrap();
        assert_eq!(door.hear(), [Heard::Connected]);
        let long = "x".repeat(100_000);
        for _ in 0..20 {
            door.say(&long);
        }
        assert_eq!(door.hear(), [Heard::Gone]);
    }
}
