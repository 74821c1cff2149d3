//! The links that exist, what their lines send, and what has arrived on them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gstreamer_utils::StreamProducer;
use subrosa_messages::Pii;
use subrosa_messages::media::{
    Codec, DescriptionKind, Direction, Kind, Line, LinkId, LinkState, MediaToRoom, Mid, Source, TrackId,
};

use crate::cut::Cuts;
use crate::inbound::Inbound;
use crate::link::liveness::{Change, Liveness};
use crate::link::{Feed, Link, LinkEvent, Plan, TellSession};

/// Liveness is looked at this often.
const LOOK: Duration = Duration::from_secs(1);

/// All links.
#[derive(Default)]
pub struct Links {
    links: BTreeMap<LinkId, Entry>,
    /// Links that were closed and have not said so yet.
    closing: Vec<LinkId>,
    looked: Option<Instant>,
}

struct Entry {
    link: Link,
    lines: Vec<Line>,
    sources: BTreeMap<Mid, Source>,
    tracks: BTreeMap<Mid, Inbound>,
    liveness: Option<Liveness>,
}

impl Links {
    /// Opens a link; `false` when that is not possible at all.
    pub fn open(&mut self, plan: Plan, tell: TellSession) -> bool {
        let (id, lines) = (plan.link, plan.lines.clone());
        if self.links.contains_key(&id) {
            return false;
        }
        let Ok(link) = Link::open(plan, tell) else { return false };
        let entry = Entry { link, lines, sources: BTreeMap::new(), tracks: BTreeMap::new(), liveness: None };
        self.links.insert(id, entry);
        true
    }

    /// Hands on the peer's description.
    pub fn describe(&self, link: LinkId, kind: DescriptionKind, sdp: String, candidates: bool) {
        if let Some(entry) = self.links.get(&link) {
            entry.link.describe(kind, sdp, candidates);
        }
    }

    /// Closes a link.
    pub fn close(&mut self, link: LinkId) {
        if self.links.remove(&link).is_some() {
            self.closing.push(link);
        }
    }

    /// Closes all, and forgets them: nobody is there who wants to hear of them.
    pub fn clear(&mut self) {
        self.links.clear();
        self.closing.clear();
    }

    /// What a line sends from now on.
    pub fn source(&mut self, link: LinkId, mid: Mid, source: Source) {
        if let Some(entry) = self.links.get_mut(&link) {
            entry.sources.insert(mid, source);
        }
    }

    /// Sends over a data channel.
    pub fn data(&self, link: LinkId, bytes: Vec<u8>) {
        if let Some(entry) = self.links.get(&link) {
            entry.link.data(bytes);
        }
    }

    /// Holds a link's pictures back.
    pub fn pause(&self, link: LinkId, paused: bool) {
        if let Some(entry) = self.links.get(&link) {
            entry.link.pause(paused);
        }
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether this one is open.
    pub fn has(&self, link: LinkId) -> bool {
        self.links.contains_key(&link)
    }

    /// Whether any link has a line that can send the room's picture in this codec.
    pub fn carry(&self, codec: Codec) -> bool {
        self.links.values().flat_map(|entry| &entry.lines).any(|line| sends(line) && line.codec == codec)
    }

    /// The verified links that get the room's picture in this codec, with the estimates of their paths.
    pub fn viewers(&self, codec: Codec) -> Vec<(LinkId, Option<u32>)> {
        let views = |entry: &Entry| {
            let is_sent = |line: &Line| entry.sources.get(&line.mid) == Some(&Source::RoomVideo);
            entry.liveness.is_some() && entry.lines.iter().any(|line| line.codec == codec && is_sent(line))
        };
        let viewers = self.links.iter().filter(|(_, entry)| views(entry));
        viewers.map(|(link, entry)| (*link, entry.link.figures().estimate())).collect()
    }

    /// What has arrived as a track.
    pub fn track(&self, track: &TrackId) -> Option<Inbound> {
        self.links.get(&track.link)?.tracks.get(&track.mid).cloned()
    }

    /// Puts every line on what it is to send.
    pub fn route(&self, cuts: &Cuts, room: impl Fn(Codec) -> Option<StreamProducer>) {
        for entry in self.links.values() {
            for line in entry.lines.iter().filter(|line| sends(line)) {
                let source = entry.sources.get(&line.mid).unwrap_or(&Source::Nothing);
                let feed = match source {
                    Source::RoomVideo if line.codec.kind() == Kind::Video => {
                        room(line.codec).map(|producer| Feed { producer, cut: Some(cuts.camera.clone()) })
                    }
                    Source::RoomAudio if line.codec.kind() == Kind::Audio => {
                        room(line.codec).map(|producer| Feed { producer, cut: Some(cuts.microphone.clone()) })
                    }
                    Source::Forward(track) => self
                        .track(track)
                        .filter(|inbound| inbound.codec == line.codec)
                        .map(|inbound| Feed { producer: inbound.producer, cut: None }),
                    Source::RoomVideo | Source::RoomAudio | Source::Nothing => None,
                };
                entry.link.send(line.mid.clone(), feed);
            }
        }
    }

    /// A link says something: what of it the room is told.
    pub fn said(&mut self, link: LinkId, event: LinkEvent) -> Option<(MediaToRoom, Vec<u8>)> {
        if let LinkEvent::State(LinkState::Closed) = event {
            let at = self.closing.iter().position(|closing| *closing == link)?;
            self.closing.swap_remove(at);
            return Some((MediaToRoom::Link { link, state: LinkState::Closed }, Vec::new()));
        }
        let entry = self.links.get_mut(&link)?;
        let message = match event {
            LinkEvent::Description(kind, sdp) => MediaToRoom::Description { link, kind, sdp: Pii::new(sdp) },
            LinkEvent::Lines(lines) => {
                entry.lines = lines;
                return None;
            }
            LinkEvent::State(state) => {
                match state {
                    LinkState::Verified => {
                        entry.liveness = Some(Liveness::start(Instant::now(), entry.link.figures().heard()));
                    }
                    LinkState::Failed(_) => drop(self.links.remove(&link)),
                    LinkState::Connecting | LinkState::Silent | LinkState::Closed => {}
                }
                MediaToRoom::Link { link, state }
            }
            LinkEvent::Track(inbound) => {
                let (track, kind) = (inbound.track.clone(), inbound.codec.kind());
                entry.tracks.insert(track.mid.clone(), inbound);
                MediaToRoom::Track { track, kind }
            }
            LinkEvent::Data(bytes) => return Some((MediaToRoom::Data { link }, bytes)),
        };
        Some((message, Vec::new()))
    }

    /// Looks after the peers: those that fell silent, and those that are heard again.
    pub fn look(&mut self, now: Instant) -> Vec<(LinkId, LinkState)> {
        if self.looked.is_some_and(|looked| now.saturating_duration_since(looked) < LOOK) {
            return Vec::new();
        }
        self.looked = Some(now);
        let mut changes = Vec::new();
        for (link, entry) in &mut self.links {
            let heard = entry.link.figures().heard();
            match entry.liveness.as_mut().and_then(|liveness| liveness.step(now, heard)) {
                Some(Change::Silent) => changes.push((*link, LinkState::Silent)),
                Some(Change::Heard) => changes.push((*link, LinkState::Verified)),
                None => {}
            }
        }
        changes
    }
}

fn sends(line: &Line) -> bool {
    line.direction == Direction::Send
}
