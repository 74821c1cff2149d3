//! A session that was offered: its streams, its lines, and one negotiation with media at a time.

use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::media::{Codec, DataChannel, DescriptionKind, Kind, LinkId, Mid, RoomToMedia, Source};

use super::super::content::{Content, Description, Media};
use super::super::description::{Answer, Lines, Local, Offer, Ourselves, Stream, Streams, describe, sources};
use super::super::error::JingleError;
use super::super::source::{EndpointId, SourceName, Sources};
use super::super::stanza::{Action as Word, Jingle};
use super::event::{Action, Peer};
use crate::signalling::lines::{ROOM_AUDIO, ROOM_VIDEO};

/// A link that is not verified by then does not work. The bridge gives up on DTLS after the same time.
pub const CONNECTING: Duration = Duration::from_secs(30);
/// A bridge of which nothing has come for five seconds (`LinkState::Silent`), although it is sent something, has so long to be heard again: together
/// that is what Chromium's ICE takes to find a path lost.
pub const HEARD_AGAIN: Duration = Duration::from_secs(15);
/// Media answers in far less.
pub const ANSWERING: Duration = Duration::from_secs(10);

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Media makes its first answer.
    Opening,
    /// The session-accept with this number is on its way.
    Accepting(u64),
    /// The focus has taken it.
    Active,
}

/// A change of our own sources that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Removing(u64),
    Adding(u64),
}

/// The session.
#[derive(Debug)]
pub struct Live {
    pub offer: Offer,
    pub link: LinkId,
    pub phase: Phase,
    pub streams: Streams,
    pub lines: Lines,
    /// The codec of the room's own picture, for as long as the session lasts.
    pub room: Codec,
    /// The link must be verified by then.
    pub verify_by: Option<Instant>,
    /// Media must have answered by then.
    pub answer_by: Option<Instant>,
    version: u64,
    /// Something has changed since the last description.
    changed: bool,
    /// What we send.
    local: Local,
    /// What the focus knows of it.
    signalled: Local,
    change: Option<Change>,
}

impl Live {
    /// A session with its first sources; nothing is done yet.
    pub fn new(offer: Offer, link: LinkId, room: Codec) -> Self {
        let mut streams = Streams::default();
        streams.add(&offer.sources);
        Live {
            offer,
            link,
            phase: Phase::Opening,
            streams,
            lines: Lines::default(),
            room,
            verify_by: None,
            answer_by: None,
            version: 0,
            changed: false,
            local: Local::default(),
            signalled: Local::default(),
            change: None,
        }
    }

    /// Opens the link.
    ///
    /// # Errors
    /// When the offer lacks a codec.
    pub fn open(&mut self, now: Instant, watched: bool, out: &mut Vec<Action>) -> Result<(), JingleError> {
        let sdp = self.describe()?;
        let link = self.link;
        out.push(Action::Media(RoomToMedia::OpenLink {
            link,
            side: DescriptionKind::Answer,
            lines: Vec::new(),
            data_channels: self.offer.data.is_some().then(bridge_channel).into_iter().collect(),
            // The meeting knows it, this session does not.
            relay: None,
        }));
        self.send(ROOM_AUDIO, Source::RoomAudio, out);
        self.watched(watched, out);
        out.push(self.description(sdp));
        self.verify_by = Some(now + CONNECTING);
        self.answer_by = Some(now + ANSWERING);
        Ok(())
    }

    /// Sends the room's picture, or nothing while nobody watches.
    pub fn watched(&self, watched: bool, out: &mut Vec<Action>) {
        self.send(ROOM_VIDEO, if watched { Source::RoomVideo } else { Source::Nothing }, out);
    }

    fn send(&self, mid: &str, source: Source, out: &mut Vec<Action>) {
        out.push(Action::Media(RoomToMedia::Send { link: self.link, mid: Mid(mid.into()), source }));
    }

    fn describe(&mut self) -> Result<String, JingleError> {
        self.version += 1;
        self.changed = false;
        describe(&self.offer, &self.lines, &self.streams, self.version, self.room)
    }

    fn description(&self, sdp: String) -> Action {
        let kind = DescriptionKind::Offer;
        // Its candidates are the bridge's: a server's, not a guest's.
        Action::Media(RoomToMedia::Description { link: self.link, kind, sdp: Pii::new(sdp), candidates: true })
    }

    /// Seats the streams after something has changed: says so, and negotiates when media is free.
    ///
    /// # Errors
    /// When the offer lacks a codec.
    pub fn settle(
        &mut self,
        now: Instant,
        before: &Streams,
        wanted: &[SourceName],
        codec: impl Fn(&Stream) -> Option<Codec>,
        out: &mut Vec<Action>,
    ) -> Result<(), JingleError> {
        let lines = self.lines.clone();
        self.lines.settle(&self.streams, wanted, codec);
        if lines != self.lines || *before != self.streams {
            self.changed = true;
            out.push(Action::Streams);
        }
        self.negotiate(now, out)
    }

    /// One at a time: whatever has changed meanwhile goes into one description when media has answered.
    fn negotiate(&mut self, now: Instant, out: &mut Vec<Action>) -> Result<(), JingleError> {
        if self.changed && self.answer_by.is_none() && self.phase != Phase::Opening {
            let sdp = self.describe()?;
            out.push(self.description(sdp));
            self.answer_by = Some(now + ANSWERING);
        }
        Ok(())
    }

    /// Media has answered. The first answer is accepted.
    ///
    /// # Errors
    /// When the answer cannot be used.
    pub fn answered(
        &mut self,
        now: Instant,
        sdp: &str,
        ourselves: &Ourselves,
        number: &mut u64,
        out: &mut Vec<Action>,
    ) -> Result<(), JingleError> {
        if self.answer_by.take().is_none() {
            // Nobody has asked for it.
            return Ok(());
        }
        let answer = Answer::read(sdp)?;
        self.local = answer.local;
        if self.phase == Phase::Opening {
            let accept = answer.accept(&self.offer, ourselves)?;
            self.signalled = answer.local;
            *number += 1;
            self.phase = Phase::Accepting(*number);
            out.push(Action::Ask(Peer::Focus, *number, Box::new(accept)));
        }
        self.negotiate(now, out)?;
        self.tell_sources(&ourselves.endpoint, number, out);
        Ok(())
    }

    /// The focus has answered one of our messages; `false` if it was none of this session's, or is no reason to worry.
    pub fn replied(
        &mut self,
        answered: u64,
        taken: bool,
        endpoint: &EndpointId,
        number: &mut u64,
        out: &mut Vec<Action>,
    ) -> bool {
        if self.phase == Phase::Accepting(answered) {
            if taken {
                self.phase = Phase::Active;
                self.tell_sources(endpoint, number, out);
            }
            return !taken;
        }
        match self.change {
            // Refused: it may be that it never knew them. What counts is whether it takes the new ones.
            Some(Change::Removing(sent)) if sent == answered => {
                *number += 1;
                self.change = Some(Change::Adding(*number));
                self.signalled = self.local;
                out.push(self.ask(Word::SourceAdd, *number, &sources(endpoint, picture(self.local))));
                false
            }
            Some(Change::Adding(sent)) if sent == answered => {
                self.change = None;
                if taken {
                    self.tell_sources(endpoint, number, out);
                }
                !taken
            }
            Some(Change::Removing(_) | Change::Adding(_)) | None => false,
        }
    }

    /// Tells the focus when our SSRCs are others than it knows, once media has nothing more to negotiate: webrtcbin makes
    /// a new SSRC for retransmissions in each answer. The whole stream goes and comes, since browsers give up a line
    /// of which they lose a part.
    fn tell_sources(&mut self, endpoint: &EndpointId, number: &mut u64, out: &mut Vec<Action>) {
        let settled = self.phase == Phase::Active && self.answer_by.is_none() && self.change.is_none();
        if settled && self.local != self.signalled {
            *number += 1;
            let known = picture(self.signalled);
            if known == Local::default() {
                self.change = Some(Change::Adding(*number));
                self.signalled = self.local;
                out.push(self.ask(Word::SourceAdd, *number, &sources(endpoint, picture(self.local))));
            } else {
                self.change = Some(Change::Removing(*number));
                out.push(self.ask(Word::SourceRemove, *number, &sources(endpoint, known)));
            }
        }
    }

    fn ask(&self, action: Word, number: u64, changed: &Sources) -> Action {
        let mut jingle = Jingle::new(action, self.offer.sid.clone());
        jingle.initiator.clone_from(&self.offer.initiator);
        let (name, _) = &self.offer.video;
        jingle.contents.push(Content {
            name: name.clone(),
            creator: None,
            senders: None,
            description: Some(Description { sources: changed.clone(), ..Description::empty(Media::Rtp(Kind::Video)) }),
            transport: None,
        });
        Action::Ask(Peer::Focus, number, Box::new(jingle))
    }

    /// The next moment at which something must have happened.
    pub fn deadline(&self) -> Option<Instant> {
        [self.verify_by, self.answer_by].into_iter().flatten().min()
    }
}

/// The label of the bridge's channel (lib-jitsi-meet; `docs` of jitsi-videobridge, *Colibri*).
pub const BRIDGE_CHANNEL: &str = "JVB data channel";

/// The channel as the bridge knows it.
fn bridge_channel() -> DataChannel {
    DataChannel { label: BRIDGE_CHANNEL.into(), protocol: "http://jitsi.org/protocols/colibri".into() }
}

/// Sound keeps its SSRC: only the picture is retransmitted.
fn picture(local: Local) -> Local {
    Local { audio: None, ..local }
}
