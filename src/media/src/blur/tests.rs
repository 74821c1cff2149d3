use std::time::Duration;

use super::*;

const NO_SIZE: Size = Size { width: 0, height: 0 };

/// A blur without a model, and what it tells.
pub(crate) fn blur() -> (Blur, Arc<Mutex<Vec<BackgroundState>>>, tempfile::TempDir) {
    crate::plugins::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = Place { model: folder.path().join("model"), line: folder.path().join("line") };
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = told.clone();
    let blur = Blur::new(&BlurBoard::default(), place, Arc::new(move |state| log.lock().unwrap().push(state)));
    (blur, told, folder)
}

/// A blur that hides nothing, for tests of cameras.
pub(crate) fn off() -> Blur {
    let (blur, _, _) = blur();
    blur.hide(Background::AsItIs, NO_SIZE, Vec::new()).unwrap();
    blur
}

fn mode(element: &gst::Element) -> Mode {
    element.property::<Mode>("mode")
}

fn said(element: &gst::Element, state: &str, reason: Option<&str>) -> gst::Message {
    let structure = gst::Structure::builder(gstsubrosablur::MESSAGE).field("state", state);
    let structure = match reason {
        Some(reason) => structure.field("reason", reason),
        None => structure,
    };
    gst::message::Element::builder(structure.build()).src(element).build()
}

fn eventually(told: &Mutex<Vec<BackgroundState>>, wanted: BackgroundState) {
    let start = Instant::now();
    while told.lock().unwrap().last() != Some(&wanted) {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", told.lock().unwrap());
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn p4_until_the_room_has_spoken_everything_is_hidden_and_again_when_it_has_gone() {
    let (blur, _, _folder) = blur();
    let element = blur.element().unwrap();
    assert_eq!(mode(&element), Mode::Strong);
    blur.hide(Background::AsItIs, NO_SIZE, Vec::new()).unwrap();
    assert_eq!(mode(&element), Mode::Off);
    blur.forget();
    assert_eq!(mode(&element), Mode::Strong);
    blur.hide(Background::Colour { red: 1, green: 2, blue: 3 }, NO_SIZE, Vec::new()).unwrap();
    assert_eq!((mode(&element), element.property::<u32>("colour")), (Mode::Colour, 0x0001_0203));
    blur.closed();
    assert_eq!(mode(&blur.element().unwrap()), Mode::Colour, "the next camera too");
}

#[test]
fn p4_a_missing_model_is_told_before_a_camera_opens() {
    let (blur, told, folder) = blur();
    blur.hide(Background::Light, NO_SIZE, Vec::new()).unwrap();
    eventually(&told, BackgroundState::Covered(Cover::ModelMissing));
    std::fs::write(folder.path().join("model"), "nonsense").unwrap();
    blur.hide(Background::Light, NO_SIZE, Vec::new()).unwrap();
    eventually(&told, BackgroundState::Covered(Cover::ModelDamaged));
    blur.hide(Background::AsItIs, NO_SIZE, Vec::new()).unwrap();
    eventually(&told, BackgroundState::AsItIs);
}

#[test]
fn p4_what_the_live_element_says_is_the_card_and_is_told_once() {
    let (blur, told, _folder) = blur();
    let old = blur.element().unwrap();
    blur.closed();
    let element = blur.element().unwrap();
    told.lock().unwrap().clear();
    for reason in ["late", "late", "doubtful", "failed", "a word of a later version"] {
        assert!(blur.heard(&said(&element, "covered", Some(reason))), "{reason}");
    }
    assert!(!blur.heard(&said(&old, "clear", None)), "a camera that has closed");
    assert!(!blur.heard(&said(&element, "clear", None)));
    assert!(blur.heard(&said(&element, "what", None)), "what is not known to be clear is covered");
    let covers = [Cover::Late, Cover::Doubtful, Cover::Failed].map(BackgroundState::Covered);
    let expected = [&covers[..], &[BackgroundState::Hidden, BackgroundState::Covered(Cover::Failed)]].concat();
    assert_eq!(*told.lock().unwrap(), expected);
    blur.closed();
    assert_eq!(told.lock().unwrap().last(), Some(&BackgroundState::Hidden), "nothing is sent, nothing is covered");
}

#[test]
fn p4_a_reveal_ends_by_every_word_of_the_room() {
    let (blur, told, _folder) = blur();
    let element = blur.element().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let ends: [&dyn Fn(); 3] =
        [&|| blur.cover(), &|| blur.hide(Background::Strong, NO_SIZE, Vec::new()).unwrap(), &|| blur.forget()];
    for end in ends {
        blur.uncover(until);
        assert_eq!(mode(&element), Mode::Off);
        let last = told.lock().unwrap().last().copied();
        assert!(matches!(last, Some(BackgroundState::Revealed { left_ms: 59_000..=60_000 })), "{last:?}");
        end();
        assert_eq!(mode(&element), Mode::Strong);
    }
}

#[test]
fn a_picture_of_another_length_than_announced_changes_nothing() {
    let (blur, _, _folder) = blur();
    let element = blur.element().unwrap();
    let size = Size { width: 4, height: 2 };
    for wrong in [0, 31, 33] {
        assert!(blur.hide(Background::Picture, size, vec![9; wrong]).is_err(), "{wrong}");
    }
    assert!(blur.hide(Background::Picture, NO_SIZE, Vec::new()).is_err());
    assert_eq!(mode(&element), Mode::Strong);
    blur.hide(Background::Picture, size, vec![9; 32]).unwrap();
    assert_eq!(mode(&element), Mode::Image);
}
