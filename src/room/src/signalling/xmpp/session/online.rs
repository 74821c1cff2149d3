//! The session in use: stanzas, questions, pings.

use std::time::Instant;

use minidom::Element;

use super::{
    Action, Actions, MISSES, PINGED, PONG, QUESTIONS, QUIET, SERVER, SERVICES, SERVICES_OLD, Session, Told, write,
};
use crate::signalling::xmpp::asked::{NoResult, Question};
use crate::signalling::xmpp::element::{self, Stanza, iq};
use crate::signalling::xmpp::{namespace, server};

impl Session {
    pub(super) fn online(&mut self, now: Instant, element: Element, out: &mut Actions) {
        if element.has_ns(namespace::MANAGEMENT) {
            self.managed(now, &element, out);
            return;
        }
        if !element.has_ns(namespace::CLIENT) {
            return;
        }
        match element.name() {
            "iq" => {
                self.management.received();
                self.iq(now, element, out);
            }
            "message" => {
                self.management.received();
                if self.pushed(&element) {
                    self.tell_server(out);
                } else {
                    Self::tell(element, out);
                }
            }
            "presence" => {
                self.management.received();
                Self::tell(element, out);
            }
            _ => {}
        }
    }

    fn managed(&mut self, now: Instant, element: &Element, out: &mut Actions) {
        match element.name() {
            "enabled" => self.management.enabled(element),
            "r" => write(&self.management.answer(), out),
            "a" => {
                let handled = element.attr("h").and_then(|h| h.parse().ok());
                if handled.is_none_or(|h| self.management.handled(h).is_err()) {
                    self.management.disable();
                    self.cut(now, out);
                }
            }
            "failed" => self.management.disable(),
            _ => {}
        }
    }

    fn tell_server(&mut self, out: &mut Actions) {
        if let Some(components) = self.components.clone() {
            out.push(Action::Tell(Told::Server(components)));
        }
        if let Some(services) = self.services.clone() {
            out.push(Action::Tell(Told::Services(services)));
        }
    }

    fn iq(&mut self, now: Instant, iq: Element, out: &mut Actions) {
        match iq.attr("type") {
            Some("get" | "set") => self.asked_of_us(iq, out),
            Some("result" | "error") => {
                let domain = self.settings.domain.clone();
                if let Some((question, result)) = self.asked.answered(&iq, &domain) {
                    self.answer(now, question, result, iq, out);
                }
            }
            _ => {}
        }
    }

    fn asked_of_us(&mut self, iq: Element, out: &mut Actions) {
        let get = iq.attr("type") == Some("get");
        let payload = iq.children().next();
        let answer = match payload {
            Some(ping) if get && ping.is("ping", namespace::PING) => element::result(&iq, None),
            Some(query) if get && query.is("query", namespace::DISCO_INFO) => {
                match self.settings.capabilities.answer(query.attr("node")) {
                    Some(query) => element::result(&iq, Some(query)),
                    None => element::refusal(&iq, "cancel", "item-not-found"),
                }
            }
            Some(other) if self.settings.taken.iter().any(|(name, namespace)| other.is(*name, *namespace)) => {
                Self::tell(iq, out);
                return;
            }
            Some(_) | None => element::refusal(&iq, "cancel", "service-unavailable"),
        };
        self.stanza_out(&answer, out);
    }

    fn answer(
        &mut self,
        now: Instant,
        question: Question,
        result: Result<(), NoResult>,
        answer: Element,
        out: &mut Actions,
    ) {
        match question.0 {
            SERVER => {
                let query = answer.get_child("query", namespace::DISCO_INFO);
                let components = query.filter(|_| result.is_ok()).map(server::components).unwrap_or_default();
                self.components = Some(components.clone());
                out.push(Action::Tell(Told::Server(components)));
            }
            SERVICES if result.is_err() => {
                let domain = self.settings.domain.clone();
                let older = iq("get", &domain, Element::bare("services", namespace::SERVICES_OLD));
                self.question(now, SERVICES_OLD, older, out);
            }
            SERVICES | SERVICES_OLD => {
                let list = answer.children().find(|child| child.name() == "services");
                let services = list.filter(|_| result.is_ok()).map(server::services).unwrap_or_default();
                self.services = Some(services.clone());
                out.push(Action::Tell(Told::Services(services)));
            }
            // Any frame shows that the server lives; the answer says nothing more, not even a refusal does.
            own if own >= QUESTIONS => {}
            _ => out.push(Action::Tell(Told::Answer(question, result.map(|()| Stanza(answer))))),
        }
    }

    pub(super) fn overdue(&mut self, now: Instant, out: &mut Actions) {
        for question in self.asked.overdue(now) {
            match question.0 {
                SERVER => out.push(Action::Tell(Told::Server(Vec::new()))),
                SERVICES | SERVICES_OLD => out.push(Action::Tell(Told::Services(Vec::new()))),
                own if own >= QUESTIONS => {}
                _ => out.push(Action::Tell(Told::Answer(question, Err(NoResult::TimedOut)))),
            }
        }
    }

    /// Pings a silent server, and gives a dead connection up.
    pub(super) fn watch(&mut self, now: Instant, out: &mut Actions) {
        if let Some(pinged) = self.pulse.pinged {
            if now.saturating_duration_since(pinged) < PONG {
                return;
            }
            self.pulse.pinged = None;
            self.pulse.misses += 1;
            if self.pulse.misses >= MISSES {
                self.cut(now, out);
                return;
            }
        }
        let heard = *self.pulse.heard.get_or_insert(now);
        if self.pulse.misses > 0 || now.saturating_duration_since(heard) >= QUIET {
            self.pulse.pinged = Some(now);
            let domain = self.settings.domain.clone();
            self.question(now, PINGED, iq("get", &domain, Element::bare("ping", namespace::PING)), out);
            if self.management.is_waiting() {
                write(&crate::signalling::xmpp::stream_management::Management::question(), out);
            }
        }
    }
}
