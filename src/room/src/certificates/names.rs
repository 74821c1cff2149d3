//! What a certificate names: host names and addresses.

use std::collections::BTreeSet;
use std::net::IpAddr;

/// The names and addresses under which browsers reach a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Host names, in lower case.
    pub hosts: BTreeSet<String>,
    /// Addresses.
    pub addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// The names of this device: the kernel's host name, the same under `.local` (RFC 6762), the host of the public
    /// URL, and its addresses.
    ///
    /// IPv6 addresses that a provider gives out change with the prefix, some every day; they are named only where
    /// the device has no others, since a new address outside the authority's constraints makes a new authority.
    #[must_use]
    pub fn of_device(host_name: &str, public_url: Option<&str>, addresses: &[IpAddr]) -> Self {
        let full = host_name.trim_end_matches('.').to_ascii_lowercase();
        let label = full.split('.').next().unwrap_or_default().to_owned();
        let mut hosts = BTreeSet::new();
        if is_host(&full) {
            hosts.insert(full);
        }
        if is_host(&label) {
            hosts.insert(format!("{label}.local"));
        }
        if hosts.is_empty() {
            hosts.insert("subrosa.local".to_owned());
        }
        if let Some(host) = public_url.and_then(host_of_url) {
            hosts.insert(host);
        }
        let lasting: BTreeSet<IpAddr> = addresses.iter().copied().filter(lasts).collect();
        let addresses = if lasting.iter().any(|address| !address.is_loopback()) {
            lasting
        } else {
            addresses.iter().copied().filter(|address| !address.is_unspecified()).collect()
        };
        if addresses.iter().any(IpAddr::is_loopback) {
            hosts.insert("localhost".to_owned());
        }
        Names { hosts, addresses }
    }

    /// All that `other` names is named here. A name stands for the names below it, as in a certificate's name
    /// constraints (RFC 5280, section 4.2.1.10).
    #[must_use]
    pub fn permit(&self, other: &Names) -> bool {
        let host = |name: &String| {
            self.hosts.iter().any(|own| name == own || name.strip_suffix(own).is_some_and(|rest| rest.ends_with('.')))
        };
        other.hosts.iter().all(host) && other.addresses.is_subset(&self.addresses)
    }

    /// A browser accepts a certificate with these names for this host; `*` stands for one label (RFC 6125).
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let parent = host.split_once('.').map(|(_label, parent)| parent);
        self.hosts.iter().any(|own| *own == host || own.strip_prefix("*.").is_some_and(|own| parent == Some(own)))
    }
}

/// The host of an `https` URL, without port, in lower case.
#[must_use]
pub fn host_of_url(url: &str) -> Option<String> {
    let authority = url.strip_prefix("https://")?.split(['/', '?', '#']).next()?;
    let host = without_port(authority);
    is_host(host).then(|| host.to_ascii_lowercase())
}

/// The host of an authority such as `rose.local:8443` or `[fd00::1]:8443`; the brackets stay.
#[must_use]
pub fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Addresses that stay as they are for weeks: IPv4 and unique local IPv6.
fn lasts(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_unspecified() && !address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// Labels of letters, digits and hyphens (RFC 1123).
fn is_host(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn named(host_name: &str, public_url: Option<&str>, texts: &[&str]) -> (Vec<String>, Vec<String>) {
        let names = Names::of_device(host_name, public_url, &addresses(texts));
        (names.hosts.into_iter().collect(), names.addresses.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_device_is_named_by_host_name_local_name_and_lasting_addresses() {
        let (hosts, addresses) = named("Rose", None, &["192.0.2.7", "2001:db8::7", "fd00::7", "169.254.1.1"]);
        assert_eq!(hosts, ["rose", "rose.local"]);
        assert_eq!(addresses, ["192.0.2.7", "fd00::7"]);
    }

    #[test]
    fn where_nothing_lasts_every_address_is_named() {
        assert_eq!(named("rose", None, &["2001:db8::7", "::1"]).1, ["::1", "2001:db8::7"]);
    }

    #[test]
    fn the_public_url_and_a_full_host_name_are_named() {
        let (hosts, _) = named("rose.example.org", Some("https://Room.Example.com:444/x"), &[]);
        assert_eq!(hosts, ["room.example.com", "rose.example.org", "rose.local"]);
    }

    #[test]
    fn a_host_name_that_is_none_gets_the_product_s() {
        assert_eq!(named("r\u{f6}se!", None, &[]).0, ["subrosa.local"]);
        assert_eq!(named("", Some("http://insecure.example"), &[]).0, ["subrosa.local"]);
    }

    #[test]
    fn names_permit_what_is_below_them_and_nothing_else() {
        let own = Names {
            hosts: ["rose.local".to_owned()].into(),
            addresses: addresses(&["192.0.2.7"]).into_iter().collect(),
        };
        let other = |host: &str, address: &str| Names {
            hosts: [host.to_owned()].into(),
            addresses: addresses(&[address]).into_iter().collect(),
        };
        assert!(own.permit(&other("rose.local", "192.0.2.7")));
        assert!(own.permit(&other("a.rose.local", "192.0.2.7")));
        assert!(!own.permit(&other("prose.local", "192.0.2.7")));
        assert!(!own.permit(&other("rose.local", "192.0.2.8")));
    }

    #[test]
    fn a_wildcard_covers_one_label() {
        let names =
            Names { hosts: ["*.example.org".to_owned()].into(), addresses: addresses(&["::1"]).into_iter().collect() };
        assert!(names.covers("Room.example.org"));
        assert!(!names.covers("a.room.example.org"));
        assert!(!names.covers("example.org"));
        assert!(names.covers("[::1]"));
        assert!(!names.covers("127.0.0.1"));
    }

    #[test]
    fn ports_are_cut_off() {
        for (authority, host) in [
            ("rose.local:8443", "rose.local"),
            ("rose.local", "rose.local"),
            ("[fd00::1]:8443", "[fd00::1]"),
            ("[fd00::1]", "[fd00::1]"),
            ("192.0.2.7:1", "192.0.2.7"),
        ] {
            assert_eq!(without_port(authority), host);
        }
    }
}
