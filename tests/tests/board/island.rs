//! The island network on the air: two radios by the kernel's `mac80211_hwsim`. The device's hostapd has one, a phone's
//! wpa_supplicant the other.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use subrosa_room::island::{passphrase, write};
use subrosa_tests::island::{Running, laid_down, lease, networkd, settings, told};
use subrosa_tests::needs;
use subrosa_tests::stage::{Need, eventually};
use subrosa_tests::vm::{Boot, inside, load_radios};

const SOON: Duration = Duration::from_secs(60);

fn run(command: &str) -> String {
    let ran = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// What the phone is told to do.
fn supplicant(folder: &Path, secret: &str, wpa3: bool) -> std::path::PathBuf {
    let name: String = settings().name.as_str().bytes().map(|byte| format!("{byte:02x}")).collect();
    let how = if wpa3 { "key_mgmt=SAE\n ieee80211w=2\n sae_password=" } else { "key_mgmt=WPA-PSK\n psk=" };
    let file = folder.join(if wpa3 { "wpa3.conf" } else { "wpa2.conf" });
    fs::write(&file, format!("network={{\n ssid={name}\n {how}\"{secret}\"\n}}\n")).unwrap();
    file
}

#[test]
fn a_phone_joins_the_island_by_wpa_2_and_wpa_3_and_reaches_the_room() {
    needs!(Need::Program("hostapd"), Need::Program("wpa_supplicant"), Need::Program("iw"), Need::Program("busybox"));
    if !inside(Boot::Debian) {
        return;
    }
    load_radios();
    let (device, phone) = ("wlan0", "wlan1");
    eventually("two radios", SOON, || Path::new("/sys/class/net").join(phone).exists().then_some(()));
    let radio = fs::read_to_string(format!("/sys/class/net/{phone}/phy80211/name")).unwrap();
    run("mkdir -p /run/netns && ip netns add phone");
    run(&format!("iw phy {} set netns name phone && ip -n phone link set {phone} up", radio.trim()));
    let files = laid_down(&settings());
    let secret = passphrase::kept(&settings(), &files.path().join("state")).unwrap().unwrap();
    let said = files.path().join("hostapd.log");
    let command = format!("exec hostapd {} >{} 2>&1", files.path().join(write::HOSTAPD).display(), said.display());
    let _hostapd = Running::start(Command::new("sh").args(["-c", &command]));
    let log = files.path().join("networkd.log");
    let _networkd = networkd(files.path(), &log);
    let said = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    let hostapd = files.path().join("hostapd.log");
    eventually("the radio sends", SOON, || said(&hostapd).contains("AP-ENABLED").then_some(()));
    eventually("the device has its address", SOON, || {
        run(&format!("ip addr show {device}")).contains("10.83.66.1/24").then_some(())
    });
    let listener = TcpListener::bind("10.83.66.1:8443").unwrap();
    for wpa3 in [false, true] {
        let file = supplicant(files.path(), secret.reveal(), wpa3);
        let heard = files.path().join(format!("phone-{wpa3}.log"));
        let command = format!(
            "exec ip netns exec phone wpa_supplicant -i {phone} -c {} >{} 2>&1",
            file.display(),
            heard.display()
        );
        let supplicant = Running::start(Command::new("sh").args(["-c", &command]));
        eventually("the phone is in", SOON, || said(&heard).contains("CTRL-EVENT-CONNECTED").then_some(()));
        let given = lease(phone, &["ip", "netns", "exec", "phone"]);
        assert!(told(&given, "ip").unwrap().starts_with("10.83.66."), "{given:?}");
        assert_eq!((told(&given, "router"), told(&given, "dns")), (None, None), "{given:?}");
        let netns = fs::File::open("/run/netns/phone").unwrap();
        let reached = std::thread::spawn(move || {
            move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            TcpStream::connect_timeout(&"10.83.66.1:8443".parse().unwrap(), Duration::from_secs(20)).map(drop)
        });
        reached.join().unwrap().unwrap();
        drop(listener.accept().unwrap());
        println!("WPA{}: in, and at {}", if wpa3 { 3 } else { 2 }, told(&given, "ip").unwrap());
        drop(supplicant);
        run(&format!("ip -n phone addr flush dev {phone}"));
    }
    // A wrong passphrase is none.
    let file = supplicant(files.path(), "not-the-one-it-is", false);
    let heard = files.path().join("wrong.log");
    let command =
        format!("exec ip netns exec phone wpa_supplicant -i {phone} -c {} >{} 2>&1", file.display(), heard.display());
    let _supplicant = Running::start(Command::new("sh").args(["-c", &command]));
    eventually("refused", SOON, || said(&heard).contains("WRONG_KEY").then_some(()));
    assert!(!said(&heard).contains("CTRL-EVENT-CONNECTED"));
    assert!(!said(&hostapd).contains(secret.reveal()) && !said(&log).contains(secret.reveal()));
}
