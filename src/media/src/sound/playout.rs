//! Between the network and the speaker: packets come in bursts and late, the speaker takes 10 ms every 10 ms.
//!
//! What is kept back is regulated by one figure, the *margin*: the least that was left after a pull within the last
//! while. Jitter shows in it by itself. A margin that stays large is latency for nothing, and 10 ms are taken out; a
//! margin near zero is a gap to come, and 10 ms are put in; both by overlapping two stretches, which speech bears
//! without a click. It follows the sender's clock in the same way. After a gap the sound starts again with more in hand.

use std::collections::VecDeque;

use super::frame::{Frame, RATE, SAMPLES, SILENCE};

const MILLISECOND: usize = RATE as usize / 1000;
/// In hand before the first sample is played.
const FIRST: usize = 30 * MILLISECOND;
/// Never more than this in hand before starting again.
const MOST: usize = 160 * MILLISECOND;
/// More than this is never kept: the oldest goes.
const OVERFLOW: usize = 500 * MILLISECOND;
/// The margin is looked at over this many frames.
const WINDOW: u32 = 100;
/// A margin below this is too small,
const LOW: usize = 3 * MILLISECOND;
/// and one above this too large.
const HIGH: usize = 25 * MILLISECOND;
/// A gap of more frames than this is not jitter: the sender had nothing to say.
const PAUSE: u32 = 50;

/// The sound of one track, waiting to be played.
#[derive(Debug)]
pub struct Playout {
    waiting: VecDeque<i16>,
    /// In hand before playing starts (again).
    start: usize,
    playing: bool,
    /// Least in hand after a pull in this window.
    margin: usize,
    window: u32,
    /// Frames since the last one that was heard.
    silent: u32,
    last: Frame,
}

impl Default for Playout {
    fn default() -> Self {
        Playout {
            waiting: VecDeque::new(),
            start: FIRST,
            playing: false,
            margin: usize::MAX,
            window: 0,
            silent: PAUSE + 1,
            last: SILENCE,
        }
    }
}

impl Playout {
    /// Takes decoded samples as they come.
    pub fn push(&mut self, samples: impl IntoIterator<Item = i16>) {
        self.waiting.extend(samples);
        let excess = self.waiting.len().saturating_sub(OVERFLOW);
        self.waiting.drain(..excess);
    }

    /// The next 10 ms.
    pub fn pull(&mut self) -> Frame {
        if !self.playing && self.waiting.len() >= self.start {
            self.playing = true;
            if self.silent <= PAUSE {
                // It began again soon: that was a gap in the middle of the sound.
                self.start = (self.start + 20 * MILLISECOND).min(MOST);
            }
            (self.margin, self.window) = (usize::MAX, 0);
            let mut frame = self.take();
            fade(&mut frame, true);
            return frame;
        }
        if !self.playing || self.waiting.len() < SAMPLES {
            return self.gap();
        }
        self.regulate();
        self.take()
    }

    /// How much is in hand, in samples.
    #[must_use]
    pub fn in_hand(&self) -> usize {
        self.waiting.len()
    }

    fn take(&mut self) -> Frame {
        let mut frame = SILENCE;
        for (to, from) in frame.iter_mut().zip(self.waiting.drain(..SAMPLES.min(self.waiting.len()))) {
            *to = from;
        }
        self.margin = self.margin.min(self.waiting.len());
        self.silent = 0;
        self.last = frame;
        frame
    }

    /// Nothing is there: the last sound fades out once, then silence.
    fn gap(&mut self) -> Frame {
        self.silent = self.silent.saturating_add(1);
        if !self.playing {
            return SILENCE;
        }
        self.playing = false;
        let mut frame = self.last;
        frame.reverse();
        fade(&mut frame, false);
        frame
    }

    fn regulate(&mut self) {
        self.window += 1;
        if self.window < WINDOW {
            return;
        }
        if self.margin > HIGH && self.waiting.len() >= 2 * SAMPLES {
            self.shorten();
            // What was learnt from a gap is forgotten as slowly as the network proves it wrong.
            self.start = self.start.saturating_sub(5 * MILLISECOND).max(FIRST);
        } else if self.margin < LOW && !self.lengthen() {
            return; // at the next frame, then
        }
        (self.margin, self.window) = (usize::MAX, 0);
    }

    /// 20 ms become 10 ms.
    fn shorten(&mut self) {
        let first: Vec<i16> = self.waiting.drain(..SAMPLES).collect();
        overlap(first.iter().copied(), self.waiting.iter_mut());
    }

    /// 20 ms become 30 ms: in between comes a stretch that begins as what followed the first 10 ms and ends as what
    /// came before the second. Whether there was enough in hand to do it.
    fn lengthen(&mut self) -> bool {
        if self.waiting.len() < 2 * SAMPLES {
            return false;
        }
        let first: Vec<i16> = self.waiting.iter().take(SAMPLES).copied().collect();
        let second: Vec<i16> = self.waiting.iter().skip(SAMPLES).take(SAMPLES).copied().collect();
        for sample in first.into_iter().rev() {
            self.waiting.push_front(sample);
        }
        overlap(second.into_iter(), self.waiting.iter_mut().skip(SAMPLES));
        true
    }
}

/// Goes from `from` over into `to` along one frame.
fn overlap<'a>(from: impl Iterator<Item = i16>, to: impl Iterator<Item = &'a mut i16>) {
    let length = SAMPLES as i32;
    for (n, (from, to)) in (0..length).zip(from.zip(to)) {
        *to = ((i32::from(from) * (length - n) + i32::from(*to) * n) / length) as i16;
    }
}

fn fade(frame: &mut Frame, rising: bool) {
    let length = SAMPLES as i32;
    for (n, sample) in (0..length).zip(frame.iter_mut()) {
        let part = if rising { n } else { length - n };
        *sample = (i32::from(*sample) * part / length) as i16;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A sender of 20 ms packets, whose clock runs `drift` parts per million fast, over a network that delays packet
    /// `n` by `jitter(n)` milliseconds; pulled for `seconds`. How many frames were gaps after the first second, and
    /// the mean time in hand over the last fifth, in ms.
    fn play(seconds: u32, drift: f64, mut jitter: impl FnMut(u32) -> f64) -> (u32, f64) {
        let mut playout = Playout::default();
        let mut gaps = 0;
        let mut in_hand = Vec::new();
        let mut sent = 0;
        let mut arrived: Vec<f64> = Vec::new();
        let mut phase = 0.0_f64;
        for tick in 0..seconds * 100 {
            let now = f64::from(tick) * 10.0;
            while f64::from(sent) * 20.0 * (1.0 - drift / 1e6) <= now {
                arrived.push(f64::from(sent) * 20.0 * (1.0 - drift / 1e6) + jitter(sent));
                sent += 1;
            }
            // In order, as from a jitter buffer.
            while arrived.first().is_some_and(|at| *at <= now) {
                arrived.remove(0);
                playout.push((0..960).map(|_| {
                    phase += 0.05;
                    (phase.sin() * 8000.0) as i16
                }));
            }
            let frame = playout.pull();
            let silent = frame.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0) < 4000;
            if tick > 100 && silent {
                gaps += 1;
            }
            if tick > seconds * 80 {
                in_hand.push(playout.in_hand() as f64 / MILLISECOND as f64);
            }
        }
        (gaps, in_hand.iter().sum::<f64>() / in_hand.len() as f64)
    }

    #[test]
    fn a_steady_sender_is_heard_without_gaps_and_soon() {
        let (gaps, in_hand) = play(60, 0.0, |_| 0.0);
        assert_eq!(gaps, 0);
        assert!(in_hand < 35.0, "{in_hand} ms in hand");
    }

    #[test]
    fn both_clocks_may_be_wrong() {
        for drift in [-300.0, 300.0] {
            let (gaps, in_hand) = play(300, drift, |_| 0.0);
            assert!(gaps == 0 && in_hand < 45.0, "drift {drift}: {gaps} gaps, {in_hand} ms in hand");
        }
    }

    #[test]
    fn jitter_costs_latency_instead_of_gaps() {
        let mut noise = super::super::synthetic::Noise::new(4);
        let (gaps, in_hand) = play(120, 50.0, |_| f64::from(noise.between(0.0, 60.0)));
        assert!(gaps < 40 && in_hand < 110.0, "{gaps} gaps, {in_hand} ms in hand");
    }

    #[test]
    fn latency_comes_back_down_after_one_bad_second() {
        let (_, in_hand) = play(120, 0.0, |n| if (500..550).contains(&n) { 150.0 } else { 0.0 });
        assert!(in_hand < 45.0, "{in_hand} ms in hand");
    }

    #[test]
    fn a_pause_of_the_sender_is_silence_and_no_reason_to_wait_longer() {
        let mut playout = Playout::default();
        for _ in 0..10 {
            playout.push([1000; 960]);
            for _ in 0..2 {
                playout.pull();
            }
        }
        for _ in 0..100 {
            playout.pull();
        }
        assert_eq!(playout.pull(), SILENCE);
        playout.push([1000; FIRST]);
        playout.waiting.truncate(FIRST);
        assert_ne!(playout.pull(), SILENCE);
        assert_eq!(playout.start, FIRST);
    }

    proptest! {
        #[test]
        fn nothing_that_comes_makes_it_grow(pushes in prop::collection::vec((0_usize..4000, 0_u8..4), 0..200)) {
            let mut playout = Playout::default();
            for (samples, pulls) in pushes {
                playout.push(std::iter::repeat_n(700, samples));
                for _ in 0..pulls {
                    playout.pull();
                }
                prop_assert!(playout.in_hand() <= OVERFLOW + SAMPLES);
            }
        }
    }
}
