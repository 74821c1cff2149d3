use proptest::prelude::*;

use super::*;
use crate::picture::{Colours, Layout, Matrix};
use crate::testing::Owned;

const VIDEO: Colours = Colours { matrix: Matrix::Bt601, full_range: false };
const MASK: (usize, usize) = (32, 18);

/// A cover with people in the columns of the mask from one to another.
fn people(from: usize, to: usize) -> Cover {
    let row: Vec<f32> = (0..MASK.0).map(|column| if (from..to).contains(&column) { 1.0 } else { 0.0 }).collect();
    let mut cover = Cover::default();
    cover.make(&row.repeat(MASK.1), MASK, 0);
    cover
}

fn blurred(owned: &mut Owned, cover: &Cover, sigma: f32, coarse: bool) {
    let mut small = Thumbnail::default();
    thumbnail(&owned.picture(), &mut small);
    let background = Background::Blurred { thumbnail: &small, sigma, coarse };
    Composition::default().compose(&mut owned.picture(), cover, background).unwrap();
}

/// The mean absolute difference between neighbours: how much detail there is.
fn detail(owned: &Owned, window: Window) -> f64 {
    let mut sum = 0.0;
    for y in window.y..window.y + window.height {
        for x in window.x..window.x + window.width - 1 {
            sum += (f64::from(owned.sample(0, x, y)) - f64::from(owned.sample(0, x + 1, y))).abs();
        }
    }
    sum / (window.width * window.height) as f64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Over sizes (odd ones too), strides, layouts and backgrounds: no sample where nobody is keeps its detail, every one that is
    /// all person keeps its value, and the padding is not touched.
    #[test]
    fn people_stay_and_the_room_goes(
        width in 64_usize..400, height in 64_usize..300, padding in 0_usize..40, nv12: bool, coarse: bool, seed: u64,
        kind in 0_usize..3,
    ) {
        let layout = if nv12 { Layout::Nv12 } else { Layout::I420 };
        let mut owned = Owned::noise(layout, (width, height), VIDEO, padding, seed);
        let before = owned.clone();
        let cover = people(8, 24);
        let colour = Still::colour([10, 200, 30], layout, (width, height), VIDEO);
        let gradient: Vec<u8> = (0..64 * 64).flat_map(|at| [at as u8, (at / 64) as u8, 0, 255]).collect();
        let gradient = Still::cover(&gradient, (64, 64), layout, (width, height), VIDEO).unwrap();
        match kind {
            0 => blurred(&mut owned, &cover, 0.02, coarse),
            _ => {
                let still = if kind == 1 { &colour } else { &gradient };
                Composition::default().compose(&mut owned.picture(), &cover, Background::Still(still)).unwrap();
            }
        }
        let cell = width as f64 / MASK.0 as f64;
        for plane in 0..3 {
            let by = if plane == 0 { 1 } else { 2 };
            for y in 0..height.div_ceil(by) {
                for x in 0..width.div_ceil(by) {
                    let cells = (x as f64 + 0.5) * by as f64 / cell;
                    if cells > 8.6 && cells < 23.4 {
                        prop_assert_eq!(owned.sample(plane, x, y), before.sample(plane, x, y));
                    } else if kind == 1 && !(7.4..=24.6).contains(&cells) {
                        prop_assert_eq!(owned.sample(plane, x, y), VIDEO.samples([10, 200, 30])[plane]);
                    }
                }
            }
        }
        let room = Window { x: 0, y: 0, width: (7.4 * cell) as usize, height };
        prop_assert!(detail(&before, room) > 60.0);
        prop_assert!(detail(&owned, room) < 8.0, "{}", detail(&owned, room));
        for ((before, stride), (after, _)) in before.planes.iter().zip(&owned.planes) {
            for (before, after) in before.chunks(*stride).zip(after.chunks(*stride)) {
                prop_assert_eq!(&before[stride - padding..], &after[stride - padding..]);
            }
        }
    }
}

#[test]
fn both_layouts_give_the_same_picture() {
    let mut planar = Owned::noise(Layout::I420, (322, 182), VIDEO, 3, 7);
    let mut interleaved = Owned::noise(Layout::Nv12, (322, 182), VIDEO, 5, 7);
    for y in 0..182 {
        for x in 0..322 {
            let plane = interleaved.planes[0].1;
            interleaved.planes[0].0[y * plane + x] = planar.sample(0, x, y);
            let stride = interleaved.planes[1].1;
            interleaved.planes[1].0[y / 2 * stride + x / 2 * 2] = planar.sample(1, x / 2, y / 2);
            interleaved.planes[1].0[y / 2 * stride + x / 2 * 2 + 1] = planar.sample(2, x / 2, y / 2);
        }
    }
    for owned in [&mut planar, &mut interleaved] {
        blurred(owned, &people(10, 20), 0.02, false);
    }
    for plane in 0..3 {
        let by = if plane == 0 { 1 } else { 2 };
        for y in 0..182 / by {
            for x in 0..322 / by {
                assert_eq!(planar.sample(plane, x, y), interleaved.sample(plane, x, y), "plane {plane}, {x}, {y}");
            }
        }
    }
}

#[test]
fn a_flat_room_stays_exactly_as_it_is() {
    for (size, samples) in [((1280, 720), [235, 20, 240]), ((1920, 1080), [16, 128, 128]), ((642, 482), [255, 0, 255])]
    {
        let mut owned = Owned::flat(Layout::I420, size, VIDEO, samples);
        let before = owned.clone();
        blurred(&mut owned, &people(0, 16), 0.05, false);
        for (before, after) in before.planes.iter().zip(&owned.planes) {
            let worst = before.0.iter().zip(&after.0).map(|(before, after)| before.abs_diff(*after)).max();
            assert!(worst <= Some(1), "{size:?} {worst:?}");
        }
    }
}

/// Somebody bright before a dark wall: the wall beside them stays dark. A blur that does not know the mask shows a halo there.
#[test]
fn people_have_no_halo() {
    let mut owned = Owned::flat(Layout::I420, (1280, 720), VIDEO, [30, 128, 128]);
    // Cells 12 to 20 of 32: pixels 480 to 800.
    owned.paint(Window { x: 480, y: 0, width: 320, height: 720 }, [230, 90, 200]);
    let cover = people(12, 20);
    blurred(&mut owned, &cover, 0.03, false);
    let near = f64::from(owned.sample(0, 455, 360));
    assert!(near < 36.0, "luma {near} beside the person");
    let mut naive = Owned::flat(Layout::I420, (1280, 720), VIDEO, [30, 128, 128]);
    naive.paint(Window { x: 480, y: 0, width: 320, height: 720 }, [230, 90, 200]);
    let nobody = people(0, 0);
    blurred(&mut naive, &nobody, 0.03, false);
    assert!(
        naive.sample(0, 455, 360) > 50,
        "without the mask's weight it would be brighter: {}",
        naive.sample(0, 455, 360)
    );
}

#[test]
fn the_blur_is_as_wide_as_it_was_told() {
    // The step response of a Gaussian passes 16 % and 84 % one standard deviation from its middle.
    for (sigma, coarse) in [(0.02, false), (0.05, false), (0.05, true)] {
        let mut owned = Owned::flat(Layout::I420, (1280, 720), VIDEO, [0, 128, 128]);
        owned.paint(Window { x: 640, y: 0, width: 640, height: 720 }, [200, 128, 128]);
        blurred(&mut owned, &people(0, 0), sigma, coarse);
        let row: Vec<u8> = (0..1280).map(|x| owned.sample(0, x, 360)).collect();
        let low = row.iter().position(|value| *value >= 32).unwrap();
        let high = row.iter().position(|value| *value >= 168).unwrap();
        let measured = (high - low) as f32 / 2.0 / 1280.0;
        assert!((measured / sigma - 1.0).abs() < 0.2, "{sigma} {coarse}: {measured}");
        let middle = row.iter().position(|value| *value >= 100).unwrap();
        assert!((635..=645).contains(&middle), "no shift: {middle}");
    }
}

#[test]
fn what_does_not_belong_together_is_refused_and_nothing_changes() {
    let mut owned = Owned::noise(Layout::I420, (128, 96), VIDEO, 0, 3);
    let before = owned.clone();
    let mut composition = Composition::default();
    let mut small = Thumbnail::default();
    let background = Background::Blurred { thumbnail: &small, sigma: 0.02, coarse: false };
    let nothing_taken = composition.compose(&mut owned.picture(), &people(0, 4), background);
    assert_eq!(nothing_taken, Err(CompositionError::Thumbnail));
    thumbnail(&Owned::noise(Layout::I420, (130, 96), VIDEO, 0, 3).picture(), &mut small);
    let background = Background::Blurred { thumbnail: &small, sigma: 0.02, coarse: false };
    let another = composition.compose(&mut owned.picture(), &people(0, 4), background);
    assert_eq!(another, Err(CompositionError::Thumbnail));
    let still = Still::colour([0; 3], Layout::Nv12, (128, 96), VIDEO);
    let layout = composition.compose(&mut owned.picture(), &people(0, 4), Background::Still(&still));
    assert_eq!(layout, Err(CompositionError::Still));
    let still = Still::colour([0; 3], Layout::I420, (128, 96), VIDEO);
    let empty = composition.compose(&mut owned.picture(), &Cover::default(), Background::Still(&still));
    assert_eq!(empty, Err(CompositionError::Cover));
    assert_eq!(before.planes, owned.planes);
    assert!(matches!(
        Still::cover(&[0; 63], (4, 4), Layout::I420, (128, 96), VIDEO),
        Err(StillError::Length { expected: 64, actual: 63, .. })
    ));
}

#[test]
fn a_picture_covers_the_frame_and_is_cut_at_both_sides() {
    // Red, green, blue side by side, three times as wide as high: a square frame shows the green third.
    let rgba: Vec<u8> = (0..30)
        .flat_map(|_| (0..90).flat_map(|x| [[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]][x / 30]))
        .collect();
    for side in [16, 30, 200] {
        let still = Still::cover(&rgba, (90, 30), Layout::I420, (side, side), VIDEO).unwrap();
        let green = VIDEO.samples([0, 255, 0]);
        let inside: Vec<u8> =
            still.planes()[0].chunks(side).flat_map(|row| row[side / 8..side - side / 8].to_vec()).collect();
        assert!(inside.iter().all(|luma| *luma == green[0]), "{side}");
        assert_eq!(still.planes()[1][still.planes()[1].len() / 2 + side / 4], green[1]);
    }
}

/// A composition is used for frames of several sizes and masks, one after the other.
#[test]
fn what_was_kept_for_one_size_is_not_used_for_another() {
    let mut composition = Composition::default();
    for (width, height) in [(320, 180), (322, 180), (320, 180), (1280, 720), (64, 64)] {
        let mut owned = Owned::noise(Layout::Nv12, (width, height), VIDEO, 2, 5);
        let mut fresh = owned.clone();
        let mut small = Thumbnail::default();
        thumbnail(&owned.picture(), &mut small);
        let background = Background::Blurred { thumbnail: &small, sigma: 0.03, coarse: false };
        composition.compose(&mut owned.picture(), &people(4, 9), background).unwrap();
        Composition::default().compose(&mut fresh.picture(), &people(4, 9), background).unwrap();
        assert_eq!(owned.planes, fresh.planes);
    }
}
