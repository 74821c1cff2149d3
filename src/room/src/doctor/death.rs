//! What a guard that dies leaves behind: which of the four things hold that make a live lamp be lit then.
//!
//! Kernels of Raspberry Pi keep an output's level when its owner has gone (raspberrypi/linux #6117, #6150), so a killed
//! guard can leave a dark lamp there; most others let the line go, and what pulls it decides.

use std::fs;
use std::path::Path;
use std::time::Duration;

use subrosa_board::{Bias, Board, Drive};

use super::finding::{Check, Finding, both};

/// What is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// The unit's `RestartSec=`, if it is restarted; `None`: it is not.
    pub restart: Option<Duration>,
    /// The unit has the hook that closes and lights after the guard's end.
    pub hook: bool,
    /// The kernel keeps the level of an output that was let go; `None`: it has no such setting, and does not.
    pub persists: Option<bool>,
    /// Live lamps whose pull, by the board file, does not say that it lights them.
    pub unsure: Vec<&'static str>,
}

impl Death {
    /// Reads it. `shown`: what `systemctl show` prints of the guard's unit.
    #[must_use]
    pub fn read(root: &Path, shown: &str, board: &Board) -> Self {
        let value = |name: &str| shown.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let restarts = value("Restart").is_some_and(|how| matches!(how, "always" | "on-failure" | "on-abnormal"));
        let persists = ["pinctrl_bcm2835", "pinctrl_rp1"].iter().find_map(|module| {
            let file = root.join("sys/module").join(module).join("parameters/persist_gpio_outputs");
            fs::read_to_string(file).ok().map(|text| text.trim() == "Y")
        });
        let lit = |line: &subrosa_board::OutputLine| {
            let high = !line.active_low;
            let pull = if high { Bias::PullUp } else { Bias::PullDown };
            line.bias == Some(pull) || (line.drive == Drive::OpenDrain && high)
        };
        Death {
            restart: restarts.then(|| value("RestartUSec").and_then(span)).flatten(),
            hook: value("ExecStopPost").is_some_and(|command| command.contains("stop-hook")),
            persists,
            unsure: board.lamps().iter().filter(|it| it.2 && !lit(it.1)).map(|it| it.0).collect(),
        }
    }

    /// What it means.
    #[must_use]
    pub fn judge(&self) -> Vec<Finding> {
        let as_it_comes = both(
            "Die mitgelieferte Unit subrosa-guard.service unverändert verwenden.",
            "Use the unit subrosa-guard.service as it comes.",
        );
        let mut findings = Vec::new();
        findings.push(match self.restart {
            Some(pause) if pause <= Duration::from_millis(100) => {
                let ms = pause.as_millis();
                let what = both(
                    format!("Ein toter Wächter startet nach {ms} ms neu."),
                    format!("A dead guard is started again after {ms} ms."),
                );
                Finding::ok(Check::GuardDeath, what)
            }
            Some(_) | None => Finding::wrong(
                Check::GuardDeath,
                both("Ein toter Wächter startet nicht sofort neu.", "A dead guard is not started again at once."),
                as_it_comes.clone(),
            ),
        });
        findings.push(if self.hook {
            let what = both(
                "Nach seinem Ende wird geschlossen und erhellt (ExecStopPost).",
                "After its end everything is closed and lit (ExecStopPost).",
            );
            Finding::ok(Check::GuardDeath, what)
        } else {
            Finding::wrong(
                Check::GuardDeath,
                both("Nach seinem Ende bleibt stehen, was war.", "After its end everything stays as it was."),
                as_it_comes,
            )
        });
        findings.push(match self.persists {
            Some(true) => {
                let what = both("Der Kernel hält den Pegel verlassener Leitungen: Bis der Haken greift, kann eine Lampe dunkel bleiben.", "The kernel keeps the level of lines that were let go: until the hook acts a lamp may stay dark.");
                let strict = both("dtparam=strict_gpiod in config.txt, dann neu starten.", "dtparam=strict_gpiod in config.txt, then reboot.");
                Finding::note(Check::GuardDeath, what, strict)
            }
            Some(false) | None => {
                let what = both("Der Kernel lässt verlassene Leitungen los.", "The kernel lets go of lines that nobody holds.");
                Finding::ok(Check::GuardDeath, what)
            }
        });
        findings.push(if self.unsure.is_empty() {
            let what = both(
                "Eine losgelassene Live-Lampe wird hell gezogen, sagt die Board-Datei.",
                "A live lamp that was let go is pulled lit, says the board file.",
            );
            Finding::ok(Check::GuardDeath, what)
        } else {
            let list = self.unsure.join(", ");
            let what = both(
                format!("Was {list} hell zieht, wenn niemand sie treibt, steht nicht in der Board-Datei."),
                format!("What pulls {list} lit while nobody drives it is not in the board file."),
            );
            let look = both(
                "Ein Widerstand muss es tun. Prüfen: systemctl stop subrosa.target, und hinsehen.",
                "A resistor has to. Check: systemctl stop subrosa.target, and look.",
            );
            Finding::note(Check::GuardDeath, what, look)
        });
        findings
    }
}

/// A time span as `systemctl show` prints it: `100ms`, `1s 500ms`, `0`.
fn span(text: &str) -> Option<Duration> {
    text.split_whitespace().try_fold(Duration::ZERO, |sum, part| {
        let digits = part.find(|it: char| !it.is_ascii_digit()).unwrap_or(part.len());
        let (number, unit) = part.split_at(digits);
        let number: u64 = number.parse().ok()?;
        let length = match unit {
            "" if number == 0 => Duration::ZERO,
            "us" => Duration::from_micros(number),
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "min" => Duration::from_secs(60 * number),
            _ => return None,
        };
        Some(sum + length)
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict::{Note, Ok, Wrong};
    use super::super::finding::{Verdict, verdicts};
    use super::*;

    fn board(camera_lamp: &str) -> Board {
        let text = format!(
            r#"
name = "b"
title = "B"
lines = "gpiochip"
encoders = ["x264enc"]
gpiochip = {{ labels = ["l"] }}
button = {{ line = "a" }}
speaker = {{ sink = "sim" }}
screen = {{ output = "sim" }}
[camera]
source = "v4l2"
nodes = ["/dev/video0"]
proof = "v4l2-priority"
switch = {{ line = "b" }}
live = {{ line = "c"{camera_lamp} }}
[microphone]
source = "alsa"
nodes = ["/dev/snd/pcmC0D0c"]
proof = "alsa-status"
switch = {{ line = "d" }}
live = {{ line = "e", drive = "open-drain" }}
muted = {{ line = "f" }}
"#
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.toml");
        fs::write(&path, text).unwrap();
        Board::load(&path).unwrap()
    }

    const UNIT: &str = "Restart=always\nRestartUSec=100ms\nExecStopPost={ path=/usr/bin/subrosa-guard ; argv[]=/usr/bin/subrosa-guard stop-hook ; }\n";

    fn found(shown: &str, persists: Option<&str>, lamp: &str) -> Vec<Verdict> {
        let root = tempfile::tempdir().unwrap();
        if let Some(persists) = persists {
            let folder = root.path().join("sys/module/pinctrl_bcm2835/parameters");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("persist_gpio_outputs"), format!("{persists}\n")).unwrap();
        }
        verdicts(&Death::read(root.path(), shown, &board(lamp)).judge()).iter().map(|it| it.1).collect()
    }

    #[test]
    fn p1_what_a_dead_guard_leaves_is_told_by_four_things() {
        let pulled = ", bias = \"pull-up\"";
        assert_eq!(found(UNIT, None, pulled), [Ok, Ok, Ok, Ok]);
        assert_eq!(found(UNIT, Some("N"), pulled), [Ok, Ok, Ok, Ok]);
        assert_eq!(found(UNIT, Some("Y"), pulled), [Ok, Ok, Note, Ok]);
        assert_eq!(found(UNIT, None, ""), [Ok, Ok, Ok, Note]);
        assert_eq!(found(UNIT, None, ", active-low = true, bias = \"pull-down\""), [Ok, Ok, Ok, Ok]);
        assert_eq!(found(&UNIT.replace("100ms", "1s 5ms"), None, pulled), [Wrong, Ok, Ok, Ok]);
        assert_eq!(found(&UNIT.replace("always", "no"), None, pulled), [Wrong, Ok, Ok, Ok]);
        assert_eq!(found("Restart=always\nRestartUSec=0\nExecStopPost=\n", None, pulled), [Ok, Wrong, Ok, Ok]);
    }

    #[test]
    fn spans_are_read_as_systemd_prints_them() {
        for (text, milliseconds) in
            [("0", Some(0)), ("100ms", Some(100)), ("1min 1s 5ms", Some(61_005)), ("infinity", None)]
        {
            assert_eq!(span(text), milliseconds.map(Duration::from_millis), "{text}");
        }
    }
}
