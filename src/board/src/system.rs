//! What a board is apart from its room: system, bootloader, and what was measured on it.

use serde::Deserialize;

use crate::{Board, LinesBackend, Wrong};

/// The system that the board is used with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct System {
    /// Its name, such as `debian-13`.
    pub name: String,
    /// The GStreamer that it brings, as major and minor number: "1.26".
    pub gstreamer: String,
}

/// The oldest GStreamer that serves.
pub const OLDEST_GSTREAMER: (u32, u32) = (1, 22);

impl System {
    fn version(&self) -> Option<(u32, u32)> {
        let mut numbers = self.gstreamer.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }
}

/// What starts the system; an image with two systems asks it to try the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bootloader {
    /// Raspberry Pi's firmware with `autoboot.txt` and `tryboot`.
    Tryboot,
    /// U-Boot.
    UBoot,
    /// UEFI with a loader of the system (GRUB, systemd-boot).
    Uefi,
    /// Jetson's UEFI with its own slots.
    JetsonUefi,
}

/// What was measured on such a board (`subrosa doctor` prints it). A board without it was never measured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Measured {
    /// The day, as 2026-12-31.
    pub date: String,
    /// Kernel, camera, whatever else matters.
    #[serde(default)]
    pub with: String,
    /// The camera's lags.
    pub camera: Lags,
    /// The microphone's lags.
    pub microphone: Lags,
}

/// Lags of one capture in microseconds: what 99 of 100 stay below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lags {
    /// From the switch's edge until the capture is proved closed.
    pub closed_us: u32,
    /// From media's question until the lamp is lit and read back.
    pub lit_us: u32,
}

impl Board {
    pub(crate) fn check_system(&self) -> Result<(), Wrong> {
        if let Some(system) = &self.system {
            let right = format!("write \"{}.{}\" or later", OLDEST_GSTREAMER.0, OLDEST_GSTREAMER.1);
            match system.version() {
                None => {
                    return Err(Wrong::new("system.gstreamer", &system.gstreamer, "is no version", right));
                }
                Some(version) if version < OLDEST_GSTREAMER => {
                    let right = "say unsupported = \"why\", or name a system with a later one".to_owned();
                    return Err(Wrong::new("system.gstreamer", &system.gstreamer, "is too old", right));
                }
                Some(_) => {}
            }
        }
        if let Some(guests) = self.max_guests
            && !(1..=8).contains(&guests)
        {
            let right = "write 1 to 8".to_owned();
            return Err(Wrong::new("max-guests", &guests.to_string(), "is out of range", right));
        }
        if let Some(measured) = &self.measured {
            if self.lines == LinesBackend::Sim {
                let right = "leave [measured] out".to_owned();
                return Err(Wrong::new("measured", "measured", "is of devices, and the lines are files", right));
            }
            if !is_date(&measured.date) {
                let right = "write the day as 2026-12-31".to_owned();
                return Err(Wrong::new("measured.date", &measured.date, "is no day", right));
            }
        }
        Ok(())
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, digits: usize, most: u32| {
        part.len() == digits
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|number| (1..=most).contains(&number))
    };
    matches!(parts.as_slice(), [year, month, day] if number(year, 4, 9999) && number(month, 2, 12) && number(day, 2, 31))
}
