//! The link of a Jitsi Meet room: which server, which room, and what else in it matters.
//!
//! Links are read as browsers read them (WHATWG URL), since everybody else in the meeting uses one. Room, tenant,
//! token and name are withheld from logs (P9).

mod name;

use subrosa_messages::Pii;
use url::Url;
use zeroize::Zeroizing;

use crate::meeting::elsewhere::link_error::{LONGEST, LinkError};
use crate::meeting::elsewhere::server_address::ServerAddress;

/// A link that names a room on a server. That the server is a Jitsi Meet is not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    address: ServerAddress,
    /// The path up to the room, with a slash at both ends.
    root: Pii<String>,
    room: Pii<String>,
    token: Option<Pii<Zeroizing<String>>>,
    release: Option<Pii<String>>,
    /// Asks the room to come in without sound.
    pub microphone_muted: bool,
    /// Asks the room to come in without picture.
    pub camera_muted: bool,
    display_name: Option<Pii<String>>,
}

impl Link {
    /// Reads a link as a person pastes it or a camera scans it.
    ///
    /// # Errors
    /// When it names no room on a server.
    pub fn read(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(LinkError::Empty);
        }
        if text.len() > LONGEST {
            return Err(LinkError::TooLong);
        }
        let url = Url::parse(&secure(text)?).map_err(|_| LinkError::NotALink)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinkError::User);
        }
        let address = ServerAddress::of(&url).ok_or(LinkError::NotALink)?;
        let path = url.path().split('/').map(name::part).collect::<Vec<_>>().join("/");
        let (before, last) = path.rsplit_once('/').unwrap_or(("", &path));
        let room = name::room(last);
        if room.is_empty() {
            return Err(LinkError::NoRoom);
        }
        let query = |key: &str| {
            let found = url.query_pairs().find(|(name, value)| name == key && !value.is_empty());
            found.map(|(_, value)| value.into_owned())
        };
        let fragment = |key: &str| parameter(url.fragment().unwrap_or(""), key);
        let switched = |key: &str| fragment(key).is_some_and(|value| value == "true");
        Ok(Link {
            address,
            root: Pii::new(format!("{before}/")),
            room: Pii::new(room),
            token: fragment("jwt").or_else(|| query("jwt")).map(|token| Pii::new(Zeroizing::new(token))),
            release: query("release").map(Pii::new),
            microphone_muted: switched("config.startWithAudioMuted"),
            camera_muted: switched("config.startWithVideoMuted"),
            display_name: fragment("userInfo.displayName").and_then(|name| line(&name)).map(Pii::new),
        })
    }

    /// The server.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    /// The server's host: a name in its ASCII form (IDNA), or an address; without a port.
    #[must_use]
    pub fn host(&self) -> &Pii<String> {
        self.address.host()
    }

    /// The port, where it is not 443.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.address.port()
    }

    /// Server and port as a URL has them.
    #[must_use]
    pub fn authority(&self) -> Pii<String> {
        self.address.authority()
    }

    /// The name of the room as the server knows it: the node of its JID.
    #[must_use]
    pub fn room(&self) -> &Pii<String> {
        &self.room
    }

    /// The path in front of the room without its outer slashes, if there is one.
    #[must_use]
    pub fn tenant(&self) -> Option<Pii<String>> {
        let tenant = self.root.reveal().trim_matches('/');
        (!tenant.is_empty()).then(|| Pii::new(tenant.to_owned()))
    }

    /// The token that lets its bearer in (RFC 7519).
    #[must_use]
    pub fn token(&self) -> Option<&Pii<Zeroizing<String>>> {
        self.token.as_ref()
    }

    /// The name that the link proposes for the room; no longer than 64 characters.
    #[must_use]
    pub fn display_name(&self) -> Option<&Pii<String>> {
        self.display_name.as_ref()
    }

    /// Where the server's `config.js` is.
    #[must_use]
    pub fn configuration_url(&self) -> Pii<String> {
        let (authority, root, room) = (self.authority(), self.root.reveal(), self.room.reveal());
        let mut url = format!("https://{}{root}config.js?room={room}", authority.reveal());
        if let Some(release) = &self.release {
            url.push_str("&release=");
            url.push_str(&name::encoded(release.reveal()));
        }
        Pii::new(url)
    }

    /// The same link on the server that has answered in place of the one that was asked.
    ///
    /// # Errors
    /// When `host` cannot be the host of a link.
    pub fn redirected(&self, host: &str, port: Option<u16>) -> Result<Self, LinkError> {
        let authority = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let other = Link::read(&format!("https://{authority}/room"))?;
        // A token was given to one server; another one has no business with it.
        let token = (other.host() == self.host()).then(|| self.token.clone()).flatten();
        Ok(Link { address: other.address, token, ..self.clone() })
    }
}

/// The link with `https`, whatever it had: the schemes of Jitsi's own apps mean a browser's link.
fn secure(text: &str) -> Result<String, LinkError> {
    let mut rest = text;
    let mut schemes = 0;
    // An app's scheme may stand in front of a browser's.
    while let Some((scheme, after)) = scheme(rest) {
        let known = ["https", "http", "org.jitsi.meet", "jitsi-meet", "intent"];
        if !known.contains(&scheme.to_ascii_lowercase().as_str()) || schemes > 2 {
            return Err(LinkError::NotALink);
        }
        (rest, schemes) = (after.trim_start_matches('/'), schemes + 1);
    }
    let rest = rest.trim_start_matches(['/', '\\']);
    let host = rest.split(['/', '\\', '?', '#']).next().unwrap_or("");
    if host.is_empty() {
        return Err(LinkError::NotALink);
    }
    let bare = host.len() == rest.len() && schemes == 0;
    if bare && !host.contains(['.', ':']) {
        return Err(LinkError::OnlyARoom);
    }
    Ok(format!("https://{rest}"))
}

/// A scheme (RFC 3986, 3.1) and what follows it. `host:8443/…` has none.
fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, after) = text.split_once(':')?;
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    let follows = after.starts_with("//") || after.starts_with("http:") || after.starts_with("https:");
    (named && follows).then_some((scheme, after))
}

/// A parameter of the fragment: `#first=…&second=…`.
fn parameter(fragment: &str, key: &str) -> Option<String> {
    let pairs = fragment.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| *name == key)?;
    Some(name::decoded(value)).filter(|value| !value.is_empty())
}

/// One line of text out of a JSON string.
fn line(json: &str) -> Option<String> {
    let text: String = serde_json::from_str(json).ok()?;
    let text: String = text.trim().chars().filter(|letter| !letter.is_control()).take(64).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
