//! Whether the room is recorded, and whether it has agreed to it.
//!
//! The server holds one yes or no for each participant, *no* at first, for all recordings and streams alike; nothing in the protocol asks:
//! a client asks when it hears that a recording begins. Here each beginning is asked anew, and takes back what was agreed to
//! before: who agreed to a recording has not agreed to a stream for everybody.

use std::collections::BTreeMap;

use serde_json::Value;

use super::message::RecordingData;
use super::people::is_id;

/// Streams that are kept.
const MOST_STREAMS: usize = 32;

/// What wants to begin, or runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// A recording, which stays with whoever holds the meeting.
    pub recording: bool,
    /// A stream, which others watch.
    pub stream: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Status {
    #[default]
    Off,
    /// Asked of what does it.
    Wanted,
    Runs,
}

/// What follows from something that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It is asked for this, or no longer.
    Asks(Option<Wants>),
    /// It runs, or no longer.
    Records(bool),
    /// The server is to hold a yes or a no.
    Set(bool),
}

/// What the server does, and what was agreed to.
#[derive(Clone, Debug, Default)]
pub(super) struct Consent {
    recording: Status,
    streams: BTreeMap<String, Status>,
    /// Somebody in the room has agreed to what is asked now.
    agreed: bool,
    /// It is asked, and nobody has answered.
    asks: bool,
    /// What the server holds, as far as it has said or was told.
    held: bool,
}

impl Consent {
    /// Something is recorded or streamed.
    pub fn records(&self) -> bool {
        self.recording == Status::Runs || self.streams.values().any(|status| *status == Status::Runs)
    }

    fn wants(&self) -> Option<Wants> {
        let stream = self.streams.values().any(|status| *status > Status::Off);
        let wants = Wants { recording: self.recording > Status::Off, stream };
        (wants != Wants::default()).then_some(wants)
    }

    /// A person has answered.
    pub fn answered(&mut self, agrees: bool) -> Vec<Then> {
        if agrees && !self.asks {
            return Vec::new();
        }
        self.agreed = agrees;
        self.asks = false;
        if std::mem::replace(&mut self.held, agrees) == agrees { Vec::new() } else { vec![Then::Set(agrees)] }
    }

    /// The server says how it is, all at once.
    pub fn is(&mut self, data: RecordingData) -> Vec<Then> {
        self.held = data.consents_recording;
        let recording = status(&data.recording_state);
        let streams = data.stream_states.0.into_iter().filter(|(id, _)| is_id(id)).take(MOST_STREAMS);
        let streams = streams.map(|(id, state)| (id, status(&state))).collect();
        self.change(|now| (now.recording, now.streams) = (recording, streams))
    }

    /// The recording has changed.
    pub fn recording(&mut self, word: &str) -> Vec<Then> {
        let new = known(word);
        self.change(|now| now.recording = new)
    }

    /// A stream has changed.
    pub fn stream(&mut self, id: String, word: &str) -> Vec<Then> {
        if !is_id(&id) || (self.streams.len() >= MOST_STREAMS && !self.streams.contains_key(&id)) {
            return Vec::new();
        }
        let new = known(word);
        self.change(|now| {
            now.streams.insert(id, new);
        })
    }

    /// The server holds this for the room.
    pub fn holds(&mut self, consents: bool) -> Vec<Then> {
        self.held = consents;
        self.withdrawn().into_iter().collect()
    }

    /// The room is in no meeting.
    pub fn over(&mut self) -> Vec<Then> {
        let then = self.change(|now| (now.recording, now.streams) = Default::default());
        *self = Consent::default();
        // There is nobody to be told what to hold.
        then.into_iter().filter(|then| !matches!(then, Then::Set(_))).collect()
    }

    /// A *yes* that nobody has given, or not to this.
    fn withdrawn(&mut self) -> Option<Then> {
        (self.held && !self.agreed).then(|| {
            self.held = false;
            Then::Set(false)
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut Self)) -> Vec<Then> {
        let (recorded, asked, before) = (self.records(), self.asks, self.clone());
        change(self);
        let begins =
            |old: Option<&Status>, new: Status| old.copied().unwrap_or_default() == Status::Off && new > Status::Off;
        let begins = begins(Some(&before.recording), self.recording)
            || self.streams.iter().any(|(id, new)| begins(before.streams.get(id), *new));
        let wants = self.wants();
        if begins || wants.is_none() {
            self.agreed = false;
            self.asks = begins;
        }
        // First what was agreed to is taken back, then it is asked.
        let mut then: Vec<Then> = self.withdrawn().into_iter().collect();
        if begins || asked != self.asks {
            then.push(Then::Asks(wants.filter(|_| self.asks)));
        }
        if self.records() != recorded {
            then.push(Then::Records(!recorded));
        }
        then
    }
}

fn status(state: &Value) -> Status {
    state.get("status").and_then(Value::as_str).map(known).unwrap_or_default()
}

/// A word of `RecordingStatus` or `StreamStatus`. A stream that is `in_use` belongs to another room. What is paused may go on at any
/// time, and so may what a newer server has a word for.
fn known(word: &str) -> Status {
    match word {
        "inactive" | "error" | "in_use" => Status::Off,
        "requested" => Status::Wanted,
        _ => Status::Runs,
    }
}
