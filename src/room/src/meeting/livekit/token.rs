//! What a token says of itself (RFC 7519). Only its server can tell whether that is true: nothing is decided by it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    video: Grant,
}

/// What LiveKit's servers call a grant (`VideoGrant`).
#[derive(Default, Deserialize)]
struct Grant {
    #[serde(default)]
    room: String,
}

/// The room that a token is for; empty: it does not say. `None`: it is no token.
pub fn room(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    Some(claims.video.room.chars().filter(|letter| !letter.is_control()).take(200).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_room_stands_in_the_grant() {
        assert_eq!(room(&token(r#"{"iss":"k","video":{"room":"rose","roomJoin":true}}"#)).as_deref(), Some("rose"));
        assert_eq!(room(&token(r#"{"sub":"a"}"#)).as_deref(), Some(""));
        for none in ["", "a.b", "a.b.c.d", "e30.e30", &token("{"), "e30.%%.c2ln"] {
            assert_eq!(room(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,80}", claims in "\\PC{0,80}") {
            let _no_panic = (room(&text), room(&token(&claims)));
        }
    }
}
