//! The server that a link names.

use subrosa_messages::Pii;
use url::{Host, Url};

/// A host, and its port where that is not the usual one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    host: Pii<String>,
    port: Option<u16>,
}

impl ServerAddress {
    /// Of a URL. `None`: it names no host, or a user in front of it, by which links are forged.
    #[must_use]
    pub fn of(url: &Url) -> Option<Self> {
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let host = match url.host()? {
            Host::Domain(name) => name.trim_end_matches('.').to_owned(),
            address @ (Host::Ipv4(_) | Host::Ipv6(_)) => address.to_string(),
        };
        (!host.is_empty()).then(|| ServerAddress { host: Pii::new(host), port: url.port() })
    }

    /// A name in its ASCII form (IDNA), or an address as a URL has it; without a port.
    #[must_use]
    pub fn host(&self) -> &Pii<String> {
        &self.host
    }

    /// The port, where it is not the usual one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Host and port as a URL has them.
    #[must_use]
    pub fn authority(&self) -> Pii<String> {
        let host = self.host.reveal();
        Pii::new(self.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_as_a_url_has_them_and_a_user_is_none() {
        let of = |url| ServerAddress::of(&Url::parse(url).unwrap());
        for (url, host, authority) in [
            ("https://Meet.Example.org./x", "meet.example.org", "meet.example.org"),
            ("wss://meet.example.org:443/", "meet.example.org", "meet.example.org"),
            ("https://[2001:db8::7]:8443/", "[2001:db8::7]", "[2001:db8::7]:8443"),
        ] {
            let address = of(url).unwrap();
            assert_eq!((address.host().reveal().as_str(), address.authority().reveal().as_str()), (host, authority));
        }
        for none in ["https://a@b.example/", "https://a:b@c.example/", "data:,a"] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
