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
    finger: mpsc::UnboundedSender<(Event, oneshot::Sender<bool>)>,
    wishes: AtomicU64,
}

impl Room {
    /// Gives the finger on the button something to do and waits until it is done. `false`: too much to do.
    pub async fn touch(&self, event: fn(Wish) -> Event) -> bool {
        let wish = Wish(self.wishes.fetch_add(1, Ordering::Relaxed));
        let (sender, done) = oneshot::channel();
        self.finger.send((event(wish), sender)).is_ok() && done.await.unwrap_or(false)
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
    let room = Arc::new(Room {
        state: watch::Sender::new(device.look(false)),
        device,
        outputs,
        finger,
        wishes: AtomicU64::new(0),
    });
    tokio::spawn(touch_button(Arc::clone(&room), wishes));

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

async fn touch_button(room: Arc<Room>, mut wishes: mpsc::UnboundedReceiver<(Event, oneshot::Sender<bool>)>) {
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
                    if let Err(error) = room.device.set(Input::Button, pressed) {
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
