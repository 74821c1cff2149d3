//! Inputs and lamps that are parts of attached devices: keys, switches, mute keys, LEDs.

use serde::Deserialize;

use super::{InputLine, LinesBackend, OutputLine, key_code};
use crate::{Board, Wrong};

/// A switch of an input device, with a level that can be read at any time (Linux, *Input event codes*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SwitchName {
    /// The cover of a lens is shut.
    #[serde(rename = "SW_CAMERA_LENS_COVER")]
    CameraLensCover,
    /// A device is muted.
    #[serde(rename = "SW_MUTE_DEVICE")]
    MuteDevice,
}

impl SwitchName {
    /// As the kernel calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            SwitchName::CameraLensCover => "SW_CAMERA_LENS_COVER",
            SwitchName::MuteDevice => "SW_MUTE_DEVICE",
        }
    }

    /// Its number (`input-event-codes.h`). Set means *closed* for both.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            SwitchName::CameraLensCover => 0x09,
            SwitchName::MuteDevice => 0x0e,
        }
    }
}

/// The mute key of a conference device (HID usage tables, telephony page, *Phone Mute*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HidInput {
    /// A key or a switch, as the device describes it.
    Mute,
    /// A key, whatever the device says: for those that describe a switch and send presses.
    MuteKey,
}

impl HidInput {
    /// As it is written in a board file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HidInput::Mute => "mute",
            HidInput::MuteKey => "mute-key",
        }
    }
}

/// An LED of a conference device that says *muted* (HID usage tables, LED page).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HidLed {
    /// *Mute*: what most devices listen to.
    Mute,
    /// *Microphone*: what others take for the host's word that it is muted. <https://github.com/WICG/webhid/issues/72>
    Microphone,
}

impl HidLed {
    /// As it is written in a board file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HidLed::Mute => "mute",
            HidLed::Microphone => "microphone",
        }
    }
}

impl InputLine {
    /// How many of `line`, `key`, `switch` and `hid` are given.
    fn given(&self) -> usize {
        let given = [!self.line.is_empty(), self.key.is_some(), self.switch.is_some(), self.hid.is_some()];
        given.into_iter().filter(|given| *given).count()
    }

    fn has_circuit(&self) -> bool {
        self.active_low || self.bias.is_some() || self.debounce_ms.is_some()
    }
}

impl OutputLine {
    fn has_circuit(&self) -> bool {
        self.active_low || self.bias.is_some() || self.drive != super::Drive::default()
    }
}

impl Board {
    /// What is wrong with the parts of attached devices, and whether each input and output is one thing.
    pub(super) fn check_attached(&self) -> Result<(), Wrong> {
        for (key, line) in self.inputs() {
            self.check_attached_input(key, line)?;
        }
        for (key, line, _) in self.outputs() {
            self.check_attached_output(key, line)?;
        }
        Ok(())
    }

    fn check_attached_input(&self, key: &str, line: &InputLine) -> Result<(), Wrong> {
        let wrong = |found: &str, problem, right: &str| Err(Wrong::new(key, found, problem, right.to_owned()));
        if line.given() > 1 {
            let right = "give one of line, key, switch and hid";
            return wrong(line.called(), "is given beside something else", right);
        }
        if let Some(name) = &line.key
            && key_code(name).is_none()
        {
            return wrong(name, "is no key that is known", "write a name such as \"KEY_PAGEDOWN\", or \"#109\"");
        }
        let is_capture = key.ends_with(".switch");
        if !is_capture && (line.switch.is_some() || line.hid.is_some()) {
            return wrong(line.called(), "is no button", "give a line or a key");
        }
        if key == "camera.switch" && line.hid.is_some() {
            return wrong(line.called(), "is a microphone's", "give the camera a line, a key or a switch");
        }
        if line.key.is_some() || line.switch.is_some() || line.hid.is_some() {
            check_device(key, line.called(), line.device.as_deref(), line.has_circuit())?;
        } else {
            self.check_is_line(key, line.device.as_deref())?;
        }
        Ok(())
    }

    fn check_attached_output(&self, key: &str, line: &OutputLine) -> Result<(), Wrong> {
        let wrong = |found: &str, problem, right: &str| Err(Wrong::new(key, found, problem, right.to_owned()));
        let Some(led) = line.led else {
            return self.check_is_line(key, line.device.as_deref());
        };
        if !line.line.is_empty() {
            return wrong(&line.line, "is given beside an LED", "give one of line and led");
        }
        if key != "microphone.muted" {
            return wrong(led.name(), "says *muted* and nothing else", "give it as microphone.muted, and a line here");
        }
        check_device(key, led.name(), line.device.as_deref(), line.has_circuit())
    }

    /// A line is one of the board's own.
    fn check_is_line(&self, key: &str, device: Option<&str>) -> Result<(), Wrong> {
        if matches!(self.lines, LinesBackend::Evdev | LinesBackend::Hid) {
            let right = "write lines = \"gpiochip\": the live lamps at least are lines".to_owned();
            return Err(Wrong::new(key, self.lines.name(), "has no lines of its own", right));
        }
        let Some(device) = device else { return Ok(()) };
        let right = "leave device out: a line is found by its own name".to_owned();
        Err(Wrong::new(key, device, "is given for a line", right))
    }
}

/// A part of a device names its device, and has no circuit of ours.
fn check_device(key: &str, found: &str, device: Option<&str>, circuit: bool) -> Result<(), Wrong> {
    if device.is_none_or(str::is_empty) {
        let right = "add device: its name, or vvvv:pppp, as `subrosa-guard devices` prints them".to_owned();
        return Err(Wrong::new(key, found, "is of no device", right));
    }
    if circuit {
        let right = "leave active-low, bias, drive and debounce-ms out".to_owned();
        return Err(Wrong::new(key, found, "has no circuit of ours", right));
    }
    Ok(())
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
button = { key = "KEY_PAGEDOWN", device = "Presenter" }
speaker = { sink = "sim" }
screen = { output = "sim" }
power = { camera = { line = "GPIO22", bias = "pull-down" } }

[camera]
source = "v4l2"
nodes = ["/dev/video0"]
proof = "v4l2-priority"
switch = { switch = "SW_CAMERA_LENS_COVER", device = "gpio-keys" }
live = { line = "GPIO16" }

[microphone]
source = "alsa"
nodes = ["/dev/snd/pcmC0D0c"]
proof = "alsa-status"
switch = { hid = "mute", device = "0b0e:0412" }
live = { line = "GPIO20" }
muted = { led = "mute", device = "0b0e:0412" }
"##;

    fn load(changes: &[(&str, &str)]) -> Result<Board, String> {
        crate::testing::load(BOARD, changes)
    }

    #[test]
    fn inputs_and_lamps_may_be_of_other_rows_than_the_boards_own_lines() {
        let board = load(&[]).unwrap();
        let rows: Vec<_> = board.inputs().into_iter().map(|(key, line)| (key, line.row(board.lines))).collect();
        assert_eq!(
            rows,
            [
                ("button", LinesBackend::Evdev),
                ("camera.switch", LinesBackend::Evdev),
                ("microphone.switch", LinesBackend::Hid)
            ]
        );
        assert_eq!(board.rows(), [LinesBackend::Gpiochip, LinesBackend::Evdev, LinesBackend::Hid]);
        assert_eq!(board.power_lines().len(), 1);
        assert_eq!(board.microphone.muted.unwrap().row(board.lines), LinesBackend::Hid);
        let rows = [("lines = \"gpiochip\"", "lines = \"hid\""), ("gpiochip = {", "# {"), ("power = {", "# {")];
        let error = load(&rows).unwrap_err();
        assert!(error.contains("camera.live") && error.contains("has no lines of its own"), "{error}");
    }

    #[test]
    fn what_cannot_be_of_a_device_is_refused_with_its_line() {
        for (from, to, parts) in [
            ("\"KEY_PAGEDOWN\"", "\"KEY_HOPE\"", ["button", "line 7", "KEY_PAGEDOWN"]),
            ("key = \"KEY_PAGEDOWN\"", "key = \"KEY_F5\", line = \"GPIO5\"", ["button", "line 7", "one of"]),
            (", device = \"Presenter\"", "", ["button", "line 7", "is of no device"]),
            (
                "device = \"Presenter\"",
                "device = \"Presenter\", bias = \"pull-up\"",
                ["button", "line 7", "no circuit"],
            ),
            ("{ key = \"KEY_PAGEDOWN\"", "{ hid = \"mute\"", ["button", "is no button", "a key"]),
            ("{ switch = \"SW_CAMERA_LENS_COVER\"", "{ hid = \"mute\"", ["camera.switch", "microphone's", "give"]),
            ("SW_CAMERA_LENS_COVER", "SW_LID", ["line 16", "SW_LID", "SW_MUTE_DEVICE"]),
            (
                "device = \"0b0e:0412\" }\nlive",
                "device = \"0b0e:0412\" }\nswitch-tier = 1\nlive",
                ["microphone.switch-tier", "line 24", "worth less"],
            ),
            ("muted = {", "lamp-tier = 1\nmuted = {", ["microphone.lamp-tier", "line 25", "worth less"]),
            (
                "live = { line = \"GPIO16\" }",
                "live = { led = \"mute\", device = \"x\" }",
                ["camera.live", "nothing else", "a line here"],
            ),
            (
                "{ line = \"GPIO20\" }",
                "{ line = \"GPIO20\", device = \"x\" }",
                ["microphone.live", "for a line", "line"],
            ),
            (
                "\"GPIO22\", bias = \"pull-down\"",
                "\"GPIO22\", bias = \"pull-up\"",
                ["power.camera.bias", "line 10", "on with"],
            ),
            ("\"GPIO22\"", "\"GPIO20\"", ["power.camera.line", "used twice", "of its own"]),
        ] {
            let error = load(&[(from, to)]).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
    }
}
