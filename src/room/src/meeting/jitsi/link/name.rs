//! Names of rooms as browsers compute them. A name that is computed in another way is another room, and nobody
//! would notice: one simply stays alone in it.

use std::fmt::Write;

use unicode_normalization::UnicodeNormalization;

/// What Jitsi Meet takes out of each part of a path before it looks at it.
const TAKEN_OUT: &str = ":?#[]@!$&'()*+,;=></\"";

/// A part of a path without the characters that Jitsi Meet takes out.
pub fn part(raw: &str) -> String {
    raw.chars().filter(|letter| !TAKEN_OUT.contains(*letter)).collect()
}

/// The name of a room as servers know it, the node of its JID: decoded, NFKC (UAX 15), lower case, encoded again
/// (`encodeURIComponent`, ECMA-262), lower case again.
pub fn room(part: &str) -> String {
    let composed: String = decoded(part).nfkc().collect();
    encoded(&composed.to_lowercase()).to_lowercase()
}

/// `decodeURIComponent` (ECMA-262); what it would refuse stays as it is, as a whole.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (Some(high), Some(low)) = (digit(), digit()) else { return text.to_owned() };
            bytes.extend(u8::try_from(high * 16 + low));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// `encodeURIComponent` (ECMA-262).
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
