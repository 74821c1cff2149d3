//! Masks of MediaPipe's selfie model, by this crate's engine, with each kind of instructions that this processor has.
//!
//! `portrait.txt` holds what LiteRT (PyPI `ai-edge-litert` 2.3.0, without XNNPACK's rewriting) makes of the same picture: means of
//! squares of 8 × 8 pixels of the mask, in parts of 255. `subrosa bench blur` compares whole masks with LiteRT itself.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;
use subrosa_blur::freshness::{Action, Event, Freshness, MAXIMUM_AGE, Quality, Taken};
use subrosa_blur::segmenter::{SegmentError, Segmenter};
use subrosa_blur::selfie::{ModelError, Selfie};

const WIDTH: usize = 256;
const HEIGHT: usize = 144;

/// A file that `make data` puts there; none is a loud skip, and a failure in continuous integration.
fn data(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../data").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(why) => {
            eprintln!("SKIPPED: {}: {why}; `make data` puts it there", path.display());
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} is missing", path.display());
            None
        }
    }
}

fn model() -> Option<Vec<u8>> {
    data("selfie_segmentation_landscape.tflite")
}

/// The upper part of the portrait, at half its size.
fn portrait() -> Option<Vec<[f32; 3]>> {
    near_portrait(1.0)
}

/// So much of the portrait's width, around a place on the chest: less is nearer.
fn near_portrait(share: f32) -> Option<Vec<[f32; 3]>> {
    let bytes = data("portrait.png")?;
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height, info.color_type), (512, 512, png::ColorType::Rgb));
    let at = |x: usize, y: usize, colour: usize| f32::from(pixels[(y * 512 + x) * 3 + colour]);
    // From the upper left corner at full size to the chest.
    let (left, top) = ((1.0 - share) * 230.0, (1.0 - share) * 330.0);
    let step = 2.0 * share;
    let place = |at: usize, from: f32| (from + (at as f32 + 0.5) * step - 1.0 + 0.5 * (2.0 - step)).max(0.0);
    let mean = |x: usize, y: usize, c: usize| at(x, y, c) + at(x + 1, y, c) + at(x, y + 1, c) + at(x + 1, y + 1, c);
    let pixel = |i: usize| {
        let (x, y) = (place(i % WIDTH, left) as usize, place(i / WIDTH, top) as usize);
        std::array::from_fn(|c| mean(x.min(510), y.min(510), c) / 1020.0)
    };
    Some((0..WIDTH * HEIGHT).map(pixel).collect())
}

fn mask(selfie: &mut Selfie, picture: &[[f32; 3]]) -> Vec<f32> {
    let mut mask = vec![f32::NAN; WIDTH * HEIGHT];
    selfie.segment(picture, &mut mask).unwrap();
    mask
}

/// Means of squares of 8 × 8 pixels.
fn squares(mask: &[f32]) -> Vec<f32> {
    let square = |x: usize, y: usize| (0..64).map(|i| mask[(y + i / 8) * WIDTH + x + i % 8]).sum::<f32>() / 64.0;
    (0..HEIGHT / 8).flat_map(|y| (0..WIDTH / 8).map(move |x| square(x * 8, y * 8))).collect()
}

fn largest_difference(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// FNV-1a of the bits.
fn fingerprint(mask: &[f32]) -> u64 {
    let bytes = mask.iter().flat_map(|number| number.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn the_mask_of_a_portrait_is_that_of_litert() {
    let (Some(model), Some(picture)) = (model(), portrait()) else { return };
    let golden: Vec<f32> =
        include_str!("portrait.txt").split_whitespace().map(|n| n.parse::<f32>().unwrap() / 255.0).collect();
    assert_eq!(golden.len(), WIDTH * HEIGHT / 64);
    assert!(golden.iter().any(|n| *n > 0.99) && golden.iter().any(|n| *n < 0.01), "a portrait has both");
    for mut selfie in Selfie::each(&model).unwrap() {
        let mask = mask(&mut selfie, &picture);
        assert!(mask.iter().all(|number| (0.0..=1.0).contains(number)));
        let difference = largest_difference(&squares(&mask), &golden);
        assert!(difference <= 0.5 / 255.0 + 1e-3, "{}: {difference}", selfie.instructions());
    }
}

/// Which is what makes figures of one machine hold on another: AVX2, AVX-512 and NEON (`make test-aarch64`) give these very bits.
#[test]
fn instructions_that_round_once_make_the_same_mask_bit_by_bit_on_every_machine() {
    let (Some(model), Some(picture)) = (model(), portrait()) else { return };
    for mut selfie in Selfie::each(&model).unwrap() {
        if selfie.instructions() != "scalar" {
            let mask = mask(&mut selfie, &picture);
            assert_eq!(fingerprint(&mask), FINGERPRINT, "{}: {:#x}", selfie.instructions(), fingerprint(&mask));
        }
    }
}

const FINGERPRINT: u64 = 0x0fbb_ea71_3f26_1e71;

/// Somebody who comes near until they all but fill the picture, in half a second, at the usual cadence of 15 masks a second, and goes away again.
#[test]
fn who_comes_near_is_not_taken_for_a_segmenter_that_fails() {
    let Some(model) = model() else { return };
    let mut selfie = Selfie::read(&model).unwrap();
    for masks in [7_u16, 15] {
        let mut freshness = Freshness::new(Duration::ZERO, MAXIMUM_AGE);
        let mut shares = Vec::new();
        for at in 0..=2 * masks {
            let way = 1.0 - f32::from(at.abs_diff(masks)) / f32::from(masks);
            let picture = near_portrait(1.0 - 0.59 * way).unwrap();
            let now = Duration::from_millis(66) * u32::from(at);
            let taken = Taken { arrived: now, stamp: None };
            let quality = Quality::of(&mask(&mut selfie, &picture));
            shares.push(quality.people);
            freshness.step(now, Event::Mask { of: taken, quality });
            let next = now + Duration::from_millis(33);
            let done = freshness.step(next, Event::Frame { taken: Taken { arrived: next, stamp: None } });
            assert_ne!(done.first(), Some(&Action::HoldBack), "{quality:?} after {shares:?}");
        }
        println!("{masks} masks: {shares:.2?}");
        assert!(shares.iter().any(|share| *share > 0.85), "they all but fill the picture: {shares:?}");
    }
}

/// Nothing of one picture is left for the next.
#[test]
fn a_mask_depends_on_its_own_picture_alone() {
    let (Some(model), Some(picture)) = (model(), portrait()) else { return };
    for mut selfie in Selfie::each(&model).unwrap() {
        let first = mask(&mut selfie, &picture);
        mask(&mut selfie, &vec![[1.0; 3]; WIDTH * HEIGHT]);
        assert_eq!(first, mask(&mut selfie, &picture), "{}", selfie.instructions());
    }
}

#[test]
fn a_picture_or_a_mask_of_another_size_is_refused() {
    let Some(model) = model() else { return };
    let mut selfie = Selfie::read(&model).unwrap();
    assert_eq!(selfie.size(), (WIDTH, HEIGHT));
    let picture = vec![[0.5; 3]; WIDTH * HEIGHT];
    let mut mask = vec![0.0; WIDTH * HEIGHT];
    assert!(matches!(selfie.segment(&picture[1..], &mut mask), Err(SegmentError::Size)));
    assert!(matches!(selfie.segment(&picture, &mut mask[1..]), Err(SegmentError::Size)));
}

#[test]
fn a_missing_an_empty_and_a_foreign_file_each_say_what_they_are() {
    let missing = Selfie::open(&PathBuf::from("/nowhere/model.tflite")).err().unwrap();
    assert!(matches!(missing, ModelError::Unreadable { .. }) && missing.to_string().contains("make data"), "{missing}");
    for bytes in [&b""[..], b"TFL3", &[0; 4096], b"\x08\0\0\0TFL3\0\0\0\0", &[0xff; 64]] {
        assert!(matches!(Selfie::read(bytes), Err(ModelError::Damaged(_))));
    }
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A damaged file is refused in words or makes some mask, and neither takes long; nothing else happens. Deterministic: the same
/// damage in every run.
#[test]
fn a_damaged_file_never_panics() {
    let Some(model) = model() else { return };
    let picture = vec![[0.5; 3]; WIDTH * HEIGHT];
    // Weights rarely have a zero byte; what describes them has mostly zeros. The damage is done there.
    let described: Vec<usize> =
        (0..model.len()).filter(|at| model[at.saturating_sub(3)..(at + 4).min(model.len())].contains(&0)).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let (mut refused, mut read) = (0, 0);
    let mut longest = Duration::ZERO;
    for turn in 0..3000 {
        let mut file = model.clone();
        match turn % 4 {
            0 => file.truncate(random(model.len())),
            1 => {
                for _ in 0..=random(3) {
                    file[described[random(described.len())]] = random(256) as u8;
                }
            }
            2 => {
                let at = described[random(described.len())].min(model.len() - 4);
                let number =
                    [0, 1, 2, 0x7fff_ffff, -1, i32::MIN, random(400) as i32, random(model.len()) as i32][random(8)];
                file[at..at + 4].copy_from_slice(&number.to_le_bytes());
            }
            _ => {
                let (from, to, length) = (random(model.len() - 64), random(model.len() - 64), 1 + random(64));
                file.copy_within(from..from + length, to);
            }
        }
        let before = cpu_time();
        let made = Selfie::read(&file);
        longest = longest.max(cpu_time() - before);
        match made {
            Err(error) => {
                refused += 1;
                assert!(error.to_string().starts_with("the segmentation model is "), "{error}");
            }
            Ok(mut selfie) => {
                read += 1;
                let (width, height) = selfie.size();
                // Wrong weights run like right ones: a few are enough. Another size is never let through unrun.
                if read % 10 == 0 || (width, height) != (WIDTH, HEIGHT) {
                    let mut mask = vec![0.0; width * height];
                    let _ = selfie.segment(&vec![[0.5; 3]; width * height], &mut mask);
                }
            }
        }
    }
    println!("{refused} refused, {read} read, the longest in {longest:?} of CPU time");
    assert!(refused > 500 && read > 500, "the damage is no test: {refused} refused, {read} read");
    // A sound one takes some milliseconds.
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    let mut sound = Selfie::read(&model).unwrap();
    mask(&mut sound, &picture);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    /// Noise, ramps and flat pictures: nothing that a camera sees is further from a mask that the model was made for.
    #[test]
    fn all_instructions_agree(seed in any::<u64>(), base in prop::array::uniform3(0.0_f32..1.0), noise in 0.0_f32..1.0, slope in -1.0_f32..1.0) {
        let Some(model) = model() else { return Ok(()) };
        let mut state = seed | 1;
        let picture: Vec<[f32; 3]> = (0..WIDTH * HEIGHT).map(|i| {
            let ramp = slope * (i % WIDTH) as f32 / WIDTH as f32;
            base.map(|colour| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (colour + ramp + noise * ((state >> 40) as f32 / (1 << 24) as f32 - 0.5)).clamp(0.0, 1.0)
            })
        }).collect();
        let masks: Vec<_> = Selfie::each(&model).unwrap().iter_mut().map(|selfie| mask(selfie, &picture)).collect();
        for other in &masks[1..] {
            prop_assert!(largest_difference(&masks[0], other) <= 1e-3, "{}", largest_difference(&masks[0], other));
        }
    }
}
