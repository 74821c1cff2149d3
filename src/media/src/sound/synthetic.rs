//! A room made of numbers, for measuring the echo canceller: a voice, the way from the speaker to the
//! microphone, noise. All of it is the same in every run.

use super::frame::RATE;

/// A small generator of noise (xorshift, Marsaglia 2003); the figures must be the same in every run.
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// With a seed other than zero.
    pub fn new(seed: u64) -> Self {
        Noise(seed.max(1))
    }

    /// Evenly between -1 and 1.
    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    /// Evenly between `low` and `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (self.next() * 0.5 + 0.5) * (high - low)
    }
}

/// A resonance of the throat: a two-pole filter.
struct Formant {
    a1: f32,
    a2: f32,
    gain: f32,
    y1: f32,
    y2: f32,
}

impl Formant {
    fn new(frequency: f32, width: f32) -> Self {
        let r = (-std::f32::consts::PI * width / RATE as f32).exp();
        let angle = 2.0 * std::f32::consts::PI * frequency / RATE as f32;
        Formant {
            a1: 2.0 * r * angle.cos(),
            a2: -r * r,
            gain: (1.0 - r) * angle.sin().abs().max(0.05),
            y1: 0.0,
            y2: 0.0,
        }
    }

    fn filter(&mut self, x: f32) -> f32 {
        let y = self.gain * x + self.a1 * self.y1 + self.a2 * self.y2;
        (self.y2, self.y1) = (self.y1, y);
        y
    }
}

/// Something like speech: syllables of vowels (pulses through three resonances) and of hissing consonants, with
/// pauses between words. `pitch` in Hz. Mono at [`RATE`], peak 0.5.
pub fn speech(seconds: f32, pitch: f32, seed: u64) -> Vec<f32> {
    let mut noise = Noise::new(seed);
    let mut out = Vec::new();
    let length = (seconds * RATE as f32) as usize;
    while out.len() < length {
        for _syllable in 0..2 + (noise.next().abs() * 4.0) as usize {
            consonant(&mut out, &mut noise);
            vowel(&mut out, &mut noise, pitch);
        }
        let pause = (noise.between(0.08, 0.35) * RATE as f32) as usize;
        out.extend(std::iter::repeat_n(0.0, pause));
    }
    out.truncate(length);
    let peak = out.iter().fold(1e-9_f32, |peak, x| peak.max(x.abs()));
    out.iter_mut().for_each(|x| *x *= 0.5 / peak);
    out
}

fn consonant(out: &mut Vec<f32>, noise: &mut Noise) {
    let length = noise.between(0.03, 0.09) * RATE as f32;
    let mut hiss = Formant::new(noise.between(2500.0, 6500.0), 1800.0);
    let loud = noise.between(0.02, 0.12);
    for n in 0..length as usize {
        let shape = (std::f32::consts::PI * n as f32 / length).sin();
        out.push(hiss.filter(noise.next()) * loud * shape);
    }
}

fn vowel(out: &mut Vec<f32>, noise: &mut Noise, pitch: f32) {
    let length = noise.between(0.08, 0.22) * RATE as f32;
    let mut throat = [
        Formant::new(noise.between(300.0, 800.0), 90.0),
        Formant::new(noise.between(900.0, 2300.0), 110.0),
        Formant::new(noise.between(2400.0, 3200.0), 160.0),
    ];
    let (start, end) = (pitch * noise.between(0.9, 1.25), pitch * noise.between(0.8, 1.1));
    let mut phase = 0.0;
    for n in 0..length as usize {
        let part = n as f32 / length;
        phase += (start + (end - start) * part) / RATE as f32;
        let pulse = if phase >= 1.0 {
            phase -= 1.0;
            1.0
        } else {
            0.0
        };
        let shape = (std::f32::consts::PI * part).sin().powf(0.6);
        let voice: f32 = throat.iter_mut().map(|formant| formant.filter(pulse + noise.next() * 0.003)).sum();
        out.push(voice * shape);
    }
}

/// The way from the speaker to the microphone: `delay` seconds of nothing, then a first arrival and a tail of noise
/// that has decayed by 60 dB after `tail` seconds (the Schroeder model). Its energy is 1.
pub fn room_response(delay: f32, tail: f32, seed: u64) -> Vec<f32> {
    let mut noise = Noise::new(seed);
    let mut response = vec![0.0; (delay * RATE as f32) as usize];
    response.push(1.0);
    for n in 0..(tail * RATE as f32) as usize {
        let decay = (-6.9 * n as f32 / (tail * RATE as f32)).exp();
        response.push(noise.next() * 0.25 * decay);
    }
    let energy: f32 = response.iter().map(|h| h * h).sum();
    response.iter_mut().for_each(|h| *h /= energy.sqrt());
    response
}

/// What arrives of `signal` over `response`, `gain` times as loud; as long as the signal.
pub fn convolve(signal: &[f32], response: &[f32], gain: f32) -> Vec<f32> {
    let first = response.iter().position(|h| *h != 0.0).unwrap_or(0);
    let tail: Vec<f32> = response.iter().skip(first).map(|h| h * gain).collect();
    let mut out = vec![0.0_f32; signal.len()];
    for (n, x) in signal.iter().enumerate() {
        if *x == 0.0 {
            continue;
        }
        for (y, h) in out.iter_mut().skip(n + first).zip(&tail) {
            *y += x * h;
        }
    }
    out
}

/// Mean power in dB below full scale.
pub fn power_db(signal: &[f32]) -> f32 {
    let power = signal.iter().map(|x| x * x).sum::<f32>() / signal.len().max(1) as f32;
    10.0 * power.max(1e-12).log10()
}
