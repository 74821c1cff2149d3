//! What happens to the room's place in a meeting, and what it wants done.

use std::collections::BTreeMap;

use subrosa_messages::Pii;

use super::super::roster::{Nick, Participant};
use crate::meeting::elsewhere::failure::Failure;
use crate::signalling::xmpp::asked::NoResult;
use crate::signalling::xmpp::caps::Capabilities;
use crate::signalling::xmpp::{Jid, Stanza};

/// What is fixed for one meeting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The room, without a resource.
    pub room: Jid,
    /// What others read.
    pub name: Pii<String>,
    /// Random, made for this meeting: jicofo knows a device by it that asks twice.
    pub machine: Pii<String>,
    /// Whether the conference is requested by HTTP.
    pub http: bool,
    /// Where it is requested by IQ (`hosts.focus`).
    pub focus: String,
    /// What is published of this client.
    pub capabilities: Capabilities,
    /// Random; nicks are made of it where the server gives none.
    pub seed: u64,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// The XMPP session is up under this address. Whatever was said in an earlier one is gone.
    Online(Jid),
    /// The conference request was answered by HTTP.
    Http(u16, Pii<String>),
    /// It was not.
    HttpFailed,
    /// It was answered by IQ.
    Answer(Result<Stanza, NoResult>),
    /// A presence or a message.
    Stanza(Stanza),
    /// A person gives the password.
    Password(Pii<String>),
    /// What is published of the room's own streams: muted or not. Empty until a session is accepted.
    Muted(BTreeMap<String, bool>),
    /// What the room can decode, best first.
    Codecs(Vec<String>),
    /// A hand goes up (milliseconds since 1970) or down.
    Hand(Option<u64>),
    /// A line for everybody in the room.
    Say(Pii<String>),
    /// The room leaves and comes back: the focus does not offer its session again.
    Rejoin,
    /// The room leaves.
    Leave,
    /// The time that [`super::Muc::deadline`] named has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Request the conference: POST this JSON to the address of the configuration.
    Post(Pii<String>),
    /// Request it by this IQ. Its answer comes back as [`Event::Answer`].
    Ask(Stanza),
    /// Send this.
    Send(Stanza),
    /// Tell the meeting.
    Tell(Told),
}

/// What the meeting is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// It goes on by itself or after an answer, and this is what it waits for. `None`: for nothing but the server.
    Waits(Option<Failure>),
    /// The room is in, under this address.
    In(Jid),
    /// The room is out again and comes back by itself: whatever there was with the focus is over.
    Out,
    /// Somebody is there, or has changed.
    Here(Nick, Participant),
    /// Somebody has gone.
    Gone(Nick),
    /// What the focus says of the meeting.
    Focus(OfFocus),
    /// Somebody says something; `None`: a moderator, to the one who waits in the lobby.
    Said(Option<Nick>, Pii<String>),
    /// It is over.
    Over(Failure),
}

/// What the focus says of the meeting, in its presence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfFocus {
    /// The server has no bridge (`<bridgeNotAvailable>`).
    pub without_bridge: bool,
    /// The server records (`<jibri-recording-status status="on">`; `pending` counts, too).
    pub records: bool,
}
