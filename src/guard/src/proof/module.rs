//! The reference count of the driver's module: the number of open files on all nodes of that driver, by any process,
//! mappings included; back to 0 only after the release. Without side effects, and media cannot falsify it.
//!
//! A driver that is built into the kernel has no such count; its nodes are proved by V4L2 priority.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Kernel, Proof, ProofError, Prover, priority};
use crate::machine::Proved;
use crate::node::NodeFile;

struct References {
    kernel: Kernel,
    number: (u32, u32),
    module: PathBuf,
}

const WRONG: ProofError = ProofError::WrongKind { proof: Proof::ModuleReferences.name(), what: "V4L2 capture nodes" };

pub(super) fn open(node: &NodeFile, kernel: &Kernel) -> Result<Box<dyn Prover>, ProofError> {
    let number = node.device_number().ok_or(WRONG)?;
    let device = kernel.device(number).ok_or(WRONG)?;
    // A media controller's node is of no class and has no such link: it lies in the folder of its device.
    let module =
        ["device/driver/module", "../driver/module"].iter().find_map(|driver| device.join(driver).canonicalize().ok());
    match module {
        Some(module) => Ok(Box::new(References { kernel: kernel.clone(), number, module })),
        None => priority::open(node, kernel),
    }
}

/// Open files: the references without those of other modules that use this one.
fn open_files(module: &Path) -> Option<u64> {
    let references: u64 = fs::read_to_string(module.join("refcnt")).ok()?.trim().parse().ok()?;
    let holders = fs::read_dir(module.join("holders")).map_or(0, |entries| entries.count() as u64);
    references.checked_sub(holders)
}

impl Prover for References {
    fn prove(&mut self) -> Proved {
        match open_files(&self.module) {
            Some(0) => Proved::Closed,
            Some(_) => Proved::Open,
            None if self.kernel.device(self.number).is_none() => Proved::Closed,
            None => Proved::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_closed_is_no_reference_but_those_of_other_modules() {
        let root = tempfile::tempdir().unwrap();
        let kernel = Kernel { sys: root.path().join("sys"), proc: root.path().join("proc") };
        let (module, device) = (kernel.sys.join("module/uvcvideo"), kernel.sys.join("dev/char/81:0"));
        fs::create_dir_all(module.join("holders")).unwrap();
        fs::create_dir_all(&device).unwrap();
        let mut proof = References { kernel, number: (81, 0), module: module.clone() };
        assert_eq!(proof.prove(), Proved::Nothing);
        for (references, proved) in [("0\n", Proved::Closed), ("2\n", Proved::Open), ("-1\n", Proved::Nothing)] {
            fs::write(module.join("refcnt"), references).unwrap();
            assert_eq!(proof.prove(), proved, "{references}");
        }
        fs::write(module.join("refcnt"), "1\n").unwrap();
        fs::create_dir(module.join("holders/other")).unwrap();
        assert_eq!(proof.prove(), Proved::Closed);
        fs::remove_file(module.join("refcnt")).unwrap();
        fs::remove_dir(&device).unwrap();
        assert_eq!(proof.prove(), Proved::Closed, "unplugged, and the driver unloaded");
    }
}
