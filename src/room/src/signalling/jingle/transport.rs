//! How the two sides reach each other: ICE (XEP-0176), DTLS (XEP-0320), data channels (XEP-0343), and the bridge's
//! channel over WebSocket.

use std::net::IpAddr;

use minidom::Element;
use subrosa_messages::Pii;

use super::error::JingleError;
use super::tag::{self, Tag};
use super::{limits, namespace, text};

/// Who begins the DTLS handshake (RFC 8842, section 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setup {
    /// Either: the answer says which.
    ActPass,
    /// This side begins.
    Active,
    /// This side waits.
    Passive,
}

impl Setup {
    /// As SDP and Jingle write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Setup::ActPass => "actpass",
            Setup::Active => "active",
            Setup::Passive => "passive",
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is another word; `holdconn` too, which makes no connection.
    pub fn read(text: &str) -> Result<Self, JingleError> {
        match text {
            "actpass" => Ok(Setup::ActPass),
            "active" => Ok(Setup::Active),
            "passive" => Ok(Setup::Passive),
            _ => Err(JingleError::Invalid("setup of a fingerprint")),
        }
    }
}

/// The digest of a certificate (RFC 8122, section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash function, such as `sha-256`.
    pub hash: String,
    /// The digest, as pairs of hexadecimal digits with colons between them.
    pub digest: String,
    /// Who begins.
    pub setup: Option<Setup>,
    /// Jitsi: whether whoever cannot do DTLS is to be refused.
    pub required: Option<bool>,
}

impl Fingerprint {
    /// Whether the hash is one that media can check; anything weaker proves nothing (RFC 8122, section 5).
    #[must_use]
    pub fn is_strong(&self) -> bool {
        let bytes = self.digest.split(':').count();
        match self.hash.to_ascii_lowercase().as_str() {
            "sha-256" => bytes == 32,
            "sha-384" => bytes == 48,
            "sha-512" => bytes == 64,
            _ => false,
        }
    }

    fn read(element: &Element) -> Result<Self, JingleError> {
        let digest = element.text().trim().to_owned();
        let is_pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digest.len() > limits::TEXT || !digest.split(':').all(is_pair) {
            return Err(JingleError::Invalid("fingerprint"));
        }
        Ok(Fingerprint {
            hash: text::token(tag::needed(element, "hash", "hash of a fingerprint")?, "hash of a fingerprint")?,
            digest,
            setup: element.attr("setup").map(Setup::read).transpose()?,
            required: tag::boolean(element, "required"),
        })
    }

    fn write(&self) -> Element {
        Tag::new("fingerprint", namespace::DTLS)
            .with("hash", self.hash.as_str())
            .with("setup", self.setup.map(Setup::as_str))
            .with("required", self.required.map(|required| required.to_string()))
            .text(&self.digest)
            .into()
    }
}

/// What a candidate is (RFC 8445, section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CandidateKind {
    /// An address of the host.
    Host,
    /// What a server has seen.
    ServerReflexive,
    /// What the peer has seen.
    PeerReflexive,
    /// A relay's.
    Relayed,
}

impl CandidateKind {
    /// As SDP and Jingle write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CandidateKind::Host => "host",
            CandidateKind::ServerReflexive => "srflx",
            CandidateKind::PeerReflexive => "prflx",
            CandidateKind::Relayed => "relay",
        }
    }
}

/// An address to try (RFC 8839, section 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name in the description it came in.
    pub id: String,
    /// Those that share a base.
    pub foundation: String,
    /// 1: RTP; 2: RTCP, of which there is none with `rtcp-mux`.
    pub component: u16,
    /// `udp`, or `tcp`, which this room does not use.
    pub protocol: String,
    /// Which one is tried first.
    pub priority: u32,
    /// Where.
    pub address: Pii<IpAddr>,
    /// Where.
    pub port: u16,
    /// What it is.
    pub kind: CandidateKind,
    /// Its base, where it is not its own.
    pub related: Option<Pii<(IpAddr, u16)>>,
    /// Counts restarts of ICE.
    pub generation: u32,
    /// The number of the network interface.
    pub network: u32,
}

impl Candidate {
    /// `None` where it names no address (a browser's mDNS name) or is of no kind that ICE has: nothing is lost by it.
    fn read(element: &Element) -> Result<Option<Self>, JingleError> {
        let kind = match element.attr("type") {
            Some("host") => CandidateKind::Host,
            Some("srflx") => CandidateKind::ServerReflexive,
            Some("prflx") => CandidateKind::PeerReflexive,
            Some("relay") => CandidateKind::Relayed,
            Some(_) | None => return Ok(None),
        };
        let Ok(address) = tag::needed(element, "ip", "address of a candidate")?.parse::<IpAddr>() else {
            return Ok(None);
        };
        const WHAT: &str = "candidate";
        let related = match (element.attr("rel-addr").map(str::parse), tag::number(element, "rel-port", WHAT)?) {
            (Some(Ok(address)), Some(port)) => Some(Pii::new((address, port))),
            _ => None,
        };
        Ok(Some(Candidate {
            id: text::value(element.attr("id").unwrap_or_default(), WHAT)?,
            foundation: text::ice(tag::needed(element, "foundation", "foundation of a candidate")?, 1, WHAT)?,
            component: tag::needed_number(element, "component", WHAT)?,
            protocol: text::token(tag::needed(element, "protocol", "protocol of a candidate")?, WHAT)?.to_lowercase(),
            priority: tag::needed_number(element, "priority", WHAT)?,
            address: Pii::new(address),
            port: tag::needed_number(element, "port", WHAT)?,
            kind,
            related,
            generation: tag::number(element, "generation", WHAT)?.unwrap_or(0),
            network: tag::number(element, "network", WHAT)?.unwrap_or(0),
        }))
    }

    fn write(&self) -> Element {
        Tag::new("candidate", namespace::ICE_UDP)
            .with("id", self.id.as_str())
            .with("foundation", self.foundation.as_str())
            .with("component", self.component)
            .with("protocol", self.protocol.as_str())
            .with("priority", self.priority)
            .with("ip", *self.address.reveal())
            .with("port", self.port)
            .with("type", self.kind.as_str())
            .with("rel-addr", self.related.as_ref().map(|related| related.reveal().0))
            .with("rel-port", self.related.as_ref().map(|related| related.reveal().1))
            .with("generation", self.generation)
            .with("network", self.network)
            .into()
    }
}

/// An SCTP association over DTLS (RFC 8841).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SctpMap {
    /// The SCTP port.
    pub port: u16,
    /// `webrtc-datachannel`.
    pub protocol: String,
    /// Streams in each direction.
    pub streams: Option<u16>,
}

/// `<transport>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transport {
    /// ICE's name and password.
    pub credentials: Option<(Pii<String>, Pii<String>)>,
    /// RTP and RTCP share a port (RFC 5761).
    pub rtcp_mux: bool,
    /// The certificates.
    pub fingerprints: Vec<Fingerprint>,
    /// Addresses to try.
    pub candidates: Vec<Candidate>,
    /// Where the bridge's channel is, for those that take it over WebSocket: with a secret in it.
    pub web_sockets: Vec<Pii<String>>,
    /// The data channels.
    pub sctp: Option<SctpMap>,
}

impl Transport {
    /// # Errors
    /// When something in it cannot be used.
    pub fn read(element: &Element) -> Result<Self, JingleError> {
        let credentials = match (element.attr("ufrag"), element.attr("pwd")) {
            // RFC 8839, section 5.4: at least 4 and 22 characters.
            (Some(name), Some(password)) => {
                Some((Pii::new(text::ice(name, 4, "ICE name")?), Pii::new(text::ice(password, 22, "ICE password")?)))
            }
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(JingleError::Invalid("half of the ICE credentials")),
        };
        let candidates = (limits::CANDIDATES, "candidates");
        let fingerprints = (limits::FINGERPRINTS, "fingerprints");
        let web_sockets = (limits::WEB_SOCKETS, "addresses of the bridge's channel");
        let sctp = element.get_child("sctpmap", namespace::SCTP).map(|map| {
            Ok::<_, JingleError>(SctpMap {
                port: tag::needed_number(map, "number", "SCTP port")?,
                protocol: text::token(tag::needed(map, "protocol", "protocol of the data channel")?, "data channel")?,
                streams: tag::number(map, "streams", "number of SCTP streams")?,
            })
        });
        let each = tag::each(element, ("candidate", namespace::ICE_UDP), candidates, Candidate::read)?;
        Ok(Transport {
            credentials,
            rtcp_mux: element.has_child("rtcp-mux", namespace::ICE_UDP),
            fingerprints: tag::each(element, ("fingerprint", namespace::DTLS), fingerprints, Fingerprint::read)?,
            candidates: each.into_iter().flatten().collect(),
            web_sockets: tag::each(element, ("web-socket", namespace::COLIBRI), web_sockets, |element| {
                const WHAT: &str = "address of the bridge's channel";
                Ok(Pii::new(text::uri(tag::needed(element, "url", WHAT)?, WHAT)?))
            })?,
            sctp: sctp.transpose()?,
        })
    }

    /// The element.
    #[must_use]
    pub fn write(&self) -> Element {
        let credentials = self.credentials.as_ref();
        let sctp = self.sctp.iter().map(|sctp| {
            Tag::new("sctpmap", namespace::SCTP)
                .with("number", sctp.port)
                .with("protocol", sctp.protocol.as_str())
                .with("streams", sctp.streams)
        });
        let web_sockets = self.web_sockets.iter();
        Tag::new("transport", namespace::ICE_UDP)
            .with("ufrag", credentials.map(|(name, _)| name.reveal().as_str()))
            .with("pwd", credentials.map(|(_, password)| password.reveal().as_str()))
            .children(
                web_sockets.map(|url| Tag::new("web-socket", namespace::COLIBRI).with("url", url.reveal().as_str())),
            )
            .children(self.rtcp_mux.then(|| Tag::new("rtcp-mux", namespace::ICE_UDP)))
            .children(self.fingerprints.iter().map(Fingerprint::write))
            .children(sctp)
            .children(self.candidates.iter().map(Candidate::write))
            .into()
    }
}
