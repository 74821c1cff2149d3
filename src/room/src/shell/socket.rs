//! A conversation with another process that begins again whenever it breaks.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use subrosa_messages::frame::{Decoder, Frame, FrameError, encode};
use subrosa_process::peer::is_user;
use subrosa_process::users::User;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

/// Between two tries to connect.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// What is heard of the other process.
#[derive(Debug)]
pub enum Heard<In, Out> {
    /// It is there; what is said through this goes to this connection and to no later one.
    Connected(Voice<Out>),
    /// It says something.
    Said(Frame<In>),
    /// It is gone.
    Lost,
}

/// Says things over one connection. What is said after the connection has broken is dropped.
#[derive(Debug)]
pub struct Voice<Out> {
    queue: mpsc::UnboundedSender<Vec<u8>>,
    says: PhantomData<fn(Out)>,
}

impl<Out: Serialize> Voice<Out> {
    /// A voice, and where what it says comes out.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Vec<u8>>) {
        let (queue, spoken) = mpsc::unbounded_channel();
        (Voice { queue, says: PhantomData }, spoken)
    }

    /// Says something.
    pub fn say(&self, message: &Out, body: &[u8]) {
        match encode(message, body) {
            Ok(bytes) => {
                let _the_connection_may_be_gone = self.queue.send(bytes);
            }
            Err(error) => tracing::error!("a message was not sent: {error}"),
        }
    }
}

/// The other end of a conversation.
#[derive(Clone, Debug)]
pub struct Peer {
    /// What it is called in the log.
    pub name: &'static str,
    /// Its socket.
    pub path: PathBuf,
    /// The user that it runs as.
    pub user: User,
}

/// Stays connected until nobody listens any more: tries at once, then ten times a second.
pub async fn converse<In, Out, To>(peer: Peer, to: mpsc::Sender<To>, as_input: impl Fn(Heard<In, Out>) -> To)
where
    In: DeserializeOwned,
    Out: Serialize,
{
    let mut warned = false;
    while !to.is_closed() {
        match UnixStream::connect(&peer.path).await {
            Ok(socket) if is_user(&socket, peer.user) => {
                tracing::info!("connected to {}", peer.name);
                warned = false;
                if let Err(error) = talk(socket, &to, &as_input).await {
                    tracing::warn!("the conversation with {} has ended: {error}", peer.name);
                }
                if to.send(as_input(Heard::Lost)).await.is_err() {
                    return;
                }
                // The first new try is made at once: a process that restarts may be listening already.
                continue;
            }
            Ok(_) if !warned => {
                tracing::error!("the socket of {} belongs to a stranger: stop whatever made it", peer.name);
                warned = true;
            }
            Ok(_) | Err(_) => {}
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// Holds one conversation, until one side ends it: hands over a voice, then all that is heard.
pub(super) async fn talk<In, Out, To>(
    mut socket: UnixStream,
    to: &mpsc::Sender<To>,
    as_input: &impl Fn(Heard<In, Out>) -> To,
) -> Result<(), FrameError>
where
    In: DeserializeOwned,
    Out: Serialize,
{
    let (voice, mut spoken) = Voice::new();
    if to.send(as_input(Heard::Connected(voice))).await.is_err() {
        return Ok(());
    }
    let (mut read, mut write) = socket.split();
    let hears = async {
        let mut decoder = Decoder::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = read.read(&mut buffer).await?;
            if length == 0 {
                return Ok(());
            }
            decoder.push(buffer.get_mut(..length).unwrap_or_default());
            while let Some(frame) = decoder.pull()? {
                if to.send(as_input(Heard::Said(frame))).await.is_err() {
                    return Ok(());
                }
            }
        }
    };
    let says = async {
        while let Some(bytes) = spoken.recv().await {
            write.write_all(&bytes).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = hears => ended,
        ended = says => ended,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    type Conversation = Heard<String, String>;

    fn peer(path: PathBuf, user: User) -> Peer {
        Peer { name: "the test", path, user }
    }

    #[tokio::test]
    async fn it_comes_back_and_nothing_said_to_the_dead_reaches_the_living() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let (to, mut heard) = mpsc::channel::<Conversation>(8);
        let me = User::of_this_process();
        let task = tokio::spawn(converse(peer(path.clone(), me), to, |heard| heard));
        let mut old = None;
        for round in 0..3 {
            let listener = UnixListener::bind(&path).unwrap();
            let (mut socket, _) = listener.accept().await.unwrap();
            let Some(Heard::Connected(voice)) = heard.recv().await else { panic!() };
            if let Some(old) = old.replace(voice) {
                let old: Voice<String> = old;
                old.say(&"late".to_owned(), &[]);
            }
            old.as_ref().unwrap().say(&format!("round {round}"), &[7]);
            let mut bytes = vec![0; 8 + 9 + 1];
            socket.read_exact(&mut bytes).await.unwrap();
            assert_eq!(bytes, encode(&format!("round {round}"), &[7]).unwrap());
            socket.write_all(&encode(&"news".to_owned(), &[1, 2]).unwrap()).await.unwrap();
            let Some(Heard::Said(frame)) = heard.recv().await else { panic!() };
            assert_eq!((frame.message.as_str(), frame.body.as_slice()), ("news", [1, 2].as_slice()));
            drop((socket, listener));
            std::fs::remove_file(&path).unwrap();
            assert!(matches!(heard.recv().await, Some(Heard::Lost)));
        }
        drop(heard);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_stranger_is_not_talked_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let (to, mut heard) = mpsc::channel::<Conversation>(8);
        let stranger = User { uid: User::of_this_process().uid + 1, gid: 0 };
        let task = tokio::spawn(converse(peer(path, stranger), to, |heard| heard));
        let (mut socket, _) = listener.accept().await.unwrap();
        assert_eq!(socket.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(heard.try_recv().is_err());
        drop(heard);
        task.await.unwrap();
    }

    #[tokio::test]
    async fn nonsense_ends_the_connection() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        let (to, mut heard) = mpsc::channel::<Conversation>(8);
        let _task = tokio::spawn(converse(peer(path, User::of_this_process()), to, |heard| heard));
        let (mut socket, _) = listener.accept().await.unwrap();
        assert!(matches!(heard.recv().await, Some(Heard::Connected(_))));
        socket.write_all(&[0xff; 64]).await.unwrap();
        assert!(matches!(heard.recv().await, Some(Heard::Lost)));
    }
}
