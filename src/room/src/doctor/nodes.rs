//! Owner and mode of capture nodes: whether the rules of udev are in force.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use subrosa_board::Board;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::Users;

use super::finding::{Check, Finding, both};

/// A node as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where.
    pub path: PathBuf,
    /// The board file names it.
    pub ours: bool,
    /// Owner, group, mode; `None`: it is not there.
    pub found: Option<(u32, u32, u32)>,
    /// It has an access list, which would open it to somebody else.
    pub list: bool,
}

/// The board's nodes, and every other node of the machine that could capture.
#[must_use]
pub fn read(root: &Path, board: &Board, run: &RunDir) -> Vec<Node> {
    let named = board.camera.nodes.iter().chain(&board.microphone.nodes).map(|node| run.expand(node));
    let mut nodes: Vec<Node> = named.map(|path| look(path, true)).collect();
    for (folder, starts, ends) in [("dev", "video", ""), ("dev", "media", ""), ("dev/snd", "pcmC", "c")] {
        for entry in fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_node = entry.file_type().is_ok_and(|kind| kind.is_char_device());
            let known = nodes.iter().any(|node| node.path == entry.path());
            if is_node && name.starts_with(starts) && name.ends_with(ends) && !known {
                nodes.push(look(entry.path(), false));
            }
        }
    }
    nodes
}

fn look(path: PathBuf, ours: bool) -> Node {
    let found = fs::symlink_metadata(&path).ok().map(|node| (node.uid(), node.gid(), node.mode() & 0o7777));
    let list =
        rustix::fs::getxattr(&path, "system.posix_acl_access", &mut [0_u8; 0][..]).is_ok_and(|length| length > 0);
    Node { path, ours, found, list }
}

/// What it means. `one_user`: all processes are one user, as on a developer's computer.
#[must_use]
pub fn judge(nodes: &[Node], users: &Users, one_user: bool) -> Vec<Finding> {
    let text =
        |nodes: &[&Node]| nodes.iter().map(|node| node.path.display().to_string()).collect::<Vec<_>>().join(", ");
    let (missing, there): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(|node| node.found.is_none());
    let open: Vec<&Node> = there.into_iter().filter(|node| !is_shut(node, users, one_user)).collect();
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let list = text(&missing);
        findings.push(Finding::wrong(
            Check::Nodes,
            both(format!("{list} ist nicht da."), format!("{list} is not there.")),
            both(
                "Einstecken, oder die Board-Datei berichtigen: v4l2-ctl --list-devices, arecord -l.",
                "Plug it in, or correct the board file: v4l2-ctl --list-devices, arecord -l.",
            ),
        ));
    }
    findings.push(if open.is_empty() {
        Finding::ok(Check::Nodes, both("Kein Aufnahmegerät steht offen.", "No capture device stands open."))
    } else {
        let list = text(&open);
        Finding::wrong(
            Check::Nodes,
            both(
                format!("{list}: Ein anderes Programm könnte es öffnen, oder der Wächter darf es nicht verwalten."),
                format!("{list}: another program could open it, or the guard may not govern it."),
            ),
            both(
                "72-subrosa.rules muss nach /usr/lib/udev/rules.d, dann: udevadm control --reload && udevadm trigger.",
                "72-subrosa.rules belongs in /usr/lib/udev/rules.d, then: udevadm control --reload && udevadm trigger.",
            ),
        )
    });
    findings
}

/// A node of the board belongs to the guard and is closed (0400), or granted to media for a moment or by a rule that
/// names it a codec. No other node is open to anybody but root, the guard and media.
fn is_shut(node: &Node, users: &Users, one_user: bool) -> bool {
    let Some((uid, gid, mode)) = node.found else { return true };
    if node.list {
        return false;
    }
    if node.ours && one_user {
        return uid == users.guard.uid && matches!(mode, 0o400 | 0o600);
    }
    if node.ours {
        return uid == users.guard.uid && gid == users.media.gid && matches!(mode, 0o400 | 0o460);
    }
    // On a developer's computer other devices are not ours to judge.
    one_user || (mode & 0o007 == 0 && (gid == users.media.gid || mode & 0o070 == 0))
}

#[cfg(test)]
mod tests {
    use subrosa_process::users::User;

    use super::super::finding::{Verdict, verdicts};
    use super::*;

    fn users() -> Users {
        let user = |uid, gid| User { uid, gid };
        Users { guard: user(901, 901), media: user(902, 902), ..Users::one() }
    }

    #[test]
    fn p1_a_node_that_stands_open_is_found_whoever_left_it_so() {
        let node = |ours, found, list| Node { path: "/dev/video0".into(), ours, found, list };
        for (node, one_user, shut) in [
            (node(true, Some((901, 902, 0o400)), false), false, true),
            (node(true, Some((901, 902, 0o460)), false), false, true),
            (node(true, Some((901, 902, 0o660)), false), false, false),
            (node(true, Some((0, 44, 0o660)), false), false, false),
            (node(true, Some((901, 44, 0o400)), false), false, false),
            (node(true, Some((901, 902, 0o400)), true), false, false),
            (node(true, Some((901, 5, 0o400)), false), true, true),
            (node(true, Some((901, 5, 0o644)), false), true, false),
            (node(false, Some((901, 902, 0o400)), false), false, true),
            (node(false, Some((0, 902, 0o660)), false), false, true),
            (node(false, Some((0, 44, 0o660)), false), false, false),
            (node(false, Some((0, 0, 0o666)), false), false, false),
            (node(false, Some((0, 44, 0o660)), false), true, true),
        ] {
            assert_eq!(is_shut(&node, &users(), one_user), shut, "{node:?}");
        }
    }

    #[test]
    fn a_node_that_is_missing_and_one_that_stands_open_are_two_findings() {
        let nodes = [
            Node { path: "/dev/video0".into(), ours: true, found: None, list: false },
            Node { path: "/dev/video1".into(), ours: false, found: Some((0, 44, 0o660)), list: false },
        ];
        let wrong = (Check::Nodes, Verdict::Wrong);
        assert_eq!(verdicts(&judge(&nodes, &users(), false)), [wrong, wrong]);
        assert_eq!(verdicts(&judge(&[], &users(), false)), [(Check::Nodes, Verdict::Ok)]);
    }

    #[test]
    fn nodes_of_the_board_are_found_below_the_run_directory() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path());
        fs::create_dir_all(run.sim_nodes()).unwrap();
        fs::write(run.sim_nodes().join("camera"), "").unwrap();
        let board = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml");
        let nodes = read(&folder.path().join("nothing"), &Board::load(&board).unwrap(), &run);
        assert_eq!(nodes.iter().map(|node| node.found.is_some()).collect::<Vec<_>>(), [true, false]);
        assert!(nodes.iter().all(|node| node.ours && !node.list));
    }
}
