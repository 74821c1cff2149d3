//! The states of a capture's nodes.
//!
//! | state | live lamp | mode | leaves by |
//! |---|---|---|---|
//! | Unknown | lit | closed | proof *closed* → Closed · proof *open* → Foreign |
//! | Closed | dark | closed | media asks → Lit · open seen → Foreign |
//! | Lit | being lit, read back | closed, then granted | read back and granted → Offered · anything else → back, refused |
//! | Offered | lit | granted | open seen, or *all open* where it is several nodes → Open · *did not open*, media gone → Closing |
//! | Open | lit | closed | close seen → Closing · revoked → Revoking |
//! | Revoking | lit | closed | close seen, media's word, media gone → Closing · 250 ms → kill, Closing |
//! | Closing | lit | closed | proof *closed* → Closed · 250 ms → kill, or Open again if a permit still stands |
//! | Foreign | lit | closed | proof *closed* → Closed · 250 ms → kill |
//!
//! An open that has passed the permission check may complete later than the permission was taken away. So a grant
//! ends by an open that was seen, by media's word or by media's death, and never by time; and no capture is called
//! closed while a grant has not been answered and media lives.

use subrosa_messages::guard::PermitId;

use super::doubt::Doubt;
use super::{Mode, Moment, Proved};

/// A permit that is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Permit {
    pub(super) id: PermitId,
    /// It was taken back, and media knows.
    pub(super) revoked: bool,
}

/// The state of a capture's nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Nothing has been proved yet.
    Unknown(Doubt),
    /// Proved closed, and nothing has happened since.
    Closed,
    /// The lamp is being lit for this permit.
    Lit {
        permit: PermitId,
        /// The lamp was read back, the permission is being set.
        granting: bool,
        /// Media has this permit already; somebody else's passing open had taken the grant.
        again: bool,
    },
    /// The nodes can be opened.
    Offered { permit: PermitId },
    /// They are open.
    Open { permit: PermitId },
    /// Media has been told to close.
    Revoking { permit: PermitId, doubt: Doubt },
    /// A close was seen or promised; the proof is awaited.
    Closing { permit: Option<Permit>, doubt: Doubt },
    /// Somebody has opened it without a permit.
    Foreign(Doubt),
}

impl Node {
    /// A close is being proved while this permit still stands.
    pub(super) fn closing(now: Moment, permit: PermitId) -> Self {
        Node::Closing { permit: Some(Permit { id: permit, revoked: false }), doubt: Doubt::new(now) }
    }

    /// A close is being proved, and no permit is out.
    pub(super) fn ending(now: Moment) -> Self {
        Node::Closing { permit: None, doubt: Doubt::new(now) }
    }

    /// Somebody was just seen opening it without a permit.
    pub(super) fn foreign(now: Moment) -> Self {
        Node::Foreign(Doubt::new(now))
    }

    /// Nothing is known any more.
    pub(super) fn unknown(now: Moment) -> Self {
        Node::Unknown(Doubt::new(now))
    }

    /// A proof has just said so.
    pub(super) fn foreign_after(now: Moment, proved: Proved) -> Self {
        Node::Foreign(Doubt::after(now, proved))
    }

    /// The permission that this state wants.
    pub(super) fn mode(&self) -> Mode {
        match self {
            Node::Lit { granting: true, .. } | Node::Offered { .. } => Mode::Granted,
            Node::Unknown(_)
            | Node::Closed
            | Node::Lit { granting: false, .. }
            | Node::Open { .. }
            | Node::Revoking { .. }
            | Node::Closing { .. }
            | Node::Foreign(_) => Mode::Closed,
        }
    }

    /// The doubt of this state, if it has one.
    pub(super) fn doubt(&self) -> Option<&Doubt> {
        match self {
            Node::Unknown(doubt)
            | Node::Revoking { doubt, .. }
            | Node::Closing { doubt, .. }
            | Node::Foreign(doubt) => Some(doubt),
            Node::Closed | Node::Lit { .. } | Node::Offered { .. } | Node::Open { .. } => None,
        }
    }

    /// The doubt of this state, if it has one.
    pub(super) fn doubt_mut(&mut self) -> Option<&mut Doubt> {
        match self {
            Node::Unknown(doubt)
            | Node::Revoking { doubt, .. }
            | Node::Closing { doubt, .. }
            | Node::Foreign(doubt) => Some(doubt),
            Node::Closed | Node::Lit { .. } | Node::Offered { .. } | Node::Open { .. } => None,
        }
    }
}
