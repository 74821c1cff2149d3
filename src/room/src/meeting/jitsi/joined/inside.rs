//! What there is while the room is in: the session with the focus, the bridge's channel, and who is shown.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Instant;

use subrosa_messages::Pii;
use subrosa_messages::media::{Kind, TrackId};

use super::super::muc::Muc;
use super::super::roster::{Nick, Participant};
use crate::meeting::elsewhere::stage::{Candidate, stage};
use crate::screen::stage::{MOST, heights};
use crate::signalling::colibri::{Channel, Shown};
use crate::signalling::jingle::session::Session;
use crate::signalling::jingle::source::{EndpointId, Owner, SourceName, VideoType};
use crate::signalling::xmpp::Jid;
use subrosa_messages::media::Size;

/// The room is in.
pub struct Inside {
    /// Our id on the bridge.
    pub endpoint: EndpointId,
    /// The session with the focus.
    pub session: Session,
    /// The bridge's channel.
    pub channel: Channel,
    /// The number of its newest WebSocket.
    pub socket: u64,
    /// Who speaks, or spoke last.
    pub speaker: Option<EndpointId>,
    /// What is shown and not sent, by the bridge's word, and since when.
    pub missing: BTreeMap<SourceName, Instant>,
    /// Whose connection is broken.
    pub unheard: BTreeSet<EndpointId>,
    /// Lines on which something has come.
    pub arrived: HashSet<TrackId>,
    /// Pictures that move.
    pub moving: HashSet<TrackId>,
    /// What is shown, the large one first.
    pub shown: Vec<SourceName>,
    /// There is no way to the bridge's channel: sound only.
    pub no_channel: bool,
}

impl Inside {
    /// Just entered, under an address in the room and our own.
    pub fn new(occupant: &Jid, address: &Jid, links: u64) -> Option<Self> {
        let endpoint = EndpointId::read(occupant.resource()?).ok()?;
        Some(Inside {
            session: Session::new(endpoint.clone(), Pii::new(address.reveal().to_owned()), links),
            channel: Channel::new(endpoint.clone()),
            endpoint,
            socket: 0,
            speaker: None,
            missing: BTreeMap::new(),
            unheard: BTreeSet::new(),
            arrived: HashSet::new(),
            moving: HashSet::new(),
            shown: Vec::new(),
            no_channel: false,
        })
    }

    /// The pictures that could be shown, as the focus named them: those whose owner says that they are not muted.
    fn candidates(&self, muc: &Muc) -> Vec<Candidate<SourceName, EndpointId>> {
        let streams = self.session.streams().filter(|stream| stream.kind == Kind::Video);
        let of_somebody = streams.filter_map(|stream| match &stream.owner {
            Owner::Endpoint(owner) if *owner != self.endpoint => Some((stream, owner)),
            Owner::Endpoint(_) | Owner::Bridge => None,
        });
        let shown = of_somebody.filter_map(|(stream, owner)| {
            let declared = muc.people().get(&Nick(owner.0.clone()))?.sources.get(stream.name.as_str())?;
            let screen = declared.desktop || stream.shows == Some(VideoType::Desktop);
            (!declared.muted).then(|| Candidate { source: stream.name.clone(), owner: owner.clone(), screen })
        });
        shown.collect()
    }

    /// What is to be shown now on a screen of this size, this many pictures at most, and how the bridge is asked for it.
    pub fn choose(&self, muc: &Muc, screen: Size, pictures: usize) -> (Vec<SourceName>, Vec<Shown>) {
        let candidates = self.candidates(muc);
        let names = stage(&candidates, self.speaker.as_ref(), &self.shown, pictures.min(MOST));
        let shows = |name: &SourceName| {
            let screen = candidates.iter().any(|candidate| candidate.source == *name && candidate.screen);
            if screen { VideoType::Desktop } else { VideoType::Camera }
        };
        let shared = names.first().is_some_and(|name| shows(name) == VideoType::Desktop);
        let heights = heights(screen, shared, names.len());
        let shown = names.iter().zip(heights).enumerate().map(|(place, (name, height))| Shown {
            source: name.clone(),
            height,
            shows: shows(name),
            large: place == 0,
        });
        let shown = shown.collect();
        (names, shown)
    }

    /// What is heard in the room: everybody's sound that has come.
    pub fn heard(&self) -> Vec<TrackId> {
        let streams = self.session.streams().filter(|stream| stream.kind == Kind::Audio);
        let others = streams.filter(|stream| matches!(&stream.owner, Owner::Endpoint(id) if *id != self.endpoint));
        others
            .filter_map(|stream| self.session.track(&stream.name))
            .filter(|track| self.arrived.contains(track))
            .collect()
    }

    /// Somebody's id on the bridge.
    pub fn of(nick: &Nick) -> Option<EndpointId> {
        EndpointId::read(nick.0.reveal()).ok()
    }
}

/// Whether somebody's microphone is closed: what they do not list is.
pub fn is_muted(owner: &EndpointId, participant: &Participant) -> bool {
    let sound = SourceName::of(owner, Kind::Audio, 0);
    participant.sources.get(sound.as_str()).is_none_or(|declared| declared.muted)
}

/// The earlier of two deadlines.
pub fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}
