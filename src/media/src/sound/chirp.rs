//! The way from the speaker to the microphone: a chirp is played and looked for in what the microphone takes.
//!
//! The canceller has to find an echo within what it remembers; a screen that plays sound over HDMI may add a tenth of a
//! second or more. What was taken is compared here, forgotten, and goes nowhere.

use std::f32::consts::PI;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use subrosa_messages::doctor::Echo;

use super::frame::{Frame, LENGTH, RATE, SAMPLES, SILENCE};

/// Before the chirp: until a device that has just been opened plays at its own pace.
const BEFORE: usize = 50;
/// The chirp: 100 ms.
const CHIRP: usize = 10;
/// After it: the longest way that is looked for.
const AFTER: usize = 100;
/// So many frames say when the first of them began.
const FOLLOW: u32 = 30;
/// One in so many samples is compared: the chirp ends at 4 kHz.
const STEP: usize = 4;
/// Of one in so many samples.
const RATE_COMPARED: f32 = RATE as f32 / STEP as f32;
/// The next best place is looked for at least so far away: 20 ms.
const APART: usize = 20 * RATE as usize / STEP / 1000;
/// The first arrival has at least so much of the highest likeness, as power.
const STRAIGHT: f32 = 0.3;
/// What follows for so long is the room, and no other place: 100 ms.
const RINGS: usize = 100 * RATE as usize / STEP / 1000;
/// In tenths. A chirp that stands out less is none: of 300 recordings of noise none came to more than 13, of 120 in rooms
/// that ring for 150 ms none to less than 18.
const CLEAR: u32 = 16;

/// A chirp that is being played and looked for.
#[derive(Debug, Default)]
struct Search {
    /// Frames still to be played, the last first.
    left: Vec<Frame>,
    /// When the first frame of the chirp was given to the speaker.
    played: Option<Instant>,
    /// Frames of the microphone, each with the moment at which it was complete.
    taken: Vec<(Instant, Frame)>,
}

/// Shared by the thread that plays and the one that listens. Empty but while a chirp is looked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Chirp(Arc<Mutex<Option<Search>>>);

impl Chirp {
    fn with<T>(&self, act: impl FnOnce(&mut Option<Search>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something is left to be played.
    pub fn is_played(&self) -> bool {
        self.with(|search| search.as_ref().is_some_and(|search| !search.left.is_empty()))
    }

    /// The next frame for the speaker.
    pub fn next(&self) -> Option<Frame> {
        self.with(|search| {
            let search = search.as_mut()?;
            if search.left.len() == CHIRP + AFTER {
                search.played = Some(Instant::now());
            }
            search.left.pop()
        })
    }

    /// A frame of the microphone, as it came.
    pub fn taken(&self, frame: &Frame) {
        self.with(|search| {
            if let Some(search) = search {
                search.taken.push((Instant::now(), *frame));
            }
        });
    }

    /// The microphone is closed: nothing of it is kept.
    pub fn forget(&self) {
        self.with(|search| *search = None);
    }

    /// Begins, and tells what has come of it from a thread of its own.
    pub fn begin(&self, tell: Box<dyn FnOnce(Echo) + Send>) {
        let sound = sound();
        let frames = sound.chunks_exact(SAMPLES).map(|samples| {
            let mut frame = SILENCE;
            frame.iter_mut().zip(samples).for_each(|(to, from)| *to = *from);
            frame
        });
        let mut left = vec![SILENCE; AFTER];
        left.extend(frames.rev());
        left.extend([SILENCE; BEFORE]);
        self.with(|search| *search = Some(Search { left, ..Search::default() }));
        let chirp = self.clone();
        let began = thread::Builder::new().name("chirp".into()).spawn(move || {
            let lasts = LENGTH * u32::try_from(BEFORE + CHIRP + AFTER).unwrap_or(u32::MAX);
            // A device may take its time to open.
            let end = Instant::now() + lasts + Duration::from_secs(2);
            while chirp.is_played() && Instant::now() < end {
                thread::sleep(LENGTH * 5);
            }
            // What is on its way in the buffers of both devices.
            thread::sleep(Duration::from_millis(200));
            tell(chirp.with(Option::take).map_or(Echo::NotListening, |search| judge(&search)));
        });
        if began.is_err() {
            self.forget();
        }
    }
}

fn judge(search: &Search) -> Echo {
    let (Some(played), false) = (search.played, search.taken.is_empty()) else {
        return Echo::NotListening;
    };
    let recording: Vec<i16> = search.taken.iter().flat_map(|(_, frame)| *frame).collect();
    let Some((place, clearness)) = find(&sound(), &recording) else { return Echo::NotHeard };
    // A frame is handed on when it is complete, or later: the earliest of those that follow says when this one began.
    // Not those before it: what a busy machine has dropped in between would make it seem earlier.
    let (number, rest) = (place / SAMPLES, place % SAMPLES);
    let follow = (1_u32..=FOLLOW).zip(search.taken.iter().skip(number));
    let began = follow.filter_map(|(length, (at, _))| at.checked_sub(LENGTH * length)).min();
    let into = Duration::from_secs_f64(rest as f64 / f64::from(RATE));
    // Heard before it was played: the clocks of this machine do not suffice.
    match began.and_then(|began| (began + into).checked_duration_since(played)) {
        Some(delay) => Echo::Heard { delay_us: u32::try_from(delay.as_micros()).unwrap_or(u32::MAX), clearness },
        None => Echo::NotHeard,
    }
}

/// A tone that rises from 500 Hz to 4 kHz and swells and fades, at a quarter of the full scale.
fn sound() -> Vec<i16> {
    let length = (CHIRP * SAMPLES) as f32;
    let seconds = length / RATE as f32;
    (0..CHIRP * SAMPLES)
        .map(|sample| {
            let time = sample as f32 / RATE as f32;
            let phase = 2.0 * PI * (500.0 * time + 3500.0 * time * time / (2.0 * seconds));
            let swell = 0.5 - 0.5 * (2.0 * PI * sample as f32 / length).cos();
            (phase.sin() * swell * 8191.0) as i16
        })
        .collect()
}

/// Where a sound begins in a recording, in samples, and how clearly: its correlation there against the best one
/// elsewhere, in tenths.
fn find(sound: &[i16], recording: &[i16]) -> Option<(usize, u32)> {
    let thin = |samples: &[i16]| -> Vec<f32> {
        samples.chunks_exact(STEP).map(|few| few.iter().map(|it| f32::from(*it)).sum::<f32>() / STEP as f32).collect()
    };
    let (sound, recording) = (thin(sound), thin(recording));
    // Turned by a quarter, so that the phase of what comes back does not matter.
    let quarter = (RATE_COMPARED / 2250.0 / 4.0).round() as usize;
    let likeness: Vec<f32> = recording
        .windows(sound.len() + quarter)
        .map(|part| {
            let along = |from: usize| -> f32 { sound.iter().zip(part.iter().skip(from)).map(|(a, b)| a * b).sum() };
            along(0).powi(2) + along(quarter).powi(2)
        })
        .collect();
    let best = (0..likeness.len())
        .max_by(|a, b| likeness.get(*a).unwrap_or(&0.0).total_cmp(likeness.get(*b).unwrap_or(&0.0)))?;
    let high = *likeness.get(best)?;
    let (before, after) = (best.saturating_sub(APART), best + RINGS);
    let elsewhere = likeness.iter().enumerate().filter(|(place, _)| *place < before || *place > after);
    let next = elsewhere.map(|(_, it)| *it).fold(0.0, f32::max);
    let clearness = if high <= 0.0 { 0 } else { (10.0 * (high / next.max(high / 1e4)).sqrt()) as u32 };
    // What comes straight may be weaker than what the walls add up to a little later.
    let straight = |place: &usize| likeness.get(*place).is_some_and(|it| *it >= high * STRAIGHT);
    let first = (best.saturating_sub(APART)..best).find(straight).unwrap_or(best);
    (clearness >= CLEAR).then_some((first * STEP, clearness))
}

#[cfg(test)]
mod tests {
    use super::super::synthetic::{Noise, convolve, room_response};
    use super::*;

    /// What a microphone takes of the chirp after `delay` samples, through a room, `gain` as loud, in noise.
    fn recording(delay: usize, gain: f32, noise_gain: f32) -> Vec<i16> {
        let mut played = vec![0.0; delay];
        played.extend(sound().iter().map(|sample| f32::from(*sample) / 32768.0));
        played.resize(60_000, 0.0);
        let echo = convolve(&played, &room_response(0.0, 0.15, 5), gain);
        let mut noise = Noise::new(3);
        echo.iter().map(|sample| ((sample + noise.next() * noise_gain).clamp(-1.0, 1.0) * 32767.0) as i16).collect()
    }

    #[test]
    fn a_chirp_is_found_where_it_is_in_a_room_and_in_noise() {
        for (delay, gain, noise) in [(0, 0.5, 0.0), (4_800, 0.3, 0.01), (14_411, 0.05, 0.02), (40_000, 0.3, 0.05)] {
            let (place, clearness) = find(&sound(), &recording(delay, gain, noise)).unwrap();
            let off = place.abs_diff(delay) as f32 * 1000.0 / RATE as f32;
            assert!(off < 5.0 && clearness >= CLEAR, "{delay}: {place}, {off} ms off, {clearness}");
        }
    }

    #[test]
    fn noise_and_silence_are_no_chirp() {
        assert_eq!(find(&sound(), &vec![0; 60_000]), None);
        for seed in 0..20 {
            let mut noise = Noise::new(seed);
            let noise: Vec<i16> = (0..60_000).map(|_| (noise.next() * 8000.0) as i16).collect();
            let found = find(&sound(), &noise);
            assert_eq!(found, None, "seed {seed}");
        }
    }

    #[test]
    fn the_delay_is_from_the_speaker_to_the_microphone() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        // The microphone runs for half a second before the chirp is given to the speaker; 120 ms later it is there.
        let samples = recording(48 * (500 + 120), 0.4, 0.01);
        let frames = samples.chunks_exact(SAMPLES).map(|part| <Frame>::try_from(part).unwrap());
        let taken = frames.enumerate().map(|(n, frame)| (start + LENGTH * (n as u32 + 1), frame)).collect();
        let search = Search { left: Vec::new(), played: Some(start + ms(500)), taken };
        let Echo::Heard { delay_us, .. } = judge(&search) else { panic!() };
        assert!((118_000..124_000).contains(&delay_us), "{delay_us}");
    }

    #[test]
    fn p3_what_was_taken_for_a_chirp_is_forgotten_when_the_microphone_closes() {
        let chirp = Chirp::default();
        assert!(!chirp.is_played() && chirp.next().is_none());
        chirp.begin(Box::new(|_| {}));
        assert!(chirp.is_played() && chirp.next() == Some(SILENCE));
        chirp.taken(&[7; SAMPLES]);
        chirp.forget();
        assert!(!chirp.is_played() && chirp.with(|search| search.is_none()));
    }
}
