//! An input device of the virtual machine, by the driver `uinput`: a presenter, the switches of a laptop.
//! (Linux, *uinput module*, `include/uapi/linux/uinput.h`.)

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::Duration;

use subrosa_process::users::Users;

use crate::stage::eventually;

const SET_KIND: libc::c_ulong = 0x4004_5564;
const SET_KEY: libc::c_ulong = 0x4004_5565;
const SET_SWITCH: libc::c_ulong = 0x4004_556d;
const SET_UP: libc::c_ulong = 0x405c_5503;
const CREATE: libc::c_ulong = 0x5501;
const SYSTEM_NAME: libc::c_ulong = 0x8040_552c;

/// `struct uinput_setup`.
#[repr(C)]
struct SetUp {
    numbers: [u16; 4],
    name: [u8; 80],
    effects: u32,
}

/// A device that exists for as long as this does.
#[derive(Debug)]
pub struct InputDevice {
    control: File,
    node: PathBuf,
}

impl InputDevice {
    /// Plugs a device in.
    #[must_use]
    pub fn plug_in(name: &str, keys: &[u16], switches: &[u16]) -> Self {
        let control = OpenOptions::new().write(true).open("/dev/uinput").expect("/dev/uinput");
        let number = |request, value: u16| {
            // SAFETY: these requests take an integer and touch no memory.
            let done = unsafe { libc::ioctl(control.as_raw_fd(), request, libc::c_ulong::from(value)) };
            assert_eq!(done, 0, "uinput {request:#x}");
        };
        // EV_SYN, EV_KEY, EV_SW.
        for (kind, has) in [(0, true), (1, !keys.is_empty()), (5, !switches.is_empty())] {
            if has {
                number(SET_KIND, kind);
            }
        }
        keys.iter().for_each(|key| number(SET_KEY, *key));
        switches.iter().for_each(|switch| number(SET_SWITCH, *switch));
        let mut set_up = SetUp { numbers: [3, 0x1209, 0x5ab0, 1], name: [0; 80], effects: 0 };
        set_up.name[..name.len()].copy_from_slice(name.as_bytes());
        let mut system = [0_u8; 64];
        // SAFETY: each request is given a buffer of the size that is part of its number, or none.
        unsafe {
            assert_eq!(libc::ioctl(control.as_raw_fd(), SET_UP, &raw const set_up), 0, "UI_DEV_SETUP");
            assert_eq!(libc::ioctl(control.as_raw_fd(), CREATE, 0), 0, "UI_DEV_CREATE");
            assert!(libc::ioctl(control.as_raw_fd(), SYSTEM_NAME, system.as_mut_ptr()) > 0, "UI_GET_SYSNAME");
        }
        let end = system.iter().position(|byte| *byte == 0).expect("an end");
        let system = Path::new("/sys/devices/virtual/input").join(String::from_utf8_lossy(&system[..end]).as_ref());
        let node = eventually("its node", Duration::from_secs(5), || {
            let entries = fs::read_dir(&system).ok()?.flatten().map(|entry| entry.file_name());
            let event = entries.into_iter().find(|name| name.to_string_lossy().starts_with("event"))?;
            let node = Path::new("/dev/input").join(event);
            node.exists().then_some(node)
        });
        hand_to_the_guard(&node);
        InputDevice { control, node }
    }

    /// Its node.
    #[must_use]
    pub fn node(&self) -> &Path {
        &self.node
    }

    /// Something happens at the device.
    pub fn send(&self, events: &[(u16, u16, i32)]) {
        let mut bytes = Vec::new();
        for (kind, code, value) in events.iter().chain(&[(0, 0, 0)]) {
            // The time is the kernel's.
            bytes.extend([0_u8; size_of::<libc::timeval>()]);
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(code.to_ne_bytes());
            bytes.extend(value.to_ne_bytes());
        }
        (&self.control).write_all(&bytes).expect("events");
    }

    /// A key goes down or up.
    pub fn key(&self, code: u16, down: bool) {
        self.send(&[(1, code, i32::from(down))]);
    }

    /// A switch is set or not.
    pub fn switch(&self, code: u16, set: bool) {
        self.send(&[(5, code, i32::from(set))]);
    }
}

/// Where there is no udev, its rule is carried out here.
pub(super) fn hand_to_the_guard(node: &Path) {
    if !Path::new("/run/udev/control").exists() {
        let guard = Users::separate().expect("`make setup` creates the users").guard;
        chown(node, Some(guard.uid), Some(0)).expect("the device's node");
    }
}
