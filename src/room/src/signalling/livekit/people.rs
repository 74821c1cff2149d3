//! Who is in the meeting and what they send, as the server says.

use std::collections::BTreeMap;

use livekit_protocol::participant_info::State;
use livekit_protocol::{ParticipantInfo, TrackInfo, TrackSource, TrackType, encryption};
use subrosa_messages::Pii;
use subrosa_messages::media::{Codec, Kind};

/// Of more people than this nothing is kept: a screen shows a few, and a server could name millions.
const MOST_PEOPLE: usize = 500;
/// A participant's tracks that are kept.
const MOST_TRACKS: usize = 16;
/// Names are cut here, in characters.
const LONGEST_NAME: usize = 100;
/// What names somebody or something in the protocol is no longer than this, in bytes.
const LONGEST_ID: usize = 128;

/// What a track shows, or where its sound is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// A screen.
    Screen,
    /// What a screen sounds like.
    ScreenSound,
    /// The server does not say.
    Unknown,
}

/// A track that somebody sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Sound or picture.
    pub kind: Kind,
    /// What it shows.
    pub source: Source,
    /// What of it this room can show; `None`: nothing, or the server does not say.
    pub codec: Option<Codec>,
    /// Nothing comes of it now.
    pub muted: bool,
    /// It is encrypted for those who have a key, which this room has not.
    pub encrypted: bool,
}

/// Somebody in the meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Participant {
    /// Who it is, as the token says.
    pub identity: Pii<String>,
    /// How they want to be called.
    pub name: Pii<String>,
    /// What they send, by `sid`.
    pub tracks: BTreeMap<String, Track>,
}

/// The others, each with their `sid`, as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People(Vec<(String, Participant)>);

impl People {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Participant)> {
        self.0.iter().map(|(sid, one)| (sid.as_str(), one))
    }

    /// All tracks with who sends them.
    pub fn tracks(&self) -> impl Iterator<Item = (&str, &str, &Track)> {
        self.iter().flat_map(|(of, one)| one.tracks.iter().map(move |(sid, track)| (of, sid.as_str(), track)))
    }

    /// A track by its `sid`.
    #[must_use]
    pub fn track(&self, sid: &str) -> Option<&Track> {
        self.0.iter().find_map(|(_, one)| one.tracks.get(sid))
    }

    /// Whether somebody is there.
    #[must_use]
    pub fn has(&self, sid: &str) -> bool {
        self.0.iter().any(|(known, _)| known == sid)
    }

    /// Whether somebody has a microphone open.
    #[must_use]
    pub fn is_heard(&self, sid: &str) -> bool {
        let open = |track: &Track| track.kind == Kind::Audio && !track.muted;
        self.0.iter().any(|(known, one)| known == sid && one.tracks.values().any(open))
    }

    /// Everybody is new.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The server says how somebody is. `true`: that was not known.
    pub(super) fn update(&mut self, info: ParticipantInfo) -> bool {
        if info.sid.is_empty() || info.sid.len() > LONGEST_ID {
            return false;
        }
        let place = self.0.iter().position(|(sid, _)| *sid == info.sid);
        if info.state() == State::Disconnected {
            return place.map(|place| self.0.remove(place)).is_some();
        }
        if place.is_none() && self.0.len() >= MOST_PEOPLE {
            return false;
        }
        let tracks = info.tracks.iter().filter(|track| is_id(&track.sid)).filter_map(track).take(MOST_TRACKS);
        let one = Participant {
            identity: Pii::new(cut(&info.identity)),
            name: Pii::new(cut(if info.name.is_empty() { &info.identity } else { &info.name })),
            tracks: tracks.collect(),
        };
        match place.and_then(|place| self.0.get_mut(place)) {
            Some((_, known)) => {
                let changed = *known != one;
                *known = one;
                changed
            }
            None => {
                self.0.push((info.sid, one));
                true
            }
        }
    }
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_ID
}

/// What a person may read: no control characters and no end to their length.
fn cut(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect()
}

fn track(info: &TrackInfo) -> Option<(String, Track)> {
    let kind = match info.r#type() {
        TrackType::Audio => Kind::Audio,
        TrackType::Video => Kind::Video,
        TrackType::Data => return None,
    };
    let source = match info.source() {
        TrackSource::Camera => Source::Camera,
        TrackSource::Microphone => Source::Microphone,
        TrackSource::ScreenShare => Source::Screen,
        TrackSource::ScreenShareAudio => Source::ScreenSound,
        TrackSource::Unknown => Source::Unknown,
    };
    let encrypted = info.encryption() != encryption::Type::None;
    Some((info.sid.clone(), Track { kind, source, codec: codec(info), muted: info.muted, encrypted }))
}

/// The codec that the track is in, or the one beside it for those who cannot take that.
fn codec(info: &TrackInfo) -> Option<Codec> {
    let known = |mime: &str| match mime.to_ascii_lowercase().as_str() {
        "video/h264" => Some(Codec::H264),
        "video/vp8" => Some(Codec::Vp8),
        // What is sent twice (RFC 2198) is unpacked by the server.
        "audio/opus" | "audio/red" => Some(Codec::Opus),
        _ => None,
    };
    known(&info.mime_type).or_else(|| info.codecs.iter().find_map(|codec| known(&codec.mime_type)))
}
