//! The edge after which nothing captured leaves (P3).
//!
//! Every frame, packet and retransmission in this process carries its running time as PTS, and there is one
//! [`crate::timebase::Timebase`]. So one comparison is enough at any place on the way out: what was captured before
//! the capture was closed has a PTS before the cut. The last place is the pad in front of DTLS
//! ([`crate::link`]), where pacer and retransmission history lie behind.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gstreamer as gst;

use crate::permit::Permit;
use crate::timebase::Timebase;

/// Called when a capture closes, from the thread that learnt of it, with the time of the cut.
pub type AtCut = Box<dyn Fn(gst::ClockTime) + Send + Sync>;

/// The gate of one capture. Cheap to clone; all clones are one gate.
#[derive(Clone)]
pub struct Cut(Arc<Inner>);

struct Inner {
    open: AtomicBool,
    at: AtomicU64,
    hold: gst::ClockTime,
    timebase: Timebase,
    at_cut: Mutex<Vec<AtCut>>,
}

impl Cut {
    /// A closed gate. `hold` is how much later than the edge the cut lies: for codecs whose packets repeat what
    /// came before.
    #[must_use]
    pub fn new(timebase: &Timebase, hold: gst::ClockTime) -> Self {
        Cut(Arc::new(Inner {
            open: AtomicBool::new(false),
            at: AtomicU64::new(0),
            hold,
            timebase: timebase.clone(),
            at_cut: Mutex::new(Vec::new()),
        }))
    }

    /// The camera's.
    #[must_use]
    pub fn camera(timebase: &Timebase) -> Self {
        Cut::new(timebase, gst::ClockTime::ZERO)
    }

    /// The microphone's: Opus repeats the frame before in the next one (in-band FEC, RFC 6716 section 2.1.7)
    /// and looks 6.5 ms ahead, so the first 40 ms after the edge are dropped too.
    #[must_use]
    pub fn microphone(timebase: &Timebase) -> Self {
        Cut::new(timebase, gst::ClockTime::from_mseconds(40))
    }

    /// Adds something to be done at every edge. It must be quick.
    pub fn when_closed(&self, action: AtCut) {
        self.0.at_cut.lock().unwrap_or_else(PoisonError::into_inner).push(action);
    }

    /// What is captured under this permit may pass from now on. `false`, and the gate stays closed, when the guard
    /// has taken the permit back in the meantime.
    ///
    /// The flag rises first and the permit is asked afterwards, the revocation does it the other way round
    /// ([`crate::guard`]): whichever comes first, the gate ends closed.
    #[must_use]
    pub fn open(&self, permit: &Permit) -> bool {
        self.0.open.store(true, Ordering::SeqCst);
        if permit.is_revoked() {
            self.close();
            return false;
        }
        true
    }

    /// The edge. Nothing happens when the gate is closed already: then nothing was captured since.
    ///
    /// The flag falls first and the time is read afterwards. A source stamps a frame first and asks
    /// [`Cut::is_open`] afterwards; so a frame that was let through was stamped before the cut.
    pub fn close(&self) {
        if !self.0.open.swap(false, Ordering::SeqCst) {
            return;
        }
        let edge = self.0.timebase.now() + self.0.hold;
        self.0.at.store(edge.nseconds(), Ordering::SeqCst);
        for action in self.0.at_cut.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            action(edge);
        }
    }

    /// Whether what is captured now may pass.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::SeqCst)
    }

    /// Whether the other is a clone of this one.
    #[must_use]
    pub fn is(&self, other: &Cut) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The time of the last edge; zero before the first.
    #[must_use]
    pub fn at(&self) -> gst::ClockTime {
        gst::ClockTime::from_nseconds(self.0.at.load(Ordering::SeqCst))
    }

    /// Whether something with this running time may still leave. What has no time may not: nobody can say when it
    /// was captured.
    #[must_use]
    pub fn passes(&self, running_time: Option<gst::ClockTime>) -> bool {
        running_time.is_some_and(|time| time >= self.at())
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cut").field("open", &self.is_open()).field("at", &self.at()).finish()
    }
}

/// The gates of both captures.
#[derive(Clone, Debug)]
pub struct Cuts {
    /// The camera's.
    pub camera: Cut,
    /// The microphone's.
    pub microphone: Cut,
}

impl Cuts {
    /// Two closed gates.
    #[must_use]
    pub fn new(timebase: &Timebase) -> Self {
        Cuts { camera: Cut::camera(timebase), microphone: Cut::microphone(timebase) }
    }

    /// The gate of one capture.
    #[must_use]
    pub fn of(&self, capture: subrosa_messages::Capture) -> &Cut {
        match capture {
            subrosa_messages::Capture::Camera => &self.camera,
            subrosa_messages::Capture::Microphone => &self.microphone,
        }
    }

    /// Both edges at once.
    pub fn close(&self) {
        self.camera.close();
        self.microphone.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::permit::tests::permit;

    #[test]
    fn p3_what_was_stamped_before_the_edge_never_passes() {
        gst::init().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::camera(&timebase);
        assert!(cut.open(&permit().0));
        let before = timebase.now();
        thread::sleep(Duration::from_millis(1));
        cut.close();
        assert!(!cut.is_open());
        assert!(!cut.passes(Some(before)));
        assert!(!cut.passes(None));
        assert!(cut.passes(Some(timebase.now())));
    }

    #[test]
    fn p3_the_microphone_is_cut_past_the_frame_that_repeats_the_last_one() {
        gst::init().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::microphone(&timebase);
        assert!(cut.open(&permit().0));
        cut.close();
        assert!(!cut.passes(Some(timebase.now() + gst::ClockTime::from_mseconds(30))));
        assert!(cut.passes(Some(timebase.now() + gst::ClockTime::from_mseconds(41))));
    }

    #[test]
    fn p3_a_permit_that_was_taken_back_opens_nothing() {
        gst::init().unwrap();
        let cut = Cut::camera(&Timebase::start());
        let (permit, _) = permit();
        permit.revocation().revoke();
        assert!(!cut.open(&permit));
        assert!(!cut.is_open());
    }

    #[test]
    fn an_edge_is_told_once_and_a_closed_gate_keeps_its_cut() {
        gst::init().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::camera(&timebase);
        let told = Arc::new(AtomicUsize::new(0));
        let count = told.clone();
        cut.when_closed(Box::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        cut.close();
        assert_eq!(told.load(Ordering::SeqCst), 0);
        assert!(cut.open(&permit().0));
        cut.close();
        let at = cut.at();
        cut.close();
        assert_eq!((told.load(Ordering::SeqCst), cut.at()), (1, at));
    }
}
