//! A conference device of the virtual machine, by the driver `uhid`: a mute key and LEDs as a speakerphone has them.
//! (Linux, *UHID*, `include/uapi/linux/uhid.h`.)

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::input::hand_to_the_guard;
use crate::stage::eventually;

const DESTROY: u32 = 1;
const OUTPUT: u32 = 6;
const GET_REPORT: u32 = 9;
const GET_REPORT_REPLY: u32 = 10;
const CREATE: u32 = 11;
const INPUT: u32 = 12;
/// `struct uhid_event`: its kind, then the largest of its kinds of data.
const EVENT: usize = 4 + 128 + 64 + 64 + 2 + 2 + 4 * 4 + 4096;

/// What a key says of itself in its description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MuteKey {
    /// It toggles.
    Toggles,
    /// It stands.
    Stands,
}

/// What the host has told the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Reports, the newest last.
    pub reports: Vec<Vec<u8>>,
}

/// A device that exists for as long as this does.
pub struct Conference {
    control: File,
    node: PathBuf,
    told: Arc<Mutex<Told>>,
    muted: Arc<Mutex<Option<bool>>>,
    listener: Option<JoinHandle<()>>,
}

/// Report 2: from the device, bit 2 is the mute key; to it, bit 0 is *off-hook* and bit 1 is *mute*.
fn descriptor(key: MuteKey) -> Vec<u8> {
    let flags = match key {
        MuteKey::Toggles => 0x06,
        MuteKey::Stands => 0x22,
    };
    vec![
        0x05, 0x0b, 0x09, 0x05, 0xa1, 0x01, 0x85, 0x02, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x01, 0x09, 0x20,
        0x81, 0x22, 0x09, 0x97, 0x81, 0x22, 0x09, 0x2f, 0x81, flags, 0x95, 0x05, 0x81, 0x01, 0x05, 0x08, 0x09, 0x17,
        0x09, 0x09, 0x95, 0x02, 0x91, 0x22, 0x95, 0x06, 0x91, 0x01, 0xc0,
    ]
}

fn event(kind: u32) -> Vec<u8> {
    let mut event = kind.to_ne_bytes().to_vec();
    event.resize(EVENT, 0);
    event
}

impl Conference {
    /// Plugs a device in; `muted`: how its key stands when it is asked, if it answers at all.
    #[must_use]
    pub fn plug_in(name: &str, key: MuteKey, muted: Option<bool>) -> Self {
        Self::with(name, &descriptor(key), muted)
    }

    /// Plugs in a device of any description.
    #[must_use]
    pub fn with(name: &str, descriptor: &[u8], muted: Option<bool>) -> Self {
        let mut control = OpenOptions::new().read(true).write(true).open("/dev/uhid").expect("/dev/uhid");
        let mut create = event(CREATE);
        create[4..4 + name.len()].copy_from_slice(name.as_bytes());
        let numbers = 4 + 128 + 64 + 64;
        create[numbers..numbers + 2].copy_from_slice(&u16::try_from(descriptor.len()).expect("short").to_ne_bytes());
        create[numbers + 2..numbers + 4].copy_from_slice(&3_u16.to_ne_bytes());
        create[numbers + 4..numbers + 8].copy_from_slice(&0x1209_u32.to_ne_bytes());
        create[numbers + 8..numbers + 12].copy_from_slice(&0x5ab1_u32.to_ne_bytes());
        let data = numbers + 20;
        create[data..data + descriptor.len()].copy_from_slice(descriptor);
        control.write_all(&create).expect("UHID_CREATE2");
        let told = Arc::new(Mutex::new(Told::default()));
        let muted = Arc::new(Mutex::new(muted));
        let listener = std::thread::spawn({
            let control = control.try_clone().expect("a copy");
            let (told, muted) = (Arc::clone(&told), Arc::clone(&muted));
            move || listen(control, &told, &muted)
        });
        let node = eventually("its node", Duration::from_secs(5), || {
            let entries = fs::read_dir("/sys/class/hidraw").ok()?.flatten();
            let named = |entry: &fs::DirEntry| {
                let about = fs::read_to_string(entry.path().join("device/uevent")).unwrap_or_default();
                about.lines().any(|line| line == format!("HID_NAME={name}"))
            };
            let node = Path::new("/dev").join(entries.into_iter().find(named)?.file_name());
            node.exists().then_some(node)
        });
        hand_to_the_guard(&node);
        Conference { control, node, told, muted, listener: Some(listener) }
    }

    /// Its node.
    #[must_use]
    pub fn node(&self) -> &Path {
        &self.node
    }

    /// The device says how its key is.
    pub fn says(&self, set: bool) {
        let mut input = event(INPUT);
        input[4..6].copy_from_slice(&2_u16.to_ne_bytes());
        input[6..8].copy_from_slice(&[2, if set { 0b100 } else { 0 }]);
        (&self.control).write_all(&input).expect("UHID_INPUT2");
        let mut muted = self.muted.lock().expect("its state");
        *muted = muted.map(|_| set);
    }

    /// The key is pressed and let go, as these devices report it.
    pub fn press(&self) {
        self.says(true);
        self.says(false);
    }

    /// The newest state of its LEDs: *off-hook*, *mute*. `None`: it was told nothing yet.
    #[must_use]
    pub fn leds(&self) -> Option<(bool, bool)> {
        let told = self.told.lock().expect("what was told");
        let [2, leds] = told.reports.last()?.as_slice() else { return None };
        Some((leds & 1 != 0, leds & 2 != 0))
    }

    /// The LED *mute* is lit.
    #[must_use]
    pub fn red(&self) -> bool {
        self.leds().is_some_and(|(_, mute)| mute)
    }

    /// How often it was told something.
    #[must_use]
    pub fn told(&self) -> usize {
        self.told.lock().expect("what was told").reports.len()
    }
}

impl Drop for Conference {
    fn drop(&mut self) {
        // Without it, the listener would wait for ever.
        let _gone = self.control.write_all(&event(DESTROY));
        drop(self.listener.take());
    }
}

fn listen(mut control: File, told: &Mutex<Told>, muted: &Mutex<Option<bool>>) {
    let mut event_buffer = vec![0_u8; EVENT];
    while let Ok(length) = control.read(&mut event_buffer) {
        let Some(kind) = event_buffer.get(..4).and_then(|kind| kind.try_into().ok()).map(u32::from_ne_bytes) else {
            return;
        };
        if length < 4 {
            return;
        }
        match kind {
            OUTPUT => {
                let size = usize::from(u16::from_ne_bytes([event_buffer[4 + 4096], event_buffer[4 + 4097]]));
                told.lock().expect("what was told").reports.push(event_buffer[4..4 + size].to_vec());
            }
            GET_REPORT => {
                let mut reply = event(GET_REPORT_REPLY);
                reply[4..8].copy_from_slice(&event_buffer[4..8]);
                match *muted.lock().expect("its state") {
                    Some(muted) => {
                        reply[10..12].copy_from_slice(&2_u16.to_ne_bytes());
                        reply[12..14].copy_from_slice(&[2, if muted { 0b100 } else { 0 }]);
                    }
                    None => reply[8..10].copy_from_slice(&5_u16.to_ne_bytes()),
                }
                if control.write_all(&reply).is_err() {
                    return;
                }
            }
            // UHID_STOP: the kernel has let go of it.
            3 => return,
            _ => {}
        }
    }
}
