//! What happens to a hosted meeting, and what it wants done.

use subrosa_messages::Pii;
use subrosa_messages::media::{Kind, LinkId, LinkState, Mid, RoomToMedia, TrackId};
use zeroize::Zeroizing;

use super::secrets::Secrets;
use crate::meeting::act::RoomAct;
use crate::meeting::guest::{GuestEvent, GuestId, Knock, KnockRefusal, SessionKey};
use crate::meeting::wish::{Wish, WishRefusal};
use crate::status::BackgroundWord;

/// Who asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A paired phone: somebody has pressed the button of the device for it.
    Phone,
    /// A guest.
    Guest(SessionKey),
}

/// What happens.
pub enum Event {
    /// Somebody pressed the button of the sleeping room. The secrets are new.
    Woken(RoomAct, Secrets),
    /// Somebody pressed the button of the room that is awake.
    Pressed(RoomAct),
    /// The room sleeps: the guard says so, or has been silent for too long.
    Slept,
    /// Somebody shows PIN or token; the key becomes theirs if it is right. Answered by [`Action::Reply`].
    Knocked(Knock, SessionKey),
    /// A browser wants to hear. Answered by [`Action::Attach`].
    Listens(SessionKey),
    /// The newest stream of this session broke off.
    StreamGone(SessionKey),
    /// A browser answers our offer.
    Answered {
        /// Whose.
        session: SessionKey,
        /// To the offer of which link.
        link: LinkId,
        /// The answer.
        sdp: Pii<String>,
    },
    /// A guest leaves.
    Left(SessionKey),
    /// A guest or a phone asks for something. Answered by [`Action::Granted`].
    Wished(Asker, Wish),
    /// Something came over a data channel of a guest's link.
    Data {
        /// Which link.
        link: LinkId,
        /// The label of the channel.
        channel: String,
        /// What.
        bytes: Zeroizing<Vec<u8>>,
    },
    /// So loud is what arrives as a track, in dB below full scale.
    Loudness(TrackId, u8),
    /// Media is connected and can open links.
    MediaReady,
    /// Media is gone, and with it every link.
    MediaLost,
    /// Media has made our offer for a link.
    Offered {
        /// Which.
        link: LinkId,
        /// The offer.
        sdp: Pii<String>,
    },
    /// A link is in another state.
    Link {
        /// Which.
        link: LinkId,
        /// Its state.
        state: LinkState,
    },
    /// A guest's line carries something for the first time.
    Track(TrackId, Kind),
    /// A guest's picture began to move or stopped.
    Picture(TrackId, bool),
    /// A guest's network is too narrow for the picture of a line, or wide enough again.
    Paused(LinkId, Mid, bool),
    /// What guests are told about the room has changed.
    Facts(Facts),
    /// The time that [`super::Hosted::deadline`] named has come.
    Tick,
}

/// What guests are told about the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The camera's lamp is lit or nothing is known.
    pub camera_live: bool,
    /// The microphone's lamp is lit or nothing is known.
    pub microphone_live: bool,
    /// Browsers can check the certificate: it is the operator's.
    pub checked: bool,
    /// What stands behind people is in no picture that is sent. `false` also where nothing is known.
    pub background_hidden: bool,
    /// What becomes of what stands behind people.
    pub background: BackgroundWord,
}

impl Default for Facts {
    /// Nothing is known: live, not checked, not hidden.
    fn default() -> Self {
        Facts {
            camera_live: true,
            microphone_live: true,
            checked: false,
            background_hidden: false,
            background: BackgroundWord::Unknown,
        }
    }
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// The answer to the knock of this event.
    Reply(Result<SessionKey, KnockRefusal>),
    /// The answer to the listening of this event: the stream belongs to this guest, or to nobody.
    Attach(Option<GuestId>),
    /// To a guest's browser, if it listens.
    Tell(GuestId, GuestEvent),
    /// The guest's stream ends here.
    Detach(GuestId),
    /// To media.
    Media(RoomToMedia),
    /// The answer to the wish of this event.
    Granted(Result<(), WishRefusal>),
    /// Over a data channel of a guest's link.
    Data {
        /// Which link.
        link: LinkId,
        /// The label of the channel.
        channel: String,
        /// What.
        bytes: Zeroizing<Vec<u8>>,
    },
    /// The meeting is to end: the room goes to sleep.
    Sleep,
    /// The meeting is over: whatever was kept of it elsewhere is to be wiped.
    Forget,
}
