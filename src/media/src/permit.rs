//! The right to open a capture, as the guard gave it (P1, P2).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use subrosa_messages::Capture;
use subrosa_messages::guard::{MediaToGuard, PermitId};

/// Says something to the guard. Never blocks for long; without effect once that connection is gone.
pub type TellGuard = Arc<dyn Fn(MediaToGuard) + Send + Sync>;

/// The guard's hand on a permit that it has granted.
#[derive(Clone, Debug, Default)]
pub struct Revocation(Arc<AtomicBool>);

impl Revocation {
    /// The permit is worth nothing any more. The capture's gate is closed afterwards, never before.
    pub fn revoke(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A permit that the guard has granted. There is no other way to make one than from the guard's answer, and no way
/// to have it twice; a camera's and a microphone's constructor take it by value.
///
/// Dropping it tells the guard how it ended, so it is dropped after the device has been closed.
#[must_use = "a permit that is not used goes back to the guard"]
pub struct Permit {
    id: PermitId,
    capture: Capture,
    nodes: Vec<PathBuf>,
    open: bool,
    revocation: Revocation,
    tell: TellGuard,
}

impl Permit {
    /// The permit of a [`subrosa_messages::guard::GuardToMedia::Granted`] that came over the connection of `tell`.
    pub(crate) fn granted(id: PermitId, capture: Capture, nodes: Vec<PathBuf>, tell: TellGuard) -> Self {
        Permit { id, capture, nodes, open: false, revocation: Revocation::default(), tell }
    }

    /// The guard's hand on it.
    #[must_use]
    pub fn revocation(&self) -> Revocation {
        self.revocation.clone()
    }

    /// The guard has taken it back.
    #[must_use]
    pub fn is_revoked(&self) -> bool {
        self.revocation.0.load(Ordering::SeqCst)
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> PermitId {
        self.id
    }

    /// What may be opened.
    #[must_use]
    pub fn capture(&self) -> Capture {
        self.capture
    }

    /// The nodes that may be opened, in the order of the board file.
    #[must_use]
    pub fn nodes(&self) -> &[PathBuf] {
        &self.nodes
    }

    /// The first node: all that most captures have.
    #[must_use]
    pub fn node(&self) -> &Path {
        self.nodes.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Everything is open now: the guard closes the mode behind it.
    pub fn all_open(&mut self) {
        self.open = true;
        (self.tell)(MediaToGuard::AllOpen { permit: self.id });
    }

    /// The open was tried and did not succeed. The same as dropping it before [`Permit::all_open`].
    pub fn failed(self) {
        drop(self);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let permit = self.id;
        let word = if self.open { MediaToGuard::Closed { permit } } else { MediaToGuard::DidNotOpen { permit } };
        (self.tell)(word);
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("id", &self.id)
            .field("capture", &self.capture)
            .field("open", &self.open)
            .finish()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::*;

    pub(crate) fn permit() -> (Permit, Arc<Mutex<Vec<MediaToGuard>>>) {
        let said = Arc::new(Mutex::new(Vec::new()));
        let log = said.clone();
        let tell: TellGuard = Arc::new(move |word| log.lock().unwrap().push(word));
        (Permit::granted(PermitId(7), Capture::Camera, vec!["/dev/video0".into()], tell), said)
    }

    #[test]
    fn p1_every_permit_ends_with_one_word_to_the_guard() {
        let (unused, said) = permit();
        drop(unused);
        assert_eq!(*said.lock().unwrap(), [MediaToGuard::DidNotOpen { permit: PermitId(7) }]);

        let (mut used, said) = permit();
        used.all_open();
        drop(used);
        assert_eq!(
            *said.lock().unwrap(),
            [MediaToGuard::AllOpen { permit: PermitId(7) }, MediaToGuard::Closed { permit: PermitId(7) }]
        );
    }
}
