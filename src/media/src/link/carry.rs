//! What a link can carry: pure.
//!
//! A forwarded picture is as large as its sender makes it, and the room's own picture has one size for all who see it. So where a
//! path is too narrow for everything, something is held back, and sound goes on. What is more important stays: the order is the
//! room's. The room's own picture keeps what it needs to be made whole ([`Load::reserve`]), or it is not sent on this path at all: what
//! one path cannot carry is nobody else's loss.
//!
//! An estimate says too little at first: it starts low, climbs by a few percent a second and never knows more than was sent. So whatever
//! is too much by the estimate alone is *doubted* for a while. If the estimate falls meanwhile, or stands still, the path is that
//! narrow; while it climbs, everything goes on. What was held back is let through again when the path is wide enough by its
//! estimate, and otherwise on trial, later and later, counted from the last time that something was too much.
//!
//! Where something was too much, the estimate falls below what the path carries without it, and climbs back. Until it stands still, the
//! room's picture keeps what it had before: else everybody saw it smaller for ten seconds whenever something is tried on one path.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use subrosa_messages::media::Mid;

use crate::encode::rate::usable;

/// What is too much by the estimate is doubted for so long.
const DOUBT: Duration = Duration::from_secs(2);
/// First wait before something is let through on trial; doubles with each trial that fails, up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(80);
/// The estimate climbs back in no more than this, if the path is no narrower than it was.
const RECOVERY: Duration = Duration::from_secs(10);
/// Where the path is wide enough by its estimate, the wait is so many times shorter.
const HASTE: u32 = 4;

/// A picture that a link is to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// On which line.
    pub mid: Mid,
    /// Whose.
    pub of: Of,
}

/// Whose picture it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The room's.
    Room,
    /// Somebody's who sends so many bit/s.
    Guest(u32),
}

/// What a link is to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Of the path, in bit/s; `None`: not measured yet.
    pub estimate: Option<u32>,
    /// Forwarded sound, in bit/s.
    pub sound: u32,
    /// What the room's picture needs, in bit/s, so that it is not made smaller for the others too.
    pub reserve: u32,
    /// Most important first.
    pub pictures: Vec<Picture>,
}

/// One path.
#[derive(Clone, Debug)]
pub struct Path {
    held: BTreeMap<Mid, Instant>,
    doubt: Option<Doubt>,
    recovery: Option<Recovery>,
    wait: Duration,
    /// For the room's picture, at the last step.
    left: Option<u32>,
}

/// The estimate climbs back after something was too much.
#[derive(Clone, Copy, Debug)]
struct Recovery {
    /// When it is looked at again.
    until: Instant,
    end: Instant,
    /// The lowest of this while.
    estimate: u32,
    /// For the room's picture, before.
    left: u32,
}

#[derive(Clone, Copy, Debug)]
struct Doubt {
    until: Instant,
    /// When it began.
    estimate: u32,
    /// For the room's picture, before.
    left: u32,
    /// Something was let through again just before.
    trial: bool,
}

impl Default for Path {
    fn default() -> Self {
        Path { held: BTreeMap::new(), doubt: None, recovery: None, wait: FIRST_WAIT, left: None }
    }
}

impl Path {
    /// Whether the picture of this line is held back.
    #[must_use]
    pub fn holds(&self, mid: &Mid) -> bool {
        self.held.contains_key(mid)
    }

    /// One step, about four times a second. The result is what is left for the room's picture, in bit/s; `None`: it is not known.
    pub fn step(&mut self, now: Instant, load: &Load) -> Option<u32> {
        self.held.retain(|mid, _| load.pictures.iter().any(|picture| picture.mid == *mid));
        let estimate = load.estimate?;
        let budget = usable(estimate).saturating_sub(load.sound);
        let fits = load.fitting(budget);
        let before = self.left.unwrap_or(budget).min(load.reserve);
        if self.need(load) > budget {
            let new = Doubt { until: now + DOUBT, estimate, left: before, trial: false };
            let doubt = *self.doubt.get_or_insert(new);
            let fell = estimate < doubt.estimate / 10 * 9;
            let climbs = climbs(doubt.estimate, estimate);
            if fell || (now >= doubt.until && !climbs) {
                if doubt.trial {
                    self.wait = (self.wait * 2).min(LONGEST_WAIT);
                }
                self.hold(now, load, &fits);
                self.doubt = None;
                self.recovery = Some(Recovery { until: now + DOUBT, end: now + RECOVERY, estimate, left: doubt.left });
            } else if now >= doubt.until {
                self.doubt = Some(Doubt { until: now + DOUBT, estimate, ..doubt });
            }
        } else if let Some(doubt) = self.doubt {
            if now >= doubt.until {
                self.doubt = None;
                if doubt.trial {
                    self.wait = (self.wait / 2).max(FIRST_WAIT);
                }
            }
        } else {
            self.let_through(
                now,
                load,
                budget,
                &fits,
                Doubt { until: now + DOUBT, estimate, left: before, trial: true },
            );
        }
        let forwarded: u32 = self.through(load).map(|picture| picture.need(0)).fold(0, u32::saturating_add);
        let least = budget.max(self.recovers(now, estimate)).min(load.reserve);
        self.left = Some(budget.saturating_sub(forwarded).max(least));
        self.left
    }

    /// What the room's picture had before something was too much, as long as the estimate has not come to rest since; else 0.
    fn recovers(&mut self, now: Instant, estimate: u32) -> u32 {
        self.recovery = match self.recovery {
            Some(recovery) if now < recovery.until => {
                Some(Recovery { estimate: recovery.estimate.min(estimate), ..recovery })
            }
            Some(recovery) if now < recovery.end && climbs(recovery.estimate, estimate) => {
                Some(Recovery { until: now + DOUBT, estimate, ..recovery })
            }
            _ => None,
        };
        self.recovery.map_or(0, |recovery| recovery.left)
    }

    fn through<'a>(&self, load: &'a Load) -> impl Iterator<Item = &'a Picture> {
        load.pictures.iter().filter(|picture| !self.holds(&picture.mid))
    }

    /// What everything that is let through needs. The room's picture can be made smaller where it is alone.
    fn need(&self, load: &Load) -> u32 {
        let alone = self.through(load).take(2).count() == 1;
        let reserve = if alone { 0 } else { load.reserve };
        self.through(load).map(|picture| picture.need(reserve)).fold(0, u32::saturating_add)
    }

    fn hold(&mut self, now: Instant, load: &Load, fits: &[bool]) {
        let late: Vec<Mid> = load
            .pictures
            .iter()
            .zip(fits)
            .filter(|(picture, fits)| !**fits && !self.holds(&picture.mid))
            .map(|(picture, _)| picture.mid.clone())
            .collect();
        self.held.extend(late.into_iter().map(|mid| (mid, now)));
    }

    /// Lets something through again that was held back, if there is reason to.
    fn let_through(&mut self, now: Instant, load: &Load, budget: u32, fits: &[bool], trial: Doubt) {
        let with_fit = || load.pictures.iter().zip(fits);
        // What has become more important takes the place of what no longer fits beside it.
        let better = with_fit().position(|(picture, fits)| *fits && self.holds(&picture.mid));
        let worse = with_fit().rposition(|(picture, fits)| !*fits && !self.holds(&picture.mid));
        if let (Some(better), Some(worse)) = (better, worse)
            && better < worse
            && let Some(picture) = load.pictures.get(better)
        {
            self.hold(now, load, fits);
            self.held.remove(&picture.mid);
            return;
        }
        // Beside something else the room's picture needs to be whole.
        let need = self.through(load).map(|picture| picture.need(load.reserve)).fold(0, u32::saturating_add);
        let free = budget.saturating_sub(need);
        let Some(last) = self.held.values().max() else { return };
        let waited = now.saturating_duration_since(*last);
        let next = load.pictures.iter().filter(|picture| self.holds(&picture.mid)).find_map(|picture| {
            let need = picture.need(load.reserve);
            let comfortable = need.saturating_add(need / 4) <= free && waited >= self.wait / HASTE;
            (comfortable || waited >= self.wait).then(|| picture.mid.clone())
        });
        if let Some(mid) = next {
            self.held.remove(&mid);
            self.doubt = Some(trial);
        }
    }
}

/// After [`DOUBT`], it is not at rest.
fn climbs(from: u32, to: u32) -> bool {
    to > from / 20 * 21
}

impl Picture {
    fn need(&self, reserve: u32) -> u32 {
        match self.of {
            Of::Room => reserve,
            Of::Guest(rate) => rate,
        }
    }
}

impl Load {
    /// Which pictures fit, in order: what is less important takes nothing from what is more important.
    fn fitting(&self, budget: u32) -> Vec<bool> {
        let mut left = budget;
        let mut taken = false;
        let fits = |picture: &Picture| {
            let need = picture.need(self.reserve);
            // With nothing in front of it the room's picture takes what there is, and is made smaller.
            let need = if picture.of == Of::Room && !taken { need.min(left) } else { need };
            let fits = need <= left;
            if fits {
                left -= need;
                taken |= need > 0;
            }
            fits
        };
        self.pictures.iter().map(fits).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STEP: Duration = Duration::from_millis(250);
    const RESERVE: u32 = 900_000;

    fn guest(mid: &str, rate: u32) -> Picture {
        Picture { mid: Mid(mid.into()), of: Of::Guest(rate) }
    }

    fn room() -> Picture {
        Picture { mid: Mid("room-video".into()), of: Of::Room }
    }

    fn load(estimate: u32, pictures: Vec<Picture>) -> Load {
        Load { estimate: Some(estimate), sound: 0, reserve: RESERVE, pictures }
    }

    /// A path that carries `capacity`: its estimate climbs by eight percent a second while that is enough, and falls below it
    /// at once where more is sent, as GCC's does.
    struct Wire {
        path: Path,
        now: Instant,
        capacity: u32,
        estimate: u32,
        most: u32,
        changes: Vec<(u64, String, bool)>,
        start: Instant,
    }

    impl Wire {
        fn new(capacity: u32, estimate: u32) -> Self {
            let now = Instant::now();
            Wire { path: Path::default(), now, capacity, estimate, most: 15_000_000, changes: Vec::new(), start: now }
        }

        fn run(&mut self, seconds: u32, pictures: &[Picture]) -> u32 {
            let mut left = 0;
            for _ in 0..seconds * 4 {
                self.now += STEP;
                let load = load(self.estimate, pictures.to_vec());
                let before: Vec<bool> = pictures.iter().map(|picture| self.path.holds(&picture.mid)).collect();
                left = self.path.step(self.now, &load).unwrap();
                for (picture, before) in pictures.iter().zip(before) {
                    let holds = self.path.holds(&picture.mid);
                    if holds != before {
                        self.changes.push(((self.now - self.start).as_secs(), picture.mid.0.clone(), holds));
                    }
                }
                let sent: u32 = pictures
                    .iter()
                    .filter(|picture| !self.path.holds(&picture.mid))
                    .map(|picture| picture.need(left.clamp(300_000, 2_500_000)))
                    .sum();
                self.estimate = if sent > self.capacity {
                    self.capacity / 20 * 17
                } else {
                    (self.estimate / 50 * 51).min(self.most)
                };
            }
            left
        }

        fn held(&self) -> Vec<String> {
            self.path.held.keys().map(|mid| mid.0.clone()).collect()
        }
    }

    #[test]
    fn on_a_wide_path_nothing_is_ever_held_back_however_low_its_estimate_begins() {
        let mut wire = Wire::new(100_000_000, 1_500_000);
        let mut pictures = vec![room()];
        pictures.extend((0..7).map(|n| guest(&format!("slot-{n}-video"), 1_200_000)));
        let left = wire.run(60, &pictures);
        assert_eq!(wire.changes, []);
        assert!(left >= 2_500_000, "{left}");
    }

    #[test]
    fn on_a_narrow_path_the_last_give_way_and_the_room_s_picture_stays_whole() {
        let mut wire = Wire::new(2_000_000, 3_000_000);
        let pictures = [room(), guest("screen", 400_000), guest("a", 500_000), guest("b", 500_000)];
        let left = wire.run(8, &pictures);
        assert_eq!(wire.held(), ["a", "b"]);
        assert!(left >= RESERVE, "{left}");
    }

    #[test]
    fn what_is_held_back_is_tried_again_later_and_later() {
        let mut wire = Wire::new(1_600_000, 3_000_000);
        // Once the estimate has fallen it cannot climb beyond this.
        wire.most = 1_400_000;
        let pictures = [room(), guest("a", 900_000)];
        wire.run(200, &pictures);
        let tried: Vec<u64> = wire.changes.iter().filter(|change| !change.2).map(|change| change.0).collect();
        let waits: Vec<u64> = tried.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(waits.len() >= 3 && waits.is_sorted() && waits[2] >= 40, "{tried:?}");
        let left = wire.run(1, &pictures);
        assert!(left >= RESERVE, "{left}");
    }

    #[test]
    fn what_is_tried_in_vain_makes_the_room_s_picture_no_smaller() {
        let mut wire = Wire::new(2_200_000, 3_000_000);
        let pictures = [room(), guest("a", 700_000), guest("b", 720_000), guest("c", 780_000)];
        for _ in 0..200 {
            // A burst: the estimate falls far below what the path carries.
            let before = wire.changes.len();
            let left = wire.run(1, &pictures);
            if wire.changes.iter().skip(before).any(|change| change.2) {
                wire.estimate = wire.estimate.min(900_000);
            }
            assert!(left >= RESERVE, "{left}: {:?}", wire.changes);
        }
        let held = wire.changes.iter().filter(|change| change.2).count();
        assert!(held > 3, "something was tried: {:?}", wire.changes);
    }

    #[test]
    fn what_is_held_back_is_tried_where_others_make_the_room_s_picture_small() {
        let mut wire = Wire::new(700_000, 3_000_000);
        let pictures = [room(), guest("a", 300_000)];
        wire.run(8, &pictures);
        assert_eq!(wire.held(), ["a"]);
        // So little is sent that the estimate climbs no further than this, however wide the path is now.
        (wire.capacity, wire.most) = (50_000_000, 500_000);
        wire.run(5, &pictures);
        assert!(wire.held().is_empty(), "{:?}", wire.changes);
        // More is sent, and the estimate climbs again.
        wire.most = 15_000_000;
        wire.run(60, &pictures);
        assert!(wire.held().is_empty(), "{:?}", wire.changes);
    }

    #[test]
    fn a_trial_in_vain_makes_a_small_picture_no_larger() {
        let mut wire = Wire::new(700_000, 3_000_000);
        let pictures = [room(), guest("a", 300_000)];
        wire.run(9, &pictures);
        for _ in 0..60 {
            let left = wire.run(1, &pictures);
            assert!(left <= 720_000, "{left}: {:?}", wire.changes);
        }
        assert!(wire.changes.iter().any(|change| !change.2), "something was tried");
    }

    #[test]
    fn on_a_path_too_narrow_for_the_room_s_picture_it_is_soon_made_smaller() {
        let mut wire = Wire::new(700_000, 3_000_000);
        let left = wire.run(6, &[room(), guest("a", 900_000)]);
        assert!((300_000..700_000).contains(&left), "{left}");
    }

    #[test]
    fn a_path_that_is_wide_again_is_used_again() {
        let mut wire = Wire::new(1_500_000, 3_000_000);
        let pictures = [room(), guest("a", 700_000), guest("b", 700_000)];
        wire.run(10, &pictures);
        assert_eq!(wire.held(), ["a", "b"]);
        wire.capacity = 50_000_000;
        wire.run(30, &pictures);
        assert!(wire.held().is_empty(), "{:?}", wire.changes);
    }

    #[test]
    fn what_becomes_more_important_takes_the_place_of_another_at_once() {
        let mut wire = Wire::new(2_060_000, 3_000_000);
        wire.run(4, &[room(), guest("a", 600_000), guest("b", 600_000)]);
        assert_eq!(wire.held(), ["b"]);
        wire.run(1, &[room(), guest("b", 600_000), guest("a", 600_000)]);
        assert_eq!(wire.held(), ["a"]);
    }

    #[test]
    fn what_the_guest_wants_more_than_the_room_pushes_the_room_out_and_nobody_else_down() {
        let mut wire = Wire::new(1_300_000, 3_000_000);
        let pictures = [guest("screen", 700_000), room(), guest("a", 500_000)];
        wire.run(6, &pictures);
        assert_eq!(wire.held(), ["a", "room-video"], "and so it does not count as a viewer of the room");
    }

    #[test]
    fn alone_the_room_s_picture_is_made_smaller_and_not_held_back() {
        let mut wire = Wire::new(500_000, 1_500_000);
        let left = wire.run(20, &[room()]);
        assert!(wire.held().is_empty());
        assert!((300_000..520_000).contains(&left), "{left}");
    }

    #[test]
    fn what_cannot_fit_even_alone_makes_room_for_what_can() {
        let mut wire = Wire::new(1_900_000, 3_000_000);
        wire.run(8, &[room(), guest("screen", 5_000_000), guest("a", 300_000)]);
        assert_eq!(wire.held(), ["screen"]);
    }

    #[test]
    fn without_an_estimate_nothing_changes() {
        let mut path = Path::default();
        let load = Load { estimate: None, ..load(0, vec![room(), guest("a", 9_000_000)]) };
        assert_eq!(path.step(Instant::now(), &load), None);
        assert!(!path.holds(&Mid("a".into())));
    }

    proptest! {
        /// However the path and the senders change, in the end what is let through fits, the room's picture has its reserve as
        /// far as the path goes, and the most important picture that fits by itself is let through.
        #[test]
        fn in_the_end_it_fits(
            chaos in prop::collection::vec((100_000_u32..9_000_000, 0_u32..2_000_000, 0_u32..2_000_000), 0..60),
            estimate in 100_000_u32..9_000_000,
            rates in prop::collection::vec(1_u32..2_000_000, 0..8),
            place in 0_usize..9,
        ) {
            let mut path = Path::default();
            let mut now = Instant::now();
            for (estimate, a, b) in chaos {
                now += STEP;
                path.step(now, &load(estimate, vec![guest("0", a), room(), guest("1", b)]));
            }
            let mut pictures: Vec<Picture> =
                rates.iter().enumerate().map(|(n, rate)| guest(&n.to_string(), *rate)).collect();
            pictures.insert(place.min(pictures.len()), room());
            let load = load(estimate, pictures);
            let budget = usable(estimate);
            let mut too_much = Duration::ZERO;
            for _ in 0..4000 {
                now += STEP;
                let left = path.step(now, &load).unwrap();
                prop_assert!(left >= budget.min(RESERVE));
                if path.need(&load) > budget { too_much += STEP } else { too_much = Duration::ZERO }
                // Whatever is too much does not stay so for long.
                prop_assert!(too_much <= DOUBT * 2, "{:?}", too_much);
            }
            if let (Some(first), Some(true)) = (load.pictures.first(), load.fitting(budget).first()) {
                prop_assert!(!path.holds(&first.mid));
            }
        }
    }
}
