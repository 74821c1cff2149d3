//! The system below the processes: clock, space, memory, swap, core dumps, watchdog. What is read, what it means.
//!
//! Everything is read below `root`, which is `/` but in tests.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

use super::finding::{Both, Check, Finding, both};
use super::processes::Process;
use crate::certificates::date::Clock;

const MIB: u64 = 1024 * 1024;
/// With less the certificate cannot be relied on to be kept, nor the journal.
const LEAST_SPACE: u64 = 50 * MIB;
/// With less an update does not fit.
const LITTLE_SPACE: u64 = 500 * MIB;
/// A camera and an encoder at 1080p take about this much of the kernel's contiguous memory: eight pictures of 3 MiB
/// each, and what is encoded.
const LEAST_CMA: u64 = 32 * MIB;

/// What is known of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// The clock.
    pub clock: Clock,
    /// Something sets it (adjtimex(2)).
    pub synchronised: Option<bool>,
    /// Bytes that are free in the state folder; `None`: it is not there.
    pub space: Option<u64>,
    /// That file system can be written.
    pub writable: bool,
    /// Contiguous memory: all and free; `None` where the kernel has none set aside.
    pub cma: Option<(u64, u64)>,
    /// Files and devices that memory is swapped to; `None`: cannot be read.
    pub swaps: Option<Vec<String>>,
    /// Watchdogs of the hardware.
    pub watchdog: Watchdog,
}

/// What is known of the hardware's watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watchdog {
    /// There is none.
    Absent,
    /// Nobody holds it.
    Idle,
    /// The first process does.
    First,
    /// Only root may look.
    Hidden,
}

impl System {
    /// Reads what there is. `state`: the state folder.
    #[must_use]
    pub fn read(root: &Path, state: &Path) -> Self {
        let disk = statvfs(state).ok();
        System {
            clock: Clock::read(),
            synchronised: synchronised(),
            space: disk.as_ref().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
            writable: disk.as_ref().is_none_or(|disk| !disk.f_flag.contains(StatVfsMountFlags::RDONLY)),
            cma: fs::read_to_string(root.join("proc/meminfo")).ok().and_then(|text| cma(&text)),
            swaps: fs::read_to_string(root.join("proc/swaps")).ok().map(|text| swaps(&text)),
            watchdog: watchdog(root),
        }
    }

    /// What it means. `device`: a device, where all this has to be right, and not somebody's computer.
    #[must_use]
    pub fn judge(&self, device: bool, processes: &[Process]) -> Vec<Finding> {
        let mut findings = vec![self.clock_finding(), self.space_finding()];
        findings.extend(self.cma.map(memory_finding));
        findings.push(self.swap_finding(processes));
        findings.push(core_dumps_finding(processes));
        if device {
            findings.push(self.watchdog_finding());
        }
        findings
    }

    fn clock_finding(&self) -> Finding {
        let set = both(
            "Uhr stellen lassen: timedatectl set-ntp true, oder eine batteriegepufferte Uhr einbauen.",
            "Have the clock set: timedatectl set-ntp true, or fit a clock with a battery.",
        );
        match (self.clock, self.synchronised) {
            (Clock::Wrong, _) => Finding::wrong(
                Check::Clock,
                both(
                    "Die Uhr ist falsch: Browser halten jedes Zertifikat für ungültig.",
                    "The clock is wrong: browsers take every certificate for invalid.",
                ),
                set,
            ),
            (Clock::Believed(_), Some(true)) => {
                Finding::ok(Check::Clock, both("Die Uhr wird gestellt.", "The clock is kept right."))
            }
            (Clock::Believed(_), Some(false) | None) => Finding::note(
                Check::Clock,
                both("Niemand stellt die Uhr; noch kann sie stimmen.", "Nobody sets the clock; it may be right yet."),
                set,
            ),
        }
    }

    fn space_finding(&self) -> Finding {
        let Some(free) = self.space else {
            return Finding::not_checked(
                Check::Space,
                both("Der Zustandsordner ist nicht da.", "The state folder is not there."),
                both("Den Raum einmal starten, oder --state angeben.", "Start the room once, or give --state."),
            );
        };
        let mib = free / MIB;
        let what = both(format!("{mib} MiB frei."), format!("{mib} MiB free."));
        let make = both("Platz schaffen.", "Make space.");
        if !self.writable {
            let what = both("Der Zustandsordner ist nur lesbar.", "The state folder is read-only.");
            let mount = both("Schreibbar einhängen.", "Mount it writable.");
            return Finding::wrong(Check::Space, what, mount);
        }
        match free {
            0..LEAST_SPACE => Finding::wrong(Check::Space, what, make),
            LEAST_SPACE..LITTLE_SPACE => Finding::note(Check::Space, what, make),
            LITTLE_SPACE.. => Finding::ok(Check::Space, what),
        }
    }

    fn swap_finding(&self, processes: &[Process]) -> Finding {
        let off = both(
            "Abschalten: swapoff -a, und die Zeile aus /etc/fstab nehmen (Raspberry Pi OS: systemctl disable --now dphys-swapfile).",
            "Switch it off: swapoff -a, and take the line out of /etc/fstab (Raspberry Pi OS: systemctl disable --now dphys-swapfile).",
        );
        match self.swaps.as_deref() {
            None => Finding::not_checked(
                Check::Swap,
                both("/proc/swaps ist nicht lesbar.", "/proc/swaps cannot be read."),
                both("Als root ausführen.", "Run it as root."),
            ),
            Some([]) => Finding::ok(Check::Swap, both("Nichts wird ausgelagert.", "Nothing is swapped out.")),
            Some(swaps) => {
                let list = swaps.join(", ");
                // zram is memory. A unit with MemorySwapMax=0 is not swapped, whatever the machine does.
                let spared = !processes.is_empty() && processes.iter().all(|process| process.swaps == Some(false));
                if spared || swaps.iter().all(|swap| swap.starts_with("/dev/zram")) {
                    let what = both(
                        format!(
                            "Ausgelagert wird nach {list}, aber nichts von diesen Prozessen auf einen Datenträger."
                        ),
                        format!("There is swap on {list}, but nothing of these processes gets on a disk."),
                    );
                    Finding::note(Check::Swap, what, off)
                } else {
                    let what = both(
                        format!("Namen und Schlüssel können nach {list} ausgelagert werden."),
                        format!("Names and keys may be swapped out to {list}."),
                    );
                    Finding::wrong(Check::Swap, what, off)
                }
            }
        }
    }

    fn watchdog_finding(&self) -> Finding {
        let arm = both(
            "RuntimeWatchdogSec=15s in /etc/systemd/system.conf.d/watchdog.conf, dann systemctl daemon-reexec.",
            "RuntimeWatchdogSec=15s in /etc/systemd/system.conf.d/watchdog.conf, then systemctl daemon-reexec.",
        );
        match self.watchdog {
            Watchdog::First => Finding::ok(
                Check::Watchdog,
                both("Ein Gerät, das hängt, startet neu.", "A device that hangs starts again."),
            ),
            Watchdog::Idle => Finding::wrong(
                Check::Watchdog,
                both(
                    "Der Watchdog ist nicht scharf: Ein Gerät, das hängt, bleibt hängen.",
                    "The watchdog is not armed: a device that hangs stays as it is.",
                ),
                arm,
            ),
            Watchdog::Absent => Finding::note(
                Check::Watchdog,
                both("Diese Maschine hat keinen Watchdog.", "This machine has no watchdog."),
                both(
                    "Vielleicht fehlt sein Treiber (bcm2835_wdt, iTCO_wdt, sp5100_tco).",
                    "Its driver may be missing (bcm2835_wdt, iTCO_wdt, sp5100_tco).",
                ),
            ),
            Watchdog::Hidden => Finding::not_checked(
                Check::Watchdog,
                both("Wer den Watchdog hält, sieht nur root.", "Only root sees who holds the watchdog."),
                both("Als root ausführen.", "Run it as root."),
            ),
        }
    }
}

fn memory_finding((all, free): (u64, u64)) -> Finding {
    let (all, free_mib) = (all / MIB, free / MIB);
    let what = both(
        format!("{free_mib} von {all} MiB zusammenhängendem Speicher (CMA) frei."),
        format!("{free_mib} of {all} MiB of contiguous memory (CMA) free."),
    );
    if free >= LEAST_CMA {
        return Finding::ok(Check::Memory, what);
    }
    let more = both(
        "Encoder und Kamera können daran scheitern: cma=256M in der Kernel-Zeile (Raspberry Pi: dtoverlay=vc4-kms-v3d,cma-256).",
        "Encoder and camera may fail for it: cma=256M on the kernel's command line (Raspberry Pi: dtoverlay=vc4-kms-v3d,cma-256).",
    );
    Finding::note(Check::Memory, what, more)
}

fn core_dumps_finding(processes: &[Process]) -> Finding {
    if processes.is_empty() {
        return Finding::not_checked(Check::CoreDumps, nothing_runs(), start_it());
    }
    let leaky: Vec<&str> = processes.iter().filter(|one| one.dumps == Some(true)).map(|one| one.name).collect();
    if leaky.is_empty() {
        let what = both("Kein Prozess hinterlässt einen Speicherauszug.", "No process leaves a core dump.");
        return Finding::ok(Check::CoreDumps, what);
    }
    let list = leaky.join(", ");
    Finding::wrong(
        Check::CoreDumps,
        both(
            format!("Ein Absturz schriebe den Speicher auf: {list}."),
            format!("A crash would write memory down: {list}."),
        ),
        both(
            "Die mitgelieferten Programme und Units unverändert verwenden.",
            "Use the programs and units as they come.",
        ),
    )
}

pub(super) fn nothing_runs() -> Both {
    both("Der Raum läuft nicht.", "The room does not run.")
}

pub(super) fn start_it() -> Both {
    both(
        "systemctl start subrosa.target; läuft er woanders, --run angeben.",
        "systemctl start subrosa.target; where it runs elsewhere, give --run.",
    )
}

/// What `timedatectl` goes by too: an error bound of less than 16 s.
fn synchronised() -> Option<bool> {
    // SAFETY: all-zero is a valid `timex`; with `modes` zero the kernel only fills it in.
    let (state, clock) = unsafe {
        let mut clock: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut clock), clock)
    };
    (state >= 0).then_some(clock.maxerror < 16_000_000)
}

/// `CmaTotal` and `CmaFree` of `/proc/meminfo`, in bytes.
fn cma(meminfo: &str) -> Option<(u64, u64)> {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    Some((field("CmaTotal:").filter(|all| *all > 0)?, field("CmaFree:")?))
}

/// The first column of `/proc/swaps`, without its head.
fn swaps(text: &str) -> Vec<String> {
    text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn watchdog(root: &Path) -> Watchdog {
    let Some(number) = fs::metadata(root.join("dev/watchdog0")).ok().map(|node| node.rdev()) else {
        return Watchdog::Absent;
    };
    let Ok(held) = fs::read_dir(root.join("proc/1/fd")) else { return Watchdog::Hidden };
    let is_it = |entry: fs::DirEntry| fs::metadata(entry.path()).is_ok_and(|it| it.rdev() == number && number != 0);
    // `/dev/watchdog` is the same device by another number.
    let by_name = |entry: &fs::DirEntry| {
        fs::read_link(entry.path()).is_ok_and(|place| place.to_string_lossy().starts_with("/dev/watchdog"))
    };
    if held.flatten().any(|entry| by_name(&entry) || is_it(entry)) { Watchdog::First } else { Watchdog::Idle }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Verdict, verdicts};
    use super::*;
    use crate::certificates::date::FLOOR;

    fn well() -> System {
        System {
            clock: Clock::Believed(FLOOR),
            synchronised: Some(true),
            space: Some(2_000 * MIB),
            writable: true,
            cma: Some((256 * MIB, 200 * MIB)),
            swaps: Some(Vec::new()),
            watchdog: Watchdog::First,
        }
    }

    fn process(swaps: bool, dumps: bool) -> Process {
        Process { name: "guard", swaps: Some(swaps), dumps: Some(dumps), ..Process::default() }
    }

    #[test]
    fn a_device_on_which_all_is_well_has_nothing_but_ok() {
        let found = well().judge(true, &[process(false, false)]);
        assert!(verdicts(&found).iter().all(|(_, verdict)| *verdict == Verdict::Ok), "{found:?}");
        assert_eq!(found.len(), 6);
    }

    #[test]
    fn one_fault_at_a_time_is_found_and_nothing_else() {
        use Verdict::{NotChecked, Note, Wrong};
        type Fault = fn(&mut System);
        let table: [(Fault, Check, Verdict); 14] = [
            (|it| it.clock = Clock::Wrong, Check::Clock, Wrong),
            (|it| it.synchronised = Some(false), Check::Clock, Note),
            (|it| it.synchronised = None, Check::Clock, Note),
            (|it| it.space = Some(LEAST_SPACE - 1), Check::Space, Wrong),
            (|it| it.space = Some(LEAST_SPACE), Check::Space, Note),
            (|it| it.space = None, Check::Space, NotChecked),
            (|it| it.writable = false, Check::Space, Wrong),
            (|it| it.cma = Some((64 * MIB, 5 * MIB)), Check::Memory, Note),
            (|it| it.swaps = Some(vec!["/var/swap".into()]), Check::Swap, Wrong),
            (|it| it.swaps = Some(vec!["/dev/zram0".into()]), Check::Swap, Note),
            (|it| it.swaps = None, Check::Swap, NotChecked),
            (|it| it.watchdog = Watchdog::Idle, Check::Watchdog, Wrong),
            (|it| it.watchdog = Watchdog::Absent, Check::Watchdog, Note),
            (|it| it.watchdog = Watchdog::Hidden, Check::Watchdog, NotChecked),
        ];
        for (fault, check, verdict) in table {
            let mut system = well();
            fault(&mut system);
            let found = system.judge(true, &[process(true, false)]);
            let faults: Vec<_> = found.iter().filter(|finding| finding.verdict != Verdict::Ok).collect();
            assert_eq!(faults.iter().map(|it| (it.check, it.verdict)).collect::<Vec<_>>(), [(check, verdict)]);
            assert!(faults.iter().all(|finding| finding.todo.is_some()), "what to do: {faults:?}");
        }
    }

    #[test]
    fn p6_swap_is_no_fault_where_the_units_forbid_it_and_a_dump_is_one_everywhere() {
        let swapping = System { swaps: Some(vec!["/var/swap".into()]), ..well() };
        let of = |found: &[Finding], check| found.iter().find(|it| it.check == check).map(|it| it.verdict);
        assert_eq!(of(&swapping.judge(true, &[process(false, false)]), Check::Swap), Some(Verdict::Note));
        assert_eq!(of(&swapping.judge(true, &[process(true, false)]), Check::Swap), Some(Verdict::Wrong));
        assert_eq!(of(&well().judge(false, &[process(false, true)]), Check::CoreDumps), Some(Verdict::Wrong));
        assert_eq!(of(&well().judge(false, &[]), Check::CoreDumps), Some(Verdict::NotChecked));
        assert_eq!(of(&well().judge(false, &[]), Check::Watchdog), None, "on somebody's computer it is theirs");
    }

    #[test]
    fn files_of_the_kernel_are_read() {
        assert_eq!(cma("MemTotal: 9 kB\nCmaTotal:  65536 kB\nCmaFree:    1024 kB\n"), Some((64 * MIB, MIB)));
        assert_eq!(cma("CmaTotal: 0 kB\nCmaFree: 0 kB\n"), None);
        let text = "Filename\tType\tSize\tUsed\tPriority\n/var/swap file 102396 0 -2\n/dev/zram0 partition 1 0 100\n";
        assert_eq!(swaps(text), ["/var/swap", "/dev/zram0"]);
        let root = tempfile::tempdir().unwrap();
        assert_eq!(watchdog(root.path()), Watchdog::Absent);
        fs::create_dir_all(root.path().join("dev")).unwrap();
        fs::write(root.path().join("dev/watchdog0"), "").unwrap();
        assert_eq!(watchdog(root.path()), Watchdog::Hidden);
        fs::create_dir_all(root.path().join("proc/1/fd")).unwrap();
        assert_eq!(watchdog(root.path()), Watchdog::Idle);
        std::os::unix::fs::symlink("/dev/watchdog0", root.path().join("proc/1/fd/7")).unwrap();
        assert_eq!(watchdog(root.path()), Watchdog::First);
    }
}
