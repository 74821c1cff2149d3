//! What hangs is replaced: each process by systemd, and all of them together by the watchdog that systemd holds.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use subrosa_tests::stage::eventually;
use subrosa_tests::vm::{Boot, inside, load_watchdog};

use crate::units::{Device, GUARD, MEDIA, ROOM, SOON, sh};

#[test]
fn p10_each_process_that_hangs_is_replaced() {
    if !inside(Boot::Systemd) {
        return;
    }
    let device = Device::install().run_units();
    for unit in [MEDIA, ROOM, GUARD] {
        let hung = device.pid(unit);
        device.signal(unit, libc::SIGSTOP);
        let began = Instant::now();
        let another = || (![0, hung].contains(&device.pid(unit))).then_some(());
        eventually("another one", Duration::from_secs(30), another);
        println!("{unit} hangs → another one: {:.1} s", began.elapsed().as_secs_f64());
        device.wait_running();
        eventually("dark on proof", SOON, || (!device.lit("camera") && !device.lit("microphone")).then_some(()));
    }
}

/// Files that a process has open.
fn files(pid: i32) -> Vec<String> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    files.filter_map(|file| Some(fs::read_link(file.path()).ok()?.to_string_lossy().into_owned())).collect()
}

#[test]
fn p10_a_hang_of_the_whole_is_ended_by_the_watchdog_that_only_systemd_holds() {
    const MARK: &str = "/share/hung";
    const WATCHDOG: &str = "/dev/watchdog0";
    if !inside(Boot::Systemd) {
        return;
    }
    if let Ok(hung) = fs::read_to_string(MARK) {
        // The machine has started once more, from its beginning.
        let device = Device::install().run_units();
        let since: f64 = hung.parse().unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        println!("hang of the whole → three units ready again, lamps dark on proof: {:.1} s", now - since);
        assert!(!device.lit("camera"));
        return;
    }
    fs::create_dir_all("/etc/systemd/system.conf.d").unwrap();
    fs::write("/etc/systemd/system.conf.d/test.conf", "[Manager]\nRuntimeWatchdogSec=4s\n").unwrap();
    let device = Device::install().run_units();
    load_watchdog();
    sh("systemctl daemon-reexec");
    let held = || files(1).iter().any(|file| file == WATCHDOG).then_some(());
    eventually("systemd holds the watchdog", SOON, held);
    for unit in [GUARD, MEDIA, ROOM] {
        assert!(!files(device.pid(unit)).iter().any(|file| file.contains("watchdog")), "{unit}");
    }
    // As long as systemd runs, nothing happens.
    sleep(Duration::from_secs(6));
    fs::write(MARK, format!("{}", std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64())).unwrap();
    // SAFETY: these requests take numbers and touch no memory.
    let stopped = unsafe {
        let no = std::ptr::null_mut::<libc::c_void>();
        libc::ptrace(libc::PTRACE_SEIZE, 1, no, no) == 0 && libc::ptrace(libc::PTRACE_INTERRUPT, 1, no, no) == 0
    };
    assert!(stopped, "{}", std::io::Error::last_os_error());
    sleep(Duration::from_secs(60));
    panic!("systemd stands still for a minute and the machine goes on");
}
