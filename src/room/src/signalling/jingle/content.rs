//! One content of a session: what is sent (XEP-0167, XEP-0293, XEP-0294) and how it gets there.

use minidom::Element;
use subrosa_messages::media::Kind;

use super::error::JingleError;
use super::source::Sources;
use super::tag::{self, Tag};
use super::transport::Transport;
use super::{limits, namespace, text};

/// What a content carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Media {
    /// Sound or picture over RTP.
    Rtp(Kind),
    /// Data channels.
    Data,
}

impl Media {
    /// As XEP-0167 and SDP write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Media::Rtp(Kind::Audio) => "audio",
            Media::Rtp(Kind::Video) => "video",
            Media::Data => "application",
        }
    }

    fn read(text: &str) -> Result<Self, JingleError> {
        match text {
            "audio" => Ok(Media::Rtp(Kind::Audio)),
            "video" => Ok(Media::Rtp(Kind::Video)),
            "application" => Ok(Media::Data),
            _ => Err(JingleError::Invalid("kind of media")),
        }
    }
}

/// What a receiver tells a sender (RFC 4585, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Feedback {
    /// Such as `nack`.
    pub kind: String,
    /// Such as `pli`.
    pub subtype: Option<String>,
}

/// A payload type (RFC 8866, section 6.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayloadType {
    /// Its number, 0 to 127.
    pub id: u8,
    /// The codec.
    pub name: String,
    /// Its clock, in hertz.
    pub clock_rate: u32,
    /// Channels; `None` stands for one.
    pub channels: Option<u8>,
    /// Format parameters, in order.
    pub parameters: Vec<(String, String)>,
    /// Feedback.
    pub feedback: Vec<Feedback>,
}

impl PayloadType {
    /// The payload type that this one retransmits (RFC 4588, section 8.1).
    #[must_use]
    pub fn retransmits(&self) -> Option<u8> {
        let parameter = self.parameters.iter().find(|(name, _)| name == "apt");
        parameter.filter(|_| self.name.eq_ignore_ascii_case("rtx")).and_then(|(_, value)| value.parse().ok())
    }

    fn read(element: &Element) -> Result<Self, JingleError> {
        const WHAT: &str = "payload type";
        let parameter = |element: &Element| {
            let name = text::value(element.attr("name").unwrap_or_default(), "format parameter")?;
            Ok((name, text::value(element.attr("value").unwrap_or_default(), "format parameter")?))
        };
        let feedback = |element: &Element| {
            let subtype = element.attr("subtype").filter(|subtype| !subtype.is_empty());
            Ok(Feedback {
                kind: text::token(tag::needed(element, "type", "kind of feedback")?, "kind of feedback")?,
                subtype: subtype.map(|subtype| text::token(subtype, "kind of feedback")).transpose()?,
            })
        };
        let id: u8 = tag::needed_number(element, "id", WHAT)?;
        let parameters = (limits::PARAMETERS, "format parameters");
        Ok(PayloadType {
            id: if id > 127 { return Err(JingleError::Invalid(WHAT)) } else { id },
            name: text::token(tag::needed(element, "name", "name of a codec")?, "name of a codec")?,
            clock_rate: tag::number(element, "clockrate", "clock of a codec")?.unwrap_or(0),
            channels: tag::number(element, "channels", "number of channels")?.filter(|channels| *channels > 1),
            parameters: tag::each(element, ("parameter", namespace::RTP), parameters, parameter)?,
            feedback: tag::each(
                element,
                ("rtcp-fb", namespace::FEEDBACK),
                (limits::FEEDBACK, "kinds of feedback"),
                feedback,
            )?,
        })
    }

    fn write(&self) -> Element {
        let parameters = self.parameters.iter().map(|(name, value)| {
            Tag::new("parameter", namespace::RTP).with("name", name.as_str()).with("value", value.as_str())
        });
        let feedback = self.feedback.iter().map(|feedback| {
            Tag::new("rtcp-fb", namespace::FEEDBACK)
                .with("type", feedback.kind.as_str())
                .with("subtype", feedback.subtype.as_deref())
        });
        Tag::new("payload-type", namespace::RTP)
            .with("id", self.id)
            .with("name", self.name.as_str())
            .with("clockrate", self.clock_rate)
            .with("channels", self.channels)
            .children(parameters)
            .children(feedback)
            .into()
    }
}

/// An RTP header extension (RFC 8285).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its number on the wire, 1 to 255 without 15.
    pub id: u8,
    /// What it is.
    pub uri: String,
}

impl Extension {
    fn read(element: &Element) -> Result<Self, JingleError> {
        const WHAT: &str = "header extension";
        let id: u8 = tag::needed_number(element, "id", WHAT)?;
        if id == 0 || id == 15 {
            return Err(JingleError::Invalid(WHAT));
        }
        Ok(Extension { id, uri: text::uri(tag::needed(element, "uri", WHAT)?, WHAT)? })
    }

    fn write(&self) -> Element {
        Tag::new("rtp-hdrext", namespace::EXTENSIONS).with("id", self.id).with("uri", self.uri.as_str()).into()
    }
}

/// `<description>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Of what.
    pub media: Media,
    /// The longest packet, in milliseconds of sound.
    pub max_packet_time: Option<u16>,
    /// What may be sent.
    pub payload_types: Vec<PayloadType>,
    /// Header extensions.
    pub extensions: Vec<Extension>,
    /// One-byte and two-byte headers may be mixed (RFC 8285, section 6).
    pub mixed_extensions: bool,
    /// RTP and RTCP share a port.
    pub rtcp_mux: bool,
    /// Sources in XML.
    pub sources: Sources,
}

impl Description {
    /// Of this, with nothing in it.
    #[must_use]
    pub fn empty(media: Media) -> Self {
        Description {
            media,
            max_packet_time: None,
            payload_types: Vec::new(),
            extensions: Vec::new(),
            mixed_extensions: false,
            rtcp_mux: false,
            sources: Sources::default(),
        }
    }

    fn read(element: &Element) -> Result<Self, JingleError> {
        let media = Media::read(tag::needed(element, "media", "kind of media")?)?;
        let types = (limits::PAYLOAD_TYPES, "payload types");
        let extensions = (limits::EXTENSIONS, "header extensions");
        Ok(Description {
            media,
            max_packet_time: tag::number(element, "maxptime", "length of a packet")?,
            payload_types: tag::each(element, ("payload-type", namespace::RTP), types, PayloadType::read)?,
            extensions: tag::each(element, ("rtp-hdrext", namespace::EXTENSIONS), extensions, Extension::read)?,
            mixed_extensions: element.has_child("extmap-allow-mixed", namespace::EXTENSIONS),
            rtcp_mux: element.has_child("rtcp-mux", namespace::RTP),
            sources: match media {
                Media::Rtp(kind) => Sources::read(element, kind)?,
                Media::Data => Sources::default(),
            },
        })
    }

    fn write(&self) -> Element {
        let sources = match self.media {
            Media::Rtp(kind) => self.sources.write(kind).collect(),
            Media::Data => Vec::new(),
        };
        Tag::new("description", namespace::RTP)
            .with("media", self.media.as_str())
            .with("maxptime", self.max_packet_time)
            .children(self.payload_types.iter().map(PayloadType::write))
            .children(self.extensions.iter().map(Extension::write))
            .children(self.mixed_extensions.then(|| Tag::new("extmap-allow-mixed", namespace::EXTENSIONS)))
            .children(self.rtcp_mux.then(|| Tag::new("rtcp-mux", namespace::RTP)))
            .children(sources)
            .into()
    }
}

/// Which side made a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who began the session.
    Initiator,
    /// The other one.
    Responder,
}

impl Side {
    fn as_str(self) -> &'static str {
        match self {
            Side::Initiator => "initiator",
            Side::Responder => "responder",
        }
    }
}

/// `<content>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its name: `audio`, `video`, `data` with jicofo.
    pub name: String,
    /// Who made it.
    pub creator: Option<Side>,
    /// Who sends, as XEP-0166 has it: `both`, `initiator`, `responder`, `none`.
    pub senders: Option<String>,
    /// What.
    pub description: Option<Description>,
    /// How.
    pub transport: Option<Transport>,
}

impl Content {
    /// # Errors
    /// When something in it cannot be used.
    pub fn read(element: &Element) -> Result<Self, JingleError> {
        const WHAT: &str = "content";
        Ok(Content {
            name: text::token(tag::needed(element, "name", WHAT)?, WHAT)?,
            creator: match element.attr("creator") {
                Some("initiator") => Some(Side::Initiator),
                Some("responder") => Some(Side::Responder),
                Some(_) => return Err(JingleError::Invalid(WHAT)),
                None => None,
            },
            senders: element.attr("senders").map(|senders| text::token(senders, WHAT)).transpose()?,
            description: element.get_child("description", namespace::RTP).map(Description::read).transpose()?,
            transport: element.get_child("transport", namespace::ICE_UDP).map(Transport::read).transpose()?,
        })
    }

    /// The element.
    #[must_use]
    pub fn write(&self) -> Element {
        Tag::new("content", namespace::JINGLE)
            .with("creator", self.creator.map(Side::as_str))
            .with("name", self.name.as_str())
            .with("senders", self.senders.as_deref())
            .children(self.description.iter().map(Description::write))
            .children(self.transport.iter().map(Transport::write))
            .into()
    }
}
