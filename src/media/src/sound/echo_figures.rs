//! How well echo is cancelled, in numbers: used by the test, which asks for bounds, and by the bench, which prints.

use super::frame::{Frame, RATE, SAMPLES, SILENCE};
use super::processing::Voice;
use super::synthetic::{Noise, convolve, power_db, room_response, speech};

/// One conversation: the far end talks all the time until 20 s; somebody in the room joins in from 12 s and goes on
/// alone until 26 s.
pub struct Conversation {
    /// What the speaker plays.
    pub far: Vec<f32>,
    /// What arrives of it at the microphone.
    pub echo: Vec<f32>,
    /// What is said in the room.
    pub near: Vec<f32>,
    /// What the microphone takes: echo, room and a little noise.
    pub microphone: Vec<f32>,
}

/// What came out.
#[derive(Clone, Copy, Debug)]
pub struct EchoFigures {
    /// Echo return loss enhancement while only the far end talks, 5 s after the start and later, in dB.
    pub erle: f32,
    /// The same in the first second.
    pub erle_first_second: f32,
    /// How much weaker the near end's speech comes out while both talk, in dB.
    pub double_talk_loss: f32,
    /// The same while only the near end talks.
    pub near_loss: f32,
    /// How far the near end's speech is delayed, in ms.
    pub delay: f32,
}

fn seconds(from: f32, to: f32) -> std::ops::Range<usize> {
    (from * RATE as f32) as usize..(to * RATE as f32) as usize
}

impl Conversation {
    /// With an echo `echo_gain` times as loud as what is played, `tail` seconds of room and 35 ms of way.
    pub fn new(echo_gain: f32, tail: f32) -> Self {
        let length = 26.0;
        let mut far = speech(length, 118.0, 11);
        far.iter_mut().skip(seconds(0.0, 20.0).end).for_each(|x| *x = 0.0);
        let echo = convolve(&far, &room_response(0.035, tail, 5), echo_gain);
        let mut near = speech(length, 205.0, 23);
        near.iter_mut().take(seconds(0.0, 12.0).end).for_each(|x| *x = 0.0);
        let mut noise = Noise::new(77);
        let microphone =
            echo.iter().zip(&near).map(|(e, n)| (e + n + noise.next() * 0.0005).clamp(-1.0, 1.0)).collect();
        Conversation { far, echo, near, microphone }
    }

    /// Runs it through `voice`.
    pub fn measure(&self, voice: &mut dyn Voice) -> EchoFigures {
        voice.opened();
        let out = run(voice, &self.far, &self.microphone);
        let erle = |range: std::ops::Range<usize>| {
            power_db(self.echo.get(range.clone()).unwrap_or_default()) - power_db(out.get(range).unwrap_or_default())
        };
        let lag = lag(&self.near, &out, seconds(20.5, 25.5));
        EchoFigures {
            erle: erle(seconds(5.0, 12.0)),
            erle_first_second: erle(seconds(0.0, 1.0)),
            double_talk_loss: loss(&self.near, &out, seconds(12.5, 20.0), lag),
            near_loss: loss(&self.near, &out, seconds(20.5, 25.5), lag),
            delay: lag as f32 * 1000.0 / RATE as f32,
        }
    }
}

/// Plays `far` and captures `microphone` in step; what comes out.
pub fn run(voice: &mut dyn Voice, far: &[f32], microphone: &[f32]) -> Vec<f32> {
    let mut out = Vec::with_capacity(microphone.len());
    for (played, taken) in far.chunks_exact(SAMPLES).zip(microphone.chunks_exact(SAMPLES)) {
        voice.rendered(&to_frame(played));
        let mut frame = to_frame(taken);
        voice.captured(&mut frame);
        out.extend(frame.iter().map(|sample| f32::from(*sample) / 32768.0));
    }
    out
}

/// Up to a frame of floating-point samples.
pub fn to_frame(samples: &[f32]) -> Frame {
    let mut frame = SILENCE;
    for (to, from) in frame.iter_mut().zip(samples) {
        *to = (from * 32767.0) as i16;
    }
    frame
}

/// By how many samples `out` is behind `near`.
fn lag(near: &[f32], out: &[f32], range: std::ops::Range<usize>) -> usize {
    let near = near.get(range.clone()).unwrap_or_default();
    (0..1440)
        .max_by(|a, b| correlation(near, out, range.start + a).total_cmp(&correlation(near, out, range.start + b)))
        .unwrap_or(0)
}

fn correlation(near: &[f32], out: &[f32], start: usize) -> f32 {
    near.iter().zip(out.get(start..).unwrap_or_default()).map(|(n, o)| n * o).sum()
}

/// How much of `near` is missing in `out`: the part of each 20 ms of `out` that is the near end's (its projection on
/// it), so that a rest of echo does not count as speech.
fn loss(near: &[f32], out: &[f32], range: std::ops::Range<usize>, lag: usize) -> f32 {
    let (mut sent, mut kept) = (0.0, 0.0);
    for start in range.step_by(960) {
        let (Some(n), Some(o)) = (near.get(start..start + 960), out.get(start + lag..start + lag + 960)) else {
            continue;
        };
        let energy: f32 = n.iter().map(|x| x * x).sum();
        if energy < 1e-3 {
            continue;
        }
        let along: f32 = n.iter().zip(o).map(|(n, o)| n * o).sum::<f32>().max(0.0);
        sent += energy;
        kept += along * along / energy;
    }
    10.0 * (sent / kept.max(1e-12_f32)).log10()
}

/// A microphone that is muted for five seconds while the far end goes on talking, and whose way from the speaker is
/// `shift` seconds longer afterwards: echo return loss enhancement in the two seconds after, in dB. The first 200 ms
/// are left out: what is in the air at the unmute was played before.
pub fn after_mute(voice: &mut dyn Voice, shift: f32) -> f32 {
    let far = speech(18.0, 118.0, 11);
    let before = convolve(&far, &room_response(0.035, 0.2, 5), 0.4);
    let after = convolve(&far, &room_response(0.035 + shift, 0.2, 5), 0.4);
    let (mute, unmute) = (seconds(0.0, 8.0).end, seconds(0.0, 13.0).end);
    voice.opened();
    run(voice, far.get(..mute).unwrap_or_default(), before.get(..mute).unwrap_or_default());
    voice.closed();
    for played in far.get(mute..unmute).unwrap_or_default().chunks_exact(SAMPLES) {
        voice.rendered(&to_frame(played));
    }
    voice.opened();
    let echo = after.get(unmute..).unwrap_or_default();
    let out = run(voice, far.get(unmute..).unwrap_or_default(), echo);
    let range = seconds(0.2, 2.2);
    power_db(echo.get(range.clone()).unwrap_or_default()) - power_db(out.get(range).unwrap_or_default())
}
