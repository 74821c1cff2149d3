//! Lines: switches, buttons and lamps, how they are wired and how they are reached.
//!
//! A wire that breaks must close and a board that dies must light: whatever pulls a line says so here, and a file
//! that would have it the other way round is refused.

mod attached;
mod keys;

use serde::Deserialize;

pub use self::attached::{HidInput, HidLed, SwitchName};
pub use self::keys::key_code;
use crate::{Board, Wrong};

/// How lines are reached; a row of the guard's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinesBackend {
    /// Files of the simulated room.
    Sim,
    /// The kernel's GPIO character devices (`/dev/gpiochipN`): header pins of a board, or a USB adapter.
    Gpiochip,
    /// A Raspberry Pi's header through its registers (crate `rppal`); lines are called `GPIO0` to `GPIO27`.
    Rppal,
    /// Keys and switches of input devices (`/dev/input/eventN`): presenters, `gpio-keys`, a laptop's camera cover.
    Evdev,
    /// Mute keys and LEDs of attached conference devices (`/dev/hidrawN`, telephony page).
    Hid,
}

impl LinesBackend {
    /// All of them.
    pub const ALL: [LinesBackend; 5] =
        [LinesBackend::Sim, LinesBackend::Gpiochip, LinesBackend::Rppal, LinesBackend::Evdev, LinesBackend::Hid];

    /// As it is written in a board file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            LinesBackend::Sim => "sim",
            LinesBackend::Gpiochip => "gpiochip",
            LinesBackend::Rppal => "rppal",
            LinesBackend::Evdev => "evdev",
            LinesBackend::Hid => "hid",
        }
    }
}

/// Where the lines of [`LinesBackend::Gpiochip`] are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Gpiochip {
    /// Labels of the chips (`gpiodetect` prints them in brackets). Numbers change from one start to the next.
    pub labels: Vec<String>,
    /// The chips report edges. Where they do not, as with most USB adapters, the lines are read again and again.
    #[serde(default = "yes")]
    pub interrupts: bool,
}

const fn yes() -> bool {
    true
}

/// What pulls a line while nobody drives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bias {
    /// High.
    PullUp,
    /// Low.
    PullDown,
    /// Nothing: the circuit has its own resistor.
    Disabled,
}

/// How an output drives its line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drive {
    /// High and low.
    #[default]
    PushPull,
    /// Low only; high is what pulls the line.
    OpenDrain,
}

/// Something that is read: a line, or a part of an input device. Exactly one of `line`, `key`, `switch` and `hid` is
/// given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InputLine {
    /// Name of a line; empty where it is none. A chip whose lines have no names takes `#` and the place, counted from 0.
    #[serde(default)]
    pub line: String,
    /// Name of a key (`KEY_PAGEDOWN`), or `#` and its code. As a switch it toggles with each press.
    pub key: Option<String>,
    /// A switch of an input device.
    pub switch: Option<SwitchName>,
    /// A mute key of a conference device.
    pub hid: Option<HidInput>,
    /// Of which device: its name, where it is plugged in, or `vvvv:pppp`, as `subrosa-guard devices` prints them.
    pub device: Option<String>,
    /// The low level means *open* (switch, shutter) or *pressed* (button).
    #[serde(default)]
    pub active_low: bool,
    /// What pulls it; `None`: as the board has left it.
    pub bias: Option<Bias>,
    /// A level counts when it has stood for so many milliseconds; the kernel sees to it. Without it every edge
    /// counts, which closes sooner: the guard itself waits before it takes a switch for open.
    pub debounce_ms: Option<u16>,
}

/// A line that is driven, or an LED of a conference device: one of `line` and `led` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OutputLine {
    /// Its name, as for [`InputLine`]; empty where it is none.
    #[serde(default)]
    pub line: String,
    /// An LED of a conference device.
    pub led: Option<HidLed>,
    /// Of which device, as for [`InputLine`].
    pub device: Option<String>,
    /// The low level lights the lamp.
    #[serde(default)]
    pub active_low: bool,
    /// What pulls it while the guard does not drive it; `None`: as the board has left it.
    pub bias: Option<Bias>,
    /// How it is driven.
    #[serde(default)]
    pub drive: Drive,
}

/// Lines that switch the power of a capture's device: high (or low, with `active-low`) lets it run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Power {
    /// The camera's.
    pub camera: Option<OutputLine>,
    /// The microphone's.
    pub microphone: Option<OutputLine>,
}

impl InputLine {
    /// The row of the guard's table that reads it, on a board with these lines.
    #[must_use]
    pub fn row(&self, lines: LinesBackend) -> LinesBackend {
        if self.hid.is_some() {
            LinesBackend::Hid
        } else if self.key.is_some() || self.switch.is_some() {
            LinesBackend::Evdev
        } else {
            lines
        }
    }

    /// As it is written, for messages.
    #[must_use]
    pub fn called(&self) -> &str {
        match (&self.key, self.switch, self.hid) {
            (Some(key), _, _) => key,
            (None, Some(switch), _) => switch.name(),
            (None, None, Some(hid)) => hid.name(),
            (None, None, None) => &self.line,
        }
    }
}

impl OutputLine {
    /// The row of the guard's table that drives it, on a board with these lines.
    #[must_use]
    pub fn row(&self, lines: LinesBackend) -> LinesBackend {
        if self.led.is_some() { LinesBackend::Hid } else { lines }
    }

    /// As it is written, for messages.
    #[must_use]
    pub fn called(&self) -> &str {
        match self.led {
            Some(led) => led.name(),
            None => &self.line,
        }
    }
}

/// The longest debounce: it delays the close too, and of the 50 ms between switch and silence (P3) most belong to others.
const LONGEST_DEBOUNCE: u16 = 20;

impl Board {
    /// All inputs, with their keys.
    #[must_use]
    pub fn inputs(&self) -> Vec<(&'static str, &InputLine)> {
        let mut inputs = vec![
            ("button", &self.button),
            ("camera.switch", &self.camera.switch),
            ("microphone.switch", &self.microphone.switch),
        ];
        inputs.extend(self.reveal.as_ref().map(|reveal| ("reveal", reveal)));
        inputs
    }

    /// All lamps, with their keys, and whether each is lit when nothing is known: the live ones are, the others not.
    #[must_use]
    pub fn lamps(&self) -> Vec<(&'static str, &OutputLine, bool)> {
        let mut lamps =
            vec![("camera.live", &self.camera.live, true), ("microphone.live", &self.microphone.live, true)];
        lamps.extend(self.microphone.muted.as_ref().map(|muted| ("microphone.muted", muted, false)));
        lamps
    }

    /// The lines that switch power, with their keys. They are off when nothing is known.
    #[must_use]
    pub fn power_lines(&self) -> Vec<(&'static str, &OutputLine)> {
        let lines = [("power.camera", &self.power.camera), ("power.microphone", &self.power.microphone)];
        lines.into_iter().filter_map(|(key, line)| line.as_ref().map(|line| (key, line))).collect()
    }

    /// All outputs: lamps, and lines that switch power; and whether each is on when nothing is known.
    #[must_use]
    pub fn outputs(&self) -> Vec<(&'static str, &OutputLine, bool)> {
        let power = self.power_lines().into_iter().map(|(key, line)| (key, line, false));
        self.lamps().into_iter().chain(power).collect()
    }

    /// The rows of the guard's table that this board's inputs and outputs need, its own lines first.
    #[must_use]
    pub fn rows(&self) -> Vec<LinesBackend> {
        let inputs = self.inputs().into_iter().map(|(_, line)| line.row(self.lines));
        let used: Vec<_> = inputs.chain(self.outputs().into_iter().map(|(_, line, _)| line.row(self.lines))).collect();
        let others = LinesBackend::ALL.into_iter().filter(|row| *row != self.lines);
        [self.lines].into_iter().chain(others).filter(|row| used.contains(row)).collect()
    }

    /// What is wrong with the lines by themselves and with the way they are reached.
    pub(crate) fn check_lines(&self) -> Result<(), Wrong> {
        self.check_attached()?;
        self.check_backend()?;
        let mut names: Vec<(String, &str)> = Vec::new();
        let inputs = self.inputs().into_iter().filter(|(_, line)| line.row(self.lines) == self.lines);
        names.extend(inputs.clone().map(|(key, line)| (format!("{key}.line"), line.line.as_str())));
        let outputs = self.outputs().into_iter().filter(|(_, line, _)| line.row(self.lines) == self.lines);
        names.extend(outputs.clone().map(|(key, line, _)| (format!("{key}.line"), line.line.as_str())));
        for (place, (key, line)) in names.iter().enumerate() {
            if let Some((problem, right)) = self.wrong_name(line) {
                return Err(Wrong::new(key, line, problem, right.to_owned()));
            }
            if names.iter().take(place).any(|(_, earlier)| earlier == line) {
                let right = "every switch and lamp has a line of its own".to_owned();
                return Err(Wrong::new(key, line, "is used twice", right));
            }
        }
        for (key, line) in inputs {
            self.check_input(key, line)?;
        }
        for (key, line, on_when_dead) in outputs {
            self.check_output(key, line, on_when_dead)?;
        }
        Ok(())
    }

    fn check_backend(&self) -> Result<(), Wrong> {
        let found = self.lines.name();
        match (&self.gpiochip, self.lines) {
            (None, LinesBackend::Gpiochip) => {
                let right = "add [gpiochip] with the labels that `gpiodetect` prints".to_owned();
                return Err(Wrong::new("lines", found, "needs to know its chips", right));
            }
            (Some(_), LinesBackend::Sim | LinesBackend::Rppal | LinesBackend::Evdev | LinesBackend::Hid) => {
                let right = "write lines = \"gpiochip\", or leave [gpiochip] out".to_owned();
                return Err(Wrong::new("gpiochip", "[gpiochip]", "belongs to other lines", right));
            }
            (Some(chips), LinesBackend::Gpiochip) if chips.labels.iter().all(String::is_empty) => {
                let right = "name what `gpiodetect` prints in brackets".to_owned();
                return Err(Wrong::new("gpiochip.labels", "labels", "names no chip", right));
            }
            (Some(_), LinesBackend::Gpiochip)
            | (None, LinesBackend::Sim | LinesBackend::Rppal | LinesBackend::Evdev | LinesBackend::Hid) => {}
        }
        Ok(())
    }

    fn wrong_name(&self, name: &str) -> Option<(&'static str, &'static str)> {
        match self.lines {
            LinesBackend::Sim if name.is_empty() || name.contains('/') || name.starts_with('.') => {
                Some(("is no name of a line", "a line has a plain name such as \"camera-live\""))
            }
            LinesBackend::Gpiochip if name.is_empty() || (name.starts_with('#') && place(name).is_none()) => {
                Some(("is no name of a line", "take a name that `gpioinfo` prints, or \"#3\" where it prints none"))
            }
            LinesBackend::Rppal if header_pin(name).is_none() => {
                Some(("is no line of a Raspberry Pi's header", "write \"GPIO0\" to \"GPIO27\""))
            }
            LinesBackend::Sim
            | LinesBackend::Gpiochip
            | LinesBackend::Rppal
            | LinesBackend::Evdev
            | LinesBackend::Hid => None,
        }
    }

    fn check_input(&self, key: &str, line: &InputLine) -> Result<(), Wrong> {
        if self.lines == LinesBackend::Sim && (line.bias.is_some() || line.debounce_ms.is_some()) {
            return Err(files_have_no_circuit(key, &line.line));
        }
        let to_active = if line.active_low { Bias::PullDown } else { Bias::PullUp };
        if line.bias == Some(to_active) {
            let right =
                if line.active_low { "write \"pull-up\"" } else { "write \"pull-down\", or wire it active-low" };
            let problem = "is pulled to open or pressed: a wire that breaks would open it";
            return Err(Wrong::new(&format!("{key}.bias"), &line.line, problem, right.to_owned()));
        }
        if line.debounce_ms.is_some_and(|debounce| debounce > LONGEST_DEBOUNCE) {
            let right = format!("write at most {LONGEST_DEBOUNCE}, or leave it out");
            let problem = "closes too late with this debounce";
            return Err(Wrong::new(&format!("{key}.debounce-ms"), &line.line, problem, right));
        }
        let debounced = self.lines == LinesBackend::Gpiochip && self.gpiochip.as_ref().is_some_and(|it| it.interrupts);
        if line.debounce_ms.is_some() && !debounced {
            let right = "leave debounce-ms out: the guard waits for a steady level anyway".to_owned();
            let problem = "cannot be debounced without interrupts";
            return Err(Wrong::new(&format!("{key}.debounce-ms"), &line.line, problem, right));
        }
        Ok(())
    }

    fn check_output(&self, key: &str, line: &OutputLine, on_when_dead: bool) -> Result<(), Wrong> {
        if self.lines == LinesBackend::Sim && (line.bias.is_some() || line.drive != Drive::PushPull) {
            return Err(files_have_no_circuit(key, &line.line));
        }
        if line.drive == Drive::OpenDrain && self.lines == LinesBackend::Rppal {
            let right = "write lines = \"gpiochip\", or leave drive out".to_owned();
            return Err(Wrong::new(&format!("{key}.drive"), &line.line, "cannot be open-drain with rppal", right));
        }
        let high_when_dead = on_when_dead != line.active_low;
        let fault = match (on_when_dead, key.starts_with("power.")) {
            (true, _) => "would be dark on a dead board",
            (false, false) => "would say \"muted\" on a dead board",
            (false, true) => "would be on with a dead board",
        };
        let right = "a live lamp is wired to be lit while nobody drives it, a muted one to be dark, power to be off";
        let right = right.to_owned();
        if line.drive == Drive::OpenDrain && !high_when_dead {
            return Err(Wrong::new(&format!("{key}.drive"), &line.line, fault, right));
        }
        let wrong_pull = if high_when_dead { Bias::PullDown } else { Bias::PullUp };
        if line.bias == Some(wrong_pull) {
            return Err(Wrong::new(&format!("{key}.bias"), &line.line, fault, right));
        }
        Ok(())
    }
}

fn files_have_no_circuit(key: &str, line: &str) -> Wrong {
    let right = "leave bias, drive and debounce-ms out".to_owned();
    Wrong::new(key, line, "is a file of the simulated room and has no circuit", right)
}

/// The place of a line on its chip, from `#` and a number.
#[must_use]
pub fn place(name: &str) -> Option<u32> {
    name.strip_prefix('#')?.parse().ok()
}

/// The number of a line of a Raspberry Pi's header, from its name.
#[must_use]
pub fn header_pin(name: &str) -> Option<u8> {
    name.strip_prefix("GPIO")?.parse().ok().filter(|pin| *pin <= 27)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOARD: &str = r##"
name = "board"
title = "Board"
lines = "gpiochip"
encoders = ["x264enc"]
gpiochip = { labels = ["pinctrl-bcm2711"] }
button = { line = "GPIO5", active-low = true, bias = "pull-up" }
speaker = { sink = "sim" }
screen = { output = "sim" }

[camera]
source = "v4l2"
nodes = ["/dev/video0"]
proof = "v4l2-priority"
switch = { line = "GPIO6", bias = "pull-down" }
live = { line = "GPIO16", drive = "open-drain", bias = "pull-up" }

[microphone]
source = "alsa"
nodes = ["/dev/snd/pcmC0D0c"]
proof = "alsa-status"
switch = { line = "GPIO13", bias = "pull-down", debounce-ms = 5 }
live = { line = "GPIO20" }
muted = { line = "GPIO21", bias = "pull-down" }
"##;

    fn load(changes: &[(&str, &str)]) -> Result<Board, String> {
        crate::testing::load(BOARD, changes)
    }

    #[test]
    fn a_board_with_real_lines_says_how_each_is_wired() {
        let board = load(&[]).unwrap();
        assert_eq!(board.lines, LinesBackend::Gpiochip);
        assert!(board.gpiochip.unwrap().interrupts);
        assert_eq!(board.microphone.switch.debounce_ms, Some(5));
        assert_eq!((board.camera.live.drive, board.camera.live.bias), (Drive::OpenDrain, Some(Bias::PullUp)));
        assert!(load(&[("\"GPIO6\"", "\"#6\"")]).is_ok(), "a chip whose lines have no names");
        let rppal = [("\"gpiochip\"", "\"rppal\""), ("gpiochip = {", "# {"), (", drive = \"open-drain\"", "")];
        assert!(load(&[&rppal[..], &[(", debounce-ms = 5", "")]].concat()).is_ok());
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_its_line() {
        let dead = "dead board";
        for (from, to, parts) in [
            ("gpiochip = {", "# {", ["lines", "line 4", "gpiodetect"]),
            ("lines = \"gpiochip\"", "lines = \"rppal\"", ["gpiochip", "other lines", "leave [gpiochip] out"]),
            ("[\"pinctrl-bcm2711\"]", "[]", ["gpiochip.labels", "line 6", "names no chip"]),
            ("\"GPIO6\"", "\"#six\"", ["camera.switch.line", "line 15", "gpioinfo"]),
            ("\"GPIO6\"", "\"GPIO5\"", ["camera.switch.line", "used twice", "of its own"]),
            (
                "active-low = true, bias = \"pull-up\"",
                "bias = \"pull-up\"",
                ["button.bias", "line 7", "wire that breaks"],
            ),
            (
                "\"GPIO6\", bias = \"pull-down\"",
                "\"GPIO6\", active-low = true, bias = \"pull-down\"",
                ["camera.switch.bias", "line 15", "pull-up"],
            ),
            ("debounce-ms = 5", "debounce-ms = 40", ["microphone.switch.debounce-ms", "line 22", "at most 20"]),
            ("gpiochip = { ", "gpiochip = { interrupts = false, ", ["debounce-ms", "line 22", "without interrupts"]),
            (
                "drive = \"open-drain\"",
                "active-low = true, drive = \"open-drain\"",
                ["camera.live.drive", "line 16", dead],
            ),
            ("bias = \"pull-up\" }\n\n[mic", "bias = \"pull-down\" }\n\n[mic", ["camera.live.bias", "line 16", dead]),
            (
                "\"GPIO21\", bias = \"pull-down\"",
                "\"GPIO21\", bias = \"pull-up\"",
                ["microphone.muted.bias", "line 24", dead],
            ),
            (
                "\"GPIO21\", bias = \"pull-down\"",
                "\"GPIO21\", drive = \"open-drain\"",
                ["muted.drive", "line 24", "muted"],
            ),
        ] {
            let error = load(&[(from, to)]).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
    }

    #[test]
    fn files_of_the_simulated_room_have_no_circuit() {
        let error = load(&[("lines = \"gpiochip\"", "lines = \"sim\""), ("gpiochip = {", "# {")]).unwrap_err();
        assert!(error.contains("button") && error.contains("no circuit"), "{error}");
    }

    #[test]
    fn places_and_header_pins_are_read_from_names() {
        assert_eq!([place("#0"), place("#31"), place("31"), place("#-1")], [Some(0), Some(31), None, None]);
        let pins = ["GPIO0", "GPIO27", "GPIO28", "GPIO", "17"].map(header_pin);
        assert_eq!(pins, [Some(0), Some(27), None, None, None]);
    }
}
