//! The guard process.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use subrosa_board::Board;
use subrosa_guard::enforce::{Enforcer, KillWay};
use subrosa_guard::node::Rights;
use subrosa_guard::shell::Guard;
use subrosa_guard::stop_hook::stop_hook;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::Users;

/// Reads the room's switches, lights its lamps, and decides who may open camera and microphone.
///
/// It is started by `subrosa run` or by systemd, never by hand.
#[derive(Parser)]
#[command(name = "subrosa-guard", version)]
struct Arguments {
    /// What to do instead of guarding.
    task: Option<Task>,
    /// The board file.
    #[arg(long, value_name = "FILE")]
    board: PathBuf,
    /// The run directory: sockets, and the simulated room's lines and nodes.
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    /// All processes run as one user: for development, where nobody else's permission can be taken away.
    #[arg(long)]
    one_user: bool,
    /// How media is killed when it does not close in time: cgroup:PATH or fd:N.
    #[arg(long, value_name = "WAY")]
    kill: Option<KillWay>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Task {
    /// Close every mode and light every live lamp, then end: for after a guard's end.
    StopHook,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match guard(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn guard(arguments: Arguments) -> anyhow::Result<()> {
    subrosa_process::start::process("guard").context("core dumps cannot be ruled out")?;
    let board = Board::load(&arguments.board)?;
    let run = RunDir::new(arguments.run);
    let users = Users::find(arguments.one_user)?;
    match arguments.task {
        Some(Task::StopHook) => Ok(stop_hook(&board, &run, &Rights::of(&users, arguments.one_user))?),
        None => {
            let enforcer = Enforcer::ready(arguments.kill)?;
            Ok(Guard::start(board, &run, &users, arguments.one_user, enforcer)?.run()?)
        }
    }
}
