//! The half of a meeting that is with a LiveKit server: the session, media, and who is shown. The same for a plain LiveKit room and for every
//! program whose media is LiveKit; those know more of people than their tracks, and name them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use subrosa_messages::media::{DescriptionKind, Kind, LinkId, Mid, RoomToMedia, Size, Source as Sent, TrackId};
use subrosa_messages::{Capture, Pii};

use crate::meeting::elsewhere::device::Device;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::stage::{Candidate, stage};
use crate::meeting::hosts::{Hosts, Named};
use crate::screen::stage::{MOST, heights};
use crate::screen::view::{PersonView, PictureView};
use crate::signalling::Sends;
use crate::signalling::lines::{ROOM_VIDEO, ROOM_VIDEO_BESIDE};
use crate::signalling::livekit::{self, End, Participant, Session, Source, Told, Watched, Wish};
use crate::signalling::sdp;

/// Voices that are heard at once; who spoke last comes first.
const VOICES: usize = 8;
/// A picture that is shown and does not come for so long is said to be missing; a new one takes a moment.
const MISSED: Duration = Duration::from_secs(4);

/// What is fixed for one meeting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The room's screen.
    pub screen: Size,
    /// The most pictures that it shows at once.
    pub pictures: usize,
    /// The picture that the room sends, at its largest.
    pub picture: Size,
    /// The last number of a link that was used.
    pub links: u64,
}

/// What is to be done, in this order.
#[derive(Debug)]
pub enum Action {
    /// Open the WebSocket at this path below the server's address, with this token.
    Connect {
        /// Path and query.
        path: String,
        /// For the header.
        token: Pii<String>,
    },
    /// Send this over it.
    Send(Pii<Vec<u8>>),
    /// Close it.
    Close,
    /// To media.
    Media(RoomToMedia),
    /// The server closes this capture (P2).
    Mute(Capture),
    /// The server records, or no longer.
    Records(bool),
    /// It is over for this room.
    Over(Failure),
}

/// What is known of somebody beside what LiveKit says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What they call themselves.
    pub name: Option<Pii<String>>,
    /// They have raised a hand.
    pub hand: bool,
}

/// The half with LiveKit.
pub struct Inside {
    settings: Settings,
    session: Session,
    /// The room has been let in.
    joined: bool,
    interrupted: bool,
    records: bool,
    /// Who speaks, or spoke last.
    speaker: Option<String>,
    /// Lines on which something has come.
    arrived: HashMap<TrackId, Kind>,
    /// Pictures that move.
    moving: HashSet<TrackId>,
    /// What is shown, the large one first, by `sid`.
    shown: Vec<String>,
    /// What is shown and does not move, since when.
    still: BTreeMap<String, Instant>,
    may_not: BTreeSet<Source>,
    /// The room's picture is sent in a second codec.
    beside: bool,
    now: Instant,
}

impl Inside {
    /// On the way, with the token that lets in; the first [`Device::Tick`] begins.
    #[must_use]
    pub fn new(now: Instant, settings: Settings, token: Pii<String>) -> Self {
        let session = livekit::Settings {
            pictures: settings.pictures.min(MOST),
            voices: VOICES,
            picture: settings.picture,
            links: settings.links,
        };
        Inside {
            session: Session::new(now, session, token),
            settings,
            joined: false,
            interrupted: false,
            records: false,
            speaker: None,
            arrived: HashMap::new(),
            moving: HashSet::new(),
            shown: Vec::new(),
            still: BTreeMap::new(),
            may_not: BTreeSet::new(),
            beside: false,
            now,
        }
    }

    /// Knocks at the server at once, where the device has been told of before: which captures are open, and whether media is there, with an
    /// encoder for H.264 or without.
    pub fn begin(&mut self, now: Instant, sends: Sends, media: Option<bool>, hosts: &mut Hosts) -> Vec<Action> {
        let mut said = self.device(now, Device::Sends(sends), hosts);
        if let Some(h264) = media {
            said.extend(self.device(now, Device::MediaReady { h264 }, hosts));
        }
        said.extend(self.device(now, Device::Tick, hosts));
        said
    }

    /// Something happens at this device. What is not for a session is nobody's here.
    pub fn device(&mut self, now: Instant, event: Device, hosts: &mut Hosts) -> Vec<Action> {
        let event = match event {
            Device::MediaReady { h264 } => livekit::Event::MediaReady { h264 },
            Device::MediaLost => {
                self.arrived.clear();
                self.moving.clear();
                livekit::Event::MediaLost
            }
            Device::Described { link, kind: DescriptionKind::Offer, sdp } => livekit::Event::Offered { link, sdp },
            Device::Described { link, kind: DescriptionKind::Answer, sdp } => livekit::Event::Answered { link, sdp },
            Device::Link { link, state } => livekit::Event::Link { link, state },
            Device::Track(track, kind) => {
                self.arrived.insert(track, kind);
                return self.settled(now, hosts);
            }
            Device::Picture(track, moves) => {
                if moves {
                    self.moving.insert(track)
                } else {
                    self.moving.remove(&track)
                };
                return self.settled(now, hosts);
            }
            Device::Sends(sends) => {
                let mut out = self.step(now, livekit::Event::Sends(sends), hosts);
                // What nobody gets is not left open.
                let open = [(Source::Camera, sends.picture), (Source::Microphone, sends.sound)];
                let forbidden = open.into_iter().filter(|(source, open)| *open && self.may_not.contains(source));
                out.extend(forbidden.filter_map(|(source, _)| capture(source)).map(Action::Mute));
                return out;
            }
            Device::Leave => livekit::Event::Leave,
            Device::Tick => livekit::Event::Tick,
            Device::Channel { .. } | Device::Data { .. } | Device::Password(_) | Device::Press(_) | Device::Say(..) => {
                return Vec::new();
            }
        };
        self.step(now, event, hosts)
    }

    /// Takes one event of the session and says what is to be done.
    pub fn step(&mut self, now: Instant, event: livekit::Event, hosts: &mut Hosts) -> Vec<Action> {
        self.now = now;
        let mut out = Vec::new();
        let said = self.session.step(now, event);
        self.carry_out(said, hosts, &mut out);
        out.extend(self.settled(now, hosts));
        out
    }

    fn carry_out(&mut self, said: Vec<livekit::Action>, hosts: &mut Hosts, out: &mut Vec<Action>) {
        for action in said {
            match action {
                livekit::Action::Connect { address, token } => out.push(Action::Connect { path: address, token }),
                livekit::Action::Send(bytes) => out.push(Action::Send(bytes)),
                livekit::Action::Close => out.push(Action::Close),
                livekit::Action::Media(message) => {
                    declare(&message, hosts);
                    if let RoomToMedia::CloseLink { link } = &message {
                        self.arrived.retain(|track, _| track.link != *link);
                        self.moving.retain(|track| track.link != *link);
                    }
                    out.push(Action::Media(message));
                }
                livekit::Action::Tell(told) => self.told(told, out),
            }
        }
    }

    fn told(&mut self, told: Told, out: &mut Vec<Action>) {
        match told {
            Told::Joined => {
                (self.joined, self.interrupted, self.beside) = (true, false, false);
                self.may_not.clear();
            }
            Told::Speakers(speakers) => self.speaker = speakers.into_iter().next().or(self.speaker.take()),
            Told::Wanted { first, beside } => {
                let Some(link) = self.session.sending() else { return };
                for (mid, wish) in [(ROOM_VIDEO, first), (ROOM_VIDEO_BESIDE, beside)] {
                    let rests = wish == Wish::Nothing;
                    if rests && mid == ROOM_VIDEO_BESIDE && !std::mem::take(&mut self.beside) {
                        // Not every link has it.
                        continue;
                    }
                    self.beside |= mid == ROOM_VIDEO_BESIDE && !rests;
                    let source = if rests { Sent::Nothing } else { Sent::RoomVideo };
                    out.push(Action::Media(RoomToMedia::Send { link, mid: Mid(mid.to_owned()), source }));
                }
                let height = if let Wish::Lines(lines) = first.max(beside) { Some(lines) } else { None };
                out.push(Action::Media(RoomToMedia::Limit { link, height }));
            }
            Told::Mute(capture) => out.push(Action::Mute(capture)),
            Told::MayNotSend(source) => {
                self.may_not.insert(source);
                // What nobody gets is not left open.
                out.extend(capture(source).map(Action::Mute));
            }
            Told::Records(records) => {
                self.records = records;
                out.push(Action::Records(records));
            }
            Told::Interrupted => self.interrupted = true,
            Told::Resumed => self.interrupted = false,
            Told::Over(End::Unreachable) if self.joined => out.push(Action::Over(Failure::ConnectionLost)),
            Told::Over(end) => out.extend(failure(end).map(Action::Over)),
            Told::People | Told::Slots | Told::UnmuteRefused(_) => {}
        }
    }

    /// Brings in line who is shown and what is asked of the server.
    fn settled(&mut self, now: Instant, hosts: &mut Hosts) -> Vec<Action> {
        let mut out = Vec::new();
        if self.session.over().is_some() {
            return out;
        }
        if self.session.people().tracks().any(|(_, _, track)| track.encrypted) {
            let said = self.session.step(now, livekit::Event::Leave);
            self.carry_out(said, hosts, &mut out);
            out.push(Action::Over(Failure::EndToEndOn));
            return out;
        }
        let people = self.session.people();
        let candidates: Vec<Candidate<String, String>> = people
            .tracks()
            .filter(|(_, _, track)| track.kind == Kind::Video && !track.muted)
            .map(|(owner, sid, track)| Candidate {
                source: sid.to_owned(),
                owner: owner.to_owned(),
                screen: track.source == Source::Screen,
            })
            .collect();
        self.speaker = self.speaker.take().filter(|speaker| people.has(speaker));
        let shown = stage(&candidates, self.speaker.as_ref(), &self.shown, self.settings.pictures.min(MOST));
        self.still = shown
            .iter()
            .filter(|track| !self.moves(track))
            .map(|track| (track.clone(), self.still.get(track).copied().unwrap_or(now)))
            .collect();
        if self.shown != shown {
            self.shown.clone_from(&shown);
            let shared = candidates.iter().any(|one| one.screen && shown.first() == Some(&one.source));
            let sizes = heights(self.settings.screen, shared, shown.len());
            let size = |height: u32| Size { width: height.saturating_mul(16) / 9, height };
            let watch = shown.into_iter().zip(sizes).map(|(track, height)| Watched { track, size: size(height) });
            let said = self.session.step(now, livekit::Event::Watch(watch.collect()));
            self.carry_out(said, hosts, &mut out);
        }
        out
    }

    /// When [`Device::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let missed = self.still.values().map(|since| *since + MISSED).filter(|due| *due > self.now).min();
        [self.session.deadline(), missed].into_iter().flatten().min()
    }

    /// The room has been let in.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.joined
    }

    /// The connection to the server is lost and being made again.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// The server records.
    #[must_use]
    pub fn records(&self) -> bool {
        self.records
    }

    /// The room may send this.
    #[must_use]
    pub fn may_send(&self, source: Source) -> bool {
        !self.may_not.contains(&source)
    }

    /// The link on which the room sends. While there is one, the captures are wanted.
    #[must_use]
    pub fn sending(&self) -> Option<LinkId> {
        self.session.sending()
    }

    /// The link on which others come: the same, but on an old server.
    #[must_use]
    pub fn receiving(&self) -> Option<LinkId> {
        self.session.receiving()
    }

    /// The last number of a link that was used.
    #[must_use]
    pub fn links(&self) -> u64 {
        self.session.links()
    }

    /// What is heard in the room.
    #[must_use]
    pub fn heard(&self) -> Vec<TrackId> {
        let link = self.session.receiving();
        let audio = |(track, kind): (&TrackId, &Kind)| {
            (*kind == Kind::Audio && Some(track.link) == link).then(|| track.clone())
        };
        let mut heard: Vec<TrackId> = self.arrived.iter().filter_map(audio).collect();
        heard.sort_unstable();
        heard
    }

    /// Whether whoever has an identity like that is muted, and whether their connection is there.
    #[must_use]
    pub fn is(&self, like: impl Fn(&str) -> bool) -> Option<(bool, bool)> {
        let mut people = self.session.people().iter();
        let (sid, one) = people.find(|(_, one)| like(one.identity.reveal()))?;
        Some((is_muted(one), self.session.is_connected(sid)))
    }

    /// What somebody with this identity is called.
    #[must_use]
    pub fn name_of(&self, identity: &str) -> Option<Pii<String>> {
        let mut people = self.session.people().iter();
        people.find(|(_, one)| one.identity.reveal() == identity).map(|(_, one)| one.name.clone())
    }

    /// The pictures, the large one first.
    pub fn pictures(&self, known: impl Fn(&Participant) -> Known) -> Vec<PictureView> {
        let people = self.session.people();
        let view = |sid: &String| {
            let (_, owner) = people.iter().find(|(_, one)| one.tracks.contains_key(sid))?;
            let known = known(owner);
            let moving = self.moves(sid);
            let missed = self.still.get(sid).is_some_and(|since| *since + MISSED <= self.now);
            Some(PictureView {
                name: known.name,
                picture: self.slot(sid).filter(|track| self.arrived.contains_key(track)),
                screen: owner.tracks.get(sid).is_some_and(|track| track.source == Source::Screen),
                moving,
                muted: is_muted(owner),
                hand: known.hand,
                missing: !moving && (missed || self.session.is_paused(sid)),
            })
        };
        self.shown.iter().filter_map(view).collect()
    }

    /// Everybody else.
    pub fn others(&self, known: impl Fn(&Participant) -> Known) -> Vec<PersonView> {
        let view = |(sid, one): (&str, &Participant)| {
            let known = known(one);
            let connected = self.session.is_connected(sid);
            PersonView { name: known.name, muted: is_muted(one), hand: known.hand, connected }
        };
        self.session.people().iter().map(view).collect()
    }

    fn slot(&self, track: &str) -> Option<TrackId> {
        let link = self.session.receiving()?;
        let (mid, _) = self.session.slots().find(|(_, filled)| *filled == track)?;
        Some(TrackId { link, mid: Mid(mid.to_owned()) })
    }

    fn moves(&self, track: &str) -> bool {
        self.slot(track).is_some_and(|slot| self.moving.contains(&slot))
    }
}

/// What the server calls somebody, where nothing else is known of them.
#[must_use]
pub fn named(one: &Participant) -> Known {
    Known { name: (!one.name.reveal().is_empty()).then(|| one.name.clone()), hand: false }
}

/// Whom media will contact is declared first (P5).
fn declare(message: &RoomToMedia, hosts: &mut Hosts) {
    match message {
        RoomToMedia::OpenLink { relay: Some(relay), .. } => {
            hosts.declare(&relay.host, Named::AsRelay);
            let _declared_just_now = hosts.contact(&relay.host);
        }
        RoomToMedia::Description { sdp, candidates: true, .. } => {
            for address in sdp::candidates(sdp.reveal()) {
                hosts.declare(address, Named::AsBridge);
                let _declared_just_now = hosts.contact(address);
            }
        }
        _ => {}
    }
}

fn is_muted(one: &Participant) -> bool {
    !one.tracks.values().any(|track| track.kind == Kind::Audio && !track.muted)
}

fn capture(source: Source) -> Option<Capture> {
    match source {
        Source::Camera => Some(Capture::Camera),
        Source::Microphone => Some(Capture::Microphone),
        Source::Screen | Source::ScreenSound | Source::Unknown => None,
    }
}

/// Why it is over, for people; `None`: they wanted it.
fn failure(end: End) -> Option<Failure> {
    match end {
        End::Left => None,
        End::NotAllowed => Some(Failure::LinkNotValid),
        End::NotFound => Some(Failure::NotLiveKit),
        End::Full => Some(Failure::Full),
        End::Unreachable => Some(Failure::NotReachable),
        End::Nonsense => Some(Failure::NotLiveKit),
        End::Twice => Some(Failure::JoinedTwice),
        End::Removed => Some(Failure::Kicked),
        End::RoomDeleted => Some(Failure::Ended),
        End::ServerGone => Some(Failure::ServerStopped),
        End::JoinFailed => Some(Failure::ServerFault),
        End::NoPath => Some(Failure::NetworkBlocksMedia),
        End::NotGenuine => Some(Failure::BridgeNotGenuine),
    }
}
