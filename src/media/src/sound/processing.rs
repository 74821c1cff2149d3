//! What happens to the microphone's sound before it is encoded: echo cancellation, noise suppression, gain.
//!
//! The canceller hears two things: what the speaker plays ([`Voice::rendered`]) and what the microphone takes
//! ([`Voice::captured`]). It needs both in step, one frame of each every 10 ms, since it finds the way from
//! one to the other by comparing them.

use std::collections::VecDeque;

use sonora::config::{
    AdaptiveDigital, EchoCanceller, GainController2, HighPassFilter, MaxProcessingRate, NoiseSuppression,
    NoiseSuppressionLevel, Pipeline,
};
use sonora::{AudioProcessing, Config, StreamConfig};

use super::frame::{Frame, RATE, SILENCE};

/// Cleans the microphone's sound. Behind a trait because the crate that does it is young.
pub trait Voice: Send {
    /// The microphone was opened: captured frames follow.
    fn opened(&mut self);
    /// The microphone was closed: no captured frame follows. Nothing captured is kept.
    fn closed(&mut self);
    /// The speaker is about to play this frame. Called while muted too.
    fn rendered(&mut self, frame: &Frame);
    /// Cleans one frame of the microphone in place.
    fn captured(&mut self, frame: &mut Frame);
}

/// Which of the steps run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// Echo cancellation; not where the device cancels its own echo (board key `echo`).
    pub echo: bool,
    /// Noise suppression.
    pub noise: bool,
    /// Gain towards an even loudness.
    pub gain: bool,
}

impl Steps {
    /// Everything, or everything but the echo canceller.
    #[must_use]
    pub fn for_device(cancels_echo: bool) -> Self {
        Steps { echo: !cancels_echo, noise: true, gain: true }
    }
}

/// More than this many played frames never wait for the microphone: the speaker's clock is the faster one, or the
/// microphone has stopped.
const WAITING: usize = 4;
/// While the microphone is closed only this many wait, about as many as wait while it is open, so that played and
/// captured sound meet in the same step as before and the canceller goes on where it was. What must not happen is
/// that it is shown what is played without what is captured: it then loses the room and needs seconds to find it again.
const WAITING_CLOSED: usize = 1;
/// Frames of nothing that push the last captured sound out of framers (15 ms) and filters.
const FLUSH: usize = 4;

/// The port of WebRTC's audio processing: AEC3, noise suppression, AGC2.
pub struct Sonora {
    processing: AudioProcessing,
    steps: Steps,
    /// A frame has been captured since the microphone was opened.
    running: bool,
    /// Played and not yet shown to the canceller, which gets exactly one of these with each captured frame: the two
    /// come from two clocks and in bursts, and each burst would look like another way through the room.
    played: VecDeque<Frame>,
    scratch: Frame,
}

impl Sonora {
    /// With the given steps.
    #[must_use]
    pub fn new(steps: Steps) -> Self {
        let config = Config {
            // Up to 24 kHz: the default cuts off what is above 16 kHz.
            pipeline: Pipeline {
                maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
                ..Pipeline::default()
            },
            high_pass_filter: Some(HighPassFilter::default()),
            echo_canceller: steps.echo.then(EchoCanceller::default),
            noise_suppression: steps
                .noise
                .then(|| NoiseSuppression { level: NoiseSuppressionLevel::Moderate, ..NoiseSuppression::default() }),
            gain_controller2: steps.gain.then(|| GainController2 {
                // 24 dB reach the far end of a long table without raising the rustling of paper to the loudness of
                // speech; the default of 50 dB does not stop there.
                adaptive_digital: Some(AdaptiveDigital {
                    max_gain_db: 24.0,
                    initial_gain_db: 6.0,
                    ..AdaptiveDigital::default()
                }),
                ..GainController2::default()
            }),
            ..Config::default()
        };
        let format = StreamConfig::new(RATE, 1);
        let processing = AudioProcessing::builder().config(config).capture_config(format).render_config(format).build();
        Sonora { processing, steps, running: false, played: VecDeque::with_capacity(WAITING), scratch: SILENCE }
    }

    fn show(&mut self, played: &Frame, captured: &mut Frame) {
        if self.steps.echo
            && let Err(fault) = self.processing.process_render_i16(played, &mut self.scratch)
        {
            tracing::warn!("the echo canceller refused a played frame: {fault}");
        }
        let dirty = *captured;
        if let Err(fault) = self.processing.process_capture_i16(&dirty, captured) {
            tracing::warn!("the sound of the microphone could not be cleaned: {fault}");
        }
    }
}

impl Voice for Sonora {
    fn opened(&mut self) {
        self.running = false;
    }

    fn closed(&mut self) {
        self.running = false;
        for _ in 0..FLUSH {
            let mut nothing = SILENCE;
            self.show(&SILENCE, &mut nothing);
        }
    }

    fn rendered(&mut self, frame: &Frame) {
        if !self.steps.echo {
            return;
        }
        while self.played.len() >= if self.running { WAITING } else { WAITING_CLOSED } {
            self.played.pop_front();
        }
        self.played.push_back(*frame);
    }

    fn captured(&mut self, frame: &mut Frame) {
        self.running = true;
        let played = self.played.pop_front().unwrap_or(SILENCE);
        self.show(&played, frame);
    }
}

#[cfg(test)]
mod tests {
    use super::super::echo_figures::{Conversation, after_mute, to_frame};
    use super::super::frame::SAMPLES;
    use super::super::synthetic::{Noise, power_db, speech};
    use super::*;

    const ECHO_ONLY: Steps = Steps { echo: true, noise: false, gain: false };

    #[test]
    fn echo_is_cancelled_and_who_talks_over_it_is_heard() {
        let figures = Conversation::new(0.3, 0.2).measure(&mut Sonora::new(ECHO_ONLY));
        assert!(figures.erle > 30.0, "{figures:?}");
        assert!(figures.erle_first_second > 15.0, "{figures:?}");
        assert!(figures.double_talk_loss < 6.0, "{figures:?}");
        assert!(figures.near_loss < 3.0, "{figures:?}");
        assert!(figures.delay < 20.0, "{figures:?}");
    }

    #[test]
    fn the_whole_chain_lets_no_echo_through_either() {
        let figures = Conversation::new(0.3, 0.2).measure(&mut Sonora::new(Steps::for_device(false)));
        assert!(figures.erle > 25.0 && figures.double_talk_loss < 6.0 && figures.near_loss < 3.0, "{figures:?}");
    }

    #[test]
    fn what_is_played_while_muted_does_not_bring_the_echo_back() {
        // The device may come back with another delay.
        for shift in [0.0, 0.004, 0.012] {
            let erle = after_mute(&mut Sonora::new(ECHO_ONLY), shift);
            assert!(erle > 20.0, "{erle} dB in the two seconds after an unmute with {shift} s more delay");
        }
    }

    #[test]
    fn a_device_that_cancels_its_own_echo_is_left_alone() {
        let mut voice = Sonora::new(Steps { gain: false, noise: false, ..Steps::for_device(true) });
        let far = speech(4.0, 118.0, 3);
        voice.opened();
        let out = super::super::echo_figures::run(&mut voice, &far, &far);
        assert!((power_db(&out) - power_db(&far)).abs() < 1.0);
    }

    #[test]
    fn p3_nothing_taken_before_a_mute_comes_out_after_it() {
        let mut voice = Sonora::new(Steps::for_device(false));
        voice.opened();
        let mut noise = Noise::new(9);
        let mut loud = || to_frame(&std::array::from_fn::<f32, SAMPLES, _>(|_| noise.next() * 0.8));
        for n in 0..200 {
            voice.captured(&mut if n < 196 { SILENCE } else { loud() });
        }
        voice.closed();
        voice.opened();
        for n in 0..5 {
            let mut frame = SILENCE;
            voice.captured(&mut frame);
            // What is left is the last ringing of the high-pass filter, 50 dB down.
            assert!(frame.iter().all(|sample| sample.abs() <= 100), "frame {n}: {:?}", frame.iter().max());
        }
    }
}
