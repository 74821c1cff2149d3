//! The media process, and two things it does on its own: an encoder's trial, and the simulated camera's data.

use std::ffi::CString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use subrosa_board::Board;
use subrosa_media::encode::{narrowed, rows::Row, trial};
use subrosa_media::{plugins, sample};
use subrosa_messages::media::Size;
use subrosa_process::share::Share;

/// Camera, microphone, screen, speaker and peer links of the room. Started by `subrosa run` or by systemd.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
    #[command(flatten)]
    serve: Option<subrosa_media::session::Settings>,
}

#[derive(Subcommand)]
enum Task {
    /// Encodes some frames with one row of the encoder table; succeeds if peers could use them.
    Trial {
        /// The row, for example x264enc.
        row: String,
        /// As this board narrows it: a name, a file, or "auto".
        #[arg(long)]
        board: Option<String>,
        /// Width of the picture.
        #[arg(long, default_value_t = 1280)]
        width: u32,
        /// Height of the picture.
        #[arg(long, default_value_t = 720)]
        height: u32,
        /// Print what it made, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Makes data for the simulated room.
    #[command(subcommand)]
    Sample(Sample),
}

#[derive(Subcommand)]
enum Sample {
    /// What the simulated camera sees: a slow pan over a portrait, as concatenated JPEG frames.
    Camera {
        /// A PNG or JPEG file.
        portrait: PathBuf,
        /// The file to write.
        out: PathBuf,
    },
}

fn rows_of(board: &str) -> anyhow::Result<Vec<&'static Row>> {
    let board = Board::load(&Share::find(None).board_file(board)?)?;
    let rows = narrowed::of_board(&board)?;
    narrowed::check_elements(&board)?;
    Ok(rows)
}

/// GStreamer's threads come and go with each link, and the C library gives each an arena of its own (mallopt(3)), up to
/// eight per core, that stays. With two, the process held 108 MiB instead of 138 after 40 joins on two cores.
///
/// Large blocks are mappings of their own and go back when they are freed. By itself the library learns from the first overlay of
/// the screen (8 MB) that such blocks are usual, and frames, which are smaller, then lie in the heap between everything else.
fn give_memory_back() {
    const LARGE: libc::c_int = 256 * 1024;
    // SAFETY: there is no other thread yet, and mallopt touches nothing but the allocator's own settings.
    let _refused = unsafe { (libc::mallopt(libc::M_ARENA_MAX, 2), libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE)) };
}

/// What is freed is overwritten (P6): lines of chat pass through buffers of GStreamer's libraries, SCTP and TLS. The C library does so
/// when it is told to, but not with small blocks that its threads keep for themselves (`tcache_count`), and that can be said only in the
/// environment of a program that starts (glibc manual, *Tunables*). GLib's own allocator keeps what it is given back, too.
const ENVIRONMENT: [(&str, &str); 2] =
    [("GLIBC_TUNABLES", "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0"), ("G_SLICE", "always-malloc")];

/// Starts this program again, as the same process, where that was not said. Where that does not work it goes on as it is.
fn forget_what_is_freed() {
    let is_said = ENVIRONMENT.iter().all(|(name, value)| std::env::var_os(name).is_some_and(|said| said == *value));
    if !is_said {
        for (name, value) in ENVIRONMENT {
            // SAFETY: no other thread exists yet that could read the environment.
            unsafe { std::env::set_var(name, value) };
        }
        let _begins_anew = start_again();
    }
}

/// Returns only where it does not work: not even to a shell, which is what `Command` makes of a program that the kernel cannot start (one for another
/// processor, in an emulator).
fn start_again() -> anyhow::Result<()> {
    let program = CString::new(std::env::current_exe()?.into_os_string().into_vec())?;
    let arguments =
        std::env::args_os().map(|argument| CString::new(argument.into_vec())).collect::<Result<Vec<_>, _>>()?;
    let pointers: Vec<_> = arguments.iter().map(|argument| argument.as_ptr()).chain([std::ptr::null()]).collect();
    // SAFETY: strings that end with a zero, and a list of them that ends with a null pointer.
    unsafe { libc::execv(program.as_ptr(), pointers.as_ptr()) };
    Ok(())
}

/// Ends the process without the C library's exit handlers. Whatever ended the service, threads of GStreamer still run, and the handlers
/// take away what they stand on: one in fifteen died of a fault in memory instead of with its status (GStreamer 1.22).
fn end(status: i32) -> ! {
    // SAFETY: nothing of this process is looked at after it, and standard error is not buffered.
    unsafe { libc::_exit(status) }
}

fn main() -> anyhow::Result<ExitCode> {
    forget_what_is_freed();
    give_memory_back();
    subrosa_process::start::process("media")?;
    let arguments = Arguments::parse();
    match (arguments.task, arguments.serve) {
        (Some(Task::Trial { row, board, width, height, json }), _) => {
            plugins::start()?;
            let rows = board.as_deref().map_or(Ok(Vec::new()), rows_of)?;
            let made =
                trial::run(&row, &rows, Size { width, height }).with_context(|| format!("{row} failed its trial"))?;
            if json {
                println!("{}", serde_json::to_string(&made)?);
            }
        }
        (Some(Task::Sample(Sample::Camera { portrait, out })), _) => {
            plugins::start()?;
            sample::camera(&portrait, &out)?;
        }
        (None, Some(settings)) => {
            plugins::close_cameras_whole();
            plugins::quieten_libcamera();
            plugins::remember_in(&settings.own_state());
            let status = match subrosa_media::session::serve(&settings) {
                Ok(()) => 0,
                Err(error) => {
                    eprintln!("Error: {:?}", anyhow::Error::from(error));
                    1
                }
            };
            end(status);
        }
        (None, None) => anyhow::bail!("say --board, --run, --state and --model, or a task: see --help"),
    }
    Ok(ExitCode::SUCCESS)
}
