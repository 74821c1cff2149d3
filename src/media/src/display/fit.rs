//! Where on the screen a picture goes: inside its place, in its own proportions, in the middle.

use subrosa_messages::media::{Rectangle, Size};

/// The part of `place` that is on a screen of this size.
#[must_use]
pub fn on_screen(place: Rectangle, screen: Size) -> Rectangle {
    let x = place.x.min(screen.width);
    let y = place.y.min(screen.height);
    Rectangle { x, y, width: place.width.min(screen.width - x), height: place.height.min(screen.height - y) }
}

/// The rectangle inside `place` for a picture of `width` × `height` pixels, each `aspect` times as wide as high. Even
/// in all four, since colour is kept for each 2 × 2 pixels; `None` when there is no room for any.
#[must_use]
pub fn fit(place: Rectangle, width: u32, height: u32, aspect: (u32, u32)) -> Option<Rectangle> {
    let (wide, high) = (u64::from(width) * u64::from(aspect.0.max(1)), u64::from(height) * u64::from(aspect.1.max(1)));
    if wide == 0 || high == 0 {
        return None;
    }
    let (place_wide, place_high) = (u64::from(place.width), u64::from(place.height));
    let (fit_wide, fit_high) = if place_wide * high <= place_high * wide {
        (place_wide, place_wide * high / wide)
    } else {
        (place_high * wide / high, place_high)
    };
    let even = |n: u64| u32::try_from(n).unwrap_or(u32::MAX) & !1;
    let (x, y) = (even(u64::from(place.x) + 1), even(u64::from(place.y) + 1));
    let room = |start: u32, from: u32, length: u32| (u64::from(from) + u64::from(length)).saturating_sub(start.into());
    let (fit_wide, fit_high) =
        (even(fit_wide.min(room(x, place.x, place.width))), even(fit_high.min(room(y, place.y, place.height))));
    let middle = |length: u32, room: u64| even(room.saturating_sub(length.into()) / 2);
    (fit_wide > 0 && fit_high > 0).then(|| Rectangle {
        x: x + middle(fit_wide, room(x, place.x, place.width)),
        y: y + middle(fit_high, room(y, place.y, place.height)),
        width: fit_wide,
        height: fit_high,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(x: u32, y: u32, width: u32, height: u32) -> Rectangle {
        Rectangle { x, y, width, height }
    }

    #[test]
    fn pictures_keep_their_proportions() {
        let whole = place(0, 0, 1280, 720);
        assert_eq!(fit(whole, 640, 360, (1, 1)), Some(whole));
        assert_eq!(fit(whole, 640, 480, (1, 1)), Some(place(160, 0, 960, 720)));
        // A phone held upright.
        assert_eq!(fit(whole, 360, 640, (1, 1)), Some(place(438, 0, 404, 720)));
        assert_eq!(fit(place(100, 50, 300, 300), 1280, 720, (1, 1)), Some(place(100, 116, 300, 168)));
        assert_eq!(fit(whole, 720, 576, (16, 15)), Some(place(160, 0, 960, 720)));
        assert_eq!(fit(place(3, 3, 1, 1), 640, 360, (1, 1)), None);
        assert_eq!(fit(whole, 0, 360, (1, 1)), None);
    }

    proptest! {
        #[test]
        fn it_is_always_inside_and_even(
            x in 0_u32..5000, y in 0_u32..5000, width in 0_u32..5000, height in 0_u32..5000,
            wide in 0_u32..5000, high in 0_u32..5000, aspect in (0_u32..40, 0_u32..40),
        ) {
            let screen = Size { width: 1920, height: 1080 };
            let place = on_screen(place(x, y, width, height), screen);
            prop_assert!(place.x + place.width <= 1920 && place.y + place.height <= 1080);
            if let Some(r) = fit(place, wide, high, aspect) {
                prop_assert!(r.x >= place.x && r.x + r.width <= place.x + place.width);
                prop_assert!(r.y >= place.y && r.y + r.height <= place.y + place.height);
                prop_assert!([r.x, r.y, r.width, r.height].iter().all(|n| n % 2 == 0));
            }
        }
    }
}
