//! V4L2 priority and buffers, for drivers without a module: the last choice. A holder that has lowered itself to
//! background and owns no buffers is not seen.
//!
//! As with the lease the guard keeps one descriptor for asking, so that asking makes no events. It reads only, which
//! cannot map capture buffers, and it stays at background priority, which lets everybody else do as they like.
//! (V4L2 API, *Application Priority*; `VIDIOC_REQBUFS`.)

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;

use super::{Kernel, Proof, ProofError, Prover};
use crate::machine::Proved;
use crate::node::NodeFile;

/// `enum v4l2_priority`.
const BACKGROUND: u32 = 1;
const RECORD: u32 = 3;
/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`, `V4L2_MEMORY_MMAP`.
const VIDEO_CAPTURE: u32 = 1;
const MEMORY_MMAP: u32 = 1;

/// `struct v4l2_requestbuffers`.
#[repr(C)]
struct RequestBuffers {
    count: u32,
    kind: u32,
    memory: u32,
    capabilities: u32,
    flags: u8,
    reserved: [u8; 3],
}

/// `_IOC` of the architectures that this runs on (x86, ARM, RISC-V).
const fn ioc(direction: u64, number: u64, size: usize) -> u64 {
    direction << 30 | (size as u64) << 16 | (b'V' as u64) << 8 | number
}

const G_PRIORITY: u64 = ioc(2, 67, size_of::<u32>());
const S_PRIORITY: u64 = ioc(1, 68, size_of::<u32>());
const REQBUFS: u64 = ioc(3, 8, size_of::<RequestBuffers>());

struct Priority {
    kernel: Kernel,
    number: (u32, u32),
    file: File,
}

pub(super) fn open(node: &NodeFile, kernel: &Kernel) -> Result<Box<dyn Prover>, ProofError> {
    let wrong = ProofError::WrongKind { proof: Proof::V4l2Priority.name(), what: "V4L2 capture nodes" };
    let number = node.device_number().ok_or(wrong)?;
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(node.path())?;
    let mut priority = Priority { kernel: kernel.clone(), number, file };
    priority.set(BACKGROUND)?;
    Ok(Box::new(priority))
}

impl Priority {
    fn ask<T>(&self, request: u64, argument: &mut T) -> std::io::Result<()> {
        // SAFETY: each request above was made from the size of the structure that it is called with here.
        if unsafe { libc::ioctl(self.file.as_raw_fd(), request as libc::Ioctl, std::ptr::from_mut(argument)) } == 0 {
            return Ok(());
        }
        Err(std::io::Error::last_os_error())
    }

    fn set(&mut self, mut priority: u32) -> std::io::Result<()> {
        self.ask(S_PRIORITY, &mut priority)
    }

    fn try_buffers(&mut self) -> Proved {
        // At background the driver would refuse because of the priority and not because of the buffers.
        if let Err(error) = self.set(RECORD) {
            return busy(&error);
        }
        let mut none = RequestBuffers {
            count: 0,
            kind: VIDEO_CAPTURE,
            memory: MEMORY_MMAP,
            capabilities: 0,
            flags: 0,
            reserved: [0; 3],
        };
        let answer = self.ask(REQBUFS, &mut none);
        if self.set(BACKGROUND).is_err() {
            return Proved::Nothing;
        }
        match answer {
            Ok(()) => Proved::Closed,
            Err(error) => busy(&error),
        }
    }
}

fn busy(error: &std::io::Error) -> Proved {
    if error.raw_os_error() == Some(libc::EBUSY) { Proved::Open } else { Proved::Nothing }
}

impl Prover for Priority {
    fn prove(&mut self) -> Proved {
        let mut highest = 0_u32;
        match self.ask(G_PRIORITY, &mut highest) {
            Ok(()) if highest > BACKGROUND => Proved::Open,
            Ok(()) => self.try_buffers(),
            Err(_) if self.kernel.device(self.number).is_none() => Proved::Closed,
            Err(_) => Proved::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requests_are_those_of_the_kernel() {
        // linux/videodev2.h, as `_IOR('V', 67, __u32)` and so on come out.
        assert_eq!((G_PRIORITY, S_PRIORITY, REQBUFS), (0x8004_5643, 0x4004_5644, 0xc014_5608));
    }

    #[test]
    fn a_file_has_no_priority() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node");
        std::fs::write(&path, "").unwrap();
        let node = NodeFile::hold(&path).unwrap();
        assert!(matches!(open(&node, &Kernel::default()), Err(ProofError::WrongKind { .. })));
        let null = NodeFile::hold(std::path::Path::new("/dev/null")).unwrap();
        assert!(matches!(open(&null, &Kernel::default()), Err(ProofError::Open(_))));
    }
}
