//! Addresses (RFC 7622): `local@domain/resource`.

use std::fmt;

/// An address. It names a room or a person, so it prints as `‹withheld›` (promise P9).
///
/// Addresses are compared as they are written: a server writes them in one way only.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Jid(String);

/// Bytes of an address (RFC 7622, section 3.1: three parts of 1023 and their signs).
const BYTES: usize = 3071;

impl Jid {
    /// From its text; `None` when it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = text.len() <= BYTES && !text.chars().any(|c| c.is_control() || matches!(c, '<' | '>' | '"'));
        let jid = Jid(text.to_owned());
        let parts = !jid.domain().is_empty() && jid.local() != Some("") && jid.resource() != Some("");
        (plain && parts && !jid.domain().contains(char::is_whitespace)).then_some(jid)
    }

    /// Its text, for a stanza.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Without the resource.
    #[must_use]
    pub fn bare(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(bare, _)| bare)
    }

    /// The part behind the first `/`: of an occupant, the nickname.
    #[must_use]
    pub fn resource(&self) -> Option<&str> {
        self.0.split_once('/').map(|(_, resource)| resource)
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local(&self) -> Option<&str> {
        self.bare().split_once('@').map(|(local, _)| local)
    }

    /// The server.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.bare().split_once('@').map_or(self.bare(), |(_, domain)| domain)
    }

    /// Another resource at the same bare address.
    #[must_use]
    pub fn with_resource(&self, resource: &str) -> Option<Self> {
        Jid::new(&format!("{}/{resource}", self.bare()))
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹withheld›")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_parts() {
        let jid = Jid::new("room@muc.meet.test/a/b@c").expect("an address");
        assert_eq!((jid.local(), jid.domain(), jid.resource()), (Some("room"), "muc.meet.test", Some("a/b@c")));
        assert_eq!(jid.bare(), "room@muc.meet.test");
        let server = Jid::new("meet.test").expect("a server");
        assert_eq!((server.local(), server.domain(), server.resource()), (None, "meet.test", None));
        for text in ["", "@b", "a@", "a@b/", "/c", "a@b\n", "a@b c"] {
            assert_eq!(Jid::new(text), None, "{text:?}");
        }
    }

    #[test]
    fn p9_an_address_never_prints() {
        assert_eq!(format!("{:?}", Jid::new("rosa@meet.test")), "Some(‹withheld›)");
    }
}
