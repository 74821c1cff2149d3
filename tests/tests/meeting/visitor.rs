//! Guests and phones with real browsers, as people use them.

use std::time::Duration;

use subrosa_tests::browser::{Browser, Devices, Plan as BrowserPlan};
use subrosa_tests::room::{Invitation, Room};

/// Several browsers on a busy machine.
pub const LONG: Duration = Duration::from_secs(45);

/// Somebody with a browser.
pub struct Visitor {
    pub browser: Browser,
    pub name: &'static str,
}

#[track_caller]
pub fn state(browser: &mut Browser, wanted: &str) {
    browser.wait_for(&format!("the page says {wanted}"), &format!("document.body.dataset.state === '{wanted}'"), LONG);
}

impl Visitor {
    /// Knocks and waits at the door.
    #[track_caller]
    pub fn knock(mut browser: Browser, invitation: &Invitation, name: &'static str) -> Self {
        browser.open(&invitation.link);
        state(&mut browser, "door");
        browser.wait_for("the notice is there", "document.querySelector('#notice-short').innerText.length > 100", LONG);
        browser.fill("#name", name);
        browser.fill("#pin", &invitation.pin);
        browser.click("#join");
        state(&mut browser, "waiting");
        Visitor { browser, name }
    }

    /// Knocks, and is let in by the button in the room.
    #[track_caller]
    pub fn enter(browser: Browser, room: &Room, invitation: &Invitation, name: &'static str) -> Self {
        let mut visitor = Visitor::knock(browser, invitation, name);
        room.sim.press();
        visitor.is_in();
        visitor
    }

    /// Waits until picture and sound run both ways.
    #[track_caller]
    pub fn is_in(&mut self) {
        state(&mut self.browser, "in");
        self.browser.wait_for_statistics("picture and sound of the room", LONG, |now| {
            now.connected && now.frames_decoded > 5 && now.audio_packets > 20
        });
    }

    /// Waits until the page shows this person (`camera`: with a picture).
    #[track_caller]
    pub fn meets(&mut self, name: &str) {
        let found = format!("{}?.dataset.camera === 'true'", tile(name));
        self.browser.wait_for(&format!("{} meets {name}", self.name), &found, LONG);
    }

    /// Waits until nobody of this name is there any more.
    #[track_caller]
    pub fn misses(&mut self, name: &str) {
        self.browser.wait_for(&format!("{} sees {name} go", self.name), &format!("!{}", tile(name)), LONG);
    }

    /// Waits until frames of somebody's picture are decoded, more and more.
    #[track_caller]
    pub fn sees(&mut self, name: &str) {
        self.meets(name);
        let track = format!("{}?.querySelector('video').srcObject?.getVideoTracks()[0]?.id", tile(name));
        self.moves(&track, &format!("{} sees {name}", self.name), 10);
    }

    /// Waits until frames of the room's picture are decoded, more and more.
    #[track_caller]
    pub fn sees_room(&mut self) {
        self.moves("subrosaTest.track('#room-video')", &format!("{} sees the room", self.name), 10);
    }

    /// Waits until frames of a shared screen are decoded, and it is large.
    #[track_caller]
    pub fn sees_screen(&mut self) {
        self.browser.wait_for(
            &format!("the screen is large for {}", self.name),
            "document.querySelector('#screen-tile').dataset.large === 'true'",
            LONG,
        );
        // A screen on which nothing moves is sent a few times only.
        self.moves("subrosaTest.track('#screen-video')", &format!("{} sees the screen", self.name), 2);
    }

    #[track_caller]
    fn moves(&mut self, track: &str, what: &str, more: u64) {
        let mut first: Option<(String, u64)> = None;
        let start = std::time::Instant::now();
        loop {
            // Another link brings another track.
            let id = self.browser.evaluate(&format!("({track}) ?? null")).as_str().map(str::to_owned);
            let frames = id.as_ref().and_then(|id| self.browser.arrivals().get(id).map(|arrival| arrival.frames));
            if let (Some(id), Some(frames)) = (id, frames) {
                match &first {
                    Some((same, before)) if *same == id && frames > before + more => return,
                    Some((same, _)) if *same == id => {}
                    Some(_) | None => first = Some((id, frames)),
                }
            }
            assert!(start.elapsed() < LONG, "{what}: {first:?}, now {frames:?} frames");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the sound of so many others, the room among them, is played: each with energy of its own.
    #[track_caller]
    pub fn hears(&mut self, others: usize) {
        let before = self.browser.arrivals();
        let start = std::time::Instant::now();
        loop {
            let now = self.browser.arrivals();
            let louder = |(id, arrival): &(&String, &subrosa_tests::browser::Arrival)| {
                arrival.sound && arrival.energy > before.get(*id).map_or(0.0, |before| before.energy)
            };
            let heard = now.iter().filter(louder).count();
            if heard >= others {
                return;
            }
            assert!(start.elapsed() < LONG, "{} hears {heard} of {others}: {now:?}", self.name);
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Opens a panel (`people`, `talk`), if it is not open.
    #[track_caller]
    pub fn panel(&mut self, which: &str) {
        if self.browser.evaluate(&format!("document.querySelector('#{which}-panel').hidden")) == true {
            self.browser.click(&format!("#{which}"));
        }
        self.browser.wait_for("the panel is open", &format!("!document.querySelector('#{which}-panel').hidden"), LONG);
    }

    /// What stands in the list of what was written.
    #[track_caller]
    pub fn reads(&mut self, line: &str) {
        let what = format!("{} reads “{line}”", self.name);
        let wanted = serde_json::Value::from(line);
        let found =
            format!("[...document.querySelectorAll('#talk-log .text')].some((one) => one.textContent === {wanted})");
        self.browser.wait_for(&what, &found, LONG);
    }

    /// What is being typed letter by letter.
    #[track_caller]
    pub fn reads_letters(&mut self, letters: &str) {
        let what = format!("{} reads the letters “{letters}”", self.name);
        let wanted = serde_json::Value::from(letters);
        let found =
            format!("[...document.querySelectorAll('#talk-typing .text')].some((one) => one.textContent === {wanted})");
        self.browser.wait_for(&what, &found, LONG);
    }
}

/// The tile of a person, as an expression.
fn tile(name: &str) -> String {
    let name = serde_json::Value::from(name);
    format!(
        "[...document.querySelectorAll('.tile.person')].find((one) => one.querySelector('.name').textContent === {name})"
    )
}

/// A phone that is paired with the newest code.
#[track_caller]
pub fn pair(room: &Room, language: &'static str) -> Browser {
    let mut phone = Browser::chromium(&BrowserPlan {
        namespace: room.namespace(),
        devices: Devices::Missing,
        language,
        ..BrowserPlan::default()
    });
    phone.size(390, 844);
    let (page, code) = room.code();
    phone.open(&page);
    state(&mut phone, "pairing");
    phone.fill("#code", &code);
    phone.click("#pair button");
    state(&mut phone, "paired");
    phone
}

/// Looks at another part of the remote: `door`, `people`, `room`.
#[track_caller]
pub fn look(phone: &mut Browser, view: &str) {
    phone.wait_for("the meeting is on the phone", "!document.querySelector('#views').hidden", LONG);
    phone.click(&format!("#views [data-key='{view}']"));
    phone.wait_for("it is shown", &format!("!document.querySelector('#view-{view}').hidden"), LONG);
}
