//! What happens to a session, and what it wants done.

use subrosa_messages::media::{LinkId, LinkState, RoomToMedia, Size};
use subrosa_messages::{Capture, Pii};

use super::people::Source;
use crate::signalling::Sends;

/// What is fixed for one session.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Pictures that come at once, at most.
    pub pictures: usize,
    /// Voices that come at once, at most.
    pub voices: usize,
    /// The picture that the room sends, at its largest.
    pub picture: Size,
    /// The last number of a link that was used.
    pub links: u64,
}

/// A picture that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The `sid` of its track.
    pub track: String,
    /// How large it is shown.
    pub size: Size,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// The WebSocket that was asked for is open.
    Opened,
    /// It was refused, with this HTTP status, or there was nobody to refuse it. The body repeats the token and is for nobody.
    Refused(Option<u16>),
    /// A message came.
    Message(Vec<u8>),
    /// The WebSocket is closed.
    Closed,
    /// Media is there, with an encoder for H.264 or without.
    MediaReady {
        /// With one.
        h264: bool,
    },
    /// Media is gone, and the link with it.
    MediaLost,
    /// Media has made the offer of a link.
    Offered {
        /// Which link.
        link: LinkId,
        /// The offer, with all candidates.
        sdp: Pii<String>,
    },
    /// Media has answered the server's offer.
    Answered {
        /// On which link.
        link: LinkId,
        /// The answer, with all candidates.
        sdp: Pii<String>,
    },
    /// A link is in another state.
    Link {
        /// Which.
        link: LinkId,
        /// How it is.
        state: LinkState,
    },
    /// What leaves the room has changed.
    Sends(Sends),
    /// What the screen shows, most important first; replaces the last one.
    Watch(Vec<Watched>),
    /// The room leaves.
    Leave,
    /// The time that [`super::Session::deadline`] named has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Clone, Debug)]
pub enum Action {
    /// Open the WebSocket: path and query below the server's address, and the token for the header `Authorization: Bearer`. A former one
    /// is over.
    Connect {
        /// See [`super::address`].
        address: String,
        /// The newest that there is.
        token: Pii<String>,
    },
    /// Send this message.
    Send(Pii<Vec<u8>>),
    /// Close the WebSocket.
    Close,
    /// To media.
    Media(RoomToMedia),
    /// To the layer above.
    Tell(Told),
}

/// What others want of a picture of the room's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// Nobody looks at it.
    Nothing,
    /// So many lines of it.
    Lines(u32),
    /// As it is.
    All,
}

/// What the layer above is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The room is in the meeting, for the first time or as somebody new.
    Joined,
    /// Somebody came, went, or changed: see [`super::Session::people`].
    People,
    /// Slots are filled otherwise: see [`super::Session::slots`].
    Slots,
    /// Who speaks now, the loudest first, by `sid`.
    Speakers(Vec<String>),
    /// How many lines others want of the room's picture.
    Wanted {
        /// On its own line.
        first: Wish,
        /// On the line beside it, for those who cannot take the first.
        beside: Wish,
    },
    /// The server closes this capture. Only an act in the room opens it again.
    Mute(Capture),
    /// The server wanted this capture open, and was told how it is.
    UnmuteRefused(Capture),
    /// The room may not send this here, or no longer.
    MayNotSend(Source),
    /// The server records, or no longer.
    Records(bool),
    /// The WebSocket is away, and comes again; picture and sound go on meanwhile if the link is there.
    Interrupted,
    /// It is there again.
    Resumed,
    /// It is over.
    Over(End),
}

/// Why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The room has left.
    Left,
    /// The token is not, not yet or no longer good for this meeting.
    NotAllowed,
    /// There is no such meeting, or no LiveKit.
    NotFound,
    /// The server has no place for one more, or is not able to take anybody.
    Full,
    /// The server cannot be reached.
    Unreachable,
    /// The server says what cannot be understood.
    Nonsense,
    /// Somebody else has joined with the same token.
    Twice,
    /// Somebody has sent the room away.
    Removed,
    /// The meeting was ended.
    RoomDeleted,
    /// The server is being switched off.
    ServerGone,
    /// The server could not let the room in.
    JoinFailed,
    /// No way for picture and sound was found.
    NoPath,
    /// The server is not the one that it said it was.
    NotGenuine,
}
