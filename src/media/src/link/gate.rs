//! The last pad before DTLS: nothing passes that must not leave.
//!
//! Pacer, retransmission history and session lie behind; srtpenc and the socket in front, and neither holds
//! anything back. What passes here is on the wire.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use gstreamer as gst;
use subrosa_messages::media::Mid;

use crate::cut::Cut;
use crate::pads;

/// The gate of one link. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    verified: AtomicBool,
    lines: RwLock<Vec<Line>>,
    passed: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug)]
struct Line {
    mid: Mid,
    ssrcs: Vec<u32>,
    /// The gates of every capture that this line has carried, also of those it no longer carries: the
    /// retransmission history remembers them.
    cuts: Vec<Cut>,
    /// What is older than this must not leave any more, not even as a retransmission.
    ended: Option<gst::ClockTime>,
}

impl Gate {
    /// The peer's certificate has been compared (P8). Before, nothing passes.
    pub fn verify(&self) {
        self.0.verified.store(true, Ordering::SeqCst);
    }

    /// Whether it has.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        self.0.verified.load(Ordering::SeqCst)
    }

    /// Which SSRCs belong to which line, as our description says. A stream that is not in it does not pass: nobody
    /// could say whether it was captured.
    pub fn learn(&self, ssrcs: Vec<(Mid, Vec<u32>)>) {
        let mut lines = self.0.lines.write().unwrap_or_else(PoisonError::into_inner);
        for (mid, numbers) in ssrcs {
            match lines.iter_mut().find(|line| line.mid == mid) {
                Some(line) => line.ssrcs = numbers,
                None => lines.push(Line { mid, ssrcs: numbers, cuts: Vec::new(), ended: None }),
            }
        }
    }

    /// From now on the line carries what this capture delivers.
    pub fn carries(&self, mid: &Mid, cut: &Cut) {
        let mut lines = self.0.lines.write().unwrap_or_else(PoisonError::into_inner);
        match lines.iter_mut().find(|line| line.mid == *mid) {
            Some(line) if line.cuts.iter().any(|known| known.is(cut)) => {}
            Some(line) => line.cuts.push(cut.clone()),
            None => {
                lines.push(Line { mid: mid.clone(), ssrcs: Vec::new(), cuts: vec![cut.clone()], ended: None });
            }
        }
    }

    /// What the line carried has ended now, at this running time: somebody has left, or must not be seen any more.
    pub fn ends(&self, mid: &Mid, now: gst::ClockTime) {
        let mut lines = self.0.lines.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.iter_mut().find(|line| line.mid == *mid) {
            line.ended = Some(now);
        }
    }

    /// Whether a packet with this SSRC and running time may leave.
    #[must_use]
    pub fn passes(&self, ssrc: u32, running_time: Option<gst::ClockTime>) -> bool {
        let lines = self.0.lines.read().unwrap_or_else(PoisonError::into_inner);
        let line = lines.iter().find(|line| line.ssrcs.contains(&ssrc));
        let is_over = |line: &Line| line.ended.is_some_and(|ended| running_time.is_none_or(|time| time < ended));
        let passes = self.is_verified()
            && line.is_some_and(|line| !is_over(line) && line.cuts.iter().all(|cut| cut.passes(running_time)));
        let count = if passes { &self.0.passed } else { &self.0.refused };
        count.fetch_add(1, Ordering::Relaxed);
        passes
    }

    /// Packets that have passed and packets that were refused.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.0.passed.load(Ordering::Relaxed), self.0.refused.load(Ordering::Relaxed))
    }

    /// Stands on a pad that carries RTP.
    pub fn guard(&self, pad: &gst::Pad) {
        let gate = self.clone();
        pads::filter(pad, move |packet| ssrc(packet).is_some_and(|ssrc| gate.passes(ssrc, packet.pts())));
    }
}

/// The SSRC of an RTP packet (RFC 3550, 5.1).
fn ssrc(packet: &gst::BufferRef) -> Option<u32> {
    let mut bytes = [0; 4];
    packet.copy_to_slice(8, &mut bytes).ok()?;
    Some(u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permit::tests::permit;
    use crate::timebase::Timebase;

    #[test]
    fn p3_p8_nothing_passes_unverified_unknown_or_captured_before_the_edge() {
        gst::init().unwrap();
        let timebase = Timebase::start();
        let cut = Cut::camera(&timebase);
        let gate = Gate::default();
        gate.learn(vec![(Mid("room-video".into()), vec![7, 8]), (Mid("slot".into()), vec![9])]);
        gate.carries(&Mid("room-video".into()), &cut);
        let before = Some(timebase.now());
        assert!(!gate.passes(7, before), "not verified");
        gate.verify();
        assert!(gate.passes(7, before));
        assert!(!gate.passes(1, before), "unknown");
        assert!(cut.open(&permit().0));
        std::thread::sleep(std::time::Duration::from_millis(1));
        cut.close();
        assert!(!gate.passes(7, before), "captured before the edge");
        assert!(!gate.passes(8, before), "its retransmission");
        assert!(!gate.passes(7, None), "without a time");
        assert!(gate.passes(7, Some(timebase.now())), "the card");
        assert!(gate.passes(9, before), "a line that carries no capture");
        assert_eq!(gate.counts(), (3, 5));
    }

    #[test]
    fn p3_what_has_ended_does_not_leave_once_more() {
        gst::init().unwrap();
        let timebase = Timebase::start();
        let gate = Gate::default();
        let slot = Mid("slot-0-video".into());
        gate.learn(vec![(slot.clone(), vec![9]), (Mid("slot-1-video".into()), vec![10])]);
        gate.verify();
        let before = Some(timebase.now());
        assert!(gate.passes(9, before));
        std::thread::sleep(std::time::Duration::from_millis(1));
        gate.ends(&slot, timebase.now());
        assert!(!gate.passes(9, before), "its retransmission");
        assert!(!gate.passes(9, None), "without a time");
        assert!(gate.passes(9, Some(timebase.now())), "whoever comes next");
        assert!(gate.passes(10, before), "another slot");
    }
}
