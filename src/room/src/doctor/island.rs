//! The island network, where the configuration names one: is there a radio that can carry it, and what keeps it silent?

use std::fs;
use std::path::Path;

use super::finding::{Check, Finding, both};
use crate::configuration::Configuration;
use crate::shell::addresses;

/// What is known of the radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Island {
    /// The interface that the configuration names.
    pub interface: String,
    /// Interfaces that are radios.
    pub radios: Vec<String>,
    /// The radio can be an access point; `None`: `iw` is not there to ask.
    pub access_point: Option<bool>,
    /// A switch or a program keeps it silent.
    pub blocked: bool,
    /// hostapd is installed.
    pub hostapd: bool,
    /// The device has its address there.
    pub up: bool,
}

impl Island {
    /// Looks, where there is to be an island.
    #[must_use]
    pub fn read(root: &Path, configuration: &Configuration) -> Option<Self> {
        let island = configuration.island.as_ref()?;
        let interface = island.interface.as_str().to_owned();
        let folder = root.join("sys/class/net");
        let names = fs::read_dir(&folder).into_iter().flatten().flatten();
        let mut radios: Vec<String> = names
            .filter(|entry| entry.path().join("phy80211").exists())
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        radios.sort();
        let radio = folder.join(&interface).join("phy80211");
        let phy = fs::read_to_string(radio.join("name")).ok();
        let abilities = phy.and_then(|phy| super::printed("iw", &["phy", phy.trim(), "info"]));
        let address = std::net::IpAddr::V4(island.address);
        Some(Island {
            access_point: abilities.map(|text| can_be_access_point(&text)),
            blocked: is_blocked(&radio),
            hostapd: ["usr/sbin/hostapd", "usr/bin/hostapd"].iter().any(|path| root.join(path).exists()),
            up: addresses::read().unwrap_or_default().iter().any(|one| *one.ip.reveal() == address),
            interface,
            radios,
        })
    }

    /// What it means.
    #[must_use]
    pub fn judge(&self) -> Finding {
        let Island { interface, radios, .. } = self;
        let wrong = |what, todo| Finding::wrong(Check::Island, what, todo);
        if !self.hostapd {
            return wrong(
                both("Für das eigene WLAN fehlt hostapd.", "hostapd is missing, which the island network needs."),
                both("apt install hostapd", "apt install hostapd"),
            );
        }
        if !radios.contains(interface) {
            let list = if radios.is_empty() { "–".to_owned() } else { radios.join(", ") };
            return wrong(
                both(
                    format!("{interface} ist kein WLAN-Gerät. Da sind: {list}."),
                    format!("{interface} is no Wi-Fi radio. There are: {list}."),
                ),
                both(
                    "[island] interface in subrosa.toml nennt eines davon; sonst ein WLAN-Gerät anstecken.",
                    "Let [island] interface in subrosa.toml name one of them, or attach a radio.",
                ),
            );
        }
        if self.access_point == Some(false) {
            return wrong(
                both(
                    format!("{interface} kann kein Zugangspunkt sein."),
                    format!("{interface} cannot be an access point."),
                ),
                both(
                    "Ein anderes WLAN-Gerät: `iw list` muss AP nennen.",
                    "Use another radio: `iw list` has to name AP.",
                ),
            );
        }
        if self.blocked {
            return wrong(
                both(format!("{interface} ist abgeschaltet."), format!("{interface} is switched off.")),
                both(
                    "rfkill unblock wlan; mancher Rechner hat einen Schalter.",
                    "rfkill unblock wlan; some machines have a switch.",
                ),
            );
        }
        if !self.up {
            return wrong(
                both("Das eigene WLAN sendet nicht.", "The island network is not there."),
                both(
                    "journalctl -u subrosa-island -u subrosa-access-point -u systemd-networkd sagt, warum. Ohne WPA3 versuchen: [island] wpa3 = false.",
                    "journalctl -u subrosa-island -u subrosa-access-point -u systemd-networkd says why. Try without WPA3: [island] wpa3 = false.",
                ),
            );
        }
        Finding::ok(Check::Island, both("Das eigene WLAN sendet.", "The island network is there."))
    }
}

/// `iw phy … info` lists what a radio can be, a mode to a line.
fn can_be_access_point(text: &str) -> bool {
    let modes = text.lines().map(str::trim).skip_while(|line| *line != "Supported interface modes:").skip(1);
    modes.take_while(|line| line.starts_with("* ")).any(|line| line == "* AP")
}

/// Any of the radio's switches stands on *off* (`Documentation/driver-api/rfkill.rst`).
fn is_blocked(radio: &Path) -> bool {
    let entries = fs::read_dir(radio).into_iter().flatten().flatten();
    let switches = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("rfkill"));
    switches.map(|entry| entry.path()).any(|switch| {
        ["soft", "hard"].iter().any(|kind| fs::read_to_string(switch.join(kind)).is_ok_and(|text| text.trim() == "1"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;
    use crate::island;
    use crate::language::Language;

    fn well() -> Island {
        Island {
            interface: "wlan0".to_owned(),
            radios: vec!["wlan0".to_owned()],
            access_point: Some(true),
            blocked: false,
            hostapd: true,
            up: true,
        }
    }

    #[test]
    fn each_thing_that_keeps_it_silent_is_named() {
        assert_eq!(well().judge().verdict, Verdict::Ok);
        assert_eq!(Island { access_point: None, ..well() }.judge().verdict, Verdict::Ok);
        for (island, word) in [
            (Island { hostapd: false, ..well() }, "hostapd"),
            (Island { interface: "wlan1".to_owned(), ..well() }, "There are: wlan0"),
            (Island { radios: Vec::new(), ..well() }, "no Wi-Fi radio"),
            (Island { access_point: Some(false), ..well() }, "access point"),
            (Island { blocked: true, ..well() }, "switched off"),
            (Island { up: false, ..well() }, "not there"),
        ] {
            let found = island.judge();
            assert_eq!(found.verdict, Verdict::Wrong);
            assert!(found.what.text(Language::English).contains(word), "{word}: {:?}", found.what);
            assert!(found.todo.is_some());
        }
    }

    #[test]
    fn what_a_radio_can_be_is_read() {
        let text = "Wiphy phy0\n\tSupported interface modes:\n\t\t * IBSS\n\t\t * managed\n\t\t * AP\n\t\t * AP/VLAN\n\tBand 1:\n";
        assert!(can_be_access_point(text));
        assert!(!can_be_access_point(&text.replace("\t\t * AP\n", "")));
        assert!(!can_be_access_point(&text.replace("\t\t * AP\n", "\tsoftware interface modes:\n\t\t * AP\n")));
    }

    #[test]
    fn radios_and_their_switches_are_found() {
        let root = tempfile::tempdir().unwrap();
        let radio = root.path().join("sys/class/net/wlan0/phy80211");
        fs::create_dir_all(radio.join("rfkill0")).unwrap();
        fs::create_dir_all(root.path().join("sys/class/net/eth0")).unwrap();
        fs::write(radio.join("rfkill0/soft"), "0\n").unwrap();
        fs::write(radio.join("rfkill0/hard"), "1\n").unwrap();
        assert_eq!(Island::read(root.path(), &Configuration::default()), None);
        let settings = island::Island::named(island::NetworkName::new("Rose").unwrap());
        let configuration = Configuration { island: Some(settings), ..Configuration::default() };
        let island = Island::read(root.path(), &configuration).unwrap();
        assert_eq!((island.radios, island.blocked, island.hostapd), (vec!["wlan0".to_owned()], true, false));
    }
}
