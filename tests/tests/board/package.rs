//! The Debian package under systemd: installed, upgraded, removed and purged, with an operator's board.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use subrosa_process::users::Users;
use subrosa_tests::stage::eventually;
use subrosa_tests::vm::{Boot, Chip, inside, load_camera, load_sound};

use crate::units::{BOARD, CAMERA, LINES, Log, MICROPHONE, START, property, sh};

const UNITS: [&str; 3] = ["subrosa-guard.service", "subrosa-media.service", "subrosa-room.service"];

/// Mode and owner of a node.
fn node(path: &str) -> (u32, u32) {
    let found = fs::metadata(path).unwrap();
    (found.mode() & 0o7777, found.uid())
}

#[track_caller]
fn wait_active() {
    eventually("the units run", START, || {
        UNITS.iter().all(|unit| property(unit, "ActiveState") == "active").then_some(())
    });
}

fn install(package: &str) {
    // The index of manual pages of a whole machine is not the subject here.
    sh(&format!("dpkg --no-triggers --install /share/{package} 2>&1"));
}

#[test]
fn p10_the_package_installs_starts_upgrades_and_goes_without_a_trace() {
    if !inside(Boot::Packaged) {
        return;
    }
    let _log = Log;
    let chip = Chip::plug_in("header", &LINES);
    chip.pull("button", false);
    load_camera();
    load_sound();
    sh("udevadm settle");
    fs::create_dir_all("/etc/subrosa").unwrap();
    fs::write("/etc/subrosa/virtual.toml", BOARD).unwrap();
    fs::write("/etc/subrosa/board", "BOARD=/etc/subrosa/virtual.toml\n").unwrap();
    for user in ["subrosa", "subrosa-media", "subrosa-guard"] {
        sh(&format!("userdel {user} 2>&1; getent passwd {user} && exit 1 || exit 0"));
    }
    let before = node(CAMERA);

    install("subrosa.deb");
    wait_active();
    let guard = Users::separate().unwrap().guard;
    for path in [CAMERA, MICROPHONE] {
        assert_eq!(node(path), (0o400, guard.uid), "{path}");
    }
    assert_eq!(sh("systemctl is-enabled subrosa.target"), "enabled");
    // The machine's own watchdog: PID 1 has read what the package brings, at its next start at the latest.
    sh("systemctl daemon-reexec");
    eventually("the watchdog's time", START, || {
        (sh("systemctl show --value -p RuntimeWatchdogUSec") == "10s").then_some(())
    });
    assert_eq!(sh("subrosa --version"), sh("dpkg-query -W -f 'subrosa ${Version}' subrosa"));

    let first = property(UNITS[0], "MainPID");
    install("subrosa-next.deb");
    wait_active();
    assert_ne!(property(UNITS[0], "MainPID"), first, "the new guard runs");
    assert!(sh("dpkg-query -W -f '${Version}' subrosa").ends_with("+next"));
    let kept = Path::new("/var/lib/subrosa/room");
    assert!(kept.exists(), "keys outlive an upgrade");

    sh("dpkg --no-triggers --remove subrosa 2>&1");
    for unit in UNITS {
        assert_ne!(property(unit, "ActiveState"), "active", "{unit}");
    }
    assert_eq!(node(CAMERA), before, "the camera is everybody's again");
    for gone in ["/usr/bin/subrosa", "/usr/bin/subrosa-guard", "/usr/share/subrosa", "/run/subrosa"] {
        assert!(!Path::new(gone).exists(), "{gone}");
    }
    assert!(kept.exists() && Path::new("/etc/subrosa/virtual.toml").exists(), "until a purge");

    sh("dpkg --no-triggers --purge subrosa 2>&1");
    for gone in ["/var/lib/subrosa", "/etc/subrosa", "/etc/systemd/system/multi-user.target.wants/subrosa.target"] {
        assert!(!Path::new(gone).exists(), "{gone}");
    }
}
