//! The microphone from the permit to the encoder, on a thread that lives as long as the device is open.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use gstreamer as gst;
use subrosa_board::CaptureSource;
use subrosa_messages::Capture;
use subrosa_messages::media::{CaptureHealth, MediaToRoom};

use super::chirp::Chirp;
use super::encoder::Encoder;
use super::frame::SILENCE;
use super::microphone;
use super::processing::Voice;
use super::stop::Stop;
use crate::Notify;
use crate::cut::Cut;
use crate::permit::Permit;
use crate::timebase::Timebase;

/// What every opening of the microphone needs.
pub(super) struct Ear {
    pub source: CaptureSource,
    pub voice: Arc<Mutex<Box<dyn Voice>>>,
    pub encoder: Encoder,
    pub cut: Cut,
    pub timebase: Timebase,
    pub notify: Notify,
    /// Held while the device is open: the next opening waits for the last closing.
    pub turn: Mutex<()>,
    pub chirp: Chirp,
}

impl Ear {
    /// Opens the microphone and listens until `stop` is raised or the device fails.
    pub fn listen(self: Arc<Self>, permit: Permit, stop: Arc<Stop>) {
        let ear = self.clone();
        let begun = thread::Builder::new().name("microphone".to_owned()).spawn(move || ear.run(permit, &stop));
        if begun.is_err() {
            tracing::error!("no thread for the microphone: it stays closed");
            self.tell(CaptureHealth::Failed);
        }
    }

    fn run(&self, mut permit: Permit, stop: &Stop) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if stop.is_raised() {
            drop(permit);
            return self.tell(CaptureHealth::Closed);
        }
        let mut device = match microphone::open(self.source, permit.nodes()) {
            Ok(device) => device,
            Err(error) => {
                permit.failed();
                tracing::warn!("{error}");
                return self.tell(error.health());
            }
        };
        permit.all_open();
        let health = if self.cut.open(&permit) {
            self.encoder.begin();
            self.voice().opened();
            self.pass_on(device.as_mut(), stop)
        } else {
            CaptureHealth::Closed
        };
        drop(device);
        // A device that failed by itself has no edge of the guard's.
        self.cut.close();
        self.encoder.forget();
        self.chirp.forget();
        self.voice().closed();
        drop(permit);
        self.tell(health);
    }

    fn pass_on(&self, device: &mut dyn microphone::Microphone, stop: &Stop) -> CaptureHealth {
        let mut times = Times::default();
        let mut frame = SILENCE;
        let mut running = false;
        loop {
            let taken = device.read(&mut frame, stop);
            if stop.is_raised() {
                return CaptureHealth::Closed;
            }
            if let Err(error) = taken {
                tracing::warn!("{error}");
                return error.health();
            }
            let pts = times.next(self.timebase.now());
            if !self.cut.is_open() {
                return CaptureHealth::Closed;
            }
            self.chirp.taken(&frame);
            self.voice().captured(&mut frame);
            self.encoder.encode(&frame, pts);
            if !running {
                running = true;
                self.tell(CaptureHealth::Running);
            }
        }
    }

    fn voice(&self) -> MutexGuard<'_, Box<dyn Voice>> {
        self.voice.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, state: CaptureHealth) {
        (self.notify)(MediaToRoom::Capture { capture: Capture::Microphone, state });
    }
}

/// The running times of frames: evenly 10 ms apart, following the device's clock, and never later than now.
#[derive(Debug, Default)]
struct Times {
    next: Option<gst::ClockTime>,
}

impl Times {
    /// The running time of the first sample of a frame that is complete `now`.
    fn next(&mut self, now: gst::ClockTime) -> gst::ClockTime {
        let length = gst::ClockTime::from_mseconds(10);
        let taken = now.saturating_sub(length);
        let even = self.next.unwrap_or(taken);
        let pts = if even > taken {
            taken
        } else if taken - even > gst::ClockTime::from_mseconds(60) {
            // The device was not heard for a while.
            taken
        } else {
            // A hundredth of the way: the jitter of this thread does not show, the drift of a clock is followed.
            even + gst::ClockTime::from_nseconds((taken - even).nseconds() / 100)
        };
        self.next = Some(pts + length);
        pts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn p3_no_frame_is_stamped_later_than_it_was_taken(waits in prop::collection::vec(0_u64..40_000_000, 1..300)) {
            let mut times = Times::default();
            let mut now = gst::ClockTime::from_seconds(1);
            let mut last = None;
            for wait in waits {
                now += gst::ClockTime::from_nseconds(wait);
                let pts = times.next(now);
                prop_assert!(pts + gst::ClockTime::from_mseconds(10) <= now);
                prop_assert!(now - pts < gst::ClockTime::from_mseconds(120));
                prop_assert!(last.is_none_or(|last| pts >= last));
                last = Some(pts);
            }
        }
    }

    #[test]
    fn frames_of_a_steady_device_are_evenly_spaced() {
        let mut times = Times::default();
        let mut last = None;
        for n in 0..1000_u64 {
            // The thread wakes up to 3 ms late.
            let now = gst::ClockTime::from_mseconds(1000 + n * 10 + (n * 7) % 4);
            let pts = times.next(now);
            if let Some(last) = last
                && n > 4
            {
                let step: gst::ClockTime = pts - last;
                assert!(
                    step >= gst::ClockTime::from_useconds(9_900) && step <= gst::ClockTime::from_useconds(10_100),
                    "{step}"
                );
            }
            last = Some(pts);
        }
    }
}
