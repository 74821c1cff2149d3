//! The languages that people in the room and guests read.

use serde::{Deserialize, Serialize};

/// A language of the product. Every text for people is a `match` over this type, so that none can be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// German.
    #[default]
    #[serde(rename = "de")]
    German,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 2] = [Language::German, Language::English];

    /// The one that somebody at a terminal reads (locale(7)); English where it is neither.
    #[must_use]
    pub fn of_the_terminal() -> Self {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
        match named.into_iter().find(|value| !value.is_empty()) {
            Some(value) if value.starts_with("de") => Language::German,
            Some(_) | None => Language::English,
        }
    }

    /// Its tag (RFC 5646).
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Language::German => "de",
            Language::English => "en",
        }
    }

    /// One of two texts: the German one first, as in every table of texts here.
    #[must_use]
    pub fn pick<T>(self, german: T, english: T) -> T {
        match self {
            Language::German => german,
            Language::English => english,
        }
    }
}
