//! What a process costs, from `/proc`.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

/// One process at one moment.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Figures {
    /// Proportional set size in KiB: private pages and its share of the shared ones.
    pub pss_kib: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub descriptors: u64,
    /// CPU time so far, user and system.
    pub cpu: Duration,
    /// Context switches that it asked for so far, all threads: how often something woke it.
    pub wakeups: u64,
}

/// A child process found in `/proc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: u32,
    /// Its name, at most 15 characters (`/proc/PID/comm`).
    pub name: String,
}

/// All processes that descend from `ancestor`, without itself.
#[must_use]
pub fn descendants(ancestor: u32) -> Vec<Process> {
    let mut all: Vec<Process> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .collect();
    all.sort_by_key(|process| process.pid);
    let mut family = vec![ancestor];
    loop {
        let more: Vec<u32> = all
            .iter()
            .filter(|process| family.contains(&process.parent) && !family.contains(&process.pid))
            .map(|process| process.pid)
            .collect();
        if more.is_empty() {
            break;
        }
        family.extend(more);
    }
    all.into_iter().filter(|process| process.pid != ancestor && family.contains(&process.pid)).collect()
}

/// Whether every thread of a process stands still (`T`). A stop signal takes hold thread by thread: one that was just woken
/// may still act on what woke it.
#[must_use]
pub fn stands_still(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok()).peekable();
    states.peek().is_some() && states.all(|stat| after_name(&stat).is_some_and(|rest| rest.starts_with('T')))
}

/// What follows the name in a line of `stat`: the name is in brackets and may hold brackets itself.
fn after_name(stat: &str) -> Option<&str> {
    stat.get(stat.rfind(')')? + 2..)
}

fn process(pid: u32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut rest = after_name(&stat)?.split(' ');
    let state = rest.next()?;
    let parent = rest.next()?.parse().ok()?;
    let name = stat.get(stat.find('(')? + 1..stat.rfind(')')?)?.to_owned();
    (state != "Z").then_some(Process { pid, parent, name })
}

impl Figures {
    /// The figures of a process; `None` when it has gone.
    #[must_use]
    pub fn of(pid: u32) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let rollup = fs::read_to_string(folder.join("smaps_rollup")).ok()?;
        let pss_kib =
            rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?.split_whitespace().next()?.parse().ok()?;
        let stat = fs::read_to_string(folder.join("stat")).ok()?;
        let fields: Vec<&str> = after_name(&stat)?.split(' ').collect();
        let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        let mut wakeups = 0;
        let mut threads = 0;
        for task in fs::read_dir(folder.join("task")).ok()?.flatten() {
            threads += 1;
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            wakeups += switches.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(0);
        }
        Some(Figures {
            pss_kib,
            threads,
            descriptors: fs::read_dir(folder.join("fd")).map(|fds| fds.count() as u64).unwrap_or(0),
            cpu: Duration::from_millis(ticks * 1000 / clock_ticks()),
            wakeups,
        })
    }
}

/// What all processors together have done so far, in clock ticks; programs of lower priority (`nice`) do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    busy: u64,
    all: u64,
}

impl Machine {
    /// As it stands now.
    #[must_use]
    pub fn now() -> Option<Self> {
        Machine::read(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// From `/proc/stat` (proc(5)): user, nice, system, idle, waiting for a disk, interrupts, soft interrupts, taken by the host. What is
    /// nice gives way.
    fn read(stat: &str) -> Option<Self> {
        let fields: Vec<u64> = stat
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_whitespace()
            .take(8)
            .filter_map(|field| field.parse().ok())
            .collect();
        let all = fields.iter().sum();
        let idle: u64 = fields.iter().skip(3).take(2).chain(fields.get(1)).sum();
        Some(Machine { busy: all - idle, all })
    }

    /// How busy all of them were since then, in percent of all of them.
    #[must_use]
    pub fn busy_since(&self, before: &Self) -> f64 {
        let all = self.all.saturating_sub(before.all).max(1);
        self.busy.saturating_sub(before.busy) as f64 / all as f64 * 100.0
    }
}

fn clock_ticks() -> u64 {
    // SAFETY: a plain question to the C library.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(100).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_busy_with_what_is_neither_idle_nor_gives_way() {
        let before = Machine::read("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2\n").unwrap();
        let after = Machine::read("cpu  150 20 60 810 60 0 0 0 0 0\n").unwrap();
        assert!((after.busy_since(&before) - 60.0).abs() < 0.01);
        assert_eq!(Machine::read("intr 5\n"), None);
    }
}
