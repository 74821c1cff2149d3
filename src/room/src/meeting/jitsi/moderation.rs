//! What a moderator may do to this room: mute it, and let it speak only when asked (AV moderation). Nothing here can open a
//! microphone or a camera (promise P2): [`Ordered`] has no such case.

use minidom::Element;
use serde::Deserialize;

use super::roster::FOCUS;
use crate::signalling::xmpp::Jid;

/// A medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// Microphone.
    Audio,
    /// Camera.
    Video,
    /// Screen.
    Desktop,
}

/// Namespaces of `<mute>`, for the session's list of IQs that are taken.
pub const MUTE: [(&str, &str); 3] = [
    ("mute", "http://jitsi.org/jitmeet/audio"),
    ("mute", "http://jitsi.org/jitmeet/video"),
    ("mute", "http://jitsi.org/jitmeet/desktop"),
];

/// What is ordered by an IQ `<mute>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// Close this medium; acknowledge.
    Mute(Medium),
    /// It is from the focus and asks to open: acknowledged, and nothing else (P2).
    Ignored,
    /// It is not from the focus: refused, nothing is closed.
    Forged,
}

/// What an IQ orders. `None`: it holds no `<mute>`.
#[must_use]
pub fn ordered(iq: &Element, room: &str) -> Option<Ordered> {
    let mute = iq.children().find(|child| child.name() == "mute")?;
    let medium = match mute.ns().as_str() {
        "http://jitsi.org/jitmeet/audio" => Medium::Audio,
        "http://jitsi.org/jitmeet/video" => Medium::Video,
        "http://jitsi.org/jitmeet/desktop" => Medium::Desktop,
        _ => return None,
    };
    let from = iq.attr("from").and_then(Jid::new);
    let focus = from.is_some_and(|from| from.bare() == room && from.resource() == Some(FOCUS));
    let order = match (focus, mute.text().trim() == "true") {
        (false, _) => Ordered::Forged,
        (true, true) => Ordered::Mute(medium),
        (true, false) => Ordered::Ignored,
    };
    Some(order)
}

/// What AV moderation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moderated {
    /// Speaking (or being seen) is by permission from now on, or free again.
    Enabled(Medium, bool),
    /// This room has the permission, or has it no longer. It opens nothing: the screen says so, a person presses.
    Approved(Medium, bool),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Json {
    #[serde(rename = "type")]
    kind: String,
    room: Option<String>,
    media_type: Option<String>,
    enabled: Option<bool>,
    approved: Option<bool>,
    removed: Option<bool>,
}

/// Bytes of a JSON message of the server's components that are read.
const JSON: usize = 64 << 10;

/// What a message says about moderation. Only from the component that the server itself named (`component`, by service
/// discovery) and only about this room.
#[must_use]
pub fn moderated(message: &Element, component: &str, room: &str) -> Option<Moderated> {
    if message.attr("from") != Some(component) {
        return None;
    }
    let text = message.children().find(|child| child.name() == "json-message")?.text();
    if text.len() > JSON {
        return None;
    }
    let json: Json = serde_json::from_str(&text).ok()?;
    if json.kind != "av_moderation" || json.room.is_some_and(|of| of != room) {
        return None;
    }
    let medium = match json.media_type.as_deref()? {
        "audio" => Medium::Audio,
        "video" => Medium::Video,
        "desktop" => Medium::Desktop,
        _ => return None,
    };
    match (json.enabled, json.approved, json.removed) {
        (Some(enabled), _, _) => Some(Moderated::Enabled(medium, enabled)),
        (None, Some(true), _) => Some(Moderated::Approved(medium, true)),
        (None, _, Some(true)) => Some(Moderated::Approved(medium, false)),
        (None, _, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signalling::recording::{self, Direction};
    use crate::signalling::xmpp::frame;

    #[test]
    fn the_recorded_moderation_is_understood_in_order() {
        let recording = recording::read("05-moderation/B");
        let (mut orders, mut words) = (Vec::new(), Vec::new());
        for line in recording.of("xmpp", Direction::In) {
            let Ok(stanza) = frame::read(&line.data) else { continue };
            if stanza.attr("type") == Some("set") {
                orders.extend(ordered(&stanza, "room05@muc.meet.test"));
            }
            words.extend(moderated(&stanza, "avmoderation.meet.test", "room05@muc.meet.test"));
        }
        use Medium::{Audio, Video};
        assert_eq!(orders.first_chunk(), Some(&[Audio, Video, Audio, Video].map(Ordered::Mute)));
        assert!(orders.iter().all(|order| matches!(order, Ordered::Mute(_))));
        use Moderated::{Approved, Enabled};
        let expected = [
            Enabled(Audio, true),
            Enabled(Video, true),
            Approved(Audio, true),
            Approved(Audio, false),
            Enabled(Audio, false),
            Enabled(Video, false),
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn p2_a_mute_is_obeyed_from_the_focus_only_and_an_unmute_from_nobody() {
        let order = |from: &str, word: &str| {
            let iq = format!(
                "<iq xmlns='jabber:client' type='set' from='{from}'><mute xmlns='http://jitsi.org/jitmeet/audio'>{word}</mute></iq>"
            );
            ordered(&frame::read(&iq).expect("an IQ"), "r@muc.meet.test")
        };
        assert_eq!(order("r@muc.meet.test/focus", "true"), Some(Ordered::Mute(Medium::Audio)));
        assert_eq!(order("r@muc.meet.test/focus", "false"), Some(Ordered::Ignored));
        for forger in ["r@muc.meet.test/a1b2c3d4", "other@muc.meet.test/focus", "r@muc.meet.test", "focus"] {
            assert_eq!(order(forger, "true"), Some(Ordered::Forged), "{forger}");
        }
    }

    #[test]
    fn moderation_from_elsewhere_or_about_another_room_is_none() {
        let message = |from: &str, json: &str| {
            let message = format!(
                "<message xmlns='jabber:client' from='{from}'><json-message xmlns='http://jitsi.org/jitmeet'>{json}</json-message></message>"
            );
            moderated(&frame::read(&message).expect("a message"), "av.meet.test", "r@muc.meet.test")
        };
        let json = r#"{"type":"av_moderation","mediaType":"audio","approved":true,"room":"r@muc.meet.test"}"#;
        assert!(message("av.meet.test", json).is_some());
        assert_eq!(message("r@muc.meet.test/a", json), None);
        assert_eq!(message("av.meet.test", &json.replace("r@", "s@")), None);
        for broken in ["", "{}", "[]", "{\"type\":1}", "null"] {
            assert_eq!(message("av.meet.test", broken), None);
        }
    }
}
