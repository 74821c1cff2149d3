//! Why a Jingle message is refused.

/// Why a Jingle message is refused. Nothing of the message is in it: it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JingleError {
    /// Something that must be there is not.
    #[error("the server's Jingle message has no {0}: its software may be too old or too new for this room")]
    Missing(&'static str),
    /// Something is not as its standard demands.
    #[error(
        "the server's Jingle message has a {0} that cannot be used: its software may be too old or too new for this room"
    )]
    Invalid(&'static str),
    /// There is more of something than any meeting has.
    #[error("the server's Jingle message has more {0} than any meeting needs")]
    TooMany(&'static str),
    /// An action that is not in XEP-0166 and not one of jicofo's.
    #[error("the server's Jingle message asks for something that this room does not know")]
    Action,
}
