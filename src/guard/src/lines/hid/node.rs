//! One HID device of the kernel, with its reports as they are. (Linux, *HIDRAW*, `include/uapi/linux/hidraw.h`.)

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

use super::descriptor::{Descriptor, Nonsense};
use crate::lines::named::{Named, text};

/// `HID_MAX_DESCRIPTOR_SIZE`.
const LONGEST: usize = 4096;
const TEXT: usize = 256;
/// A report of a conference device is a few bytes; what is longer is cut.
const REPORT: usize = 512;

/// `struct hidraw_report_descriptor`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Raw {
    length: u32,
    bytes: [u8; LONGEST],
}

const GROUP: u8 = b'H';
const LENGTH: Opcode = opcode::read::<libc::c_int>(GROUP, 0x01);
const DESCRIPTOR: Opcode = opcode::read::<Raw>(GROUP, 0x02);
/// Bus, then vendor and product.
const NUMBERS: Opcode = opcode::read::<[u16; 4]>(GROUP, 0x03);
const NAME: Opcode = opcode::read::<[u8; TEXT]>(GROUP, 0x04);
const PLACE: Opcode = opcode::read::<[u8; TEXT]>(GROUP, 0x05);
const INPUT: Opcode = opcode::read_write::<[u8; REPORT]>(GROUP, 0x0a);

/// Why a node is not what is looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NodeError {
    #[error(transparent)]
    Kernel(#[from] Errno),
    #[error("its description makes no sense: {0}")]
    Nonsense(#[from] Nonsense),
}

/// An open device.
#[derive(Debug)]
pub(crate) struct Node(OwnedFd);

impl Node {
    pub(super) fn open(path: &Path) -> rustix::io::Result<Self> {
        open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty()).map(Node)
    }

    pub(super) fn another(&self) -> io::Result<Self> {
        self.0.try_clone().map(Node)
    }

    pub(super) fn named(&self) -> rustix::io::Result<Named> {
        let [_, _, vendor, product] = self.ask::<NUMBERS, _>([0_u16; 4])?;
        let name = self.ask::<NAME, _>([0; TEXT]).map(|name| text(&name)).unwrap_or_default();
        let place = self.ask::<PLACE, _>([0; TEXT]).map(|place| text(&place)).unwrap_or_default();
        Ok(Named { name, place, vendor, product })
    }

    pub(super) fn descriptor(&self) -> Result<Descriptor, NodeError> {
        let length = self.ask::<LENGTH, _>(0)?;
        let length = u32::try_from(length).unwrap_or_default();
        let raw = self.ask::<DESCRIPTOR, _>(Raw { length, bytes: [0; LONGEST] })?;
        let bytes = raw.bytes.get(..raw.length as usize).unwrap_or(&raw.bytes);
        Ok(Descriptor::read(bytes)?)
    }

    /// The next report of the device, its number first where it has one; `None`: there is none now.
    pub(super) fn report(&self) -> rustix::io::Result<Option<Vec<u8>>> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); REPORT];
        match rustix::io::read(&self.0, &mut buffer) {
            Ok((bytes, _)) => Ok(Some(bytes.to_vec())),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Asks the device for a report as it is now. Many answer with an error. It can take seconds.
    pub(super) fn ask_for(&self, report: u8) -> rustix::io::Result<Vec<u8>> {
        let mut buffer = [0; REPORT];
        if let Some(first) = buffer.first_mut() {
            *first = report;
        }
        // The number comes back, also where there is none.
        let answer = self.ask::<INPUT, _>(buffer)?;
        Ok(answer.to_vec())
    }

    /// Writes a report, its number first, 0 where it has none. It can take seconds.
    pub(super) fn write(&self, report: &[u8]) -> rustix::io::Result<()> {
        rustix::io::write(&self.0, report).map(|_| ())
    }

    fn ask<const OPCODE: Opcode, T: Copy>(&self, mut answer: T) -> rustix::io::Result<T> {
        // SAFETY: each OPCODE above says the size of the buffer that it fills, which is the size of T; any bytes are
        // a T, since these are integers and arrays of them.
        unsafe { ioctl(&self.0, Updater::<OPCODE, T>::new(&mut answer))? };
        Ok(answer)
    }
}

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_questions_are_the_kernels() {
        // hidraw.h: HIDIOCGRDESCSIZE, HIDIOCGRDESC, HIDIOCGRAWINFO.
        assert_eq!([LENGTH, DESCRIPTOR, NUMBERS], [0x8004_4801, 0x9004_4802, 0x8008_4803]);
    }
}
