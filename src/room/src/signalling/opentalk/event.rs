//! What happens to a session, and what it wants done.

use subrosa_messages::Pii;

use super::consent::Wants;

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// The WebSocket is open.
    Opened,
    /// A text frame came.
    Message(Pii<String>),
    /// The WebSocket is closed, or could not be opened.
    Closed,
    /// The room raises its hand, or lowers it.
    Hand(bool),
    /// The room says this to all.
    Say(Pii<String>),
    /// A person in the room agrees to be recorded, or refuses. Agreeing counts only while it is asked; refusing always.
    Consent(bool),
    /// LiveKit wants another token.
    Renew,
    /// The room leaves.
    Leave,
    /// The time that [`super::Session::deadline`] named has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send this text frame.
    Send(Pii<String>),
    /// Close the WebSocket.
    Close,
    /// To the layer above.
    Tell(Told),
}

/// What the layer above is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The room is in the waiting room, for the first time or again. Media that it had is over.
    Waits,
    /// The room is in the meeting.
    Joined,
    /// Somebody came, went, or changed: see [`super::Session::people`].
    People,
    /// The LiveKit that carries picture and sound, and a token for it, good for half a minute. A new address means another LiveKit
    /// room. Whether the address may be contacted is judged above.
    Media {
        /// The address as the server gives it: `http`, `https`, `ws` or `wss`.
        address: Pii<String>,
        /// A JWT for one identity, [`super::Session::identity`].
        token: Pii<String>,
    },
    /// The server has no LiveKit now, or gives no token.
    MediaMissing,
    /// Somebody has written something.
    Line {
        /// Their participant id; none of those in [`super::Session::people`] if they have gone.
        who: String,
        /// How they are called.
        name: Pii<String>,
        /// What.
        text: Pii<String>,
        /// To this room alone.
        private: bool,
    },
    /// The server did not take what the room said: nobody may write, or not so much.
    NotSaid,
    /// The room's own hand is raised, or lowered, as the server has it.
    Hand(bool),
    /// A moderator closes the microphone. Only an act in the room opens it again.
    Mute,
    /// The room may not speak here, or may again. It stays muted either way.
    MayNotSpeak(bool),
    /// Whether people in the room want to be recorded is asked, anew with each change; `None`: it is asked no more. Until somebody
    /// agrees they do not.
    Asks(Option<Wants>),
    /// The meeting is recorded or streamed, or no longer.
    Records(bool),
    /// It is over.
    Over(End),
}

/// Why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The room has left.
    Left,
    /// A moderator has sent the room away; it may come again, through the waiting room.
    Kicked,
    /// It may not come again.
    Banned,
    /// The server lets nobody in now.
    Blocked(Blocked),
    /// The meeting is end-to-end encrypted in a way that this room has no keys for.
    EndToEnd,
    /// The meeting was ended, or its time is up.
    Ended,
    /// The server is being switched off.
    ServerGone,
    /// The server says what cannot be understood.
    Nonsense,
    /// The WebSocket is gone, or the server does not answer.
    Lost,
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blocked {
    /// As many are in as are allowed.
    Full,
    /// For a reason that this room does not know.
    Unknown,
}
