//! The simulated room while it runs: hands, eyes and ears around the files.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use subrosa_process::users::Users;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::sleep_until;

use crate::button::{Action, Button, Event, Wish};
use crate::device::{Device, Input, State};
use crate::outputs::Outputs;
use crate::{watch as files, web};

/// Why the simulated room does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The page must not be reachable from anywhere else.
    #[error(
        "{0} is not a loopback address: whoever reaches the simulated room can open its camera, so it listens on 127.0.0.1 or [::1] only"
    )]
    NotLoopback(SocketAddr),
    /// The port is taken, or not ours.
    #[error("{address} cannot be listened on: give another one with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The files are not there or not ours.
    #[error("the run directory is not a simulated room of this user's: run `subrosa-sim prepare` first")]
    Files(#[source] io::Error),
    /// Somebody made the room anew.
    #[error("the lines have gone: the run directory was made anew, start the simulated room again")]
    Gone,
    /// The page's server broke.
    #[error("the page's server broke")]
    Server(#[source] io::Error),
}

/// What the page's handlers share.
#[derive(Debug)]
pub struct Room {
    /// The lines and nodes.
    pub device: Device,
    /// Screen and speaker.
    pub outputs: Outputs,
    /// What can be seen now.
    pub state: watch::Sender<State>,
    finger: Wishes,
    reveal: Wishes,
    wishes: AtomicU64,
}

type Wishes = mpsc::UnboundedSender<(Event, oneshot::Sender<bool>)>;

/// Each button has a finger of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finger {
    /// On the room's button.
    Button,
    /// On *reveal*.
    Reveal,
}

impl Room {
    /// Gives a finger something to do and waits until it is done. `false`: too much to do.
    pub async fn touch(&self, finger: Finger, event: fn(Wish) -> Event) -> bool {
        let finger = match finger {
            Finger::Button => &self.finger,
            Finger::Reveal => &self.reveal,
        };
        let wish = Wish(self.wishes.fetch_add(1, Ordering::Relaxed));
        let (sender, done) = oneshot::channel();
        finger.send((event(wish), sender)).is_ok() && done.await.unwrap_or(false)
    }
}

/// Serves the room until its files go.
///
/// # Errors
/// When it cannot start, or the files have gone.
pub async fn serve(device: Device, users: Users, listen: SocketAddr) -> Result<(), ServeError> {
    if !listen.ip().is_loopback() {
        return Err(ServeError::NotLoopback(listen));
    }
    let mut changes = files::watch(device.run()).map_err(ServeError::Files)?;
    let outputs = Outputs::default();
    outputs.listen(device.run(), users.media).map_err(ServeError::Files)?;
    let (finger, wishes) = mpsc::unbounded_channel();
    let (reveal, reveal_wishes) = mpsc::unbounded_channel();
    let room = Arc::new(Room {
        state: watch::Sender::new(device.look(false)),
        device,
        outputs,
        finger,
        reveal,
        wishes: AtomicU64::new(0),
    });
    tokio::spawn(touch_button(Arc::clone(&room), Input::Button, wishes));
    tokio::spawn(touch_button(Arc::clone(&room), Input::Reveal, reveal_wishes));

    let failed = |source| ServeError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    // The command line looks for it here.
    std::fs::write(room.device.run().sim_address(), address.to_string()).map_err(ServeError::Files)?;
    tracing::info!("the simulated room is at http://{address}/");
    if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Ready]) {
        tracing::warn!(%error, "the service manager could not be told that the simulated room runs");
    }

    let look = async {
        let mut connected = room.outputs.connected.subscribe();
        loop {
            let delivers = *connected.borrow_and_update() > 0;
            let seen = room.device.look(delivers);
            room.state.send_if_modified(|state| std::mem::replace(state, seen) != seen);
            tokio::select! {
                change = changes.recv() => if change.is_none() { return ServeError::Gone },
                _ = connected.changed() => {}
            }
        }
    };
    tokio::select! {
        error = look => Err(error),
        served = axum::serve(listener, web::router(Arc::clone(&room))) => served.map_err(ServeError::Server),
    }
}

async fn touch_button(
    room: Arc<Room>,
    input: Input,
    mut wishes: mpsc::UnboundedReceiver<(Event, oneshot::Sender<bool>)>,
) {
    let mut button = Button::new(Instant::now());
    let mut waiting = std::collections::HashMap::new();
    let mut wake = None;
    loop {
        let event = tokio::select! {
            wish = wishes.recv() => {
                let Some((event, sender)) = wish else { return };
                if let Event::Press(wish) | Event::Hold(wish) | Event::Down(wish) | Event::Up(wish) = event {
                    waiting.insert(wish, sender);
                }
                event
            }
            () = async {
                match wake {
                    Some(at) => sleep_until(tokio::time::Instant::from_std(at)).await,
                    None => std::future::pending().await,
                }
            } => Event::Time,
        };
        wake = None;
        for action in button.step(Instant::now(), event) {
            match action {
                Action::Set(pressed) => {
                    if let Err(error) = room.device.set(input, pressed) {
                        tracing::error!(%error, "the button does not move");
                    }
                }
                Action::Done(wish) | Action::Dropped(wish) => {
                    let done = matches!(action, Action::Done(_));
                    let _caller_has_gone = waiting.remove(&wish).map(|sender| sender.send(done));
                }
                Action::Wait(until) => wake = Some(until),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;
    use std::path::Path;
    use std::time::Duration;

    use subrosa_board::Board;
    use subrosa_messages::guard::Level;
    use subrosa_messages::outputs::Output;
    use subrosa_messages::{Capture, frame};
    use subrosa_process::run_dir::RunDir;
    use subrosa_process::share::Share;

    use super::*;
    use crate::command;
    use crate::prepare::prepare;
    use crate::web::{Move, Plug, SwitchPosition};

    /// Starts a room and gives its run directory and address to `visit`, which runs on a thread of its own.
    fn in_a_room(visit: impl FnOnce(RunDir, SocketAddr) + Send + 'static) {
        let folder = tempfile::tempdir().unwrap();
        let board = Board::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml")).unwrap();
        let run = RunDir::new(folder.path().join("run"));
        let device = Device::new(board, run.clone()).unwrap();
        prepare(&device, &Share::find(Some(folder.path())), Users::one(), true).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let visit = tokio::task::spawn_blocking(move || {
                let address = loop {
                    match std::fs::read_to_string(run.sim_address()).ok().and_then(|text| text.parse().ok()) {
                        Some(address) => break address,
                        None => std::thread::sleep(Duration::from_millis(5)),
                    }
                };
                visit(run, address);
            });
            tokio::select! {
                ended = serve(device, Users::one(), "127.0.0.1:0".parse().unwrap()) => panic!("{ended:?}"),
                visited = visit => visited.unwrap(),
            }
        });
    }

    fn get(address: SocketAddr, path: &str, host: &str) -> (String, Vec<u8>) {
        let mut socket = TcpStream::connect(address).unwrap();
        write!(socket, "GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
    }

    #[test]
    fn hands_move_lines_and_the_room_shows_it() {
        in_a_room(|run, _| {
            let room = command::Room::find(&run).unwrap();
            room.act("/switch", &Move { position: SwitchPosition::Mute }).unwrap();
            room.act("/unplug", &Plug { capture: Capture::Camera }).unwrap();
            room.act("/press", &serde_json::Map::new()).unwrap();
            std::fs::write(run.sim_lines().join("microphone-muted"), "1").unwrap(); // the guard's part
            let state = (0..200).find_map(|_| {
                std::thread::sleep(Duration::from_millis(5));
                room.state().ok().filter(|state| state.microphone.muted == Some(subrosa_messages::guard::Lamp::Lit))
            });
            let state = state.unwrap();
            assert_eq!((state.microphone.switch, state.camera.plugged, state.pressed), (Level::Closed, false, false));
            assert!(!run.sim_nodes().join("camera").exists());
            let refused = room.act("/switch", &serde_json::json!({ "position": "sideways" }));
            assert!(matches!(refused, Err(command::CommandError::Refused(_))));
        });
    }

    #[test]
    fn a_name_that_points_to_loopback_is_not_let_in() {
        in_a_room(|_, address| {
            let (head, _) = get(address, "/state", "rebound.example");
            assert!(head.starts_with("HTTP/1.0 403"), "{head}");
            let (head, page) = get(address, "/", &address.to_string());
            assert!(head.starts_with("HTTP/1.0 200") && head.contains("default-src 'none'"), "{head}");
            assert!(!String::from_utf8(page).unwrap().contains("://"), "the page asks no other host for anything");
        });
    }

    #[test]
    fn what_media_sends_is_seen_and_heard() {
        in_a_room(|run, address| {
            let host = address.to_string();
            assert!(get(address, "/screen.jpg", &host).0.starts_with("HTTP/1.0 404"));
            let waits = std::thread::spawn({
                let host = host.clone();
                move || get(address, "/screen.jpg?after=0", &host)
            });
            let mut media = UnixStream::connect(run.sim_outputs()).unwrap();
            frame::write(&mut media, &Output::Screen, b"a picture").unwrap();
            frame::write(&mut media, &Output::Sound, &[1; 960]).unwrap();
            let (head, picture) = waits.join().unwrap();
            assert!(head.contains("x-picture: 1"), "{head}");
            assert_eq!(picture, b"a picture");
            let (_, sound) = get(address, "/sound.wav?seconds=0.5", &host);
            assert_eq!(sound.len(), 44 + 48_000);
            assert!(sound.windows(2).any(|sample| sample == [1, 1]));
            assert!(get(address, "/sound.wav?seconds=1e9", &host).0.starts_with("HTTP/1.0 400"));
        });
    }

    #[test]
    fn other_machines_cannot_open_the_camera() {
        let board = Board::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml")).unwrap();
        let device = Device::new(board, RunDir::new("/nonexistent")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended = runtime.block_on(serve(device, Users::one(), "0.0.0.0:0".parse().unwrap()));
        assert!(matches!(ended, Err(ServeError::NotLoopback(_))));
    }
}
