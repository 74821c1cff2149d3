//! Lays the island's files down where hostapd, systemd-networkd and NetworkManager look, or takes them away again.
//!
//! Below `/run`, so that nothing of it outlives a device whose key has been taken out.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::passphrase::{self, PassphraseError};
use super::{Island, files};

/// The radio's file below `/run`.
pub const HOSTAPD: &str = "subrosa-island/hostapd.conf";
/// Address and DHCP.
pub const NETWORK: &str = "systemd/network/10-subrosa-island.network";
/// That NetworkManager leaves the radio alone.
pub const NETWORK_MANAGER: &str = "NetworkManager/conf.d/90-subrosa-island.conf";

/// Why the network cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// There is no passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// A file.
    #[error("{path}: cannot be written ({source})")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes the files below `run`, and the passphrase into the state folder if there is none yet; without an island, removes
/// what an earlier configuration has left.
///
/// # Errors
/// When something cannot be written.
pub fn write(island: Option<&Island>, state: &Path, run: &Path) -> Result<(), WriteError> {
    let Some(island) = island else { return remove(run) };
    let passphrase = passphrase::kept_or_made(island, state)?;
    file(&run.join(NETWORK_MANAGER), &files::network_manager(island), 0o644)?;
    file(&run.join(NETWORK), &files::network(island), 0o644)?;
    // The last one: its presence starts the radio.
    file(&run.join(HOSTAPD), &files::hostapd(island, Some(&passphrase)), 0o600)
}

/// What would be written, for people: without the passphrase.
#[must_use]
pub fn preview(island: &Island) -> String {
    let radio = files::hostapd(island, None);
    let mut text = format!("{}: the device is an access point.\n", island.name.as_str());
    for (name, file) in
        [(HOSTAPD, radio), (NETWORK, files::network(island)), (NETWORK_MANAGER, files::network_manager(island))]
    {
        text.push_str(&format!("\n# /run/{name}\n{file}"));
    }
    text
}

fn file(path: &Path, text: &str, mode: u32) -> Result<(), WriteError> {
    lay_down(path, text, mode).map_err(|source| WriteError::File { path: path.to_owned(), source })
}

/// Writes a file whole, or not at all.
pub(super) fn lay_down(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = path.with_extension("part");
    let mut file = File::options().write(true).create(true).truncate(true).mode(mode).open(&part)?;
    // Whatever the process's mask says: networkd has a user of its own.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)
}

fn remove(run: &Path) -> Result<(), WriteError> {
    for name in [HOSTAPD, NETWORK, NETWORK_MANAGER] {
        let path = run.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(WriteError::File { path, source }),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::island::NetworkName;

    #[test]
    fn the_key_lays_the_files_down_and_its_absence_takes_them_away() {
        let (state, run) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let island = Island::named(NetworkName::new("Rose").unwrap());
        write(Some(&island), state.path(), run.path()).unwrap();
        let read = |name: &str| fs::read_to_string(run.path().join(name)).unwrap();
        let made = passphrase::kept(&island, state.path()).unwrap().unwrap();
        assert!(read(HOSTAPD).contains(made.reveal()));
        assert!(!read(NETWORK).contains(made.reveal()) && !read(NETWORK_MANAGER).contains(made.reveal()));
        let mode = |name: &str| fs::metadata(run.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(HOSTAPD), mode(NETWORK), mode(NETWORK_MANAGER)), (0o600, 0o644, 0o644));
        write(None, state.path(), run.path()).unwrap();
        assert!([HOSTAPD, NETWORK, NETWORK_MANAGER].iter().all(|name| !run.path().join(name).exists()));
        // Phones that know the network know it again.
        write(Some(&island), state.path(), run.path()).unwrap();
        assert!(read(HOSTAPD).contains(made.reveal()));
        write(None, state.path(), run.path()).unwrap();
        write(None, state.path(), run.path()).unwrap();
    }
}
