//! What happens to a meeting elsewhere, and what it wants done.

use subrosa_messages::media::{DescriptionKind, Kind, LinkId, LinkState, RoomToMedia, Size, TrackId};
use subrosa_messages::{Capture, Pii};

use super::super::muc;
use crate::meeting::elsewhere::device::Device;
use crate::meeting::elsewhere::failure::Failure;
pub use crate::signalling::Sends;
use crate::signalling::xmpp;

/// What is fixed for one meeting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The room and how it is asked for.
    pub muc: muc::Settings,
    /// The server's host, as the link names it.
    pub host: Pii<String>,
    /// The operator's rule: the room leaves when the server records.
    pub leaves_when_recorded: bool,
    /// The room's screen.
    pub screen: Size,
    /// The most pictures that it shows at once.
    pub pictures: usize,
    /// The last number of a link that was used.
    pub links: u64,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// The XMPP session tells something.
    Xmpp(xmpp::Told),
    /// The XMPP session is over, and this is why: whoever held its connection knows more than the session.
    Lost(Failure),
    /// The answer to [`Action::Post`]; `None`: there was none.
    Http(Option<(u16, Pii<String>)>),
    /// Of the WebSocket to the bridge with this number.
    Bridge(u64, FromSocket),
    /// Media is connected, and has an encoder for H.264 or not.
    MediaReady {
        /// It has.
        h264: bool,
    },
    /// Media is gone, and every link with it.
    MediaLost,
    /// Media has answered a description.
    Answered {
        /// Of which link.
        link: LinkId,
        /// Its answer.
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
        /// Open.
        open: bool,
    },
    /// Something came over it.
    Data(LinkId, Pii<String>),
    /// What leaves the room now.
    Sends(Sends),
    /// A person at the device gives the meeting's password.
    Password(Pii<String>),
    /// A person raises the room's hand (milliseconds since 1970), or lowers it.
    Hand(Option<u64>),
    /// A person writes a line to all.
    Say(Pii<String>),
    /// The room leaves.
    Leave,
    /// The time that [`super::Joined::deadline`] named has come.
    Tick,
}

impl Event {
    /// What of this device is for such a meeting. A press raises the hand, or lowers it: `raised` as it is now.
    #[must_use]
    pub fn of(device: Device, raised: bool) -> Option<Self> {
        Some(match device {
            Device::MediaReady { h264 } => Event::MediaReady { h264 },
            Device::MediaLost => Event::MediaLost,
            Device::Described { link, kind: DescriptionKind::Answer, sdp } => Event::Answered { link, sdp },
            Device::Described { kind: DescriptionKind::Offer, .. } => return None,
            Device::Link { link, state } => Event::Link { link, state },
            Device::Track(track, kind) => Event::Track(track, kind),
            Device::Picture(track, moves) => Event::Picture(track, moves),
            Device::Channel { link, channel: _, open } => Event::Channel { link, open },
            Device::Data { link, channel: _, bytes } => {
                Event::Data(link, Pii::new(String::from_utf8_lossy(bytes.reveal()).into_owned()))
            }
            Device::Sends(sends) => Event::Sends(sends),
            Device::Password(password) => Event::Password(password),
            Device::Press(at) => Event::Hand((!raised).then_some(at)),
            Device::Say(line, _) => Event::Say(line),
            Device::Leave => Event::Leave,
            Device::Tick => Event::Tick,
        })
    }
}

/// What a WebSocket says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromSocket {
    /// It is open.
    Opened,
    /// A message came.
    Text(Pii<String>),
    /// It is closed, or could not be opened.
    Closed {
        /// The bridge has said goodbye (RFC 6455, 7.4.1: 1001).
        goodbye: bool,
    },
}

/// What a WebSocket is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToSocket {
    /// Open to this address, which holds a secret.
    Connect(Pii<String>),
    /// Send this.
    Send(Pii<String>),
    /// Close.
    Close,
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum Action {
    /// For the XMPP session.
    Xmpp(xmpp::Event),
    /// Request the conference: POST this JSON to the address of the configuration.
    Post(Pii<String>),
    /// For the WebSocket to the bridge with this number.
    Bridge(u64, ToSocket),
    /// To media.
    Media(RoomToMedia),
    /// To media: over the data channel of this link.
    Data(LinkId, Pii<String>),
    /// A moderator, or the server, closes this capture: an act in the room opens it again (P2).
    Mute(Capture),
    /// The meeting is over for this room.
    Over(Failure),
}
