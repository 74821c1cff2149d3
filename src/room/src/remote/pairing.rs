//! The machine of pairing: which code is valid, and which phones are paired.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::words::{Attempt, PairingRefusal, PhoneId, PhoneKey};
use crate::meeting::act::RoomAct;
use crate::meeting::guest::Secret;
use crate::meeting::hosted::{Door, Secrets, same};

/// A code is shown, and valid, for so long.
pub const CODE_LASTS: Duration = Duration::from_secs(60);
/// Phones at once. With as many no further code is shown.
pub const MOST_PHONES: usize = 8;
/// With six digits and the [`Door`]'s 36 guesses in a minute for all addresses together, a code is guessed once in 27,000 codes.
const DIGITS: usize = 6;

/// A new code to be typed, with the token that is scanned instead.
///
/// # Errors
/// When the kernel has no randomness to give.
pub fn new_code() -> Result<Secrets, getrandom::Error> {
    Secrets::new(DIGITS)
}

/// What happens.
pub enum Event {
    /// Somebody pressed the button of a room that is awake, and the press had nothing else to do. The code is new.
    Pressed(RoomAct, Secrets),
    /// The screen shows something else now, and the code no longer.
    Covered,
    /// Somebody shows a code; the key becomes theirs if it is right. Answered by [`Action::Reply`].
    Tried(Attempt, PhoneKey),
    /// The room sleeps: the guard says so, or has been silent for too long.
    Slept,
    /// The time that [`Pairing::deadline`] named has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// The answer to the try of this event.
    Reply(Result<PhoneKey, PairingRefusal>),
    /// No phone is paired any more: whatever was kept of them elsewhere is to be wiped.
    Forget,
}

/// Who is paired with this room.
#[derive(Default)]
pub struct Pairing {
    awake: Option<Awake>,
    phones_named: u64,
}

/// What is known from the first press to the end. Wiped when dropped.
#[derive(Default)]
struct Awake {
    code: Option<Code>,
    door: Door,
    phones: Vec<Phone>,
    /// Somebody has sent something that may still lie in a buffer.
    heard: bool,
}

struct Code {
    secrets: Secrets,
    until: Instant,
}

struct Phone {
    id: PhoneId,
    key: Zeroizing<String>,
}

impl Pairing {
    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        self.expire(now);
        match event {
            Event::Pressed(RoomAct { .. }, secrets) => {
                let awake = self.awake.get_or_insert_default();
                let room = awake.phones.len() < MOST_PHONES;
                awake.code = room.then(|| Code { secrets, until: now + CODE_LASTS });
                Vec::new()
            }
            Event::Covered => {
                if let Some(awake) = &mut self.awake {
                    awake.code = None;
                }
                Vec::new()
            }
            Event::Tried(attempt, key) => vec![Action::Reply(self.tried(now, &attempt, key))],
            Event::Slept => match self.awake.take() {
                Some(awake) if awake.heard => vec![Action::Forget],
                Some(_) | None => Vec::new(),
            },
            Event::Tick => Vec::new(),
        }
    }

    /// When [`Event::Tick`] is due, if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.awake.as_ref()?.code.as_ref().map(|code| code.until)
    }

    /// The code that is to be on the screen.
    #[must_use]
    pub fn code(&self) -> Option<&Secrets> {
        self.awake.as_ref()?.code.as_ref().map(|code| &code.secrets)
    }

    /// Phones that are paired.
    #[must_use]
    pub fn phones(&self) -> usize {
        self.awake.as_ref().map_or(0, |awake| awake.phones.len())
    }

    /// Whose key this is. How long the comparison takes says nothing about how much of it is right.
    #[must_use]
    pub fn phone(&self, key: &PhoneKey) -> Option<PhoneId> {
        let phones = self.awake.iter().flat_map(|awake| &awake.phones);
        phones.into_iter().find(|phone| same(&phone.key, key.0.reveal())).map(|phone| phone.id)
    }

    fn tried(&mut self, now: Instant, attempt: &Attempt, key: PhoneKey) -> Result<PhoneKey, PairingRefusal> {
        let Some(awake) = &mut self.awake else { return Err(PairingRefusal::NoCode) };
        awake.heard = true;
        let Some(code) = &awake.code else { return Err(PairingRefusal::NoCode) };
        let address: IpAddr = *attempt.address.reveal();
        let typed = match attempt.secret {
            Secret::Pin(_) => true,
            Secret::Token(_) => false,
        };
        let milliseconds = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        if let Some(wait) = awake.door.wait(now, address, typed) {
            return Err(PairingRefusal::TooEarly { retry_after_ms: milliseconds(wait) });
        }
        if !code.secrets.fits(&attempt.secret) {
            let wait = awake.door.wrong(now, address, typed);
            return Err(PairingRefusal::WrongCode { retry_after_ms: milliseconds(wait) });
        }
        awake.door.right(address);
        awake.code = None;
        self.phones_named += 1;
        awake.phones.push(Phone { id: PhoneId(self.phones_named), key: Zeroizing::new(key.0.reveal().clone()) });
        Ok(key)
    }

    fn expire(&mut self, now: Instant) {
        if let Some(awake) = &mut self.awake
            && awake.code.as_ref().is_some_and(|code| code.until <= now)
        {
            awake.code = None;
        }
    }
}
