//! The passphrase that the device makes once, and where it is kept for the radio and the room's screen.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::write::lay_down;
use super::{Island, Passphrase};

/// No O and 0, no l, 1 and i: people copy it from a screen across the room.
const LETTERS: &[u8; 32] = b"abcdefghjkmnopqrstuvwxyz23456789";
const GROUPS: usize = 4;
const OF_A_GROUP: usize = 4;

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The kernel gives no randomness.
    #[error("no passphrase can be made: {0}")]
    Random(#[from] getrandom::Error),
    /// It cannot be read or kept.
    #[error("{path}: the island's passphrase cannot be read or kept there ({source})")]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What is kept there is none.
    #[error(
        "{path}: this is no passphrase (8 to 63 printable characters of ASCII); remove the file and a new one is made"
    )]
    Damaged {
        /// Where.
        path: PathBuf,
    },
}

/// Where it is kept below the device's state folder.
#[must_use]
pub fn place(state: &Path) -> PathBuf {
    state.join("island").join("passphrase")
}

/// A new one: four groups of four letters and digits, 80 bits.
///
/// # Errors
/// When the kernel has no randomness to give.
pub fn make() -> Result<Passphrase, getrandom::Error> {
    let mut random = Zeroizing::new([0_u8; GROUPS * OF_A_GROUP]);
    getrandom::fill(random.as_mut())?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied().map_or('x', char::from);
    let groups: Vec<String> = random.chunks(OF_A_GROUP).map(|group| group.iter().map(letter).collect()).collect();
    Ok(Passphrase(subrosa_messages::Pii::new(groups.join("-"))))
}

/// The operator's, else the one that is kept; `None` where none has been made yet.
///
/// # Errors
/// When it cannot be read, or is none.
pub fn kept(island: &Island, state: &Path) -> Result<Option<Passphrase>, PassphraseError> {
    if let Some(given) = &island.passphrase {
        return Ok(Some(given.clone()));
    }
    let path = place(state);
    let mut text = Zeroizing::new(String::new());
    // One that is longer than any is damaged, and not read to its end.
    let read = File::open(&path).and_then(|file| file.take(256).read_to_string(&mut text));
    match read {
        Ok(_) => match Passphrase::new(text.trim_end_matches('\n')) {
            Some(passphrase) => Ok(Some(passphrase)),
            None => Err(PassphraseError::Damaged { path }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(PassphraseError::Damaged { path }),
        Err(source) => Err(PassphraseError::File { path, source }),
    }
}

/// The operator's, else the one that is kept, else a new one, which is kept from now on: for its owner, and for its
/// group to read.
///
/// # Errors
/// When it cannot be read, made or kept.
pub fn kept_or_made(island: &Island, state: &Path) -> Result<Passphrase, PassphraseError> {
    if let Some(passphrase) = kept(island, state)? {
        return Ok(passphrase);
    }
    let (passphrase, path) = (make()?, place(state));
    // Whole or not at all: half of one would be a damaged one, and no island until somebody removes it.
    let kept = lay_down(&path, &Zeroizing::new(format!("{}\n", passphrase.reveal())), 0o640);
    kept.map(|()| passphrase).map_err(|source| PassphraseError::File { path, source })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::island::NetworkName;

    fn island(passphrase: Option<&str>) -> Island {
        let passphrase = passphrase.map(|text| Passphrase::new(text).unwrap());
        Island { passphrase, ..Island::named(NetworkName::new("Rose").unwrap()) }
    }

    #[test]
    fn it_is_made_once_and_kept_for_owner_and_group() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(kept(&island(None), state.path()).unwrap(), None);
        // What a power cut has left of an earlier attempt.
        fs::create_dir_all(place(state.path()).parent().unwrap()).unwrap();
        fs::write(place(state.path()).with_extension("part"), "ab").unwrap();
        let first = kept_or_made(&island(None), state.path()).unwrap();
        assert_eq!(kept_or_made(&island(None), state.path()).unwrap(), first);
        assert_eq!(kept(&island(None), state.path()).unwrap(), Some(first.clone()));
        let mode = fs::metadata(place(state.path())).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o027, 0, "{mode:o}");
        assert_eq!(first.reveal().len(), 19);
        assert_ne!(make().unwrap(), first);
        assert_eq!(format!("{first:?}"), "Passphrase(‹withheld›)");
    }

    #[test]
    fn the_operators_comes_first_and_is_written_nowhere() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(kept_or_made(&island(Some("von der Wand")), state.path()).unwrap().reveal(), "von der Wand");
        assert!(!place(state.path()).exists());
    }

    #[test]
    fn a_damaged_one_is_named_and_not_replaced() {
        let state = tempfile::tempdir().unwrap();
        let path = place(state.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        for damaged in [b"short".to_vec(), vec![0xff; 20], vec![b'a'; 300]] {
            fs::write(&path, &damaged).unwrap();
            let error = kept_or_made(&island(None), state.path()).unwrap_err();
            assert!(matches!(error, PassphraseError::Damaged { .. }), "{error}");
            assert_eq!(fs::read(&path).unwrap(), damaged);
        }
    }
}
