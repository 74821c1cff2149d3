//! What a server says of itself (XEP-0030) and which relays it offers (XEP-0215): asked for, or pushed by Jitsi's plug-in
//! for Prosody before the bind result.

use minidom::Element;
use subrosa_messages::Pii;

use super::namespace;

/// Components and services that are looked at; a server with more of them is not refused, the rest is not seen.
const MOST: usize = 64;
/// Bytes of one text.
const TEXT: usize = 1024;

/// A helper of the server, such as the one for moderation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// What it is for, such as `av_moderation`.
    pub kind: String,
    /// Its address. What comes from another address is not from it.
    pub address: String,
}

/// A relay or reflector (XEP-0215, section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// `turn`, `turns`, `stun`, `stuns`.
    pub kind: String,
    /// Its host. It is contacted only if it is declared (promise P5).
    pub host: String,
    /// Its port, if it is not the usual one.
    pub port: Option<u16>,
    /// `udp` or `tcp`.
    pub transport: Option<String>,
    /// Credentials.
    pub username: Option<Pii<String>>,
    /// Credentials.
    pub password: Option<Pii<String>>,
}

fn short(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT && !text.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// The components that a disco#info `<query>` names: identities of category `component`, address in `name`.
#[must_use]
pub fn components(query: &Element) -> Vec<Component> {
    let identities = query.children().filter(|child| child.is("identity", namespace::DISCO_INFO));
    identities
        .filter(|identity| identity.attr("category") == Some("component"))
        .filter_map(|identity| {
            let (kind, address) = (identity.attr("type")?, identity.attr("name")?);
            (short(kind) && short(address)).then(|| Component { kind: kind.to_owned(), address: address.to_owned() })
        })
        .take(MOST)
        .collect()
}

/// The services of a `<services>`. One with a host or a kind that cannot be used is left out.
#[must_use]
pub fn services(list: &Element) -> Vec<Service> {
    let named = list.children().filter(|child| child.name() == "service");
    let text = |service: &Element, name: &str| service.attr(name).filter(|text| short(text)).map(str::to_owned);
    named
        .filter_map(|service| {
            let kind = text(service, "type").filter(|kind| matches!(&**kind, "turn" | "turns" | "stun" | "stuns"))?;
            let host_sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
            Some(Service {
                kind,
                host: text(service, "host").filter(|host| host.chars().all(host_sign))?,
                port: match service.attr("port") {
                    Some(port) => Some(port.parse().ok()?),
                    None => None,
                },
                transport: text(service, "transport").filter(|name| matches!(&**name, "udp" | "tcp")),
                username: text(service, "username").map(Pii::new),
                password: text(service, "password").map(Pii::new),
            })
        })
        .take(MOST)
        .collect()
}
