//! `/proc/asound/cardN/pcmMc/subK/status` says `closed`, or what goes on. Exact, without side effects; reading it
//! waits for a release that is in progress. Needs `CONFIG_SND_VERBOSE_PROCFS`, which distributions have.

use std::fs;
use std::path::PathBuf;

use super::{Kernel, Proof, ProofError, Prover, name};
use crate::machine::Proved;
use crate::node::NodeFile;

struct Status {
    kernel: Kernel,
    number: (u32, u32),
    folder: PathBuf,
}

const WRONG: ProofError =
    ProofError::WrongKind { proof: Proof::AlsaStatus.name(), what: "ALSA capture nodes (/dev/snd/pcmC*D*c)" };

pub(super) fn open(node: &NodeFile, kernel: &Kernel) -> Result<Box<dyn Prover>, ProofError> {
    let number = node.device_number().ok_or(WRONG)?;
    let device = kernel.device(number).ok_or(WRONG)?;
    let folder = folder(name(&device)).ok_or(WRONG)?;
    Ok(Box::new(Status { kernel: kernel.clone(), number, folder: kernel.proc.join("asound").join(folder) }))
}

/// `pcmC0D1c` is `card0/pcm1c`.
fn folder(node: &str) -> Option<PathBuf> {
    let (card, device) = node.strip_prefix("pcmC")?.split_once('D')?;
    let device = device.strip_suffix('c')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    (number(card) && number(device)).then(|| PathBuf::from(format!("card{card}/pcm{device}c")))
}

impl Prover for Status {
    fn prove(&mut self) -> Proved {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            // Nothing is left to capture with when the device itself has gone.
            return if self.kernel.device(self.number).is_none() { Proved::Closed } else { Proved::Nothing };
        };
        let mut proved = Proved::Nothing;
        for entry in entries {
            let Ok(entry) = entry else {
                return Proved::Nothing;
            };
            if !name(&entry.path()).starts_with("sub") {
                continue;
            }
            match fs::read_to_string(entry.path().join("status")) {
                Ok(status) if status.trim() == "closed" => proved = Proved::Closed,
                Ok(_) => return Proved::Open,
                Err(_) => return Proved::Nothing,
            }
        }
        proved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_capture_nodes_have_a_folder() {
        assert_eq!(folder("pcmC0D1c"), Some("card0/pcm1c".into()));
        assert_eq!(folder("pcmC12D0c"), Some("card12/pcm0c".into()));
        for other in ["pcmC0D0p", "controlC0", "pcmCD0c", "pcmC0Dc", "pcmC0D../c", "timer"] {
            assert_eq!(folder(other), None, "{other}");
        }
    }

    #[test]
    fn p1_closed_is_what_every_substream_says() {
        let root = tempfile::tempdir().unwrap();
        let kernel = Kernel { sys: root.path().join("sys"), proc: root.path().join("proc") };
        let folder = kernel.proc.join("asound/card0/pcm0c");
        let device = kernel.sys.join("dev/char/116:4");
        fs::create_dir_all(&device).unwrap();
        let mut status = Status { kernel, number: (116, 4), folder: folder.clone() };
        assert_eq!(status.prove(), Proved::Nothing, "no such file in this kernel");
        for substream in ["sub0", "sub1"] {
            fs::create_dir_all(folder.join(substream)).unwrap();
            fs::write(folder.join(substream).join("status"), "closed\n").unwrap();
        }
        fs::write(folder.join("info"), "card: 0\n").unwrap();
        assert_eq!(status.prove(), Proved::Closed);
        fs::write(folder.join("sub1/status"), "state: RUNNING\nowner_pid   : 77\n").unwrap();
        assert_eq!(status.prove(), Proved::Open);
        fs::remove_file(folder.join("sub1/status")).unwrap();
        assert_eq!(status.prove(), Proved::Nothing);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(status.prove(), Proved::Nothing);
        fs::remove_dir(&device).unwrap();
        assert_eq!(status.prove(), Proved::Closed, "unplugged");
    }
}
