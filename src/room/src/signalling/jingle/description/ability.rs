//! What this room can send and decode, and which codec everybody uses.
//!
//! Jitsi has no negotiation between participants: each publishes a list in their presence
//! (`jitsi_participant_codecList`, best first), and sends the first of their own list that *everybody* lists. A list
//! that changes changes the payload type on the same SSRC, without Jingle (recording 07b).

use subrosa_messages::media::{Codec, Kind};

use super::super::content::{Description, PayloadType};
use super::super::error::JingleError;

/// Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01): what the bridge's estimate of
/// the path towards us rests on.
pub const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
/// How loud a packet is (RFC 6464): who does not say it is never the dominant speaker.
pub const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// A participant's list, best first, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodecList(Vec<String>);

/// More codecs than that are no list.
const MOST: usize = 16;

impl CodecList {
    /// Reads `av1,vp9,vp8`. Whoever publishes none sends VP8, which everybody has.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        let words = text.unwrap_or_default().split(',').map(|word| word.trim().to_ascii_lowercase());
        let mut list: Vec<String> = words.filter(|word| (1..=16).contains(&word.len())).take(MOST).collect();
        // jicofo adds it where it is missing.
        if !list.iter().any(|codec| codec == "vp8") {
            list.push("vp8".into());
        }
        CodecList(list)
    }

    fn has(&self, codec: &str) -> bool {
        self.0.iter().any(|known| known == codec)
    }

    /// What whoever has this list sends to a room in which these are the lists of everybody, their own included:
    /// `None` where it is something that this room cannot decode, which it never lists itself.
    #[must_use]
    pub fn sends<'a>(&self, everybody: impl Iterator<Item = &'a CodecList> + Clone) -> Option<Codec> {
        let common = self.0.iter().find(|codec| everybody.clone().all(|list| list.has(codec)));
        match common.map(String::as_str) {
            Some("h264") => Some(Codec::H264),
            Some("vp8") | None => Some(Codec::Vp8),
            Some(_) => None,
        }
    }
}

/// What this room can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ability {
    /// It has an encoder for H.264 (the board's, as a rule).
    pub h264: bool,
}

impl Ability {
    /// What our presence publishes: H.264 first, since a board that encodes it in hardware has nothing else as cheap.
    /// VP9 and AV1 are never in it, so that nobody sends them.
    #[must_use]
    pub fn published(self) -> &'static str {
        if self.h264 { "h264,vp8" } else { "vp8" }
    }

    /// The codecs of a kind, best first.
    #[must_use]
    pub fn codecs(self, kind: Kind) -> &'static [Codec] {
        match (kind, self.h264) {
            (Kind::Audio, _) => &[Codec::Opus],
            (Kind::Video, true) => &[Codec::H264, Codec::Vp8],
            (Kind::Video, false) => &[Codec::Vp8],
        }
    }

    /// The codec of the room's own picture: H.264 if everybody lists it, else VP8.
    #[must_use]
    pub fn sends<'a>(self, others: impl Iterator<Item = &'a CodecList> + Clone) -> Codec {
        let mut others = others;
        if self.h264 && others.all(|list| list.has("h264")) { Codec::H264 } else { Codec::Vp8 }
    }
}

/// The payload type of a codec in what was offered, and that of its retransmissions.
///
/// # Errors
/// When it was not offered.
pub fn offered(description: &Description, codec: Codec) -> Result<(&PayloadType, Option<&PayloadType>), JingleError> {
    let (name, what) = match codec {
        Codec::H264 => ("H264", "H.264 in its offer"),
        Codec::Vp8 => ("VP8", "VP8 in its offer"),
        Codec::Opus => ("opus", "Opus in its offer"),
    };
    let types = &description.payload_types;
    let found = types.iter().find(|payload| payload.name.eq_ignore_ascii_case(name));
    let found = found.ok_or(JingleError::Missing(what))?;
    Ok((found, types.iter().find(|payload| payload.retransmits() == Some(found.id))))
}

/// The header extensions of an offer that this room can do.
pub fn extensions(description: &Description, kind: Kind) -> impl Iterator<Item = &super::super::content::Extension> {
    description.extensions.iter().filter(move |extension| match extension.uri.as_str() {
        TRANSPORT_CC => true,
        AUDIO_LEVEL => kind == Kind::Audio,
        _ => false,
    })
}

/// The feedback of an offer that webrtcbin can give and take.
pub fn feedback(payload: &PayloadType) -> impl Iterator<Item = &super::super::content::Feedback> {
    payload.feedback.iter().filter(|feedback| {
        let known = [("transport-cc", None), ("nack", None), ("nack", Some("pli")), ("ccm", Some("fir"))];
        known.contains(&(feedback.kind.as_str(), feedback.subtype.as_deref()))
    })
}

/// Format parameters, one by one. jicofo packs all of H.264's into the value of the first.
#[must_use]
pub fn parameters(payload: &PayloadType) -> Vec<(String, String)> {
    let packed = payload.parameters.iter().map(|(name, value)| format!("{name}={value}"));
    let text: Vec<String> = packed.collect();
    let pairs = text.iter().flat_map(|text| text.split(';'));
    let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(texts: &[&str]) -> Vec<CodecList> {
        texts.iter().map(|text| CodecList::read(Some(text))).collect()
    }

    #[test]
    fn everybody_sends_the_first_of_their_own_list_that_all_list() {
        let sent = |texts: &[&str]| -> Vec<Option<Codec>> {
            let lists = lists(texts);
            lists.iter().map(|list| list.sends(lists.iter())).collect()
        };
        let (h264, vp8) = (Some(Codec::H264), Some(Codec::Vp8));
        // As recorded: 15b, 13d, 07b.
        assert_eq!(sent(&["h264", "h264,vp8"]), [h264, h264]);
        assert_eq!(sent(&["h264", "vp8"]), [vp8, vp8]);
        assert_eq!(sent(&["av1,vp9,vp8", "av1,vp9,vp8"]), [None, None]);
        assert_eq!(sent(&["av1,vp9,vp8", "vp8", "av1,vp9,vp8"]), [vp8, vp8, vp8]);
        // Browsers as they are by default, with this room: they send VP8, and we H.264.
        assert_eq!(sent(&["av1,vp9,vp8,h264", "h264,vp8"]), [vp8, h264]);
        // Nothing of use in it.
        assert_eq!(sent(&["", " ,,", "VP8 "]), [vp8, vp8, vp8]);
        assert_eq!(CodecList::read(None).sends(lists(&["h264"]).iter()), vp8);
    }

    #[test]
    fn with_this_rooms_list_nobody_sends_what_it_cannot_decode() {
        for ability in [Ability { h264: true }, Ability { h264: false }] {
            for theirs in ["av1", "vp9,av1", "h264", "h264,av1", "av1,vp9,vp8,h264", ""] {
                let lists = lists(&[theirs, ability.published()]);
                let sent = lists.first().and_then(|list| list.sends(lists.iter()));
                assert!(sent.is_some_and(|codec| ability.codecs(Kind::Video).contains(&codec)), "{theirs}");
            }
        }
    }

    #[test]
    fn h264_only_when_all_can_and_we_can() {
        let sends = |h264, texts: &[&str]| Ability { h264 }.sends(lists(texts).iter());
        assert_eq!(sends(true, &["av1,h264", "h264"]), Codec::H264);
        assert_eq!(sends(true, &["av1,h264", "vp8"]), Codec::Vp8);
        assert_eq!(sends(false, &["h264"]), Codec::Vp8);
        assert_eq!(sends(true, &[]), Codec::H264);
    }
}
