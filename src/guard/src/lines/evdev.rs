//! Keys and switches of the kernel's input devices: a presenter, `gpio-keys`, the cover of a laptop's camera.
//!
//! Switches are levels and are asked for whenever the guard looks. Keys are events: a presenter's press can be over
//! before anybody has looked, so presses are counted; where the kernel says that it lost events, the level is asked
//! for. (Linux, *Event interface*, *Input event codes*.)

mod key;
mod node;

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use subrosa_board::{Board, InputLine, LinesBackend, OutputLine, key_code};
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

use self::key::Key;
use self::node::Node;
use super::named::{Absent, Named, nodes};
use super::{Lines, LinesError, ready};

const FOLDER: &str = "/dev/input";
const PREFIX: &str = "event";

/// What of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Key(u16),
    /// Set means *closed*.
    Switch(u16),
}

/// One key or switch, held or missing.
struct Slot {
    /// Where the board file names it.
    key: &'static str,
    line: InputLine,
    part: Part,
    /// Where its device is, and how a key stands.
    held: Option<(PathBuf, Key)>,
    complained: Option<Absent>,
}

/// A device that is held.
struct Device {
    /// Its number among what is waited for.
    number: u64,
    node: Node,
    /// Nobody else gets its events.
    grabbed: bool,
}

/// Devices that are held, by their nodes.
struct Devices {
    poller: OwnedFd,
    open: BTreeMap<PathBuf, Device>,
    last: u64,
}

struct EvdevLines {
    devices: Devices,
    slots: Vec<Slot>,
}

pub(super) fn open(board: &Board, _run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    let poller = epoll::create(CreateFlags::CLOEXEC).map_err(|error| LinesError::Wait(error.into()))?;
    let inputs = board.inputs().into_iter().filter(|(_, line)| line.row(board.lines) == LinesBackend::Evdev);
    let slots = inputs.filter_map(|(key, line)| {
        let part = match (line.key.as_deref().and_then(key_code), line.switch) {
            (Some(code), _) => Part::Key(code),
            (None, Some(switch)) => Part::Switch(switch.code()),
            (None, None) => return None,
        };
        Some(Slot { key, line: line.clone(), part, held: None, complained: None })
    });
    let devices = Devices { poller, open: BTreeMap::new(), last: 0 };
    let mut lines = EvdevLines { slots: slots.collect(), devices };
    lines.second();
    Ok(Box::new(lines))
}

/// What is attached: name, number and place of each device that can be opened.
pub(super) fn attached() -> Vec<(PathBuf, Result<Named, Errno>)> {
    let look = |path: PathBuf| {
        let named = Node::open(&path).and_then(|node| node.named());
        (path, named)
    };
    nodes(Path::new(FOLDER), PREFIX).into_iter().map(look).collect()
}

impl Devices {
    /// The one device of this name that has this part; opened if it is not yet.
    fn find(&mut self, device: &str, part: Part) -> Result<PathBuf, Absent> {
        let mut denied = false;
        let mut found: Vec<(PathBuf, Option<Node>)> = Vec::new();
        for path in nodes(Path::new(FOLDER), PREFIX) {
            let opened = match self.open.get(&path) {
                Some(_) => None,
                None => match Node::open(&path) {
                    Ok(node) => Some(node),
                    Err(error) => {
                        denied |= error == Errno::ACCESS || error == Errno::PERM;
                        continue;
                    }
                },
            };
            let held = self.open.get(&path).map(|device| &device.node);
            let Some(node) = opened.as_ref().or(held) else { continue };
            if node.named().is_ok_and(|named| named.is(device)) && part.is_of(node) {
                found.push((path, opened));
            }
        }
        let (path, opened) = found.pop().ok_or(if denied { Absent::Denied } else { Absent::NotThere })?;
        if !found.is_empty() {
            return Err(Absent::Several);
        }
        if let Some(node) = opened {
            self.last += 1;
            epoll::add(&self.poller, node.as_fd(), EventData::new_u64(self.last), EventFlags::IN)
                .map_err(|_| Absent::NoMemory)?;
            self.open.insert(path.clone(), Device { number: self.last, node, grabbed: false });
        }
        Ok(path)
    }
}

impl Part {
    fn is_of(self, node: &Node) -> bool {
        match self {
            Part::Key(code) => node.has_key(code),
            Part::Switch(code) => node.has_switch(code),
        }
    }
}

impl Slot {
    fn hold(&mut self, devices: &mut Devices) -> Result<(), Absent> {
        let path = devices.find(self.line.device.as_deref().unwrap_or_default(), self.part)?;
        let device = devices.open.get_mut(&path).ok_or(Absent::Lost)?;
        let key = match self.part {
            Part::Key(code) => {
                if !device.grabbed {
                    device
                        .node
                        .grab()
                        .map_err(|error| if error == Errno::BUSY { Absent::Busy } else { Absent::Lost })?;
                    device.grabbed = true;
                }
                Key::new(device.node.key(code).map_err(|_| Absent::Lost)?)
            }
            Part::Switch(_) => Key::default(),
        };
        self.held = Some((path, key));
        Ok(())
    }

    fn complain(&mut self, why: Absent) {
        if self.complained.as_ref() != Some(&why) {
            let (key, device) = (self.key, self.line.device.as_deref().unwrap_or_default());
            tracing::warn!("{key}, {} of \"{device}\", is unknown, so captures stay closed: {why}", self.line.called());
            self.complained = Some(why);
        }
    }
}

impl EvdevLines {
    fn slot(&mut self, line: &InputLine) -> Option<(&mut Slot, &Devices)> {
        let slot = self.slots.iter_mut().find(|slot| slot.line == *line)?;
        Some((slot, &self.devices))
    }

    /// A device has gone, and with it all that is a part of it.
    fn lose(&mut self, path: &Path) {
        self.devices.open.remove(path);
        for slot in self.slots.iter_mut().filter(|slot| slot.held.as_ref().is_some_and(|(held, _)| held == path)) {
            slot.held = None;
            slot.complain(Absent::Lost);
        }
    }

    /// Takes what has happened at a device.
    fn take(&mut self, number: u64, flags: EventFlags) {
        let found = self.devices.open.iter().find(|(_, device)| device.number == number);
        let Some((path, events)) = found.map(|(path, device)| (path.clone(), device.node.events())) else { return };
        let events = match events {
            Ok(events) if !events.is_empty() || !flags.intersects(EventFlags::HUP | EventFlags::ERR) => events,
            Ok(_) | Err(_) => return self.lose(&path),
        };
        for slot in &mut self.slots {
            if let (Part::Key(code), Some((held, key))) = (slot.part, &mut slot.held)
                && *held == path
            {
                for event in &events {
                    key.happened(code, *event);
                }
            }
        }
    }
}

impl Lines for EvdevLines {
    fn read(&mut self, line: &InputLine) -> Option<bool> {
        let (slot, devices) = self.slot(line)?;
        let part = slot.part;
        let (path, key) = slot.held.as_mut()?;
        let node = &devices.open.get(path)?.node;
        let level = match part {
            Part::Switch(code) => node.switch(code).map(|set| !set),
            Part::Key(code) if key.doubted => node.key(code).inspect(|down| key.is(*down)),
            Part::Key(_) => Ok(key.down),
        };
        let path = path.clone();
        if level.is_err() {
            self.lose(&path);
        }
        level.ok()
    }

    fn presses(&mut self, line: &InputLine) -> u32 {
        self.slot(line).and_then(|(slot, _)| slot.held.as_mut()).map_or(0, |(_, key)| key.take_presses())
    }

    fn toggles(&self, line: &InputLine) -> bool {
        line.key.is_some()
    }

    fn set(&mut self, _line: &OutputLine, _lit: bool) -> Lamp {
        Lamp::Unknown
    }

    fn changes(&self) -> BorrowedFd<'_> {
        self.devices.poller.as_fd()
    }

    fn take_changes(&mut self) -> bool {
        let mut any = false;
        for (number, flags) in ready(&self.devices.poller) {
            any = true;
            self.take(number, flags);
        }
        any
    }

    fn second(&mut self) {
        for slot in &mut self.slots {
            match &mut slot.held {
                // What is down for long is asked for: its release could have been lost with a device that hangs.
                Some((_, key)) => key.doubted |= key.down,
                None => match slot.hold(&mut self.devices) {
                    Ok(()) => {
                        if slot.complained.take().is_some() {
                            tracing::info!("{}, {}, is there", slot.key, slot.line.called());
                        }
                    }
                    Err(why) => slot.complain(why),
                },
            }
        }
    }
}
