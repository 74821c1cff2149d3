//! What a session hears, does and tells.

use std::time::Duration;

use minidom::Element;
use subrosa_messages::Pii;

use super::super::asked::{NoResult, Question};
use super::super::caps::Capabilities;
use super::super::element::Stanza;
use super::super::jid::Jid;
use super::super::server::{Component, Service};

/// What is fixed before the session begins.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The XMPP domain to authenticate at (`hosts.anonymousdomain`, else `hosts.domain`).
    pub domain: String,
    /// What this client can do.
    pub capabilities: Capabilities,
    /// IQs (name and namespace of the payload) that the layer above answers itself. All others are refused with
    /// `service-unavailable` (RFC 6120, section 8.4).
    pub taken: Vec<(&'static str, &'static str)>,
    /// Spreads delays; differs from device to device.
    pub seed: u64,
}

/// What happens to a session.
#[derive(Clone, Debug)]
pub enum Event {
    /// Begin.
    Start,
    /// The WebSocket is open.
    Opened,
    /// A text frame came.
    Frame(Pii<String>),
    /// The WebSocket is closed, or could not be opened.
    Closed,
    /// Time has passed; at least every second.
    Tick,
    /// The layer above sends a stanza.
    Send(Stanza),
    /// The layer above asks an IQ; the answer comes as [`Told::Answer`].
    Ask(Question, Stanza),
    /// The layer above is done: close properly.
    Stop,
}

/// What a session does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Open a WebSocket to the host that this session is for (and no other), with `previd` in the query if there is one.
    Connect {
        /// The name of the session that is to be resumed.
        previd: Option<Pii<String>>,
    },
    /// Send a text frame.
    Send(Pii<String>),
    /// Close the WebSocket.
    Close,
    /// Tell the layer above.
    Tell(Told),
}

/// What the layer above is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// A new session: whatever was said in an older one is gone, rooms must be joined again.
    Online(Jid),
    /// The session was resumed: nothing was lost.
    Resumed,
    /// The connection is gone. It is being made anew; the next attempt comes after this time.
    Interrupted(Duration),
    /// What the server has: components, then relays.
    Server(Vec<Component>),
    /// Its relays.
    Services(Vec<Service>),
    /// A stanza that is not the session's own.
    Stanza(Stanza),
    /// The answer to a question.
    Answer(Question, Result<Stanza, NoResult>),
    /// It is over.
    Failed(Fault),
    /// It is over, as asked.
    Stopped,
}

/// Why a session cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// The server does not answer.
    #[error("the meeting's server cannot be reached; look at the network, or try later")]
    Unreachable,
    /// The server wants a login; guests without an account are not let in.
    #[error("the meeting's server lets nobody in without an account; ask for a link for guests")]
    LoginRequired,
    /// The server refused the guest.
    #[error("the meeting's server refuses this room; ask the person who runs it")]
    Refused,
    /// It does not speak XMPP as RFC 6120 and RFC 7395 demand.
    #[error("the meeting's server speaks a language that this room does not know")]
    Protocol,
    /// The same guest has come from elsewhere.
    #[error("the meeting's server has closed the connection in favour of another one")]
    Replaced,
}

/// A stanza error or stream error condition: the name of the child in its namespace.
pub(super) fn named(element: &Element) -> &str {
    element.children().find(|child| child.name() != "text").map_or("", Element::name)
}
