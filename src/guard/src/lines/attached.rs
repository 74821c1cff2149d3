//! What is attached to this machine that could be a switch, key or lamp: for whoever writes a board file, and for the
//! udev rule that hands conference devices to the guard.

use std::io::Write;
use std::path::Path;

use super::hid::descriptor::Descriptor;
use super::{evdev, hid};

/// Prints name, `vvvv:pppp` and place of every input device and conference device that can be opened.
///
/// # Errors
/// When nothing can be written.
pub fn print_attached(mut out: impl Write) -> std::io::Result<()> {
    writeln!(out, "Keys and switches (key, switch):")?;
    for (path, found) in evdev::attached() {
        match found {
            Ok(named) => writeln!(out, "  {named}")?,
            Err(error) => writeln!(out, "  {}: {error}", path.display())?,
        }
    }
    writeln!(out, "Conference devices (hid, led):")?;
    for (path, found) in hid::attached() {
        match found {
            Ok((named, true)) => writeln!(out, "  {named}")?,
            Ok((_, false)) => {}
            Err(error) => writeln!(out, "  {}: {error}", path.display())?,
        }
    }
    Ok(())
}

/// Whether a report descriptor, as the kernel has it in `/sys`, is one of a device with a mute key. What cannot be
/// read or makes no sense is none.
#[must_use]
pub fn is_mute_device(descriptor: &Path) -> bool {
    std::fs::read(descriptor).is_ok_and(|bytes| Descriptor::read(&bytes).is_ok_and(|found| found.is_of_use()))
}
