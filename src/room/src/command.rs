//! The command line.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use subrosa_messages::media::Background;
use subrosa_process::run_dir::RunDir;
use subrosa_process::share::Share;

use crate::background;
use crate::boards;
use crate::configuration::{Configuration, EXAMPLE};
use crate::doctor::{self, DoctorOptions};
use crate::island;
use crate::join;
use crate::language::Language;
use crate::opinion;
use crate::outbound::Trust;
use crate::shell::{self, RoomOptions, Terminal};
use crate::supervise::{self, RunOptions};
use crate::web;

/// No link is longer (bytes).
const LONGEST_LINK: u64 = 64 * 1024;

/// A meeting room that takes part in video calls, and whose switches and lamps tell the truth.
///
/// Guests open the room's own page in a browser; no account, no cloud. `subrosa run --board sim` starts a whole room on
/// this machine: it prints where to see the simulated switches and lamps, and, once its button is pressed, link and PIN.
#[derive(Parser)]
#[command(name = "subrosa", version, arg_required_else_help = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run a room on this machine: all its processes, until Ctrl-C
    ///
    /// Starts guard, media and room (and the simulated room where the board is `sim`), and starts again what dies. As root
    /// each process gets a user of its own (`make setup` creates them), so that permissions bind as on a device; otherwise all
    /// run as you. On a device systemd does the same: `systemctl start subrosa.target`.
    Run(Run),
    /// Tell whether a configuration can be used, and if not, why
    ///
    /// Each fault is printed with file, line, key, what is wrong and what would be right. Without FILE, looks at
    /// ./subrosa.toml, then /etc/subrosa/subrosa.toml, as `subrosa run` does.
    Check {
        /// The file [default: the one that `subrosa run` would use]
        file: Option<PathBuf>,
        /// Print a file with every key at its default and a word about each
        #[arg(long)]
        example: bool,
    },
    /// List the boards, or tell how one is wired
    ///
    /// Without BOARD: every board with the machines it is for, its encoders and what its lamps are worth, and which of them
    /// is for this machine. With BOARD (a name, a file, or "auto"): whether its file can be used, and the pins of its
    /// switches and lamps.
    Boards {
        /// One board
        board: Option<String>,
        /// The table of all boards as Markdown, as it is in the README
        #[arg(long, conflicts_with = "board")]
        markdown: bool,
        /// The wiring of one board as a drawing (SVG)
        #[arg(long, requires = "board")]
        drawing: bool,
        /// Where boards/ is [default: the source tree, else /usr/share/subrosa]
        #[arg(long, value_name = "DIR")]
        share: Option<PathBuf>,
    },
    /// Show the fingerprint of the certificate that guests see
    Certificate {
        /// The configuration file
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The state directory of the room
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
    },
    /// Look at this device, and say what is wrong and what to do about it
    ///
    /// Looks at the board and its file, encoders, clock, certificate, disk, network, units. Says about each finding what it
    /// means and what to do. Run it as root on a device. Nothing is opened, lit or played unless you ask for it.
    ///
    /// Ends with 0 where nothing is wrong, 1 where something is, 2 where something could not be looked at.
    Doctor(Doctor),
    /// Propose a meeting on somebody else's server to the running room: a press of the room's button joins it
    ///
    /// Reads a link of a Jitsi Meet room, shows the notice (who runs the server, what is on record about it) here and on the room's screen,
    /// and then tells how far the room is. Asks here for the meeting's password if it has one; every other line that is typed goes to the
    /// meeting's chat. Runs as root, or as the user that `subrosa run` runs as.
    ///
    /// Ends with 0 when the room has left as wanted, 1 when it could not join or was put out.
    Join {
        /// The link; "-" reads it from the first line of standard input, so that a token in it stands in no list of processes
        #[arg(required_unless_present = "leave")]
        link: Option<String>,
        /// Leave the meeting, or forget the proposal; holding the button for two seconds leaves, too
        #[arg(long, conflicts_with = "link")]
        leave: bool,
        /// The run directory of the room [default: as for `subrosa run`]
        #[arg(long, value_name = "DIR")]
        run: Option<PathBuf>,
    },
    /// The network that the device makes itself ([island] in the configuration): tell about it, or set it up
    ///
    /// Prints its name and what is written for hostapd and systemd-networkd, without the passphrase. On a device
    /// subrosa-island.service runs it with --write before the radio starts (docs/island.md).
    Island {
        /// The configuration file [default: ./subrosa.toml, else /etc/subrosa/subrosa.toml, else the defaults]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// The state directory, where the passphrase is kept [default: as for `subrosa run`]
        #[arg(long, value_name = "DIR")]
        state: Option<PathBuf>,
        /// Lay the files down below DIR, which is /run on a device; without an island, take them away
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
    },
    /// Tell what a link of somebody else's meeting is, and what is on record about its server
    ///
    /// Prints server and room, the notice that people read before joining, and what the rule in [joining] makes of the server
    /// (docs/servers.md). Contacts nobody; `subrosa join` joins.
    ///
    /// Ends with 0 where the rule lets the room join, 1 where it does not.
    Link {
        /// The link; "-" reads it from standard input, so that a token in it stands in no list of processes
        link: String,
        /// The configuration file [default: ./subrosa.toml, else /etc/subrosa/subrosa.toml, else the defaults]
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// de or en [default: by LC_ALL, LC_MESSAGES, LANG]
        #[arg(long, value_name = "LANGUAGE", value_parser = language)]
        language: Option<Language>,
    },
    /// Measure a call: cost, delay, start, joins; `subrosa bench --help` says what
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Print completions for a shell: subrosa completions bash > /etc/bash_completion.d/subrosa
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page: subrosa man | man -l -
    Man,
    /// One process of the room: meetings, page, screen. Started by `subrosa run` and by systemd
    #[command(hide = true)]
    Room(Room),
}

#[derive(Args)]
struct Run {
    /// The board: a name (`subrosa boards` lists them), the path of a file, or "auto" for the one that is for this machine
    #[arg(long, value_name = "BOARD", default_value = subrosa_board::AUTO)]
    board: String,
    /// The configuration file [default: ./subrosa.toml, else /etc/subrosa/subrosa.toml, else the defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where sockets and simulated devices live; made anew at start [default: /run/subrosa for root, else
    /// $XDG_RUNTIME_DIR/subrosa, else /tmp/subrosa-UID]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Where the certificate is kept [default: /var/lib/subrosa for root, else ~/.local/state/subrosa]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Where boards/ and data/ are [default: the source tree, else /usr/share/subrosa]
    #[arg(long, value_name = "DIR")]
    share: Option<PathBuf>,
    /// All processes run as one user; always so without root
    #[arg(long)]
    one_user: bool,
    /// Where the simulated room's page listens; a loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8088")]
    sim_listen: SocketAddr,
}

#[derive(Args)]
struct Doctor {
    /// The board: a name, the path of a file, or "auto" [default: BOARD in /etc/subrosa/board, else auto]
    #[arg(long, value_name = "NAME")]
    board: Option<String>,
    /// The configuration file [default: ./subrosa.toml, else /etc/subrosa/subrosa.toml, else the defaults]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The run directory of the room [default: as for `subrosa run`]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Its state directory [default: as for `subrosa run`]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Where boards/ is [default: the source tree, else /usr/share/subrosa]
    #[arg(long, value_name = "DIR")]
    share: Option<PathBuf>,
    /// All processes of the room run as one user; always so without root
    #[arg(long)]
    one_user: bool,
    /// Light every lamp, one after another; the room has to sleep
    #[arg(long)]
    lamps: bool,
    /// Light every lamp, and ask you to move every switch and press every button
    #[arg(long)]
    press: bool,
    /// Open camera and microphone as a call does, after you have pressed the room's button, and measure how fast
    /// lamps are lit and devices closed
    #[arg(long)]
    call: bool,
    /// The same, and play a chirp: how long is the way from the speaker to the microphone?
    #[arg(long)]
    sound: bool,
    /// Wait so many seconds for each act that you are asked for
    #[arg(long, value_name = "SECONDS", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=600))]
    patience: u64,
    /// Print JSON; questions to you go to standard error as ever
    #[arg(long)]
    json: bool,
    /// de or en [default: by LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<Language>,
}

fn language(tag: &str) -> Result<Language, String> {
    Language::ALL.into_iter().find(|language| language.tag() == tag).ok_or_else(|| "de or en".to_owned())
}

#[derive(Args)]
struct Room {
    #[arg(long, value_name = "BOARD")]
    board: String,
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// A file that is not there means the defaults: a device need not have one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where relative paths in the configuration start, if it is a copy.
    #[arg(long, value_name = "DIR")]
    config_folder: Option<PathBuf>,
    #[arg(long, value_name = "DIR")]
    share: Option<PathBuf>,
    #[arg(long)]
    one_user: bool,
    /// A person reads standard output: print link and PIN there.
    #[arg(long)]
    terminal: bool,
}

/// Does what the command line asks for.
///
/// # Errors
/// With words for the person who asked.
pub fn carry_out(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let done = match arguments.command {
        Task::Doctor(arguments) => return doctor(arguments),
        Task::Join { link, leave: _, run } => {
            let run = run.map_or_else(RunDir::usual, RunDir::new);
            return Ok(ExitCode::from(u8::from(!join::join(&run, link.as_deref())?)));
        }
        Task::Link { link, config, language } => return link_opinion(link, config, language),
        Task::Run(run) => {
            subrosa_process::start::process("run").context("core dumps cannot be ruled out")?;
            supervise::run(RunOptions {
                board: run.board,
                configuration: run.config,
                run: run.run,
                state: run.state,
                share: run.share,
                one_user: run.one_user,
                sim_listen: run.sim_listen,
            })
        }
        Task::Room(arguments) => room(arguments),
        Task::Check { example: true, .. } => print(EXAMPLE),
        Task::Check { file, example: false } => check(file),
        Task::Boards { board, markdown, drawing, share } => {
            let share = Share::find(share.as_deref());
            match board {
                Some(board) => print(&boards::one(&share, &board, drawing)?),
                None => print(&boards::all(&share, markdown)?),
            }
        }
        Task::Certificate { config, state } => certificate(config, state),
        Task::Island { config, state, write } => island(config, state, write),
        Task::Bench { arguments } => bench(&arguments),
        Task::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "subrosa", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
        Task::Man => print(&manual()?),
    };
    done.map(|()| ExitCode::SUCCESS)
}

fn doctor(arguments: Doctor) -> anyhow::Result<ExitCode> {
    subrosa_process::start::process("doctor").context("core dumps cannot be ruled out")?;
    let language = arguments.language.unwrap_or_else(Language::of_the_terminal);
    let report = doctor::examine(DoctorOptions {
        board: arguments.board,
        configuration: arguments.config,
        run: arguments.run,
        state: arguments.state,
        share: arguments.share,
        one_user: arguments.one_user,
        lamps: arguments.lamps,
        press: arguments.press,
        call: arguments.call,
        sound: arguments.sound,
        patience: Duration::from_secs(arguments.patience),
        language,
    });
    // What cannot be looked at at all is not wrong: it is not known.
    let report = match report {
        Ok(report) => report,
        Err(error) => {
            eprintln!("subrosa: {error:#}");
            return Ok(ExitCode::from(2));
        }
    };
    print(&if arguments.json { report.json(language)? + "\n" } else { report.text(language) })?;
    Ok(ExitCode::from(report.exit_code()))
}

fn link_opinion(link: String, config: Option<PathBuf>, language: Option<Language>) -> anyhow::Result<ExitCode> {
    let configuration = match config.or_else(Configuration::usual_path) {
        Some(file) => Configuration::load(&file)?,
        None => Configuration::default(),
    };
    let language = language.unwrap_or_else(Language::of_the_terminal);
    let link = if link == "-" { io::read_to_string(io::stdin().lock().take(LONGEST_LINK))? } else { link };
    let today = time::OffsetDateTime::now_utc().date();
    match opinion::opinion(&link, &configuration, today, language) {
        Ok(opinion) => {
            print(&opinion.text)?;
            Ok(ExitCode::from(u8::from(opinion.refused)))
        }
        Err(error) => bail!("{}", error.sentence(language)),
    }
}

fn room(arguments: Room) -> anyhow::Result<()> {
    subrosa_process::start::process("room").context("core dumps cannot be ruled out")?;
    let configuration = match arguments.config.as_deref() {
        Some(file) if !file.exists() => {
            tracing::info!("{} is not there, every key has its default", file.display());
            Configuration::default()
        }
        Some(file) => match arguments.config_folder.as_deref() {
            Some(folder) => Configuration::load_at(file, folder)?,
            None => Configuration::load(file)?,
        },
        None => Configuration::default(),
    };
    shell::run(RoomOptions {
        board: Share::find(arguments.share.as_deref()).board_file(&arguments.board)?,
        run: RunDir::new(arguments.run),
        state: arguments.state,
        configuration,
        one_user: arguments.one_user,
        terminal: if arguments.terminal { Terminal::Read } else { Terminal::Unread },
    })?;
    Ok(())
}

fn check(file: Option<PathBuf>) -> anyhow::Result<()> {
    match file.or_else(Configuration::usual_path) {
        Some(file) => {
            let configuration = Configuration::load(&file)?;
            let mut text = format!("{}: can be used.\n", file.display());
            if let Some(files) = &configuration.web.certificate {
                for file in [&files.certificate, &files.key] {
                    if let Err(error) = std::fs::File::open(file) {
                        text.push_str(&format!(
                            "{}: cannot be read ({error}); until it can, the device uses its own certificate\n",
                            file.display()
                        ));
                    }
                }
            }
            if let (Background::Picture, Some(file)) = (configuration.blur.background(), &configuration.blur.image)
                && let Err(error) = background::read(file, configuration.media.picture, configuration.blur.colour)
            {
                text.push_str(&format!("{error}\n"));
            }
            if let Some(file) = &configuration.servers.authority
                && let Err(error) = Trust::load(Some(file))
            {
                text.push_str(&format!("{error}; until then no server is joined\n"));
            }
            print(&text)
        }
        None => print("There is no subrosa.toml here or in /etc/subrosa: every key has its default.\n"),
    }
}

fn certificate(config: Option<PathBuf>, state: Option<PathBuf>) -> anyhow::Result<()> {
    let configuration = match config.or_else(Configuration::usual_path) {
        Some(file) => Configuration::load(&file)?,
        None => Configuration::default(),
    };
    let state = state.map_or_else(supervise::usual_state, Ok)?;
    let settings = shell::web_settings(&configuration, &state);
    if configuration.web.certificate.is_none() && !settings.state.join("certificates").exists() {
        bail!(
            "{} holds no certificate yet: it is made when the room starts (--state names another folder)",
            state.display()
        );
    }
    let addresses = shell::addresses::reachable(&shell::addresses::read()?);
    let facts = web::describe(&settings, &addresses)?;
    let kind =
        if facts.checked { "the operator's; browsers check it" } else { "the device's; compare the fingerprint" };
    print(&format!("Certificate:  {kind}\nFingerprint:  {}\n", facts.fingerprint))
}

fn island(config: Option<PathBuf>, state: Option<PathBuf>, write: Option<PathBuf>) -> anyhow::Result<()> {
    subrosa_process::start::process("island").context("core dumps cannot be ruled out")?;
    // A device need not have a configuration.
    let configuration = match config.filter(|file| write.is_none() || file.exists()).or_else(Configuration::usual_path)
    {
        Some(file) => Configuration::load(&file)?,
        None => Configuration::default(),
    };
    let island = configuration.island.as_ref();
    if let Some(run) = write {
        let state = state.map_or_else(supervise::usual_state, Ok)?;
        return Ok(island::write::write(island, &state, &run)?);
    }
    match island {
        None => print("No island: [island] name is not set. docs/island.md says what it is.\n"),
        Some(island) => print(&island::write::preview(island)),
    }
}

fn bench(arguments: &[OsString]) -> anyhow::Result<()> {
    let here = std::env::current_exe()?;
    let program = here.parent().unwrap_or(Path::new(".")).join("subrosa-bench");
    if !program.is_file() {
        bail!(
            "{} is not there: `cargo build --release -p subrosa-tests --bin subrosa-bench` builds it in a source tree",
            program.display()
        );
    }
    Err(Command::new(&program).args(arguments).exec()).with_context(|| format!("{} does not start", program.display()))
}

/// The manual page: the command, then each of its tasks.
fn manual() -> anyhow::Result<String> {
    let mut command = Arguments::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    for task in command.get_subcommands().filter(|task| !task.is_hide_set() && task.get_name() != "help") {
        let part = clap_mangen::Man::new(task.clone());
        writeln!(text, ".SH \"SUBROSA {}\"", task.get_name().to_uppercase())?;
        let mut section = Vec::new();
        part.render_synopsis_section(&mut section)?;
        part.render_description_section(&mut section)?;
        part.render_options_section(&mut section)?;
        let section = String::from_utf8_lossy(&section).replace(".SH SYNOPSIS\n", ".PP\n");
        text.extend(section.replace(".SH DESCRIPTION\n", ".PP\n").replace(".SH OPTIONS\n", ".PP\n").into_bytes());
    }
    text.extend_from_slice(FILES.as_bytes());
    Ok(String::from_utf8_lossy(&text).into_owned())
}

const FILES: &str = r".SH FILES
.TP
/etc/subrosa/subrosa.toml
the configuration; `subrosa check \-\-example` prints one with every key
.TP
/usr/share/subrosa/boards/
one file for each board
.TP
/var/lib/subrosa/room/certificates/
the device's own authority and certificate
";

/// Prints to a reader that may have gone, such as `head`.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_manual_names_every_task_and_every_option_of_run() {
        let manual = manual().unwrap();
        for word in ["SUBROSA RUN", "SUBROSA CHECK", "SUBROSA BENCH", "sim\\-listen", "one\\-user", "SYNOPSIS", "FILES"]
        {
            assert!(manual.contains(word), "{word} is missing in\n{manual}");
        }
        assert!(!manual.contains("SUBROSA ROOM"));
    }

    #[test]
    fn bench_passes_its_arguments_on_as_they_are() {
        let parsed = Arguments::try_parse_from(["subrosa", "bench", "call", "--json", "--help"]).unwrap();
        let Task::Bench { arguments } = parsed.command else { panic!() };
        assert_eq!(arguments, ["call", "--json", "--help"]);
    }
}
