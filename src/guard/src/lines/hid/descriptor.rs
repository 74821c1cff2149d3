//! Report descriptors: where in a device's reports its mute key and its LEDs are.
//!
//! (USB-IF, *Device Class Definition for HID 1.11*, section 6.2.2; *HID Usage Tables*, LED page 0x08 and telephony page
//! 0x0b.) The bytes come from whatever was plugged in: nothing here trusts them, and whatever makes no sense is an
//! error, not a guess.

use std::collections::BTreeMap;

/// Usage page and usage of the key *Phone Mute*.
const PHONE_MUTE: (u16, u16) = (0x0b, 0x2f);

/// An LED of a conference device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Led {
    /// *Mute*.
    Mute,
    /// *Off-Hook*: a call is on. Many devices ignore their mute key without one.
    OffHook,
    /// *Microphone*.
    Microphone,
}

impl Led {
    fn of(usage: (u16, u16)) -> Option<Self> {
        match usage {
            (0x08, 0x09) => Some(Led::Mute),
            (0x08, 0x17) => Some(Led::OffHook),
            (0x08, 0x21) => Some(Led::Microphone),
            _ => None,
        }
    }
}

/// Some bits of a report, counted after its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The report's number; 0 where the device has only one and does not number it.
    pub(crate) report: u8,
    /// The first bit.
    pub(crate) bit: u32,
    /// Bits: 1 to 32.
    pub(crate) size: u32,
}

/// The mute key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MuteKey {
    pub(crate) place: Place,
    /// It is one of several that share these bits: so many times, and pressed when one of them has this value.
    pub(crate) selected: Option<(u32, u32)>,
    /// It stands where it was put (absolute, no preferred state): set means *muted*. Otherwise each press toggles.
    pub(crate) stands: bool,
}

/// What a conference device has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) mute: Option<MuteKey>,
    pub(crate) leds: BTreeMap<Led, Place>,
    /// Bytes of each report from and to the device, without its number.
    pub(crate) inputs: BTreeMap<u8, usize>,
    pub(crate) outputs: BTreeMap<u8, usize>,
    /// Reports begin with their number.
    pub(crate) numbered: bool,
}

/// Why a descriptor is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Nonsense {
    #[error("it ends within an item")]
    Short,
    #[error("a report is longer than any can be")]
    Long,
    #[error("it takes back what it has not put aside")]
    Pop,
    #[error("it puts aside too much")]
    Push,
    #[error("a number is out of its range")]
    Range,
}

/// The longest report that the kernel takes (`HID_MAX_BUFFER_SIZE`), in bits.
const LONGEST: u32 = 16_384 * 8;
/// How much may be put aside; the kernel's limit (`HID_GLOBAL_STACK_SIZE`).
const ASIDE: usize = 4;
/// Usages that are kept for one item. A field of more repeats the last.
const USAGES: usize = 1024;

#[derive(Clone, Copy, Debug, Default)]
struct Globals {
    page: u16,
    minimum: i32,
    size: u32,
    report: u8,
    count: u32,
}

/// What counts for the next main item only.
#[derive(Debug, Default)]
struct Locals {
    /// With the page where the item names it.
    usages: Vec<(Option<u16>, u16)>,
    first: Option<(Option<u16>, u16)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Input,
    Output,
}

#[derive(Debug, Default)]
struct Reader {
    globals: Globals,
    aside: Vec<Globals>,
    locals: Locals,
    inputs: BTreeMap<u8, u32>,
    outputs: BTreeMap<u8, u32>,
    found: Descriptor,
}

impl Descriptor {
    /// Reads a descriptor.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Nonsense> {
        let mut reader = Reader::default();
        let mut rest = bytes;
        while let Some((prefix, after)) = rest.split_first() {
            if *prefix == 0xfe {
                // A long item: its length, its tag, its data; none is defined.
                let length = after.first().ok_or(Nonsense::Short)?;
                rest = after.get(2 + usize::from(*length)..).ok_or(Nonsense::Short)?;
                continue;
            }
            let length = [0, 1, 2, 4].into_iter().nth(usize::from(prefix & 3)).unwrap_or_default();
            let (data, after) = after.split_at_checked(length).ok_or(Nonsense::Short)?;
            rest = after;
            reader.item(prefix & 0xfc, data)?;
        }
        let bytes = |reports: &BTreeMap<u8, u32>| {
            reports.iter().map(|(report, bits)| (*report, bits.div_ceil(8) as usize)).collect()
        };
        reader.found.inputs = bytes(&reader.inputs);
        reader.found.outputs = bytes(&reader.outputs);
        Ok(reader.found)
    }

    /// It is a conference device as far as we are concerned.
    pub(crate) fn is_of_use(&self) -> bool {
        self.mute.is_some()
    }
}

impl Reader {
    fn item(&mut self, tag: u8, data: &[u8]) -> Result<(), Nonsense> {
        let value = unsigned(data);
        match tag {
            0x80 => self.main(Kind::Input, value)?,
            0x90 => self.main(Kind::Output, value)?,
            // Features, collections and their ends use up usages, too.
            0xb0 | 0xa0 | 0xc0 => self.locals = Locals::default(),
            0x04 => self.globals.page = u16::try_from(value).map_err(|_| Nonsense::Range)?,
            0x14 => self.globals.minimum = signed(data),
            0x74 => self.globals.size = value,
            0x84 => {
                self.globals.report = u8::try_from(value).map_err(|_| Nonsense::Range)?;
                if self.globals.report == 0 {
                    return Err(Nonsense::Range);
                }
                self.found.numbered = true;
            }
            0x94 => self.globals.count = value,
            0xa4 => {
                if self.aside.len() >= ASIDE {
                    return Err(Nonsense::Push);
                }
                self.aside.push(self.globals);
            }
            0xb4 => self.globals = self.aside.pop().ok_or(Nonsense::Pop)?,
            0x08 => self.locals.add(usage(data)),
            0x18 => self.locals.first = Some(usage(data)),
            0x28 => self.locals.up_to(usage(data)),
            _ => {}
        }
        Ok(())
    }

    /// A field of `count` parts of `size` bits each.
    fn main(&mut self, kind: Kind, flags: u32) -> Result<(), Nonsense> {
        let locals = std::mem::take(&mut self.locals);
        let Globals { page, minimum, size, report, count } = self.globals;
        let lengths = match kind {
            Kind::Input => &mut self.inputs,
            Kind::Output => &mut self.outputs,
        };
        let begin = lengths.entry(report).or_default();
        let bits = size.checked_mul(count).filter(|bits| *bits <= LONGEST).ok_or(Nonsense::Long)?;
        let start = *begin;
        *begin = start.checked_add(bits).filter(|end| *end <= LONGEST).ok_or(Nonsense::Long)?;
        let (constant, variable) = (flags & 1 != 0, flags & 2 != 0);
        if constant || !(1..=32).contains(&size) {
            return Ok(());
        }
        let usages = locals.usages.iter().map(|(own, usage)| (own.unwrap_or(page), *usage));
        if variable {
            for (part, usage) in (0..count).zip(usages) {
                let place = Place { report, bit: start + part * size, size };
                self.keep(kind, usage, place, None, flags);
            }
        } else {
            for (index, usage) in (0_u32..).zip(usages) {
                let value = i64::from(minimum) + i64::from(index);
                // Values are compared as they stand in the report: in so many bits.
                let Ok(value) = u32::try_from(value) else { continue };
                if size < 32 && value >> size != 0 {
                    continue;
                }
                self.keep(kind, usage, Place { report, bit: start, size }, Some((count, value)), flags);
            }
        }
        Ok(())
    }

    fn keep(&mut self, kind: Kind, usage: (u16, u16), place: Place, selected: Option<(u32, u32)>, flags: u32) {
        match kind {
            Kind::Input if usage == PHONE_MUTE && self.found.mute.is_none() => {
                let (relative, no_preferred) = (flags & 4 != 0, flags & 0x20 != 0);
                let stands = selected.is_none() && !relative && no_preferred;
                self.found.mute = Some(MuteKey { place, selected, stands });
            }
            Kind::Output if selected.is_none() => {
                if let Some(led) = Led::of(usage) {
                    self.found.leds.entry(led).or_insert(place);
                }
            }
            Kind::Input | Kind::Output => {}
        }
    }
}

impl Locals {
    fn add(&mut self, usage: (Option<u16>, u16)) {
        if self.usages.len() < USAGES {
            self.usages.push(usage);
        }
    }

    fn up_to(&mut self, (_, last): (Option<u16>, u16)) {
        if let Some((page, first)) = self.first.take() {
            for usage in first..=last {
                self.add((page, usage));
            }
        }
    }
}

/// A usage of four bytes names its page.
fn usage(data: &[u8]) -> (Option<u16>, u16) {
    let value = unsigned(data);
    let page = (data.len() == 4).then_some((value >> 16) as u16);
    (page, (value & 0xffff) as u16)
}

fn unsigned(data: &[u8]) -> u32 {
    data.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte))
}

fn signed(data: &[u8]) -> i32 {
    match data {
        [one] => i32::from(*one as i8),
        [one, two] => i32::from(i16::from_le_bytes([*one, *two])),
        data => unsigned(data) as i32,
    }
}
