//! `[island]`: whether the device makes a network of its own. Its name switches it on.

use std::net::Ipv4Addr;

use toml::de::DeTable;

use super::Configuration;
use super::section::{Findings, Section, integer};
use crate::island::{Channel, Country, Interface, Island, NetworkName, Passphrase, is_usable};

const NAME: &str =
    "write a name of 1 to 32 bytes, such as \"Subrosa 3b\" (ü and the like count as 2), or \"\" for no island";
const PASSPHRASE: &str = "write 8 to 63 letters, digits and signs of ASCII without blanks around them, or \"\" for one that the \
                          device makes";
const COUNTRY: &str = "write the two capital letters of the country where the radio is, such as \"DE\", or \"\"";
const INTERFACE: &str = "write the name of the radio's interface, such as \"wlan0\"";
const CHANNEL: &str = "write a number from 1 to 11, or, with `country`, 36, 40, 44 or 48";
const ADDRESS: &str = "write a private address that ends in 1 to 9, such as \"10.83.66.1\"";
const ADDRESS_ONLY: &str =
    "nobody on the island resolves names: take it out, and the device's own certificate and address are used";

/// Reads the section.
pub fn read<'a>(table: Option<&'a DeTable<'a>>, findings: &mut Findings<'a>, to: &mut Configuration) {
    let mut name: Option<NetworkName> = None;
    let mut section = Section::below("island", table, findings);
    section.take("name", &mut name, NAME, |value| match value.as_str()?.trim() {
        "" => Some(None),
        text => NetworkName::new(text).map(Some),
    });
    // Read in any case, so that a fault is told before the name is set.
    let mut rest = Rest::default();
    section.secret("passphrase", &mut rest.passphrase, PASSPHRASE, |value| match value.as_str()? {
        "" => Some(None),
        text => Passphrase::new(text).map(Some),
    });
    section.take("country", &mut rest.country, COUNTRY, |value| match value.as_str()?.trim() {
        "" => Some(None),
        text => Country::new(text).map(Some),
    });
    section.take("interface", &mut rest.interface, INTERFACE, |value| Interface::new(value.as_str()?).map(Some));
    section.take("channel", &mut rest.channel, CHANNEL, |value| {
        Channel::new(u8::try_from(integer(value)?).ok()?).map(Some)
    });
    section.take("address", &mut rest.address, ADDRESS, |value| {
        let address: Ipv4Addr = value.as_str()?.parse().ok()?;
        is_usable(address).then_some(Some(address))
    });
    let mut wpa3 = true;
    section.switch("wpa3", &mut wpa3);

    let span = |key: &str| table.and_then(|table| table.get(key)).map_or(0..0, toml::Spanned::span);
    if rest.channel.is_some_and(Channel::wants_country) && rest.country.is_none() {
        let wrong = "`channel` lies at 5 GHz, where each country has rules of its own, and `country` is not set";
        section.misses(span("channel"), "country", wrong, COUNTRY);
    }
    if name.is_some() {
        if to.web.certificate.is_some() {
            section.misses(span("name"), "name", "there is an island, and [web] certificate is set", ADDRESS_ONLY);
        }
        if to.network.public_url.is_some() {
            section.misses(span("name"), "name", "there is an island, and [network] public_url is set", ADDRESS_ONLY);
        }
    }
    section.end();
    to.island = name.map(|name| rest.with(name, wpa3));
}

/// What is said beside the name.
#[derive(Default)]
struct Rest {
    passphrase: Option<Passphrase>,
    country: Option<Country>,
    interface: Option<Interface>,
    channel: Option<Channel>,
    address: Option<Ipv4Addr>,
}

impl Rest {
    fn with(self, name: NetworkName, wpa3: bool) -> Island {
        let usual = Island::named(name);
        Island {
            passphrase: self.passphrase,
            country: self.country,
            interface: self.interface.unwrap_or(usual.interface),
            channel: self.channel.unwrap_or(usual.channel),
            address: self.address.unwrap_or(usual.address),
            wpa3,
            name: usual.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::configuration::read::read;

    #[test]
    fn one_key_makes_an_island() {
        assert!(read("[island]\nchannel = 1", Path::new("")).unwrap().island.is_none());
        let island = read("[island]\nname = \" Subrosa 3b \"", Path::new("")).unwrap().island.unwrap();
        assert_eq!((island.name.as_str(), island.interface.as_str()), ("Subrosa 3b", "wlan0"));
        assert_eq!((island.channel.number(), island.country, island.wpa3), (6, None, true));
        let text = "[island]\nname = \"Süd\"\ncountry = \"DE\"\nchannel = 44\ninterface = \"wlp2s0\"\naddress = \"192.168.9.1\"\nwpa3 = false\n\
                    passphrase = \"an der Tafel\"";
        let island = read(text, Path::new("")).unwrap().island.unwrap();
        assert_eq!((island.channel.number(), island.interface.as_str()), (44, "wlp2s0"));
        assert_eq!(island.passphrase.unwrap().reveal(), "an der Tafel");
        assert_eq!((island.address.to_string().as_str(), island.wpa3), ("192.168.9.1", false));
    }

    #[test]
    fn five_gigahertz_wants_a_country() {
        let wrong = read("[island]\nname = \"Rose\"\nchannel = 36", Path::new("")).unwrap_err();
        assert_eq!((wrong.len(), wrong[0].line, wrong[0].key.as_str()), (1, 3, "island.country"));
    }

    #[test]
    fn a_name_that_nobody_resolves_is_refused() {
        for text in [
            "[network]\npublic_url = \"https://room.example.org\"\n[island]\nname = \"Rose\"",
            "[web]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n[island]\nname = \"Rose\"",
        ] {
            let wrong = read(text, Path::new("")).unwrap_err();
            assert_eq!((wrong.len(), wrong[0].key.as_str()), (1, "island.name"), "{text}");
        }
    }

    #[test]
    fn p9_a_refused_passphrase_stands_in_no_message() {
        for text in ["hemlich", "ein geheimes Wörtchen"] {
            let wrong =
                read(&format!("[island]\nname = \"Rose\"\npassphrase = \"{text}\""), Path::new("")).unwrap_err();
            assert_eq!(wrong[0].line, 3);
            assert!(!format!("{wrong:?}").contains(text), "{wrong:?}");
        }
        let read = read("[island]\nname = \"Rose\"\npassphrase = \"sehr geheim\"", Path::new("")).unwrap();
        assert!(!format!("{read:?}").contains("sehr geheim"));
    }
}
