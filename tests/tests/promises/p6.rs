//! P6: nothing is kept.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use subrosa_tests::needs;
use subrosa_tests::peer::{Guest, Peer};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage};

/// How often `wanted` is in the memory of a process, in any writable mapping.
fn found_in_memory(pid: u32, wanted: &[u8]) -> usize {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("root reads maps");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("root reads memory");
    let mut found = 0;
    for line in maps.lines() {
        let mut fields = line.split(' ');
        let (Some(range), Some(rights)) = (fields.next(), fields.next()) else { continue };
        let Some((from, to)) = range.split_once('-') else { continue };
        let (Ok(from), Ok(to)) = (u64::from_str_radix(from, 16), u64::from_str_radix(to, 16)) else { continue };
        if !rights.starts_with("rw") || to - from > 1 << 30 {
            continue;
        }
        // Page by page: some pages of a mapping cannot be read, and what is looked for may lie across two.
        const STEP: usize = 1 << 20;
        let mut at = from;
        let mut rest: Vec<u8> = Vec::new();
        while at < to {
            let mut bytes = vec![0; STEP.min((to - at) as usize)];
            let read = memory.read_at(&mut bytes, at).unwrap_or(0);
            if read == 0 {
                rest.clear();
                at += bytes.len() as u64;
                continue;
            }
            rest.extend_from_slice(&bytes[..read]);
            found += rest.windows(wanted.len()).filter(|window| *window == wanted).count();
            rest = rest.split_off(rest.len().saturating_sub(wanted.len() - 1));
            at += read as u64;
        }
    }
    found
}

fn everything_below(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        all.extend_from_slice(entry.file_name().as_encoded_bytes());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(everything_below(&entry.path()));
        } else if kind.is_file() {
            all.extend(fs::read(entry.path()).unwrap_or_default());
        }
    }
    all
}

fn contains(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

const NAME: &str = "Guest Aquamarine-Quillwort";

/// Holds a meeting and ends it, with the room's memory looked at before and after.
fn meeting(room: &Room) -> (usize, usize, usize, usize) {
    let invitation = room.wake();
    let guest = Guest { name: NAME.to_owned(), ..Guest::default() };
    let wrong = Peer::knock(&invitation.link, &json!({"pin": "wrong"}), &guest);
    assert!(wrong.is_err());
    std::thread::sleep(Duration::from_secs(2)); // the back-off after a wrong PIN
    let peer = Peer::ask(&invitation, &guest);
    room.sim.press();
    let _link = peer.connected(Duration::from_secs(10));
    let pid = room.pid("room");
    let name = found_in_memory(pid, NAME.as_bytes());
    let pin = found_in_memory(pid, invitation.pin.as_bytes());
    let mark = peer.mark();
    room.sim.hold();
    peer.told(mark, "the meeting has ended", Duration::from_secs(6), |event| event["event"] == "ended");
    drop(peer);
    std::thread::sleep(Duration::from_secs(3));
    let kept = everything_below(&room.state_dir());
    assert!(!contains(&kept, NAME), "the name is in the state folder");
    assert!(!contains(&everything_below(room.run_dir().path()), NAME), "the name is in the run folder");
    (name, pin, found_in_memory(pid, NAME.as_bytes()), found_in_memory(pid, invitation.pin.as_bytes()))
}

#[test]
fn p6_name_and_pin_are_gone_from_memory_when_the_meeting_has_ended() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let (name, pin, name_after, mut pin_after) = meeting(&room);
    assert!(name > 0 && pin > 0, "the search finds them during the meeting: {name} {pin}");
    if pin_after > 0 && name_after == 0 {
        // Six digits occur by chance; those of another meeting would not again.
        (_, _, _, pin_after) = meeting(&room);
    }
    assert_eq!((name_after, pin_after), (0, 0), "found after the meeting: name, PIN");
}

#[test]
fn p6_no_process_can_leave_a_core_dump() {
    needs!(Need::Root);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    for process in ["guard", "media", "room", "sim"] {
        let pid = room.pid(process);
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        let zeroes = core.split_whitespace().filter(|word| *word == "0").count();
        assert_eq!(zeroes, 2, "{process}: {core}");
        // The folder of a process that cannot be dumped belongs to root (proc(5)).
        assert_eq!(fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid(), 0, "{process} can be dumped");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let uid = status.lines().find(|line| line.starts_with("Uid:")).unwrap().split_whitespace().nth(1).unwrap();
        assert_ne!(uid, "0", "{process} runs as root");
    }
}
