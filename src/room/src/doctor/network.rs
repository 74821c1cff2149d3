//! Can a phone on this network reach the page? As far as that can be told from here.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::finding::{Check, Finding, both};
use crate::configuration::Configuration;
use crate::shell::addresses::{self, is_public};

/// A page on the device itself answers at once, or is not there.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is known of the way to the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Where the page is to be served.
    pub listen: Vec<SocketAddr>,
    /// Addresses of this device that others can use, the likeliest first.
    pub addresses: Vec<IpAddr>,
    /// One that answered on the page's port.
    pub answered: Option<SocketAddr>,
    /// What the firewall does with what comes in.
    pub firewall: Firewall,
    /// UDP ports for sound and picture, where the configuration names any.
    pub udp: Option<(u16, u16)>,
}

/// What a firewall on this device does with what nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firewall {
    /// Nothing is turned away.
    Open,
    /// What comes in is turned away unless a rule lets it in, and the port of the page is in one.
    Named,
    /// The same, and no rule has the port.
    Shut,
    /// Only root may look, or there is no `nft`.
    Unknown,
}

impl Network {
    /// Looks.
    #[must_use]
    pub fn read(configuration: &Configuration) -> Self {
        let listen = configuration.web.listen.clone();
        let addresses = addresses::reachable(&addresses::read().unwrap_or_default());
        let places = listen.iter().flat_map(|listen| {
            let own = addresses.iter().copied().filter(|address| address.is_ipv4() || listen.is_ipv6());
            let own: Vec<IpAddr> = if listen.ip().is_unspecified() { own.collect() } else { vec![listen.ip()] };
            own.into_iter().map(|address| SocketAddr::new(address, listen.port()))
        });
        let answered = places.take(8).find(|place| TcpStream::connect_timeout(place, PATIENCE).is_ok());
        let port = listen.first().map_or(0, SocketAddr::port);
        let firewall = rules().map_or(Firewall::Unknown, |rules| firewall(&rules, port));
        Network { listen, addresses, answered, firewall, udp: configuration.network.udp_ports }
    }

    /// What it means.
    #[must_use]
    pub fn judge(&self, running: bool) -> Vec<Finding> {
        vec![self.page(running), self.firewall_finding()]
    }

    fn page(&self, running: bool) -> Finding {
        let only_loopback = |address: &IpAddr| address.is_loopback();
        if self.addresses.iter().all(only_loopback) {
            return Finding::wrong(
                Check::Network,
                both("Das Gerät hat keine Adresse in einem Netz.", "The device has no address in any network."),
                both("Kabel, WLAN, DHCP prüfen: ip address.", "Check cable, Wi-Fi, DHCP: ip address."),
            );
        }
        if self.listen.iter().all(|listen| listen.ip().is_loopback()) {
            return Finding::note(
                Check::Network,
                both("Die Seite wird nur diesem Gerät selbst gezeigt.", "The page is shown to this device only."),
                both(
                    "web.listen in subrosa.toml nennt eine Adresse des Netzes.",
                    "Let web.listen in subrosa.toml name an address of the network.",
                ),
            );
        }
        match self.answered {
            Some(place) => {
                let note = both(
                    "Den Link einmal mit einem Telefon öffnen: Ein Gäste-WLAN, das seine Geräte voneinander trennt, sieht man von hier nicht.",
                    "Open the link once with a phone: a guest Wi-Fi that keeps its devices apart cannot be seen from here.",
                );
                let what = if is_public(place.ip()) {
                    both(
                        "Die Seite antwortet, an einer öffentlichen Adresse: das ganze Internet kann sie öffnen.",
                        "The page answers, at a public address: all of the internet can open it.",
                    )
                } else {
                    both(
                        format!("Die Seite antwortet an Port {}.", place.port()),
                        format!("The page answers on port {}.", place.port()),
                    )
                };
                Finding::note(Check::Network, what, note)
            }
            None if running => Finding::wrong(
                Check::Network,
                both(
                    "Die Seite antwortet an keiner Adresse dieses Geräts.",
                    "The page answers at no address of this device.",
                ),
                both("Belegt ein anderes Programm den Port? ss -ltnp", "Does another program have the port? ss -ltnp"),
            ),
            None => Finding::not_checked(Check::Network, super::system::nothing_runs(), super::system::start_it()),
        }
    }

    fn firewall_finding(&self) -> Finding {
        let port = self.listen.first().map_or(0, SocketAddr::port);
        let udp = self.udp.map_or("1024-65535".to_owned(), |(first, last)| format!("{first}-{last}"));
        let command = format!("nft add rule inet filter input tcp dport {port} accept; … udp dport {udp} accept");
        match self.firewall {
            Firewall::Open => {
                Finding::ok(Check::Network, both("Keine Firewall weist Gäste ab.", "No firewall turns guests away."))
            }
            Firewall::Named => Finding::note(
                Check::Network,
                both(
                    format!("Eine Firewall lässt die Seite durch; auch UDP {udp} für Bild und Ton?"),
                    format!("A firewall lets the page through; also UDP {udp} for picture and sound?"),
                ),
                both(
                    "nft list ruleset zeigt es; network.udp_ports engt es ein.",
                    "nft list ruleset shows it; network.udp_ports narrows it.",
                ),
            ),
            Firewall::Shut => Finding::wrong(
                Check::Network,
                both(
                    format!("Eine Firewall weist ab, was hereinkommt, und kennt Port {port} nicht."),
                    format!("A firewall turns away what comes in, and does not know port {port}."),
                ),
                both(command.clone(), command),
            ),
            Firewall::Unknown => Finding::note(
                Check::Network,
                both(
                    "Ob hier eine Firewall abweist, ist nicht bekannt.",
                    "Whether a firewall here turns guests away is not known.",
                ),
                both("Als root ausführen, mit nft (nftables).", "Run it as root, with nft (nftables)."),
            ),
        }
    }
}

fn rules() -> Option<String> {
    if !["/usr/sbin/nft", "/sbin/nft"].iter().any(|nft| Path::new(nft).exists()) {
        // Neither nft nor anything that it would have made the rules with: `iptables` of today writes them too.
        let old = fs::read_to_string("/proc/net/ip_tables_names");
        return old.ok().filter(|names| names.trim().is_empty()).map(|_| String::new());
    }
    let ran =
        Command::new("nft").args(["list", "ruleset"]).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin").output().ok()?;
    ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Reads `nft list ruleset`: a chain at the hook `input` that drops or rejects what no rule lets in.
fn firewall(rules: &str, port: u16) -> Firewall {
    let mut drops = false;
    for chain in rules.split("chain ").skip(1).filter(|chain| chain.contains("hook input")) {
        let last = chain.lines().map(str::trim).rfind(|line| !line.is_empty() && *line != "}").unwrap_or_default();
        drops |= chain.contains("policy drop") || last.starts_with("drop") || last.starts_with("reject");
    }
    let port = port.to_string();
    let named = rules.lines().any(|line| {
        line.contains("dport")
            && line.contains("accept")
            && line.split(|it: char| !it.is_ascii_digit()).any(|it| it == port)
    });
    match (drops, named) {
        (false, _) => Firewall::Open,
        (true, true) => Firewall::Named,
        (true, false) => Firewall::Shut,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Verdict, verdicts};
    use super::*;

    fn reached() -> Network {
        Network {
            listen: vec!["[::]:8443".parse().unwrap()],
            addresses: vec!["192.168.1.7".parse().unwrap()],
            answered: Some("192.168.1.7:8443".parse().unwrap()),
            firewall: Firewall::Open,
            udp: None,
        }
    }

    #[test]
    fn every_obstacle_is_found() {
        use Verdict::{NotChecked, Note, Ok, Wrong};
        let of =
            |network: Network, running| verdicts(&network.judge(running)).iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!(of(reached(), true), [Note, Ok], "what lies behind the first router is not seen from here");
        assert_eq!(of(Network { addresses: vec!["127.0.0.1".parse().unwrap()], ..reached() }, true), [Wrong, Ok]);
        assert_eq!(of(Network { listen: vec!["127.0.0.1:8443".parse().unwrap()], ..reached() }, true), [Note, Ok]);
        assert_eq!(of(Network { answered: None, ..reached() }, true), [Wrong, Ok]);
        assert_eq!(of(Network { answered: None, ..reached() }, false), [NotChecked, Ok]);
        assert_eq!(of(Network { firewall: Firewall::Shut, ..reached() }, true), [Note, Wrong]);
        assert_eq!(of(Network { firewall: Firewall::Named, ..reached() }, true), [Note, Note]);
    }

    #[test]
    fn rules_of_a_firewall_are_read() {
        let chain = |policy: &str, rules: &str| {
            format!(
                "table inet filter {{\n\tchain input {{\n\t\ttype filter hook input priority filter; policy {policy};\n{rules}\t}}\n\
                 \tchain output {{\n\t\ttype filter hook output priority filter; policy drop;\n\t}}\n}}\n"
            )
        };
        for (rules, expected) in [
            (String::new(), Firewall::Open),
            (chain("accept", ""), Firewall::Open),
            (chain("drop", "\t\tct state established accept\n"), Firewall::Shut),
            (chain("drop", "\t\ttcp dport 18443 accept\n"), Firewall::Shut),
            (chain("drop", "\t\ttcp dport { 22, 8443 } accept\n"), Firewall::Named),
            (chain("accept", "\t\ttcp dport 22 accept\n\t\treject with icmpx type admin-prohibited\n"), Firewall::Shut),
        ] {
            assert_eq!(firewall(&rules, 8443), expected, "{rules}");
        }
    }
}
