//! The `subrosa` command.

use std::process::ExitCode;

use clap::Parser;
use subrosa_room::command::{Arguments, carry_out};
use subrosa_room::wipe::Wiping;

/// Whatever this process frees is overwritten (P6).
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

fn main() -> ExitCode {
    match carry_out(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("subrosa: {error:#}");
            ExitCode::FAILURE
        }
    }
}
