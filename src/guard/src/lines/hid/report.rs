//! Values in reports.

use super::descriptor::{Descriptor, Led, MuteKey, Place};

/// Whether the mute key is set in a report of the device, as it was read; `None`: the report is about something else,
/// or too short.
pub(crate) fn mute(descriptor: &Descriptor, report: &[u8]) -> Option<bool> {
    let key = descriptor.mute?;
    let data = if descriptor.numbered {
        let (number, data) = report.split_first()?;
        if *number != key.place.report {
            return None;
        }
        data
    } else {
        report
    };
    pressed(&key, data)
}

fn pressed(key: &MuteKey, data: &[u8]) -> Option<bool> {
    let Some((count, wanted)) = key.selected else {
        return Some(bits(data, key.place)? != 0);
    };
    // As many as the report has room for: `count` is what the device claims.
    let room = u32::try_from(data.len()).unwrap_or(u32::MAX).saturating_mul(8) / key.place.size.max(1);
    let mut places = (0..count.min(room)).map(|part| Place { bit: key.place.bit + part * key.place.size, ..key.place });
    Some(places.any(|place| bits(data, place) == Some(wanted)))
}

/// The report that sets these LEDs, as it is written: its number first, which is 0 where there is none. Everything
/// else in it is 0.
pub(crate) fn leds(descriptor: &Descriptor, report: u8, lit: impl Fn(Led) -> bool) -> Vec<u8> {
    let length = descriptor.outputs.get(&report).copied().unwrap_or_default();
    let mut bytes = vec![0; 1 + length];
    if let Some(number) = bytes.first_mut() {
        *number = report;
    }
    for (led, place) in &descriptor.leds {
        if place.report == report && lit(*led) {
            let bit = place.bit + 8;
            if let Some(byte) = bytes.get_mut(bit as usize / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
    bytes
}

/// Bits of a report, the lowest first. `None` where it ends before.
fn bits(data: &[u8], place: Place) -> Option<u32> {
    let mut value = 0;
    for part in 0..place.size.min(32) {
        let bit = place.bit.checked_add(part)?;
        let byte = data.get(bit as usize / 8)?;
        value |= u32::from(byte >> (bit % 8) & 1) << part;
    }
    Some(value)
}
