//! P5: only where it was told.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use serde_json::Value;
use subrosa_tests::call::Call;
use subrosa_tests::namespace::Wire;
use subrosa_tests::needs;
use subrosa_tests::peer::Guest;
use subrosa_tests::stage::{Need, Stage};
use subrosa_tests::tap::{Seen, Tap};

/// Where packets went, and whom somebody looked for.
fn destinations(seen: &[Seen]) -> BTreeSet<String> {
    let to = seen.iter().filter(|seen| seen.outgoing).map(|seen| match (seen.ip(), seen.asked_for()) {
        (Some(ip), _) => ip.destination.to_string(),
        (None, Some(asked)) => asked.to_string(),
        (None, None) => format!("protocol {:#06x}", seen.protocol),
    });
    to.collect()
}

#[test]
fn p5_a_whole_call_reaches_the_guest_and_nobody_else() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let mut dns = None;
    let call = Call::begin_with(
        |plan| {
            dns = Some(Tap::on(plan.namespace.as_deref(), "lo"));
            plan
        },
        Guest::default(),
    );
    call.room.sim.mute(true);
    call.room.kill("media");
    let old = call.peer.link();
    let _new = call.peer.picture_of_new_link(old.as_ref(), Duration::from_secs(5));
    call.peer.leave();
    call.room.sim.hold();
    std::thread::sleep(Duration::from_secs(3));
    let expected: BTreeSet<String> = [Wire::GUEST.to_owned()].into();
    assert_eq!(destinations(&call.tap.take()), expected);
    let asked = dns.map(|tap| tap.take()).unwrap_or_default();
    let port = |seen: &Seen| seen.ip().and_then(|ip| Some(u16::from_be_bytes(ip.payload.get(2..4)?.try_into().ok()?)));
    assert!(!asked.iter().any(|seen| port(seen) == Some(53)), "a name was looked up");
    assert_eq!(call.room.status()["contacts"], Value::Array(Vec::new()), "nothing is configured, so nothing is named");
}

#[test]
fn p5_a_guests_candidates_are_ignored() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    // A host that does not exist, a name that would have to be looked up, and a port on the room's own machine.
    let nobody = Ipv4Addr::new(10, 77, 0, 99);
    let mut local = None;
    let mut port = 0;
    let call = Call::begin_with(
        |plan| {
            let socket = plan.namespace.as_ref().unwrap().run(|| UdpSocket::bind("127.0.0.1:0")).unwrap();
            port = socket.local_addr().unwrap().port();
            local = Some(socket);
            plan
        },
        Guest {
            candidates: vec![
                format!("77 1 UDP 2130706431 {nobody} 5000 typ host"),
                "78 1 UDP 2130706430 camera.example.org 5000 typ host".to_owned(),
                "79 1 UDP 2130706429 0b3c6d1e-7f2a-4f0e-9d1f-2a4b6c8d0e1f.local 5000 typ host".to_owned(),
                "80 1 UDP 2130706428 127.0.0.1 9 typ host".to_owned(),
            ],
            ..Guest::default()
        },
    );
    std::thread::sleep(Duration::from_secs(3));
    let expected: BTreeSet<String> = [Wire::GUEST.to_owned()].into();
    assert_eq!(destinations(&call.tap.take()), expected);
    let local = local.unwrap();
    local.set_nonblocking(true).unwrap();
    assert!(local.recv(&mut [0; 16]).is_err(), "port {port} of the room's machine was reached");
}

#[test]
fn p5_the_offer_names_only_addresses_of_the_room() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    // The device is in another network, too, which is nobody's business: the configuration does not name it.
    let call = Call::begin_with(
        |plan| {
            plan.namespace.as_ref().unwrap().add_interface("other0", "192.168.77.1/24");
            plan
        },
        Guest::default(),
    );
    let link = call.peer.link().unwrap();
    assert!(!link.offer.candidates.is_empty());
    for candidate in &link.offer.candidates {
        let fields: Vec<&str> = candidate.split(' ').collect();
        assert_eq!((fields[4], fields[7]), (Wire::ROOM, "host"), "{candidate}");
    }
}
