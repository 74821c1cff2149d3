//! P6: nothing is kept.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use subrosa_tests::call::Call;
use subrosa_tests::memory;
use subrosa_tests::namespace::Wire;
use subrosa_tests::needs;
use subrosa_tests::peer::{Guest, Peer};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::{Need, Stage, eventually};

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
const MISTYPED: &str = "mistyped-Bergamot";
/// All that do not speak with guests.
const OTHERS: [&str; 3] = ["guard", "media", "sim"];

/// What people typed, what let them in and where they are: by name and text.
struct Secrets([(&'static str, String); 6]);

impl Secrets {
    fn texts(&self) -> Vec<&str> {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Which of them a process holds.
    fn held_by(&self, pid: u32) -> Vec<&'static str> {
        let counts = memory::count(pid, &self.texts());
        self.0.iter().zip(counts).filter(|(_, count)| *count > 0).map(|((what, _), _)| *what).collect()
    }

    /// Which of them a folder holds.
    fn in_folder(&self, folder: &Path) -> Vec<&'static str> {
        let all = everything_below(folder);
        self.0.iter().filter(|(_, text)| contains(&all, text)).map(|(what, _)| *what).collect()
    }
}

/// A call with somebody who mistyped the PIN first, and what nobody may know afterwards.
fn meeting() -> (Call, Secrets) {
    // Browsers name their addresses in their answers.
    let candidates = vec![format!("7 1 UDP 2130706431 {} 5000 typ host", Wire::GUEST)];
    let guest = Guest { name: NAME.to_owned(), candidates, ..Guest::default() };
    // Twelve digits occur nowhere by chance, six do.
    let digits = ("meeting", "pin_digits = 12\n".to_owned());
    let call = Call::begin_with(|plan| Plan { more: vec![digits], ..plan }, guest);
    let again = Guest { name: NAME.to_owned(), namespace: call.guests(), ..Guest::default() };
    assert!(Peer::knock(&call.invitation.link, &json!({"pin": MISTYPED}), &again).is_err());
    let room = call.room.pid("room");
    let token = memory::after(room, &format!("{}#", call.invitation.link), 32, |c| c.is_ascii_hexdigit());
    let cookie = call.peer.client().cookie().unwrap();
    let secrets = Secrets([
        ("name", NAME.to_owned()),
        ("mistyped PIN", MISTYPED.to_owned()),
        ("PIN", call.invitation.pin.clone()),
        ("token of the link", token.expect("the room knows the link with its token")),
        ("session", cookie.split_once('=').unwrap().1.to_owned()),
        ("guest's address", Wire::GUEST.to_owned()),
    ]);
    (call, secrets)
}

/// Ends the meeting in the room, and gives connections and buffers the time that they have.
fn end(call: &Call) {
    let mark = call.peer.mark();
    call.room.sim.hold();
    call.peer.told(mark, "the meeting has ended", Duration::from_secs(6), |event| event["event"] == "ended");
    call.peer.hang_up();
    std::thread::sleep(Duration::from_secs(3));
}

#[test]
fn p6_name_and_pin_are_gone_from_memory_when_the_meeting_has_ended() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let (call, secrets) = meeting();
    let room = call.room.pid("room");
    let during = secrets.held_by(room);
    // What was mistyped is compared and forgotten, and an answer is handed on; the others are needed as long as the meeting lasts.
    for what in ["name", "PIN", "token of the link", "session"] {
        assert!(during.contains(&what), "the search finds what is there: {during:?}");
    }
    end(&call);
    assert_eq!(call.room.pid("room"), room, "the same process");
    assert_eq!(secrets.held_by(room), Vec::<&str>::new(), "still in the room's memory after the meeting");
    for folder in [call.room.state_dir(), call.room.run_dir().path().to_owned()] {
        assert_eq!(secrets.in_folder(&folder), Vec::<&str>::new(), "in files after the meeting");
    }
}

#[test]
fn p6_names_and_secrets_reach_no_process_but_the_room() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    let (call, secrets) = meeting();
    let here = call.room.run_dir().path().to_string_lossy().into_owned();
    let look = |when: &str| {
        let mut processes: Vec<_> = OTHERS.iter().map(|name| (*name, call.room.pid(name))).collect();
        processes.push(("supervisor", call.room.supervisor()));
        for (name, pid) in processes {
            assert!(memory::count(pid, &[&here])[0] > 0, "the search finds what is there: {name}");
            assert_eq!(secrets.held_by(pid), Vec::<&str>::new(), "in the memory of {name} {when}");
        }
    };
    look("during the meeting");
    end(&call);
    look("after it");
}

#[test]
fn p6_what_was_written_is_gone_from_memory_and_disk_when_the_meeting_has_ended() {
    needs!(Need::Root, Need::Program("ip"));
    let _stage = Stage::take();
    const CHAT: &str = "chat-Amaranth-Larkspur";
    const TYPED: &str = "typed-Hellebore-Campion";
    let call = Call::begin(Guest { name: NAME.to_owned(), ..Guest::default() });
    let link = call.peer.connected(Duration::from_secs(10));
    eventually("the channels are open", Duration::from_secs(10), || {
        let open = link.channels.open();
        (open.iter().any(|label| label == "chat") && open.iter().any(|label| label == "text")).then_some(())
    });
    assert!(link.channels.say("chat", CHAT) && link.channels.say("text", TYPED));
    eventually("the line comes back", Duration::from_secs(10), || {
        link.channels.said("chat").iter().any(|line| line.contains(CHAT)).then_some(())
    });
    let texts = [CHAT, TYPED];
    let room = call.room.pid("room");
    assert!(memory::count(room, &texts).iter().all(|count| *count > 0), "the screen shows what was written");
    drop(link);
    end(&call);
    for name in ["room", "media", "guard", "sim"] {
        assert_eq!(memory::count(call.room.pid(name), &texts), [0, 0], "in the memory of {name} after the meeting");
    }
    assert_eq!(memory::count(call.room.supervisor(), &texts), [0, 0]);
    for folder in [call.room.state_dir(), call.room.run_dir().path().to_owned()] {
        let all = everything_below(&folder);
        assert!(texts.iter().all(|text| !contains(&all, text)), "in files after the meeting");
    }
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
