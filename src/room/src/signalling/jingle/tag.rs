//! Elements, attribute by attribute.

use minidom::rxml::{Namespace, NcName};
use minidom::{Element, IntoAttributeValue};

use super::error::JingleError;
use super::text;

/// An element that is being written.
pub struct Tag(Element);

impl Tag {
    /// An empty one.
    pub fn new(name: &str, namespace: &str) -> Self {
        Tag(Element::bare(name, namespace))
    }

    /// With an attribute; `None` leaves it out.
    pub fn with(mut self, name: &str, value: impl IntoAttributeValue) -> Self {
        if let Ok(name) = NcName::try_from(name) {
            self.0.set_attr(Namespace::NONE, name, value);
        }
        self
    }

    /// With a child.
    pub fn child(mut self, child: impl Into<Element>) -> Self {
        self.0.append_child(child.into());
        self
    }

    /// With children.
    pub fn children<E: Into<Element>>(mut self, children: impl IntoIterator<Item = E>) -> Self {
        for child in children {
            self.0.append_child(child.into());
        }
        self
    }

    /// With text inside.
    pub fn text(mut self, text: &str) -> Self {
        self.0.append_text(text);
        self
    }
}

impl From<Tag> for Element {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

/// An attribute that must be there.
pub fn needed<'a>(element: &'a Element, name: &'a str, what: &'static str) -> Result<&'a str, JingleError> {
    element.attr(name).ok_or(JingleError::Missing(what))
}

/// A number that must be there.
pub fn needed_number<N: std::str::FromStr>(
    element: &Element,
    name: &str,
    what: &'static str,
) -> Result<N, JingleError> {
    text::number(needed(element, name, what)?, what)
}

/// A number that may be there.
pub fn number<N: std::str::FromStr>(
    element: &Element,
    name: &str,
    what: &'static str,
) -> Result<Option<N>, JingleError> {
    element.attr(name).map(|text| text::number(text, what)).transpose()
}

/// `true`/`1` and `false`/`0` (XML Schema, `xs:boolean`).
pub fn boolean(element: &Element, name: &str) -> Option<bool> {
    match element.attr(name)?.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// All children with this name, each read; more than `most` are refused before they are looked at.
pub fn each<T>(
    element: &Element,
    (name, namespace): (&str, &str),
    (most, what): (usize, &'static str),
    read: impl Fn(&Element) -> Result<T, JingleError>,
) -> Result<Vec<T>, JingleError> {
    let named = || element.children().filter(|child| child.is(name, namespace));
    if named().count() > most {
        return Err(JingleError::TooMany(what));
    }
    named().map(read).collect()
}
