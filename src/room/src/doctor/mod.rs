//! `subrosa doctor`: looks at a device as a whole and says what it found, what that means, and what to do about it.
//!
//! A subject is a file: what is read (thin), what it means (pure, tested over facts), in both languages. What needs
//! GStreamer is done by `subrosa-media`, what needs lines by the guard; a guard that runs is asked, not fought over.
//! No camera and no microphone is opened but by [`hand::call`], which is a call without a guest: woken at the button,
//! with its lamps lit, under the guard's permit.

mod ask;
mod certificate;
mod death;
mod encoders;
mod finding;
mod hand;
mod island;
mod lines;
mod network;
mod nodes;
mod processes;
mod report;
mod sound;
mod system;

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use subrosa_board::{AUTO, Board, LinesBackend};
use subrosa_messages::doctor::LinesLook;
use subrosa_process::run_dir::RunDir;
use subrosa_process::share::Share;
use subrosa_process::users::Users;

use crate::configuration::Configuration;
use crate::language::Language;
use crate::{shell, supervise};
use ask::Guard;
use encoders::Bench;
use finding::{Check, Finding, both};
use hand::Person;
pub use report::Report;

/// Where an installed device says which board it is.
const DEVICES_BOARD: &str = "/etc/subrosa/board";

/// How the doctor was called.
#[derive(Clone, Debug)]
pub struct DoctorOptions {
    /// Name of a board, or path of its file; `None`: the one that the device's units are started with.
    pub board: Option<String>,
    /// The configuration file; `None`: the usual one, or the defaults.
    pub configuration: Option<PathBuf>,
    /// The run directory of the room that is looked at.
    pub run: Option<PathBuf>,
    /// Its state directory.
    pub state: Option<PathBuf>,
    /// The files that come with the programs.
    pub share: Option<PathBuf>,
    /// All its processes run as one user.
    pub one_user: bool,
    /// Light every lamp.
    pub lamps: bool,
    /// Have switches moved and buttons pressed.
    pub press: bool,
    /// Open camera and microphone.
    pub call: bool,
    /// The same, and play a chirp.
    pub sound: bool,
    /// How long to wait for an act that a person is asked for.
    pub patience: Duration,
    /// The language of words for people.
    pub language: Language,
}

/// Everything that a look needs.
struct Around {
    options: DoctorOptions,
    board: Board,
    board_file: PathBuf,
    configuration: Configuration,
    run: RunDir,
    state: PathBuf,
    users: Users,
    one_user: bool,
    /// A device, and not somebody's computer.
    device: bool,
}

/// Looks at everything that was asked for.
///
/// # Errors
/// When board, configuration or users cannot be found: then there is nothing to be looked at.
pub fn examine(options: DoctorOptions) -> anyhow::Result<Report> {
    let root = rustix::process::geteuid().is_root();
    let one_user = options.one_user || !root;
    let share = Share::find(options.share.as_deref());
    let name = options.board.clone().or_else(devices_board).unwrap_or_else(|| AUTO.to_owned());
    let board_file = std::path::absolute(share.board_file(&name)?)?;
    let board = Board::load(&board_file)?;
    let configuration = match options.configuration.clone().or_else(Configuration::usual_path) {
        Some(file) => Configuration::load(&file)?,
        None => Configuration::default(),
    };
    let run = options.run.clone().map_or_else(RunDir::usual, RunDir::new);
    let run = RunDir::new(std::path::absolute(run.path())?);
    let state = std::path::absolute(options.state.clone().map_or_else(supervise::usual_state, Ok)?)?;
    let device = match board.lines {
        LinesBackend::Sim => false,
        LinesBackend::Gpiochip | LinesBackend::Rppal | LinesBackend::Evdev | LinesBackend::Hid => true,
    };
    let users = Users::find(one_user)?;
    let around = Around { board, board_file, configuration, run, state, users, one_user, device, options };
    Ok(around.look(root))
}

/// The board that the units are started with, where one was chosen: `BOARD=…` in [`DEVICES_BOARD`].
fn devices_board() -> Option<String> {
    let text = std::fs::read_to_string(DEVICES_BOARD).ok()?;
    let line = text.lines().find_map(|line| line.trim().strip_prefix("BOARD="));
    line.map(|name| name.trim_matches('"').to_owned())
}

impl Around {
    fn look(self, root: bool) -> Report {
        let mut findings = Vec::new();
        let mut processes = processes::find(Path::new("/"), self.run.path());
        for process in &mut processes {
            let unit = process.unit.as_deref();
            process.exposure = unit
                .and_then(|unit| printed("systemd-analyze", &["security", "--no-pager", unit]))
                .and_then(|text| processes::exposure(&text));
        }
        let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
        findings.extend(processes::judge(&processes, self.device, &groups));
        let mut measured = None;
        if self.device && !root && !self.options.one_user {
            findings.push(Finding::not_checked(
                Check::Lines,
                both("Leitungen, Geräte und Encoder sieht nur root.", "Only root sees lines, devices and encoders."),
                both("Als root ausführen.", "Run it as root."),
            ));
        } else {
            findings.extend(self.hardware(&processes, &mut measured));
        }
        let system = system::System::read(Path::new("/"), &self.state);
        findings.extend(system.judge(self.device, &processes));
        let network = network::Network::read(&self.configuration);
        let settings = shell::web_settings(&self.configuration, &self.state);
        let served = certificate::read(&settings, system.clock);
        let url = settings.public_url.as_deref();
        findings.push(certificate::judge(&served, system.clock, url, &network.addresses));
        let room = processes.iter().any(|process| process.name == "room");
        findings.extend(network.judge(room));
        findings.extend(island::Island::read(Path::new("/"), &self.configuration).map(|island| island.judge()));
        Report { board: self.board.title, findings, measured }
    }

    /// Lines, lamps, nodes, encoders, and what a person does.
    fn hardware(&self, processes: &[processes::Process], measured: &mut Option<String>) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.device {
            let unit = ["show", "subrosa-guard.service", "-p", "Restart", "-p", "RestartUSec", "-p", "ExecStopPost"];
            let shown = printed("systemctl", &unit).unwrap_or_default();
            findings.extend(death::Death::read(Path::new("/"), &shown, &self.board).judge());
        }
        let nodes = nodes::read(Path::new("/"), &self.board, &self.run);
        findings.extend(nodes::judge(&nodes, &self.users, self.one_user));
        findings.extend(sound::judge(&sound::read(Path::new("/"), &self.board)));
        let guard = Guard::connect(&self.run, &self.users);
        let asleep = guard.as_ref().map_or(true, |guard| !guard.look.state.awake);
        findings.extend(self.encoders(asleep));
        match guard {
            Ok(mut guard) => {
                findings.extend(lines::judge(&guard.look));
                findings.extend(self.by_hand(&mut guard));
                guard.catch_up(Duration::from_millis(200));
                findings.extend(lines::judge_lag(&guard.look));
                let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
                let today = time::OffsetDateTime::now_utc().date().to_string();
                findings.extend(self.device.then(|| lines::judge_board(&self.board)));
                *measured = lines::measured(&guard.look, &today, &format!("Linux {}", release.trim()));
            }
            Err(error) => findings.extend(self.without_guard(&error, processes)),
        }
        findings
    }

    fn by_hand(&self, guard: &mut Guard) -> Vec<Finding> {
        let DoctorOptions { lamps, press, call, sound, patience, language, .. } = self.options;
        let person = Person { language, patience };
        let was_awake = guard.look.state.awake;
        let mut findings = Vec::new();
        if lamps || press {
            findings.push(hand::lamps(guard, &self.board, &person));
        }
        if press {
            findings.extend(hand::press(guard, &self.board, &person));
        }
        if call || sound {
            match ask::media(&self.run, &self.users) {
                Ok(mut media) => findings.extend(hand::call(guard, &mut media, &self.board, &person, sound)),
                Err(_) => findings.push(Finding::not_checked(
                    Check::Camera,
                    both("Der Medien-Prozess antwortet nicht.", "The media process does not answer."),
                    both("journalctl -u subrosa-media sagt, warum.", "journalctl -u subrosa-media says why."),
                )),
            }
        }
        if (press || call || sound) && !was_awake {
            hand::rest(guard, &person);
        }
        findings
    }

    /// Nobody holds the lines, so they can be looked at. In the simulated room there is nothing to look at then.
    fn without_guard(&self, error: &io::Error, processes: &[processes::Process]) -> Vec<Finding> {
        let runs = processes.iter().any(|process| process.name == "guard");
        let look = (!runs && self.device).then(|| self.guards_look()).flatten();
        match look {
            Some(look) => lines::judge_without_guard(&look),
            None => vec![Finding::not_checked(
                Check::Lines,
                both(
                    format!("Der Wächter antwortet nicht ({}).", error.kind()),
                    format!("The guard does not answer ({}).", error.kind()),
                ),
                system::start_it(),
            )],
        }
    }

    fn guards_look(&self) -> Option<LinesLook> {
        let mut command = Command::new(beside("subrosa-guard"));
        command.arg("look").arg("--board").arg(&self.board_file).arg("--run").arg(self.run.path());
        if self.one_user {
            command.arg("--one-user");
        } else {
            command.uid(self.users.guard.uid).gid(self.users.guard.gid);
        }
        let ran = command.output().ok()?;
        serde_json::from_slice(&ran.stdout).ok()
    }

    /// A trial loads drivers and takes the hardware's encoder: not while a meeting may need it.
    fn encoders(&self, asleep: bool) -> Vec<Finding> {
        let media = &self.configuration.media;
        if !asleep {
            return vec![Finding::not_checked(
                Check::Encoders,
                both(
                    "Der Raum ist wach: Encoder werden nicht gestört.",
                    "The room is awake: encoders are not disturbed.",
                ),
                both("Nach der Besprechung wiederholen.", "Again after the meeting."),
            )];
        }
        let bench = Bench {
            program: &beside("subrosa-media"),
            board: &self.board_file,
            user: (!self.one_user).then_some(self.users.media),
            state: &self.state.join("media"),
            picture: media.picture,
        };
        let trials: Vec<_> = self.board.encoders.iter().map(|row| bench.attempt(&row.element)).collect();
        encoders::judge(&trials, media.picture, media.frames_per_second)
    }
}

/// A program in the folder of this one.
fn beside(name: &str) -> PathBuf {
    let here = std::env::current_exe().ok();
    here.and_then(|here| Some(here.parent()?.join(name))).unwrap_or_else(|| PathBuf::from(name))
}

/// What a program prints, where it is there and succeeds.
fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let ran = Command::new(program).args(arguments).env("SYSTEMD_COLORS", "0").output().ok()?;
    ran.status.success().then(|| String::from_utf8_lossy(&ran.stdout).into_owned())
}
