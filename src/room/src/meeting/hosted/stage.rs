//! Events and sessions that the tests of the machine share.

use std::net::IpAddr;

use subrosa_messages::Pii;
use subrosa_messages::guard::GuardToRoom;
use subrosa_messages::media::{LinkId, Mid, TrackId};
use zeroize::Zeroizing;

use super::{Asker, Event, Secrets};
use crate::language::Language;
use crate::meeting::act::RoomAct;
use crate::meeting::guest::{Knock, Secret, SessionKey};
use crate::meeting::wish::Wish;

pub fn act() -> RoomAct {
    RoomAct::in_word(&GuardToRoom::Press { woke: false }).unwrap()
}

pub fn woken() -> Event {
    Event::Woken(act(), Secrets::known("123456", "0123456789abcdef"))
}

pub fn session(name: &str) -> SessionKey {
    SessionKey(Pii::new(format!("session of {name}")))
}

pub fn knock(who: &str, pin: &str) -> Event {
    let knock = Knock {
        address: Pii::new(IpAddr::from([192, 0, 2, 1])),
        secret: Secret::Pin(Pii::new(pin.to_owned())),
        name: Pii::new(format!("Guest {who}")),
        language: Language::English,
        h264: true,
    };
    Event::Knocked(knock, session(who))
}

pub fn sdp() -> Pii<String> {
    Pii::new("v=0".to_owned())
}

pub fn answer(who: &str, link: u64) -> Event {
    Event::Answered { session: session(who), link: LinkId(link), sdp: sdp() }
}

pub fn track(link: u64, mid: &str) -> TrackId {
    TrackId { link: LinkId(link), mid: Mid(mid.to_owned()) }
}

pub fn wishes(who: &str, wish: Wish) -> Event {
    Event::Wished(Asker::Guest(session(who)), wish)
}

pub fn phone(wish: Wish) -> Event {
    Event::Wished(Asker::Phone, wish)
}

pub fn data(link: u64, channel: &str, text: &str) -> Event {
    Event::Data { link: LinkId(link), channel: channel.to_owned(), bytes: Zeroizing::new(text.as_bytes().to_vec()) }
}
