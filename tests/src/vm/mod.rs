//! A virtual machine: a Linux kernel that runs as a process, with kernel lines, a camera and a sound card that are
//! drivers like any other, and with the host's programs and libraries.
//!
//! A test that plays in it is one function, in two places: outside it starts the machine, which runs the same test of
//! the same program again; there the function does its work. `tests/vm/` has the kernel and the first process.

mod conference;
mod input;
mod lines;
mod modules;
mod trace;
mod witness;

use std::env;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub use conference::{Conference, MuteKey};
pub use input::InputDevice;
pub use lines::Chip;
pub use modules::{load_camera, load_camera_of_several_nodes, load_radios, load_sound, load_watchdog};
use tempfile::TempDir;
pub use trace::{Happened, Trace, What};
pub use witness::{Capture as Witnessed, Witness};

use crate::stage::{Need, Stage, have, tree};

/// Set within the virtual machine.
const INSIDE: &str = "SUBROSA_TEST_VM";
/// Memory of the machine. Programs and libraries are read from the host, what is written is in it.
const MEMORY: &str = "mem=768M";

/// The last word of the driver `softdog`. What a board's watchdog does to the processor is done to this kernel from outside:
/// when it restarts itself from within an interrupt, it now and then hangs.
const RESET: &str = "softdog: Initiating system reboot";

/// How the machine starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boot {
    /// With nothing but the kernel: ready in a second.
    Bare,
    /// With Debian's systemd and udev, and Subrosa installed as `make install` does.
    Systemd,
    /// With Debian's systemd and udev, and Subrosa not yet installed: `/share/subrosa.deb`, and the same as a later version
    /// in `/share/subrosa-next.deb`.
    Packaged,
    /// Another machine: Debian's own kernel and two processors, all of it emulated; nothing but the kernel, and no lines.
    Debian,
}

/// What a command in the virtual machine came to.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What it printed.
    pub output: String,
    /// Its exit code; `None`: the machine ended without it.
    pub code: Option<i32>,
    /// What the kernel printed.
    pub console: String,
}

/// Plays a test in the virtual machine. Outside, this is where it ends: `true` is said inside only.
///
/// # Panics
/// When the test inside has failed, or the machine does not come up.
#[must_use]
#[track_caller]
pub fn inside(boot: Boot) -> bool {
    inside_for(boot, Duration::from_secs(240))
}

/// The same for a test that may take this long.
///
/// # Panics
/// As [`inside`].
#[must_use]
#[track_caller]
pub fn inside_for(boot: Boot, within: Duration) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    let machine = if boot == Boot::Debian { Need::DebianKernel } else { Need::VirtualMachine };
    if !have(&[Need::Root, machine]) {
        return false;
    }
    let _stage = Stage::take();
    let name = std::thread::current().name().expect("a test has a name").to_owned();
    let me = env::current_exe().expect("the path of this program");
    let command = format!("{} --exact {name} --nocapture --test-threads 1", me.display());
    let began = Instant::now();
    let ran = run_program(boot, &command, within);
    println!("{}", ran.output);
    let lasted = began.elapsed();
    assert!(
        ran.code == Some(0) && ran.output.contains("1 passed"),
        "in the virtual machine, after {lasted:?}: {:?}\n{}\n{}",
        ran.code,
        ran.output,
        ran.console
    );
    println!("virtual machine: {:.1} s from start to end", lasted.as_secs_f64());
    false
}

/// Runs a program of this tree with its arguments in the machine.
///
/// # Panics
/// When there is no kernel for it.
#[must_use]
pub fn run_program(boot: Boot, command: &str, within: Duration) -> Ran {
    let modules = match boot {
        Boot::Bare | Boot::Systemd | Boot::Packaged => kernel().unwrap_or_default().join("modules"),
        Boot::Debian => debian_kernel().unwrap_or_default(),
    };
    // A seed that is given counts there too.
    let seed = env::var("SUBROSA_SEED").map_or_else(|_| String::new(), |seed| format!("SUBROSA_SEED={seed}"));
    let command = format!("{INSIDE}=1 {seed} MODULES={} RUST_BACKTRACE=0 {command}", modules.display());
    run(boot, &share(boot), &command, within)
}

/// The folder that host and machine share, with what the way of starting needs.
fn share(boot: Boot) -> TempDir {
    let share = tempfile::Builder::new().prefix("subrosa-vm-").tempdir().expect("a folder");
    fs::set_permissions(share.path(), Permissions::from_mode(0o755)).expect("its mode");
    if matches!(boot, Boot::Bare | Boot::Debian) {
        return share;
    }
    let units = share.path().join("units");
    fs::create_dir(&units).expect("a folder");
    for unit in ["virtual.target", "virtual.service"] {
        fs::copy(tree().join("tests/vm/units").join(unit), units.join(unit)).expect("a unit");
    }
    if boot == Boot::Systemd {
        install_below(&share.path().join("root"));
    } else {
        for (suffix, name) in [("", "subrosa.deb"), ("+next", "subrosa-next.deb")] {
            let (folder, out) = (share.path().join("package"), share.path().join("out"));
            install_below(&folder);
            let ran = Command::new(tree().join("setup/deb.sh"))
                .args([&folder, &out])
                .env("VERSION_SUFFIX", suffix)
                // It is installed a second later, from memory.
                .env("COMPRESSION", "none")
                .output()
                .expect("setup/deb.sh");
            assert!(ran.status.success(), "setup/deb.sh: {}", String::from_utf8_lossy(&ran.stderr));
            fs::rename(String::from_utf8_lossy(&ran.stdout).trim(), share.path().join(name)).expect("the package");
            fs::remove_dir_all(&folder).expect("its folder");
        }
    }
    share
}

/// Lays down below a folder what `make install` does.
fn install_below(folder: &Path) {
    let built = crate::stage::program("subrosa-guard");
    let built = built.ancestors().nth(2).expect("the folder of what is built");
    let made = Command::new("make")
        .arg("-C")
        .arg(tree())
        .args(["-s", "install-files"])
        .arg(format!("DESTDIR={}", folder.display()))
        .env("CARGO_TARGET_DIR", built)
        .status()
        .expect("make");
    assert!(made.success(), "make install-files: {made}");
}

/// Runs a command of the shell in the machine.
///
/// # Panics
/// When there is no kernel for it.
#[must_use]
pub fn run(boot: Boot, share: &TempDir, command: &str, within: Duration) -> Ran {
    fs::write(share.path().join("command"), command).expect("the command");
    let log = share.path().join("console");
    let console = File::create(&log).expect("the console");
    let start = || {
        let mut machine = match boot {
            Boot::Bare => process("bare", share),
            Boot::Systemd | Boot::Packaged => process("systemd", share),
            Boot::Debian => emulated(share),
        };
        let copy = || console.try_clone().expect("the console");
        machine.stdin(Stdio::null()).stdout(copy()).stderr(copy()).spawn().expect("the virtual machine")
    };
    // Its processes are processes of this machine; they end with the one that traces them.
    let stop = |machine: &mut Child| (machine.kill(), machine.wait());
    let resets = || String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).matches(RESET).count();
    let mut machine = start();
    let mut seen = 0;
    let began = Instant::now();
    while machine.try_wait().expect("the virtual machine").is_none() {
        if began.elapsed() > within {
            let _ended = stop(&mut machine);
            break;
        }
        if resets() > seen {
            seen += 1;
            let _ended = stop(&mut machine);
            machine = start();
        }
        sleep(Duration::from_millis(20));
    }
    let read =
        |name: &str| String::from_utf8_lossy(&fs::read(share.path().join(name)).unwrap_or_default()).into_owned();
    Ran { output: read("output"), code: read("exit").trim().parse().ok(), console: read("console") }
}

/// The kernel that is a process.
fn process(boot: &str, share: &TempDir) -> Command {
    let mut machine = Command::new(kernel().expect("the kernel of the virtual machine: `make vm`").join("linux"));
    machine
        .args([MEMORY, "rootfstype=hostfs", "rootflags=/", "ro", "con=null", "con0=null,fd:1", "quiet", "panic=-1"])
        .arg("systemd.show_status=no")
        .arg(format!("uml_dir={}/", share.path().join("machine").display()))
        .arg(format!("init={}", tree().join("tests/vm/init").display()))
        .env_clear()
        // A kernel that is a process has no use for what the C library registers for itself.
        .env("GLIBC_TUNABLES", "glibc.pthread.rseq=0")
        .arg(format!("SHARE={}", share.path().display()))
        .arg(format!("BOOT={boot}"));
    machine
}

/// Debian's kernel. Emulated even where the processor could do it: what is tested is then the same everywhere.
fn emulated(share: &TempDir) -> Command {
    let place = debian_kernel().expect("Debian's kernel: `make vm-debian`");
    let first = format!("FIRST={}", tree().join("tests/vm/init").display());
    let folder = |name: &str, path: &Path, more: &str| {
        let path = path.display();
        [
            "-fsdev".to_owned(),
            format!("local,id={name},path={path},security_model=none,multidevs=remap{more}"),
            "-device".to_owned(),
            format!("virtio-9p-pci,fsdev={name},mount_tag={name}"),
        ]
    };
    let mut machine = Command::new("qemu-system-x86_64");
    machine
        .args(["-accel", "tcg,thread=multi", "-smp", "2", "-m", "768", "-nodefaults", "-no-reboot", "-display", "none"])
        .args(["-serial", "stdio", "-kernel"])
        .arg(place.join("vmlinuz"))
        .arg("-initrd")
        .arg(place.join("initrd"))
        .arg("-append")
        .arg(format!("console=ttyS0 quiet panic=-1 SHARE=9p BOOT=bare {first}"))
        .args(folder("root", Path::new("/"), ",readonly=on"))
        .args(folder("share", share.path(), ""));
    machine
}

/// The folder of Debian's own kernel, where it was unpacked (`make vm-debian`).
#[must_use]
pub fn debian_kernel() -> Option<PathBuf> {
    place("debian.sh")
}

/// The folder of the kernel, where it was built (`make vm`).
#[must_use]
pub fn kernel() -> Option<PathBuf> {
    place("kernel.sh")
}

/// What a script of the virtual machine has made.
fn place(script: &str) -> Option<PathBuf> {
    let script = tree().join("tests/vm").join(script);
    let found = Command::new(script).arg("--where").stderr(Stdio::null()).output().ok()?;
    let place = String::from_utf8(found.stdout).ok()?;
    found.status.success().then(|| Path::new(place.trim()).to_owned())
}
