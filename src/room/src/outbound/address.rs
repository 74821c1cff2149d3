//! Where a connection leads: a URL with TLS, on a host that was declared.

use subrosa_messages::Pii;
use url::Url;

use super::OutboundError;
use crate::meeting::hosts::Contact;

/// An address that may be connected to. It names rooms and may hold a token, so it never prints.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    contact: Contact,
    url: Pii<Url>,
    port: u16,
}

impl Address {
    /// From the proof that the host of the URL was declared.
    ///
    /// # Errors
    /// [`OutboundError::NotDeclared`] when it is another host, [`OutboundError::Unencrypted`] when the scheme is neither
    /// `https` nor `wss`.
    pub fn new(contact: Contact, url: Pii<Url>) -> Result<Self, OutboundError> {
        let address = url.reveal();
        if !address.host_str().is_some_and(|host| contact.is_for(host)) {
            return Err(OutboundError::NotDeclared);
        }
        match (address.scheme(), address.port_or_known_default()) {
            ("https" | "wss", Some(port)) => Ok(Address { contact, url, port }),
            _ => Err(OutboundError::Unencrypted),
        }
    }

    /// The host, as TLS and the name service know it: lower case, no brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.contact.host().reveal()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The `Host` of HTTP (RFC 9110, section 7.2).
    #[must_use]
    pub fn authority(&self) -> Pii<String> {
        let url = self.url.reveal();
        let host = url.host_str().unwrap_or("");
        Pii::new(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }

    /// What HTTP asks for (RFC 9112, section 3.2.1): path and query, with one more pair in that.
    #[must_use]
    pub fn target(&self, more: Option<(&str, &Pii<String>)>) -> Pii<String> {
        let mut url = self.url.reveal().clone();
        if let Some((name, value)) = more {
            url.query_pairs_mut().append_pair(name, value.reveal());
        }
        Pii::new(url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::hosts::{Hosts, Named};

    fn address(url: &str) -> Result<Address, OutboundError> {
        let mut hosts = Hosts::default();
        hosts.declare("meet.example.org", Named::ByLink);
        hosts.declare("2001:db8::7", Named::AsBridge);
        let contact = hosts.contact(if url.contains("2001") { "2001:db8::7" } else { "meet.example.org" }).unwrap();
        Address::new(contact, Pii::new(Url::parse(url).unwrap()))
    }

    #[test]
    fn p5_an_address_is_on_the_host_that_was_declared() {
        for url in ["https://example.org/", "wss://meet.example.org.evil.example/", "https://[2001:db8::8]/"] {
            assert_eq!(address(url), Err(OutboundError::NotDeclared), "{url}");
        }
        assert_eq!(address("https://Meet.Example.org./").unwrap().host(), "meet.example.org");
        let bridge = address("wss://[2001:db8::7]:9090/colibri-ws/a").unwrap();
        assert_eq!((bridge.host(), bridge.port()), ("2001:db8::7", 9090));
        assert_eq!(bridge.authority().reveal(), "[2001:db8::7]:9090");
    }

    #[test]
    fn p8_there_is_no_address_without_tls() {
        for url in ["http://meet.example.org/", "ws://meet.example.org/", "ftp://meet.example.org/"] {
            assert_eq!(address(url), Err(OutboundError::Unencrypted), "{url}");
        }
    }

    #[test]
    fn p9_an_address_does_not_print_and_asks_for_path_and_query() {
        let address = address("https://meet.example.org/team/config.js?room=rose").unwrap();
        assert_eq!((address.port(), address.authority().reveal().as_str()), (443, "meet.example.org"));
        assert_eq!(address.target(None).reveal(), "/team/config.js?room=rose");
        let previd = Pii::new("a b&c".to_owned());
        assert_eq!(address.target(Some(("previd", &previd))).reveal(), "/team/config.js?room=rose&previd=a+b%26c");
        assert!(!format!("{address:?}").contains("rose") && !format!("{address:?}").contains("example"));
    }
}
