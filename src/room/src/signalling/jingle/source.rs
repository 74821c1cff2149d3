//! Sources of an RTP session (XEP-0339) with Jitsi's names and owners: which SSRC is whose.

use minidom::Element;
use subrosa_messages::Pii;
use subrosa_messages::media::Kind;

use super::error::JingleError;
use super::tag::{self, Tag};
use super::{limits, namespace, text};

/// Somebody in a conference as the bridge names them: the resource of their address in the room. A browser takes eight
/// random digits; other clients may take a name, so it is wrapped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub Pii<String>);

impl EndpointId {
    /// # Errors
    /// When it is empty, too long or has control characters.
    pub fn read(text: &str) -> Result<Self, JingleError> {
        Ok(EndpointId(Pii::new(text::line(text, limits::TEXT, "endpoint")?)))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.reveal()
    }
}

/// A stream of somebody: `<endpoint>-a0` the microphone, `-v0` the camera, `-v1` a shared screen.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName(pub Pii<String>);

impl SourceName {
    /// # Errors
    /// When it is empty, too long or has control characters.
    pub fn read(text: &str) -> Result<Self, JingleError> {
        Ok(SourceName(Pii::new(text::line(text, limits::TEXT, "source name")?)))
    }

    /// The nth stream of that kind.
    #[must_use]
    pub fn of(endpoint: &EndpointId, kind: Kind, number: u8) -> Self {
        let letter = match kind {
            Kind::Audio => 'a',
            Kind::Video => 'v',
        };
        SourceName(Pii::new(format!("{}-{letter}{number}", endpoint.as_str())))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.reveal()
    }
}

/// Whose a source is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The bridge's own: it carries no media, only feedback and probing.
    Bridge,
    /// Somebody's.
    Endpoint(EndpointId),
}

impl Owner {
    /// A bare id, an address in the room (older jicofo), or `jvb`.
    ///
    /// # Errors
    /// When it cannot be an id.
    pub fn read(text: &str) -> Result<Self, JingleError> {
        // A name may have a stroke in it; an address has its room before the first.
        match text.split_once('/').filter(|(room, _)| room.contains('@')).map_or(text, |(_room, resource)| resource) {
            "jvb" => Ok(Owner::Bridge),
            id => EndpointId::read(id).map(Owner::Endpoint),
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Owner::Bridge => "jvb",
            Owner::Endpoint(id) => id.as_str(),
        }
    }
}

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoType {
    /// People.
    Camera,
    /// A shared screen.
    Desktop,
}

/// One SSRC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its number, 1 to 2³²−1.
    pub ssrc: u32,
    /// Sound or picture.
    pub kind: Kind,
    /// The stream it belongs to. Older servers name none.
    pub name: Option<SourceName>,
    /// Whose. Not in what we send: jicofo knows.
    pub owner: Option<Owner>,
    /// Stream and track in WebRTC's words (RFC 8830).
    pub msid: Option<Pii<String>>,
    /// What it shows, where that was said.
    pub shows: Option<VideoType>,
}

/// What SSRCs are to each other (RFC 5576, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Semantics {
    /// The second retransmits the first (RFC 4588).
    FlowIdentification,
    /// The same picture in several sizes.
    Simulcast,
    /// Anything else.
    Other,
}

impl Semantics {
    /// As XEP-0339 writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Semantics::FlowIdentification => "FID",
            Semantics::Simulcast => "SIM",
            Semantics::Other => "OTHER",
        }
    }

    fn read(text: &str) -> Self {
        match text {
            "FID" => Semantics::FlowIdentification,
            "SIM" => Semantics::Simulcast,
            _ => Semantics::Other,
        }
    }
}

/// SSRCs that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Sound or picture.
    pub kind: Kind,
    /// How.
    pub semantics: Semantics,
    /// Which, in order.
    pub ssrcs: Vec<u32>,
}

/// Sources and their groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The sources.
    pub sources: Vec<Source>,
    /// Their groups.
    pub groups: Vec<Group>,
}

impl Sources {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.groups.is_empty()
    }

    /// Adds others.
    ///
    /// # Errors
    /// When there are too many.
    pub fn extend(&mut self, others: Sources) -> Result<(), JingleError> {
        self.sources.extend(others.sources);
        self.groups.extend(others.groups);
        if self.sources.len() > limits::SOURCES {
            return Err(JingleError::TooMany("sources"));
        }
        if self.groups.len() > limits::GROUPS { Err(JingleError::TooMany("groups of sources")) } else { Ok(()) }
    }

    /// Those that stand in a `<description>` of this kind.
    ///
    /// # Errors
    /// When one cannot be used, or there are too many.
    pub fn read(description: &Element, kind: Kind) -> Result<Self, JingleError> {
        let sources =
            tag::each(description, ("source", namespace::SOURCES), (limits::SOURCES, "sources"), |element| {
                read_source(element, kind)
            })?;
        let most = (limits::GROUPS, "groups of sources");
        let groups = tag::each(description, ("ssrc-group", namespace::SOURCES), most, |element| {
            let member = |source: &Element| ssrc(source);
            Ok(Group {
                kind,
                semantics: Semantics::read(tag::needed(element, "semantics", "semantics of a group")?),
                ssrcs: tag::each(
                    element,
                    ("source", namespace::SOURCES),
                    (limits::GROUP, "sources in a group"),
                    member,
                )?,
            })
        })?;
        Ok(Sources { sources, groups })
    }

    /// Those of one kind as children of a `<description>`.
    pub fn write(&self, kind: Kind) -> impl Iterator<Item = Element> {
        let sources = self.sources.iter().filter(move |source| source.kind == kind).map(write_source);
        let groups = self.groups.iter().filter(move |group| group.kind == kind).map(|group| {
            let members = group.ssrcs.iter().map(|ssrc| Tag::new("source", namespace::SOURCES).with("ssrc", *ssrc));
            Tag::new("ssrc-group", namespace::SOURCES)
                .with("semantics", group.semantics.as_str())
                .children(members)
                .into()
        });
        sources.chain(groups)
    }
}

fn ssrc(element: &Element) -> Result<u32, JingleError> {
    let number: u32 = tag::needed_number(element, "ssrc", "ssrc")?;
    if number == 0 { Err(JingleError::Invalid("ssrc")) } else { Ok(number) }
}

fn read_source(element: &Element, kind: Kind) -> Result<Source, JingleError> {
    // jicofo writes the parameter in the namespace of RTP sessions, everybody else in that of sources.
    let msid = element.children().find(|child| child.name() == "parameter" && child.attr("name") == Some("msid"));
    let msid = msid.and_then(|parameter| parameter.attr("value")).filter(|value| !value.is_empty());
    let owner = element.get_child("ssrc-info", namespace::JITSI).and_then(|info| info.attr("owner"));
    Ok(Source {
        ssrc: ssrc(element)?,
        kind,
        name: element.attr("name").map(SourceName::read).transpose()?,
        owner: owner.map(Owner::read).transpose()?,
        msid: msid.map(|value| text::line(value, limits::TEXT, "msid")).transpose()?.map(Pii::new),
        shows: match element.attr("videoType") {
            Some(shows) if shows.eq_ignore_ascii_case("camera") => Some(VideoType::Camera),
            Some(shows) if shows.to_ascii_lowercase().starts_with("desktop") => Some(VideoType::Desktop),
            Some(_) | None => None,
        },
    })
}

fn write_source(source: &Source) -> Element {
    let shows = source.shows.map(|shows| match shows {
        VideoType::Camera => "camera",
        VideoType::Desktop => "desktop",
    });
    let owner = source.owner.iter().map(|owner| Tag::new("ssrc-info", namespace::JITSI).with("owner", owner.as_str()));
    let msid = source.msid.iter().map(|msid| {
        Tag::new("parameter", namespace::SOURCES).with("name", "msid").with("value", msid.reveal().as_str())
    });
    Tag::new("source", namespace::SOURCES)
        .with("ssrc", source.ssrc)
        .with("name", source.name.as_ref().map(SourceName::as_str))
        .with("videoType", shows)
        .children(owner)
        .children(msid)
        .into()
}
