//! What lets people in: the PIN for those who type, the token for those who scan, the key of a browser's session.

use subrosa_messages::Pii;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::meeting::guest::{Secret, SessionKey};

/// PIN and token of one meeting. Wiped when dropped.
#[derive(Clone)]
pub struct Secrets {
    pin: Zeroizing<String>,
    token: Zeroizing<String>,
}

impl Secrets {
    /// New ones: a PIN of so many digits, a token of 128 bits.
    ///
    /// # Errors
    /// When the kernel has no randomness to give.
    pub fn new(digits: usize) -> Result<Self, getrandom::Error> {
        let mut pin = Zeroizing::new(String::with_capacity(digits));
        while pin.len() < digits {
            let mut byte = [0_u8; 1];
            getrandom::fill(&mut byte)?;
            let [byte] = byte;
            // 250 is the largest multiple of ten in a byte: no digit is likelier than another.
            if byte < 250 {
                pin.push(char::from(b'0' + byte % 10));
            }
        }
        Ok(Secrets { pin, token: Zeroizing::new(hexadecimal()?) })
    }

    /// Known ones, for tests.
    #[cfg(test)]
    pub fn known(pin: &str, token: &str) -> Self {
        Secrets { pin: Zeroizing::new(pin.to_owned()), token: Zeroizing::new(token.to_owned()) }
    }

    /// The PIN.
    #[must_use]
    pub fn pin(&self) -> &str {
        &self.pin
    }

    /// The token of the link's fragment.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether this is one of them. How long the comparison takes says nothing about how much of it is right.
    #[must_use]
    pub fn fits(&self, secret: &Secret) -> bool {
        match secret {
            Secret::Pin(typed) => {
                let digits: Zeroizing<String> =
                    Zeroizing::new(typed.reveal().chars().filter(|letter| !letter.is_whitespace()).collect());
                same(&digits, &self.pin)
            }
            Secret::Token(token) => same(token.reveal(), &self.token),
        }
    }
}

/// A new key for the session of a browser: 128 random bits.
///
/// # Errors
/// When the kernel has no randomness to give.
pub fn session_key() -> Result<SessionKey, getrandom::Error> {
    Ok(SessionKey(Pii::new(hexadecimal()?)))
}

/// Whether two secrets are the same, in a time that depends on their lengths only.
pub fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

fn hexadecimal() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)?;
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    let text = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    bytes.zeroize();
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_secrets_have_their_length_and_differ() {
        let (one, other) = (Secrets::new(6).unwrap(), Secrets::new(12).unwrap());
        assert!(one.pin().len() == 6 && one.pin().bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(other.pin().len(), 12);
        assert!(one.token().len() == 32 && one.token() != other.token());
        assert_eq!(session_key().unwrap().0.reveal().len(), 32);
    }

    #[test]
    fn only_the_whole_secret_of_its_kind_fits() {
        let secrets = Secrets::known("012345", "abcd");
        let pin = |text: &str| secrets.fits(&Secret::Pin(Pii::new(text.to_owned())));
        let token = |text: &str| secrets.fits(&Secret::Token(Pii::new(text.to_owned())));
        assert!(pin("012345") && pin(" 012 345 ") && token("abcd"));
        assert!(!pin("012346") && !pin("01234") && !pin("0123456") && !pin("") && !pin("abcd"));
        assert!(!token("abce") && !token("012345") && !token("") && !token(" abcd"));
    }
}
