//! Which codec a participant answers with. webrtcbin takes the first that a line offers, and LiveKit's server offers them in the same order
//! whatever is sent.

use std::collections::BTreeMap;

use super::wire::{Field, fields, text_of};

/// What the server says of tracks.
#[derive(Debug, Default)]
pub(super) struct Codecs {
    /// By `sid`, as in `video/H264`.
    of: BTreeMap<String, String>,
}

impl Codecs {
    /// Somebody is there, or another than before (`ParticipantInfo`): tracks with `sid` and `mime_type`.
    pub fn told(&mut self, person: &[u8]) {
        for (number, field) in fields(person) {
            if let (4, Field::Bytes(track)) = (number, field) {
                let track = fields(&track);
                self.of.insert(text_of(&track, 1), text_of(&track, 11));
            }
        }
    }

    /// The offer with H.264 first on lines that carry it.
    #[must_use]
    pub fn first(&self, offer: &str) -> String {
        let lines = offer.split("\r\nm=").map(|line| self.line(line).unwrap_or_else(|| line.to_owned()));
        lines.collect::<Vec<String>>().join("\r\nm=")
    }

    /// One line with its attributes, reordered; `None`: as it is.
    fn line(&self, line: &str) -> Option<String> {
        let track = line.lines().find_map(|one| one.strip_prefix("a=msid:")?.split(' ').nth(1))?;
        self.of.get(track).filter(|codec| codec.eq_ignore_ascii_case("video/h264"))?;
        // Constrained baseline, packetization mode 1 (RFC 6184): what rooms and browsers send.
        let is_it = |one: &&str| one.contains("packetization-mode=1") && one.contains("profile-level-id=42e01f");
        let wanted = line.lines().find(is_it)?.strip_prefix("a=fmtp:")?.split(' ').next()?;
        let (head, rest) = line.split_once("\r\n")?;
        let mut words: Vec<&str> = head.split(' ').filter(|word| *word != wanted).collect();
        words.insert(3, wanted);
        Some(format!("{}\r\n{rest}", words.join(" ")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{message, text};
    use super::*;

    #[test]
    fn a_line_that_carries_h264_offers_it_first() {
        let offer = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 125 108\r\na=fmtp:125 packetization-mode=0;profile-level-id=42e01f\r\n\
             a=fmtp:108 packetization-mode=1;profile-level-id=42e01f\r\na=msid:PA_1|TR_1 TR_1\r\n";
        let mut codecs = Codecs::default();
        assert_eq!(codecs.first(offer), offer);
        for (codec, line) in [("video/VP8", "SAVPF 96 125 108\r\n"), ("video/H264", "SAVPF 108 96 125\r\n")] {
            let track = message(&[(1, text("TR_1")), (11, text(codec))]);
            codecs.told(&message(&[(1, text("PA_1")), (4, Field::Bytes(track))]));
            assert!(codecs.first(offer).contains(line), "{codec}");
        }
    }
}
