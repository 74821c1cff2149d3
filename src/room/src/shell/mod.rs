//! The room process: one task that routes between the meeting, the guard, media, the web server and the screen.

pub mod addresses;
mod artist;
mod desk;
mod elsewhere;
mod known;
mod life;
mod phones;
mod socket;
mod terminal;

#[cfg(test)]
mod tests;

use std::fs;
use std::future::pending;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use subrosa_board::{Board, BoardError, LinesBackend};
use subrosa_messages::media::Background;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::{UserError, Users};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::background;
use crate::certificates::OperatorFiles;
use crate::configuration::Configuration;
use crate::island::passphrase;
use crate::status::BoardFacts;
use crate::web::{self, WebEvent, WebSettings};
use desk::{Desk, Outlets};
use elsewhere::{Elsewhere, visit};
use life::Life;
use socket::{Peer, converse};
pub use terminal::Terminal;

/// Guests hear that the meeting is over before the process ends.
const FAREWELL: Duration = Duration::from_millis(200);

/// How the room process was called.
#[derive(Clone, Debug)]
pub struct RoomOptions {
    /// The board file.
    pub board: PathBuf,
    /// The run directory.
    pub run: RunDir,
    /// The folder of what outlives restarts; the room has a folder of its own in it.
    pub state: PathBuf,
    /// The configuration.
    pub configuration: Configuration,
    /// All processes run as one user.
    pub one_user: bool,
    /// Who reads standard output.
    pub terminal: Terminal,
}

/// Why the room cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// The board file.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The users.
    #[error(transparent)]
    User(#[from] UserError),
    /// The system.
    #[error("the room cannot start: {0}")]
    System(#[from] io::Error),
}

/// What the web server is told of a configuration.
#[must_use]
pub fn web_settings(configuration: &Configuration, state: &std::path::Path) -> WebSettings {
    // The first is hidden from a unit with `ProcSubset=pid`.
    let names = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let host_name = names.iter().find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let tls = configuration.web.certificate.clone();
    WebSettings {
        listen: configuration.web.listen.clone(),
        tls: tls.map(|files| OperatorFiles { certificate: files.certificate, key: files.key }),
        host_name: host_name.trim().to_owned(),
        public_url: configuration.network.public_url.clone(),
        state: state.join("room"),
    }
}

/// Runs until the process is asked to end.
///
/// # Errors
/// When it cannot start.
pub fn run(options: RoomOptions) -> Result<(), RoomError> {
    let board = Board::load(&options.board)?;
    let users = Users::find(options.one_user)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(route(options, board, users))?;
    runtime.shutdown_background();
    Ok(())
}

async fn route(options: RoomOptions, board: Board, users: Users) -> io::Result<()> {
    let (guard_says, mut guard) = mpsc::channel(64);
    let (media_says, mut media) = mpsc::channel(256);
    let (guests_say, mut guests) = mpsc::channel(64);
    let (web_says, mut web_events) = mpsc::unbounded_channel();
    let (addresses_are, mut addresses) = mpsc::channel(4);
    let (trips_tell, mut news) = mpsc::channel(64);
    let (visitors_say, mut visits) = mpsc::channel(16);
    let (artist_has, mut drawn) = mpsc::channel(2);
    let (to_web, for_web) = watch::channel(Vec::new());
    let (forget, forgets) = watch::channel(0);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let outlets = Outlets { artist: artist::start(artist_has)?, addresses: to_web, forget, terminal: options.terminal };
    let configuration = Arc::new(within(options.configuration, &board));
    let settings = web_settings(&configuration, &options.state);
    let blur = &configuration.blur;
    let picture = blur.image.clone().filter(|_| blur.background() == Background::Picture);
    let picture = picture.map(|file| (file, configuration.media.picture, blur.colour));
    let encoders = board.encoders.iter().map(|row| row.element.clone()).collect();
    let hand = (board.lines == LinesBackend::Sim).then_some(users.sim);
    visit::listen(&options.run.room_for_join(), users.doctor, hand, visitors_say)?;
    let island = configuration.island.clone();
    let elsewhere = Elsewhere::new(Arc::clone(&configuration), trips_tell);
    let mut desk = Desk::new(configuration, BoardFacts::of(&board), encoders, outlets, elsewhere, Instant::now());
    let state = options.state.clone();
    let passphrase = || {
        passphrase::kept(island.as_ref()?, &state).unwrap_or_else(|error| {
            tracing::warn!("the screen cannot say how the island's network is joined: {error}");
            None
        })
    };
    // The first certificate is to hold the addresses already.
    if let Ok(found) = addresses::read() {
        desk.passphrase(passphrase());
        desk.addresses(Instant::now(), found);
    }
    addresses::watch(addresses_are);
    let (behind_is, mut behind) = mpsc::channel(1);
    if let Some((file, size, colour)) = picture {
        // Some large pictures take longer than the page may.
        tokio::task::spawn_blocking(move || behind_is.blocking_send(background::read(&file, size, colour)));
    }
    let peer = |name, path, user| Peer { name, path, user };
    tokio::spawn(converse(peer("the guard", options.run.guard_for_room(), users.guard), guard_says, |heard| heard));
    tokio::spawn(converse(peer("media", options.run.media_for_room(), users.media), media_says, |heard| heard));
    let mut serving = tokio::spawn(web::serve(settings, for_web, guests_say, web_says, forgets));
    let mut life = None;

    loop {
        let deadline = desk.deadline(Instant::now());
        let alarm = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            // An act in the room comes before everything else.
            biased;
            Some(heard) = guard.recv() => desk.guard(Instant::now(), heard),
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Some(heard) = media.recv() => desk.media(Instant::now(), heard),
            Some((trip, said)) = news.recv() => desk.news(Instant::now(), trip, said),
            Some(visit) = visits.recv() => desk.visit(Instant::now(), visit),
            Some(event) = web_events.recv() => {
                // A taken port is told on the screen; it does not keep the process from being ready.
                if matches!(event, WebEvent::Serving { .. } | WebEvent::Fault { .. }) {
                    life.get_or_insert_with(Life::begin);
                }
                desk.web(Instant::now(), event);
            }
            Some(found) = addresses.recv() => {
                desk.passphrase(passphrase());
                desk.addresses(Instant::now(), found);
            }
            Some(read) = behind.recv() => desk.behind(Instant::now(), read),
            Some(drawn) = drawn.recv() => desk.drawn(drawn),
            Some(request) = guests.recv() => desk.request(Instant::now(), request),
            () = alarm => desk.tick(Instant::now()),
            () = beat(&life) => {}
            _ = &mut serving => {
                return Err(io::Error::other("the web server has stopped"));
            }
        }
    }
    desk.close(Instant::now());
    tokio::time::sleep(FAREWELL).await;
    Ok(())
}

/// What is asked of this board is what it can do.
fn within(mut configuration: Configuration, board: &Board) -> Configuration {
    if let Some(most) = board.max_guests.filter(|most| *most < configuration.meeting.max_guests) {
        tracing::warn!("[meeting] max_guests: this board serves {most} at once, more are not let in");
        configuration.meeting.max_guests = most;
    }
    configuration
}

async fn beat(life: &Option<Life>) {
    match life {
        Some(life) => life.beat().await,
        None => pending().await,
    }
}
