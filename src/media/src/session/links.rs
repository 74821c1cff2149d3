//! The links that exist, what their lines send, and what has arrived on them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gstreamer_utils::StreamProducer;
use subrosa_messages::Pii;
use subrosa_messages::media::{
    Codec, DescriptionKind, Direction, Kind, Line, LinkId, LinkState, MediaToRoom, Mid, Source, TrackId,
};

use crate::cut::Cuts;
use crate::encode::rate::Viewed;
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
    side: DescriptionKind,
    /// No higher than this, in pixels.
    limit: Option<u32>,
    lines: Vec<Line>,
    sources: BTreeMap<Mid, Source>,
    tracks: BTreeMap<Mid, Inbound>,
    liveness: Option<Liveness>,
}

impl Links {
    /// Opens a link; `false` when that is not possible at all.
    pub fn open(&mut self, plan: Plan, tell: TellSession) -> bool {
        let (id, side, lines) = (plan.link, plan.side, plan.lines.clone());
        if self.links.contains_key(&id) {
            return false;
        }
        let Ok(link) = Link::open(plan, tell) else { return false };
        let entry =
            Entry { link, side, limit: None, lines, sources: BTreeMap::new(), tracks: BTreeMap::new(), liveness: None };
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

    /// How high the peer wants the room's picture at most.
    pub fn limit(&mut self, link: LinkId, height: Option<u32>) {
        if let Some(entry) = self.links.get_mut(&link) {
            entry.limit = height;
        }
    }

    /// Sends over a data channel.
    pub fn data(&self, link: LinkId, channel: String, bytes: Vec<u8>) {
        if let Some(entry) = self.links.get(&link) {
            entry.link.data(channel, bytes);
        }
    }

    /// Holds the room's picture back where this link sends it; which lines that are.
    pub fn pause(&self, link: LinkId, paused: bool) -> Vec<Mid> {
        let Some(entry) = self.links.get(&link) else { return Vec::new() };
        let mids: Vec<Mid> = entry.room_pictures().map(|line| line.mid.clone()).collect();
        for mid in &mids {
            entry.link.pause(mid.clone(), paused);
        }
        mids
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

    /// Whether any link is to be sent the room's picture in this codec. A guest's link is made ready before the guest is
    /// let in, and then the picture has to be there at once; a server says when nobody watches.
    pub fn carry(&self, codec: Codec) -> bool {
        let carries = |entry: &Entry| match entry.side {
            DescriptionKind::Offer => entry.lines.iter().any(|line| sends(line) && line.codec == codec),
            DescriptionKind::Answer => entry.shows(codec),
        };
        self.links.values().any(carries)
    }

    /// The verified links that get the room's picture in this codec.
    pub fn viewers(&self, codec: Codec) -> Vec<Viewed> {
        let viewers = self.links.iter().filter(|(_, entry)| entry.liveness.is_some() && entry.shows(codec));
        let viewed = |(link, entry): (&LinkId, &Entry)| Viewed {
            link: *link,
            estimate: entry.link.figures().estimate(),
            limit: entry.limit,
        };
        viewers.map(viewed).collect()
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
            LinkEvent::Ended(mid) => {
                entry.tracks.remove(&mid);
                return None;
            }
            LinkEvent::Channel(channel, open) => MediaToRoom::Channel { link, channel, open },
            LinkEvent::Data(channel, bytes) => return Some((MediaToRoom::Data { link, channel }, bytes)),
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

impl Entry {
    /// It is sent the room's picture in this codec.
    fn shows(&self, codec: Codec) -> bool {
        self.room_pictures().any(|line| line.codec == codec)
    }

    /// The lines that send the room's picture.
    fn room_pictures(&self) -> impl Iterator<Item = &Line> {
        let is_sent = |line: &&Line| self.sources.get(&line.mid) == Some(&Source::RoomVideo);
        self.lines.iter().filter(|line| sends(line) && line.codec.kind() == Kind::Video).filter(is_sent)
    }
}

fn sends(line: &Line) -> bool {
    line.direction == Direction::Send
}
