//! The half that is with the server: what the XMPP session tells, and the room's place in the meeting.

use std::time::Instant;

use minidom::Element;
use subrosa_messages::Pii;
use subrosa_messages::media::{TurnServer, TurnTransport};

use super::super::loading::lost;
use super::super::moderation::{self, Moderated, Ordered};
use super::super::muc;
use super::super::roster::{FOCUS, Nick, Participant};
use super::event::Action;
use super::inside::Inside;
use super::machine::{Asked, Joined, Out, capture, send};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::hosts::Named;
use crate::signalling::jingle::Jingle;
use crate::signalling::jingle::description::ability::CodecList;
use crate::signalling::jingle::session::{self, Peer, Request};
use crate::signalling::xmpp::server::{Component, Service};
use crate::signalling::xmpp::{self, Jid, Stanza, element};

impl Joined {
    pub(super) fn told(&mut self, now: Instant, told: xmpp::Told, out: &mut Out) {
        match told {
            xmpp::Told::Online(jid) => {
                self.interrupted = false;
                self.address = Some(jid.clone());
                self.muc(now, muc::Event::Online(jid), out);
            }
            xmpp::Told::Resumed => self.interrupted = false,
            xmpp::Told::Interrupted(_) => self.interrupted = true,
            xmpp::Told::Server(components) => self.components(&components),
            xmpp::Told::Services(services) => self.services(&services),
            xmpp::Told::Stanza(stanza) => self.stanza(now, stanza, out),
            xmpp::Told::Answer(question, answer) => self.answered(now, question, answer, out),
            xmpp::Told::Failed(fault) => {
                let failure = lost(fault, None, self.address.is_some());
                self.fail(now, failure, out);
            }
            xmpp::Told::Stopped => {}
        }
    }

    pub(super) fn components(&mut self, components: &[Component]) {
        let moderation = components.iter().find(|component| component.kind == "av_moderation");
        self.moderation = moderation.map(|component| component.address.clone());
    }

    /// The relay that the server offers: over TLS if there is one, since it passes where nothing else does.
    pub(super) fn services(&mut self, services: &[Service]) {
        let usable = |kind: &str| {
            services.iter().find(|one| one.kind == kind && one.username.is_some() && one.password.is_some())
        };
        let Some(service) = usable("turns").or_else(|| usable("turn")) else { return };
        let (Some(user), Some(password)) = (service.username.clone(), service.password.clone()) else { return };
        let (transport, port) = match (service.kind.as_str(), service.transport.as_deref()) {
            ("turns", _) => (TurnTransport::Tls, 5349),
            (_, Some("tcp")) => (TurnTransport::Tcp, 3478),
            (_, _) => (TurnTransport::Udp, 3478),
        };
        self.hosts.declare(&service.host, Named::AsRelay);
        let port = service.port.unwrap_or(port);
        self.relay =
            Some(TurnServer { host: service.host.clone(), port, transport, user, password, relay_only: false });
    }

    pub(super) fn stanza(&mut self, now: Instant, stanza: Stanza, out: &mut Out) {
        let room = self.settings.muc.room.reveal().to_owned();
        match stanza.0.name() {
            "iq" => self.asked_of_us(now, &stanza.0, &room, out),
            "message" => {
                let moderated =
                    self.moderation.as_deref().and_then(|from| moderation::moderated(&stanza.0, from, &room));
                match moderated {
                    Some(Moderated::Enabled(medium, true)) => drop(self.moderated.insert(medium, false)),
                    Some(Moderated::Enabled(medium, false)) => drop(self.moderated.remove(&medium)),
                    Some(Moderated::Approved(medium, approved)) => {
                        if let Some(has) = self.moderated.get_mut(&medium) {
                            *has = approved;
                        }
                    }
                    None => self.muc(now, muc::Event::Stanza(stanza), out),
                }
            }
            _ => self.muc(now, muc::Event::Stanza(stanza), out),
        }
    }

    /// An IQ that the XMPP session hands on: a mute, or Jingle.
    pub(super) fn asked_of_us(&mut self, now: Instant, iq: &Element, room: &str, out: &mut Out) {
        if let Some(jingle) = Jingle::inside(iq) {
            let (Some(from), Some(id)) = (iq.attr("from").and_then(Jid::new), iq.attr("id")) else { return };
            if self.inside.is_none() {
                send(element::refusal(iq, "cancel", "item-not-found"), out);
                return;
            }
            let focus = from.bare() == room && from.resource() == Some(FOCUS);
            let from = if focus { Peer::Focus } else { Peer::Occupant(Pii::new(from.reveal().to_owned())) };
            let request = Request { from, id: id.to_owned() };
            let jingle = Jingle::read(jingle).map(Box::new);
            self.session(now, session::Event::Asked(request, jingle), out);
            return;
        }
        match moderation::ordered(iq, room) {
            Some(Ordered::Mute(medium)) => {
                send(element::result(iq, None), out);
                self.forced.insert(medium);
                out.extend(capture(medium).map(Action::Mute));
            }
            Some(Ordered::Ignored) => send(element::result(iq, None), out),
            Some(Ordered::Forged) => send(element::refusal(iq, "auth", "forbidden"), out),
            None => send(element::refusal(iq, "cancel", "service-unavailable"), out),
        }
    }

    pub(super) fn muc(&mut self, now: Instant, event: muc::Event, out: &mut Out) {
        for action in self.muc.step(now, event) {
            match action {
                muc::Action::Post(body) => out.push(Action::Post(body)),
                muc::Action::Ask(stanza) => self.ask(Asked::Conference, stanza, out),
                muc::Action::Send(stanza) => out.push(Action::Xmpp(xmpp::Event::Send(stanza))),
                muc::Action::Tell(told) => self.placed(now, told, out),
            }
        }
    }

    pub(super) fn placed(&mut self, now: Instant, told: muc::Told, out: &mut Out) {
        match told {
            muc::Told::Waits(what) => self.waits = what,
            muc::Told::In(occupant) => self.enter(now, &occupant, out),
            muc::Told::Out => self.go_out(now, out),
            muc::Told::Here(nick, participant) => self.here(now, &nick, &participant, out),
            muc::Told::Gone(nick) => {
                if let Some(endpoint) = Inside::of(&nick) {
                    if let Some(inside) = &mut self.inside {
                        inside.unheard.remove(&endpoint);
                        inside.speaker = inside.speaker.take().filter(|speaker| *speaker != endpoint);
                    }
                    self.session(now, session::Event::Left(endpoint), out);
                }
            }
            muc::Told::Focus(says) => {
                self.focus = says;
                if says.records {
                    self.recorded(now, out);
                }
            }
            muc::Told::Said(who, line) => self.chat.said(now, who, line),
            muc::Told::Over(failure) => self.fail(now, failure, out),
        }
    }

    pub(super) fn enter(&mut self, now: Instant, occupant: &Jid, out: &mut Out) {
        self.waits = None;
        let inside = self.address.as_ref().and_then(|address| Inside::new(occupant, address, self.links));
        let Some(inside) = inside else { return self.fail(now, Failure::ServerFault, out) };
        self.inside = Some(inside);
        // Those who were there before us.
        let people: Vec<(Nick, Participant)> =
            self.muc.people().iter().map(|(nick, one)| (nick.clone(), one.clone())).collect();
        for (nick, participant) in people {
            self.here(now, &nick, &participant, out);
        }
        if let Some(ability) = self.ability {
            self.media_ready(now, ability, out);
        }
    }

    pub(super) fn here(&mut self, now: Instant, nick: &Nick, participant: &Participant, out: &mut Out) {
        if participant.recorder {
            self.recorded(now, out);
        }
        if participant.end_to_end && !self.left {
            self.fail(now, Failure::EndToEndOn, out);
        }
        if let Some(endpoint) = Inside::of(nick) {
            let codecs = (!participant.codecs.is_empty()).then(|| participant.codecs.join(","));
            self.session(now, session::Event::Codecs(endpoint, CodecList::read(codecs.as_deref())), out);
        }
    }

    pub(super) fn recorded(&mut self, now: Instant, out: &mut Out) {
        if self.settings.leaves_when_recorded && !self.left {
            self.fail(now, Failure::RecordingPolicy, out);
        }
    }
}
