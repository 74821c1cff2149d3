//! The `subrosa` command.

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use subrosa_board::{BoardError, FindError};
use subrosa_process::start::UNUSABLE_CONFIGURATION;
use subrosa_room::command::{Arguments, carry_out};
use subrosa_room::configuration::ConfigurationError;
use subrosa_room::wipe::Wiping;

/// Whatever this process frees is overwritten (P6).
#[global_allocator]
static ALLOCATOR: Wiping = Wiping;

fn main() -> ExitCode {
    match carry_out(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("subrosa: {error:#}");
            let unusable = |cause: &(dyn Error + 'static)| {
                cause.is::<BoardError>() || cause.is::<FindError>() || cause.is::<ConfigurationError>()
            };
            if error.chain().any(unusable) { UNUSABLE_CONFIGURATION.into() } else { ExitCode::FAILURE }
        }
    }
}
