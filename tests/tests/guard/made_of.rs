//! What the guard is made of, and what it costs to have it wait.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use subrosa_tests::devices::Bench;
use subrosa_tests::stage::{Stage, program};

use crate::tiers;

/// The shared libraries that a program is linked with.
fn linked(name: &str) -> BTreeSet<String> {
    let output = Command::new("ldd").arg(program(name)).output().expect("ldd, of Debian's libc-bin");
    let text = String::from_utf8(output.stdout).unwrap();
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    let names: BTreeSet<_> = names.map(|path| path.rsplit('/').next().unwrap().to_owned()).collect();
    assert!(names.contains("libc.so.6"), "ldd said: {text}");
    names
}

/// Which of these crates are built into a program. Panic messages name the source files they come from:
/// `…/tokio-1.47.1/src/…`.
fn built_in(name: &str, crates: &[&'static str]) -> Vec<&'static str> {
    let bytes = fs::read(program(name)).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let has = |name: &str| {
        text.match_indices(&format!("/{name}-"))
            .any(|(at, found)| text.as_bytes().get(at + found.len()).is_some_and(u8::is_ascii_digit))
    };
    crates.iter().copied().filter(|name| has(name)).collect()
}

#[test]
fn the_guard_is_linked_with_the_c_library_and_nothing_else() {
    let allowed = ["linux-vdso.so.1", "libc.so.6", "libgcc_s.so.1", "libm.so.6"];
    for name in linked("subrosa-guard") {
        assert!(allowed.contains(&name.as_str()) || name.starts_with("ld-linux"), "the guard is linked with {name}");
    }
}

#[test]
fn each_process_lacks_what_it_does_not_need() {
    const RUNTIMES: [&str; 5] = ["tokio", "mio", "async-std", "smol", "futures-executor"];
    const NETWORK: [&str; 9] = ["rustls", "ring", "openssl", "hyper", "axum", "h2", "quinn", "ureq", "tungstenite"];
    const MEDIA: [&str; 3] = ["gstreamer", "glib", "sonora"];
    assert!(built_in("subrosa-sim", &RUNTIMES).contains(&"tokio"), "the search finds what is there");
    for crates in [&RUNTIMES[..], &NETWORK, &MEDIA] {
        assert_eq!(built_in("subrosa-guard", crates), Vec::<&str>::new(), "guard");
    }
    assert_eq!(built_in("subrosa-media", &["axum", "hyper", "h2", "rustls"]), Vec::<&str>::new(), "media: no HTTP");
    assert_eq!(built_in("subrosa", &MEDIA), Vec::<&str>::new(), "room: no GStreamer");
    let gstreamer = |name: &str| linked(name).into_iter().filter(|name| name.starts_with("libgst")).collect::<Vec<_>>();
    assert_eq!(gstreamer("subrosa"), Vec::<String>::new(), "room: no GStreamer");
    assert_ne!(gstreamer("subrosa-media"), Vec::<String>::new(), "the search finds what is there");
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
