//! `<jingle>`: one message of a session (XEP-0166), with what jicofo adds to it.

use minidom::Element;
use subrosa_messages::Pii;

use super::compact;
use super::content::Content;
use super::error::JingleError;
use super::source::Sources;
use super::tag::{self, Tag};
use super::{limits, namespace, text};

/// What a message asks for (XEP-0166, section 7.2; sources are jicofo's).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A session is offered.
    SessionInitiate,
    /// It is taken.
    SessionAccept,
    /// Something about it.
    SessionInfo,
    /// It ends.
    SessionTerminate,
    /// Sources have come.
    SourceAdd,
    /// Sources have gone.
    SourceRemove,
    /// Candidates, or credentials of a restarted ICE.
    TransportInfo,
    /// Another transport. jicofo asks for it only when it is configured to.
    TransportReplace,
    /// Who sends, or how large.
    ContentModify,
    /// What jicofo and lib-jitsi-meet have no use for.
    Unused,
}

/// The words of XEP-0166, section 7.2, that nobody here uses.
const UNUSED: [&str; 9] = [
    "content-accept",
    "content-add",
    "content-reject",
    "content-remove",
    "description-info",
    "security-info",
    "transport-accept",
    "transport-reject",
    "transport-rejected",
];

impl Action {
    fn read(text: &str) -> Result<Self, JingleError> {
        match text {
            "session-initiate" => Ok(Action::SessionInitiate),
            "session-accept" => Ok(Action::SessionAccept),
            "session-info" => Ok(Action::SessionInfo),
            "session-terminate" => Ok(Action::SessionTerminate),
            // The second words are older than `source-add`.
            "source-add" | "addsource" => Ok(Action::SourceAdd),
            "source-remove" | "removesource" => Ok(Action::SourceRemove),
            "transport-info" => Ok(Action::TransportInfo),
            "transport-replace" => Ok(Action::TransportReplace),
            "content-modify" => Ok(Action::ContentModify),
            word if UNUSED.contains(&word) => Ok(Action::Unused),
            _ => Err(JingleError::Action),
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::SessionInitiate => "session-initiate",
            Action::SessionAccept => "session-accept",
            Action::SessionInfo => "session-info",
            Action::SessionTerminate => "session-terminate",
            Action::SourceAdd => "source-add",
            Action::SourceRemove => "source-remove",
            Action::TransportInfo => "transport-info",
            Action::TransportReplace => "transport-replace",
            Action::ContentModify => "content-modify",
            Action::Unused => "security-info",
        }
    }
}

/// The name of a session. jicofo makes a new one for every session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub String);

/// Jicofo's name for the session on one bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeSession {
    /// Its name.
    pub id: String,
    /// To jicofo: offer the session again, on another bridge if need be.
    pub restart: bool,
}

/// Who joins silent or unseen: the meeting has become too large for it to be otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StartMuted {
    /// Without sound.
    pub audio: bool,
    /// Without a picture.
    pub video: bool,
}

/// Why a session ends (XEP-0166, section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// All is well. The bridge is another one from now on ("moving"), or the conference is over.
    Success,
    /// Nobody else is there any more.
    Expired,
    /// No path to the bridge.
    ConnectivityError,
    /// The other side does not want it.
    Decline,
    /// Gone.
    Gone,
    /// The bridge is not who it says.
    SecurityError,
    /// Its media cannot be used.
    FailedApplication,
    /// Something else.
    General,
}

impl Condition {
    const ALL: [Condition; 8] = [
        Condition::Success,
        Condition::Expired,
        Condition::ConnectivityError,
        Condition::Decline,
        Condition::Gone,
        Condition::SecurityError,
        Condition::FailedApplication,
        Condition::General,
    ];

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Condition::Success => "success",
            Condition::Expired => "expired",
            Condition::ConnectivityError => "connectivity-error",
            Condition::Decline => "decline",
            Condition::Gone => "gone",
            Condition::SecurityError => "security-error",
            Condition::FailedApplication => "failed-application",
            Condition::General => "general-error",
        }
    }
}

/// `<reason>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which.
    pub condition: Condition,
    /// More about it, for people who read protocols.
    pub text: Option<String>,
}

impl Reason {
    fn read(element: &Element) -> Result<Self, JingleError> {
        let known = |condition: &&Condition| element.has_child(condition.as_str(), namespace::JINGLE);
        let text = element.get_child("text", namespace::JINGLE).map(Element::text).filter(|text| !text.is_empty());
        Ok(Reason {
            condition: Condition::ALL.iter().find(known).copied().unwrap_or(Condition::General),
            text: text.map(|text| text::line(&text, limits::ADDRESS, "text of a reason")).transpose()?,
        })
    }

    fn write(&self) -> Element {
        let text = self.text.iter().map(|text| Tag::new("text", namespace::JINGLE).text(text));
        Tag::new("reason", namespace::JINGLE)
            .child(Tag::new(self.condition.as_str(), namespace::JINGLE))
            .children(text)
            .into()
    }
}

/// `<jingle>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jingle {
    /// What it asks for.
    pub action: Action,
    /// Of which session.
    pub sid: SessionId,
    /// Who began it.
    pub initiator: Option<Pii<String>>,
    /// Who answers.
    pub responder: Option<Pii<String>>,
    /// Its contents.
    pub contents: Vec<Content>,
    /// The contents that share one transport (RFC 9143).
    pub bundle: Vec<String>,
    /// The session on the bridge.
    pub bridge_session: Option<BridgeSession>,
    /// Who starts muted.
    pub start_muted: Option<StartMuted>,
    /// Sources as JSON.
    pub compact: Option<Sources>,
    /// Why it ends.
    pub reason: Option<Reason>,
}

impl Jingle {
    /// With nothing in it.
    #[must_use]
    pub fn new(action: Action, sid: SessionId) -> Self {
        Jingle {
            action,
            sid,
            initiator: None,
            responder: None,
            contents: Vec::new(),
            bundle: Vec::new(),
            bridge_session: None,
            start_muted: None,
            compact: None,
            reason: None,
        }
    }

    /// The `<jingle>` inside an `<iq>`, if there is one.
    #[must_use]
    pub fn inside(iq: &Element) -> Option<&Element> {
        iq.get_child("jingle", namespace::JINGLE)
    }

    /// Reads `<jingle>`.
    ///
    /// # Errors
    /// When something in it cannot be used; then nothing of it is.
    pub fn read(element: &Element) -> Result<Self, JingleError> {
        let sid = SessionId(text::line(tag::needed(element, "sid", "session id")?, limits::TEXT, "session id")?);
        let address = |name: &str| {
            let text = element.attr(name).map(|text| text::line(text, limits::ADDRESS, "address"));
            text.transpose().map(|text| text.map(Pii::new))
        };
        let bundle = element
            .children()
            .find(|child| child.is("group", namespace::GROUPING) && child.attr("semantics") == Some("BUNDLE"));
        let member = |content: &Element| text::token(tag::needed(content, "name", "bundle")?, "bundle");
        let members = (limits::CONTENTS, "contents in a bundle");
        let bundle = bundle.map(|group| tag::each(group, ("content", namespace::GROUPING), members, member));
        let bridge_session = element.get_child("bridge-session", namespace::FOCUS).map(|session| {
            Ok::<_, JingleError>(BridgeSession {
                id: text::line(tag::needed(session, "id", "session of the bridge")?, limits::TEXT, "bridge")?,
                restart: tag::boolean(session, "restart").unwrap_or(false),
            })
        });
        let start_muted = element.get_child("startmuted", namespace::START_MUTED).map(|muted| StartMuted {
            audio: tag::boolean(muted, "audio").unwrap_or(false),
            video: tag::boolean(muted, "video").unwrap_or(false),
        });
        let compact = element.get_child("json-message", namespace::JITSI).map(|message| compact::read(&message.text()));
        let contents = (limits::CONTENTS, "contents");
        Ok(Jingle {
            action: Action::read(tag::needed(element, "action", "action")?)?,
            sid,
            initiator: address("initiator")?,
            responder: address("responder")?,
            contents: tag::each(element, ("content", namespace::JINGLE), contents, Content::read)?,
            bundle: bundle.transpose()?.unwrap_or_default(),
            bridge_session: bridge_session.transpose()?,
            start_muted,
            compact: compact.transpose()?,
            reason: element.get_child("reason", namespace::JINGLE).map(Reason::read).transpose()?,
        })
    }

    /// The sources of the message in both forms.
    ///
    /// # Errors
    /// When there are too many.
    pub fn sources(&self) -> Result<Sources, JingleError> {
        let mut all = self.compact.clone().unwrap_or_default();
        for description in self.contents.iter().filter_map(|content| content.description.as_ref()) {
            all.extend(description.sources.clone())?;
        }
        Ok(all)
    }

    /// The element.
    #[must_use]
    pub fn write(&self) -> Element {
        let bundle = (!self.bundle.is_empty()).then(|| {
            let members = self.bundle.iter();
            Tag::new("group", namespace::GROUPING)
                .with("semantics", "BUNDLE")
                .children(members.map(|name| Tag::new("content", namespace::GROUPING).with("name", name.as_str())))
        });
        let bridge_session = self.bridge_session.iter().map(|session| {
            Tag::new("bridge-session", namespace::FOCUS)
                .with("id", session.id.as_str())
                .with("restart", session.restart.then_some("true"))
        });
        let start_muted = self.start_muted.map(|muted| {
            Tag::new("startmuted", namespace::START_MUTED)
                .with("audio", muted.audio.to_string())
                .with("video", muted.video.to_string())
        });
        let compact = self.compact.iter();
        Tag::new("jingle", namespace::JINGLE)
            .with("action", self.action.as_str())
            .with("sid", self.sid.0.as_str())
            .with("initiator", self.initiator.as_ref().map(|address| address.reveal().as_str()))
            .with("responder", self.responder.as_ref().map(|address| address.reveal().as_str()))
            .children(self.reason.iter().map(Reason::write))
            .children(self.contents.iter().map(Content::write))
            .children(bundle)
            .children(bridge_session)
            .children(start_muted)
            .children(compact.map(|sources| Tag::new("json-message", namespace::JITSI).text(&compact::write(sources))))
            .into()
    }
}
