//! The messages, as far as this room reads and writes them. What a message has besides is skipped unread.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use subrosa_messages::Pii;

use super::people::MOST_PEOPLE;

/// A server says no more than this at once, in bytes: 500 people and a hundred lines of chat fit in well.
pub const LONGEST: usize = 4 << 20;
/// What the room says is cut here, in characters.
pub(super) const LONGEST_TEXT: usize = 4000;
/// Addresses and tokens are no longer than this, in bytes.
const LONGEST_SECRET: usize = 8192;

/// What the server says. `Other`: nothing that concerns this room, or nothing that it knows.
pub(super) enum Said {
    JoinedLobby(Lobby),
    InWaitingRoom(Ids),
    JoinSuccess(Box<Join>),
    JoinBlocked(String),
    Connected(Connected),
    Disconnected(Ids),
    JoinedWaitingRoom(Waiting),
    LeftWaitingRoom(String),
    Closing(String),
    CoreError(String),
    Accepted,
    MayEnter(bool),
    SentToWaitingRoom,
    Kicked(String),
    Banned,
    Muted,
    Restricted(Option<Vec<String>>),
    Renamed { target: String, name: String },
    RoleUpdated { target: String, role: String },
    Line(Line),
    LineRefused,
    HandRaised(String),
    HandLowered(String),
    HandsReset(Vec<String>),
    HandsDisabled,
    HandRefused,
    Recording(String),
    Stream { id: String, status: String },
    Consent { participant: String, consents: bool },
    Credentials(Credentials),
    LiveKitMissing,
    SwitchedRoom(Box<Modules>),
    Encrypted,
    Other,
}

/// Reads a text frame. `None`: it is none of the room server's.
pub(super) fn read(text: &str) -> Option<Said> {
    #[derive(Deserialize)]
    struct Namespace {
        namespace: String,
    }
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        message: String,
    }
    if text.len() > LONGEST {
        return None;
    }
    let Namespace { namespace } = serde_json::from_str(text).ok()?;
    let Some(Named { message }) = payload(text) else { return Some(Said::Other) };
    let said = match (namespace.as_str(), message.as_str()) {
        // Without it there is no meeting, so it has to be understood.
        ("core", "join_success") => return payload(text).map(|join| Said::JoinSuccess(Box::new(join))),
        ("core", message) => core(text, message),
        ("moderation", message) => moderation(text, message),
        ("raise_hands", message) => hands(text, message),
        ("recording", message) => recording(text, message),
        ("livekit", "credentials") => payload(text).map(Said::Credentials),
        ("livekit", "error") => error(text).filter(|code| code == "livekit_unavailable").map(|_| Said::LiveKitMissing),
        ("chat", "message_sent") => payload(text).map(Said::Line),
        ("chat", "error") => Some(Said::LineRefused),
        ("breakout", "switched_room") => {
            payload(text).map(|Switched { own_data }| Said::SwitchedRoom(Box::new(own_data)))
        }
        // Keys of a group that this room is not in.
        ("e2ee", "welcome" | "mls_messages") => Some(Said::Encrypted),
        ("error", _) => fatal(text).filter(|module| module == "livekit").map(|_| Said::LiveKitMissing),
        _ => None,
    };
    Some(said.unwrap_or(Said::Other))
}

fn core(text: &str, message: &str) -> Option<Said> {
    match message {
        "joined_lobby" => payload(text).map(Said::JoinedLobby),
        "in_waiting_room" => payload(text).map(Said::InWaitingRoom),
        "join_blocked" => payload(text).map(|Reason { reason }| Said::JoinBlocked(reason)),
        "participant_connected" => payload(text).map(Said::Connected),
        "participant_disconnected" => payload(text).map(Said::Disconnected),
        "joined_waiting_room" => payload(text).map(Said::JoinedWaitingRoom),
        "left_waiting_room" => payload(text).map(|Id { id }| Said::LeftWaitingRoom(id)),
        "closing" => payload(text).map(|Reason { reason }| Said::Closing(reason)),
        "error" => error(text).map(Said::CoreError),
        _ => None,
    }
}

fn moderation(text: &str, message: &str) -> Option<Said> {
    match message {
        "accepted" => Some(Said::Accepted),
        "entry_permission_changed" => payload(text).map(|CanEnter { can_enter }| Said::MayEnter(can_enter)),
        "sent_to_waiting_room" => Some(Said::SentToWaitingRoom),
        "kicked" => payload(text).map(|Reason { reason }| Said::Kicked(reason)),
        "banned" => Some(Said::Banned),
        "muted" => Some(Said::Muted),
        // Who is named may speak; if that cannot be read, the room may not.
        "microphone_restrictions_enabled" => {
            let Unrestricted { unrestricted_participants } = payload(text).unwrap_or_default();
            Some(Said::Restricted(Some(unrestricted_participants.0)))
        }
        "microphone_restrictions_disabled" => Some(Said::Restricted(None)),
        "display_name_changed" => {
            payload(text).map(|NewName { target, new_name }| Said::Renamed { target, name: new_name })
        }
        "role_updated" => payload(text)
            .map(|NewRole { participant_id, new_role }| Said::RoleUpdated { target: participant_id, role: new_role }),
        _ => None,
    }
}

fn hands(text: &str, message: &str) -> Option<Said> {
    match message {
        "hand_raised" => payload(text).map(|Of { participant }| Said::HandRaised(participant)),
        "hand_lowered" => payload(text).map(|Of { participant }| Said::HandLowered(participant)),
        "raised_hand_reset_by_moderator" => {
            payload(text).map(|Those { participants }| Said::HandsReset(participants.0))
        }
        "raise_hands_disabled" => Some(Said::HandsDisabled),
        "error" => Some(Said::HandRefused),
        _ => None,
    }
}

fn recording(text: &str, message: &str) -> Option<Said> {
    match message {
        "recording_updated" => payload(text).map(|Status { status }| Said::Recording(status)),
        "stream_updated" => payload(text).map(|Stream { target_id, status }| Said::Stream { id: target_id, status }),
        "consent_updated" => {
            payload(text).map(|Consents { participant, consents }| Said::Consent { participant, consents })
        }
        _ => None,
    }
}

fn payload<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
    #[derive(Deserialize)]
    struct Envelope<T> {
        payload: T,
    }
    serde_json::from_str(text).ok().map(|Envelope { payload }| payload)
}

fn error(text: &str) -> Option<String> {
    payload(text).map(|Error { error }| error)
}

fn fatal(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Fatal {
        error: String,
        #[serde(default)]
        namespace: String,
    }
    payload(text).filter(|Fatal { error, .. }| error == "fatal_module_error").map(|Fatal { namespace, .. }| namespace)
}

#[derive(Deserialize)]
pub(super) struct Lobby {
    pub participant_id: String,
    pub connection_id: String,
    pub can_enter: bool,
    /// The name is chosen already: somebody is in with the same secret.
    #[serde(default)]
    pub display_name: Option<IgnoredAny>,
}

/// Ids of a participant and one of their connections. The newer `in_waiting_room` has none.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Ids {
    pub participant_id: Option<String>,
    pub connection_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Join {
    /// Here in 0.1 only.
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub connection_id: Option<String>,
    #[serde(default)]
    pub participants: First<Participant>,
    #[serde(default)]
    pub module_data: Modules,
    #[serde(default)]
    pub event_info: Option<EventInfo>,
}

#[derive(Deserialize)]
pub(super) struct EventInfo {
    #[serde(default)]
    pub e2e_encryption: bool,
}

/// What modules say to one who joins. A module that says something new says nothing.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Modules {
    livekit: Option<Value>,
    recording: Option<Value>,
    raise_hands: Option<Value>,
}

impl Modules {
    pub fn credentials(&self) -> Option<Credentials> {
        self.livekit.as_ref().and_then(|data| Credentials::deserialize(data).ok())
    }

    /// Who may speak although others may not; `None`: all may.
    pub fn restricted(&self) -> Option<Vec<String>> {
        let state = self.livekit.as_ref()?.get("microphone_restriction_state")?;
        if state.get("type").and_then(Value::as_str) == Some("disabled") {
            return None;
        }
        Some(Unrestricted::deserialize(state).unwrap_or_default().unrestricted_participants.0)
    }

    pub fn recording(&self) -> Option<RecordingData> {
        self.recording.as_ref().and_then(|data| RecordingData::deserialize(data).ok())
    }

    /// The own hand.
    pub fn hand(&self) -> bool {
        self.raise_hands.as_ref().and_then(|data| data.get("state")).is_some_and(|state| !state.is_null())
    }
}

#[derive(Deserialize)]
pub(super) struct RecordingData {
    #[serde(default)]
    pub consents_recording: bool,
    #[serde(default)]
    pub recording_state: Value,
    #[serde(default)]
    pub stream_states: Named<Value>,
}

#[derive(Deserialize)]
pub(super) struct Credentials {
    pub token: String,
    pub public_url: String,
}

impl Credentials {
    /// Both, unless they are too long for what they are.
    pub fn checked(self) -> Option<(Pii<String>, Pii<String>)> {
        let fits = |text: &String| !text.is_empty() && text.len() <= LONGEST_SECRET;
        (fits(&self.token) && fits(&self.public_url)).then(|| (Pii::new(self.public_url), Pii::new(self.token)))
    }
}

#[derive(Deserialize)]
pub(super) struct Participant {
    pub id: String,
    #[serde(default)]
    pub connections: First<Connection>,
    #[serde(default)]
    pub module_data: PeerData,
}

#[derive(Deserialize)]
pub(super) struct Connection {
    pub connection_id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PeerData {
    pub core: Option<Core>,
    /// There while a hand is raised.
    pub raise_hands: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(super) struct Core {
    #[serde(default)]
    pub display_name: String,
    #[serde(default)]
    pub role: String,
    #[serde(default)]
    pub participation_kind: String,
}

#[derive(Deserialize)]
pub(super) struct Connected {
    pub participant_id: String,
    pub connection_id: String,
    #[serde(default)]
    pub peer_data: PeerData,
}

#[derive(Deserialize)]
pub(super) struct Waiting {
    pub participant_id: String,
    #[serde(default)]
    pub display_name: String,
}

#[derive(Deserialize)]
pub(super) struct Line {
    pub source: String,
    pub content: String,
    /// `global`, `breakout` or `private`.
    #[serde(default)]
    pub scope: String,
}

#[derive(Deserialize)]
struct Switched {
    own_data: Modules,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Error {
    error: String,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct CanEnter {
    can_enter: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Unrestricted {
    unrestricted_participants: First<String>,
}

#[derive(Deserialize)]
struct NewName {
    target: String,
    new_name: String,
}

#[derive(Deserialize)]
struct NewRole {
    participant_id: String,
    new_role: String,
}

#[derive(Deserialize)]
struct Of {
    participant: String,
}

#[derive(Deserialize)]
struct Those {
    participants: First<String>,
}

#[derive(Deserialize)]
struct Status {
    status: String,
}

#[derive(Deserialize)]
struct Stream {
    target_id: String,
    status: String,
}

#[derive(Deserialize)]
struct Consents {
    participant: String,
    consents: bool,
}

/// As many of a list as are people kept; the others are skipped.
pub(super) struct First<T>(pub Vec<T>);

impl<T> Default for First<T> {
    fn default() -> Self {
        First(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = First<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<T>, A::Error> {
                let mut first = Vec::new();
                while first.len() < MOST_PEOPLE
                    && let Some(one) = list.next_element()?
                {
                    first.push(one);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
}

/// As many of a map.
pub(super) struct Named<T>(pub Vec<(String, T)>);

impl<T> Default for Named<T> {
    fn default() -> Self {
        Named(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Map<T> {
            type Value = Named<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named<T>, A::Error> {
                let mut first = Vec::new();
                while first.len() < MOST_PEOPLE
                    && let Some(one) = map.next_entry()?
                {
                    first.push(one);
                }
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Named(first))
            }
        }
        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// What a person may read or has said: no control characters but line ends, and no end to its length.
pub(super) fn limited(text: &str, longest: usize) -> String {
    let written = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    text.chars().filter(written).take(longest).collect()
}

/// A command, as a text frame.
fn command(namespace: &str, payload: Value) -> Pii<String> {
    Pii::new(json!({ "namespace": namespace, "payload": payload }).to_string())
}

/// Into the meeting, or into the waiting room. With a name where the server has none yet.
pub(super) fn enter(waits: bool, name: Option<&Pii<String>>) -> Pii<String> {
    let mut payload = json!({ "action": if waits { "enter_waiting_room" } else { "enter_room" } });
    if let (Some(name), Some(payload)) = (name, payload.as_object_mut()) {
        payload.insert("display_name".to_owned(), name.reveal().as_str().into());
    }
    command("core", payload)
}

pub(super) fn hand(up: bool) -> Pii<String> {
    command("raise_hands", json!({ "action": if up { "raise_hand" } else { "lower_hand" } }))
}

pub(super) fn say(text: &str) -> Pii<String> {
    command("chat", json!({ "action": "send_message", "scope": "global", "content": text }))
}

pub(super) fn consent(agrees: bool) -> Pii<String> {
    command("recording", json!({ "action": "set_consent", "consent": agrees }))
}

pub(super) fn renew() -> Pii<String> {
    command("livekit", json!({ "action": "create_new_access_token" }))
}
