//! Encoders of a board: rows of media's table (`src/media/src/encode/rows.rs`), in the order in which they are tried.
//!
//! The table says all that is true of an encoder everywhere. A board says what is true of it here: a smaller picture,
//! a lower rate, other properties. Media refuses what would go beyond the row, or a property that the element lacks.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::{Board, Wrong};

/// One encoder: the name of a row, or a table that narrows the row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncoderRow {
    /// Name of the row, which is the element's.
    pub element: String,
    /// The largest picture, as width and height.
    pub largest: Option<(u32, u32)>,
    /// The highest rate.
    pub frames_per_second: Option<u32>,
    /// Caps behind the element, instead of the row's.
    pub caps: Option<String>,
    /// Properties, as `gst-launch-1.0` writes them; they are set after the row's.
    pub properties: BTreeMap<String, String>,
    /// V4L2 controls, besides the row's or instead of them.
    pub controls: BTreeMap<String, i32>,
    /// How it takes its bitrate, instead of the row's way.
    pub bitrate: Option<BitrateBy>,
    /// How it is asked for a key frame, instead of the row's way.
    pub key_frame: Option<KeyFrameBy>,
    /// Names of the V4L2 devices that the element opens (`/sys/class/video4linux/*/name`). The udev rules open them to media:
    /// a video node that nobody names is taken for a camera and closed.
    pub devices: Vec<String>,
    /// Where this was learned.
    pub learned: Vec<String>,
}

/// How an encoder takes its bitrate while it runs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum BitrateBy {
    /// A property in kbit/s.
    Kilobits(String),
    /// A property in bit/s.
    Bits(String),
    /// A V4L2 control in bit/s.
    Control {
        /// Its name.
        name: String,
        /// It takes multiples of this.
        step: u32,
        /// Lower bound.
        least: u32,
        /// Upper bound.
        most: u32,
    },
}

/// How an encoder is made to make a key frame.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyFrameBy {
    /// The event `GstForceKeyUnit`.
    Event,
    /// An action signal of the element.
    Signal(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    element: String,
    largest: Option<Sides>,
    frames_per_second: Option<u32>,
    caps: Option<String>,
    #[serde(default)]
    properties: BTreeMap<String, Text>,
    #[serde(default)]
    controls: BTreeMap<String, i32>,
    bitrate: Option<BitrateBy>,
    key_frame: Option<KeyFrameBy>,
    #[serde(default)]
    devices: Vec<String>,
    #[serde(default)]
    learned: Vec<String>,
}

impl<'de> Deserialize<'de> for EncoderRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = EncoderRow;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name of an encoder, or a table with its `element`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<EncoderRow, E> {
                Ok(EncoderRow { element: name.to_owned(), ..EncoderRow::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EncoderRow, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                Ok(EncoderRow {
                    element: table.element,
                    largest: table.largest.map(|Sides(width, height)| (width, height)),
                    frames_per_second: table.frames_per_second,
                    caps: table.caps,
                    properties: table.properties.into_iter().map(|(name, Text(value))| (name, value)).collect(),
                    controls: table.controls,
                    bitrate: table.bitrate,
                    key_frame: table.key_frame,
                    devices: table.devices,
                    learned: table.learned,
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Width and height, written as "1920x1080".
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Sides(u32, u32);

impl TryFrom<String> for Sides {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
        sides.map(|(width, height)| Sides(width, height)).ok_or("a size is written as \"1280x720\"")
    }
}

/// A value of a property: a text, a number, a yes or no.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Text;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text, a whole number, true or false")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_bool<E: Error>(self, yes: bool) -> Result<Text, E> {
                Ok(Text(yes.to_string()))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Encoders that need nothing of the board; one of them is the last of every board.
const SOFTWARE: [&str; 2] = ["x264enc", "openh264enc"];

impl Board {
    pub(crate) fn check_encoders(&self) -> Result<(), Wrong> {
        let Some(last) = self.encoders.last() else {
            return Err(Wrong::new("encoders", "encoders", "is empty", "name at least \"x264enc\"".to_owned()));
        };
        for (index, row) in self.encoders.iter().enumerate() {
            let key = |key: &str| format!("encoders.{index}.{key}");
            if self.encoders.iter().take(index).any(|earlier| earlier.element == row.element) {
                let right = "leave the second one out".to_owned();
                return Err(Wrong::new(&key("element"), &row.element, "is named twice", right));
            }
            if let Some((width, height)) = row.largest
                && (width % 2 != 0 || height % 2 != 0 || width < 640 || height < 360)
            {
                let right = "write even sides, and at least 640x360: what every guest can be sent".to_owned();
                let found = format!("{width}x{height}");
                return Err(Wrong::new(&key("largest"), &found, "is no size for pictures", right));
            }
            if let Some(rate) = row.frames_per_second
                && !(20..=120).contains(&rate)
            {
                let right = "write 20 to 120: below 20 sign language cannot be read (EN 301 549)".to_owned();
                return Err(Wrong::new(&key("frames-per-second"), &rate.to_string(), "is out of range", right));
            }
            if let Some(link) = row.learned.iter().find(|link| !link.starts_with("https://")) {
                let right = "give the address where it was learned".to_owned();
                return Err(Wrong::new(&key("learned"), link, "is no link", right));
            }
        }
        if !SOFTWARE.contains(&last.element.as_str()) {
            let key = format!("encoders.{}", self.encoders.len().saturating_sub(1));
            let right = "end with \"x264enc\" or \"openh264enc\", which need no device".to_owned();
            return Err(Wrong::new(&key, &last.element, "can fail, and nothing comes after it", right));
        }
        Ok(())
    }
}
