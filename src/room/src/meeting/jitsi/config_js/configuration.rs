//! The keys that matter, with Jitsi's defaults, and the addresses made from them for one room.

use subrosa_messages::Pii;
use url::Url;

use super::super::link::Link;
use super::evaluate::{Evaluation, Value, evaluate};
use crate::language::Language;
use crate::meeting::elsewhere::failure::Failure;

/// How the server of a link is spoken to. Addresses name the room and hold the token, so they are withheld from logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The XMPP domain; often another one than the link's host.
    pub domain: Pii<String>,
    /// The domain that anonymous guests log in to, where it is another one.
    pub anonymous_domain: Option<Pii<String>>,
    /// The domain of rooms.
    pub muc: Pii<String>,
    /// Whom the conference is requested from (IQ).
    pub focus: Pii<String>,
    /// XMPP over WebSocket (RFC 7395).
    pub websocket: Option<Pii<Url>>,
    /// XMPP over BOSH (XEP-0206).
    pub bosh: Option<Pii<Url>>,
    /// Keeps a load balancer on one shard.
    pub keep_alive: Option<Pii<Url>>,
    /// Where the conference is requested over HTTP; `None`: by IQ.
    pub conference_request: Option<Pii<Url>>,
    /// The bridge's channel is tried over SCTP first.
    pub prefer_sctp: bool,
    /// The server sends people to a login page of its own.
    pub token_login: bool,
    /// Whoever is in has to bring the key of the end-to-end encryption along.
    pub external_key: bool,
}

/// Why a server cannot be joined after its `config.js` has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// What came is a web page or something else that is no `config.js`.
    #[error("the server's answer is no config.js")]
    NotJitsi,
    /// It names an address without TLS (promise P8).
    #[error("config.js names an address without encryption")]
    Unencrypted,
    /// It names neither WebSocket nor BOSH.
    #[error("config.js names no way to the XMPP server")]
    NoWay,
    /// The server is Jitsi as a Service, which lets nobody in without a token.
    #[error("this server needs a link with a token")]
    NoToken,
}

impl ConfigurationError {
    /// All of them.
    pub const ALL: [ConfigurationError; 4] = [
        ConfigurationError::NotJitsi,
        ConfigurationError::Unencrypted,
        ConfigurationError::NoWay,
        ConfigurationError::NoToken,
    ];

    /// What is wrong and what to do, for people in the room.
    #[must_use]
    pub fn sentence(self, language: Language) -> &'static str {
        match self {
            ConfigurationError::NotJitsi => language.pick(
                "Auf diesem Server läuft kein Jitsi Meet. Fragen Sie, mit welchem Programm die Konferenz stattfindet.",
                "There is no Jitsi Meet on this server. Ask which program the meeting is held with.",
            ),
            ConfigurationError::Unencrypted => language.pick(
                "Dieser Server will unverschlüsselt sprechen. Das tut dieses Gerät nicht; der Betreiber des Servers \
                 kann es ändern.",
                "This server wants to talk without encryption. This device does not; whoever runs the server can \
                 change that.",
            ),
            ConfigurationError::NoWay => language.pick(
                "Die Einstellungen dieses Servers sind nicht zu verstehen. Der Betreiber des Servers kann helfen.",
                "The settings of this server cannot be understood. Whoever runs the server can help.",
            ),
            ConfigurationError::NoToken => language.pick(
                "Dieser Server lässt nur mit einem persönlichen Link ein. Bitten Sie um einen Link, der „jwt=“ enthält.",
                "This server lets in only by a personal link. Ask for a link that contains “jwt=”.",
            ),
        }
    }
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        match error {
            ConfigurationError::NotJitsi => Failure::NotJitsi,
            ConfigurationError::Unencrypted => Failure::Unencrypted,
            ConfigurationError::NoWay => Failure::UnsupportedConfiguration,
            ConfigurationError::NoToken => Failure::LoginRequired,
        }
    }
}

impl Configuration {
    /// Reads what the server of this link has answered. Anything may stand in the text.
    ///
    /// # Errors
    /// When it is not the `config.js` of a server that can be joined.
    pub fn read(text: &str, link: &Link) -> Result<Self, ConfigurationError> {
        if text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).starts_with('<')
            && !text.trim_start().starts_with("<!--#")
        {
            return Err(ConfigurationError::NotJitsi);
        }
        let file = File { evaluation: evaluate(text, link.authority().reveal()), link };
        let domain = file.domain("domain").ok_or(ConfigurationError::NotJitsi)?;
        let websocket = file.address(&["websocket"], true)?;
        let bosh = file.address(&["bosh"], false)?;
        if websocket.is_none() && bosh.is_none() {
            return Err(ConfigurationError::NoWay);
        }
        let rooms = || match link.tenant() {
            Some(tenant) => format!("conference.{}.{domain}", tenant.reveal().to_lowercase().replace(['.', '/'], "_")),
            None => format!("conference.{domain}"),
        };
        Ok(Configuration {
            anonymous_domain: file.domain("anonymousdomain").map(Pii::new),
            muc: Pii::new(file.domain("muc").unwrap_or_else(rooms)),
            focus: Pii::new(file.domain("focus").unwrap_or_else(|| format!("focus.{domain}"))),
            domain: Pii::new(domain),
            websocket,
            bosh,
            keep_alive: file.address(&["websocketKeepAliveUrl"], false)?,
            conference_request: file.address(&["conferenceRequestUrl"], false)?,
            prefer_sctp: file.switch(&["bridgeChannel", "preferSctp"]).unwrap_or(true),
            token_login: matches!(file.evaluation.get(&["tokenAuthUrl"]), Some(Value::Text(url)) if !url.is_empty()),
            external_key: file.switch(&["e2ee", "externallyManagedKey"]).unwrap_or(false),
        })
    }

    /// Jitsi as a Service, whose addresses are known without `config.js`; `None`: it is another server.
    ///
    /// # Errors
    /// When the link brings no token.
    pub fn of_service(link: &Link) -> Option<Result<Self, ConfigurationError>> {
        const SERVICE: &str = "8x8.vc";
        let tenant = link.tenant()?.into_revealed();
        if link.host().reveal() != SERVICE || !tenant.starts_with("vpaas-magic-cookie-") || tenant.contains('/') {
            return None;
        }
        if link.token().is_none() {
            return Some(Err(ConfigurationError::NoToken));
        }
        let text = format!(
            "config.hosts = {{ domain: '{SERVICE}', muc: 'conference.{tenant}.{SERVICE}' }};\n\
             config.websocket = 'wss://{SERVICE}/{tenant}/xmpp-websocket';\n\
             config.conferenceRequestUrl = 'https://{SERVICE}/{tenant}/conference-request/v1';\n\
             config.websocketKeepAliveUrl = 'https://{SERVICE}/{tenant}/_unlock';"
        );
        Some(Configuration::read(&text, link))
    }

    /// The hosts that the way into the meeting leads to, each once; they have to be declared before it is gone.
    #[must_use]
    pub fn hosts(&self) -> Vec<Pii<String>> {
        let ways = [&self.websocket, &self.keep_alive, &self.conference_request];
        // BOSH is only gone where there is no WebSocket.
        let bosh = self.bosh.as_ref().filter(|_| self.websocket.is_none());
        let mut hosts: Vec<Pii<String>> = Vec::new();
        for url in ways.into_iter().flatten().chain(bosh) {
            let host = Pii::new(url.reveal().host_str().unwrap_or("").trim_end_matches('.').to_owned());
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }
}

struct File<'a> {
    evaluation: Evaluation,
    link: &'a Link,
}

impl File<'_> {
    /// A domain of `hosts`, in lower case (RFC 7622, 3.2).
    fn domain(&self, key: &str) -> Option<String> {
        let text = self.text(&["hosts", key])?.trim_end_matches('.').to_lowercase();
        let plain = |letter: char| letter.is_alphanumeric() || "-._".contains(letter);
        let right = !text.is_empty() && text.len() <= 253 && text.chars().all(plain) && !text.contains("..");
        right.then_some(text)
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        match self.evaluation.get(path) {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(Value::Nothing | Value::Switch(false)) => None,
            // Broken or not plain: the key may still stand somewhere with a plain text.
            Some(Value::Unknown | Value::Switch(true) | Value::Number(_) | Value::List(_) | Value::Object(_))
            | None => self.evaluation.anywhere(path.last()?),
        }
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
    }

    fn switch(&self, path: &[&str]) -> Option<bool> {
        match self.evaluation.get(path) {
            Some(Value::Switch(on)) => Some(*on),
            Some(
                Value::Unknown | Value::Nothing | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Object(_),
            )
            | None => None,
        }
    }

    /// An address, with the room that servers ask for, and the token where it goes to the server that it was given to.
    fn address(&self, path: &[&str], socket: bool) -> Result<Option<Pii<Url>>, ConfigurationError> {
        let Some(text) = self.text(path) else { return Ok(None) };
        let base = Url::parse(self.link.configuration_url().reveal()).map_err(|_| ConfigurationError::NoWay)?;
        let Ok(mut url) = base.join(&text) else { return Ok(None) };
        match url.scheme() {
            "https" if socket => url.set_scheme("wss").map_err(|()| ConfigurationError::NoWay)?,
            "wss" if socket => {}
            "https" if !socket => {}
            "http" | "ws" => return Err(ConfigurationError::Unencrypted),
            _ => return Ok(None),
        }
        if url.host_str().is_none_or(str::is_empty) || !url.username().is_empty() || url.password().is_some() {
            return Ok(None);
        }
        url.set_fragment(None);
        url.query_pairs_mut().append_pair("room", self.link.room().reveal());
        if let (Some(token), true) = (self.link.token(), matches!(path, ["websocket" | "bosh"])) {
            url.query_pairs_mut().append_pair("token", token.reveal());
        }
        Ok(Some(Pii::new(url)))
    }
}
