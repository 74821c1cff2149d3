use proptest::prelude::*;

use super::*;

const GOOD: Quality = Quality { sound: true, people: 0.3, unsure: 0.05, mean: 0.3 };
const EMPTY_ROOM: Quality = Quality { sound: true, people: 0.0, unsure: 0.0, mean: 0.01 };
const NEAR: Quality = Quality { sound: true, people: 0.7, unsure: 0.05, mean: 0.7 };
const ALL: Quality = Quality { sound: true, people: 1.0, unsure: 0.0, mean: 1.0 };
const UNSURE_NOTHING: Quality = Quality { sound: true, people: 0.0, unsure: 0.1, mean: 0.2 };
const GREY: Quality = Quality { sound: true, people: 0.5, unsure: 0.9, mean: 0.5 };
const NO_NUMBERS: Quality = Quality { sound: false, people: 0.0, unsure: 0.0, mean: f32::NAN };

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Taken {
    Taken { arrived: ms(millis), stamp: Some(ms(millis)) }
}

fn frame(freshness: &mut Freshness, millis: u64) -> Vec<Action> {
    freshness.step(ms(millis), Event::Frame { taken: at(millis) })
}

fn mask(freshness: &mut Freshness, millis: u64, quality: Quality) -> Vec<Action> {
    freshness.step(ms(millis), Event::Mask { of: at(millis), quality })
}

fn running(until: u64) -> Freshness {
    let mut freshness = Freshness::new(ms(0), MAXIMUM_AGE);
    mask(&mut freshness, until - 10, GOOD);
    frame(&mut freshness, until);
    assert_eq!(freshness.state(), State::Clear);
    freshness
}

fn held_back(actions: &[Action]) -> bool {
    actions.first() == Some(&Action::HoldBack)
}

#[test]
fn p4_before_the_first_mask_nothing_passes() {
    let mut freshness = Freshness::new(ms(0), MAXIMUM_AGE);
    for millis in (0..=990).step_by(33) {
        assert_eq!(frame(&mut freshness, millis), [Action::HoldBack]);
    }
    assert_eq!(frame(&mut freshness, 1001), [Action::HoldBack, Action::Say(State::Covered(Why::Late))]);
    let mut freshness = Freshness::new(ms(0), MAXIMUM_AGE);
    frame(&mut freshness, 0);
    assert_eq!(mask(&mut freshness, 5, GOOD), [Action::Use]);
    assert_eq!(frame(&mut freshness, 33), [Action::Compose { age: ms(28) }, Action::Say(State::Clear)]);
}

#[test]
fn p4_a_mask_is_used_for_150_ms_and_no_longer() {
    let mut freshness = running(100);
    // The mask is of 90.
    assert_eq!(frame(&mut freshness, 240), [Action::Compose { age: ms(150) }]);
    assert_eq!(frame(&mut freshness, 241), [Action::HoldBack, Action::Say(State::Covered(Why::Late))]);
    assert_eq!(frame(&mut freshness, 274), [Action::HoldBack], "it is said once");
    let mut freshness = Freshness::new(ms(0), Duration::from_secs(60));
    assert_eq!(freshness.maximum_age(), MAXIMUM_AGE, "a longer age cannot be set");
    mask(&mut freshness, 10, GOOD);
    assert!(held_back(&frame(&mut freshness, 161)));
}

#[test]
fn p4_stamps_count_as_well_as_our_clock() {
    let late_by = |frame: Taken| {
        let mut freshness = running(100);
        held_back(&freshness.step(frame.arrived, Event::Frame { taken: frame }))
    };
    assert!(!late_by(Taken { arrived: ms(110), stamp: Some(ms(110)) }));
    assert!(late_by(Taken { arrived: ms(110), stamp: Some(ms(300)) }), "a file that is read at full speed");
    assert!(late_by(Taken { arrived: ms(300), stamp: Some(ms(110)) }), "stamps that stand still");
    assert!(late_by(Taken { arrived: ms(110), stamp: Some(ms(20)) }), "stamps that went backwards: another scene");
    assert!(!late_by(Taken { arrived: ms(110), stamp: None }));
    assert!(late_by(Taken { arrived: ms(300), stamp: None }));
}

#[test]
fn p4_after_a_cover_three_good_masks_are_needed() {
    let mut freshness = running(100);
    frame(&mut freshness, 300);
    for (millis, count) in [(310, 1), (340, 2)] {
        mask(&mut freshness, millis, GOOD);
        assert!(held_back(&frame(&mut freshness, millis + 5)), "{count}");
    }
    assert_eq!(mask(&mut freshness, 370, GOOD), [Action::Use]);
    assert_eq!(frame(&mut freshness, 375), [Action::Compose { age: ms(5) }, Action::Say(State::Clear)]);
}

#[test]
fn p4_what_is_no_mask_is_never_used() {
    for (nonsense, why) in [(NO_NUMBERS, Why::Broken), (GREY, Why::Doubtful)] {
        let mut freshness = running(100);
        for millis in (110..=240).step_by(10) {
            assert_eq!(mask(&mut freshness, millis, nonsense), []);
            assert!(!held_back(&frame(&mut freshness, millis)), "the last good mask is young enough");
        }
        mask(&mut freshness, 245, nonsense);
        assert_eq!(frame(&mut freshness, 250), [Action::HoldBack, Action::Say(State::Covered(why))]);
    }
}

#[test]
fn p4_everything_and_unsure_nothing_are_believed_for_two_seconds() {
    for odd in [ALL, UNSURE_NOTHING] {
        let mut freshness = running(100);
        mask(&mut freshness, 150, NEAR);
        for millis in (200..2200).step_by(20) {
            assert_eq!(mask(&mut freshness, millis, odd), [Action::Use]);
            assert!(!held_back(&frame(&mut freshness, millis + 5)), "{millis}");
        }
        assert_eq!(mask(&mut freshness, 2200, odd), []);
        assert_eq!(frame(&mut freshness, 2201), [Action::HoldBack, Action::Say(State::Covered(Why::Doubtful))]);
        for millis in (2220..9000).step_by(20) {
            mask(&mut freshness, millis, odd);
            assert!(held_back(&frame(&mut freshness, millis + 5)), "it never shows again by itself");
        }
        for millis in [9000, 9020, 9040] {
            mask(&mut freshness, millis, GOOD);
        }
        assert!(!held_back(&frame(&mut freshness, 9045)), "it recovers");
    }
}

#[test]
fn p4_everything_out_of_nothing_is_never_used_and_one_such_mask_covers_nothing() {
    let mut freshness = running(100);
    assert_eq!(mask(&mut freshness, 150, ALL), []);
    assert_eq!(frame(&mut freshness, 155), [Action::Compose { age: ms(65) }], "with the mask before");
    assert_eq!(mask(&mut freshness, 200, GOOD), [Action::Use]);
    assert_eq!(frame(&mut freshness, 205), [Action::Compose { age: ms(5) }]);
    for millis in (220..9000).step_by(20) {
        assert_eq!(mask(&mut freshness, millis, ALL), [], "{millis}");
        assert_eq!(held_back(&frame(&mut freshness, millis + 5)), millis + 5 > 350, "{millis}");
    }
    assert_eq!(freshness.state(), State::Covered(Why::Doubtful));
    // Nor at the very start.
    let mut freshness = Freshness::new(ms(0), MAXIMUM_AGE);
    assert_eq!(mask(&mut freshness, 10, ALL), []);
    assert!(held_back(&frame(&mut freshness, 15)));
}

#[test]
fn an_empty_room_is_shown_blurred_for_as_long_as_one_likes() {
    let mut freshness = running(100);
    for millis in (200..60_000).step_by(50) {
        mask(&mut freshness, millis, EMPTY_ROOM);
        assert!(!held_back(&frame(&mut freshness, millis + 5)));
    }
}

#[test]
fn p4_errors_and_death_cover_and_recover() {
    let mut freshness = running(100);
    freshness.step(ms(110), Event::Failed);
    assert!(!held_back(&frame(&mut freshness, 120)), "one failure does no harm while the mask is young");
    assert_eq!(frame(&mut freshness, 300), [Action::HoldBack, Action::Say(State::Covered(Why::Broken))]);
    let mut freshness = running(100);
    freshness.step(ms(110), Event::Gone);
    assert_eq!(frame(&mut freshness, 111), [Action::HoldBack, Action::Say(State::Covered(Why::Gone))], "at once");
    for millis in [120, 140, 160] {
        mask(&mut freshness, millis, GOOD);
    }
    assert_eq!(frame(&mut freshness, 165), [Action::Compose { age: ms(5) }, Action::Say(State::Clear)]);
}

#[test]
fn p4_a_mask_from_before_the_beginning_does_not_count() {
    let mut freshness = running(100);
    assert_eq!(freshness.step(ms(120), Event::Begin), [Action::Say(State::Starting)]);
    assert_eq!(frame(&mut freshness, 125), [Action::HoldBack]);
    assert_eq!(freshness.step(ms(126), Event::Mask { of: at(119), quality: GOOD }), []);
    assert_eq!(frame(&mut freshness, 127), [Action::HoldBack]);
    mask(&mut freshness, 130, GOOD);
    assert!(!held_back(&frame(&mut freshness, 140)));
}

/// Every state with every event: what is seen afterwards, at the next frame.
#[test]
fn p4_the_whole_table() {
    let starting = || Freshness::new(ms(0), MAXIMUM_AGE);
    let clear = || running(100);
    let covered = |why: Why| {
        let mut freshness = running(100);
        match why {
            Why::Late => {}
            Why::Doubtful => drop(mask(&mut freshness, 101, GREY)),
            Why::Broken => drop(freshness.step(ms(101), Event::Failed)),
            Why::Gone => drop(freshness.step(ms(101), Event::Gone)),
        }
        frame(&mut freshness, 290);
        assert_eq!(freshness.state(), State::Covered(why));
        freshness
    };
    let states =
        [starting(), clear(), covered(Why::Late), covered(Why::Doubtful), covered(Why::Broken), covered(Why::Gone)];
    let good = Event::Mask { of: at(300), quality: GOOD };
    let grey = Event::Mask { of: at(300), quality: GREY };
    let broken = Event::Mask { of: at(300), quality: NO_NUMBERS };
    let events = [Event::Begin, good, grey, broken, Event::Failed, Event::Gone];
    use State::{Clear, Covered, Starting};
    use Why::{Broken, Doubtful, Gone, Late};
    // One row for each state, one column for each event, looked at 10 ms later.
    let table = [
        [Starting, Clear, Covered(Doubtful), Covered(Broken), Covered(Broken), Covered(Gone)],
        [Starting, Clear, Covered(Doubtful), Covered(Broken), Covered(Broken), Covered(Gone)],
        [Starting, Covered(Late), Covered(Doubtful), Covered(Broken), Covered(Broken), Covered(Gone)],
        [Starting, Covered(Doubtful), Covered(Doubtful), Covered(Broken), Covered(Broken), Covered(Gone)],
        [Starting, Covered(Broken), Covered(Doubtful), Covered(Broken), Covered(Broken), Covered(Gone)],
        [Starting, Covered(Gone), Covered(Doubtful), Covered(Broken), Covered(Broken), Covered(Gone)],
    ];
    for (state, row) in states.iter().zip(table) {
        for (event, expected) in events.iter().zip(row) {
            let mut freshness = state.clone();
            freshness.step(ms(300), *event);
            frame(&mut freshness, 310);
            assert_eq!(freshness.state(), expected, "{:?} and {event:?}", state.state());
        }
    }
}

#[test]
fn what_a_mask_looks_like() {
    let half: Vec<f32> = (0..100).map(|at| if at < 50 { 0.0 } else { 1.0 }).collect();
    assert_eq!(Quality::of(&half), Quality { sound: true, people: 0.5, unsure: 0.0, mean: 0.5 });
    assert_eq!(Quality::of(&[0.5; 10]).judge(), Judgement::Grey);
    assert_eq!(Quality::of(&[1.0; 10]).judge(), Judgement::Everything);
    assert_eq!(Quality::of(&[0.0; 10]).judge(), Judgement::Good);
    assert_eq!(Quality::of(&[0.15; 10]).judge(), Judgement::Nobody);
    for bad in [f32::NAN, f32::INFINITY, -1.0, 2.0] {
        assert_eq!(Quality::of(&[0.5, bad]).judge(), Judgement::Broken);
    }
    assert_eq!(Quality::of(&[]).judge(), Judgement::Broken);
}

#[derive(Clone, Debug)]
enum Step {
    Mask { delay: u64, quality: Quality },
    Other(Event),
    Frame { back: u64 },
}

fn step() -> impl Strategy<Value = (u64, Step)> {
    let quality = prop::sample::select(vec![GOOD, GOOD, GOOD, EMPTY_ROOM, ALL, UNSURE_NOTHING, GREY, NO_NUMBERS]);
    let what = prop_oneof![
        4 => (0_u64..300, quality).prop_map(|(delay, quality)| Step::Mask { delay, quality }),
        1 => prop::sample::select(vec![Event::Begin, Event::Failed, Event::Gone]).prop_map(Step::Other),
        6 => (0_u64..40).prop_map(|back| Step::Frame { back }),
    ];
    (0_u64..120, what)
}

proptest! {
    /// Whatever happens in whatever order: a frame is composed only when the last mask that was taken into use is sound, not grey,
    /// of this beginning and not older than 150 ms; and good masks always lead back to the picture.
    #[test]
    fn p4_no_frame_leaves_without_a_fresh_good_mask(steps in prop::collection::vec(step(), 1..200)) {
        let mut freshness = Freshness::new(ms(0), MAXIMUM_AGE);
        let (mut now, mut begun, mut used): (u64, u64, Option<(u64, Quality)>) = (0, 0, None);
        for (wait, step) in steps {
            now += wait;
            match step {
                Step::Mask { delay, quality } => {
                    let of = now.saturating_sub(delay);
                    let actions = freshness.step(ms(now), Event::Mask { of: at(of), quality });
                    if actions.contains(&Action::Use) {
                        prop_assert!(of >= begun);
                        used = Some((of, quality));
                    }
                }
                Step::Other(event) => {
                    let actions = freshness.step(ms(now), event);
                    prop_assert!(!actions.contains(&Action::Use));
                    if event == Event::Begin {
                        begun = now;
                        used = None;
                    } else if event == Event::Gone {
                        used = None;
                    }
                }
                Step::Frame { back } => {
                    let taken = now.saturating_sub(back);
                    let actions = freshness.step(ms(now), Event::Frame { taken: at(taken) });
                    match actions[0] {
                        Action::Compose { age } => {
                            let (of, quality) = used.unwrap();
                            prop_assert!(taken >= of && taken - of <= 150 && age == ms(taken - of));
                            prop_assert!(quality.sound && quality.unsure < 0.4);
                            prop_assert_eq!(freshness.state(), State::Clear);
                        }
                        Action::HoldBack => prop_assert_ne!(freshness.state(), State::Clear),
                        other => prop_assert!(false, "{:?}", other),
                    }
                }
            }
        }
        for _ in 0..RECOVERY {
            now += 30;
            mask(&mut freshness, now, GOOD);
        }
        prop_assert!(!held_back(&frame(&mut freshness, now + 5)), "good masks lead back");
    }
}
