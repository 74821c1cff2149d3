//! What the guard is made of, and what it costs to have it wait.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use subrosa_tests::devices::Bench;
use subrosa_tests::stage::{Stage, program};

use crate::tiers;

#[test]
fn the_guard_is_linked_with_the_c_library_and_nothing_else() {
    let output = Command::new("ldd").arg(program("subrosa-guard")).output().expect("ldd, of Debian's libc-bin");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    let names: BTreeSet<_> = names.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
    let allowed = ["linux-vdso.so.1", "libc.so.6", "libgcc_s.so.1", "libm.so.6"];
    for name in &names {
        assert!(allowed.contains(&name.as_str()) || name.starts_with("ld-linux"), "the guard is linked with {name}");
    }
    assert!(names.contains("libc.so.6"), "ldd said: {text}");
}

/// Panic messages name the source files they come from, so that a crate that was built in can be found by its name.
#[test]
fn the_guard_has_no_network_no_tls_no_media_and_no_asynchronous_runtime_built_in() {
    const CRATES: [&str; 14] = [
        "tokio",
        "mio",
        "async-std",
        "smol",
        "futures-executor",
        "rustls",
        "ring",
        "openssl",
        "hyper",
        "axum",
        "h2",
        "gstreamer",
        "glib",
        "quinn",
    ];
    let crates = |name: &str| {
        let bytes = fs::read(program(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let found = CRATES.into_iter().filter(|name| {
            // `…/tokio-1.47.1/src/…`
            text.match_indices(&format!("/{name}-"))
                .any(|(at, found)| text.as_bytes().get(at + found.len()).is_some_and(u8::is_ascii_digit))
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(crates("subrosa-guard"), Vec::<&str>::new());
    assert!(crates("subrosa-sim").contains(&"tokio"), "the search finds what is there");
}

#[test]
fn a_guard_with_nothing_to_do_wakes_once_a_second() {
    let _stage = Stage::take();
    for tier in tiers() {
        let bench = Bench::start(tier);
        let (_room, _media) = (bench.room(), bench.media());
        sleep(Duration::from_millis(1500));
        let switches = || {
            let status = fs::read_to_string(format!("/proc/{}/status", bench.guard().as_raw_nonzero())).unwrap();
            let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
            line.trim().parse::<u64>().unwrap()
        };
        let before = switches();
        sleep(Duration::from_secs(6));
        let woke = switches() - before;
        assert!(woke <= 8, "{woke} times in 6 s, {tier:?}");
        let status = fs::read_to_string(format!("/proc/{}/status", bench.guard().as_raw_nonzero())).unwrap();
        assert!(status.contains("\nThreads:\t1\n"), "{status}");
    }
}
