//! The addresses of this device: which of them a link names, and when they change.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::Duration;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType};
use subrosa_messages::Pii;
use tokio::sync::mpsc;

/// An address and the interface that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: Pii<IpAddr>,
    /// The interface leads to everywhere else (it has the default route).
    pub default_route: bool,
}

/// The addresses under which others can reach this device, the likeliest first: those of the interface with the
/// default route before others, version 4 (which people can type) before 6. Loopback if there is nothing else.
#[must_use]
pub fn reachable(all: &[Address]) -> Vec<IpAddr> {
    let mut found: Vec<&Address> = all.iter().filter(|address| !is_local(*address.ip.reveal())).collect();
    if found.is_empty() {
        found = all.iter().filter(|address| address.ip.reveal().is_loopback()).collect();
    }
    found.sort_by_key(|address| (!address.default_route, address.ip.reveal().is_ipv6(), *address.ip.reveal()));
    let mut addresses: Vec<IpAddr> = found.into_iter().map(|address| *address.ip.reveal()).collect();
    addresses.dedup();
    addresses
}

/// Whether an address means nothing outside this device or this cable.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local() || address.is_unspecified(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local() || address.is_unspecified(),
    }
}

/// Whether an address is one of the internet's, not of a private network.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let shared = u32::from(address) >> 22 == u32::from(Ipv4Addr::new(100, 64, 0, 0)) >> 22; // RFC 6598
            !is_local(IpAddr::V4(address)) && !address.is_private() && !shared && !address.is_documentation()
        }
        IpAddr::V6(address) => {
            let documentation =
                u128::from(address) >> 96 == u128::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0)) >> 96;
            !is_local(IpAddr::V6(address)) && !address.is_unique_local() && !documentation
        }
    }
}

/// Reads the addresses of all interfaces that are up.
///
/// # Errors
/// When the kernel does not tell.
pub fn read() -> io::Result<Vec<Address>> {
    let route = fs::read_to_string("/proc/net/route").unwrap_or_default();
    let route6 = fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default();
    let leads_out = |interface: &str| has_default_route(&route, interface) || has_default_route6(&route6, interface);
    let interfaces = if_addrs::get_if_addrs()?;
    let up = interfaces.into_iter().filter(|interface| interface.is_oper_up());
    Ok(up.map(|it| Address { ip: Pii::new(it.ip()), default_route: leads_out(&it.name) }).collect())
}

/// `/proc/net/route`: interface, destination, gateway, flags, …; the default route's destination is zero.
fn has_default_route(table: &str, interface: &str) -> bool {
    table.lines().any(|line| {
        let mut fields = line.split_whitespace();
        fields.next() == Some(interface) && fields.next() == Some("00000000")
    })
}

/// `/proc/net/ipv6_route`: destination, prefix length, …, interface; `lo` holds the routes that reject.
fn has_default_route6(table: &str, interface: &str) -> bool {
    table.lines().any(|line| {
        let mut fields = line.split_whitespace();
        let (destination, prefix) = (fields.next().unwrap_or("1"), fields.next());
        destination.bytes().all(|digit| digit == b'0') && prefix == Some("00") && fields.last() == Some(interface)
    })
}

/// Sends the addresses now and whenever they have changed, from a thread that sleeps in between (rtnetlink(7)).
pub fn watch(to: mpsc::Sender<Vec<Address>>) {
    let watching = thread::Builder::new().name("addresses".to_owned()).spawn(move || {
        let socket = match listen() {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!("changes of the network are noticed late, rtnetlink is refused: {error}");
                None
            }
        };
        let mut last = None;
        loop {
            let now = read().unwrap_or_default();
            if last.as_ref() != Some(&now) {
                if to.blocking_send(now.clone()).is_err() {
                    return;
                }
                last = Some(now);
            }
            match &socket {
                Some(socket) => {
                    let mut ignored = [0_u8; 4096];
                    let _look_again_anyway = rustix::net::recv(socket, &mut ignored, RecvFlags::TRUNC);
                    // Changes come in groups.
                    thread::sleep(Duration::from_millis(300));
                    while rustix::net::recv(socket, &mut ignored, RecvFlags::DONTWAIT).is_ok() {}
                }
                None => thread::sleep(Duration::from_secs(30)),
            }
        }
    });
    if watching.is_err() {
        tracing::error!("the addresses of this device are not known: no thread could be started");
    }
}

fn listen() -> io::Result<std::os::fd::OwnedFd> {
    // RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR
    const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100;
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    rustix::net::bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, default_route: bool) -> Address {
        Address { ip: Pii::new(text.parse().unwrap()), default_route }
    }

    fn texts(all: &[Address]) -> Vec<String> {
        reachable(all).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_address_that_leads_out_comes_first_and_one_that_can_be_typed_before_one_that_cannot() {
        let all = [
            address("127.0.0.1", false),
            address("172.17.0.1", false),
            address("fe80::1", true),
            address("fd00::7", true),
            address("192.168.1.7", true),
        ];
        assert_eq!(texts(&all), ["192.168.1.7", "fd00::7", "172.17.0.1"]);
    }

    #[test]
    fn without_a_network_there_is_loopback() {
        assert_eq!(
            texts(&[address("127.0.0.1", false), address("::1", false), address("169.254.3.4", false)]),
            ["127.0.0.1", "::1"]
        );
        assert!(texts(&[]).is_empty());
    }

    #[test]
    fn default_routes_are_found() {
        let table = "Iface\tDestination\tGateway\neth0\t0000A8C0\t00000000\nwlan0\t00000000\t0101A8C0\n";
        assert!(has_default_route(table, "wlan0") && !has_default_route(table, "eth0"));
        let zeros = "0".repeat(32);
        let table =
            format!("{zeros} 00 {zeros} 00 fe80 00000400 1 0 00000003 eth0\nfd00 40 {zeros} 00 x 1 2 3 4 wlan0\n");
        assert!(has_default_route6(&table, "eth0") && !has_default_route6(&table, "wlan0"));
    }

    #[test]
    fn private_networks_are_not_public() {
        for (text, public) in [
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("127.0.0.1", false),
            ("192.0.2.1", false),
            ("8.8.8.8", true),
            ("fd00::1", false),
            ("2001:db8::1", false),
            ("2a00::1", true),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }

    #[test]
    fn this_machine_has_addresses() {
        assert!(!read().unwrap().is_empty());
    }
}
