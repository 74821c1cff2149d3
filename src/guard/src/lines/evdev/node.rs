//! One input device of the kernel. (Linux, *Input subsystem*, `include/uapi/linux/input.h`.)

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::ioctl::{IntegerSetter, Opcode, Updater, ioctl, opcode};

use crate::lines::named::{Named, text};

/// Bytes for one bit of each key (`KEY_MAX` is 0x2ff).
const KEYS: usize = 96;
/// Bytes for one bit of each switch (`SW_MAX` is 0x11).
const SWITCHES: usize = 4;
const TEXT: usize = 256;

const GROUP: u8 = b'E';
const NUMBERS: Opcode = opcode::read::<[u16; 4]>(GROUP, 0x02);
const NAME: Opcode = opcode::read::<[u8; TEXT]>(GROUP, 0x06);
const PLACE: Opcode = opcode::read::<[u8; TEXT]>(GROUP, 0x07);
const KEYS_DOWN: Opcode = opcode::read::<[u8; KEYS]>(GROUP, 0x18);
const SWITCHES_SET: Opcode = opcode::read::<[u8; SWITCHES]>(GROUP, 0x1b);
const ALL_KEYS: Opcode = opcode::read::<[u8; KEYS]>(GROUP, 0x20 + EV_KEY as u8);
const ALL_SWITCHES: Opcode = opcode::read::<[u8; SWITCHES]>(GROUP, 0x20 + EV_SW as u8);
const GRAB: Opcode = opcode::write::<libc::c_int>(GROUP, 0x90);

pub(super) const EV_SYN: u16 = 0x00;
pub(super) const EV_KEY: u16 = 0x01;
pub(super) const EV_SW: u16 = 0x05;
/// Events were lost: whatever is known of the device is void.
pub(super) const SYN_DROPPED: u16 = 3;

/// Events that are taken at once.
const EVENTS: usize = 64;
const EVENT: usize = size_of::<libc::input_event>();

/// An event of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) kind: u16,
    pub(super) code: u16,
    pub(super) value: i32,
}

/// An open device.
#[derive(Debug)]
pub(super) struct Node(OwnedFd);

impl Node {
    pub(super) fn open(path: &Path) -> rustix::io::Result<Self> {
        // For reading, which is enough to have it for oneself.
        open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty()).map(Node)
    }

    pub(super) fn named(&self) -> rustix::io::Result<Named> {
        let [_bus, vendor, product, _version] = self.ask::<NUMBERS, _>([0_u16; 4])?;
        // Devices without a place or a name answer with an error.
        let name = self.ask::<NAME, _>([0; TEXT]).map(|name| text(&name)).unwrap_or_default();
        let place = self.ask::<PLACE, _>([0; TEXT]).map(|place| text(&place)).unwrap_or_default();
        Ok(Named { name, place, vendor, product })
    }

    pub(super) fn has_key(&self, code: u16) -> bool {
        self.ask::<ALL_KEYS, _>([0; KEYS]).is_ok_and(|keys| bit(&keys, code))
    }

    pub(super) fn has_switch(&self, code: u16) -> bool {
        self.ask::<ALL_SWITCHES, _>([0; SWITCHES]).is_ok_and(|switches| bit(&switches, code))
    }

    /// Whether a key is down. The kernel throws away what it has noted of keys up to now.
    pub(super) fn key(&self, code: u16) -> rustix::io::Result<bool> {
        self.ask::<KEYS_DOWN, _>([0; KEYS]).map(|keys| bit(&keys, code))
    }

    /// Whether a switch is set.
    pub(super) fn switch(&self, code: u16) -> rustix::io::Result<bool> {
        self.ask::<SWITCHES_SET, _>([0; SWITCHES]).map(|switches| bit(&switches, code))
    }

    /// Nobody else gets this device's events from now on: a key that wakes the room types nothing anywhere.
    pub(super) fn grab(&self) -> rustix::io::Result<()> {
        // SAFETY: EVIOCGRAB takes an integer by value and touches no memory of ours.
        unsafe { ioctl(&self.0, IntegerSetter::<GRAB>::new_usize(1)) }
    }

    /// What has happened, a handful at a time.
    pub(super) fn events(&self) -> io::Result<Vec<Happened>> {
        let mut buffer = [MaybeUninit::<u8>::uninit(); EVENT * EVENTS];
        match rustix::io::read(&self.0, &mut buffer) {
            Ok((bytes, _)) => Ok(events(bytes)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    fn ask<const OPCODE: Opcode, T: Copy>(&self, mut answer: T) -> rustix::io::Result<T> {
        // SAFETY: each OPCODE above says the size of the buffer that it fills, which is the size of T; any bytes are
        // a T, since these are arrays of integers.
        unsafe { ioctl(&self.0, Updater::<OPCODE, T>::new(&mut answer))? };
        Ok(answer)
    }
}

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn bit(bits: &[u8], code: u16) -> bool {
    bits.get(usize::from(code) / 8).is_some_and(|byte| byte >> (code % 8) & 1 == 1)
}

/// An event is its time, whose size depends on the machine, then kind, code and value.
fn events(bytes: &[u8]) -> Vec<Happened> {
    let event = |event: &[u8]| {
        let [k0, k1, c0, c1, v0, v1, v2, v3] = event.last_chunk::<8>()?;
        Some(Happened {
            kind: u16::from_ne_bytes([*k0, *k1]),
            code: u16::from_ne_bytes([*c0, *c1]),
            value: i32::from_ne_bytes([*v0, *v1, *v2, *v3]),
        })
    };
    bytes.chunks_exact(EVENT).filter_map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_low_end_and_none_are_beyond() {
        assert!(bit(&[0, 0b0100_0000], 14));
        assert!(!bit(&[0, 0b0100_0000], 13) && !bit(&[0xff], 8));
    }

    #[test]
    fn numbers_of_questions_are_the_kernels() {
        // input.h: EVIOCGID, EVIOCGSW(4), EVIOCGKEY(96), EVIOCGRAB.
        assert_eq!([NUMBERS, SWITCHES_SET, KEYS_DOWN, GRAB], [0x8008_4502, 0x8004_451b, 0x8060_4518, 0x4004_4590]);
    }

    #[test]
    fn a_part_of_an_event_is_none() {
        let mut bytes = vec![0_u8; EVENT + 5];
        bytes[EVENT - 8..EVENT].copy_from_slice(&[1, 0, 109, 0, 1, 0, 0, 0]);
        assert_eq!(events(&bytes), [Happened { kind: EV_KEY, code: 109, value: 1 }]);
    }
}
