//! The guard process.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use subrosa_board::{Board, BoardError, FindError};
use subrosa_guard::doctor::look;
use subrosa_guard::enforce::{Enforcer, KillWay};
use subrosa_guard::lines::{is_mute_device, print_attached};
use subrosa_guard::node::Rights;
use subrosa_guard::shell::Guard;
use subrosa_guard::stop_hook::stop_hook;
use subrosa_process::run_dir::RunDir;
use subrosa_process::share::Share;
use subrosa_process::start::UNUSABLE_CONFIGURATION;
use subrosa_process::users::Users;

/// Reads the room's switches, lights its lamps, and decides who may open camera and microphone.
///
/// It is started by `subrosa run` or by systemd, never by hand.
#[derive(Parser)]
#[command(name = "subrosa-guard", version)]
struct Arguments {
    /// What to do instead of guarding.
    task: Option<Task>,
    /// The board: a name, a file, or "auto" for the one that is for this machine.
    #[arg(long, value_name = "BOARD", required_unless_present = "task")]
    board: Option<String>,
    /// The run directory: sockets, and the simulated room's lines and nodes.
    #[arg(long, value_name = "DIR", required_unless_present = "task")]
    run: Option<PathBuf>,
    /// All processes run as one user: for development, where nobody else's permission can be taken away.
    #[arg(long)]
    one_user: bool,
    /// How media is killed when it does not close in time: cgroup:PATH or fd:N.
    #[arg(long, value_name = "WAY")]
    kill: Option<KillWay>,
    /// The report descriptor that `mute-device` is asked about.
    #[arg(long, value_name = "FILE")]
    descriptor: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Task {
    /// Close every mode and light every live lamp, then end: for after a guard's end.
    StopHook,
    /// Print what is attached that could be a switch, key or lamp, as board files name it.
    Devices,
    /// Succeed if --descriptor is of a conference device with a mute key: for the udev rules.
    MuteDevice,
    /// Read every switch and light every live lamp, print that as JSON, and end: for a device whose guard does not run.
    Look,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A guard is restarted without delay. One that cannot start at all must not be, again and again, all that the machine
    // does.
    let waits = arguments.task.is_none() && std::env::var_os("NOTIFY_SOCKET").is_some();
    match guard(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            if error.is::<BoardError>() || error.is::<FindError>() {
                return UNUSABLE_CONFIGURATION.into();
            }
            if waits {
                std::thread::sleep(Duration::from_secs(1));
            }
            ExitCode::FAILURE
        }
    }
}

fn guard(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.task {
        Some(Task::Devices) => return Ok(print_attached(std::io::stdout().lock())?),
        Some(Task::MuteDevice) => {
            let descriptor = arguments.descriptor.context("give --descriptor a file")?;
            anyhow::ensure!(is_mute_device(&descriptor), "no conference device with a mute key");
            return Ok(());
        }
        Some(Task::Look | Task::StopHook) | None => {}
    }
    subrosa_process::start::process("guard").context("core dumps cannot be ruled out")?;
    let board = arguments.board.context("give --board a name or a file")?;
    let board = Board::load(&Share::find(None).board_file(&board)?)?;
    let run = RunDir::new(arguments.run.context("give --run a folder")?);
    let users = Users::find(arguments.one_user)?;
    match arguments.task {
        Some(Task::Look) => {
            println!("{}", serde_json::to_string(&look(&board, &run)?)?);
            Ok(())
        }
        Some(Task::StopHook | Task::Devices | Task::MuteDevice) => {
            Ok(stop_hook(&board, &run, &Rights::of(&users, arguments.one_user))?)
        }
        None => {
            let enforcer = Enforcer::ready(arguments.kill)?;
            Ok(Guard::start(board, &run, &users, arguments.one_user, enforcer)?.run()?)
        }
    }
}
