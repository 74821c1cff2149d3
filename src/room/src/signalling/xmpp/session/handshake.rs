//! From the open WebSocket to a bound resource, or to the resumed session.

use std::time::Instant;

use minidom::Element;

use super::{Action, Actions, BIND, ESTABLISH, Fault, Phase, SERVER, SERVICES, Session, Told, event, write};
use crate::signalling::xmpp::asked::Question;
use crate::signalling::xmpp::element::{Build, iq};
use crate::signalling::xmpp::jid::Jid;
use crate::signalling::xmpp::{namespace, server};

impl Session {
    /// What came, by where the session is.
    pub(super) fn element(&mut self, now: Instant, element: Element, out: &mut Actions) {
        match self.phase {
            Phase::Greeting { since, authenticated, greeted: false } => {
                if element.is("open", namespace::FRAMING) {
                    self.phase = Phase::Greeting { since, authenticated, greeted: true };
                } else {
                    self.fail(Fault::Protocol, out);
                }
            }
            Phase::Greeting { authenticated, greeted: true, .. } => {
                if !element.is("features", namespace::STREAMS) {
                    self.fail(Fault::Protocol, out);
                } else if authenticated {
                    self.features(now, &element, out);
                } else {
                    self.mechanisms(now, &element, out);
                }
            }
            Phase::Authenticating { .. } => {
                if element.is("success", namespace::SASL) {
                    self.greet(now, true, out);
                } else if element.is("failure", namespace::SASL) {
                    self.not_authenticated(now, &element, out);
                }
                // A challenge: ANONYMOUS has none (XEP-0175); the deadline of this step ends it.
            }
            Phase::Resuming { .. } => self.resuming(now, &element, out),
            Phase::Binding { .. } | Phase::Establishing { .. } => self.binding(now, &element, out),
            Phase::Online => self.online(now, element, out),
            Phase::Idle | Phase::Connecting { .. } | Phase::Waiting { .. } | Phase::Over => {}
        }
    }

    fn mechanisms(&mut self, now: Instant, features: &Element, out: &mut Actions) {
        let mechanisms = features.get_child("mechanisms", namespace::SASL);
        let anonymous = mechanisms.is_some_and(|list| list.children().any(|one| one.text().trim() == "ANONYMOUS"));
        if !anonymous {
            self.fail(Fault::LoginRequired, out);
            return;
        }
        self.phase = Phase::Authenticating { since: now };
        write(&Element::bare("auth", namespace::SASL).with("mechanism", "ANONYMOUS"), out);
    }

    fn not_authenticated(&mut self, now: Instant, failure: &Element, out: &mut Actions) {
        match event::named(failure) {
            // RFC 6120, section 6.5.12: try again later.
            "temporary-auth-failure" => self.cut(now, out),
            "invalid-mechanism" | "mechanism-too-weak" => self.fail(Fault::LoginRequired, out),
            _ => self.fail(Fault::Refused, out),
        }
    }

    fn features(&mut self, now: Instant, features: &Element, out: &mut Actions) {
        self.offers_management = features.get_child("sm", namespace::MANAGEMENT).is_some();
        if self.offers_management
            && let Some(resume) = self.management.resume()
        {
            self.phase = Phase::Resuming { since: now };
            write(&resume, out);
            return;
        }
        // RFC 6121, section 1.4: a session that is not said to be optional is demanded.
        let session = features.get_child("session", namespace::SESSION);
        let legacy = session.is_some_and(|session| !session.has_child("optional", namespace::SESSION));
        self.bind(now, legacy, out);
    }

    fn bind(&mut self, now: Instant, legacy: bool, out: &mut Actions) {
        self.management.disable();
        self.lose_questions(out);
        self.jid = None;
        self.components = None;
        self.services = None;
        self.phase = Phase::Binding { since: now, legacy };
        self.own(now, BIND, Element::bare("bind", namespace::BIND), out);
    }

    /// An IQ of the handshake to our own server. It is not counted: stream management is not on yet.
    fn own(&mut self, now: Instant, question: u64, payload: Element, out: &mut Actions) {
        if let Some(id) = self.asked.ask(now, None, Question(question)) {
            let iq = Element::bare("iq", namespace::CLIENT).with("type", "set").with("id", id).child(payload);
            write(&iq, out);
        }
    }

    fn resuming(&mut self, now: Instant, element: &Element, out: &mut Actions) {
        if element.is("resumed", namespace::MANAGEMENT) {
            let handled = element.attr("h").and_then(|h| h.parse().ok());
            if handled.is_none_or(|h| self.management.handled(h).is_err()) {
                // What it has and has not cannot be known: a new session is honest.
                self.management.disable();
                self.cut(now, out);
                return;
            }
            self.phase = Phase::Online;
            self.pace.rest();
            out.push(Action::Tell(Told::Resumed));
            for text in self.management.again() {
                out.push(Action::Send(subrosa_messages::Pii::new(text)));
            }
        } else if element.is("failed", namespace::MANAGEMENT) {
            // The session is gone (Prosody keeps one for 60 s). The stream is a fresh one: bind.
            self.bind(now, false, out);
        }
    }

    fn binding(&mut self, now: Instant, element: &Element, out: &mut Actions) {
        if element.name() == "message" {
            self.pushed(element);
            return;
        }
        let domain = self.settings.domain.clone();
        let Some((question, result)) = self.asked.answered(element, &domain) else { return };
        let Phase::Binding { legacy, .. } = self.phase else {
            if question.0 == ESTABLISH {
                // Refused or not: a server that binds and does not want sessions is in order.
                self.enter(now, out);
            }
            return;
        };
        if question.0 != BIND {
            return;
        }
        if result.is_err() {
            self.fail(Fault::Refused, out);
            return;
        }
        let bind = element.get_child("bind", namespace::BIND);
        let jid = bind.and_then(|bind| bind.get_child("jid", namespace::BIND));
        self.jid = jid.and_then(|jid| Jid::new(jid.text().trim()));
        if self.jid.is_none() {
            self.fail(Fault::Protocol, out);
        } else if legacy {
            self.phase = Phase::Establishing { since: now };
            self.own(now, ESTABLISH, Element::bare("session", namespace::SESSION), out);
        } else {
            self.enter(now, out);
        }
    }

    /// What Jitsi's plug-in for Prosody pushes, from our own server only.
    pub(super) fn pushed(&mut self, message: &Element) -> bool {
        if message.attr("from") != Some(self.settings.domain.as_str()) {
            return false;
        }
        let query = message.get_child("query", namespace::DISCO_INFO);
        let services = message.children().find(|child| {
            child.name() == "services" && (child.has_ns(namespace::SERVICES) || child.has_ns(namespace::SERVICES_OLD))
        });
        if let Some(query) = query {
            self.components = Some(server::components(query));
        }
        if let Some(services) = services {
            self.services = Some(server::services(services));
        }
        query.is_some() || services.is_some()
    }

    fn enter(&mut self, now: Instant, out: &mut Actions) {
        let Some(jid) = self.jid.clone() else { return };
        self.phase = Phase::Online;
        self.was_online = true;
        self.pace.rest();
        if self.offers_management {
            let enable = self.management.enable();
            write(&enable, out);
        }
        out.push(Action::Tell(Told::Online(jid)));
        let domain = self.settings.domain.clone();
        match self.components.clone() {
            Some(components) => out.push(Action::Tell(Told::Server(components))),
            None => self.question(now, SERVER, iq("get", &domain, Element::bare("query", namespace::DISCO_INFO)), out),
        }
        match self.services.clone() {
            Some(services) => out.push(Action::Tell(Told::Services(services))),
            None => {
                self.question(now, SERVICES, iq("get", &domain, Element::bare("services", namespace::SERVICES)), out)
            }
        }
    }

    /// An IQ of the session's own, counted as every stanza.
    pub(super) fn question(&mut self, now: Instant, question: u64, iq: Element, out: &mut Actions) {
        if let Some(id) = self.asked.ask(now, iq.attr("to"), Question(question)) {
            let text = iq.with("id", id);
            self.stanza_out(&text, out);
        }
    }
}
