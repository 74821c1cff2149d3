//! A WebSocket (RFC 6455) as a task: numbered events come out, frames go in.
//!
//! The number tells what an older socket still says from what the newer one says. Pings are answered by the library.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::header::{AUTHORIZATION, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use subrosa_messages::Pii;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error};
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::fetch::bearer;
use super::{Address, LONGEST, OutboundError, Stream, Trust, connect};
use crate::signalling::xmpp::frame;

/// Bytes of a message, whole or in fragments.
pub const BYTES: usize = frame::BYTES;
/// How long the server may take for one frame of ours.
const SEND: Duration = Duration::from_secs(10);
/// How long it has to close (RFC 6455, section 7.1.1).
const CLOSE: Duration = Duration::from_secs(2);
/// Frames that wait to be sent; more than a session sends at once when it is resumed.
const WAITING: usize = 1024;

/// What is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// XMPP (RFC 7395, section 3.1): a server that does not confirm it is refused.
    Xmpp,
    /// Text that names no protocol: a bridge's channel, a room server's JSON.
    Text,
    /// Bytes that name no protocol, with the token that lets its bearer in (RFC 6750, section 2.1), if there is one.
    Binary(Option<Pii<String>>),
}

/// What a socket says, with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which socket.
    pub socket: u64,
    /// What.
    pub said: Said,
}

/// What a socket says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It is open.
    Opened,
    /// A frame of text.
    Frame(Pii<String>),
    /// A frame of bytes, where bytes are spoken.
    Bytes(Pii<Vec<u8>>),
    /// It is closed, or could not be opened. Nothing follows.
    Closed(Option<OutboundError>),
}

/// A socket. Dropping it sends what still waits, and closes it.
#[derive(Debug)]
pub struct Socket {
    frames: mpsc::Sender<Outgoing>,
}

/// What is sent.
#[derive(Debug)]
enum Outgoing {
    Text(Pii<String>),
    Bytes(Pii<Vec<u8>>),
}

/// Why a frame is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// What was given before still waits.
    Full,
    /// The socket is closed; [`Said::Closed`] has been said.
    Closed,
}

impl Socket {
    /// Opens one, with one more pair in its query. What it says goes to `events`; it ends when nobody hears them any more.
    #[must_use]
    pub fn open(
        number: u64,
        address: Arc<Address>,
        more: Option<(&'static str, Pii<String>)>,
        protocol: Protocol,
        trust: Trust,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let (frames, taken) = mpsc::channel(WAITING);
        let task = Task { number, frames: taken, events };
        tokio::spawn(task.run(address, more, protocol, trust));
        Socket { frames }
    }

    /// Sends a frame of text.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn send(&self, frame: Pii<String>) -> Result<(), NotTaken> {
        self.give(Outgoing::Text(frame))
    }

    /// Sends a frame of bytes.
    ///
    /// # Errors
    /// When it is not taken.
    pub fn send_bytes(&self, frame: Pii<Vec<u8>>) -> Result<(), NotTaken> {
        self.give(Outgoing::Bytes(frame))
    }

    fn give(&self, frame: Outgoing) -> Result<(), NotTaken> {
        self.frames.try_send(frame).map_err(|error| match error {
            TrySendError::Full(_) => NotTaken::Full,
            TrySendError::Closed(_) => NotTaken::Closed,
        })
    }
}

struct Task {
    number: u64,
    frames: mpsc::Receiver<Outgoing>,
    events: mpsc::Sender<Event>,
}

impl Task {
    async fn run(
        mut self,
        address: Arc<Address>,
        more: Option<(&'static str, Pii<String>)>,
        protocol: Protocol,
        trust: Trust,
    ) {
        let binary = matches!(protocol, Protocol::Binary(_));
        let opening = opened(&address, more, protocol, &trust);
        let opened = tokio::select! {
            opened = opening => opened,
            () = unwanted(&mut self.frames) => return,
        };
        let ended = match opened {
            Ok(mut socket) => {
                self.say(Said::Opened).await;
                let ended = self.talk(&mut socket, binary).await;
                let _late = timeout(CLOSE, closed(socket)).await;
                ended
            }
            Err(error) => Some(error),
        };
        self.say(Said::Closed(ended)).await;
    }

    async fn talk<S>(&mut self, socket: &mut WebSocketStream<S>, binary: bool) -> Option<OutboundError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            tokio::select! {
                // What was to be sent is sent, also when whoever sent it is gone by now: it may be a goodbye.
                biased;
                frame = self.frames.recv() => {
                    let message = match frame? {
                        Outgoing::Text(text) => Message::text(text.into_revealed()),
                        Outgoing::Bytes(bytes) => Message::binary(bytes.into_revealed()),
                    };
                    match timeout(SEND, socket.send(message)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => {
                            let _late = timeout(CLOSE, self.hear_out(socket, binary)).await;
                            return meant(&error);
                        }
                        Err(_) => return Some(OutboundError::Stalled),
                    }
                }
                message = socket.next() => match message {
                    Some(Ok(Message::Text(text))) if !binary => {
                        self.say(Said::Frame(Pii::new(text.as_str().to_owned()))).await;
                    }
                    Some(Ok(Message::Binary(bytes))) if binary => self.say(Said::Bytes(Pii::new(bytes.to_vec()))).await,
                    Some(Ok(Message::Text(_) | Message::Binary(_))) => return Some(OutboundError::Speech),
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Close(_))) | None => return None,
                    Some(Err(error)) => return meant(&error),
                },
                () = self.events.closed() => return None,
            }
        }
    }

    /// What had come before the other side stopped listening: it may say why.
    async fn hear_out<S>(&self, socket: &mut WebSocketStream<S>, binary: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Text(text) if !binary => self.say(Said::Frame(Pii::new(text.as_str().to_owned()))).await,
                Message::Binary(bytes) if binary => self.say(Said::Bytes(Pii::new(bytes.to_vec()))).await,
                Message::Close(_) | Message::Text(_) | Message::Binary(_) => return,
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    async fn say(&self, said: Said) {
        // Whoever listened may be gone; then nobody wants to know.
        let _gone = self.events.send(Event { socket: self.number, said }).await;
    }
}

/// Comes when nobody holds the socket any more. What is sent before it is open is nobody's.
async fn unwanted(frames: &mut mpsc::Receiver<Outgoing>) {
    while frames.recv().await.is_some() {}
}

async fn opened(
    address: &Address,
    more: Option<(&'static str, Pii<String>)>,
    protocol: Protocol,
    trust: &Trust,
) -> Result<WebSocketStream<Stream>, OutboundError> {
    let opening = async {
        let stream = connect(address, trust).await?;
        let target = address.target(more.as_ref().map(|(name, value)| (*name, value)));
        // The library takes host and path from a URL; that the stream under it is encrypted is not its business.
        let url = format!("ws://{}{}", address.authority().reveal(), target.reveal());
        let mut request = url.into_client_request().map_err(|_| OutboundError::Speech)?;
        match protocol {
            Protocol::Xmpp => {
                request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("xmpp"));
            }
            Protocol::Text | Protocol::Binary(None) => {}
            Protocol::Binary(Some(token)) => {
                request.headers_mut().insert(AUTHORIZATION, bearer(token.reveal())?);
            }
        }
        let opened = client_async_with_config(request, stream, Some(settings())).await;
        opened.map(|(socket, _response)| socket).map_err(|error| meant(&error).unwrap_or(OutboundError::Speech))
    };
    timeout(LONGEST, opening).await.unwrap_or(Err(OutboundError::Late))
}

fn settings() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * BYTES)
        .max_message_size(Some(BYTES))
        .max_frame_size(Some(BYTES))
}

/// The close handshake: ours, and then whatever comes until theirs.
async fn closed(mut socket: WebSocketStream<Stream>) {
    if socket.close(None).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}

/// What an error of the library means; `None`: the connection has ended.
fn meant(error: &Error) -> Option<OutboundError> {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) => None,
        Error::Http(response) => Some(OutboundError::Refused(response.status().as_u16())),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Some(OutboundError::TooLarge),
        Error::WriteBufferFull(_) => Some(OutboundError::Stalled),
        Error::Capacity(_)
        | Error::Protocol(_)
        | Error::Utf8(_)
        | Error::Url(_)
        | Error::HttpFormat(_)
        | Error::Tls(_)
        | Error::AttackAttempt => Some(OutboundError::Speech),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    #[test]
    fn a_socket_that_does_not_send_is_told_from_one_that_is_closed() {
        let (frames, taken) = mpsc::channel(1);
        let (socket, frame) = (Socket { frames }, Pii::new("<a/>".to_owned()));
        assert_eq!(socket.send(frame.clone()), Ok(()));
        assert_eq!(socket.send(frame.clone()), Err(NotTaken::Full));
        drop(taken);
        assert_eq!(socket.send(frame), Err(NotTaken::Closed));
    }

    proptest! {
        #[test]
        fn whatever_frames_come_there_is_an_end_and_no_message_is_longer_than_was_allowed(
            heads in prop::collection::vec((any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20),
            sane in any::<bool>(), binary in any::<bool>(),
        ) {
            let mut bytes = Vec::new();
            for (head, length, body) in heads {
                // Half of the time frames that are nearly right: text, parts, pings, with their length.
                let (head, length) = if sane { (head & 0x8f, u8::try_from(body.len().min(125)).unwrap()) } else { (head, length) };
                bytes.extend([head, length]);
                bytes.extend(&body[..body.len().min(125)]);
            }
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (said, _ended) = runtime.block_on(async {
                let (near, mut far) = tokio::io::duplex(64 << 10);
                far.write_all(&bytes).await.unwrap();
                far.shutdown().await.unwrap();
                let (events, mut heard) = mpsc::channel(64);
                let (_frames, frames) = mpsc::channel(1);
                let mut socket = WebSocketStream::from_raw_socket(near, Role::Client, Some(settings())).await;
                let mut task = Task { number: 1, frames, events };
                let ended = timeout(CLOSE, task.talk(&mut socket, binary)).await.unwrap();
                drop(task);
                let mut said = Vec::new();
                while let Some(event) = heard.recv().await {
                    said.push(event.said);
                }
                (said, ended)
            });
            for said in said {
                let length = match &said {
                    Said::Frame(text) if !binary => text.reveal().len(),
                    Said::Bytes(frame) if binary => frame.reveal().len(),
                    _ => panic!("{said:?}"),
                };
                prop_assert!(length <= bytes.len());
            }
        }
    }
}
