//! What happens to a meeting over sockets and requests, and what it wants done.

use subrosa_messages::media::{LinkId, RoomToMedia};
use subrosa_messages::{Capture, Pii};
use url::Url;

use super::device::Device;
use super::failure::Failure;
use super::socket::{FromSocket, ToSocket};
use crate::outbound::OutboundError;

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// Of the WebSocket with this number.
    Socket(u64, FromSocket),
    /// The answer to the request with this number.
    Answered(u64, Result<Reply, OutboundError>),
    /// Something at this device.
    Device(Device),
}

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status (RFC 9110, section 15).
    pub status: u16,
    /// Where it points to.
    pub location: Option<Pii<String>>,
    /// The body.
    pub body: Pii<String>,
}

/// A request over HTTP: a `POST` of JSON where there is a body, else a `GET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `https`.
    pub url: Pii<Url>,
    /// JSON.
    pub body: Option<Pii<String>>,
    /// The header `Authorization`.
    pub authorization: Option<Pii<String>>,
    /// Bytes of the answer that are read at most.
    pub most: usize,
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum Action {
    /// For the WebSocket with this number.
    Socket(u64, ToSocket),
    /// Make this request; its answer bears this number.
    Ask(u64, Request),
    /// To media.
    Media(RoomToMedia),
    /// To media: over the data channel of this link with this label.
    Data(LinkId, &'static str, Pii<Vec<u8>>),
    /// The server, or a moderator, closes this capture: an act in the room opens it again (P2).
    Mute(Capture),
    /// The meeting is over for this room.
    Over(Failure),
}
