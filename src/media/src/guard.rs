//! The line to the guard. What the guard takes back is cut here, on the thread that reads it, before anybody
//! else in this process hears of it.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use subrosa_messages::Capture;
use subrosa_messages::frame::{self, Decoder};
use subrosa_messages::guard::{GuardToMedia, MediaToGuard, PermitId, Refusal};
use subrosa_process::peer;
use subrosa_process::users::User;

use crate::cut::Cuts;
use crate::permit::{Permit, Revocation, TellGuard};
use crate::reveal::RevealAct;

/// What the guard says, as the session hears it.
#[derive(Debug)]
pub enum GuardEvent {
    /// The guard is there.
    Here,
    /// What keeps a capture closed; `None`: nothing.
    MayAsk(Capture, Option<Refusal>),
    /// A permit.
    Granted(Permit),
    /// No permit.
    Refused(Capture),
    /// The permit of this capture is taken back; its gate is closed already.
    Revoked(Capture),
    /// Somebody pressed *reveal* on the device.
    Reveal(RevealAct),
    /// The guard is gone, and with it every permit; both gates are closed already.
    Gone,
}

/// A guard that reads nothing for so long does not hold media up.
const WRITE_PATIENCE: Duration = Duration::from_millis(200);
/// Between two attempts to reach the guard.
const RETRY: Duration = Duration::from_millis(100);

type Issued = Arc<Mutex<BTreeMap<PermitId, (Capture, Revocation)>>>;

/// Asks the guard that is connected; nobody while none is.
#[derive(Clone, Default)]
pub struct Words(Arc<Mutex<Option<TellGuard>>>);

impl Words {
    /// Asks for a permit.
    pub fn ask(&self, capture: Capture) {
        let tell = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(tell) = tell {
            tell(MediaToGuard::Ask { capture });
        }
    }
}

/// Keeps a connection to the guard on a thread of its own, for ever.
///
/// # Errors
/// When no thread can be started.
pub fn attend(
    path: PathBuf,
    guard: User,
    cuts: &Cuts,
    words: &Words,
    tell: impl Fn(GuardEvent) + Send + 'static,
) -> io::Result<()> {
    let (cuts, words) = (cuts.clone(), words.clone());
    thread::Builder::new().name("guard".into()).spawn(move || {
        loop {
            match UnixStream::connect(&path) {
                Ok(socket) if peer::is_user(&socket, guard) => {
                    converse(socket, &cuts, &words, &tell);
                    // The first retry comes at once.
                    continue;
                }
                Ok(_) => tracing::warn!("the guard's socket belongs to somebody else"),
                Err(_) => {}
            }
            thread::sleep(RETRY);
        }
    })?;
    Ok(())
}

fn converse(mut socket: UnixStream, cuts: &Cuts, words: &Words, tell: &impl Fn(GuardEvent)) {
    let issued = Issued::default();
    let Some(tell_guard) = speaker(&socket, &issued) else { return };
    *words.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tell_guard.clone());
    tell(GuardEvent::Here);
    let mut decoder = Decoder::default();
    while let Ok(Some(frame)) = frame::read::<GuardToMedia>(&mut socket, &mut decoder) {
        if let Some(event) = hear(frame.message, &issued, &tell_guard, cuts) {
            tell(event);
        }
    }
    // Nobody can take a permit back any more: everything closes by itself (P1).
    for (_, revocation) in issued.lock().unwrap_or_else(PoisonError::into_inner).values() {
        revocation.revoke();
    }
    cuts.close();
    *words.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    tell(GuardEvent::Gone);
}

fn hear(message: GuardToMedia, issued: &Issued, tell_guard: &TellGuard, cuts: &Cuts) -> Option<GuardEvent> {
    let act = RevealAct::in_word(&message);
    match message {
        GuardToMedia::Reveal => act.map(GuardEvent::Reveal),
        GuardToMedia::Granted { permit, capture, nodes } => {
            let granted = Permit::granted(permit, capture, nodes, tell_guard.clone());
            let entry = (capture, granted.revocation());
            issued.lock().unwrap_or_else(PoisonError::into_inner).insert(permit, entry);
            Some(GuardEvent::Granted(granted))
        }
        GuardToMedia::Refused { capture, reason: _ } => Some(GuardEvent::Refused(capture)),
        GuardToMedia::Revoke { permit } => {
            let entry = issued.lock().unwrap_or_else(PoisonError::into_inner).get(&permit).cloned();
            let (capture, revocation) = entry?;
            revocation.revoke();
            cuts.of(capture).close();
            Some(GuardEvent::Revoked(capture))
        }
        GuardToMedia::MayAsk { capture, refusal } => Some(GuardEvent::MayAsk(capture, refusal)),
    }
}

/// Speaks over this one connection. After its end it says nothing, also not to the guard that comes next: a permit
/// is worth nothing to a guard that has not given it.
fn speaker(socket: &UnixStream, issued: &Issued) -> Option<TellGuard> {
    let out = socket.try_clone().ok()?;
    out.set_write_timeout(Some(WRITE_PATIENCE)).ok()?;
    let (out, issued) = (Mutex::new(out), issued.clone());
    Some(Arc::new(move |word| {
        if let MediaToGuard::Closed { permit } | MediaToGuard::DidNotOpen { permit } = word {
            issued.lock().unwrap_or_else(PoisonError::into_inner).remove(&permit);
        }
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        if frame::write(&mut *out, &word, &[]).is_err() {
            // Half a word would make the rest unreadable.
            let _closed_anyway = out.shutdown(std::net::Shutdown::Both);
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};
    use std::time::Instant;

    use gstreamer as gst;

    use super::*;
    use crate::timebase::Timebase;

    struct Stage {
        guard: UnixStream,
        decoder: Decoder<MediaToGuard>,
        events: Receiver<GuardEvent>,
        cuts: Cuts,
        words: Words,
        listener: std::os::unix::net::UnixListener,
        _folder: tempfile::TempDir,
    }

    fn stage() -> Stage {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("media.sock");
        let me = User::of_this_process();
        let listener = peer::listen(&path, me).unwrap();
        let cuts = Cuts::new(&Timebase::start());
        let words = Words::default();
        let (sender, events) = mpsc::channel();
        attend(path, me, &cuts, &words, move |event| drop(sender.send(event))).unwrap();
        let (guard, _) = listener.accept().unwrap();
        Stage { guard, decoder: Decoder::default(), events, cuts, words, listener, _folder: folder }
    }

    impl Stage {
        fn event(&self) -> GuardEvent {
            self.events.recv_timeout(Duration::from_secs(5)).unwrap()
        }

        fn say(&mut self, word: &GuardToMedia) {
            frame::write(&mut self.guard, word, &[]).unwrap();
        }

        fn heard(&mut self) -> MediaToGuard {
            frame::read(&mut self.guard, &mut self.decoder).unwrap().unwrap().message
        }

        fn grant(&mut self) -> Permit {
            let nodes = vec!["/dev/video0".into()];
            self.say(&GuardToMedia::Granted { permit: PermitId(3), capture: Capture::Camera, nodes });
            match self.event() {
                GuardEvent::Granted(permit) => permit,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn p3_what_is_revoked_is_cut_before_the_session_hears_of_it() {
        let mut stage = stage();
        assert!(matches!(stage.event(), GuardEvent::Here));
        stage.words.ask(Capture::Camera);
        assert_eq!(stage.heard(), MediaToGuard::Ask { capture: Capture::Camera });
        let mut permit = stage.grant();
        permit.all_open();
        assert!(stage.cuts.camera.open(&permit));
        assert_eq!(stage.heard(), MediaToGuard::AllOpen { permit: PermitId(3) });
        let edge = Instant::now();
        stage.say(&GuardToMedia::Revoke { permit: PermitId(3) });
        assert!(matches!(stage.event(), GuardEvent::Revoked(Capture::Camera)));
        assert!(edge.elapsed() < Duration::from_millis(50));
        assert!(!stage.cuts.camera.is_open() && permit.is_revoked());
        assert!(!stage.cuts.camera.open(&permit), "for good");
        drop(permit);
        assert_eq!(stage.heard(), MediaToGuard::Closed { permit: PermitId(3) });
    }

    #[test]
    fn p1_without_a_guard_every_permit_is_void_and_the_next_guard_hears_nothing_of_it() {
        let mut stage = stage();
        assert!(matches!(stage.event(), GuardEvent::Here));
        let mut permit = stage.grant();
        permit.all_open();
        assert!(stage.cuts.camera.open(&permit));
        stage.guard.shutdown(std::net::Shutdown::Both).unwrap();
        assert!(matches!(stage.event(), GuardEvent::Gone));
        assert!(!stage.cuts.camera.is_open() && permit.is_revoked());
        let (guard, _) = stage.listener.accept().unwrap();
        (stage.guard, stage.decoder) = (guard, Decoder::default());
        assert!(matches!(stage.event(), GuardEvent::Here));
        drop(permit);
        stage.words.ask(Capture::Microphone);
        assert_eq!(stage.heard(), MediaToGuard::Ask { capture: Capture::Microphone });
    }
}
