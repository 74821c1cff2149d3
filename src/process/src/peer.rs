//! Unix sockets whose peers are checked.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::users::User;

/// Listens at `path` for one peer user. The socket's mode lets that user's group connect and nobody else (root needs no
/// mode); the credentials of who connects are to be checked with [`is_user`] all the same.
///
/// # Errors
/// When the folder is missing or the socket cannot be made.
pub fn listen(path: &Path, peer: User) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    if [0, User::of_this_process().uid].contains(&peer.uid) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    } else {
        // A folder with the set-group-ID bit (inode(7)) has already seen to it, and a unit may forbid the call.
        if fs::metadata(path)?.gid() != peer.gid {
            chown(path, None, Some(peer.gid))?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    }
    Ok(listener)
}

/// Whether the process at the other end runs as `user` (`SO_PEERCRED`, unix(7)).
pub fn is_user(socket: &impl AsFd, user: User) -> bool {
    rustix::net::sockopt::socket_peercred(socket).is_ok_and(|peer| peer.uid.as_raw() == user.uid)
}
