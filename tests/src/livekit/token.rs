//! The token by which LiveKit's server knows a participant: a JWT (RFC 7519) with HMAC-SHA256 (RFC 2104).

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Base64 for addresses, without padding (RFC 4648, section 5).
fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(LETTERS[(word >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text
}

fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let with = |pad: u8, text: &[u8]| -> [u8; 32] {
        Sha256::new().chain_update(block.map(|byte| byte ^ pad)).chain_update(text).finalize().into()
    };
    with(0x5c, &with(0x36, text))
}

/// A token with these claims. `head` is what stands before them; the secret is at most 64 characters.
#[must_use]
pub fn signed(secret: &str, head: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", base64url(head.to_string().as_bytes()), base64url(claims.to_string().as_bytes()));
    let signature = hmac(secret.as_bytes(), text.as_bytes());
    format!("{text}.{}", base64url(&signature))
}

/// What a token claims, whoever signed it; null where it is none.
#[must_use]
pub fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).unwrap_or_default().replace('-', "+").replace('_', "/");
    let padding = "=".repeat((4 - body.len() % 4) % 4);
    serde_json::from_slice(&gstreamer::glib::base64_decode(&(body + &padding))).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_signed_can_be_read() {
        for name in ["a", "ab", "abc", "ähnlich?~"] {
            let all = json!({"sub": name, "video": {"room": "rose"}});
            assert_eq!(claims(&signed("a secret", &json!({"alg": "HS256"}), &all)), all);
        }
        assert_eq!(claims("nothing"), Value::Null);
    }

    #[test]
    fn signatures_are_those_of_rfc_4231() {
        let signature = hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(signature[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!((base64url(b"fo"), base64url(b"foobar")), ("Zm8".to_owned(), "Zm9vYmFy".to_owned()));
    }
}
