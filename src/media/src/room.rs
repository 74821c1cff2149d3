//! The door for the room: one connection at a time, each frame handed on as it comes.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use subrosa_messages::frame::{self, Decoder, Frame};
use subrosa_messages::media::{MediaToRoom, RoomToMedia};
use subrosa_process::peer;
use subrosa_process::users::User;

/// What happens at the door.
#[derive(Debug)]
pub enum RoomEvent {
    /// The room has said something.
    Said(Frame<RoomToMedia>),
    /// The room is gone: everything it opened is closed.
    Gone,
}

/// Messages that wait for the room to read them. A room that reads nothing for so many is hung.
const OUTBOX: usize = 4096;

type Outbox = SyncSender<(MediaToRoom, Vec<u8>)>;

/// Speaks to the room that is connected; to nobody while none is. Never blocks.
#[derive(Clone, Debug, Default)]
pub struct Say(Arc<Mutex<Option<(Outbox, UnixStream)>>>);

impl Say {
    /// Says something, with a body.
    pub fn say(&self, message: MediaToRoom, body: Vec<u8>) {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((outbox, socket)) = connection.as_ref() else { return };
        if let Err(TrySendError::Full(_)) = outbox.try_send((message, body)) {
            tracing::warn!("the room reads nothing: its connection is closed");
            let _closed_anyway = socket.shutdown(Shutdown::Both);
            *connection = None;
        }
    }
}

/// Waits for the room on a thread of its own.
///
/// # Errors
/// When no thread can be started.
pub fn attend(
    listener: UnixListener,
    room: User,
    say: &Say,
    tell: impl Fn(RoomEvent) + Send + 'static,
) -> io::Result<()> {
    let say = say.clone();
    thread::Builder::new().name("room".into()).spawn(move || {
        for socket in listener.incoming() {
            let Ok(socket) = socket else {
                // No descriptor left, or the like: not at full speed round and round.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            if !peer::is_user(&socket, room) {
                tracing::warn!("somebody else than the room tried to connect");
                continue;
            }
            converse(socket, &say, &tell);
            *say.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
            tell(RoomEvent::Gone);
        }
    })?;
    Ok(())
}

fn converse(mut socket: UnixStream, say: &Say, tell: &impl Fn(RoomEvent)) {
    let (Ok(out), Ok(handle)) = (socket.try_clone(), socket.try_clone()) else { return };
    let (outbox, waiting) = mpsc::sync_channel(OUTBOX);
    let writer = thread::Builder::new().name("room-out".into()).spawn(move || write(out, &waiting));
    if writer.is_err() {
        return;
    }
    *say.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((outbox, handle));
    let mut decoder = Decoder::default();
    loop {
        match frame::read(&mut socket, &mut decoder) {
            Ok(Some(frame)) => tell(RoomEvent::Said(frame)),
            Ok(None) => return,
            Err(error) => {
                tracing::warn!("{error}");
                let _closed_anyway = socket.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

fn write(mut socket: UnixStream, waiting: &Receiver<(MediaToRoom, Vec<u8>)>) {
    while let Ok((message, body)) = waiting.recv() {
        if frame::write(&mut socket, &message, &body).is_err() {
            let _closed_anyway = socket.shutdown(Shutdown::Both);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use subrosa_messages::media::Counters;

    use super::*;

    #[test]
    fn a_room_that_comes_again_is_heard_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sock");
        let me = User::of_this_process();
        let (sender, events) = mpsc::channel();
        let say = Say::default();
        attend(peer::listen(&path, me).unwrap(), me, &say, move |event| sender.send(event).unwrap()).unwrap();
        for _ in 0..2 {
            let mut room = UnixStream::connect(&path).unwrap();
            frame::write(&mut room, &RoomToMedia::Count, &[]).unwrap();
            let said = events.recv_timeout(Duration::from_secs(5)).unwrap();
            assert!(matches!(said, RoomEvent::Said(frame) if frame.message == RoomToMedia::Count));
            say.say(MediaToRoom::Counters(Counters::default()), vec![1, 2]);
            let answer = frame::read::<MediaToRoom>(&mut room, &mut Decoder::default()).unwrap().unwrap();
            assert_eq!(answer.body, [1, 2]);
            drop(room);
            assert!(matches!(events.recv_timeout(Duration::from_secs(5)).unwrap(), RoomEvent::Gone));
        }
        say.say(MediaToRoom::Counters(Counters::default()), Vec::new());
    }

    #[test]
    fn p10_a_room_that_hangs_never_blocks_media() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("room.sock");
        let me = User::of_this_process();
        let (sender, events) = mpsc::channel();
        let say = Say::default();
        attend(peer::listen(&path, me).unwrap(), me, &say, move |event| sender.send(event).unwrap()).unwrap();
        let mut room = UnixStream::connect(&path).unwrap();
        frame::write(&mut room, &RoomToMedia::Count, &[]).unwrap();
        events.recv_timeout(Duration::from_secs(5)).unwrap();
        for _ in 0..OUTBOX + 2000 {
            say.say(MediaToRoom::Counters(Counters::default()), vec![0; 1000]);
        }
        assert!(matches!(events.recv_timeout(Duration::from_secs(5)).unwrap(), RoomEvent::Gone));
    }
}
