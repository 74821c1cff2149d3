//! The blur as a guest's browser sees it (P4).

use subrosa_tests::browser::{Browser, Plan as BrowserPlan};
use subrosa_tests::needs;
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::sim::Line;
use subrosa_tests::stage::{Need, Stage};

use crate::page::{LONG, enter};

/// In the page: the steepest step of brightness in rows at the right edge of the room's picture, of all rows the median, as in `subrosa_tests::peer::recording::detail`.
const DETAIL: &str = "(() => {
  const video = document.querySelector('#room-video');
  const [width, height] = [Math.floor(video.videoWidth * 0.22), Math.floor(video.videoHeight * 0.4)];
  if (!width || !height) return null;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  context.drawImage(video, video.videoWidth - width, height, width, height, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height).data;
  const rows = [];
  for (let y = 0; y < height; y += 3) {
    let steepest = 0;
    for (let x = 0; x + 6 < width; x += 1) {
      const at = (y * width + x) * 4 + 1;
      steepest = Math.max(steepest, Math.abs(pixels[at] - pixels[at + 24]));
    }
    rows.push(steepest);
  }
  return rows.sort((a, b) => a - b)[rows.length >> 1];
})()";

fn detail(browser: &mut Browser) -> f64 {
    browser.evaluate(DETAIL).as_f64().expect("a picture")
}

fn told(browser: &mut Browser, hidden: bool) {
    let expression = format!("document.querySelector('#background').dataset.hidden === '{hidden}'");
    browser.wait_for(&format!("the page says whether the background is hidden: {hidden}"), &expression, LONG);
}

#[test]
fn p4_a_browser_sees_people_but_no_room_then_the_card_and_the_room_only_while_a_hand_uncovers_it() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    let invitation = room.wake();
    let mut browser = Browser::chromium(&BrowserPlan::default());
    enter(&mut browser, &room, &invitation.link, &invitation.pin);
    told(&mut browser, true);
    browser.wait_for("the camera's picture", "document.querySelector('#room-camera').dataset.live === 'true'", LONG);
    for _ in 0..10 {
        let now = detail(&mut browser);
        assert!(now < 25.0, "hidden: {now}");
        std::thread::sleep(std::time::Duration::from_millis(150));
    }
    browser.screenshot("blur-hidden");

    room.sim.edge(Line::Segmenter, false);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let card = detail(&mut browser);
    assert!(card < 5.0, "the card has nothing in that place: {card}");
    browser.screenshot("blur-card");
    room.sim.edge(Line::Segmenter, true);
    browser.wait_for("people are seen again", &format!("({DETAIL}) > 2"), LONG);
    let again = detail(&mut browser);
    assert!(again < 25.0, "hidden: {again}");

    room.sim.reveal();
    told(&mut browser, false);
    browser.wait_for("the room is seen", &format!("({DETAIL}) > 35"), LONG);
    browser.screenshot("blur-revealed");
    room.sim.reveal();
    told(&mut browser, true);
    browser.wait_for("and hidden again", &format!("({DETAIL}) < 25"), LONG);
    assert_eq!(browser.console(), Vec::<String>::new(), "errors on the console");
}
