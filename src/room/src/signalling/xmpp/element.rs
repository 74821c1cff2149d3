//! Elements: built in one expression, and carried where they cannot be logged.

use std::fmt;

use minidom::rxml::{Namespace, NcName};
use minidom::{Element, IntoAttributeValue};

/// Building elements in one expression.
pub trait Build: Sized {
    /// With an attribute; `None` leaves it out.
    #[must_use]
    fn with(self, name: &str, value: impl IntoAttributeValue) -> Self;
    /// With a child.
    #[must_use]
    fn child(self, child: Element) -> Self;
    /// With text inside.
    #[must_use]
    fn holding(self, text: &str) -> Self;
}

impl Build for Element {
    fn with(mut self, name: &str, value: impl IntoAttributeValue) -> Self {
        // Names are constants of this program; one that is no name would be left out.
        if let Ok(name) = NcName::try_from(name) {
            self.set_attr(Namespace::NONE, name, value);
        }
        self
    }

    fn child(mut self, child: Element) -> Self {
        self.append_child(child);
        self
    }

    fn holding(mut self, text: &str) -> Self {
        self.append_text(text);
        self
    }
}

/// A stanza. It names people, rooms and addresses, so it prints its kind only (promise P9).
#[derive(Clone, PartialEq)]
pub struct Stanza(pub Element);

impl fmt::Debug for Stanza {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0.name() {
            "iq" => "iq",
            "message" => "message",
            "presence" => "presence",
            _ => "other",
        };
        write!(f, "Stanza({kind})")
    }
}

/// An IQ that asks (`get`) or wants (`set`) something (RFC 6120, section 8.2.3). Its id is set when it is sent.
#[must_use]
pub fn iq(kind: &str, to: &str, payload: Element) -> Element {
    Element::bare("iq", super::namespace::CLIENT).with("type", kind).with("to", to).child(payload)
}

/// The answer to an IQ: `None` is the empty result.
#[must_use]
pub fn result(of: &Element, payload: Option<Element>) -> Element {
    let answer = Element::bare("iq", super::namespace::CLIENT)
        .with("type", "result")
        .with("to", of.attr("from"))
        .with("id", of.attr("id"));
    match payload {
        Some(payload) => answer.child(payload),
        None => answer,
    }
}

/// The refusal of an IQ (RFC 6120, section 8.3): `kind` as `cancel`, `condition` as `service-unavailable`.
#[must_use]
pub fn refusal(of: &Element, kind: &str, condition: &str) -> Element {
    let error = Element::bare("error", super::namespace::CLIENT)
        .with("type", kind)
        .child(Element::bare(condition, super::namespace::STANZAS));
    Element::bare("iq", super::namespace::CLIENT)
        .with("type", "error")
        .with("to", of.attr("from"))
        .with("id", of.attr("id"))
        .child(error)
}

/// The condition of an error stanza, such as `not-authorized`; `undefined-condition` when it has none.
#[must_use]
pub fn condition(stanza: &Element) -> &str {
    let error = stanza.children().find(|child| child.name() == "error");
    let named = error.and_then(|error| {
        error.children().find(|child| child.has_ns(super::namespace::STANZAS) && child.name() != "text")
    });
    named.map_or("undefined-condition", Element::name)
}
