//! Encoders of the board: each row is tried by `subrosa-media trial`, as media's own user, in a process that is killed
//! when it hangs.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use subrosa_messages::media::Size;
use subrosa_process::users::User;

use super::finding::{Check, Finding, both};

/// A driver is loaded and plug-ins are looked through in that time.
const PATIENCE: Duration = Duration::from_secs(20);
/// Encoders that every machine has.
const SOFTWARE: [&str; 3] = ["x264enc", "openh264enc", "vp8enc"];
/// The smallest buffer for encoded frames that a Raspberry Pi's driver has had, in bytes; a dense frame that does not
/// fit is cut off (raspberrypi/linux #5232).
const SMALLEST_BUFFER: usize = 512 * 1024;

/// What a row made; as media prints it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Made {
    /// `level_idc` of its SPS: ten times the level.
    pub level: Option<u8>,
    /// As GStreamer writes it.
    pub colorimetry: Option<String>,
    /// Bytes of the largest frame.
    pub largest: usize,
    /// To its first frame, in milliseconds.
    pub first_frame_ms: u64,
}

/// A row's trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The row.
    pub row: String,
    /// What it made, or why it made nothing of use.
    pub outcome: Result<Made, String>,
}

/// Who tries, and where.
pub struct Bench<'a> {
    /// The program `subrosa-media`.
    pub program: &'a Path,
    /// The board file, which may narrow a row.
    pub board: &'a Path,
    /// Media's user; `None`: this one.
    pub user: Option<User>,
    /// Media's own state folder, where its list of plug-ins is.
    pub state: &'a Path,
    /// The room's picture.
    pub picture: Size,
}

impl Bench<'_> {
    /// Tries a row.
    #[must_use]
    pub fn attempt(&self, row: &str) -> Trial {
        Trial { row: row.to_owned(), outcome: self.run(row) }
    }

    fn run(&self, row: &str) -> Result<Made, String> {
        let Size { width, height } = self.picture;
        let mut command = Command::new(self.program);
        command.args(["trial", row, "--json", "--width", &width.to_string(), "--height", &height.to_string()]);
        command.arg("--board").arg(self.board);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir("/");
        command.env("GST_REGISTRY", self.state.join("gstreamer-registry.bin"));
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.program.display()))?;
        let began = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if began.elapsed() < PATIENCE => sleep(Duration::from_millis(20)),
                Ok(None) | Err(_) => {
                    let _gone = child.kill();
                    let _reaped = child.wait();
                    return Err(format!("hangs: killed after {} s", PATIENCE.as_secs()));
                }
            }
        };
        let text = |pipe: Option<&mut dyn Read>| {
            let mut text = String::new();
            // What is no text is no answer.
            let _read = pipe.map(|pipe| pipe.read_to_string(&mut text));
            text
        };
        if !status.success() {
            let said = text(child.stderr.as_mut().map(|pipe| pipe as &mut dyn Read));
            return Err(said.lines().last().unwrap_or("it fails without a word").to_owned());
        }
        let said = text(child.stdout.as_mut().map(|pipe| pipe as &mut dyn Read));
        serde_json::from_str(said.trim()).map_err(|_| "programs of different versions".to_owned())
    }
}

/// What it means. `picture`: the room's, with its frames a second.
#[must_use]
pub fn judge(trials: &[Trial], picture: Size, rate: u32) -> Vec<Finding> {
    let software = |trial: &&Trial| SOFTWARE.contains(&trial.row.as_str());
    let passed: Vec<&Trial> = trials.iter().filter(|trial| trial.outcome.is_ok()).collect();
    let mut findings: Vec<Finding> = trials
        .iter()
        .filter(|trial| !software(trial))
        .filter_map(|trial| {
            let why = trial.outcome.as_ref().err()?;
            let row = &trial.row;
            Some(Finding::note(
                Check::Encoders,
                both(format!("{row} besteht die Probe nicht: {why}"), format!("{row} fails its trial: {why}")),
                both(
                    "Fehlt dem Kernel oder GStreamer etwas, nachrüsten; sonst die Zeile aus der Board-Datei nehmen.",
                    "Add what kernel or GStreamer lack; else take the row out of the board file.",
                ),
            ))
        })
        .collect();
    let Some(first) = passed.first() else {
        findings.push(Finding::wrong(
            Check::Encoders,
            both(
                "Kein Encoder besteht die Probe: Gäste sähen nichts.",
                "No encoder passes its trial: guests would see nothing.",
            ),
            both(
                "apt install gstreamer1.0-plugins-ugly (x264enc) oder -bad (openh264enc).",
                "apt install gstreamer1.0-plugins-ugly (x264enc) or -bad (openh264enc).",
            ),
        ));
        return findings;
    };
    if let Ok(made) = &first.outcome {
        findings.push(first_row(first, made));
        findings.extend(fits(first, made, picture, rate));
    }
    findings
}

fn first_row(trial: &Trial, made: &Made) -> Finding {
    let row = &trial.row;
    let level = made.level.map_or("-".to_owned(), |level| format!("{}.{}", level / 10, level % 10));
    let colour = made.colorimetry.as_deref().unwrap_or("-");
    let (first, largest) = (made.first_frame_ms, made.largest / 1024);
    let what = both(
        format!(
            "{row}: Level {level}, SPS und PPS vor dem Schlüsselbild, Farbraum {colour}, erstes Bild nach {first} ms, größtes {largest} KiB."
        ),
        format!(
            "{row}: level {level}, SPS and PPS before the key frame, colorimetry {colour}, first frame after {first} ms, largest {largest} KiB."
        ),
    );
    if SOFTWARE.contains(&row.as_str()) {
        let todo = both(
            "Ein Encoder der Hardware kostete weniger Rechenzeit, wo es einen gibt.",
            "An encoder of the hardware would cost less, where there is one.",
        );
        Finding::note(Check::Encoders, what, todo)
    } else {
        Finding::ok(Check::Encoders, what)
    }
}

/// Whether what it says of itself suffices for the room's picture.
fn fits(trial: &Trial, made: &Made, picture: Size, rate: u32) -> Vec<Finding> {
    let mut findings = Vec::new();
    let row = &trial.row;
    let needed = level_for(picture, rate);
    if let Some(level) = made.level.filter(|level| *level < needed) {
        let (has, needs) = (format!("{}.{}", level / 10, level % 10), format!("{}.{}", needed / 10, needed % 10));
        findings.push(Finding::wrong(
            Check::Encoders,
            both(
                format!("{row} nennt Level {has}, das Bild braucht {needs}: Ein Decoder darf es ablehnen."),
                format!("{row} says level {has}, the picture needs {needs}: a decoder may refuse it."),
            ),
            both(
                "Level in der Zeile des Encoders festlegen, oder media.picture verkleinern.",
                "Fix the level in the encoder's row, or make media.picture smaller.",
            ),
        ));
    }
    if made.largest > SMALLEST_BUFFER / 2 && !SOFTWARE.contains(&row.as_str()) {
        let kib = made.largest / 1024;
        findings.push(Finding::note(
            Check::Encoders,
            both(
                format!("{row} macht Bilder bis {kib} KiB; manche Treiber haben nur 512 KiB dafür."),
                format!("{row} makes frames of up to {kib} KiB; some drivers have 512 KiB for one."),
            ),
            both(
                "media.max_bitrate senken, oder den Treiber erneuern.",
                "Lower media.max_bitrate, or update the driver.",
            ),
        ));
    }
    findings
}

/// The lowest level whose frame size and rate in macroblocks hold the picture, times ten (ITU-T H.264, table A-1).
fn level_for(picture: Size, rate: u32) -> u8 {
    const LEVELS: [(u8, u32, u32); 8] = [
        (10, 99, 1_485),
        (20, 396, 11_880),
        (21, 792, 19_800),
        (30, 1_620, 40_500),
        (31, 3_600, 108_000),
        (32, 5_120, 216_000),
        (40, 8_192, 245_760),
        (42, 8_704, 522_240),
    ];
    let blocks = picture.width.div_ceil(16) * picture.height.div_ceil(16);
    let held = LEVELS.iter().find(|(_, size, speed)| blocks <= *size && blocks * rate <= *speed);
    held.map_or(51, |(level, ..)| *level)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::finding::Verdict::{Note, Ok as Well, Wrong};
    use super::super::finding::{Verdict, verdicts};
    use super::*;

    const HD: Size = Size { width: 1280, height: 720 };

    fn trial(row: &str, outcome: Result<(u8, usize), &str>) -> Trial {
        let made = |(level, largest)| Made { level: Some(level), colorimetry: None, largest, first_frame_ms: 1 };
        Trial { row: row.to_owned(), outcome: outcome.map(made).map_err(str::to_owned) }
    }

    #[test]
    fn every_outcome_of_trials_has_its_verdict() {
        let of = |trials: &[Trial]| verdicts(&judge(trials, HD, 30)).iter().map(|it| it.1).collect::<Vec<Verdict>>();
        let (hardware, software) = (trial("v4l2h264enc", Ok((40, 9_000))), trial("x264enc", Ok((31, 9_000))));
        let broken = trial("v4l2h264enc", Err("gone"));
        assert_eq!(of(&[hardware.clone(), software.clone()]), [Well]);
        assert_eq!(of(&[broken.clone(), software.clone()]), [Note, Note]);
        assert_eq!(of(&[software]), [Note]);
        assert_eq!(of(&[broken, trial("x264enc", Err("gone"))]), [Note, Wrong]);
        assert_eq!(of(&[trial("v4l2h264enc", Ok((10, 9_000)))]), [Well, Wrong], "level 1.0: caps without a level");
        assert_eq!(of(&[trial("v4l2h264enc", Ok((40, 400_000)))]), [Well, Note]);
    }

    #[test]
    fn levels_are_those_of_the_standard() {
        let size = |width, height| Size { width, height };
        for (picture, rate, level) in [
            (size(640, 360), 30, 30),
            (HD, 30, 31),
            (HD, 60, 32),
            (size(1920, 1080), 30, 40),
            (size(1920, 1080), 60, 42),
        ] {
            assert_eq!(level_for(picture, rate), level, "{picture:?} {rate}");
        }
    }

    #[test]
    fn what_a_trial_prints_is_read_and_what_it_complains_of_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let attempt = |script: &str| {
            let program = folder.path().join("media");
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            Bench { program: &program, board: folder.path(), user: None, state: folder.path(), picture: HD }
                .attempt("row")
                .outcome
        };
        let said = r#"{"row":"row","level":31,"colorimetry":"bt709","largest":7,"first-frame-ms":5}"#;
        let made = attempt(&format!("[ \"$1 $2\" = 'trial row' ] && echo '{said}'")).unwrap();
        assert_eq!((made.level, made.colorimetry.as_deref(), made.largest), (Some(31), Some("bt709"), 7));
        assert_eq!(attempt("echo first >&2; echo why >&2; exit 1"), Err("why".to_owned()));
        assert!(attempt("echo nonsense").is_err());
    }
}
