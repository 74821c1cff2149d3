//! `subrosa-sim`: the simulated room, and the hands in it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use subrosa_board::Board;
use subrosa_messages::Capture;
use subrosa_process::run_dir::RunDir;
use subrosa_process::share::Share;
use subrosa_process::users::Users;
use subrosa_sim::command::{self, Room};
use subrosa_sim::device::Device;
use subrosa_sim::web::{Move, Plug, SegmenterPosition, ShutterPosition, SwitchPosition};
use subrosa_sim::{prepare, serve};

/// The simulated room: its switch, shutter, button and cables
#[derive(Parser)]
#[command(name = "subrosa-sim", version, arg_required_else_help = true)]
struct Arguments {
    /// The run directory of the room [default: the one that `subrosa run` uses]
    #[arg(long, value_name = "DIR", global = true)]
    run: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Press the button for a moment: wakes the room, or admits the guest who waits longest; `press reveal` uncovers
    /// what stands behind people for a minute, or covers it again
    Press {
        #[arg(default_value = "button")]
        what: Pressable,
    },
    /// Hold the button longer than two seconds: ends the meeting
    Hold {
        #[arg(default_value = "button")]
        what: Holdable,
    },
    /// Move the microphone's switch
    Switch { position: SwitchPosition },
    /// Move the camera's shutter
    Shutter { position: ShutterPosition },
    /// Let the segmenter answer, or stand still: what is sent then is the privacy card
    Segmenter { position: SegmenterPosition },
    /// Pull the cable of camera or microphone
    Unplug { what: Cable },
    /// Put the cable of camera or microphone back
    Plug { what: Cable },
    /// Show lamps, switches and cables
    State {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make lines and nodes of a simulated room (`subrosa run` does it)
    Prepare {
        #[command(flatten)]
        place: Place,
        /// Where the data for camera and microphone are
        #[arg(long, value_name = "DIR")]
        share: Option<PathBuf>,
    },
    /// Serve the page of a prepared room (`subrosa run` does it)
    Serve {
        #[command(flatten)]
        place: Place,
        /// Where the page listens; a loopback address
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8088")]
        listen: SocketAddr,
    },
}

#[derive(Args)]
struct Place {
    /// The board: a name or a file
    #[arg(long, value_name = "BOARD")]
    board: String,
    /// All processes run as this user
    #[arg(long)]
    one_user: bool,
}

impl Place {
    fn board(&self) -> anyhow::Result<Board> {
        Ok(Board::load(&Share::find(None).board_file(&self.board)?)?)
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Pressable {
    Button,
    Reveal,
}

#[derive(Clone, Copy, ValueEnum)]
enum Holdable {
    Button,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cable {
    Camera,
    Microphone,
}

impl From<Cable> for Plug {
    fn from(cable: Cable) -> Self {
        let capture = match cable {
            Cable::Camera => Capture::Camera,
            Cable::Microphone => Capture::Microphone,
        };
        Plug { capture }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("subrosa-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Arguments { run, command }: Arguments) -> anyhow::Result<()> {
    let run = run.map_or_else(RunDir::usual, RunDir::new);
    let room = || Room::find(&run);
    let nothing = serde_json::Map::new();
    match command {
        Command::Press { what: Pressable::Button } => room()?.act("/press", &nothing)?,
        Command::Press { what: Pressable::Reveal } => room()?.act("/reveal", &nothing)?,
        Command::Hold { what: Holdable::Button } => room()?.act("/hold", &nothing)?,
        Command::Switch { position } => room()?.act("/switch", &Move { position })?,
        Command::Shutter { position } => room()?.act("/shutter", &Move { position })?,
        Command::Segmenter { position } => room()?.act("/segmenter", &Move { position })?,
        Command::Unplug { what } => room()?.act("/unplug", &Plug::from(what))?,
        Command::Plug { what } => room()?.act("/plug", &Plug::from(what))?,
        Command::State { json: false } => print!("{}", command::describe(&room()?.state()?)),
        Command::State { json: true } => println!("{}", serde_json::to_string(&room()?.state()?)?),
        Command::Prepare { place, share } => {
            subrosa_process::start::process("sim").context("the process cannot give up core dumps")?;
            let device = Device::new(place.board()?, run)?;
            let users = Users::find(place.one_user)?;
            prepare::prepare(&device, &Share::find(share.as_deref()), users, place.one_user)?;
        }
        Command::Serve { place, listen } => {
            subrosa_process::start::process("sim").context("the process cannot give up core dumps")?;
            let device = Device::new(place.board()?, run)?;
            let users = Users::find(place.one_user)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(serve::serve(device, users, listen))?;
        }
    }
    Ok(())
}
