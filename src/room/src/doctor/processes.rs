//! The processes of the room: which run, as whom, and how far they are shut in.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::finding::{Check, Finding, both};
use super::system::{nothing_runs, start_it};

/// What each of them must be able to do is in its unit; what it must not, no group may give back.
const FORBIDDEN: [&str; 2] = ["video", "audio"];
/// Exposure by `systemd-analyze security`, in tenths, up to which a unit is as it comes. Versions of systemd differ by
/// a tenth or two.
const AS_IT_COMES: [(&str, u32); 3] = [("guard", 12), ("media", 17), ("room", 17)];

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// `guard`, `media` or `room`.
    pub name: &'static str,
    /// Its number.
    pub pid: u32,
    /// Its unit, where it is one.
    pub unit: Option<String>,
    /// A crash would leave its memory on disk; `None`: not to be seen.
    pub dumps: Option<bool>,
    /// Its memory may be swapped out, if the machine swaps at all.
    pub swaps: Option<bool>,
    /// Groups besides its own.
    pub groups: Vec<u32>,
    /// What `systemd-analyze security` says, in tenths.
    pub exposure: Option<u32>,
}

/// The processes of the room with that run directory.
#[must_use]
pub fn find(root: &Path, run: &Path) -> Vec<Process> {
    let mut found: Vec<Process> = fs::read_dir(root.join("proc"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let words = fs::read(entry.path().join("cmdline")).ok()?;
            let name = which(&words, run)?;
            Some(of(root, &entry.path(), name, pid))
        })
        .collect();
    found.sort_by_key(|process| AS_IT_COMES.iter().position(|(name, _)| *name == process.name));
    found.dedup_by_key(|process| process.name);
    found
}

/// Which one a command line is: `program … --run DIR …`, words ended by zero bytes.
fn which(command: &[u8], run: &Path) -> Option<&'static str> {
    let words: Vec<&str> = command.split(|byte| *byte == 0).filter_map(|word| std::str::from_utf8(word).ok()).collect();
    let program = Path::new(words.first()?).file_name()?.to_str()?;
    let here = words.windows(2).any(|pair| matches!(pair, ["--run", dir] if Path::new(dir) == run));
    let name = match (program, words.get(1)) {
        ("subrosa-guard", Some(&task)) if task.starts_with("--") => "guard",
        ("subrosa-media", Some(&task)) if task.starts_with("--") => "media",
        ("subrosa", Some(&"room")) => "room",
        _ => return None,
    };
    here.then_some(name)
}

fn of(root: &Path, folder: &Path, name: &'static str, pid: u32) -> Process {
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let unit = read("cgroup").and_then(|text| unit(&text));
    let limit = read("limits").and_then(|text| core_limit(&text));
    let status = read("status").unwrap_or_default();
    // A process that must not be dumped has its files under /proc owned by root (proc(5)).
    let shut = fs::metadata(folder.join("status")).ok().map(|file| file.uid() == 0 && field(&status, "Uid:") != ["0"]);
    let root_itself = field(&status, "Uid:").first() == Some(&"0");
    let dumps = limit.map(|limit| limit != 0 && (root_itself || shut == Some(false)));
    let swaps = unit.as_ref().and_then(|unit| {
        let file = root.join("sys/fs/cgroup/system.slice").join(unit).join("memory.swap.max");
        fs::read_to_string(file).ok().map(|most| most.trim() != "0")
    });
    let groups = field(&status, "Groups:").iter().filter_map(|id| id.parse().ok()).collect();
    Process { name, pid, unit, dumps, swaps, groups, exposure: None }
}

fn field<'a>(status: &'a str, name: &str) -> Vec<&'a str> {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .map(|rest| rest.split_whitespace().collect())
        .unwrap_or_default()
}

/// The unit in `/proc/PID/cgroup`: `0::/system.slice/subrosa-guard.service`.
fn unit(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::"))?;
    path.rsplit('/').find(|part| part.starts_with("subrosa") && part.ends_with(".service")).map(str::to_owned)
}

/// The soft limit of core files in `/proc/PID/limits`, in bytes.
fn core_limit(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size"))?;
    let soft = line.split_whitespace().next()?;
    Some(soft.parse().unwrap_or(u64::MAX))
}

/// The overall figure that `systemd-analyze security UNIT` ends with, in tenths.
#[must_use]
pub fn exposure(printed: &str) -> Option<u32> {
    let line = printed.lines().rev().find(|line| line.contains("exposure level"))?;
    let figure = line.rsplit(": ").next()?.split_whitespace().next()?;
    let (whole, tenth) = figure.split_once('.')?;
    Some(whole.parse::<u32>().ok()? * 10 + tenth.parse::<u32>().ok()?)
}

/// What it means. `groups`: `/etc/group`.
#[must_use]
pub fn judge(processes: &[Process], device: bool, groups: &str) -> Vec<Finding> {
    let mut findings = vec![running(processes)];
    if device && !processes.is_empty() {
        findings.push(users(processes, groups));
        findings.push(hardening(processes));
    }
    findings
}

fn running(processes: &[Process]) -> Finding {
    let names = AS_IT_COMES.map(|(name, _)| name);
    let missing: Vec<&str> = names.into_iter().filter(|name| processes.iter().all(|it| it.name != *name)).collect();
    if missing.is_empty() {
        return Finding::ok(Check::Processes, both("Wächter, Medien und Raum laufen.", "Guard, media and room run."));
    }
    if missing.len() == names.len() {
        return Finding::not_checked(Check::Processes, nothing_runs(), start_it());
    }
    let list = missing.join(", ");
    Finding::wrong(
        Check::Processes,
        both(format!("Es fehlt: {list}."), format!("Missing: {list}.")),
        both("journalctl -u 'subrosa*' sagt, warum.", "journalctl -u 'subrosa*' says why."),
    )
}

fn users(processes: &[Process], groups: &str) -> Finding {
    let id = |name: &str| {
        groups.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then(|| fields.nth(1)?.parse::<u32>().ok()).flatten()
        })
    };
    let member = |process: &Process, group: &&str| id(group).is_some_and(|id| process.groups.contains(&id));
    let wrong: Vec<String> = processes
        .iter()
        .flat_map(|process| {
            FORBIDDEN.iter().filter(|group| member(process, group)).map(|group| format!("{} ∈ {group}", process.name))
        })
        .collect();
    if wrong.is_empty() {
        let what = both("Keiner ist in „video“ oder „audio“.", "None is in \"video\" or \"audio\".");
        return Finding::ok(Check::Users, what);
    }
    let list = wrong.join(", ");
    Finding::wrong(
        Check::Users,
        both(
            format!("{list}: Diese Gruppe könnte aufnehmen, ohne den Wächter zu fragen."),
            format!("{list}: that group could capture without asking the guard."),
        ),
        both("gpasswd -d NUTZER GRUPPE, dann neu starten.", "gpasswd -d USER GROUP, then restart."),
    )
}

fn hardening(processes: &[Process]) -> Finding {
    let look = both(
        "systemd-analyze security UNIT sagt, was offen steht.",
        "systemd-analyze security UNIT says what stands open.",
    );
    let known: Vec<(&Process, u32)> = processes.iter().filter_map(|it| Some((it, it.exposure?))).collect();
    if known.len() < processes.len() {
        return Finding::not_checked(
            Check::Hardening,
            both("systemd sagt nicht, wie offen die Units sind.", "systemd does not say how open the units are."),
            look,
        );
    }
    let list: Vec<String> =
        known.iter().map(|(it, tenths)| format!("{} {}.{}", it.name, tenths / 10, tenths % 10)).collect();
    let list = list.join(", ");
    let what = both(format!("Angriffsfläche: {list}."), format!("Exposure: {list}."));
    let bound = |name: &str| AS_IT_COMES.iter().find(|(it, _)| *it == name).map_or(0, |(_, bound)| *bound);
    if known.iter().all(|(it, tenths)| *tenths <= bound(it.name)) {
        Finding::ok(Check::Hardening, what)
    } else {
        Finding::wrong(Check::Hardening, what, look)
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Verdict, verdicts};
    use super::*;

    const GROUPS: &str = "root:x:0:\naudio:x:29:pulse\nvideo:x:44:\nsubrosa:x:990:\n";

    fn three() -> Vec<Process> {
        AS_IT_COMES
            .map(|(name, bound)| Process { name, groups: vec![990], exposure: Some(bound), ..Process::default() })
            .into()
    }

    #[test]
    fn all_is_well_or_one_thing_is_not() {
        type Fault = fn(&mut Vec<Process>);
        let faults: [(Fault, Check, Verdict); 5] = [
            (|it| it.truncate(2), Check::Processes, Verdict::Wrong),
            (|it| it.clear(), Check::Processes, Verdict::NotChecked),
            (|it| it[1].groups.push(44), Check::Users, Verdict::Wrong),
            (|it| it[0].exposure = Some(96), Check::Hardening, Verdict::Wrong),
            (|it| it[0].exposure = None, Check::Hardening, Verdict::NotChecked),
        ];
        assert!(verdicts(&judge(&three(), true, GROUPS)).iter().all(|(_, verdict)| *verdict == Verdict::Ok));
        for (fault, check, verdict) in faults {
            let mut processes = three();
            fault(&mut processes);
            let found = verdicts(&judge(&processes, true, GROUPS));
            let found: Vec<_> = found.into_iter().filter(|(_, verdict)| *verdict != Verdict::Ok).collect();
            assert_eq!(found, [(check, verdict)]);
        }
        assert_eq!(judge(&three(), false, GROUPS).len(), 1, "on somebody's computer there are no units");
    }

    #[test]
    fn a_command_line_says_which_process_of_which_room_it_is() {
        let line = |words: &[&str]| words.join("\0").into_bytes();
        let run = Path::new("/run/subrosa");
        for (words, name) in [
            (&["/usr/bin/subrosa-guard", "--board", "b", "--run", "/run/subrosa"][..], Some("guard")),
            (&["subrosa-media", "--board", "b", "--run", "/run/subrosa", "--state", "s"], Some("media")),
            (&["/x/subrosa", "room", "--run", "/run/subrosa"], Some("room")),
            (&["/x/subrosa", "room", "--run", "/tmp/other"], None),
            (&["/x/subrosa", "run", "--run", "/run/subrosa"], None),
            (&["subrosa-guard", "stop-hook", "--run", "/run/subrosa"], None),
            (&["vi", "subrosa-guard"], None),
        ] {
            assert_eq!(which(&line(words), run), name, "{words:?}");
        }
    }

    #[test]
    fn what_proc_and_systemd_say_is_read() {
        assert_eq!(unit("0::/system.slice/subrosa-guard.service\n").as_deref(), Some("subrosa-guard.service"));
        assert_eq!(unit("0::/user.slice/user-0.slice/session-1.scope\n"), None);
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax core file size        0          0    bytes\n";
        assert_eq!(core_limit(limits), Some(0));
        assert_eq!(core_limit(&limits.replace("   0   ", "   unlimited   ")), Some(u64::MAX));
        assert_eq!(exposure("→ Overall exposure level for subrosa-guard.service: 1.3 OK 🙂\n"), Some(13));
        assert_eq!(exposure("Failed to connect to bus\n"), None);
    }
}
