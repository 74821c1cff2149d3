//! The socket on which somebody who looks after the device proposes a meeting (`subrosa join`). Who connects is checked by the kernel's word.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use subrosa_messages::frame::Frame;
use subrosa_messages::join::{JoinToRoom, RoomToJoin};
use subrosa_process::peer;
use subrosa_process::users::User;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::shell::socket::{Heard, Voice, talk};

/// What a visitor says, with the voice that answers them.
#[derive(Debug)]
pub enum Visit {
    /// Somebody has come.
    Came(u64, Voice<RoomToJoin>),
    /// They say something.
    Said(u64, JoinToRoom),
    /// They have gone.
    Went(u64),
}

/// Listens until nobody wants to know any more: to whoever looks after the device, and to the simulated hand if there is one.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(path: &Path, doctor: User, hand: Option<User>, to: mpsc::Sender<Visit>) -> io::Result<()> {
    let listener = peer::listen(path, doctor)?;
    if hand.is_some() {
        // This user can hand the socket to no other's group; who connects is checked by the kernel's word all the same.
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    }
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    tokio::spawn(async move {
        let mut number = 0;
        while let Ok((socket, _)) = listener.accept().await {
            if [Some(doctor), hand].into_iter().flatten().any(|user| peer::is_user(&socket, user)) {
                number += 1;
                tokio::spawn(attend(number, socket, to.clone()));
            } else {
                tracing::warn!("somebody who may not speak with this room has tried to");
            }
        }
    });
    Ok(())
}

async fn attend(number: u64, socket: UnixStream, to: mpsc::Sender<Visit>) {
    let visit = |heard| match heard {
        Heard::Connected(voice) => Visit::Came(number, voice),
        Heard::Said(Frame { message, .. }) => Visit::Said(number, message),
        Heard::Lost => Visit::Went(number),
    };
    // A visitor who breaks off has said all there was to say.
    let _broken_off = talk(socket, &to, &visit).await;
    let _the_room_may_be_gone = to.send(visit(Heard::Lost)).await;
}
