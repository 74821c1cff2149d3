//! The links that exist, what their lines send, and what has arrived on them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use gstreamer_utils::StreamProducer;
use subrosa_messages::Pii;
use subrosa_messages::media::{
    Codec, DescriptionKind, Direction, Kind, Line, LinkId, LinkState, MediaToRoom, Mid, Source, TrackId,
};

use crate::cut::Cuts;
use crate::encode::rate::Viewed;
use crate::inbound::Inbound;
use crate::link::carry::{Load, Of, Path, Picture};
use crate::link::liveness::{Change, Liveness};
use crate::link::{Feed, Link, LinkEvent, Plan, TellSession};
use crate::session::rate::Rate;

/// Liveness is looked at this often.
const LOOK: Duration = Duration::from_secs(1);
/// Sound that is forwarded, with all headers, in bit/s.
const SOUND: u32 = 60_000;

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
    /// What the lines were told to send last.
    fed: BTreeMap<Mid, StreamProducer>,
    tracks: BTreeMap<Mid, Track>,
    liveness: Option<Liveness>,
    /// Pictures by what they matter, as the room says.
    preferred: Vec<Mid>,
    path: Path,
    /// What the path leaves for the room's picture, in bit/s.
    left: Option<u32>,
    /// It is too narrow even for the room's picture alone.
    too_narrow: bool,
    /// Lines whose pictures are held back.
    paused: BTreeSet<Mid>,
}

struct Track {
    inbound: Inbound,
    rate: Rate,
    bits: u32,
}

impl Links {
    /// Opens a link; `false` when that is not possible at all.
    pub fn open(&mut self, plan: Plan, tell: TellSession) -> bool {
        let (id, side, lines) = (plan.link, plan.side, plan.lines.clone());
        if self.links.contains_key(&id) {
            return false;
        }
        let Ok(link) = Link::open(plan, tell) else { return false };
        let entry = Entry {
            link,
            side,
            limit: None,
            lines,
            sources: BTreeMap::new(),
            fed: BTreeMap::new(),
            tracks: BTreeMap::new(),
            liveness: None,
            preferred: Vec::new(),
            path: Path::default(),
            left: None,
            too_narrow: false,
            paused: BTreeSet::new(),
        };
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

    /// Which pictures matter most.
    pub fn prefer(&mut self, link: LinkId, mids: Vec<Mid>) {
        if let Some(entry) = self.links.get_mut(&link) {
            entry.preferred = mids;
        }
    }

    /// Sends over a data channel.
    pub fn data(&self, link: LinkId, channel: String, bytes: Vec<u8>) {
        if let Some(entry) = self.links.get(&link) {
            entry.link.data(channel, bytes);
        }
    }

    /// The path of this link is too narrow even for the smallest picture of the room, or no longer so.
    pub fn narrow(&mut self, link: LinkId, narrow: bool) {
        if let Some(entry) = self.links.get_mut(&link) {
            entry.too_narrow = narrow;
        }
    }

    /// Weighs what each link is to carry against what it can, about four times a second. `whole`: from which bitrate on the room's picture
    /// is whole in a codec.
    pub fn weigh(&mut self, now: Instant, whole: impl Fn(Codec) -> u32) {
        let mut bits = BTreeMap::new();
        for track in self.links.values_mut().flat_map(|entry| entry.tracks.values_mut()) {
            track.bits = track.rate.step(now, track.inbound.meter.bytes());
            bits.insert(track.inbound.track.clone(), track.bits);
        }
        for entry in self.links.values_mut().filter(|entry| entry.liveness.is_some()) {
            let load = entry.load(&bits, &whole);
            entry.left = entry.path.step(now, &load);
            // Who is not sent it at all is nobody whose path could be too narrow for it.
            entry.too_narrow &= entry.shows(Codec::H264) || entry.shows(Codec::Vp8);
        }
    }

    /// Holds back what has to be, and lets go what no longer has; what has changed.
    pub fn settle(&mut self) -> Vec<(LinkId, Mid, bool)> {
        let mut changes = Vec::new();
        for (link, entry) in &mut self.links {
            let paused: BTreeSet<Mid> =
                entry.lines.iter().filter(|line| entry.holds(line)).map(|line| line.mid.clone()).collect();
            for mid in entry.paused.symmetric_difference(&paused) {
                let holds = paused.contains(mid);
                entry.link.pause(mid.clone(), holds);
                changes.push((*link, mid.clone(), holds));
            }
            entry.paused = paused;
        }
        changes
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
        let viewed = |(link, entry): (&LinkId, &Entry)| Viewed { link: *link, usable: entry.left, limit: entry.limit };
        viewers.map(viewed).collect()
    }

    /// What has arrived as a track.
    pub fn track(&self, track: &TrackId) -> Option<Inbound> {
        Some(self.links.get(&track.link)?.tracks.get(&track.mid)?.inbound.clone())
    }

    /// Puts every line on what it is to send.
    pub fn route(&mut self, cuts: &Cuts, room: impl Fn(Codec) -> Option<StreamProducer>) {
        let inbounds: BTreeMap<TrackId, Inbound> = self
            .links
            .values()
            .flat_map(|entry| entry.tracks.values())
            .map(|track| (track.inbound.track.clone(), track.inbound.clone()))
            .collect();
        for entry in self.links.values_mut() {
            for line in entry.lines.iter().filter(|line| sends(line)) {
                let source = entry.sources.get(&line.mid).unwrap_or(&Source::Nothing);
                let feed = match source {
                    Source::RoomVideo if line.codec.kind() == Kind::Video => {
                        room(line.codec).map(|producer| Feed { producer, cut: Some(cuts.camera.clone()) })
                    }
                    Source::RoomAudio if line.codec.kind() == Kind::Audio => {
                        room(line.codec).map(|producer| Feed { producer, cut: Some(cuts.microphone.clone()) })
                    }
                    Source::Forward(track) => inbounds
                        .get(track)
                        .filter(|inbound| inbound.codec == line.codec)
                        .map(|inbound| Feed { producer: inbound.producer.clone(), cut: None }),
                    Source::RoomVideo | Source::RoomAudio | Source::Nothing => None,
                };
                if entry.fed.get(&line.mid) != feed.as_ref().map(|feed| &feed.producer) {
                    let producer = feed.as_ref().map(|feed| feed.producer.clone());
                    entry.link.send(line.mid.clone(), feed);
                    match producer {
                        Some(producer) => drop(entry.fed.insert(line.mid.clone(), producer)),
                        None => drop(entry.fed.remove(&line.mid)),
                    }
                }
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
                entry.tracks.insert(track.mid.clone(), Track { inbound, rate: Rate::default(), bits: 0 });
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
    /// What it is to carry, most important first.
    fn load(&self, bits: &BTreeMap<TrackId, u32>, whole: impl Fn(Codec) -> u32) -> Load {
        let mut load = Load { estimate: self.link.figures().estimate(), sound: 0, reserve: 0, pictures: Vec::new() };
        let mut ranked: Vec<(usize, Picture)> = Vec::new();
        for line in self.lines.iter().filter(|line| sends(line)) {
            let of = match (self.sources.get(&line.mid), line.codec.kind()) {
                (Some(Source::RoomVideo), Kind::Video) => {
                    load.reserve = whole(line.codec);
                    Of::Room
                }
                (Some(Source::Forward(track)), Kind::Video) => match bits.get(track) {
                    Some(bits) => Of::Guest(*bits),
                    None => continue,
                },
                (Some(Source::Forward(_)), Kind::Audio) if self.fed.contains_key(&line.mid) => {
                    load.sound = load.sound.saturating_add(SOUND);
                    continue;
                }
                _ => continue,
            };
            let unnamed = if of == Of::Room { 0 } else { usize::MAX };
            let rank = self.preferred.iter().position(|mid| *mid == line.mid).map_or(unnamed, |rank| rank + 1);
            ranked.push((rank, Picture { mid: line.mid.clone(), of }));
        }
        // Those of one rank keep the order of the lines.
        ranked.sort_by_key(|(rank, _)| *rank);
        load.pictures = ranked.into_iter().map(|(_, picture)| picture).collect();
        load
    }

    /// The picture of this line is to be held back.
    fn holds(&self, line: &Line) -> bool {
        let is_room = self.sources.get(&line.mid) == Some(&Source::RoomVideo);
        sends(line) && line.codec.kind() == Kind::Video && (self.path.holds(&line.mid) || (is_room && self.too_narrow))
    }

    /// It is sent the room's picture in this codec.
    fn shows(&self, codec: Codec) -> bool {
        let is_sent = |line: &Line| self.sources.get(&line.mid) == Some(&Source::RoomVideo);
        let is_held = |line: &Line| self.path.holds(&line.mid);
        self.lines.iter().any(|line| sends(line) && line.codec == codec && is_sent(line) && !is_held(line))
    }
}

fn sends(line: &Line) -> bool {
    line.direction == Direction::Send
}
