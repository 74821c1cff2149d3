//! The messages: what comes is read with patience, what is sent is written as a browser writes it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use subrosa_messages::Pii;
use subrosa_messages::media::Kind;

use crate::signalling::jingle::source::{EndpointId, SourceName, VideoType};

/// Bytes of a message; the largest that the bridge's data channel takes (RFC 8841, section 6).
pub const LONGEST: usize = 262_144;
/// Names in a list.
const MOST: usize = 1000;

/// Why a message is passed over. Nothing of it is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ColibriError {
    /// Too long.
    #[error("the bridge sent a message that is longer than any it should send")]
    Long,
    /// No JSON object, or without a class.
    #[error("the bridge sent something that is no message")]
    NoMessage,
    /// It lacks what it is about.
    #[error("the bridge sent a {0} that cannot be understood")]
    Incomplete(&'static str),
}

/// A stream that the bridge sends under an SSRC of its own (SSRC rewriting).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The stream.
    pub source: SourceName,
    /// Whose.
    pub owner: Option<EndpointId>,
    /// The SSRC on the wire.
    pub ssrc: u32,
    /// That of its retransmissions.
    pub retransmission: Option<u32>,
    /// What it shows.
    pub shows: Option<VideoType>,
}

/// What the bridge says.
#[derive(Clone, Debug, PartialEq)]
pub enum FromBridge {
    /// It is there.
    Hello,
    /// The pictures that it sends to us now.
    Forwarded(Vec<SourceName>),
    /// Somebody speaks.
    DominantSpeaker {
        /// Who.
        speaker: Option<EndpointId>,
        /// Who before, latest first.
        previous: Vec<EndpointId>,
        /// Nobody, by now.
        silence: bool,
    },
    /// How large anybody wants a picture of ours.
    SenderConstraint {
        /// Which.
        source: SourceName,
        /// Its height; 0: nobody watches, less: as large as it is.
        height: i64,
    },
    /// The path from the bridge to us, in bit/s.
    Estimate(u64),
    /// Somebody's connection broke or is back; our own too.
    Connectivity {
        /// Whose.
        endpoint: EndpointId,
        /// It works.
        active: bool,
    },
    /// From somebody to us, or to all.
    Told {
        /// From whom: the bridge writes it.
        from: EndpointId,
        /// What.
        payload: Pii<Value>,
    },
    /// How somebody's connection is: 0 to 100 per cent.
    Quality {
        /// Whose.
        from: EndpointId,
        /// How good.
        percent: Option<u8>,
    },
    /// Streams and their SSRCs, with SSRC rewriting: only what is new or different.
    Map(Kind, Vec<Mapped>),
    /// Something that this room has no use for.
    Other,
}

impl FromBridge {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is none, or lacks what it is about.
    pub fn read(text: &str) -> Result<Self, ColibriError> {
        if text.len() > LONGEST {
            return Err(ColibriError::Long);
        }
        let value: Value = serde_json::from_str(text).map_err(|_| ColibriError::NoMessage)?;
        let class = value.get("colibriClass").and_then(Value::as_str).ok_or(ColibriError::NoMessage)?;
        Ok(match class {
            "ServerHello" => FromBridge::Hello,
            "ForwardedSources" => FromBridge::Forwarded(names(&value, "forwardedSources", SourceName::read)?),
            "DominantSpeakerEndpointChangeEvent" => FromBridge::DominantSpeaker {
                speaker: value.get("dominantSpeakerEndpoint").and_then(Value::as_str).and_then(id),
                previous: names(&value, "previousSpeakers", EndpointId::read)?,
                silence: truth(value.get("silence")).unwrap_or(false),
            },
            "SenderSourceConstraints" => FromBridge::SenderConstraint {
                source: name(&value, "sourceName").ok_or(ColibriError::Incomplete("sender constraint"))?,
                height: whole(value.get("maxHeight")).ok_or(ColibriError::Incomplete("sender constraint"))?,
            },
            "ConnectionStats" => {
                let estimate = whole(value.get("estimatedDownlinkBandwidth")).and_then(|bits| u64::try_from(bits).ok());
                FromBridge::Estimate(estimate.ok_or(ColibriError::Incomplete("estimate"))?)
            }
            "EndpointConnectivityStatusChangeEvent" => FromBridge::Connectivity {
                endpoint: endpoint(&value, "endpoint").ok_or(ColibriError::Incomplete("state of a connection"))?,
                // A string, as a rule.
                active: truth(value.get("active")).ok_or(ColibriError::Incomplete("state of a connection"))?,
            },
            "EndpointMessage" => FromBridge::Told {
                from: endpoint(&value, "from").ok_or(ColibriError::Incomplete("message without a sender"))?,
                payload: Pii::new(value.get("msgPayload").cloned().unwrap_or(Value::Null)),
            },
            "EndpointStats" => FromBridge::Quality {
                from: endpoint(&value, "from").ok_or(ColibriError::Incomplete("message without a sender"))?,
                percent: percent(value.get("connectionQuality")),
            },
            "VideoSourcesMap" => FromBridge::Map(Kind::Video, mapped(&value)?),
            "AudioSourcesMap" => FromBridge::Map(Kind::Audio, mapped(&value)?),
            _ => FromBridge::Other,
        })
    }
}

fn id(text: &str) -> Option<EndpointId> {
    EndpointId::read(text).ok()
}

fn endpoint(value: &Value, key: &str) -> Option<EndpointId> {
    value.get(key).and_then(Value::as_str).and_then(id)
}

fn name(value: &Value, key: &str) -> Option<SourceName> {
    value.get(key).and_then(Value::as_str).and_then(|text| SourceName::read(text).ok())
}

/// A list of names; those that are none are left out.
fn names<T, E>(value: &Value, key: &str, read: impl Fn(&str) -> Result<T, E>) -> Result<Vec<T>, ColibriError> {
    let list = value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if list.len() > MOST {
        return Err(ColibriError::Long);
    }
    Ok(list.iter().filter_map(Value::as_str).filter_map(|text| read(text).ok()).collect())
}

/// A number that may stand in a string.
fn whole(value: Option<&Value>) -> Option<i64> {
    match value? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn truth(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn percent(value: Option<&Value>) -> Option<u8> {
    let number = value.and_then(Value::as_f64).filter(|number| (0.0..=100.0).contains(number))?;
    // Within bounds by the line above.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Some(number.round() as u8)
}

fn mapped(value: &Value) -> Result<Vec<Mapped>, ColibriError> {
    let list =
        value.get("mappedSources").and_then(Value::as_array).ok_or(ColibriError::Incomplete("map of sources"))?;
    if list.len() > MOST {
        return Err(ColibriError::Long);
    }
    let number = |entry: &Value, key: &str| {
        let number = whole(entry.get(key)).and_then(|number| u32::try_from(number).ok());
        number.filter(|ssrc| *ssrc != 0)
    };
    let entry = |entry: &Value| {
        Some(Mapped {
            source: name(entry, "source")?,
            owner: endpoint(entry, "owner"),
            ssrc: number(entry, "ssrc")?,
            // −1, or nothing at all, stands for none.
            retransmission: number(entry, "rtx"),
            shows: match entry.get("videoType").and_then(Value::as_str) {
                Some("CAMERA") => Some(VideoType::Camera),
                Some(shows) if shows.starts_with("DESKTOP") => Some(VideoType::Desktop),
                Some(_) | None => None,
            },
        })
    };
    list.iter().map(entry).collect::<Option<_>>().ok_or(ColibriError::Incomplete("map of sources"))
}

/// What we say to the bridge.
#[derive(Clone, Debug, PartialEq)]
pub enum ToBridge {
    /// The pictures that we want, and no others.
    ReceiverConstraints {
        /// By their names, with their heights in pixels.
        heights: BTreeMap<SourceName, u32>,
        /// Those that come first when the path is narrow.
        on_stage: Vec<SourceName>,
    },
    /// What a picture of ours shows; `None`: nothing now.
    VideoType {
        /// Which.
        source: SourceName,
        /// What.
        shows: Option<VideoType>,
    },
    /// To somebody.
    Tell {
        /// To whom.
        to: EndpointId,
        /// What.
        payload: Value,
    },
}

impl ToBridge {
    /// The message.
    ///
    /// Constraints are always said in full: a first message that only repeats the bridge's defaults counts as no change,
    /// and no picture ever comes (recording 11). `maxHeight` 0 for whatever is not named is never its default.
    #[must_use]
    pub fn write(&self) -> String {
        let message = match self {
            ToBridge::ReceiverConstraints { heights, on_stage } => {
                let constraint =
                    |(name, height): (&SourceName, &u32)| (name.as_str().to_owned(), json!({ "maxHeight": height }));
                json!({
                    "colibriClass": "ReceiverVideoConstraints",
                    "constraints": heights.iter().map(constraint).collect::<Map<_, _>>(),
                    "defaultConstraints": { "maxHeight": 0 },
                    "lastN": -1,
                    "onStageSources": on_stage.iter().map(SourceName::as_str).collect::<Vec<_>>(),
                    "selectedSources": [],
                })
            }
            ToBridge::VideoType { source, shows } => json!({
                "colibriClass": "SourceVideoTypeMessage",
                "sourceName": source.as_str(),
                "videoType": match shows {
                    Some(VideoType::Camera) => "camera",
                    Some(VideoType::Desktop) => "desktop",
                    None => "none",
                },
            }),
            ToBridge::Tell { to, payload } => json!({
                "colibriClass": "EndpointMessage",
                "to": to.as_str(),
                "msgPayload": payload,
            }),
        };
        message.to_string()
    }
}
