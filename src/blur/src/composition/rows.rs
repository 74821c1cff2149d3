//! The arithmetic of a row of samples. Grid values have seven bits behind the point, so that everything fits in 16 bits, which is
//! what processors do many of at a time; the loops are written so that the compiler sees it.

/// A row between two rows of a grid, both stretched to the width of the picture.
#[derive(Clone, Copy)]
pub struct Between<'a> {
    /// The upper row.
    pub from: &'a [i16],
    /// What has to be added for the lower one.
    pub change: &'a [i16],
    /// How far down it lies, 0 to 32767 for 0 to 1.
    pub share: i16,
}

impl Between<'_> {
    /// The part of it from one sample to another.
    pub fn part(&self, from: usize, to: usize) -> Self {
        Between {
            from: self.from.get(from..to).unwrap_or_default(),
            change: self.change.get(from..to).unwrap_or_default(),
            share: self.share,
        }
    }
}

/// The value in the middle, without the bits behind the point.
#[inline(always)]
fn between(from: i16, change: i16, share: i16) -> i16 {
    let half = ((i32::from(change) * i32::from(share)) >> 16) as i16;
    from.wrapping_add(half.wrapping_mul(2)).wrapping_add(64) >> 7
}

/// Mixes a sample into what stands behind it; `shown` is 0 to 128.
#[inline(always)]
fn mix(sample: u8, behind: i16, shown: i16) -> u8 {
    // At most 255 · 128, which fits.
    let over = (i16::from(sample) - behind).wrapping_mul(shown);
    (behind + (over.wrapping_add(64) >> 7)) as u8
}

/// Replaces samples by the background.
#[inline(always)]
pub fn paint(samples: &mut [u8], ground: Between<'_>) {
    for ((sample, from), change) in samples.iter_mut().zip(ground.from).zip(ground.change) {
        *sample = between(*from, *change, ground.share) as u8;
    }
}

/// Mixes samples with the background.
#[inline(always)]
pub fn blend(samples: &mut [u8], ground: Between<'_>, cover: Between<'_>) {
    let ground_values = ground.from.iter().zip(ground.change);
    let cover_values = cover.from.iter().zip(cover.change);
    for ((sample, behind), shown) in samples.iter_mut().zip(ground_values).zip(cover_values) {
        let behind = between(*behind.0, *behind.1, ground.share);
        *sample = mix(*sample, behind, between(*shown.0, *shown.1, cover.share));
    }
}

/// Mixes samples with a picture.
#[inline(always)]
pub fn blend_still(samples: &mut [u8], still: &[u8], cover: Between<'_>) {
    let cover_values = cover.from.iter().zip(cover.change);
    for ((sample, behind), shown) in samples.iter_mut().zip(still).zip(cover_values) {
        *sample = mix(*sample, i16::from(*behind), between(*shown.0, *shown.1, cover.share));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mixed_sample_is_right_to_one(
            sample: u8, above in 0_i16..=255, below in 0_i16..=255, shown_above in 0_i16..=16384,
            shown_below in 0_i16..=16384, down: (u16, u16),
        ) {
            let (down, cover_down) = (down.0 as i16 & 0x7fff, down.1 as i16 & 0x7fff);
            let ground = Between { from: &[above << 7], change: &[(below << 7) - (above << 7)], share: down };
            let cover = Between { from: &[shown_above], change: &[shown_below - shown_above], share: cover_down };
            let share = |value: i16| f64::from(value) / 32768.0;
            let behind = f64::from(above) + f64::from(below - above) * share(down);
            let shown = (f64::from(shown_above) + f64::from(shown_below - shown_above) * share(cover_down)) / 16384.0;
            let expected = behind + (f64::from(sample) - behind) * shown;
            let mut samples = [sample];
            blend(&mut samples, ground, cover);
            // Half a step of the mask's 128 is one of a sample.
            prop_assert!((f64::from(samples[0]) - expected).abs() <= 2.1, "{} {expected}", samples[0]);
            paint(&mut samples, ground);
            prop_assert!((f64::from(samples[0]) - behind).abs() <= 0.6, "{} {behind}", samples[0]);
        }

        #[test]
        fn all_shown_changes_nothing_and_nothing_shown_is_the_background(sample: u8, behind: u8, share in 0_i16..=32767) {
            let ground = Between { from: &[i16::from(behind) << 7], change: &[0], share };
            let mut samples = [sample];
            blend(&mut samples, ground, Between { from: &[16384], change: &[0], share });
            prop_assert_eq!(samples, [sample]);
            blend(&mut samples, ground, Between { from: &[0], change: &[0], share });
            prop_assert_eq!(samples, [behind]);
            blend_still(&mut samples, &[sample], Between { from: &[0], change: &[0], share });
            prop_assert_eq!(samples, [sample]);
        }
    }
}
