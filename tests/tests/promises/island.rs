//! The island network: what the device writes is what hostapd and systemd-networkd understand, and nothing leads out.

use std::fs;
use std::process::Command;
use std::time::Duration;

use subrosa_room::island::{Channel, Country, Island, Passphrase, write};
use subrosa_tests::island::{laid_down, lease, networkd, settings, told};
use subrosa_tests::namespace::Namespace;
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, eventually};

/// hostapd reads its file before it looks for the radio, and says each line that it does not understand.
fn hostapd_says(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostapd.conf");
    fs::write(&file, text).unwrap();
    let said = Command::new("hostapd").arg(&file).output().unwrap();
    String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr)
}

#[test]
fn hostapd_understands_every_line() {
    needs!(Need::Program("hostapd"));
    let wide = Island { country: Country::new("DE"), channel: Channel::new(36).unwrap(), ..settings() };
    let old = Island { wpa3: false, ..settings() };
    let odd = Island { passphrase: Passphrase::new("#=\"a\\ ;b$(c)"), ..settings() };
    for island in [settings(), wide, old, odd] {
        // An interface that no machine has.
        let island = Island { interface: subrosa_room::island::Interface::new("no-such-radio").unwrap(), ..island };
        let run = laid_down(&island);
        let text = fs::read_to_string(run.path().join(write::HOSTAPD)).unwrap();
        let said = hostapd_says(&text);
        assert!(!said.contains("Line ") && !said.contains("errors found"), "{said}");
        assert!(said.contains("no-such-radio") || said.contains("nl80211"), "it came as far as the radio: {said}");
    }
    assert!(hostapd_says("interface=no-such-radio\nap_isolated=1\n").contains("Line 2"));
}

#[test]
fn p5_a_phone_on_the_island_is_given_an_address_and_no_way_out() {
    needs!(Need::Root, Need::Program("busybox"), Need::Program("unshare"));
    let (device, phone) = (Namespace::new(), Namespace::new());
    let ip = |arguments: &str| {
        assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success(), "ip {arguments}");
    };
    ip(&format!("-n {} link add wlan0 type veth peer name phone netns {}", device.name(), phone.name()));
    ip(&format!("-n {} link set phone up", phone.name()));
    let run = laid_down(&settings());
    let log = run.path().join("log");
    let _networkd = device.run(|| networkd(run.path(), &log));
    let said = || fs::read_to_string(&log).unwrap_or_default();
    eventually("networkd takes the file", Duration::from_secs(20), || {
        said().contains("Configuring with").then_some(())
    });
    let given = phone.run(|| lease("phone", &[]));
    let address = told(&given, "ip").unwrap();
    let last: u8 = address.strip_prefix("10.83.66.").unwrap().parse().unwrap();
    assert!((10..210).contains(&last), "{address}");
    for way_out in ["router", "dns", "ntpsrv", "staticroutes", "domain"] {
        assert_eq!(told(&given, way_out), None, "{given:?}");
    }
    // What this networkd is too old for it says; everything else it knows.
    for line in said().lines().filter(|line| line.contains("ignoring")) {
        assert!(["IPv4Forwarding", "IPv6Forwarding", "PersistLeases"].iter().any(|key| line.contains(key)), "{line}");
    }
    let answers = |target: &str| {
        phone.run(|| std::net::TcpStream::connect_timeout(&target.parse().unwrap(), Duration::from_secs(5)))
    };
    let listener = device.run(|| std::net::TcpListener::bind("10.83.66.1:8443")).unwrap();
    assert!(answers("10.83.66.1:8443").is_ok());
    drop(listener);
    let beyond = answers("192.0.2.1:443").unwrap_err();
    assert_eq!(beyond.kind(), std::io::ErrorKind::NetworkUnreachable, "{beyond}");
}

#[test]
fn a_phones_camera_reads_both_codes_from_the_rooms_screen() {
    needs!(Need::Root);
    let namespace = Namespace::new();
    namespace.add_interface("wlan0", "10.83.66.1/24");
    // Without umlauts: of what encoding the text is no code says, and this reader guesses another than it has.
    let more = vec![("island", "name = \"Klasse; 3b\"\npassphrase = \"an:der,Tafel\"".to_owned())];
    let address = "10.83.66.1".parse().unwrap();
    let room = Room::start(Plan { namespace: Some(namespace), address, more, ..Plan::default() });
    let invited = room.wake();
    let codes = eventually("both codes", Duration::from_secs(20), || {
        let codes = room.sim.codes()?;
        let network = codes.iter().any(|code| code == "WIFI:T:WPA;S:Klasse\\; 3b;P:an\\:der\\,Tafel;;");
        (network && codes.iter().any(|code| code.starts_with(&format!("{}#", invited.link)))).then_some(codes)
    });
    println!("{} codes", codes.len());
    assert!(!room.log().contains("Tafel"), "P9");
}
