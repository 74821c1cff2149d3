//! What must hold on every screen, whatever is shown.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::path::Path;
use std::time::Instant;

use resvg::tiny_skia::{IntSize, Pixmap};
use subrosa_messages::guard::Refusal;
use subrosa_messages::media::Size;

use super::card::{CardReason, card_scene};
use super::code::Modules;
use super::examples::{FULL_HD, all, closed, crowded, view};
use super::examples_elsewhere::{meeting, person, pictures};
use super::fonts::Weight;
use super::palette::Colour;
use super::scene::{Area, Item};
use super::view::{Phase, View};
use super::{Fonts, Scene, card, draw, scene, stage};
use crate::language::Language;
use crate::meeting::wish::Layout;

const SIZES: [Size; 7] = [
    FULL_HD,
    Size { width: 1280, height: 720 },
    Size { width: 3840, height: 2160 },
    Size { width: 1024, height: 768 },
    Size { width: 1920, height: 1200 },
    Size { width: 2560, height: 1080 },
    Size { width: 1080, height: 1920 },
];

/// Texts, icons, codes and pictures lie apart from each other and on the screen.
fn check(scene: &Scene, what: &str) {
    let screen = Area { x: 0.0, y: 0.0, width: scene.size.width as f32, height: scene.size.height as f32 };
    let mut places: Vec<(String, Area)> =
        scene.pictures.iter().map(|picture| ("picture".to_owned(), picture.place.into())).collect();
    for item in &scene.items {
        let area = item.area();
        assert!(screen.contains(&area), "{what}: outside: {area:?} {}", name(item));
        match item {
            // A panel may hold others, wholly.
            Item::Panel { .. } => {}
            Item::Text { .. } | Item::Icon { .. } | Item::Code { .. } => {
                places.push((name(item), area));
            }
        }
    }
    for (index, (one, area)) in places.iter().enumerate() {
        for (other, place) in places.iter().skip(index + 1) {
            let in_its_window = one == "picture"
                && scene
                    .pictures
                    .iter()
                    .any(|picture| Area::from(picture.place) == *area && !scene.windows.contains(&picture.place));
            // What stands over a picture that does not move covers it.
            assert!(in_its_window || !area.overlaps(place), "{what}: {one} {area:?} and {other} {place:?}");
        }
    }
    for item in &scene.items {
        if let Item::Panel { area, fill: Some(Colour::Paper | Colour::Raised), .. } = item {
            for (inside, place) in &places {
                assert!(
                    !area.overlaps(place) || area.contains(place) || inside == "picture",
                    "{what}: {inside} {place:?} lies across the edge of a panel {area:?}"
                );
            }
        }
    }
}

fn name(item: &Item) -> String {
    match item {
        Item::Text { content, .. } => content.reveal().clone(),
        Item::Panel { .. } => "panel".to_owned(),
        Item::Icon { icon, .. } => format!("{icon:?}"),
        Item::Code { .. } => "code".to_owned(),
    }
}

fn texts(scene: &Scene) -> String {
    let texts = scene.items.iter().filter_map(|item| match item {
        Item::Text { content, .. } => Some(content.reveal().as_str()),
        Item::Panel { .. } | Item::Icon { .. } | Item::Code { .. } => None,
    });
    texts.collect::<Vec<_>>().join(" ")
}

#[test]
fn nothing_overlaps_or_leaves_the_screen_whatever_is_shown() {
    let fonts = Fonts::load().unwrap();
    for language in Language::ALL {
        for size in SIZES {
            let mut views: Vec<View> = all(language).into_iter().map(|(_, view)| view).collect();
            if [FULL_HD, SIZES[3], SIZES[5]].contains(&size) {
                views.extend(crowded(language));
            }
            for (index, view) in views.into_iter().enumerate() {
                let view = View { size, ..view };
                check(&scene(&view, &fonts), &format!("{language:?} {size:?} {index} {:?}", view.phase));
            }
        }
    }
}

#[test]
fn our_own_texts_are_never_cut() {
    let fonts = Fonts::load().unwrap();
    let mut cut = BTreeSet::new();
    for language in Language::ALL {
        for view in all(language).into_iter().map(|(_, view)| view).chain(crowded(language)) {
            let scene = scene(&view, &fonts);
            if scene.shortened > 0 {
                let ends = |item: &&Item| name(item).ends_with('…');
                let shown: Vec<String> = scene.items.iter().filter(ends).map(name).collect();
                cut.insert(if shown.is_empty() { texts(&scene) } else { shown.join(", ") });
            }
        }
    }
    assert!(cut.is_empty(), "{cut:#?}");
}

#[test]
fn no_text_is_smaller_than_can_be_read_from_four_metres() {
    let fonts = Fonts::load().unwrap();
    for size in SIZES {
        for (name, view) in all(Language::German) {
            let scene = scene(&View { size, ..view }, &fonts);
            let height = (size.height as f32).min(size.width as f32 * 9.0 / 16.0);
            for item in &scene.items {
                if let Item::Text { size, .. } = item {
                    assert!(*size >= 0.038 * height, "{name}: {size} of {height}");
                }
            }
        }
    }
}

#[test]
fn every_guest_has_a_place_and_only_moving_pictures_are_let_through() {
    let fonts = Fonts::load().unwrap();
    for view in crowded(Language::English) {
        let (Phase::InCall { guests, meeting, .. } | Phase::Asking { guests, meeting, .. }) = &view.phase else {
            continue;
        };
        if meeting.share.is_some() || meeting.layout == Layout::Speaker {
            continue;
        }
        let scene = scene(&view, &fonts);
        let with_picture = guests.iter().take(12).filter(|guest| guest.picture.is_some()).count();
        assert_eq!(scene.pictures.len(), with_picture);
        let restarting = matches!(&view.phase, Phase::InCall { media_restarting: true, .. });
        let moving = guests.iter().take(12).filter(|guest| guest.moving && !guest.reconnecting && !restarting).count();
        assert_eq!(scene.windows.len(), moving);
    }
}

#[test]
fn a_shared_screen_is_the_largest_and_so_is_whoever_speaks_where_that_was_asked_for() {
    let fonts = Fonts::load().unwrap();
    for name in ["meeting-share", "meeting-speaker"] {
        let (_, view) = all(Language::German).into_iter().find(|(known, _)| *known == name).unwrap();
        let scene = scene(&view, &fonts);
        let area = |picture: &subrosa_messages::media::Picture| picture.place.width * picture.place.height;
        let (large, small) = scene.pictures.split_first().unwrap();
        assert_eq!(large.track.mid.0 == "guest-screen", name == "meeting-share");
        assert_eq!(large.track.link.0, 2, "who speaks, or shares");
        assert!(small.len() >= 2 && small.iter().all(|other| area(large) > 6 * area(other)), "{:?}", scene.pictures);
    }
}

#[test]
fn what_is_shown_of_a_meeting_elsewhere_has_its_place_and_the_height_that_was_said() {
    let fonts = Fonts::load().unwrap();
    for view in all(Language::English).into_iter().map(|(_, view)| view).chain(crowded(Language::German)) {
        let Phase::Joined { meeting, media_restarting } = &view.phase else { continue };
        let scene = scene(&view, &fonts);
        let tracks = meeting.stage.iter().filter(|picture| picture.picture.is_some());
        assert_eq!(scene.pictures.len(), tracks.count().min(stage::MOST));
        let moving = meeting.stage.iter().filter(|picture| picture.moving && !picture.missing && !media_restarting);
        assert_eq!(scene.windows.len(), moving.count().min(stage::MOST));
        let shared = meeting.stage.first().is_some_and(|picture| picture.screen);
        let said = stage::heights(view.size, shared, meeting.stage.len());
        for (picture, most) in scene.pictures.iter().zip(said) {
            assert!(picture.place.height <= most, "{:?} {most}", picture.place);
        }
    }
    // With nothing else on the screen they are the same.
    for count in 1..=6 {
        for language in Language::ALL {
            let meeting = meeting(pictures(count), Vec::new());
            let view = view(language, Phase::Joined { meeting, media_restarting: false });
            let places: Vec<u32> = scene(&view, &fonts).pictures.iter().map(|picture| picture.place.height).collect();
            assert_eq!(places, stage::heights(view.size, false, places.len()));
        }
    }
}

#[test]
fn p7_whose_server_it_is_and_what_that_means_is_always_on_the_screen_before_it_is_joined() {
    let fonts = Fonts::load().unwrap();
    for language in Language::ALL {
        for view in all(language).into_iter().map(|(_, view)| view).chain(crowded(language)) {
            let Phase::Proposed { meeting } = &view.phase else { continue };
            let laid_out = scene(&view, &fonts);
            let shown = texts(&laid_out);
            // The end of a host says whose it is; nothing else is that heavy.
            let headline = |item: &Item| matches!(item, Item::Text { weight: Weight::Bold, content, .. } if content.reveal().ends_with("example.org"));
            assert!(laid_out.items.iter().any(headline), "{shown}");
            match &meeting.operator {
                None => assert!(shown.contains(language.pick("nicht hinterlegt", "not on record")), "{shown}"),
                Some(operator) => assert!(shown.contains(&operator[..16]), "{shown}"),
            }
            // The short section begins with what goes where.
            assert!(shown.contains(language.pick("Bild, Ton und Name", "Picture, sound and name")), "{shown}");
            let invited = shown.contains(language.pick("Knopf drücken", "Press the button"));
            assert_ne!(invited, meeting.refused, "{shown}");
            assert_eq!(shown.contains(language.pick("nicht beitreten", "may not join")), meeting.refused, "{shown}");
        }
    }
}

#[test]
fn p8_a_meeting_elsewhere_says_that_its_server_sees_and_hears_and_when_it_records() {
    let fonts = Fonts::load().unwrap();
    for language in Language::ALL {
        for view in all(language).into_iter().map(|(_, view)| view).chain(crowded(language)) {
            let Phase::Joined { meeting, .. } = &view.phase else { continue };
            let shown = texts(&scene(&view, &fonts));
            assert!(shown.contains(language.pick("Server sieht und hört", "server sees and hears")), "{shown}");
            assert!(shown.contains("Transport") && !shown.to_lowercase().contains("end-to-end"), "{shown}");
            let records = shown.contains(language.pick("Mitschrift", "transcription"));
            assert_eq!(records, meeting.records, "{shown}");
        }
    }
}

#[test]
fn who_has_no_picture_is_named_or_counted() {
    let fonts = Fonts::load().unwrap();
    for count in [1_usize, 3, 6, 7, 40] {
        for stage in [0, 1, 3, 6] {
            let people = (0..count).map(|number| person(&format!("N{number}.")));
            let meeting = meeting(pictures(stage), people.collect());
            let shown =
                texts(&scene(&view(Language::English, Phase::Joined { meeting, media_restarting: false }), &fonts));
            let named = (0..count).filter(|number| shown.contains(&format!("N{number}."))).count();
            let counted = shown.contains(&format!("and {} more", count - named));
            assert!(named == count || counted, "{count} {stage}: {shown}");
        }
    }
}

#[test]
fn p8_an_unchecked_device_shows_its_whole_fingerprint_in_the_call() {
    let fonts = Fonts::load().unwrap();
    for language in Language::ALL {
        for view in all(language).into_iter().map(|(_, view)| view).chain(crowded(language)) {
            let (Phase::InCall { invitation, .. } | Phase::Asking { invitation, .. }) = &view.phase else { continue };
            if invitation.fingerprint.is_none() {
                continue;
            }
            for size in [FULL_HD, SIZES[3]] {
                let shown: String = texts(&scene(&View { size, ..view.clone() }, &fonts)).split_whitespace().collect();
                let whole = "9F3A6C01B47E55D2881FC0A93E724B16DD0E915CAF3867F20BC4835AEE197D60";
                assert!(shown.contains(whole), "{size:?} {:?}: {shown}", view.faults);
            }
        }
    }
}

#[test]
fn the_overlay_is_transparent_where_pictures_move_and_opaque_elsewhere() {
    let fonts = Fonts::load().unwrap();
    for (name, view) in all(Language::English) {
        let scene = scene(&view, &fonts);
        let pixels = draw(&scene, &fonts);
        assert_eq!(pixels.len(), 1920 * 1080 * 4);
        let clear = pixels.chunks_exact(4).filter(|pixel| pixel[3] == 0).count();
        let windows: usize = scene.windows.iter().map(|window| window.width as usize * window.height as usize).sum();
        assert_eq!(clear, windows, "{name}");
        assert!(pixels.chunks_exact(4).all(|pixel| pixel[3] == 0 || pixel[3] == 255), "{name}");
    }
}

#[test]
fn however_long_the_password_of_an_island_is_link_and_pin_stay() {
    let fonts = Fonts::load().unwrap();
    for (name, view) in all(Language::German).into_iter().filter(|(name, _)| name.starts_with("island")) {
        for size in [FULL_HD, SIZES[3]] {
            let shown = texts(&scene(&View { size, ..view.clone() }, &fonts));
            assert!(
                shown.contains("https://10.83.66.1:8443/") && shown.contains("482 917"),
                "{name} {size:?}: {shown}"
            );
        }
    }
}

/// The code is read back from the pixels, as a phone would.
#[test]
fn the_code_on_the_screen_is_that_of_the_link_with_its_quiet_zone() {
    let fonts = Fonts::load().unwrap();
    for (name, view) in all(Language::English) {
        let Phase::Awake { invitation, .. } = &view.phase else { continue };
        // Whoever has to join the network first finds its code first.
        let network = invitation.network.as_ref().map(|network| &network.code);
        let shown: Vec<&str> =
            network.into_iter().chain([&invitation.link_with_token]).map(|text| text.reveal().as_str()).collect();
        for (size, (index, text)) in SIZES.iter().flat_map(|size| shown.iter().enumerate().map(move |it| (*size, it))) {
            let expected = Modules::of(text).unwrap();
            let side = expected.side();
            let scene = scene(&View { size, ..view.clone() }, &fonts);
            let pixels = draw(&scene, &fonts);
            let mut places = scene.items.iter().filter_map(|item| match item {
                Item::Code { area, .. } => Some(*area),
                Item::Panel { .. } | Item::Text { .. } | Item::Icon { .. } => None,
            });
            let place = places.nth(index).unwrap().inset(2.0);
            let dark = |x: usize, y: usize| pixels[(y * size.width as usize + x) * 4] < 0x80;
            let (mut left, mut top, mut right, mut bottom) = (usize::MAX, usize::MAX, 0, 0);
            for y in place.y as usize..place.bottom() as usize {
                for x in place.x as usize..place.right() as usize {
                    // The corners of the panel are round: what lies outside is the ground.
                    let corner = |edge: f32, at: usize| (at as f32 - edge).abs() < place.width * 0.06;
                    let round = (corner(place.x, x) || corner(place.right(), x))
                        && (corner(place.y, y) || corner(place.bottom(), y));
                    if dark(x, y) && !round {
                        (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
                    }
                }
            }
            assert_eq!((right - left) % side, 0, "{name} {size:?}: modules are whole pixels");
            let step = (right - left) / side;
            assert_eq!(bottom - top, right - left);
            assert!(step >= 3, "{name} {size:?}: {step}");
            let quiet = (left as f32 - place.x).min(place.right() - right as f32) + 2.0;
            assert!(quiet >= 4.0 * step as f32 - 1.0, "{name} {size:?}: quiet zone of {quiet} at {step}");
            let mut found = vec![false; side * side];
            for (index, module) in found.iter_mut().enumerate() {
                *module = dark(left + (index % side) * step + step / 2, top + (index / side) * step + step / 2);
            }
            let runs = expected
                .runs()
                .flat_map(|(row, column, length)| (column..column + length).map(move |x| row * side + x));
            let expected: HashSet<usize> = runs.collect();
            assert!(
                found.iter().enumerate().all(|(index, dark)| expected.contains(&index) == *dark),
                "{name} {size:?}"
            );
        }
    }
}

#[test]
fn p9_a_scene_does_not_print_what_it_shows() {
    let fonts = Fonts::load().unwrap();
    for (_, view) in all(Language::English) {
        let printed = format!("{:?}", scene(&view, &fonts));
        for secret in ["Guest", "meet.example", "482917", "482 917", "192.168", "https", "9F3A", "k7mq", "WIFI"] {
            assert!(!printed.contains(secret), "{secret}");
        }
    }
}

#[test]
fn hostile_sizes_and_texts_draw_something() {
    let fonts = Fonts::load().unwrap();
    let (_, view) = all(Language::English).into_iter().next_back().unwrap();
    for size in [(2, 2), (16, 4000), (4000, 16), (0, 0)].map(|(width, height)| Size { width, height }) {
        let scene = scene(&View { size, room: "<svg>]]>&#0;".to_owned(), ..view.clone() }, &fonts);
        assert_eq!(draw(&scene, &fonts).len(), size.width as usize * size.height as usize * 4);
    }
}

#[test]
fn p1_a_card_says_closed_only_where_that_is_proved_and_always_says_why() {
    let fonts = Fonts::load().unwrap();
    let covered = subrosa_messages::media::Cover::ALL.map(CardReason::Covered);
    let reasons = [
        CardReason::Refused(Refusal::Asleep),
        CardReason::Refused(Refusal::Switch),
        CardReason::Refused(Refusal::SwitchUnknown),
        CardReason::Refused(Refusal::Muted),
        CardReason::Refused(Refusal::Lamp),
        CardReason::Refused(Refusal::Power),
        CardReason::Refused(Refusal::Missing),
        CardReason::Refused(Refusal::Unproved),
        CardReason::Refused(Refusal::Node),
        CardReason::Refused(Refusal::Busy),
        CardReason::NoGuard,
        CardReason::Failed,
        CardReason::Opening,
    ];
    for language in Language::ALL {
        for reason in reasons.into_iter().chain(covered) {
            for size in
                [Size { width: 1280, height: 720 }, Size { width: 640, height: 360 }, Size { width: 640, height: 480 }]
            {
                let scene = card_scene(language, reason, size, &fonts);
                check(&scene, &format!("{reason:?}"));
                assert_eq!(scene.shortened, 0);
                let proved = !matches!(
                    reason,
                    CardReason::Opening
                        | CardReason::Covered(_)
                        | CardReason::NoGuard
                        | CardReason::Failed
                        | CardReason::Refused(
                            Refusal::Busy | Refusal::Unproved | Refusal::Node | Refusal::Missing | Refusal::Power
                        )
                );
                let closed = texts(&scene).contains(language.pick("Kamera geschlossen", "Camera closed"));
                assert_eq!(closed, proved, "{reason:?}");
                let pixels = card(language, reason, size, &fonts);
                assert!(pixels.chunks_exact(4).all(|pixel| pixel[3] == 255));
            }
        }
    }
}

/// Pictures of every scene, for people to look at: `tests/artefacts/screen/`.
#[test]
fn pictures_of_every_scene() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/artefacts/screen");
    fs::create_dir_all(&folder).unwrap();
    let fonts = Fonts::load().unwrap();
    let save = |name: String, pixels: Vec<u8>, size: Size| {
        let mut pixmap = Pixmap::from_vec(pixels, IntSize::from_wh(size.width, size.height).unwrap()).unwrap();
        // In place of the guests' pictures, a colour that does not occur.
        for pixel in pixmap.data_mut().chunks_exact_mut(4).filter(|pixel| pixel[3] == 0) {
            pixel.copy_from_slice(&[0x4e, 0x5b, 0x66, 255]);
        }
        pixmap.save_png(folder.join(name)).unwrap();
    };
    for language in Language::ALL {
        for (name, view) in all(language) {
            save(format!("{name}-{}.png", language.tag()), draw(&scene(&view, &fonts), &fonts), view.size);
        }
        let size = Size { width: 1280, height: 720 };
        for (name, reason) in [
            ("shutter", CardReason::Refused(Refusal::Switch)),
            ("muted", CardReason::Refused(Refusal::Muted)),
            ("missing", CardReason::Refused(Refusal::Missing)),
            ("opening", CardReason::Opening),
            ("covered", CardReason::Covered(subrosa_messages::media::Cover::Late)),
            ("model", CardReason::Covered(subrosa_messages::media::Cover::ModelMissing)),
        ] {
            save(format!("card-{name}-{}.png", language.tag()), card(language, reason, size, &fonts), size);
        }
    }
    for (index, view) in crowded(Language::German).into_iter().enumerate().filter(|(index, _)| index % 5 == 0) {
        save(format!("crowded-{index}.png"), draw(&scene(&view, &fonts), &fonts), view.size);
    }
    // Half as large, for the documents.
    let size = Size { width: 960, height: 540 };
    for (name, view) in
        all(Language::English).into_iter().filter(|(name, _)| ["awake", "asking", "call"].contains(name))
    {
        save(format!("small-{name}.png"), draw(&scene(&View { size, ..view }, &fonts), &fonts), size);
    }
    let mut view = all(Language::German).swap_remove(2).1;
    for size in SIZES {
        view = View { size, camera: Some(closed(None)), ..view };
        save(format!("size-{}x{}.png", size.width, size.height), draw(&scene(&view, &fonts), &fonts), size);
    }
}

/// How long a screen takes: `cargo test --release -p subrosa-room how_long -- --ignored --nocapture`.
#[test]
#[ignore = "prints times, proves nothing"]
fn how_long_a_screen_takes() {
    let fonts = Fonts::load().unwrap();
    for (name, view) in all(Language::German) {
        let mut times = Vec::new();
        for _ in 0..9 {
            let start = Instant::now();
            let scene = scene(&view, &fonts);
            let laid_out = start.elapsed();
            let pixels = draw(&scene, &fonts);
            times.push((start.elapsed(), laid_out, pixels.len()));
        }
        times.sort();
        let (whole, laid_out, _) = times[times.len() / 2];
        println!(
            "{name:18} layout {:5.1} ms, whole {:5.1} ms",
            laid_out.as_secs_f64() * 1e3,
            whole.as_secs_f64() * 1e3
        );
    }
}
