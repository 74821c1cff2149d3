//! What `subrosa join` says to a running room, and what that answers. A link given here is only a proposal: a press of the room's button
//! joins (P2).

use serde::{Deserialize, Serialize};

use crate::Pii;

/// What is said to the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JoinToRoom {
    /// Propose the meeting of this link. Answered by [`RoomToJoin::Proposed`] or [`RoomToJoin::Refused`].
    Propose {
        /// The link.
        link: Pii<String>,
    },
    /// The password of the meeting that is being joined.
    Password {
        /// The password.
        password: Pii<String>,
    },
    /// A line for everybody in the meeting.
    Say {
        /// The line.
        line: Pii<String>,
    },
    /// Forget the proposal, or leave the meeting.
    Leave,
}

/// What the room answers, and says by itself from then on. Texts are in the room's language and name the meeting: they are for the
/// terminal of who asked, and for no log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoomToJoin {
    /// It is proposed: the notice, and what to do.
    Proposed {
        /// For the person.
        text: Pii<String>,
    },
    /// It is not.
    Refused {
        /// Why.
        text: Pii<String>,
    },
    /// How far it is.
    Stands {
        /// In a sentence.
        text: Pii<String>,
        /// A password is to be given.
        password: bool,
    },
    /// It is over.
    Over {
        /// Why.
        text: Pii<String>,
        /// It was left as somebody in the room or the caller wanted.
        wanted: bool,
    },
}
