//! The guard's two conversations: with media (permits) and with the room (what is true).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Capture;

/// Names one permit for as long as the guard runs. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermitId(pub u64);

/// What media says to the guard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediaToGuard {
    /// May this capture be opened? The answer is [`GuardToMedia::Granted`] or [`GuardToMedia::Refused`].
    Ask {
        /// Which one.
        capture: Capture,
    },
    /// Everything that the capture needs is open. The guard has closed the mode at the first open it saw where
    /// the capture is one node, and closes it now where it is several.
    AllOpen {
        /// Under which permit.
        permit: PermitId,
    },
    /// The open was tried and did not succeed, or was never tried: the permit goes back unused.
    DidNotOpen {
        /// Which permit.
        permit: PermitId,
    },
    /// The device has been closed. The guard proves it before it darkens the lamp.
    Closed {
        /// Which permit.
        permit: PermitId,
    },
}

/// What the guard says to media.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardToMedia {
    /// The lamp is lit and was read back, the nodes can be opened now.
    Granted {
        /// To be named in every later word about this capture.
        permit: PermitId,
        /// Which capture.
        capture: Capture,
        /// The nodes that can be opened, in the order of the board file.
        nodes: Vec<PathBuf>,
    },
    /// Not now. [`GuardToMedia::MayAsk`] says when asking again makes sense.
    Refused {
        /// Which capture.
        capture: Capture,
        /// Why.
        reason: Refusal,
    },
    /// Close at once. Whoever still holds the device after 250 ms is killed.
    Revoke {
        /// Which permit.
        permit: PermitId,
    },
    /// What keeps this capture closed has changed; `None`: nothing, ask if it is wanted. Sent once for each
    /// capture after connecting, and at each change.
    MayAsk {
        /// Which capture.
        capture: Capture,
        /// Why it would be refused, if it would.
        refusal: Option<Refusal>,
    },
    /// Somebody in the room pressed *reveal*: what stands behind people is to be seen for a while, or, while it is,
    /// no longer. Not asked of media by anybody else: [`crate::media::RoomToMedia`] has no word for it (P2).
    Reveal,
}

/// Why a capture may not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The room sleeps: nobody has pressed its button.
    Asleep,
    /// The switch or shutter on the device is closed.
    Switch,
    /// The position of the switch or shutter cannot be read.
    SwitchUnknown,
    /// Muted over the network; an act at the device's own switch ends it.
    Muted,
    /// The lamp could not be lit, or not be read back.
    Lamp,
    /// Its power was cut because somebody kept it open who must not. A press of the room's button brings it back.
    Power,
    /// No such device is there.
    Missing,
    /// Something else has the device open, or it cannot be proved closed.
    Unproved,
    /// Owner, group, mode or access list of the node are not what the guard needs.
    Node,
    /// It is already open or being opened.
    Busy,
}

/// All that the room can say to the guard. There is no word for *open*, by design (P2): a value that came over a
/// network can end up in one of these, and in nothing else that the guard reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoomToGuard {
    /// Close this capture and keep it closed until somebody moves its switch.
    Mute {
        /// Which one.
        capture: Capture,
    },
    /// The meeting is over: close everything and wait for the next press.
    Sleep,
}

/// What the guard says to the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GuardToRoom {
    /// All that is true now. Sent after connecting and at each change.
    State(GuardState),
    /// Somebody pressed the room's button.
    Press {
        /// This press woke the room.
        woke: bool,
    },
}

/// What is true in the room, as the guard has read it from its lines and nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardState {
    /// Somebody pressed the button and the meeting has not ended since.
    pub awake: bool,
    /// The camera.
    pub camera: CaptureState,
    /// The microphone.
    pub microphone: CaptureState,
    /// Media is connected.
    pub media: bool,
    /// How much this device's word is worth.
    pub trust: Trust,
}

impl GuardState {
    /// The state of one capture.
    #[must_use]
    pub fn of(&self, capture: Capture) -> &CaptureState {
        match capture {
            Capture::Camera => &self.camera,
            Capture::Microphone => &self.microphone,
        }
    }
}

/// One capture: its switch, its lamps, its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureState {
    /// The switch (microphone) or shutter (camera).
    pub switch: Level,
    /// What is known of the device.
    pub node: NodeState,
    /// The lamp that says *may be capturing*.
    pub live: Lamp,
    /// The lamp that says *muted*, lit on proof only. The camera has none.
    pub muted: Option<Lamp>,
    /// Why it would be refused, if it would.
    pub refusal: Option<Refusal>,
}

/// The level of a switch as the person sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The switch lets the capture through.
    Open,
    /// The switch keeps the capture closed.
    Closed,
    /// The line cannot be read.
    Unknown,
}

/// What is known of a capture's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// No node is there.
    Missing,
    /// Proved closed.
    Closed,
    /// A permit is out or the device is open.
    Open,
    /// A close was seen or ordered and is not proved yet.
    Closing,
    /// Somebody opened it without a permit.
    Foreign,
    /// Nothing can be proved.
    Unknown,
}

/// A lamp of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LampId {
    /// Says that this capture may be capturing.
    Live(Capture),
    /// Says, on proof, that this capture is muted.
    Muted(Capture),
}

/// A lamp as it was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lamp {
    /// Lit.
    Lit,
    /// Dark.
    Dark,
    /// Could not be set or read back.
    Unknown,
}

/// How much the word of lamps and switches is worth, and why (docs/boards.md, tiers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Simulated lines, all processes under one user: the closed mode denies an open, but a process could open
    /// its own mode again.
    SimulatedOneUser,
    /// Simulated lines, each process with its own user: the permission is as real as on a device.
    SimulatedUsers,
    /// Real lines; the guard owns the nodes.
    Real {
        /// The camera's.
        camera: Worth,
        /// The microphone's.
        microphone: Worth,
    },
}

/// What lamp and switch of one capture are worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Worth {
    /// The lamp.
    pub lamp: Tier,
    /// The switch or shutter.
    pub switch: Tier,
}

/// Who stands behind a lamp or a switch; a number from 0 to 3 in messages and in board files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum Tier {
    /// 0, nothing of this device's own: the lamp inside a USB camera; a key of a headset, which keeps its own state.
    Attached,
    /// 1, the guard: it drives the lamp; it reads the switch and closes the capture.
    Guard,
    /// 2: the kernel drives the lamp from the sensor's state; the guard cuts the power of what does not close.
    Kernel,
    /// 3: lamp or switch are in the sensor's own power path.
    Power,
}

impl Tier {
    /// All of them.
    pub const ALL: [Tier; 4] = [Tier::Attached, Tier::Guard, Tier::Kernel, Tier::Power];
}

impl From<Tier> for u8 {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Attached => 0,
            Tier::Guard => 1,
            Tier::Kernel => 2,
            Tier::Power => 3,
        }
    }
}

impl TryFrom<u8> for Tier {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Tier::ALL.into_iter().find(|tier| u8::from(*tier) == number).ok_or("a tier is 0, 1, 2 or 3")
    }
}
