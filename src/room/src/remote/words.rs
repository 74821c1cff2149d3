//! What a phone's browser and the room say to each other; `web` carries it, the desk answers it.

use std::net::IpAddr;

use serde::Serialize;
use subrosa_messages::Pii;
use tokio::sync::{oneshot, watch};

use crate::language::Language;
use crate::meeting::guest::{GuestId, PersonView, Secret, WaitingView};
use crate::meeting::role::{May, Role};
use crate::meeting::wish::{Layout, Wish, WishRefusal};

/// Names one phone while the room is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneId(pub u64);

/// What proves, in a cookie, that a browser is the phone that was paired: 128 random bits in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneKey(pub Pii<String>);

/// Somebody shows a code.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Where from; wrong codes back off per address.
    pub address: Pii<IpAddr>,
    /// The code that was typed, or the token that was scanned.
    pub secret: Secret,
}

/// Why a phone was not paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "refusal", rename_all = "kebab-case")]
pub enum PairingRefusal {
    /// No code is on the room's screen; somebody there has to press its button.
    NoCode,
    /// Wrong code, or the token of another one.
    WrongCode {
        /// Earliest next try, in milliseconds from now.
        retry_after_ms: u64,
    },
    /// Too many tries from this address, or from all together; this one was not looked at.
    TooEarly {
        /// Earliest next try, in milliseconds from now.
        retry_after_ms: u64,
    },
}

impl PairingRefusal {
    /// The wait it asks for in milliseconds.
    #[must_use]
    pub fn retry_after_ms(self) -> Option<u64> {
        match self {
            PairingRefusal::WrongCode { retry_after_ms } | PairingRefusal::TooEarly { retry_after_ms } => {
                Some(retry_after_ms)
            }
            PairingRefusal::NoCode => None,
        }
    }
}

/// What became of a link that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposed {
    /// It is on the room's screen.
    Shown,
    /// It is not; the sentence says why, in the language of whoever asked.
    Refused(String),
    /// This phone is not paired.
    Stranger,
}

/// What the web server asks for a phone. Each reply comes within a step of the room's machines.
pub enum PhoneRequest {
    /// `POST /api/remote/pair`
    Pair(Attempt, oneshot::Sender<Result<PhoneKey, PairingRefusal>>),
    /// `GET /api/remote/events`: how it stands, now and at every change; the newest state replaces all before. `None`: no such phone.
    Listen(PhoneKey, Language, oneshot::Sender<Option<watch::Receiver<PhoneEvent>>>),
    /// `POST /api/remote/propose`
    Propose {
        /// Which phone.
        key: PhoneKey,
        /// The link.
        link: Pii<String>,
        /// In which language its person reads.
        language: Language,
        /// The answer.
        reply: oneshot::Sender<Proposed>,
    },
    /// `POST /api/remote/password`: of the meeting that is being joined. `false`: no such phone.
    Password {
        /// Which phone.
        key: PhoneKey,
        /// The password.
        password: Pii<String>,
        /// The answer.
        reply: oneshot::Sender<bool>,
    },
    /// `POST /api/remote/wish`
    Wish {
        /// Which phone.
        key: PhoneKey,
        /// What it wishes.
        wish: Wish,
        /// The answer.
        reply: oneshot::Sender<Result<(), WishRefusal>>,
    },
    /// `POST /api/remote/leave`: forget the proposal, or leave the meeting. `false`: no such phone.
    Leave(PhoneKey, oneshot::Sender<bool>),
}

/// What a phone is told, as a server-sent event: `data:` this as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum PhoneEvent {
    /// How it stands.
    State(Box<PhoneView>),
    /// The room sleeps: this phone is not paired any more.
    Ended,
}

/// How it stands, as a phone sees it: of a meeting elsewhere nobody's name, and of no meeting the chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PhoneView {
    /// The name of the room.
    pub room: String,
    /// Phones that are paired.
    pub phones: usize,
    /// What the room does.
    pub phase: PhonePhase,
    /// Whose server it is, where there is one.
    pub host: Option<Pii<String>>,
    /// Who runs that server; `None`: nobody is on record.
    pub operator: Option<String>,
    /// What there is to say, in the language of the phone.
    pub sentence: Option<&'static str>,
    /// The room's own meeting, while somebody is in it or at its door.
    pub meeting: Option<MeetingView>,
}

/// The room's own meeting, as whoever runs it sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MeetingView {
    /// Nobody else can knock.
    pub locked: bool,
    /// How pictures are laid out.
    pub layout: Layout,
    /// Who shares a screen.
    pub screen: Option<GuestId>,
    /// Who speaks.
    pub speaker: Option<GuestId>,
    /// Everybody who is in, as they came.
    pub people: Vec<PersonView>,
    /// Everybody who waits, as they came.
    pub waiting: Vec<WaitingView>,
    /// What is said to those who wait.
    pub message: Option<Pii<String>>,
    /// How loud the room hears others, in percent.
    pub volume: u8,
    /// What stands behind people is hidden.
    pub hides: bool,
    /// It is hidden by a phone's wish alone, or not at all: a phone may change it.
    pub may_show: bool,
    /// The camera's lamp is lit or nothing is known.
    pub camera_live: bool,
    /// The microphone's lamp is lit or nothing is known.
    pub microphone_live: bool,
    /// What the people in the room are asked for.
    pub asks: Asks,
    /// Guests who are in.
    pub guests: usize,
    /// Guests that can be in at once.
    pub most: usize,
    /// So many are in as can be.
    pub full: bool,
    /// How others enter.
    pub invitation: Option<WayIn>,
    /// What roles there are to be given, and what each may.
    pub roles: Vec<RoleView>,
}

/// What the people in the room are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asks {
    /// The camera.
    pub camera: bool,
    /// The microphone.
    pub microphone: bool,
}

/// How others enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WayIn {
    /// The link.
    pub link: Pii<String>,
    /// The PIN.
    pub pin: Pii<String>,
}

/// A role that can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RoleView {
    /// Which.
    pub role: Role,
    /// What it may.
    pub may: May,
}

/// What the room does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhonePhase {
    /// It is awake and takes a link.
    Free,
    /// Somebody is in the room's own meeting, or at its door: no link is taken.
    Guests,
    /// A link is on the screen, and a press of the button joins.
    Proposed,
    /// It is on its way into the meeting.
    Joining,
    /// The meeting's password is wanted.
    Password,
    /// It is in the meeting.
    In,
    /// It came to nothing, or has ended.
    Over,
}
