//! The door for the room, and the one for whoever looks after the device: one connection at a time, each frame handed
//! on as it comes.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use subrosa_messages::frame::{self, Decoder, Frame};
use subrosa_messages::media::{MediaToRoom, RoomToMedia};
use subrosa_process::peer;
use subrosa_process::users::User;

/// What happens at a door.
#[derive(Debug)]
pub enum DoorEvent<In> {
    /// The peer has said something.
    Said(Frame<In>),
    /// The peer is gone: everything it opened is closed.
    Gone,
}

/// What happens at the door for the room.
pub type RoomEvent = DoorEvent<RoomToMedia>;
/// Speaks to the room.
pub type Say = SayTo<MediaToRoom>;

/// Messages that wait for the peer to read them. One that reads nothing for so many is hung.
const OUTBOX: usize = 4096;

type Outbox<Out> = SyncSender<(Out, Vec<u8>)>;

type Connection<Out> = Option<(Outbox<Out>, UnixStream)>;

/// Speaks to the peer that is connected; to nobody while none is. Never blocks.
#[derive(Debug)]
pub struct SayTo<Out>(Arc<Mutex<Connection<Out>>>);

impl<Out> Clone for SayTo<Out> {
    fn clone(&self) -> Self {
        SayTo(self.0.clone())
    }
}

impl<Out> Default for SayTo<Out> {
    fn default() -> Self {
        SayTo(Arc::default())
    }
}

impl<Out> SayTo<Out> {
    /// Says something, with a body.
    pub fn say(&self, message: Out, body: Vec<u8>) {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((outbox, socket)) = connection.as_ref() else { return };
        if let Err(TrySendError::Full(_)) = outbox.try_send((message, body)) {
            tracing::warn!("a peer reads nothing: its connection is closed");
            let _closed_anyway = socket.shutdown(Shutdown::Both);
            *connection = None;
        }
    }
}

/// Waits for a peer on a thread of its own, which bears its name.
///
/// # Errors
/// When no thread can be started.
pub fn attend<In: DeserializeOwned, Out: Serialize + Send + 'static>(
    name: &'static str,
    listener: UnixListener,
    user: User,
    say: &SayTo<Out>,
    tell: impl Fn(DoorEvent<In>) + Send + 'static,
) -> io::Result<()> {
    let say = say.clone();
    thread::Builder::new().name(name.into()).spawn(move || {
        for socket in listener.incoming() {
            let Ok(socket) = socket else {
                // No descriptor left, or the like: not at full speed round and round.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            if !peer::is_user(&socket, user) {
                tracing::warn!("somebody else than the {name} tried to connect");
                continue;
            }
            converse(socket, &say, &tell);
            *say.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
            tell(DoorEvent::Gone);
        }
    })?;
    Ok(())
}

fn converse<In: DeserializeOwned, Out: Serialize + Send + 'static>(
    mut socket: UnixStream,
    say: &SayTo<Out>,
    tell: &impl Fn(DoorEvent<In>),
) {
    let (Ok(out), Ok(handle)) = (socket.try_clone(), socket.try_clone()) else { return };
    let (outbox, waiting) = mpsc::sync_channel(OUTBOX);
    let writer = thread::Builder::new().name("out".into()).spawn(move || write(out, &waiting));
    if writer.is_err() {
        return;
    }
    *say.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((outbox, handle));
    let mut decoder = Decoder::default();
    loop {
        match frame::read(&mut socket, &mut decoder) {
            Ok(Some(frame)) => tell(DoorEvent::Said(frame)),
            Ok(None) => return,
            Err(error) => {
                tracing::warn!("{error}");
                let _closed_anyway = socket.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

fn write<Out: Serialize>(mut socket: UnixStream, waiting: &Receiver<(Out, Vec<u8>)>) {
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
        attend("room", peer::listen(&path, me).unwrap(), me, &say, move |event| sender.send(event).unwrap()).unwrap();
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
        attend("room", peer::listen(&path, me).unwrap(), me, &say, move |event| sender.send(event).unwrap()).unwrap();
        let mut room = UnixStream::connect(&path).unwrap();
        frame::write(&mut room, &RoomToMedia::Count, &[]).unwrap();
        events.recv_timeout(Duration::from_secs(5)).unwrap();
        for _ in 0..OUTBOX + 2000 {
            say.say(MediaToRoom::Counters(Counters::default()), vec![0; 1000]);
        }
        assert!(matches!(events.recv_timeout(Duration::from_secs(5)).unwrap(), RoomEvent::Gone));
    }
}
