//! The island network: a device that is its own access point, for rooms without a network that guests may use.
//!
//! One key (`[island] name`) switches it on. What follows from the settings is plain text for programs that every Debian
//! has: [`files`] for hostapd (the radio) and systemd-networkd (address and DHCP); [`passphrase`] makes and keeps what lets
//! phones in; [`code`] is what they scan. The network ends at the device: no router, no name server, no forwarding.

pub mod code;
pub mod files;
pub mod passphrase;
pub mod write;

use std::net::Ipv4Addr;

use subrosa_messages::Pii;

/// `[island]`, where its name is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Island {
    /// What phones list it as.
    pub name: NetworkName,
    /// The operator's passphrase; `None`: the device makes one and keeps it.
    pub passphrase: Option<Passphrase>,
    /// The country by whose rules the radio sends (ISO 3166-1 alpha-2); `None`: what is allowed everywhere.
    pub country: Option<Country>,
    /// The radio's interface.
    pub interface: Interface,
    /// Where it sends.
    pub channel: Channel,
    /// The device's address; the network is the /24 around it.
    pub address: Ipv4Addr,
    /// WPA3 is offered beside WPA2.
    pub wpa3: bool,
}

/// A network's name: 1 to 32 octets (IEEE 802.11, 9.4.2.2), UTF-8, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkName(String);

impl NetworkName {
    /// `None` for what cannot be one. Blanks around it go: nobody sees them in a list of networks.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=32).contains(&text.len()) && !text.chars().any(char::is_control);
        fits.then(|| NetworkName(text.to_owned()))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A passphrase of WPA: 8 to 63 printable characters of ASCII (IEEE 802.11, J.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passphrase(Pii<String>);

impl Passphrase {
    /// `None` for what cannot be one. Blanks around it are refused: whoever reads it from a screen would not see them.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        let fits = (8..=63).contains(&text.len()) && printable && text.trim() == text;
        fits.then(|| Passphrase(Pii::new(text.to_owned())))
    }

    /// Its text, for the radio's file and the room's screen.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// A country's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Country([u8; 2]);

impl Country {
    /// `None` for what is not two capital letters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let letters: [u8; 2] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Country(letters))
    }

    /// Its two letters.
    #[must_use]
    pub fn letters(self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }
}

/// The name of a network interface, without what a pattern would take for a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface(String);

impl Interface {
    /// `None` for what cannot be one (IFNAMSIZ is 16 with its zero).
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let folder = text.bytes().all(|byte| byte == b'.');
        ((1..=15).contains(&text.len()) && plain && !folder).then(|| Interface(text.to_owned()))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where the radio sends: what an access point may use without looking for weather radar first (DFS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel(u8);

impl Channel {
    /// `None` for a number that is none of them.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        matches!(number, 1..=11 | 36 | 40 | 44 | 48).then_some(Channel(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }

    /// It lies in the band at 5 GHz, where nothing is allowed everywhere.
    #[must_use]
    pub fn wants_country(self) -> bool {
        self.0 > 14
    }
}

/// The settings where nothing but the name is said.
impl Island {
    /// A network with this name.
    #[must_use]
    pub fn named(name: NetworkName) -> Self {
        Island {
            name,
            passphrase: None,
            country: None,
            interface: Interface("wlan0".to_owned()),
            channel: Channel(6),
            address: ADDRESS,
            wpa3: true,
        }
    }
}

/// The device's address where none is given: in a corner of the private ones (RFC 1918) that routers hardly hand out.
pub const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 83, 66, 1);

/// An address for the device: private, and below those that phones get.
#[must_use]
pub fn is_usable(address: Ipv4Addr) -> bool {
    let [.., last] = address.octets();
    address.is_private() && (1..files::FIRST_GUEST).contains(&last)
}
