//! The island network with the programs that a device runs: hostapd's and systemd-networkd's files made by the product, read
//! by the real ones, and a phone that asks for an address.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use subrosa_room::island::{Island, NetworkName, write};
use tempfile::TempDir;

/// A program that ends with the test.
pub struct Running(Child);

impl Running {
    /// Starts it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        Running(command.stdin(Stdio::null()).spawn().expect("a program"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = (self.0.kill(), self.0.wait());
    }
}

/// Settings with signs in the name that files and codes have a use for.
#[must_use]
pub fn settings() -> Island {
    Island::named(NetworkName::new("Süd; \"3b\"").expect("a name"))
}

/// What `subrosa island --write` lays down.
///
/// # Panics
/// When it cannot be written.
#[must_use]
pub fn laid_down(island: &Island) -> TempDir {
    let run = tempfile::tempdir().expect("a folder");
    fs::set_permissions(run.path(), Permissions::from_mode(0o755)).expect("its mode");
    write::write(Some(island), &run.path().join("state"), run.path()).expect("the files");
    run
}

/// systemd-networkd with the island's file and nothing else. A `/sys` that cannot be written tells it that no udev is there
/// to wait for. Its words go to `log`.
#[must_use]
pub fn networkd(run: &Path, log: &Path) -> Running {
    let script = "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/network && \
                  cp \"$1\" /run/systemd/network/ && mount -o remount,bind,ro /sys && exec /lib/systemd/systemd-networkd >\"$2\" 2>&1";
    // Read from a copy below /var/tmp or /tmp: /run is a new one.
    Running::start(
        Command::new("unshare").args(["-m", "sh", "-c", script, "sh"]).arg(run.join(write::NETWORK)).arg(log),
    )
}

/// What a DHCP client is told, each as `key=value`. It asks for ten seconds, and takes the address.
///
/// # Panics
/// When nobody answers.
#[must_use]
pub fn lease(interface: &str, prefix: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (script, told) = (folder.path().join("told.sh"), folder.path().join("told"));
    let lines = format!(
        "#!/bin/sh\n[ \"$1\" = bound ] || exit 0\nenv >{}\nip addr add $ip/24 dev $interface\n",
        told.display()
    );
    fs::write(&script, lines).expect("a script");
    fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("its mode");
    let words: Vec<&str> = prefix
        .iter()
        .copied()
        .chain(["busybox", "udhcpc", "-i", interface, "-f", "-q", "-n", "-t", "10", "-T", "1", "-s"])
        .collect();
    let asked = Command::new(words[0])
        .args(&words[1..])
        .arg(&script)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output()
        .expect("busybox");
    assert!(asked.status.success(), "no address: {}", String::from_utf8_lossy(&asked.stderr));
    fs::read_to_string(told).expect("what was told").lines().map(str::to_owned).collect()
}

/// A value that a DHCP client was told.
#[must_use]
pub fn told<'a>(lease: &'a [String], key: &str) -> Option<&'a str> {
    lease.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
}
