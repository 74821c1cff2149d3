//! The machine as a stage: one test of the whole at a time, and what it needs to play at all.
//!
//! A claim with a bound in milliseconds cannot share two cores with another call, so every test of the whole takes
//! the stage first, across test binaries too. What a machine lacks is said loudly; under `CI` it fails.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

static STAGE: Mutex<()> = Mutex::new(());

/// The stage, held until dropped.
pub struct Stage {
    _file: File,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    /// Waits for the stage.
    #[must_use]
    pub fn take() -> Self {
        let turn = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
        let file = File::create(env::temp_dir().join("subrosa-tests.lock")).expect("the lock file of the tests");
        rustix::fs::flock(&file, FlockOperation::LockExclusive).expect("the lock of the tests");
        Stage { _file: file, _turn: turn }
    }
}

/// Something that a machine may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To be root: separate users, network namespaces, packet sockets.
    Root,
    /// Debian's Chromium.
    Chromium,
    /// Debian's Firefox ESR.
    Firefox,
    /// Debian's libfaketime: a clock that is wrong for one room.
    WrongClock,
    /// A program found on the path.
    Program(&'static str),
    /// The kernel of the virtual machine, built once by `make vm`.
    VirtualMachine,
    /// OpenTalk's room server, built once by `make opentalk`.
    OpenTalk,
    /// Debian's own kernel and QEMU for it (`make vm-debian`).
    DebianKernel,
    /// LiveKit's own server and client (`make livekit`).
    LiveKit,
}

impl Need {
    fn is_met(self) -> bool {
        match self {
            Need::Root => rustix::process::geteuid().is_root(),
            Need::Chromium => on_path("chromium").is_some(),
            Need::Firefox => on_path("firefox-esr").is_some(),
            Need::WrongClock => crate::clock::library().is_some(),
            Need::Program(name) => on_path(name).is_some(),
            Need::VirtualMachine => crate::vm::kernel().is_some(),
            Need::OpenTalk => crate::opentalk::program().is_some(),
            Need::DebianKernel => on_path("qemu-system-x86_64").is_some() && crate::vm::debian_kernel().is_some(),
            Need::LiveKit => crate::livekit::place().is_some(),
        }
    }
}

/// Whether all needs are met. Says loudly on standard error which is not; where `CI` is set that is a failure, for
/// a check that never ran there must not look like one that passed.
#[must_use]
#[track_caller]
pub fn have(needs: &[Need]) -> bool {
    for need in needs {
        if !need.is_met() {
            let name = std::thread::current().name().unwrap_or("a test").to_owned();
            let words = format!(
                "SKIPPED {name}: this machine lacks {need:?} (`make setup-tests vm vm-debian livekit opentalk`)"
            );
            assert!(env::var_os("CI").is_none(), "{words}");
            let _gone = writeln!(io::stderr(), "\n*** {words}\n");
            return false;
        }
    }
    true
}

/// Returns from the test where the machine lacks something; see [`have`].
#[macro_export]
macro_rules! needs {
    ($($need:expr),+ $(,)?) => {
        if !$crate::stage::have(&[$($need),+]) {
            return;
        }
    };
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The root of the source tree.
#[must_use]
pub fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the tree").to_owned()
}

/// A program of the project, built with the same profile as the running test.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let me = env::current_exe().expect("the path of this program");
    let folder = me.ancestors().skip(1).find(|folder| folder.join(name).is_file());
    folder.map_or_else(
        || panic!("{name} is not built: `cargo build --release --workspace` first"),
        |folder| folder.join(name),
    )
}

/// A file among the artefacts of the run (`tests/artefacts/`), for people to look at.
#[must_use]
pub fn artefact(name: &str) -> PathBuf {
    let folder = tree().join("tests/artefacts");
    fs::create_dir_all(&folder).expect("the folder of artefacts");
    folder.join(name)
}

/// The seed of a random test: another one in each run, or `SUBROSA_SEED`. A test prints it.
///
/// # Panics
/// When `SUBROSA_SEED` is no number.
#[must_use]
pub fn seed() -> u64 {
    match env::var("SUBROSA_SEED") {
        Ok(seed) => seed.parse().expect("SUBROSA_SEED is a number"),
        Err(_) => u64::from(std::time::UNIX_EPOCH.elapsed().map_or(1, |now| now.subsec_micros())),
    }
}

/// Asks again and again until there is an answer. Panics in words after `within`.
#[track_caller]
pub fn eventually<T>(what: &str, within: Duration, mut answer: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = answer() {
            return found;
        }
        assert!(start.elapsed() < within, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
