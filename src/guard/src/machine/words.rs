//! What the machine is told and what it wants done.

use std::time::Duration;

use subrosa_messages::Capture;
pub use subrosa_messages::guard::LampId;
use subrosa_messages::guard::{GuardToMedia, GuardToRoom, Lamp, Level, MediaToGuard, RoomToGuard};

/// A moment: time since boot, suspended time included (`CLOCK_BOOTTIME`). The wall clock plays no part.
pub type Moment = Duration;

/// The two permissions that a node has in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nobody but root can open it for capture.
    Closed,
    /// Media can open it.
    Granted,
}

/// What was found and done when a permission was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// It was as it was left, and is now as it was wanted.
    Right,
    /// Somebody else had changed it. It is as wanted now, but the node may have been opened in between.
    Repaired,
    /// Owner, group, mode or access list are not what they must be and could not be put right.
    Wrong,
    /// No such node is there.
    Missing,
}

/// Something happened to the nodes of a capture. Events are never counted, equal ones merge: each one says *look*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeEvent {
    /// One was opened.
    Opened,
    /// A descriptor was closed; its driver may still be at work.
    Shut,
    /// Owner, group or mode of one may have changed.
    Attributes,
    /// One has gone.
    Gone,
    /// All are there again.
    Appeared,
    /// Events were lost: anything may have happened.
    Lost,
}

/// The answer to *does anybody have it open?*
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proved {
    /// Nobody has.
    Closed,
    /// Somebody has.
    Open,
    /// It cannot be said.
    Nothing,
}

/// What survives a crash of the guard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The room is awake.
    pub awake: bool,
    /// The camera is muted over the network.
    pub camera_muted: bool,
    /// The microphone is muted over the network.
    pub microphone_muted: bool,
}

/// Something that the machine is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The button's line was read: down or not; `None`: it cannot be read.
    Button(Option<bool>),
    /// The line of *reveal* was read, in the same way.
    Reveal(Option<bool>),
    /// A switch's line was read.
    Switch(Capture, Level),
    /// The key that is this capture's switch is there and toggles; `true`: it was pressed once.
    MuteKey(Capture, bool),
    /// A lamp was set and read back.
    Lamp(LampId, Lamp),
    /// A line has changed, perhaps a lamp's: they are all set and read again.
    Lines,
    /// A node has changed.
    Node(Capture, NodeEvent),
    /// This permission was wanted, and that was found.
    Permission(Capture, Mode, Permission),
    /// A proof was made.
    Proof(Capture, Proved),
    /// Media has connected.
    MediaConnected,
    /// Media's connection has closed.
    MediaGone,
    /// Media says something.
    Media(MediaToGuard),
    /// The room has connected.
    RoomConnected,
    /// The room's connection has closed.
    RoomGone,
    /// The room says something.
    Room(RoomToGuard),
    /// Whoever looks after the device wants to see this lamp lit, or no longer any.
    Show(Option<LampId>),
    /// The time of [`super::Machine::deadline`] has come.
    Time,
    /// A second has passed: whatever could be missed by events is looked at again.
    Second,
    /// The guard is to end.
    Stop,
}

/// Something that the machine wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Set a lamp, read it back, answer with [`Event::Lamp`].
    SetLamp {
        /// Which one.
        lamp: LampId,
        /// Lit or dark.
        lit: bool,
    },
    /// Switch the power of a capture's device, where the board has a line for it.
    SetPower(Capture, bool),
    /// Set and check the permission of a capture's nodes, answer with [`Event::Permission`].
    SetMode(Capture, Mode),
    /// Prove whether anybody has a capture's nodes open, answer with [`Event::Proof`].
    Prove(Capture),
    /// Say this to media. The nodes of a grant are filled in by whoever sends it.
    ToMedia(GuardToMedia),
    /// Say this to the room.
    ToRoom(GuardToRoom),
    /// Kill media and everything that it has started.
    Kill,
    /// Keep this for a guard that starts after a crash of this one.
    Remember(Memory),
}
