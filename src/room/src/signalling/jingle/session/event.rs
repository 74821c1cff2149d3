//! What happens to a Jingle session, and what it wants done.

use minidom::Element;
use subrosa_messages::Pii;
use subrosa_messages::media::{LinkId, LinkState, RoomToMedia};

use super::super::description::ability::{Ability, CodecList};
use super::super::error::JingleError;
use super::super::namespace;
use super::super::source::{EndpointId, SourceName};
use super::super::stanza::{Jingle, StartMuted};
use super::super::tag::Tag;

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The focus of this room, and nobody who looks like it: `room@muc/focus`.
    Focus,
    /// Another occupant, by their address in the room.
    Occupant(Pii<String>),
}

/// An IQ that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// From whom.
    pub from: Peer,
    /// Its `id`.
    pub id: String,
}

/// What became of an IQ of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `result`.
    Taken,
    /// `error` with `resource-constraint`: too many restarts.
    RateLimited,
    /// Another error.
    Refused,
    /// Nothing came in time.
    Silence,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such session (XEP-0166, section 10).
    UnknownSession,
    /// It cannot be read, or is not for us to get.
    BadRequest,
    /// Nothing that this room does.
    NotImplemented,
}

impl Refusal {
    /// The `<error>` of the answer.
    #[must_use]
    pub fn write(self) -> Element {
        const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
        let (condition, more) = match self {
            Refusal::UnknownSession => ("item-not-found", Some(Tag::new("unknown-session", namespace::ERRORS))),
            Refusal::BadRequest => ("bad-request", None),
            Refusal::NotImplemented => ("feature-not-implemented", None),
        };
        Tag::new("error", "jabber:client")
            .with("type", "cancel")
            .child(Tag::new(condition, STANZAS))
            .children(more)
            .into()
    }
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// An IQ with `<jingle>` came.
    Asked(Request, Result<Box<Jingle>, JingleError>),
    /// An IQ of ours was answered.
    Replied(u64, Reply),
    /// Media has answered our last description.
    Answered {
        /// Of which link.
        link: LinkId,
        /// Its answer.
        sdp: Pii<String>,
    },
    /// A link is in another state.
    Link {
        /// Which.
        link: LinkId,
        /// How it is.
        state: LinkState,
    },
    /// The data channel is gone while its link is not: only another session brings it back.
    ChannelLost,
    /// Media is connected, and can do this.
    MediaReady(Ability),
    /// Media is gone, and every link with it.
    MediaLost,
    /// Somebody is in the room and publishes what they can decode; [`CodecList::read`] of `None` where they publish
    /// nothing. Of everybody but us: the codec of the room's own picture hangs on all of them.
    Codecs(EndpointId, CodecList),
    /// Somebody has left the room.
    Left(EndpointId),
    /// The streams that the screen shows, as far as they are known.
    Wanted(Vec<SourceName>),
    /// Somebody watches the room's picture, or nobody does.
    Watched(bool),
    /// The room has left the meeting, or the focus has: whatever there was is over.
    Ended,
    /// The time that [`super::Session::deadline`] named has come.
    Tick,
}

/// How the bridge's channel is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The data channel of this link.
    DataChannel(LinkId),
    /// A WebSocket, with its secret in it. The first that answers is taken.
    WebSocket(Vec<Pii<String>>),
    /// There is none: no picture will come.
    None,
}

/// What a person has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bridge's certificate is another one than the focus has said (P8). The meeting is left: trying again would
    /// give whoever sits in between another chance.
    Certificate,
    /// What the focus offers cannot be used.
    Offer(JingleError),
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// The request is answered with a `result`.
    Acknowledge(Request),
    /// The request is answered with an error.
    Refuse(Request, Refusal),
    /// An IQ to somebody. Its outcome comes back as [`Event::Replied`] with this number.
    Ask(Peer, u64, Box<Jingle>),
    /// To media.
    Media(RoomToMedia),
    /// The bridge's channel is to be opened, in place of the one before.
    Channel(Way),
    /// Streams have come, gone or moved: see [`super::Session::streams`] and [`super::Session::track`].
    Streams,
    /// The server wants us to begin muted.
    StartMuted(StartMuted),
    /// The server does not offer the session again: the room is to leave the meeting and join it anew.
    Rejoin,
    /// A person is to be told.
    Fault(Fault),
}
