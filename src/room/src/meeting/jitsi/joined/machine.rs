//! The machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use minidom::Element;
use subrosa_messages::Capture;
use subrosa_messages::media::{Kind, TrackId, TurnServer};

use super::super::moderation::Medium;
use super::super::muc::{self, Muc, OfFocus};
use super::super::roster::Nick;
use super::event::{Action, Event, Sends, Settings};
use super::inside::{Inside, earlier};
use crate::meeting::elsewhere::chat::Chat;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::hosts::Hosts;
use crate::signalling::colibri;
use crate::signalling::jingle::description::ability::Ability;
use crate::signalling::jingle::session::{self, Reply};
use crate::signalling::jingle::source::SourceName;
use crate::signalling::xmpp::asked::{NoResult, Question};
use crate::signalling::xmpp::{self, Jid, Stanza};

/// A picture that is shown and does not come for so long is said to be missing; a new one takes a moment.
const MISSED: Duration = Duration::from_secs(4);

/// What a question of ours is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Conference,
    Session(u64),
    OwnUnmute(Medium),
}

/// The meeting.
pub struct Joined {
    pub(super) settings: Settings,
    pub(super) muc: Muc,
    pub(super) inside: Option<Inside>,
    pub(super) waits: Option<Failure>,
    pub(super) over: Option<Failure>,
    pub(super) interrupted: bool,
    /// Of the last event.
    pub(super) now: Instant,
    pub(super) focus: OfFocus,
    pub(super) hand: bool,
    pub(super) chat: Chat<Option<Nick>>,
    /// Media that others may send by permission only, and whether this room has it.
    pub(super) moderated: BTreeMap<Medium, bool>,
    pub(super) hosts: Hosts,
    pub(super) relay: Option<TurnServer>,
    pub(super) address: Option<Jid>,
    pub(super) moderation: Option<String>,
    pub(super) ability: Option<Ability>,
    pub(super) sends: Sends,
    /// Closed by the focus: opening it in the room has to be told to it.
    pub(super) forced: BTreeSet<Medium>,
    pub(super) asked: BTreeMap<u64, Asked>,
    pub(super) questions: u64,
    pub(super) links: u64,
    pub(super) pathless: u32,
    /// The room has left, or was thrown out.
    pub(super) left: bool,
}

pub(super) type Out = Vec<Action>;

impl Joined {
    /// On the way. The server's host is declared; nothing is done before the XMPP session tells something.
    #[must_use]
    pub fn new(settings: Settings, hosts: Hosts) -> Self {
        let links = settings.links;
        let mut muc = Muc::new(settings.muc.clone());
        // What everybody can decode, until media says what it can.
        let _not_online = muc.step(Instant::now(), muc::Event::Codecs(vec!["vp8".to_owned()]));
        Joined {
            muc,
            settings,
            inside: None,
            waits: None,
            over: None,
            interrupted: false,
            now: Instant::now(),
            focus: OfFocus::default(),
            hand: false,
            chat: Chat::default(),
            moderated: BTreeMap::new(),
            hosts,
            relay: None,
            address: None,
            moderation: None,
            ability: None,
            sends: Sends::default(),
            forced: BTreeSet::new(),
            asked: BTreeMap::new(),
            questions: 0,
            links,
            pathless: 0,
            left: false,
        }
    }

    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        if self.left {
            return out;
        }
        self.now = now;
        match event {
            Event::Xmpp(told) => self.told(now, told, &mut out),
            Event::Lost(failure) => self.fail(now, failure, &mut out),
            Event::Http(Some((status, body))) => self.muc(now, muc::Event::Http(status, body), &mut out),
            Event::Http(None) => self.muc(now, muc::Event::HttpFailed, &mut out),
            Event::Bridge(socket, said) => self.socket(now, socket, said, &mut out),
            Event::MediaReady { h264 } => self.media_ready(now, Ability { h264 }, &mut out),
            Event::MediaLost => {
                self.ability = None;
                if let Some(inside) = &mut self.inside {
                    inside.arrived.clear();
                    inside.moving.clear();
                }
                self.session(now, session::Event::MediaLost, &mut out);
            }
            Event::Answered { link, sdp } => self.session(now, session::Event::Answered { link, sdp }, &mut out),
            Event::Link { link, state } => self.link(now, link, state, &mut out),
            Event::Track(track, _) => {
                if let Some(inside) = &mut self.inside {
                    inside.arrived.insert(track);
                }
            }
            Event::Picture(track, moves) => {
                if let Some(inside) = &mut self.inside {
                    if moves {
                        inside.moving.insert(track)
                    } else {
                        inside.moving.remove(&track)
                    };
                }
            }
            Event::Channel { link, open } => {
                let event = if open { colibri::Event::Opened } else { colibri::Event::Closed { goodbye: false } };
                self.over_data_channel(now, link, event, &mut out);
            }
            Event::Data(link, text) => self.over_data_channel(now, link, colibri::Event::Text(text), &mut out),
            Event::Sends(sends) => self.sends(now, sends, &mut out),
            Event::Password(password) => {
                self.waits = None;
                self.muc(now, muc::Event::Password(password), &mut out);
            }
            Event::Hand(hand) => {
                self.hand = hand.is_some();
                self.muc(now, muc::Event::Hand(hand), &mut out);
            }
            Event::Say(line) => self.muc(now, muc::Event::Say(line), &mut out),
            Event::Leave => self.leave(now, &mut out),
            Event::Tick => self.tick(now, &mut out),
        }
        self.settle(now, &mut out);
        out
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.left {
            return None;
        }
        let inside =
            self.inside.as_ref().and_then(|inside| earlier(inside.session.deadline(), inside.channel.deadline()));
        let line = self.chat.deadline();
        let missed = self.inside.iter().flat_map(|inside| inside.missing.values()).map(|since| *since + MISSED);
        let missed = missed.filter(|due| *due > self.now).min();
        earlier(earlier(self.muc.deadline(), inside), earlier(line, missed))
    }

    /// A picture that is shown has not come for too long.
    pub(super) fn is_missed(&self, inside: &Inside, source: &SourceName) -> bool {
        inside.missing.get(source).is_some_and(|since| *since + MISSED <= self.now)
    }

    /// The hosts of this meeting (P5).
    #[must_use]
    pub fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// To ask for contact.
    pub fn hosts_mut(&mut self) -> &mut Hosts {
        &mut self.hosts
    }

    /// Somebody else is there and a session with the bridge: the captures are wanted.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.inside.as_ref().is_some_and(|inside| inside.session.link().is_some())
    }

    /// The room's hand is raised.
    #[must_use]
    pub fn hand(&self) -> bool {
        self.hand
    }

    /// What is heard in the room.
    #[must_use]
    pub fn heard(&self) -> Vec<TrackId> {
        self.inside.as_ref().map(Inside::heard).unwrap_or_default()
    }

    /// The last number of a link that was used.
    #[must_use]
    pub fn links(&self) -> u64 {
        self.links
    }

    /// Why it is over, once it is.
    #[must_use]
    pub fn over(&self) -> Option<Failure> {
        self.over
    }

    pub(super) fn ask(&mut self, about: Asked, stanza: Stanza, out: &mut Out) {
        self.questions += 1;
        self.asked.insert(self.questions, about);
        out.push(Action::Xmpp(xmpp::Event::Ask(Question(self.questions), stanza)));
    }

    pub(super) fn answered(
        &mut self,
        now: Instant,
        question: Question,
        answer: Result<Stanza, NoResult>,
        out: &mut Out,
    ) {
        match self.asked.remove(&question.0) {
            Some(Asked::Conference) => self.muc(now, muc::Event::Answer(answer), out),
            Some(Asked::Session(number)) => {
                let reply = match answer {
                    Ok(_) => Reply::Taken,
                    Err(NoResult::Refused(condition)) if condition == "resource-constraint" => Reply::RateLimited,
                    Err(NoResult::Refused(_)) => Reply::Refused,
                    Err(NoResult::TimedOut | NoResult::SessionLost | NoResult::TooMany) => Reply::Silence,
                };
                self.session(now, session::Event::Replied(number, reply), out);
            }
            Some(Asked::OwnUnmute(medium)) if answer.is_ok() => {
                self.forced.remove(&medium);
            }
            // Moderated, and not approved: the bridge lets nothing of it through. What nobody gets is not left open.
            Some(Asked::OwnUnmute(medium)) if matches!(answer, Err(NoResult::Refused(_))) => {
                out.extend(capture(medium).map(Action::Mute));
            }
            Some(Asked::OwnUnmute(_)) | None => {}
        }
    }

    pub(super) fn media_ready(&mut self, now: Instant, ability: Ability, out: &mut Out) {
        self.ability = Some(ability);
        let codecs = ability.published().split(',').map(str::to_owned).collect();
        self.muc(now, muc::Event::Codecs(codecs), out);
        self.session(now, session::Event::MediaReady(ability), out);
    }

    /// Brings everything in line: who is shown, what is asked for, what is published of the room's own streams.
    pub(super) fn settle(&mut self, now: Instant, out: &mut Out) {
        let Some(inside) = &mut self.inside else { return };
        let (names, shown) = inside.choose(&self.muc, self.settings.screen, self.settings.pictures);
        let own = |kind| SourceName::of(&inside.endpoint, kind, 0).as_str().to_owned();
        let mut muted = BTreeMap::new();
        if inside.session.link().is_some() {
            muted.insert(own(Kind::Audio), !self.sends.sound);
            muted.insert(own(Kind::Video), !self.sends.picture);
        }
        if inside.shown != names {
            inside.shown.clone_from(&names);
            self.session(now, session::Event::Wanted(names), out);
        }
        self.channel(now, colibri::Event::Shows(shown), out);
        self.muc(now, muc::Event::Muted(muted), out);
    }

    pub(super) fn tick(&mut self, now: Instant, out: &mut Out) {
        self.chat.tick(now);
        self.muc(now, muc::Event::Tick, out);
        self.session(now, session::Event::Tick, out);
        self.channel(now, colibri::Event::Tick, out);
    }

    pub(super) fn go_out(&mut self, now: Instant, out: &mut Out) {
        self.session(now, session::Event::Ended, out);
        self.channel(now, colibri::Event::Ended, out);
        self.inside = None;
        self.focus = OfFocus::default();
        self.moderated.clear();
        self.forced.clear();
        self.asked.retain(|_, about| *about == Asked::Conference);
    }

    pub(super) fn leave(&mut self, now: Instant, out: &mut Out) {
        if self.left {
            return;
        }
        self.go_out(now, out);
        self.left = true;
        self.muc(now, muc::Event::Leave, out);
        self.chat.clear();
        out.push(Action::Xmpp(xmpp::Event::Stop));
    }

    pub(super) fn fail(&mut self, now: Instant, failure: Failure, out: &mut Out) {
        if self.left {
            return;
        }
        self.leave(now, out);
        self.over = Some(failure);
        out.push(Action::Over(failure));
    }
}

pub(super) fn send(stanza: Element, out: &mut Out) {
    out.push(Action::Xmpp(xmpp::Event::Send(Stanza(stanza))));
}

pub(super) fn capture(medium: Medium) -> Option<Capture> {
    match medium {
        Medium::Audio => Some(Capture::Microphone),
        Medium::Video => Some(Capture::Camera),
        // This room shares no screen.
        Medium::Desktop => None,
    }
}
