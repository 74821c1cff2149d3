//! The nodes of one capture: present, watched, proved; also those that were pulled out and may still be open.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use subrosa_board::{CaptureBoard, Proof};
use subrosa_messages::Capture;
use subrosa_process::run_dir::RunDir;

use crate::machine::{Mode, NodeEvent, Permission, Proved};
use crate::node::{Identity, NodeFile, Rights};
use crate::proof::{self, Kernel, Prover};
use crate::watch::{Seen, Watch, WatchId};

/// A node that the guard holds.
struct Held {
    file: NodeFile,
    prover: Option<Box<dyn Prover>>,
    watch: Option<WatchId>,
}

/// The nodes of one capture.
pub struct Devices {
    capture: Capture,
    proof: Proof,
    rights: Rights,
    kernel: Kernel,
    paths: Vec<PathBuf>,
    present: Vec<Option<Held>>,
    /// Pulled out, or replaced by another of the same name, and not proved closed yet.
    departed: Vec<Held>,
    complained: BTreeSet<&'static str>,
}

impl Devices {
    /// The nodes of a capture as the board names them. Nothing is touched yet.
    #[must_use]
    pub fn new(capture: Capture, board: &CaptureBoard, run: &RunDir, rights: Rights) -> Self {
        let paths: Vec<_> = board.nodes.iter().map(|node| run.expand(node)).collect();
        let present = paths.iter().map(|_| None).collect();
        let (proof, kernel) = (board.proof, Kernel::default());
        let departed = Vec::new();
        let mut devices =
            Devices { capture, proof, rights, kernel, paths, present, departed, complained: BTreeSet::new() };
        let _first_look = devices.look();
        devices
    }

    /// Where the nodes are.
    #[must_use]
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// The folders in which they come and go.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().filter_map(|path| path.parent())
    }

    /// Compares what is there with what is held.
    pub fn look(&mut self) -> Vec<NodeEvent> {
        let (mut gone, mut came) = (false, false);
        for (path, present) in self.paths.iter().zip(&mut self.present) {
            let found = Identity::at(path);
            if present.as_ref().map(|held| held.file.identity()) == found {
                continue;
            }
            if let Some(held) = present.take() {
                self.departed.push(held);
                gone = true;
            }
            let Some(identity) = found else {
                continue;
            };
            let back = self.departed.iter().position(|held| held.file.identity() == identity);
            *present = match back {
                Some(place) => Some(self.departed.swap_remove(place)),
                // It may be gone again already; the next look will tell.
                None => NodeFile::hold(path).ok().map(|file| Held { file, prover: None, watch: None }),
            };
            came |= present.is_some();
        }
        let mut events = Vec::new();
        if gone {
            tracing::warn!("the {} is gone", word(self.capture));
            events.push(NodeEvent::Gone);
        }
        if came && self.present.iter().all(Option::is_some) {
            tracing::info!("the {} is there", word(self.capture));
            events.push(NodeEvent::Appeared);
        }
        events
    }

    /// Sets the permission of all nodes; those that were pulled out are closed.
    pub fn set(&mut self, mode: Mode) -> Permission {
        for held in &mut self.departed {
            let _not_in_reach_any_more = held.file.set(Mode::Closed, &self.rights);
        }
        let mut worst = Permission::Right;
        for held in &mut self.present {
            let found = match held {
                Some(held) => held.file.set(mode, &self.rights),
                None => Permission::Missing,
            };
            worst = match (worst, found) {
                (Permission::Missing, _) | (_, Permission::Missing) => Permission::Missing,
                (Permission::Wrong, _) | (_, Permission::Wrong) => Permission::Wrong,
                (Permission::Repaired, _) | (_, Permission::Repaired) => Permission::Repaired,
                (Permission::Right, Permission::Right) => Permission::Right,
            };
        }
        if worst == Permission::Wrong {
            let advice = "owner, group, mode or access list of its node are not the guard's: on a device the udev \
                          rules set them, in the simulated room `subrosa-sim prepare`";
            self.complain(advice);
        } else {
            self.complained.clear();
        }
        worst
    }

    /// Whether anybody has one of the nodes open. Makes sure first that each is watched.
    pub fn prove(&mut self, watch: &Watch) -> Proved {
        let mut complaint = None;
        let mut all = Proved::Closed;
        for held in self.present.iter_mut().flatten() {
            match held.prove(self.proof, &self.kernel, watch) {
                Ok(proved) => all = and(all, proved),
                Err(why) => {
                    complaint = Some(why);
                    all = and(all, Proved::Nothing);
                }
            }
        }
        self.departed.retain_mut(|held| {
            let proved = held.prove(self.proof, &self.kernel, watch).unwrap_or(Proved::Nothing);
            all = and(all, proved);
            if proved == Proved::Closed
                && let Some(id) = held.watch
            {
                watch.end(id);
            }
            proved != Proved::Closed
        });
        if let Some(why) = complaint {
            self.complain(why);
        }
        all
    }

    /// What something that was seen means for this capture.
    pub fn meaning(&mut self, seen: Seen) -> Option<NodeEvent> {
        let (id, event) = match seen {
            Seen::Lost => return Some(NodeEvent::Lost),
            Seen::Moved => return None,
            Seen::Opened(id) => (id, NodeEvent::Opened),
            Seen::Shut(id) => (id, NodeEvent::Shut),
            Seen::Attributes(id) => (id, NodeEvent::Attributes),
            Seen::Ended(id) => (id, NodeEvent::Lost),
        };
        let mut held = self.present.iter_mut().flatten().chain(&mut self.departed);
        let held = held.find(|held| held.watch == Some(id))?;
        if matches!(seen, Seen::Ended(_)) {
            held.watch = None;
        }
        Some(event)
    }

    fn complain(&mut self, why: &'static str) {
        if self.complained.insert(why) {
            tracing::warn!("the {} stays closed and its lamp lit: {why}", word(self.capture));
        }
    }
}

impl Held {
    /// The descriptor for asking is opened before the watch begins, or the guard would see itself.
    fn prove(&mut self, proof: Proof, kernel: &Kernel, watch: &Watch) -> Result<Proved, &'static str> {
        if self.prover.is_none() {
            self.prover = Some(proof::open(proof, &self.file, kernel).map_err(|error| match error {
                proof::ProofError::WrongKind { .. } => "`proof` in the board file does not fit its node",
                proof::ProofError::Open(_) => "its node cannot be opened for the proof that it is closed",
                proof::ProofError::NoRow => "this guard was built without the proof of this board",
            })?);
        }
        if self.watch.is_none() {
            let why =
                "its node cannot be watched (inotify): may the guard read it, and does its device cgroup allow it?";
            self.watch = Some(watch.node(&self.file.path()).map_err(|_| why)?);
        }
        Ok(self.prover.as_mut().map_or(Proved::Nothing, |prover| prover.prove()))
    }
}

/// Of several nodes.
fn and(one: Proved, other: Proved) -> Proved {
    match (one, other) {
        (Proved::Open, _) | (_, Proved::Open) => Proved::Open,
        (Proved::Nothing, _) | (_, Proved::Nothing) => Proved::Nothing,
        (Proved::Closed, Proved::Closed) => Proved::Closed,
    }
}

/// For the log.
pub(crate) fn word(capture: Capture) -> &'static str {
    match capture {
        Capture::Camera => "camera",
        Capture::Microphone => "microphone",
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::MetadataExt;

    use subrosa_board::Board;
    use subrosa_process::users::Users;

    use super::*;

    fn devices(nodes: &[&str]) -> (tempfile::TempDir, Devices) {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::new(folder.path());
        for node in nodes {
            fs::write(folder.path().join(node), "").unwrap();
        }
        let board = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml");
        let mut board = Board::load(&board).unwrap().camera;
        board.nodes = nodes.iter().map(|node| format!("{{run}}/{node}")).collect();
        let devices = Devices::new(Capture::Camera, &board, &run, Rights::of(&Users::one(), true));
        (folder, devices)
    }

    #[test]
    fn p1_a_node_that_is_pulled_out_while_open_is_proved_until_it_is_closed() {
        let (folder, mut devices) = devices(&["node"]);
        let watch = Watch::new().unwrap();
        assert_eq!(devices.prove(&watch), Proved::Closed);
        let open = File::open(folder.path().join("node")).unwrap();
        fs::rename(folder.path().join("node"), folder.path().join("spare")).unwrap();
        assert_eq!(devices.look(), [NodeEvent::Gone]);
        assert_eq!(devices.prove(&watch), Proved::Open);
        let seen: Vec<_> = watch.take().into_iter().filter_map(|seen| devices.meaning(seen)).collect();
        assert_eq!(seen, [NodeEvent::Opened]);
        fs::rename(folder.path().join("spare"), folder.path().join("node")).unwrap();
        assert_eq!(devices.look(), [NodeEvent::Appeared]);
        assert_eq!(devices.prove(&watch), Proved::Open, "the same node, still open");
        drop(open);
        assert_eq!(devices.prove(&watch), Proved::Closed);
    }

    #[test]
    fn p1_a_node_replaced_by_another_of_its_name_is_both() {
        let (folder, mut devices) = devices(&["node"]);
        let watch = Watch::new().unwrap();
        assert_eq!(devices.prove(&watch), Proved::Closed);
        let old = File::open(folder.path().join("node")).unwrap();
        fs::write(folder.path().join("other"), "").unwrap();
        fs::rename(folder.path().join("other"), folder.path().join("node")).unwrap();
        assert_eq!(devices.look(), [NodeEvent::Gone, NodeEvent::Appeared]);
        assert_eq!(devices.set(Mode::Granted), Permission::Right);
        assert_eq!(fs::metadata(folder.path().join("node")).unwrap().mode() & 0o777, 0o600);
        assert_eq!(old.metadata().unwrap().mode() & 0o777, 0o400, "what has departed is closed");
        assert_eq!(devices.prove(&watch), Proved::Open);
        drop(old);
        assert_eq!(devices.prove(&watch), Proved::Closed);
        assert!(devices.departed.is_empty());
    }

    #[test]
    fn several_nodes_are_one_capture() {
        let (folder, mut devices) = devices(&["one", "two"]);
        let watch = Watch::new().unwrap();
        assert_eq!((devices.prove(&watch), devices.set(Mode::Granted)), (Proved::Closed, Permission::Right));
        fs::rename(folder.path().join("two"), folder.path().join("spare")).unwrap();
        assert_eq!(devices.look(), [NodeEvent::Gone]);
        assert_eq!(devices.set(Mode::Closed), Permission::Missing);
        assert_eq!(fs::metadata(folder.path().join("one")).unwrap().mode() & 0o777, 0o400, "closed all the same");
        assert_eq!(devices.look(), []);
        fs::rename(folder.path().join("spare"), folder.path().join("two")).unwrap();
        assert_eq!(devices.look(), [NodeEvent::Appeared]);
    }

    #[test]
    fn p1_the_guard_does_not_see_itself() {
        let (_folder, mut devices) = devices(&["node"]);
        let watch = Watch::new().unwrap();
        for _ in 0..3 {
            assert_eq!(devices.prove(&watch), Proved::Closed);
        }
        assert_eq!(watch.take(), []);
    }

    #[test]
    fn p1_what_cannot_be_watched_is_not_proved() {
        let (_folder, mut devices) = devices(&["node"]);
        devices.proof = Proof::AlsaStatus;
        assert_eq!(devices.prove(&Watch::new().unwrap()), Proved::Nothing);
    }

    #[test]
    fn nothing_there_is_nothing_open() {
        let (folder, mut devices) = devices(&["node"]);
        fs::remove_file(folder.path().join("node")).unwrap();
        assert_eq!(devices.look(), [NodeEvent::Gone]);
        assert_eq!(devices.prove(&Watch::new().unwrap()), Proved::Closed);
        assert_eq!(devices.set(Mode::Closed), Permission::Missing);
    }
}
