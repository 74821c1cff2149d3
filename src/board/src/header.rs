//! The pin header of a board: which line is on which pin. A file that puts a lamp on a pin that does not exist is
//! refused, and the wiring in `docs/boards.md` is drawn from it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Board, LinesBackend, Wrong};

/// A header with two rows of twenty pins, as all single-board computers have it since the Raspberry Pi.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Header {
    /// What is printed beside it, such as "J8".
    pub label: String,
    /// Lines that can be used, by the number of their pin.
    pub pins: BTreeMap<u8, String>,
}

/// A pin that is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// 3.3 V.
    V3,
    /// 5 V.
    V5,
    /// Ground.
    Ground,
}

impl Supply {
    /// As it is printed in drawings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Supply::V3 => "3.3 V",
            Supply::V5 => "5 V",
            Supply::Ground => "GND",
        }
    }
}

/// The number of pins.
pub const PINS: u8 = 40;

/// What supplies are on this pin.
#[must_use]
pub const fn supply(pin: u8) -> Option<Supply> {
    match pin {
        1 | 17 => Some(Supply::V3),
        2 | 4 => Some(Supply::V5),
        6 | 9 | 14 | 20 | 25 | 30 | 34 | 39 => Some(Supply::Ground),
        _ => None,
    }
}

impl Header {
    /// The pin of a line.
    #[must_use]
    pub fn pin(&self, line: &str) -> Option<u8> {
        self.pins.iter().find(|(_, name)| name.as_str() == line).map(|(pin, _)| *pin)
    }
}

impl Board {
    /// Everything that is wired: the key, the name of the line.
    #[must_use]
    pub fn wired(&self) -> Vec<(&'static str, &str)> {
        let inputs = self.inputs().into_iter().map(|(key, line)| (key, line.line.as_str()));
        let lamps = self.lamps().into_iter().map(|(key, line, _)| (key, line.line.as_str()));
        let power = self.power_lines().into_iter().map(|(key, line)| (key, line.line.as_str()));
        // What is no line of a chip has no name of one.
        inputs.chain(lamps).chain(power).filter(|(_, line)| !line.is_empty()).collect()
    }

    pub(crate) fn check_header(&self) -> Result<(), Wrong> {
        let Some(header) = &self.header else { return Ok(()) };
        if self.lines == LinesBackend::Sim {
            let right = "leave [header] out".to_owned();
            return Err(Wrong::new("header", "header", "is of devices, and the lines are files", right));
        }
        for (pin, line) in &header.pins {
            let key = format!("header.pins.{pin}");
            if let Some(supply) = supply(*pin) {
                let right = "see docs/boards.md for the pins".to_owned();
                let problem = match supply {
                    Supply::V3 => "cannot be there: it is 3.3 V",
                    Supply::V5 => "cannot be there: it is 5 V",
                    Supply::Ground => "cannot be there: it is ground",
                };
                return Err(Wrong::new(&key, line, problem, right));
            }
            if !(1..=PINS).contains(pin) {
                return Err(Wrong::new(&key, line, "cannot be there: the pins are 1 to 40", "count again".to_owned()));
            }
            if header.pin(line) != Some(*pin) {
                return Err(Wrong::new(&key, line, "is on two pins", "leave one of them out".to_owned()));
            }
        }
        for (key, line) in self.wired() {
            if header.pin(line).is_none() {
                let names: Vec<&str> = header.pins.values().map(String::as_str).collect();
                let right = format!("take one of {}", names.join(", "));
                return Err(Wrong::new(&format!("{key}.line"), line, "is on no pin of [header]", right));
            }
        }
        Ok(())
    }
}
