//! What attached devices are called. Numbers of nodes change from one start to the next and are never used.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A device as the kernel knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// What its maker calls it.
    pub(super) name: String,
    /// Where it is plugged in (`usb-0000:00:14.0-2/input0`).
    pub(super) place: String,
    pub(super) vendor: u16,
    pub(super) product: u16,
}

impl Named {
    /// Whether a board file means this device.
    pub(super) fn is(&self, device: &str) -> bool {
        let number = format!("{:04x}:{:04x}", self.vendor, self.product);
        !device.is_empty() && (device == self.name || device == self.place || device.eq_ignore_ascii_case(&number))
    }
}

impl fmt::Display for Named {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "\"{}\", \"{:04x}:{:04x}\", \"{}\"", self.name, self.vendor, self.product, self.place)
    }
}

/// Text that the kernel has written into a buffer of zeros.
pub(super) fn text(buffer: &[u8]) -> String {
    let end = buffer.iter().position(|byte| *byte == 0).unwrap_or(buffer.len());
    String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).trim().to_owned()
}

/// The nodes of a folder whose names begin so, in the order of their names.
pub(super) fn nodes(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let named = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    let mut paths: Vec<_> = named.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Why a part of a device is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Absent {
    #[error("no device of this name has it: `subrosa-guard devices` prints what is attached")]
    NotThere,
    #[error("the board file names its device in two ways: name it in one")]
    Twice,
    #[error("several devices answer to this name: name the place where it is plugged in")]
    Several,
    #[error(
        "its device may not be opened: the udev rules hand switches and conference devices to the guard, a keyboard or \
         presenter needs a rule of its own (docs/adding.md)"
    )]
    Denied,
    #[error("another program has its device for itself")]
    Busy,
    #[error("it has said more than can be read")]
    Flood,
    #[error("its device has gone")]
    Lost,
    #[error("it cannot be waited for")]
    NoMemory,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_meant_by_name_place_or_number() {
        let device = Named {
            name: "Jabra SPEAK 510 USB".into(),
            place: "usb-0000:00:14.0-2/input3".into(),
            vendor: 0x0b0e,
            product: 0x0420,
        };
        for (text, is) in [
            ("Jabra SPEAK 510 USB", true),
            ("usb-0000:00:14.0-2/input3", true),
            ("0b0e:0420", true),
            ("0B0E:0420", true),
            ("Jabra", false),
            ("0b0e:0421", false),
            ("", false),
        ] {
            assert_eq!(device.is(text), is, "{text}");
        }
        assert!(!Named::default().is(""), "a device without a name is not meant by none");
        assert_eq!(text(b"Presenter\0\0rest"), "Presenter");
    }
}
