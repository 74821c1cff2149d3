//! The half that is with the bridge: the session with the focus, media, and the bridge's channel.

use std::time::Instant;

use minidom::Element;
use subrosa_messages::Capture;
use subrosa_messages::media::{LinkFault, LinkId, LinkState, RoomToMedia};

use super::super::moderation::Medium;
use super::super::muc;
use super::super::roster::FOCUS;
use super::event::{Action, FromSocket, Sends, ToSocket};
use super::inside::Inside;
use super::machine::{Asked, Joined, Out, send};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::hosts::Named;
use crate::signalling::colibri::{self, Wish};
use crate::signalling::jingle::session::{self, Fault, Peer};
use crate::signalling::jingle::source::SourceName;
use crate::signalling::sdp;
use crate::signalling::xmpp::{Build, Jid, Stanza, element, namespace};

/// Links that find no path before the network is said to be in the way.
const PATHS: u32 = 3;

impl Joined {
    pub(super) fn link(&mut self, now: Instant, link: LinkId, state: LinkState, out: &mut Out) {
        let ours = self.inside.as_ref().is_some_and(|inside| inside.session.link() == Some(link));
        match state {
            // The bridge has no reason to speak to who sends nothing, and nobody may be there to be heard.
            LinkState::Silent if !self.sends.sound && !self.sends.picture => return,
            LinkState::Verified if ours => self.pathless = 0,
            LinkState::Failed(LinkFault::Path) if ours => self.pathless += 1,
            LinkState::Connecting
            | LinkState::Verified
            | LinkState::Silent
            | LinkState::Failed(_)
            | LinkState::Closed => {}
        }
        if self.pathless >= PATHS {
            return self.fail(now, Failure::NetworkBlocksMedia, out);
        }
        self.session(now, session::Event::Link { link, state }, out);
    }

    pub(super) fn session(&mut self, now: Instant, event: session::Event, out: &mut Out) {
        let Some(inside) = &mut self.inside else { return };
        for action in inside.session.step(now, event) {
            // One before may have ended it all.
            if self.inside.is_some() {
                self.session_does(now, action, out);
            }
        }
    }

    pub(super) fn session_does(&mut self, now: Instant, action: session::Action, out: &mut Out) {
        match action {
            session::Action::Acknowledge(request) => {
                let result = Element::bare("iq", namespace::CLIENT).with("type", "result");
                send(self.to(&request.from, result).with("id", request.id), out);
            }
            session::Action::Refuse(request, refusal) => {
                let error = Element::bare("iq", namespace::CLIENT).with("type", "error").child(refusal.write());
                send(self.to(&request.from, error).with("id", request.id), out);
            }
            session::Action::Ask(peer, number, jingle) => {
                let iq = Element::bare("iq", namespace::CLIENT).with("type", "set").child(jingle.write());
                let iq = self.to(&peer, iq);
                self.ask(Asked::Session(number), Stanza(iq), out);
            }
            session::Action::Media(message) => self.media(message, out),
            session::Action::Channel(way) => {
                if let Some(inside) = &mut self.inside {
                    inside.no_channel = false;
                }
                self.channel(now, colibri::Event::Reach(way), out);
            }
            session::Action::Streams => {}
            session::Action::StartMuted(muted) => {
                let both = [(muted.audio, Capture::Microphone), (muted.video, Capture::Camera)];
                out.extend(both.into_iter().filter(|(muted, _)| *muted).map(|(_, capture)| Action::Mute(capture)));
            }
            session::Action::Rejoin => self.muc(now, muc::Event::Rejoin, out),
            session::Action::Fault(Fault::Certificate) => self.fail(now, Failure::BridgeNotGenuine, out),
            session::Action::Fault(Fault::Offer(_)) => self.fail(now, Failure::ServerFault, out),
        }
    }

    pub(super) fn to(&self, peer: &Peer, iq: Element) -> Element {
        match peer {
            Peer::Focus => {
                let focus = self.settings.muc.room.with_resource(FOCUS);
                iq.with("to", focus.as_ref().map(Jid::reveal))
            }
            Peer::Occupant(address) => iq.with("to", address.reveal().as_str()),
        }
    }

    /// Media is told what the session wants; whom it will contact is declared first (P5).
    pub(super) fn media(&mut self, message: RoomToMedia, out: &mut Out) {
        let message = match message {
            RoomToMedia::OpenLink { link, side, lines, data_channels, relay: _ } => {
                self.links = self.links.max(link.0);
                let relay = self.relay.clone();
                if let Some(relay) = &relay {
                    let _declared_with_it = self.hosts.contact(&relay.host);
                }
                RoomToMedia::OpenLink { link, side, lines, data_channels, relay }
            }
            RoomToMedia::Description { link, kind, sdp: description, candidates } => {
                for address in sdp::candidates(description.reveal()) {
                    self.hosts.declare(address, Named::AsBridge);
                    let _declared_just_now = self.hosts.contact(address);
                }
                RoomToMedia::Description { link, kind, sdp: description, candidates }
            }
            other => other,
        };
        out.push(Action::Media(message));
    }

    pub(super) fn channel(&mut self, now: Instant, event: colibri::Event, out: &mut Out) {
        let Some(inside) = &mut self.inside else { return };
        for action in inside.channel.step(now, event) {
            if self.inside.is_some() {
                self.channel_does(now, action, out);
            }
        }
    }

    pub(super) fn channel_does(&mut self, now: Instant, action: colibri::Action, out: &mut Out) {
        let Some(inside) = &mut self.inside else { return };
        match action {
            colibri::Action::Connect(address) => {
                inside.socket += 1;
                if let Some(host) = host(address.reveal()) {
                    self.hosts.declare(&host, Named::AsBridge);
                }
                out.push(Action::Bridge(inside.socket, ToSocket::Connect(address)));
            }
            colibri::Action::Disconnect => out.push(Action::Bridge(inside.socket, ToSocket::Close)),
            colibri::Action::Send(text) => match inside.session.link().filter(|_| inside.socket == 0) {
                Some(link) => out.push(Action::Data(link, text)),
                None => out.push(Action::Bridge(inside.socket, ToSocket::Send(text))),
            },
            colibri::Action::Picture(wish) => {
                let link = inside.session.link();
                self.session(now, session::Event::Watched(wish != Wish::Nothing), out);
                let height = match wish {
                    Wish::Height(height) => Some(height),
                    Wish::Nothing | Wish::Whole => None,
                };
                out.extend(link.map(|link| Action::Media(RoomToMedia::Limit { link, height })));
            }
            colibri::Action::Speaks(speaker) => inside.speaker = speaker.or(inside.speaker.take()),
            colibri::Action::Missing(sources) => {
                let since = |source: &SourceName| inside.missing.get(source).copied().unwrap_or(now);
                inside.missing = sources.into_iter().map(|source| (source.clone(), since(&source))).collect();
            }
            colibri::Action::Connection(endpoint, active) => {
                if active {
                    inside.unheard.remove(&endpoint)
                } else {
                    inside.unheard.insert(endpoint)
                };
            }
            // Of SSRC rewriting, which is not published; of nothing that is shown.
            colibri::Action::Mapped(..) | colibri::Action::Estimate(_) | colibri::Action::Told(..) => {}
            colibri::Action::Lost => self.session(now, session::Event::ChannelLost, out),
            colibri::Action::NoChannel => inside.no_channel = true,
        }
    }

    pub(super) fn socket(&mut self, now: Instant, socket: u64, said: FromSocket, out: &mut Out) {
        // Of an older one: it is over.
        if self.inside.as_ref().is_none_or(|inside| inside.socket != socket) {
            return;
        }
        let event = match said {
            FromSocket::Opened => colibri::Event::Opened,
            FromSocket::Text(text) => colibri::Event::Text(text),
            FromSocket::Closed { goodbye } => colibri::Event::Closed { goodbye },
        };
        self.channel(now, event, out);
    }

    pub(super) fn over_data_channel(&mut self, now: Instant, link: LinkId, event: colibri::Event, out: &mut Out) {
        let ours = |inside: &Inside| inside.session.link() == Some(link) && inside.socket == 0;
        if self.inside.as_ref().is_some_and(ours) {
            self.channel(now, event, out);
        }
    }

    pub(super) fn sends(&mut self, now: Instant, sends: Sends, out: &mut Out) {
        let before = std::mem::replace(&mut self.sends, sends);
        self.channel(now, colibri::Event::Camera(sends.picture), out);
        let opened = [(Medium::Audio, before.sound, sends.sound), (Medium::Video, before.picture, sends.picture)];
        for (medium, before, after) in opened {
            // Somebody in the room has opened what the focus had closed: the bridge lets it through when the focus knows.
            if after && !before && self.forced.contains(&medium) && self.inside.is_some() {
                self.own_unmute(medium, out);
            }
        }
    }

    /// Recording 05: `<mute jid="room/own">false</mute>` to the focus, after the switch (P2).
    pub(super) fn own_unmute(&mut self, medium: Medium, out: &mut Out) {
        let Some(inside) = &self.inside else { return };
        let room = &self.settings.muc.room;
        let (Some(own), Some(focus)) = (room.with_resource(inside.endpoint.as_str()), room.with_resource(FOCUS)) else {
            return;
        };
        let namespace = match medium {
            Medium::Audio => "http://jitsi.org/jitmeet/audio",
            Medium::Video => "http://jitsi.org/jitmeet/video",
            Medium::Desktop => return,
        };
        let mute = Element::bare("mute", namespace).with("jid", own.reveal()).holding("false");
        let stanza = Stanza(element::iq("set", focus.reveal(), mute));
        self.ask(Asked::OwnUnmute(medium), stanza, out);
    }
}

fn host(address: &str) -> Option<String> {
    url::Url::parse(address).ok()?.host_str().map(str::to_owned)
}
