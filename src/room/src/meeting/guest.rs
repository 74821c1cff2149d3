//! What a guest's browser and the meeting say to each other; `web` carries it, the meeting answers it.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use subrosa_messages::Pii;
use subrosa_messages::media::LinkId;
use tokio::sync::{mpsc, oneshot};

use super::role::{May, Role};
use super::wish::{Layout, Wish, WishRefusal};
use crate::language::Language;
use crate::notice::Notice;
use crate::remote::PhoneRequest;
use crate::status::BackgroundWord;

/// Names one guest of one meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GuestId(pub u64);

/// What proves, in a cookie, that a browser is the guest it was: 128 random bits in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey(pub Pii<String>);

/// What a person shows at the door.
#[derive(Clone, Debug)]
pub enum Secret {
    /// The PIN from the room's screen, typed.
    Pin(Pii<String>),
    /// The token of the meeting's link, from its fragment.
    Token(Pii<String>),
}

/// A person asks to be let in.
#[derive(Clone, Debug)]
pub struct Knock {
    /// Where from; wrong PINs back off per address.
    pub address: Pii<IpAddr>,
    /// What they showed.
    pub secret: Secret,
    /// What they call themselves.
    pub name: Pii<String>,
    /// In which language they read.
    pub language: Language,
    /// Their browser decodes H.264; else the room sends VP8.
    pub h264: bool,
}

/// Why a knock was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum KnockRefusal {
    /// The room sleeps; somebody there has to press its button.
    Asleep,
    /// Wrong PIN or a token of another meeting.
    WrongSecret {
        /// Earliest next try, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// Too many tries from this address; this one was not looked at.
    TooEarly {
        /// Earliest next try, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// The name is empty, longer than 64 characters, or holds control or direction characters.
    Name,
    /// As many guests are here as the room can take.
    Full,
    /// Whoever runs the meeting has locked it.
    Locked,
    /// The room has already said no to this session, or the meeting has ended.
    Gone,
}

impl KnockRefusal {
    /// The wait it asks for, as a duration.
    #[must_use]
    pub fn retry_after(self) -> Option<Duration> {
        match self {
            KnockRefusal::WrongSecret { retry_after_ms } | KnockRefusal::TooEarly { retry_after_ms } => {
                Some(Duration::from_millis(retry_after_ms))
            }
            KnockRefusal::Asleep
            | KnockRefusal::Name
            | KnockRefusal::Full
            | KnockRefusal::Locked
            | KnockRefusal::Gone => None,
        }
    }
}

/// What the web server asks of the meeting. Each reply comes within a step of the meeting's machine.
pub enum GuestRequest {
    /// `POST /api/knock`
    Knock(Knock, oneshot::Sender<Result<SessionKey, KnockRefusal>>),
    /// `GET /api/events`: the guest's events from now on, the present state first. A browser that comes back after a
    /// reload or a loss of network calls this with the session it has, and gets a new link. `false`: no such guest.
    Listen(SessionKey, mpsc::UnboundedSender<GuestEvent>, oneshot::Sender<bool>),
    /// The event stream of this session has broken off.
    Gone(SessionKey),
    /// `POST /api/answer`
    Answer {
        /// Who.
        session: SessionKey,
        /// To the offer of which link.
        link: LinkId,
        /// The answer.
        sdp: Pii<String>,
    },
    /// `POST /api/leave`
    Leave(SessionKey),
    /// `POST /api/wish`
    Wish(SessionKey, Wish, oneshot::Sender<Result<(), WishRefusal>>),
    /// `GET /api/notice`
    Notice(Language, oneshot::Sender<Notice>),
    /// `GET /api/status`
    Status(oneshot::Sender<crate::status::Status>),
    /// `/api/remote/…`: what a phone asks that is paired, or wants to be.
    Phone(PhoneRequest),
}

/// What the meeting tells a guest's browser, as a server-sent event: `event: message`, `data:` this as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum GuestEvent {
    /// The room has been asked and has not answered.
    Waiting {
        /// What is said to those who wait.
        message: Option<Pii<String>>,
    },
    /// Let in; an offer follows.
    Admitted,
    /// Our offer; the answer is due for this link only.
    Offer {
        /// Which link.
        link: LinkId,
        /// The session description, with all candidates.
        sdp: Pii<String>,
        /// The `mid` of each line, by what it carries.
        lines: Box<OfferedLines>,
    },
    /// The link carries media now, both certificates checked.
    Connected,
    /// The link was lost or media restarts; a new offer follows by itself.
    Reconnecting,
    /// The guest's network is too narrow for a picture: it is held back and sound goes on.
    Picture {
        /// The line that carries it.
        mid: String,
        /// Held back now.
        paused: bool,
    },
    /// Somebody who may has closed this guest's microphone.
    Muted,
    /// This guest's share was ended by somebody else.
    Present {
        /// Always `false`.
        on: bool,
    },
    /// What is true in the room.
    Room(Box<RoomView>),
    /// It is over for this guest.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

/// The `mid` of each line of an offer, and the labels of its data channels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OfferedLines {
    /// The room's picture.
    pub room_video: String,
    /// The room's sound.
    pub room_audio: String,
    /// For the guest's picture.
    pub guest_video: String,
    /// For the guest's sound.
    pub guest_audio: String,
    /// For the screen that the guest shares.
    pub guest_screen: String,
    /// The screen that somebody else shares.
    pub screen: String,
    /// The other guests.
    pub slots: Vec<OfferedSlot>,
    /// The data channel for chat.
    pub chat: String,
    /// The data channel for what the guest types (RFC 8865).
    pub text: String,
}

/// What of an offer carries one other guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OfferedSlot {
    /// The `mid` of their picture.
    pub video: String,
    /// The `mid` of their sound.
    pub audio: String,
    /// The label of the data channel with what they type.
    pub text: String,
}

/// What a guest sees of the room, as the guard knows it, and of the meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RoomView {
    /// The name of the room.
    pub room: String,
    /// The camera's lamp is lit or nothing is known.
    pub camera_live: bool,
    /// The microphone's lamp is lit or nothing is known.
    pub microphone_live: bool,
    /// How the call is encrypted.
    pub encryption: Encryption,
    /// Guests in the meeting.
    pub guests: usize,
    /// What stands behind the people in the room is hidden, on the device.
    pub background_hidden: bool,
    /// What becomes of what stands behind them.
    pub background: BackgroundWord,
    /// The device records. Always false: this version cannot.
    pub recording: bool,
    /// Nobody else can knock.
    pub locked: bool,
    /// How pictures are laid out.
    pub layout: Layout,
    /// Who shares a screen.
    pub screen: Option<GuestId>,
    /// Who speaks.
    pub speaker: Option<GuestId>,
    /// The guest who reads this.
    pub you: OwnView,
    /// Everybody else who is in, as they came.
    pub people: Vec<PersonView>,
    /// Who waits; empty for whoever may not let them in.
    pub waiting: Vec<WaitingView>,
}

/// What a guest is in the meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct OwnView {
    /// Who they are.
    pub number: GuestId,
    /// What they are.
    pub role: Role,
    /// What they may.
    pub may: May,
    /// Nobody hears them: somebody who may has closed their microphone, or their role may not speak.
    pub silenced: bool,
    /// How often they were muted.
    pub mutes: u32,
    /// They share a screen.
    pub presenting: bool,
}

/// Somebody else in the meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PersonView {
    /// Who they are.
    pub number: GuestId,
    /// What they call themselves.
    pub name: Pii<String>,
    /// What they are.
    pub role: Role,
    /// Which slot of the reader's link carries them; `None` for a phone, which has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<usize>,
    /// Their microphone is open.
    pub microphone: bool,
    /// Their camera is open.
    pub camera: bool,
    /// Nobody hears them.
    pub silenced: bool,
    /// Their hand is raised.
    pub hand: bool,
    /// They share a screen.
    pub presenting: bool,
    /// Their connection is there.
    pub connected: bool,
}

/// Somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WaitingView {
    /// Who they are.
    pub number: GuestId,
    /// What they call themselves.
    pub name: Pii<String>,
}

/// How a call is encrypted; no word stronger than the truth (P8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encryption {
    /// Nothing is connected.
    None,
    /// End to end, on a certificate that the browser could check: the operator's.
    EndToEnd,
    /// Encrypted, but the browser could not check the device: compare the fingerprint.
    DeviceNotChecked,
}

/// Why it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// The room said no.
    Denied,
    /// Somebody who may has sent them away.
    Removed,
    /// The room ended the meeting.
    MeetingEnded,
    /// The guest left.
    Left,
    /// The same guest came in from another window.
    Elsewhere,
    /// No connection could be made or kept for a minute.
    Lost,
}
