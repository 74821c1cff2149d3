//! What happens at this device, the same for every kind of meeting.

use subrosa_messages::Pii;
use subrosa_messages::media::{DescriptionKind, Kind, LinkId, LinkState, TrackId};

use crate::signalling::Sends;

/// What happens at this device.
#[derive(Clone, Debug)]
pub enum Device {
    /// Media is connected, and has an encoder for H.264 or not.
    MediaReady {
        /// It has.
        h264: bool,
    },
    /// Media is gone, and every link with it.
    MediaLost,
    /// Media has made an offer or an answer.
    Described {
        /// Of which link.
        link: LinkId,
        /// Which of both.
        kind: DescriptionKind,
        /// The description.
        sdp: Pii<String>,
    },
    /// A link is in another state.
    Link {
        /// Which.
        link: LinkId,
        /// How it is.
        state: LinkState,
    },
    /// A line carries something.
    Track(TrackId, Kind),
    /// A shown picture began to move or stopped.
    Picture(TrackId, bool),
    /// A link's data channel is open or is no more.
    Channel {
        /// Of which link.
        link: LinkId,
        /// Its label.
        channel: String,
        /// Open.
        open: bool,
    },
    /// Something came over it.
    Data {
        /// Of which link.
        link: LinkId,
        /// Its label.
        channel: String,
        /// What came.
        bytes: Pii<Vec<u8>>,
    },
    /// What leaves the room now.
    Sends(Sends),
    /// A person at the device gives the meeting's password.
    Password(Pii<String>),
    /// A person presses the button: agrees to what is asked, else raises the room's hand (milliseconds since 1970) or lowers it.
    Press(u64),
    /// A person writes a line to all, at this time (milliseconds since 1970).
    Say(Pii<String>, u64),
    /// The room leaves.
    Leave,
    /// A deadline has come.
    Tick,
}
