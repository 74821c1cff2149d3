//! Lines of a Raspberry Pi's header through its registers.
//!
//! The crate gives no descriptor to wait on, so the lines are read by the clock; a read is a read of memory. It was
//! archived by its author in 2025: `gpiochip` reaches the same lines through the kernel, with interrupts, and knows
//! open-drain outputs. <https://github.com/golemparts/rppal>

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rppal::gpio::{Error, Gpio, InputPin, Level, OutputPin, Pin};
use subrosa_board::{Bias, Board, InputLine, LinesBackend, OutputLine, header_pin};
use subrosa_messages::guard::Lamp;
use subrosa_process::run_dir::RunDir;

use super::tick::Tick;
use super::{Lines, LinesError};

/// How often the lines are read.
const PAUSE: Duration = Duration::from_millis(5);

struct Header {
    tick: Tick,
    inputs: BTreeMap<String, InputPin>,
    lamps: BTreeMap<String, OutputPin>,
}

pub(super) fn open(board: &Board, _run: &RunDir) -> Result<Box<dyn Lines>, LinesError> {
    let gpio = Gpio::new().map_err(refused)?;
    let pin = |name: &str| header_pin(name).ok_or(Error::PinNotAvailable(0)).and_then(|pin| gpio.get(pin));
    let mut header =
        Header { tick: Tick::every(PAUSE).map_err(LinesError::Wait)?, inputs: BTreeMap::new(), lamps: BTreeMap::new() };
    let own = LinesBackend::Rppal;
    for (_, line, lit) in board.outputs().into_iter().filter(|(_, line, _)| line.row(board.lines) == own) {
        let mut lamp = lamp(pin(&line.line).map_err(refused)?, line, lit);
        // A guard that ends leaves its lamps as they are; the stop hook lights them.
        lamp.set_reset_on_drop(false);
        header.lamps.insert(line.line.clone(), lamp);
    }
    for (_, line) in board.inputs().into_iter().filter(|(_, line)| line.row(board.lines) == own) {
        header.inputs.insert(line.line.clone(), input(pin(&line.line).map_err(refused)?, line.bias));
    }
    Ok(Box::new(header))
}

fn refused(error: Error) -> LinesError {
    match error {
        Error::UnknownModel => LinesError::NoRaspberryPi,
        error => LinesError::Registers(error.to_string()),
    }
}

fn input(pin: Pin, bias: Option<Bias>) -> InputPin {
    match bias {
        Some(Bias::PullUp) => pin.into_input_pullup(),
        Some(Bias::PullDown) => pin.into_input_pulldown(),
        Some(Bias::Disabled) | None => pin.into_input(),
    }
}

/// The level first and the direction after it, so that a live lamp does not blink dark.
fn lamp(pin: Pin, line: &OutputLine, lit: bool) -> OutputPin {
    if lit == line.active_low { pin.into_output_low() } else { pin.into_output_high() }
}

impl Lines for Header {
    fn read(&mut self, line: &InputLine) -> Option<bool> {
        let high = self.inputs.get(&line.line)?.read() == Level::High;
        Some(high != line.active_low)
    }

    fn set(&mut self, line: &OutputLine, lit: bool) -> Lamp {
        let Some(pin) = self.lamps.get_mut(&line.line) else { return Lamp::Unknown };
        pin.write(if lit == line.active_low { Level::Low } else { Level::High });
        if pin.is_set_high() == line.active_low { Lamp::Dark } else { Lamp::Lit }
    }

    fn changes(&self) -> BorrowedFd<'_> {
        self.tick.changes()
    }

    fn take_changes(&mut self) -> bool {
        // The guard reads all inputs whenever it wakes; lamps need not be set for that.
        self.tick.take();
        false
    }

    fn second(&mut self) {}
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_machine_that_is_no_raspberry_pi_is_told_so_and_what_to_write_instead() {
        if Gpio::new().is_ok() {
            return; // On a Raspberry Pi there is nothing to refuse.
        }
        let board = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml");
        let board = Board::load(&board).unwrap();
        let error = open(&board, &RunDir::new("/nowhere")).err().unwrap().to_string();
        assert!(error.contains("no Raspberry Pi") && error.contains("lines = \"gpiochip\""), "{error}");
    }
}
