//! The m-lines of a session: three that are always there, then slots for what others send.
//!
//! A slot that was made stays where it is, with its mid and its codec, as long as the session lasts: webrtcbin has no
//! other order than that of its first description, and adding and removing lines is where it breaks. What a slot
//! carries changes; a slot without anything is closed (port 0, inactive) until it is used again.

use subrosa_messages::media::{Codec, Kind, Mid};

use super::super::source::{Owner, SourceName};
use super::streams::{Stream, Streams};

/// The line of the bridge's channel.
pub const BRIDGE: &str = "bridge";

/// Slots of each codec: all of them with the three fixed lines are what media takes (64), and there is always one for a
/// stream that comes as another codec from now on.
pub const SLOTS: usize = 20;

/// A line for one stream of somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Its name, for ever.
    pub mid: Mid,
    /// Its codec, for ever: webrtcbin answers one per line.
    pub codec: Codec,
    /// Whose stream is on it.
    pub occupant: Option<SourceName>,
}

/// All slots of a session, in the order of their lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(Vec<Slot>);

impl Lines {
    /// The slots, in order.
    pub fn slots(&self) -> &[Slot] {
        &self.0
    }

    /// The line of a stream.
    #[must_use]
    pub fn of(&self, name: &SourceName) -> Option<&Slot> {
        self.0.iter().find(|slot| slot.occupant.as_ref() == Some(name))
    }

    /// Empties the slots of streams that are gone or come as another codec, and gives one to every stream that has none,
    /// in the order in which streams came, pictures that are `wanted` first. A stream for which there is none left has
    /// to wait; nobody who has a slot loses it to another, but for a picture that is wanted and one that is not.
    pub fn settle(&mut self, streams: &Streams, wanted: &[SourceName], codec: impl Fn(&Stream) -> Option<Codec>) {
        let comes_as = |name: &SourceName| streams.named(name).and_then(&codec);
        for slot in &mut self.0 {
            if slot.occupant.as_ref().is_some_and(|name| comes_as(name) != Some(slot.codec)) {
                slot.occupant = None;
            }
        }
        let is_wanted = |stream: &&Stream| wanted.contains(&stream.name);
        let others = || streams.iter().filter(|stream| stream.owner != Owner::Bridge);
        let in_order = others().filter(is_wanted).chain(others().filter(|stream| !is_wanted(stream)));
        for stream in in_order {
            if let Some(codec) = codec(stream)
                && self.of(&stream.name).is_none()
                && let Some(slot) = self.free(codec, wanted.contains(&stream.name).then_some(wanted))
            {
                slot.occupant = Some(stream.name.clone());
            }
        }
    }

    /// A slot for this codec: an empty one, a new one, or for a picture that is wanted that of one that is not.
    fn free(&mut self, codec: Codec, wanted: Option<&[SourceName]>) -> Option<&mut Slot> {
        let fits = |slot: &Slot| slot.codec == codec;
        let empty = self.0.iter().position(|slot| fits(slot) && slot.occupant.is_none());
        let of_codec = self.0.iter().filter(|slot| fits(slot)).count();
        let place = match empty {
            Some(place) => place,
            None if of_codec < SLOTS => {
                let mid = Mid(format!("slot-{}", self.0.len()));
                self.0.push(Slot { mid, codec, occupant: None });
                self.0.len() - 1
            }
            None => {
                let wanted = wanted?;
                let shown = |name: &SourceName| wanted.contains(name);
                self.0.iter().position(|slot| fits(slot) && !slot.occupant.as_ref().is_some_and(shown))?
            }
        };
        self.0.get_mut(place)
    }

    /// What arrives on a line: only a first guess, see [`Streams::who`].
    #[must_use]
    pub fn occupant(&self, mid: &Mid) -> Option<&SourceName> {
        self.0.iter().find(|slot| slot.mid == *mid).and_then(|slot| slot.occupant.as_ref())
    }
}

/// The kind of a stream as codecs have it: sound is always Opus.
#[must_use]
pub fn audio_or(stream: &Stream, video: Option<Codec>) -> Option<Codec> {
    match stream.kind {
        Kind::Audio => Some(Codec::Opus),
        Kind::Video => video,
    }
}
