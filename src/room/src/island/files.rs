//! The texts that hostapd, systemd-networkd and NetworkManager read. Pure.

use std::fmt::Write;

use super::{Island, Passphrase};

/// The last number of the first address that a phone gets.
pub const FIRST_GUEST: u8 = 10;

/// How many addresses there are for phones.
const GUESTS: u8 = 200;

/// `hostapd.conf`: the radio. Holds the passphrase; without one it is for people to look at.
#[must_use]
pub fn hostapd(island: &Island, passphrase: Option<&Passphrase>) -> String {
    // As digits, so that nothing in a name can be taken for a sign of the file.
    let name = island.name.as_str().bytes().fold(String::new(), |mut digits, byte| {
        let _a_string_takes_all = write!(digits, "{byte:02x}");
        digits
    });
    let wide = island.channel.wants_country();
    let mut lines = vec![
        format!("interface={}", island.interface.as_str()),
        "driver=nl80211".to_owned(),
        format!("ssid2={name}"),
        "utf8_ssid=1".to_owned(),
    ];
    if let Some(country) = island.country {
        lines.extend([format!("country_code={}", country.letters()), "ieee80211d=1".to_owned()]);
    }
    lines.extend([
        format!("hw_mode={}", if wide { "a" } else { "g" }),
        format!("channel={}", island.channel.number()),
        "ieee80211n=1".to_owned(),
        format!("ieee80211ac={}", u8::from(wide)),
        "wmm_enabled=1".to_owned(),
        "auth_algs=1".to_owned(),
        "wpa=2".to_owned(),
        format!("wpa_key_mgmt=WPA-PSK{}", if island.wpa3 { " SAE" } else { "" }),
        "rsn_pairwise=CCMP".to_owned(),
        format!("wpa_passphrase={}", passphrase.map_or("‹withheld›", Passphrase::reveal)),
    ]);
    if island.wpa3 {
        // Phones that know WPA3 protect management frames, too; others need not (WPA3 specification, transition mode).
        lines.extend(["ieee80211w=1", "sae_require_mfp=1", "sae_pwe=2"].map(str::to_owned));
    }
    // Guests meet through the room; what they would say to each other directly is not carried.
    lines.push("ap_isolate=1".to_owned());
    lines.join("\n") + "\n"
}

/// The `.network` file: address and DHCP. A phone learns an address and nothing else: without a router it keeps its
/// mobile data for everything but this network, and nothing leads out of it.
#[must_use]
pub fn network(island: &Island) -> String {
    format!(
        "\
[Match]
Name={interface}

[Link]
RequiredForOnline=no

[Network]
Address={address}/24
LinkLocalAddressing=no
IPv6AcceptRA=no
LLDP=no
IPv4Forwarding=no
IPv6Forwarding=no
MulticastDNS=yes
DHCPServer=yes

[DHCPServer]
PoolOffset={FIRST_GUEST}
PoolSize={GUESTS}
DefaultLeaseTimeSec=1h
MaxLeaseTimeSec=2h
EmitRouter=no
EmitDNS=no
EmitNTP=no
EmitTimezone=no
# Who was here is not kept (systemd 256 and later would).
PersistLeases=no
",
        interface = island.interface.as_str(),
        address = island.address
    )
}

/// NetworkManager, where it runs, leaves the radio alone.
#[must_use]
pub fn network_manager(island: &Island) -> String {
    format!("[keyfile]\nunmanaged-devices+=interface-name:{}\n", island.interface.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::island::{Channel, Country, Interface, NetworkName, is_usable};

    fn island(name: &str) -> Island {
        Island::named(NetworkName::new(name).unwrap())
    }

    fn passphrase() -> Passphrase {
        Passphrase::new("abcd-efgh-2345-wxyz").unwrap()
    }

    fn value<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
        text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
    }

    #[test]
    fn the_radio_asks_for_wpa_2_or_3_and_keeps_guests_apart() {
        let text = hostapd(&island("Rose"), Some(&passphrase()));
        for (key, expected) in [
            ("ssid2", "526f7365"),
            ("wpa", "2"),
            ("wpa_key_mgmt", "WPA-PSK SAE"),
            ("rsn_pairwise", "CCMP"),
            ("ieee80211w", "1"),
            ("sae_require_mfp", "1"),
            ("ap_isolate", "1"),
            ("hw_mode", "g"),
            ("channel", "6"),
            ("wpa_passphrase", "abcd-efgh-2345-wxyz"),
        ] {
            assert_eq!(value(&text, key), [expected], "{key}");
        }
        assert!(value(&text, "country_code").is_empty());
        let old = hostapd(&Island { wpa3: false, ..island("Rose") }, Some(&passphrase()));
        assert_eq!(value(&old, "wpa_key_mgmt"), ["WPA-PSK"]);
        assert!(!old.contains("sae") && !old.contains("SAE"));
    }

    #[test]
    fn a_country_opens_the_wide_band() {
        let settings = Island { country: Country::new("DE"), channel: Channel::new(36).unwrap(), ..island("Rose") };
        let text = hostapd(&settings, Some(&passphrase()));
        assert_eq!((value(&text, "country_code"), value(&text, "hw_mode")), (vec!["DE"], vec!["a"]));
        assert_eq!((value(&text, "channel"), value(&text, "ieee80211ac")), (vec!["36"], vec!["1"]));
    }

    #[test]
    fn p5_a_phone_is_told_an_address_and_no_way_out() {
        let text = network(&island("Rose"));
        for line in [
            "Name=wlan0",
            "Address=10.83.66.1/24",
            "DHCPServer=yes",
            "EmitRouter=no",
            "EmitDNS=no",
            "EmitNTP=no",
            "IPv4Forwarding=no",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}");
        }
        for word in ["Gateway", "Masquerade", "IPForward=yes", "Forwarding=yes"] {
            assert!(!text.contains(word), "{word}");
        }
        assert!(!text.contains("Rose"));
    }

    #[test]
    fn what_cannot_be_a_setting_is_none() {
        assert!(NetworkName::new(&"ü".repeat(16)).is_some() && NetworkName::new(&"ü".repeat(17)).is_none());
        assert!(["", "  ", "a\nb", "a\0"].iter().all(|name| NetworkName::new(name).is_none()));
        for (text, fits) in [
            ("1234567", false),
            ("12345678", true),
            (&"x".repeat(63), true),
            (&"x".repeat(64), false),
            ("fünfzehn", false),
            (" 12345678", false),
            ("1234\n5678", false),
        ] {
            assert_eq!(Passphrase::new(text).is_some(), fits, "{text:?}");
        }
        assert!(["wlan0", "wlp3s0", "wlx0024d7f0a1b2"].iter().all(|name| Interface::new(name).is_some()));
        assert!(
            ["", "wlan*", "../x", ".", "..", "w lan", "wlan0\n", "sixteen-letters-"]
                .iter()
                .all(|name| Interface::new(name).is_none())
        );
        assert!(["DE", "US"].iter().all(|code| Country::new(code).is_some()));
        assert!(["", "de", "D", "DEU", "0Ü"].iter().all(|code| Country::new(code).is_none()));
        for (address, fits) in [
            ("10.83.66.1", true),
            ("192.168.9.9", true),
            ("192.168.9.10", false),
            ("10.0.0.0", false),
            ("8.8.8.8", false),
        ] {
            assert_eq!(is_usable(address.parse().unwrap()), fits, "{address}");
        }
    }

    proptest! {
        /// Whatever it is called and whatever lets people in: each key stands once, and no line is anybody's but ours.
        #[test]
        fn no_setting_writes_a_line_of_its_own(name in "\\PC{1,16}", secret in "[ -~]{8,63}", channel in 0_u8..=255) {
            if let (Some(name), Some(secret)) = (NetworkName::new(&name), Passphrase::new(&secret)) {
                let plain = Island::named(name.clone());
                let settings = Island { channel: Channel::new(channel).unwrap_or(plain.channel), ..plain };
                let text = hostapd(&settings, Some(&secret));
                let keys: Vec<&str> = text.lines().map(|line| line.split_once('=').unwrap().0).collect();
                let mut once = keys.clone();
                once.sort_unstable();
                once.dedup();
                prop_assert_eq!(keys.len(), once.len());
                let usual = hostapd(&island("Rose"), Some(&passphrase()));
                let known = |key: &&str| usual.lines().any(|line| line.split_once('=').unwrap().0 == *key);
                prop_assert!(keys.iter().all(known));
                let digits = value(&text, "ssid2")[0];
                let octets: Vec<u8> = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
                prop_assert_eq!(octets.as_slice(), name.as_str().as_bytes());
                prop_assert!(octets.len() <= 32);
                prop_assert_eq!(value(&text, "wpa_passphrase"), [secret.reveal()]);
            }
        }
    }
}
