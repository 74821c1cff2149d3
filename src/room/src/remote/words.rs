//! What a phone's browser and the room say to each other; `web` carries it, the desk answers it.

use std::net::IpAddr;

use serde::Serialize;
use subrosa_messages::Pii;
use tokio::sync::{oneshot, watch};

use crate::language::Language;
use crate::meeting::guest::Secret;

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
    /// `POST /api/remote/leave`: forget the proposal, or leave the meeting. `false`: no such phone.
    Leave(PhoneKey, oneshot::Sender<bool>),
}

/// What a phone is told, as a server-sent event: `data:` this as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum PhoneEvent {
    /// How it stands.
    State(PhoneView),
    /// The room sleeps: this phone is not paired any more.
    Ended,
}

/// How it stands, as a phone sees it: nobody's name, no chat.
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
