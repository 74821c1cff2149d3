use super::*;

const SIZE: (usize, usize) = (256, 144);

/// A segmenter with the habits of the real one: it finds somebody who is between a third and all of its window high.
fn mask_of(area: Area, people: &[Area]) -> Vec<f32> {
    let mut mask = vec![0.0; SIZE.0 * SIZE.1];
    for somebody in people {
        let share = somebody.height() / area.height();
        if !(0.6..1.1).contains(&share) || somebody.overlap(area) < 0.7 {
            continue;
        }
        for (at, value) in mask.iter_mut().enumerate() {
            let x = area.left + ((at % SIZE.0) as f32 + 0.5) / SIZE.0 as f32 * area.width();
            let y = area.top + ((at / SIZE.0) as f32 + 0.5) / SIZE.1 as f32 * area.height();
            if (somebody.left..somebody.right).contains(&x) && (somebody.top..somebody.bottom).contains(&y) {
                *value = 1.0;
            }
        }
    }
    mask
}

/// Somebody of this height, with their feet at `bottom`.
fn somebody(middle: f32, bottom: f32, height: f32) -> Area {
    Area { left: middle - height / 4.0, right: middle + height / 4.0, top: bottom - height, bottom }
}

/// One picture: looks, masks, the mask of all. Pixels show people brighter by what `move_by` says.
fn once(regions: &mut Regions, people: &[Area], light: f32) -> (Vec<f32>, usize) {
    let looks = regions.looks();
    let masks: Vec<_> = looks.iter().map(|look| mask_of(look.area, people)).collect();
    let pixels: Vec<Vec<[f32; 3]>> = masks
        .iter()
        .map(|mask| {
            mask.iter().enumerate().map(|(at, value)| [0.3 + value * light * ((at / 9 % 2) as f32); 3]).collect()
        })
        .collect();
    let seen: Vec<_> = looks
        .iter()
        .zip(&pixels)
        .zip(&masks)
        .map(|((look, pixels), mask)| Seen { look: *look, pixels, mask })
        .collect();
    let mut mask = Vec::new();
    regions.learn(&seen, SIZE, &mut mask);
    (mask, looks.len())
}

/// How much of somebody is found.
fn found(mask: &[f32], somebody: Area) -> f32 {
    let (mut hit, mut all) = (0.0, 0.0);
    for (at, value) in mask.iter().enumerate() {
        let x = ((at % SIZE.0) as f32 + 0.5) / SIZE.0 as f32;
        let y = ((at / SIZE.0) as f32 + 0.5) / SIZE.1 as f32;
        if (somebody.left..somebody.right).contains(&x) && (somebody.top..somebody.bottom).contains(&y) {
            all += 1.0;
            hit += f32::from(u8::from(*value > PERSON));
        }
    }
    hit / all
}

#[test]
fn somebody_who_walks_away_is_followed() {
    let mut regions = Regions::new(3);
    let mut alone = Regions::new(0);
    let mut height = 0.9;
    while height > 0.16 {
        let person = somebody(0.3 + 0.4 * (0.9 - height), 0.95 - 0.3 * (0.9 - height), height);
        let (mask, _) = once(&mut regions, &[person], 0.1);
        assert!(found(&mask, person) > 0.8, "{height}: {}", found(&mask, person));
        let (mask, looks) = once(&mut alone, &[person], 0.1);
        assert_eq!(looks, 1);
        assert!(height > 0.55 || found(&mask, person) < 0.01, "without windows they are lost");
        height -= 0.01;
    }
}

#[test]
fn somebody_who_was_never_near_is_found_when_they_move_and_a_coat_is_not() {
    for moves in [true, false] {
        let mut regions = Regions::new(3);
        let person = somebody(0.62, 0.7, 0.3);
        let mut shown = None;
        for turn in 0..400 {
            let light = if moves && turn % 20 < 10 { 0.1 } else { 0.3 };
            let (mask, _) = once(&mut regions, &[person], light);
            if found(&mask, person) > 0.8 {
                shown = shown.or(Some(turn));
            } else {
                assert!(mask.iter().all(|value| *value < PERSON), "nothing shows while it is not sure");
            }
        }
        assert_eq!(shown.is_some(), moves, "{shown:?}");
    }
}

#[test]
fn an_empty_room_stays_covered_and_a_place_that_was_left_is_given_up() {
    let mut regions = Regions::new(3);
    let person = somebody(0.5, 0.9, 0.5);
    once(&mut regions, &[somebody(0.5, 0.9, 0.7)], 0.1);
    once(&mut regions, &[person], 0.1);
    assert_eq!(regions.seats.len(), 1);
    for _ in 0..MISSES {
        let (mask, _) = once(&mut regions, &[], 0.1);
        assert!(mask.iter().all(|value| *value == 0.0));
    }
    assert!(regions.seats.is_empty());
}

#[test]
fn no_more_windows_than_allowed_and_never_two_on_the_same_people() {
    let mut regions = Regions::new(2);
    let crowd: Vec<Area> = (0..4).map(|at| somebody(0.125 + 0.25 * at as f32, 0.95, 0.62)).collect();
    for _ in 0..40 {
        let (_, looks) = once(&mut regions, &crowd, 0.1);
        assert!(looks <= 4);
        assert!(regions.seats.len() <= 2);
        for (at, seat) in regions.seats.iter().enumerate() {
            assert!(regions.seats[..at].iter().all(|other| other.window.overlap(seat.window) <= 0.6));
        }
    }
}

#[test]
fn a_search_comes_by_everywhere() {
    let mut regions = Regions::new(1);
    let mut seen = vec![false; 20 * 20];
    for _ in 0..200 {
        let area = regions.next_search();
        assert!(area.left >= 0.0 && area.top >= 0.0 && area.right <= 1.0001 && area.bottom <= 1.0001);
        for (at, seen) in seen.iter_mut().enumerate() {
            let (x, y) = ((at % 20) as f32 / 20.0 + 0.025, (at / 20) as f32 / 20.0 + 0.025);
            *seen |= area.width() < 0.3 && (area.left..area.right).contains(&x) && (area.top..area.bottom).contains(&y);
        }
    }
    assert!(seen.iter().all(|seen| *seen));
}

#[test]
fn light_is_no_movement_and_a_hand_is() {
    let before = vec![0.4; 144];
    let brighter = vec![0.6; 144];
    let mut hand = brighter.clone();
    hand[70] = 0.65;
    assert!(!moved(&before, &brighter));
    assert!(moved(&before, &hand));
    assert!(!moved(&[], &hand));
}

#[test]
fn a_mask_of_the_wrong_length_shows_nothing_where_it_lacks() {
    let mut regions = Regions::new(1);
    let looks = regions.looks();
    let seen = [Seen { look: looks[0], pixels: &[], mask: &[1.0; 10] }];
    let mut mask = Vec::new();
    regions.learn(&seen, SIZE, &mut mask);
    assert_eq!(mask.len(), SIZE.0 * SIZE.1);
    assert!(mask[10..].iter().all(|value| value.is_nan()), "and freshness calls it broken");
}
