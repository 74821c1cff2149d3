//! One encoder, many paths: which bitrate and size it makes, and who gets no picture: pure.
//!
//! The lowest estimate wins, down to 640×360 at 300 kbit/s. A viewer whose path is narrower than that for five
//! seconds gets sound only, instead of dragging the others down; it is tried again now and then, because a path on
//! which nothing is sent cannot be measured. Size goes down before the picture gets poor; frames are never dropped to
//! save bits (EN 301 549 asks for 20 a second).
//!
//! Viewers may also want less: a server says how high a picture its own viewers look at. The largest wish counts.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use subrosa_messages::media::{LinkId, Size};

/// The least bitrate of a picture, in bit/s.
pub const FLOOR: u32 = 300_000;
/// Sound, reports and headers of a link, in bit/s.
const ASIDE: u32 = 60_000;
/// A viewer below the floor for so long gets no picture.
const PATIENCE: Duration = Duration::from_secs(5);
/// First wait before a viewer without picture is tried again; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(80);
/// The size grows when the bitrate has been enough for it for so long.
const GROWTH: Duration = Duration::from_secs(4);
/// Smaller changes of bitrate than one part in this many are not passed on.
const FINENESS: u32 = 20;

/// What the encoder is to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// In bit/s.
    pub bitrate: u32,
    /// Size of the picture.
    pub size: Size,
}

/// Somebody who gets the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewed {
    /// By which link.
    pub link: LinkId,
    /// What the path to them can carry of the picture, in bit/s; `None`: not measured yet.
    pub usable: Option<u32>,
    /// They want it no higher than this, in pixels; `None`: as it is.
    pub limit: Option<u32>,
}

impl Viewed {
    /// Somebody who takes it as it is and gets nothing else, by the estimate of the path.
    #[must_use]
    pub fn of(link: LinkId, estimate: Option<u32>) -> Self {
        Viewed { link, usable: estimate.map(usable), limit: None }
    }
}

/// What changed in one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The encoder's new target.
    pub target: Option<Target>,
    /// Viewers that get no picture from now on (`true`) or get it again (`false`).
    pub paused: Vec<(LinkId, bool)>,
}

#[derive(Clone, Copy, Debug)]
struct Viewer {
    below_since: Option<Instant>,
    paused_since: Option<Instant>,
    wait: Duration,
}

/// The machine of one encoder.
#[derive(Clone, Debug)]
pub struct Rates {
    max: u32,
    /// Sizes from large to small, each with the bitrate from which on it is worth having.
    ladder: Vec<(Size, u32)>,
    rung: usize,
    enough_since: Option<Instant>,
    target: Target,
    viewers: BTreeMap<LinkId, Viewer>,
}

impl Rates {
    /// For an encoder of pictures of this size at most.
    #[must_use]
    pub fn new(full: Size, frames_per_second: u32, max: u32) -> Self {
        let max = max.max(FLOOR);
        let ladder = ladder(full, frames_per_second);
        let rung = rung_for(&ladder, max);
        let size = ladder.get(rung).map_or(full, |rung| rung.0);
        Rates { max, ladder, rung, enough_since: None, target: Target { bitrate: max, size }, viewers: BTreeMap::new() }
    }

    /// What the encoder makes now.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// From which bitrate on the picture is made whole, in bit/s.
    #[must_use]
    pub fn whole(&self) -> u32 {
        self.ladder.first().map_or(FLOOR, |(_, from)| (*from).clamp(FLOOR, self.max))
    }

    /// Whether this viewer gets no picture.
    #[must_use]
    pub fn is_paused(&self, link: LinkId) -> bool {
        self.viewers.get(&link).is_some_and(|viewer| viewer.paused_since.is_some())
    }

    /// One step, about four times a second, with all viewers.
    pub fn step(&mut self, now: Instant, viewed: &[Viewed]) -> Change {
        let mut change = Change::default();
        self.viewers.retain(|link, _| viewed.iter().any(|known| known.link == *link));
        let mut lowest = self.max;
        for Viewed { link, usable, .. } in viewed {
            let fresh = Viewer { below_since: None, paused_since: None, wait: FIRST_WAIT };
            let viewer = self.viewers.entry(*link).or_insert(fresh);
            let Some(usable) = *usable else { continue };
            let was_paused = viewer.paused_since.is_some();
            viewer.step(now, usable);
            let is_paused = viewer.paused_since.is_some();
            if was_paused != is_paused {
                change.paused.push((*link, is_paused));
            }
            if !is_paused {
                lowest = lowest.min(usable.max(FLOOR));
            }
        }
        let target = self.within(wish(viewed), now, lowest);
        let fine = target.bitrate.abs_diff(self.target.bitrate) < self.target.bitrate / FINENESS;
        let at_bounds = target.bitrate == self.max || target.bitrate == FLOOR;
        if target.size != self.target.size || (target.bitrate != self.target.bitrate && (!fine || at_bounds)) {
            self.target = target;
            change.target = Some(target);
        }
        change
    }

    /// What a path makes possible, made smaller where nobody wants so much: the size, and the bits that only a larger
    /// one would be worth.
    fn within(&mut self, wish: Option<u32>, now: Instant, bitrate: u32) -> Target {
        let size = self.size(now, bitrate);
        let smallest = self.ladder.len().saturating_sub(1);
        let fits = |wish: u32| self.ladder.iter().position(|(size, _)| size.height <= wish).unwrap_or(smallest);
        let Some(bound) = wish.map(fits).filter(|bound| *bound > self.rung) else {
            return Target { bitrate, size };
        };
        let larger = bound.checked_sub(1).and_then(|larger| self.ladder.get(larger));
        Target {
            bitrate: larger.map_or(bitrate, |(_, from)| bitrate.min((*from).max(FLOOR))),
            size: self.ladder.get(bound).map_or(size, |rung| rung.0),
        }
    }

    fn size(&mut self, now: Instant, bitrate: u32) -> Size {
        let fits = rung_for(&self.ladder, bitrate);
        let comfortable = rung_for(&self.ladder, bitrate / 6 * 5);
        if fits > self.rung {
            self.rung = fits;
            self.enough_since = None;
        } else if comfortable < self.rung {
            let since = *self.enough_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= GROWTH {
                self.rung = comfortable;
                self.enough_since = None;
            }
        } else {
            self.enough_since = None;
        }
        self.ladder.get(self.rung).map_or(self.target.size, |rung| rung.0)
    }
}

impl Viewer {
    fn step(&mut self, now: Instant, usable: u32) {
        match self.paused_since {
            None if usable >= FLOOR => self.below_since = None,
            None => {
                let since = *self.below_since.get_or_insert(now);
                if now.saturating_duration_since(since) >= PATIENCE {
                    self.paused_since = Some(now);
                }
            }
            Some(since) => {
                let waited = now.saturating_duration_since(since) >= self.wait;
                if usable >= FLOOR / 2 * 3 || waited {
                    if waited {
                        self.wait = (self.wait * 2).min(LONGEST_WAIT);
                    }
                    self.paused_since = None;
                    self.below_since = None;
                }
            }
        }
    }
}

/// The largest wish. Who has none wants the whole picture, and so it is where nobody is.
fn wish(viewed: &[Viewed]) -> Option<u32> {
    viewed
        .iter()
        .map(|viewer| viewer.limit)
        .try_fold(0, |most, limit| limit.map(|limit| limit.max(most)))
        .filter(|_| !viewed.is_empty())
}

/// What of a path pictures may use, by its estimate, in bit/s.
#[must_use]
pub fn usable(estimate: u32) -> u32 {
    (estimate / 10 * 9).saturating_sub(ASIDE)
}

/// The sizes a picture of this size is made in: all, three quarters, half, of each side; never below 640×360
/// unless the full size is.
fn ladder(full: Size, frames_per_second: u32) -> Vec<(Size, u32)> {
    let mut ladder: Vec<(Size, u32)> = Vec::new();
    for quarters in [4, 3, 2] {
        let side = |side: u32| (side / 4 * quarters) & !1;
        let size = Size { width: side(full.width), height: side(full.height) };
        if quarters < 4 && (size.width < 640 || size.height < 360) {
            continue;
        }
        // One bit for thirty pixels: what x264's fast presets need for a picture without visible blocks.
        let from = u64::from(size.width) * u64::from(size.height) * u64::from(frames_per_second) / 30;
        ladder.push((size, u32::try_from(from).unwrap_or(u32::MAX)));
    }
    ladder
}

fn rung_for(ladder: &[(Size, u32)], bitrate: u32) -> usize {
    ladder.iter().position(|(_, from)| bitrate >= *from).unwrap_or(ladder.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FULL: Size = Size { width: 1280, height: 720 };
    const STEP: Duration = Duration::from_millis(250);

    fn rates() -> Rates {
        Rates::new(FULL, 30, 2_500_000)
    }

    fn run(rates: &mut Rates, now: &mut Instant, seconds: u32, estimates: &[(LinkId, Option<u32>)]) -> Vec<Change> {
        let viewers: Vec<Viewed> = estimates.iter().map(|(link, estimate)| Viewed::of(*link, *estimate)).collect();
        (0..seconds * 4)
            .map(|_| {
                *now += STEP;
                rates.step(*now, &viewers)
            })
            .collect()
    }

    #[test]
    fn the_lowest_estimate_wins() {
        let mut rates = rates();
        let mut now = Instant::now();
        run(&mut rates, &mut now, 1, &[(LinkId(1), Some(4_000_000)), (LinkId(2), Some(1_500_000))]);
        assert_eq!(rates.target(), Target { bitrate: 1_290_000, size: FULL });
        run(&mut rates, &mut now, 1, &[(LinkId(1), Some(4_000_000)), (LinkId(2), Some(500_000))]);
        assert_eq!(rates.target().bitrate, 390_000);
        assert_eq!(rates.target().size, Size { width: 640, height: 360 });
    }

    #[test]
    fn a_viewer_below_the_floor_for_five_seconds_no_longer_drags_the_others_down() {
        let mut rates = rates();
        let mut now = Instant::now();
        let estimates = [(LinkId(1), Some(4_000_000)), (LinkId(2), Some(200_000))];
        run(&mut rates, &mut now, 4, &estimates);
        assert_eq!(rates.target().bitrate, FLOOR);
        assert!(!rates.is_paused(LinkId(2)));
        let changes = run(&mut rates, &mut now, 2, &estimates);
        assert!(changes.iter().any(|change| change.paused == [(LinkId(2), true)]));
        assert_eq!(rates.target().bitrate, 2_500_000);
        run(&mut rates, &mut now, 5, &estimates);
        assert_eq!(rates.target().size, FULL, "the size grows again a little later");
    }

    #[test]
    fn a_paused_viewer_is_tried_again_later_and_later() {
        let mut rates = rates();
        let mut now = Instant::now();
        let mut resumed = Vec::new();
        for change in run(&mut rates, &mut now, 200, &[(LinkId(2), Some(100_000))]).iter().enumerate() {
            for (_, paused) in &change.1.paused {
                if !paused {
                    resumed.push((STEP * (change.0 as u32 + 1)).as_secs());
                }
            }
        }
        assert_eq!(resumed, [15, 40, 85, 171]);
        run(&mut rates, &mut now, 1, &[(LinkId(2), Some(2_000_000))]);
        assert!(!rates.is_paused(LinkId(2)), "a path that is wide again is used at once");
    }

    #[test]
    fn the_size_falls_at_once_and_grows_after_four_seconds() {
        let mut rates = rates();
        let mut now = Instant::now();
        let small = Size { width: 640, height: 360 };
        run(&mut rates, &mut now, 1, &[(LinkId(1), Some(500_000))]);
        assert_eq!(rates.target().size, small);
        run(&mut rates, &mut now, 3, &[(LinkId(1), Some(4_000_000))]);
        assert_eq!(rates.target().size, small);
        run(&mut rates, &mut now, 2, &[(LinkId(1), Some(4_000_000))]);
        assert_eq!(rates.target().size, FULL);
    }

    #[test]
    fn the_largest_wish_bounds_the_size_and_the_bits_with_it() {
        let size = |width, height| Size { width, height };
        let (whole, middle, small) = (FULL, size(960, 540), size(640, 360));
        let (all, for_middle, for_small) = (2_500_000, 921_600, 518_400);
        let table: [(&[Option<u32>], Size, u32); 12] = [
            // what viewers want: what is made
            (&[None], whole, all),
            (&[Some(720)], whole, all),
            (&[Some(2160)], whole, all),
            (&[Some(719)], middle, for_middle),
            (&[Some(540)], middle, for_middle),
            (&[Some(360)], small, for_small),
            (&[Some(180)], small, for_small),
            (&[Some(0)], small, for_small),
            (&[Some(180), Some(540)], middle, for_middle),
            (&[Some(540), Some(180)], middle, for_middle),
            (&[Some(180), None], whole, all),
            (&[], whole, all),
        ];
        for (limits, size, bitrate) in table {
            let viewers: Vec<Viewed> = limits
                .iter()
                .enumerate()
                .map(|(n, limit)| Viewed { limit: *limit, ..Viewed::of(LinkId(n as u64), Some(9_000_000)) })
                .collect();
            let mut rates = rates();
            let start = Instant::now();
            rates.step(start, &viewers);
            assert_eq!(rates.target(), Target { bitrate, size }, "{limits:?}");
            rates.step(start + STEP, &[Viewed::of(LinkId(0), Some(9_000_000))]);
            assert_eq!(rates.target(), Target { bitrate: all, size: whole }, "{limits:?} and then no wish");
        }
    }

    #[test]
    fn a_wish_makes_no_picture_larger_than_the_path() {
        let mut rates = rates();
        let viewer = Viewed { limit: Some(540), ..Viewed::of(LinkId(1), Some(500_000)) };
        rates.step(Instant::now(), &[viewer]);
        assert_eq!(rates.target(), Target { bitrate: 390_000, size: Size { width: 640, height: 360 } });
    }

    proptest! {
        #[test]
        fn never_below_the_floor_nor_above_the_bound(
            estimates in prop::collection::vec(
                prop::collection::vec((prop::option::of(0_u32..9_000_000), prop::option::of(0_u32..3000)), 0..4),
                1..80,
            ),
        ) {
            let mut rates = rates();
            let mut now = Instant::now();
            for step in estimates {
                now += STEP * 4;
                let viewers: Vec<_> = step
                    .iter()
                    .enumerate()
                    .map(|(n, (estimate, limit))| Viewed { limit: *limit, ..Viewed::of(LinkId(n as u64), *estimate) })
                    .collect();
                rates.step(now, &viewers);
                let target = rates.target();
                prop_assert!((FLOOR..=2_500_000).contains(&target.bitrate));
                prop_assert!(target.size.width >= 640 && target.size.height >= 360);
                for Viewed { link, usable, .. } in viewers {
                    if let Some(usable) = usable && !rates.is_paused(link) {
                        let bound = usable.max(FLOOR);
                        prop_assert!(target.bitrate <= bound + bound / (FINENESS - 1) + 1);
                    }
                }
            }
        }
    }
}
