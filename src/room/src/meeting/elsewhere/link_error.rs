//! Why a text is no link to a meeting, in words for people.

use crate::language::Language;

/// The longest link that is read, in bytes. Tokens are long, but not that long.
pub const LONGEST: usize = 8192;

/// Why a text is not the link of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// There is nothing.
    #[error("the link is empty")]
    Empty,
    /// It is longer than [`LONGEST`].
    #[error("the link is longer than {LONGEST} bytes")]
    TooLong,
    /// The name of a room without a server.
    #[error("the name of a room without a server: give the whole link")]
    OnlyARoom,
    /// A server without a room.
    #[error("the link names a server and no room")]
    NoRoom,
    /// User name or password stand before the host: a way to make a link look like another server's.
    #[error("the link has a user name in front of the server")]
    User,
    /// Nothing that could be a link.
    #[error("not a link")]
    NotALink,
    /// It lets nobody in: what a server would let in by is missing or is none.
    #[error("the link has no token")]
    NoToken,
    /// It names a room and brings no token, and nobody has named an endpoint that gives this room one.
    #[error("the link has no token, and no endpoint for tokens is named for its server")]
    NoEndpoint,
    /// It leads to a server that speaks without TLS.
    #[error("the link leads to a server without encryption")]
    Unencrypted,
}

impl LinkError {
    /// All of them.
    pub const ALL: [LinkError; 9] = [
        LinkError::Empty,
        LinkError::TooLong,
        LinkError::OnlyARoom,
        LinkError::NoRoom,
        LinkError::User,
        LinkError::NotALink,
        LinkError::NoToken,
        LinkError::NoEndpoint,
        LinkError::Unencrypted,
    ];

    /// What is wrong and what to do, for the person who gave the link.
    #[must_use]
    pub fn sentence(self, language: Language) -> &'static str {
        match self {
            LinkError::Empty => language.pick(
                "Es fehlt der Link. Fügen Sie den Link aus der Einladung ein.",
                "The link is missing. Paste the link of the invitation.",
            ),
            LinkError::TooLong => language.pick(
                "Das ist zu lang für einen Link. Kopieren Sie nur den Link aus der Einladung.",
                "This is too long for a link. Copy only the link of the invitation.",
            ),
            LinkError::OnlyARoom => language.pick(
                "Das ist nur der Name eines Raums. Auf welchem Server er ist, steht im ganzen Link aus der Einladung, \
                 der mit https:// beginnt.",
                "This is only the name of a room. The whole link of the invitation, which starts with https://, says \
                 on which server it is.",
            ),
            LinkError::NoRoom => language.pick(
                "Der Link nennt einen Server, aber keinen Raum. Kopieren Sie den ganzen Link aus der Einladung.",
                "The link names a server but no room. Copy the whole link of the invitation.",
            ),
            LinkError::User => language.pick(
                "Der Link nennt vor dem Server einen Benutzer. So werden Links gefälscht; fragen Sie nach dem \
                 richtigen.",
                "The link names a user in front of the server. Links are forged that way; ask for the right one.",
            ),
            LinkError::NotALink => language.pick(
                "Das ist kein Link zu einer Videokonferenz. Kopieren Sie den Link aus der Einladung.",
                "This is no link to a video conference. Copy the link of the invitation.",
            ),
            LinkError::NoToken => language.pick(
                "Dem Link fehlt der Schlüssel, der einlässt („token=“). Kopieren Sie den ganzen Link aus der Einladung.",
                "The link lacks the key that lets in (“token=”). Copy the whole link of the invitation.",
            ),
            LinkError::NoEndpoint => language.pick(
                "Der Link bringt keinen Schlüssel mit („token=“), und niemand hat eingerichtet, woher dieser Raum einen für \
                 diesen Server bekommt. Bitten Sie um einen Link mit Schlüssel; wer den Raum betreibt, kann „tokens“ beim \
                 Server eintragen.",
                "The link brings no token (“token=”), and nobody has set up where this room gets one for this server. Ask for \
                 a link with a token; whoever runs the room can write “tokens” into the server’s record.",
            ),
            LinkError::Unencrypted => language.pick(
                "Der Link führt zu einem Server, der unverschlüsselt spricht. Das tut dieses Gerät nicht; fragen Sie nach \
                 einem Link mit „wss“.",
                "The link leads to a server that talks without encryption. This device does not; ask for a link with “wss”.",
            ),
        }
    }
}
