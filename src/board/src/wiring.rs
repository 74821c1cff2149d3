//! How switches and lamps are wired to a board: a table of its pins and a drawing, both made from the board file, so
//! that they cannot disagree with what the guard does.
//!
//! The circuit is the same everywhere. A contact pulls its line to 3.3 V against a resistor to ground: a broken wire
//! reads *closed*. A lamp hangs on a transistor whose gate a resistor pulls to where it belongs while nobody drives it:
//! *live* to 3.3 V, *muted* to ground.

mod sheet;

use std::collections::BTreeMap;

use crate::header::{PINS, supply};
use crate::{Board, LinesBackend};
use sheet::{Connector, Sheet};

/// What hangs on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A contact that is held while pressed.
    Button,
    /// A contact that stays as it is put.
    Switch,
    /// A lamp that is lit while nobody drives its line.
    Live,
    /// A lamp that is dark while nobody drives its line.
    Muted,
    /// A switch for the supply of a sensor, off while nobody drives its line.
    Supply,
}

/// One thing that is wired.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    name: &'static str,
    says: &'static str,
    kind: Kind,
    line: String,
}

/// Why there is no drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDrawing {
    /// Files.
    #[error("its lines are files: there is nothing to wire")]
    Simulated,
    /// Another circuit than ours.
    #[error("only contacts and lamps that are active at the high level are drawn, and outputs that drive both levels")]
    Other,
}

/// The parts in the order of the board's keys.
fn parts(board: &Board) -> Result<Vec<Part>, NoDrawing> {
    if board.lines == LinesBackend::Sim {
        return Err(NoDrawing::Simulated);
    }
    let mut parts = Vec::new();
    for (key, line) in board.inputs() {
        let (name, says, kind) = match key {
            "button" => ("Button", "pressed: contact", Kind::Button),
            "reveal" => ("Button “show background”", "pressed: contact", Kind::Button),
            "camera.switch" => ("Shutter of the camera", "open: contact", Kind::Switch),
            _ => ("Switch of the microphone", "open: contact", Kind::Switch),
        };
        if line.active_low {
            return Err(NoDrawing::Other);
        }
        parts.push(Part { name, says, kind, line: line.line.clone() });
    }
    for (key, line, lit_when_dead) in board.lamps() {
        let (name, says) = match key {
            "camera.live" => ("Camera lamp, white", "lit: may see"),
            "microphone.live" => ("Microphone lamp, white", "lit: may hear"),
            _ => ("Microphone lamp, red", "lit: muted, proved"),
        };
        let kind = if lit_when_dead { Kind::Live } else { Kind::Muted };
        if line.active_low || line.drive != crate::Drive::PushPull {
            return Err(NoDrawing::Other);
        }
        parts.push(Part { name, says, kind, line: line.line.clone() });
    }
    for (key, line) in board.power_lines() {
        let name = if key == "power.camera" { "Supply of the camera" } else { "Supply of the microphone" };
        if line.active_low {
            return Err(NoDrawing::Other);
        }
        parts.push(Part { name, says: "high: on", kind: Kind::Supply, line: line.line.clone() });
    }
    parts.retain(|part| !part.line.is_empty());
    Ok(parts)
}

/// The table of pins, as Markdown.
///
/// # Errors
/// Where there is nothing to wire.
pub fn table(board: &Board) -> Result<String, NoDrawing> {
    let mut text = String::from("| pin | line | part | while nobody drives or closes it |\n|---|---|---|---|\n");
    let mut rows: Vec<(Option<u8>, Part)> = parts(board)?
        .into_iter()
        .map(|part| (board.header.as_ref().and_then(|header| header.pin(&part.line)), part))
        .collect();
    rows.sort_by_key(|(pin, part)| (*pin, place(&part.line)));
    for (pin, part) in rows {
        let pin = pin.map_or("—".to_owned(), |pin| pin.to_string());
        let rest = match part.kind {
            Kind::Button | Kind::Switch => "10 kΩ to GND: not pressed, closed",
            Kind::Live => "10 kΩ to 3.3 V: lit",
            Kind::Muted => "10 kΩ to GND: dark",
            Kind::Supply => "10 kΩ to GND: off",
        };
        text.push_str(&format!("| {pin} | `{}` | {} ({}) | {rest} |\n", part.line, part.name, part.says));
    }
    Ok(text)
}

fn place(line: &str) -> u32 {
    crate::place(line).unwrap_or_default()
}

/// The drawing, as SVG.
///
/// # Errors
/// Where there is nothing to wire, or the circuit is another one.
pub fn drawing(board: &Board) -> Result<String, NoDrawing> {
    let parts = parts(board)?;
    let mut sheet = Sheet::new(match &board.header {
        Some(header) => Connector::header(&header.label, PINS, &names(&header.pins)),
        None => {
            let mut lines: Vec<String> = parts.iter().map(|part| part.line.clone()).collect();
            lines.sort_by_key(|line| place(line));
            Connector::column(&board.gpiochip.as_ref().map_or(String::new(), |chips| chips.labels.join(", ")), lines)
        }
    });
    sheet.place(&parts);
    Ok(sheet.into_svg())
}

/// What is printed at each pin.
fn names(pins: &BTreeMap<u8, String>) -> BTreeMap<u8, String> {
    let supplies = (1..=PINS).filter_map(|pin| Some((pin, supply(pin)?.name().to_owned())));
    supplies.chain(pins.iter().map(|(pin, name)| (*pin, name.clone()))).collect()
}
