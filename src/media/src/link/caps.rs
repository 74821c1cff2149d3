//! What stands in an m-line, as RTP caps: payload type, parameters, feedback, extensions, all explicit.
//!
//! webrtcbin has one map from payload type to caps for a whole bundle and takes the first it sees. So every line that
//! uses a payload type says the same about it, also the extension of transport-wide congestion control; with it on
//! some lines only, no feedback is sent and the peer's upstream falls to 30 kbit/s.

use gstreamer as gst;
use subrosa_messages::media::{Codec, Kind};

use super::sdp::Offered;

/// Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01).
pub const TWCC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// How loud what is in a packet is (RFC 6464). Without it a bridge never takes the room for the one who speaks.
pub const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// The one id of [`TWCC`] in our offers.
pub const TWCC_ID: u8 = 1;

/// How a line is carried over RTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carriage {
    /// What.
    pub codec: Codec,
    /// As which payload type.
    pub payload_type: u8,
    /// With which format parameters.
    pub parameters: Vec<(String, String)>,
    /// With which id for [`TWCC`].
    pub twcc: Option<u8>,
    /// With which id for [`AUDIO_LEVEL`].
    pub audio_level: Option<u8>,
}

impl Carriage {
    /// As we offer it.
    #[must_use]
    pub fn ours(codec: Codec) -> Self {
        let (payload_type, parameters): (u8, &[(&str, &str)]) = match codec {
            // Constrained baseline, level 3.1 and more by asymmetry (RFC 6184, 8.1). Every browser has it.
            Codec::H264 => {
                (96, &[("packetization-mode", "1"), ("profile-level-id", "42e01f"), ("level-asymmetry-allowed", "1")])
            }
            Codec::Vp8 => (98, &[]),
            Codec::Opus => (111, &[("minptime", "10"), ("useinbandfec", "1")]),
        };
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Carriage { codec, payload_type, parameters, twcc: Some(TWCC_ID), audio_level: None }
    }

    /// As the peer has offered it.
    #[must_use]
    pub fn theirs(line: &Offered) -> Self {
        Carriage {
            codec: line.codec,
            payload_type: line.payload_type,
            parameters: line.parameters.clone(),
            twcc: line.twcc,
            audio_level: line.audio_level.filter(|_| line.codec.kind() == Kind::Audio),
        }
    }

    /// The header extensions of the line, each with its id.
    pub fn extensions(&self) -> impl Iterator<Item = (u8, &'static str)> + use<> {
        let of_all = self.twcc.map(|id| (id, TWCC));
        of_all.into_iter().chain(self.audio_level.map(|id| (id, AUDIO_LEVEL)))
    }

    /// Caps of the RTP stream with this SSRC.
    #[must_use]
    pub fn stream(&self, ssrc: u32) -> gst::Caps {
        let mut structure = self.structure();
        structure.set("ssrc", ssrc);
        gst::Caps::builder_full().structure(structure).build()
    }

    /// Caps as codec preferences of the line with this mid, which stands in one structure only: else it would be written twice.
    #[must_use]
    pub fn preferences(&self, mid: &str) -> gst::Caps {
        let mut structure = self.structure();
        structure.set("a-mid", mid);
        gst::Caps::builder_full().structure(structure).build()
    }

    /// Caps of another codec on a line that has [`Carriage::preferences`]: without the mid.
    #[must_use]
    pub fn alternative(&self) -> gst::Caps {
        gst::Caps::builder_full().structure(self.structure()).build()
    }

    /// The least that finds this line among those of the peer's offer: more could contradict it.
    #[must_use]
    pub fn match_for(&self, mid: &str) -> gst::Caps {
        let mut structure = self.identity();
        structure.set("a-mid", mid);
        self.add_extensions(&mut structure);
        gst::Caps::builder_full().structure(structure).build()
    }

    fn add_extensions(&self, structure: &mut gst::StructureRef) {
        if self.twcc.is_some() {
            structure.set("rtcp-fb-transport-cc", true);
        }
        for (id, uri) in self.extensions() {
            structure.set(format!("extmap-{id}"), uri);
        }
    }

    fn identity(&self) -> gst::Structure {
        let (media, name, rate) = match self.codec {
            Codec::H264 => ("video", "H264", 90_000),
            Codec::Vp8 => ("video", "VP8", 90_000),
            Codec::Opus => ("audio", "OPUS", 48_000),
        };
        gst::Structure::builder("application/x-rtp")
            .field("media", media)
            .field("encoding-name", name)
            .field("clock-rate", rate)
            .field("payload", i32::from(self.payload_type))
            .build()
    }

    fn structure(&self) -> gst::Structure {
        let mut structure = self.identity();
        for (name, value) in &self.parameters {
            structure.set(name.as_str(), value.as_str());
        }
        if self.codec == Codec::Opus {
            // Without it the description says OPUS/48000, which browsers reject (RFC 7587, 7).
            structure.set("encoding-params", "2");
        }
        if self.codec.kind() == Kind::Video {
            for feedback in ["rtcp-fb-nack", "rtcp-fb-nack-pli", "rtcp-fb-ccm-fir"] {
                structure.set(feedback, true);
            }
        }
        self.add_extensions(&mut structure);
        structure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_an_offer_carries_the_congestion_control_extension() {
        gst::init().unwrap();
        for codec in [Codec::H264, Codec::Vp8, Codec::Opus] {
            let caps = Carriage::ours(codec).stream(1);
            let structure = caps.structure(0).unwrap();
            assert_eq!(structure.get::<&str>("extmap-1").unwrap(), TWCC);
            assert!(structure.get::<bool>("rtcp-fb-transport-cc").unwrap());
            assert_eq!(structure.has_field("rtcp-fb-nack"), codec.kind() == Kind::Video);
        }
    }

    #[test]
    fn payload_types_of_our_offers_differ() {
        let types = [Codec::H264, Codec::Vp8, Codec::Opus].map(|codec| Carriage::ours(codec).payload_type);
        assert!(types[0] != types[1] && types[1] != types[2] && types[0] != types[2]);
    }
}
