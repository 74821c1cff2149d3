//! Which texts are taken from the network. What is read here is written into lines of session descriptions later, so no
//! control character ever passes.

use super::error::JingleError;
use super::limits;

/// A text without control characters, not empty, not longer than `most` bytes.
pub fn line(text: &str, most: usize, what: &'static str) -> Result<String, JingleError> {
    let fits = !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(JingleError::Invalid(what)) }
}

/// A value that may be empty, such as that of a format parameter.
pub fn value(text: &str, what: &'static str) -> Result<String, JingleError> {
    if text.is_empty() { Ok(String::new()) } else { line(text, limits::TEXT, what) }
}

/// A token (RFC 4566, section 9, `token`).
pub fn token(text: &str, what: &'static str) -> Result<String, JingleError> {
    let is_token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x27 | 0x2a..=0x2b | 0x2d..=0x2e | 0x30..=0x39 | 0x41..=0x5a | 0x5e..=0x7e);
    let fits = !text.is_empty() && text.len() <= limits::TEXT && text.bytes().all(is_token);
    if fits { Ok(text.to_owned()) } else { Err(JingleError::Invalid(what)) }
}

/// A URI as a word: printable ASCII without spaces.
pub fn uri(text: &str, what: &'static str) -> Result<String, JingleError> {
    let fits = !text.is_empty() && text.len() <= limits::ADDRESS && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err(JingleError::Invalid(what)) }
}

/// ICE credentials and foundations (RFC 8839, section 5.4, `ice-char`).
pub fn ice(text: &str, least: usize, what: &'static str) -> Result<String, JingleError> {
    let is_ice = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let fits = (least..=limits::TEXT).contains(&text.len()) && text.bytes().all(is_ice);
    if fits { Ok(text.to_owned()) } else { Err(JingleError::Invalid(what)) }
}

/// A number.
pub fn number<N: std::str::FromStr>(text: &str, what: &'static str) -> Result<N, JingleError> {
    text.parse().map_err(|_| JingleError::Invalid(what))
}
