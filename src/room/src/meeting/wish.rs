//! What people in the room's own meeting ask of it, from a guest's page or from a paired phone.
//!
//! Every wish is checked on the room's side against what the role of whoever asks may. There is no word in it that opens
//! a capture of the room (P2): [`Wish::Ask`] shows a question on the room's screen, and the people there decide.

use serde::{Deserialize, Serialize};
use subrosa_messages::{Capture, Pii};

use super::guest::GuestId;
use super::role::{Capability, Role};

/// How the pictures of the meeting are laid out, on the room's screen and on pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// All alike.
    #[default]
    Grid,
    /// Who speaks is large.
    Speaker,
}

/// Body of `POST /api/wish` and `POST /api/remote/wish`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "wish", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Wish {
    /// How it stands with the guest who says so.
    State {
        /// Their microphone is open.
        microphone: bool,
        /// Their camera is open.
        camera: bool,
        /// Their hand is raised.
        hand: bool,
        /// How often they had been muted when they said so; an unmute that is older than a mute does not count.
        mutes: u32,
    },
    /// Begin or end one's own share.
    Present {
        /// Begin.
        on: bool,
    },
    /// End whatever share there is.
    StopPresenting,
    /// Let somebody in.
    Admit {
        /// Whom.
        guest: GuestId,
    },
    /// Let everybody in for whom there is a place.
    AdmitAll,
    /// Send away somebody who waits.
    Deny {
        /// Whom.
        guest: GuestId,
    },
    /// Say something to those who wait.
    Message {
        /// What; empty takes it back.
        text: Pii<String>,
    },
    /// Let nobody else knock, or let them again.
    Lock {
        /// Locked.
        on: bool,
    },
    /// Close somebody's microphone.
    Mute {
        /// Whose.
        guest: GuestId,
    },
    /// Close the microphones of all other guests.
    MuteAll,
    /// Send away somebody who is in.
    Remove {
        /// Whom.
        guest: GuestId,
    },
    /// Give somebody another role.
    Role {
        /// Whom.
        guest: GuestId,
        /// Which; never [`Role::Administrator`].
        role: Role,
    },
    /// Lay out the pictures.
    Arrange {
        /// How.
        layout: Layout,
    },
    /// End the meeting for everybody.
    End,
    /// Ask the people in the room to open a capture. Only they can.
    Ask {
        /// Which.
        capture: Capture,
    },
    /// Close a capture of the room, as its switch would.
    Close {
        /// Which.
        capture: Capture,
    },
    /// How loud the room hears others.
    Volume {
        /// From 0 to 100.
        percent: u8,
    },
    /// Hide what stands behind the people in the room although the configuration does not, or leave it to that again.
    Hide {
        /// Hide it.
        on: bool,
    },
}

impl Wish {
    /// What whoever asks has to be allowed; `None`: anybody who is in.
    #[must_use]
    pub fn needs(&self) -> Option<Capability> {
        match self {
            Wish::State { .. } | Wish::Present { on: false } => None,
            Wish::Present { on: true } => Some(Capability::Present),
            Wish::StopPresenting | Wish::Mute { .. } | Wish::MuteAll => Some(Capability::Mute),
            Wish::Admit { .. } | Wish::AdmitAll | Wish::Deny { .. } => Some(Capability::Admit),
            Wish::Message { .. } => Some(Capability::Message),
            Wish::Lock { .. } => Some(Capability::Lock),
            Wish::Remove { .. } => Some(Capability::Remove),
            Wish::Role { .. } => Some(Capability::Assign),
            Wish::Arrange { .. } => Some(Capability::Arrange),
            Wish::End => Some(Capability::End),
            Wish::Ask { .. } | Wish::Close { .. } | Wish::Volume { .. } | Wish::Hide { .. } => Some(Capability::Attend),
        }
    }
}

/// Why a wish was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum WishRefusal {
    /// Whoever asks is not known here, or not in.
    Unknown,
    /// Their role may not.
    NotAllowed,
    /// The guest whom it is about is not there.
    Gone,
    /// Somebody else presents, or there is no place for one more.
    Taken,
    /// What was said cannot be used.
    Unusable,
}
