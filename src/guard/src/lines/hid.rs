//! Mute keys and LEDs of conference devices: speakerphones, headsets.
//!
//! Which bits they are is in the device's own description. The state of *muted* lives in two places, the device and the
//! guard, and the two are kept together: a key that toggles only counts as pressed, and the guard decides what follows
//! (`machine/switch.rs`); after every report of the device it is told again what its LED has to show, and the LED is
//! lit on proof only. A device that is told nothing falls back by itself. <https://github.com/WICG/webhid/issues/72>

pub(crate) mod descriptor;
mod key;
mod node;
mod pen;
mod report;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use subrosa_board::{Board, HidInput, HidLed, InputLine, LinesBackend, OutputLine};
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

use self::descriptor::{Descriptor, Led};
use self::key::Key;
use self::node::{Node, NodeError};
use self::pen::{Done, Pen};
use super::named::{Absent, Named, nodes};
use super::{Lines, LinesError, ready};

const FOLDER: &str = "/dev";
const PREFIX: &str = "hidraw";
/// How long the guard waits for a device to take the state of its LEDs. A device that obeys needs a few milliseconds.
const PATIENCE: Duration = Duration::from_millis(40);
/// Reports that the kernel keeps (one less than `HIDRAW_BUFFER_SIZE`). Where so many wait, others may have been lost.
const KEPT: usize = 63;

/// A device that the board names, held or missing.
struct Device {
    /// As the board file names it.
    called: String,
    /// Where the board file names it, for messages.
    key: &'static str,
    /// Its key toggles whatever it says.
    force_key: bool,
    wanted: Vec<(Led, bool)>,
    held: Option<Held>,
    complained: Option<Absent>,
}

/// A device that is there.
struct Held {
    named: Named,
    node: Node,
    descriptor: Descriptor,
    mute: Key,
    pen: Pen,
    /// Reports to the device: as they were last ordered, and the order that was last carried out.
    ordered: Vec<(u8, u64, Vec<u8>)>,
    taken: u64,
    refused: bool,
    /// The device has spoken: it is told again, even if nothing is new.
    owed: bool,
}

struct HidLines {
    poller: OwnedFd,
    devices: Vec<Device>,
}

pub(super) fn open(board: &Board, _run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    let poller = epoll::create(CreateFlags::CLOEXEC).map_err(|error| LinesError::Wait(error.into()))?;
    let mut devices: Vec<Device> = Vec::new();
    let mut add = |key, called: Option<&String>, force_key| {
        let called = called.cloned().unwrap_or_default();
        match devices.iter_mut().find(|device| device.called == called) {
            Some(device) => device.force_key |= force_key,
            None => {
                let (wanted, held, complained) = (Vec::new(), None, None);
                devices.push(Device { called, key, force_key, wanted, held, complained });
            }
        }
    };
    for (key, line) in board.inputs().into_iter().filter(|(_, line)| line.row(board.lines) == LinesBackend::Hid) {
        add(key, line.device.as_ref(), line.hid == Some(HidInput::MuteKey));
    }
    for (key, line, _) in board.outputs().into_iter().filter(|(_, line, _)| line.row(board.lines) == LinesBackend::Hid)
    {
        add(key, line.device.as_ref(), false);
    }
    let mut lines = HidLines { poller, devices };
    lines.second();
    Ok(Box::new(lines))
}

/// What a device is, and whether it has a mute key.
type Attached = Result<(Named, bool), NodeError>;

/// What is attached: name, number and place of each device that can be opened, and whether it has a mute key.
pub(super) fn attached() -> Vec<(PathBuf, Attached)> {
    let look = |path: PathBuf| {
        let found = Node::open(&path).map_err(NodeError::from).and_then(|node| {
            let has_key = node.descriptor()?.is_of_use();
            Ok((node.named()?, has_key))
        });
        (path, found)
    };
    nodes(Path::new(FOLDER), PREFIX).into_iter().map(look).collect()
}

/// The one node of this device that has a mute key or LEDs of a call.
fn find(device: &str) -> Result<(Named, Node, Descriptor), Absent> {
    let mut denied = false;
    let mut found = Vec::new();
    for path in nodes(Path::new(FOLDER), PREFIX) {
        let node = match Node::open(&path) {
            Ok(node) => node,
            Err(error) => {
                denied |= error == Errno::ACCESS || error == Errno::PERM;
                continue;
            }
        };
        if let Ok(named) = node.named()
            && named.is(device)
            && let Ok(descriptor) = node.descriptor()
            && descriptor.is_of_use()
        {
            found.push((named, node, descriptor));
        }
    }
    let one = found.pop().ok_or(if denied { Absent::Denied } else { Absent::NotThere })?;
    if found.is_empty() { Ok(one) } else { Err(Absent::Several) }
}

impl Device {
    /// `others` are held already: one device written to by two would be told two things.
    fn hold(&mut self, poller: &OwnedFd, place: u64, others: &[Named]) -> Result<(), Absent> {
        let (named, node, descriptor) = find(&self.called)?;
        if others.contains(&named) {
            return Err(Absent::Twice);
        }
        let key = descriptor.mute.ok_or(Absent::NotThere)?;
        let stands = key.stands && !self.force_key;
        let pen = Pen::of(&node).map_err(|_| Absent::NoMemory)?;
        for descriptor in [node.as_fd(), pen.bell()] {
            epoll::add(poller, descriptor, EventData::new_u64(place), EventFlags::IN).map_err(|_| Absent::NoMemory)?;
        }
        if stands {
            pen.ask(key.place.report);
        }
        let (mute, ordered) = (Key::new(stands), Vec::new());
        let mut held = Held { named, node, descriptor, mute, pen, ordered, taken: 0, refused: false, owed: true };
        held.write(&self.wanted);
        self.held = Some(held);
        Ok(())
    }

    fn complain(&mut self, why: Absent) {
        if self.complained.as_ref() != Some(&why) {
            tracing::warn!("{}, \"{}\", is unknown, so captures stay closed: {why}", self.key, self.called);
            self.complained = Some(why);
        }
    }

    fn lose(&mut self) {
        self.held = None;
        self.complain(Absent::Lost);
    }

    /// Takes what the device has said and what it has taken.
    fn take(&mut self, flags: EventFlags) {
        let Some(held) = &mut self.held else { return };
        let done = held.pen.take();
        held.carried_out(done);
        for _ in 0..KEPT {
            match held.node.report() {
                Ok(Some(report)) => held.heard(&report),
                Ok(None) if flags.intersects(EventFlags::HUP | EventFlags::ERR) => return self.lose(),
                Ok(None) => return,
                Err(_) => return self.lose(),
            }
        }
        // What was lost could have been the last word. It is asked anew, as if it had just been plugged in.
        self.held = None;
        self.complain(Absent::Flood);
    }

    fn set(&mut self, led: Led, lit: bool) -> Lamp {
        self.wanted.retain(|(one, _)| *one != led);
        self.wanted.push((led, lit));
        let Some(held) = &mut self.held else { return Lamp::Unknown };
        let Some(place) = held.descriptor.leds.get(&led) else { return Lamp::Unknown };
        let report = place.report;
        held.write(&self.wanted);
        let Some(number) = held.order_of(report) else { return Lamp::Unknown };
        if held.taken < number && !held.refused {
            let done = held.pen.wait(number, PATIENCE);
            held.carried_out(done);
        }
        if held.refused || held.taken < number {
            return Lamp::Unknown;
        }
        if lit { Lamp::Lit } else { Lamp::Dark }
    }
}

impl Held {
    fn heard(&mut self, report: &[u8]) {
        if let Some(set) = report::mute(&self.descriptor, report) {
            self.mute.reported(set);
            self.owed = true;
        }
    }

    fn carried_out(&mut self, done: Vec<Done>) {
        for done in done {
            match done {
                Done::Written { number, taken } => (self.taken, self.refused) = (number, !taken),
                Done::Answer(report) => {
                    let numbered = self.descriptor.numbered;
                    let report = if numbered { Some(report.as_slice()) } else { report.get(1..) };
                    if let Some(set) = report.and_then(|report| report::mute(&self.descriptor, report)) {
                        self.mute.reported(set);
                    }
                }
            }
        }
    }

    fn order_of(&self, report: u8) -> Option<u64> {
        self.ordered.iter().find(|(one, _, _)| *one == report).map(|(_, number, _)| *number)
    }

    /// Tells the device what its LEDs have to show, where that is new, was refused, or is owed. As far as the device is
    /// concerned there is always a call: without one, many ignore their mute key.
    fn write(&mut self, wanted: &[(Led, bool)]) {
        let mut reports: Vec<u8> = self.descriptor.leds.values().map(|place| place.report).collect();
        reports.sort_unstable();
        reports.dedup();
        let again = std::mem::take(&mut self.owed) || std::mem::take(&mut self.refused);
        for report in reports {
            let lit = |led| led == Led::OffHook || wanted.contains(&(led, true));
            let bytes = report::leds(&self.descriptor, report, lit);
            let known = self.ordered.iter_mut().find(|(one, _, _)| *one == report);
            match known {
                Some((_, _, before)) if *before == bytes && !again => {}
                Some((_, number, before)) => {
                    *number = self.pen.write(bytes.clone());
                    *before = bytes;
                }
                None => {
                    let number = self.pen.write(bytes.clone());
                    self.ordered.push((report, number, bytes));
                }
            }
        }
    }
}

impl HidLines {
    fn device(&mut self, called: Option<&str>) -> Option<&mut Device> {
        self.devices.iter_mut().find(|device| Some(device.called.as_str()) == called)
    }
}

impl Lines for HidLines {
    fn read(&mut self, line: &InputLine) -> Option<bool> {
        self.device(line.device.as_deref())?.held.as_ref()?.mute.read()
    }

    fn presses(&mut self, line: &InputLine) -> u32 {
        let device = self.device(line.device.as_deref());
        device.and_then(|device| device.held.as_mut()).map_or(0, |held| held.mute.take_presses())
    }

    fn toggles(&self, line: &InputLine) -> bool {
        let device = self.devices.iter().find(|device| Some(device.called.as_str()) == line.device.as_deref());
        device.and_then(|device| device.held.as_ref()).is_some_and(|held| matches!(held.mute, Key::Toggles { .. }))
    }

    fn set(&mut self, line: &OutputLine, lit: bool) -> Lamp {
        let led = match line.led {
            Some(HidLed::Mute) => Led::Mute,
            Some(HidLed::Microphone) => Led::Microphone,
            None => return Lamp::Unknown,
        };
        self.device(line.device.as_deref()).map_or(Lamp::Unknown, |device| device.set(led, lit))
    }

    fn changes(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }

    fn take_changes(&mut self) -> bool {
        let mut any = false;
        for (place, flags) in ready(&self.poller) {
            any = true;
            if let Some(device) = usize::try_from(place).ok().and_then(|place| self.devices.get_mut(place)) {
                device.take(flags);
            }
        }
        any
    }

    fn second(&mut self) {
        let named = |device: &Device| device.held.as_ref().map(|held| held.named.clone());
        let mut others: Vec<_> = self.devices.iter().filter_map(named).collect();
        for (place, device) in (0..).zip(&mut self.devices) {
            if device.held.is_some() {
                continue;
            }
            match device.hold(&self.poller, place, &others) {
                Ok(()) => {
                    others.extend(named(device));
                    if device.complained.take().is_some() {
                        tracing::info!("{}, \"{}\", is there", device.key, device.called);
                    }
                }
                Err(why) => device.complain(why),
            }
        }
    }
}
