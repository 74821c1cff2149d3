//! Proofs that nobody has a node open. One row of the table per way to prove it.
//!
//! The kernel reports a close *before* the driver's release has run; only these say when it is over.

mod alsa;
mod lease;
mod module;
mod priority;

use std::io;
use std::path::{Path, PathBuf};

use subrosa_board::Proof;

use crate::machine::Proved;
use crate::node::NodeFile;

/// Proves, again and again, whether anybody has one node open.
pub trait Prover {
    /// Asks now.
    fn prove(&mut self) -> Proved;
}

/// Where the kernel tells about devices; somewhere else in tests.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// `/sys`.
    pub sys: PathBuf,
    /// `/proc`.
    pub proc: PathBuf,
}

impl Default for Kernel {
    fn default() -> Self {
        Kernel { sys: "/sys".into(), proc: "/proc".into() }
    }
}

impl Kernel {
    /// The folder of a character device in sysfs. `None`: there is no such device (any more).
    fn device(&self, number: (u32, u32)) -> Option<PathBuf> {
        self.sys.join(format!("dev/char/{}:{}", number.0, number.1)).canonicalize().ok()
    }
}

/// Why a proof cannot be had. The node then stays unknown and its lamp lit.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The proof is for another kind of node.
    #[error("proof = \"{proof}\" is for {what}: correct the board file")]
    WrongKind {
        /// As in the board file.
        proof: &'static str,
        /// What it is for.
        what: &'static str,
    },
    /// The node cannot be opened for reading.
    #[error("the node cannot be opened for reading to prove that it is closed")]
    Open(#[from] io::Error),
    /// No row.
    #[error("this guard was built without the proof of this board")]
    NoRow,
}

type Open = fn(&NodeFile, &Kernel) -> Result<Box<dyn Prover>, ProofError>;

const ROWS: [(Proof, Open); 4] = [
    (Proof::Lease, lease::open),
    (Proof::AlsaStatus, alsa::open),
    (Proof::ModuleReferences, module::open),
    (Proof::V4l2Priority, priority::open),
];

/// The prover of a node.
///
/// # Errors
/// When this way of proving does not fit the node, or the node cannot be read.
pub fn open(proof: Proof, node: &NodeFile, kernel: &Kernel) -> Result<Box<dyn Prover>, ProofError> {
    let (_, open) = ROWS.iter().find(|(row, _)| *row == proof).ok_or(ProofError::NoRow)?;
    open(node, kernel)
}

/// The last part of a path.
fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_proof_of_the_boards_has_a_row() {
        for proof in Proof::ALL {
            assert!(ROWS.iter().any(|(row, _)| *row == proof), "{proof:?}");
        }
    }
}
