//! A write lease on a regular file: the kernel grants it only when nobody else has the file open (fcntl(2),
//! *Leases*). It counts descriptors for reading, duplicates and mappings, and covers every process, root's too.
//!
//! The guard keeps one descriptor for asking, opened before the node is watched: asking makes no events.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use super::{Kernel, Proof, ProofError, Prover};
use crate::machine::Proved;
use crate::node::NodeFile;

struct Lease(File);

pub(super) fn open(node: &NodeFile, _kernel: &Kernel) -> Result<Box<dyn Prover>, ProofError> {
    if node.device_number().is_some() {
        return Err(ProofError::WrongKind { proof: Proof::Lease.name(), what: "simulated nodes, which are files" });
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(node.path())?;
    Ok(Box::new(Lease(file)))
}

impl Prover for Lease {
    fn prove(&mut self) -> Proved {
        // Whoever opens the file in this moment waits until the lease is given back, two lines below; the signal
        // that tells the holder so is ignored (see `signals`).
        match set(&self.0, libc::F_WRLCK) {
            0 => {
                if set(&self.0, libc::F_UNLCK) == 0 {
                    Proved::Closed
                } else {
                    Proved::Nothing
                }
            }
            libc::EAGAIN | libc::EBUSY => Proved::Open,
            _ => Proved::Nothing,
        }
    }
}

/// 0, or the error's number.
fn set(file: &File, kind: libc::c_int) -> libc::c_int {
    // SAFETY: F_SETLEASE takes an int and touches no memory of ours; the descriptor is open.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, kind) } == 0 {
        return 0;
    }
    std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn p1_any_descriptor_of_any_kind_is_seen_until_the_last_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node");
        fs::write(&path, "").unwrap();
        let mut proof = open(&NodeFile::hold(&path).unwrap(), &Kernel::default()).unwrap();
        assert_eq!(proof.prove(), Proved::Closed);
        for (read, write) in [(true, false), (false, true), (true, true)] {
            let file = OpenOptions::new().read(read).write(write).open(&path).unwrap();
            assert_eq!(proof.prove(), Proved::Open);
            let copy = file.try_clone().unwrap();
            drop(file);
            assert_eq!(proof.prove(), Proved::Open, "a copy is left");
            drop(copy);
            assert_eq!(proof.prove(), Proved::Closed);
        }
    }

    #[test]
    fn p1_a_node_that_was_renamed_is_still_proved() {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("node"), folder.path().join("elsewhere"));
        fs::write(&path, "").unwrap();
        let mut proof = open(&NodeFile::hold(&path).unwrap(), &Kernel::default()).unwrap();
        let file = File::open(&path).unwrap();
        fs::rename(&path, &elsewhere).unwrap();
        assert_eq!(proof.prove(), Proved::Open);
        drop(file);
        assert_eq!(proof.prove(), Proved::Closed);
    }

    #[test]
    fn a_device_cannot_be_leased() {
        let node = NodeFile::hold(std::path::Path::new("/dev/null")).unwrap();
        assert!(matches!(open(&node, &Kernel::default()), Err(ProofError::WrongKind { .. })));
    }
}
