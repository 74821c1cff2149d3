//! Real browsers: Debian's Chromium by the DevTools protocol, Debian's Firefox by WebDriver BiDi, behind one small interface.
//!
//! Clicks and keys are real input events, since autoplay and permission rules ask for a person's act. A script is put
//! into every page before its own: it notes what the page asks for and in which order, and keeps its peer connections
//! so that their statistics can be read.

#[cfg(test)]
mod calibration;
mod chromium;
mod firefox;
mod wire;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::namespace::Namespace;
use crate::room::send;
use crate::stage::{artefact, eventually};

const SCRIPT: &str = include_str!("page.js");

/// What a camera is asked for, made small.
const SMALL: &str = "(() => { \
    const devices = navigator.mediaDevices, ask = devices?.getUserMedia.bind(devices), small = { width: 320, height: 180, frameRate: 8 }; \
    if (ask) devices.getUserMedia = (wanted) => ask({ ...wanted, video: wanted.video && Object.assign({}, wanted.video, small) }); \
    })()";

/// What the browser has to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Devices {
    /// A camera and a microphone that beeps, granted without a question.
    Granted,
    /// The same, refused by the person.
    Refused,
    /// None at all.
    Missing,
}

/// Which browser to start.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In which network.
    pub namespace: Option<Arc<Namespace>>,
    /// With which devices.
    pub devices: Devices,
    /// Language of the browser.
    pub language: &'static str,
    /// What Chromium's camera sees: a file of Motion JPEG (30 frames a second) or Y4M; `None`: its own test picture.
    pub camera: Option<PathBuf>,
    /// Pages get a small picture of its camera, whatever they ask for: where many browsers share few processors.
    pub small: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { namespace: None, devices: Devices::Granted, language: "en", camera: None, small: false }
    }
}

/// A key that is no letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Erases the letter before the cursor.
    Backspace,
    /// Ends a line.
    Enter,
    /// Leaves what is open.
    Escape,
}

/// What a protocol has to be able to do.
trait Driver: Send {
    fn before_every_page(&mut self, script: &str) -> Result<(), String>;
    fn open(&mut self, url: &str) -> Result<(), String>;
    /// The value of an expression, promises awaited, through JSON.
    fn evaluate(&mut self, expression: &str) -> Result<Value, String>;
    fn click_at(&mut self, x: f64, y: f64) -> Result<(), String>;
    fn type_text(&mut self, text: &str) -> Result<(), String>;
    fn press(&mut self, key: Key) -> Result<(), String>;
    fn size(&mut self, width: u32, height: u32) -> Result<(), String>;
    /// A PNG of the visible page.
    fn screenshot(&mut self) -> Result<Vec<u8>, String>;
    /// Errors that the page or the browser wrote to the console since the start.
    fn console(&mut self) -> Vec<String>;
    /// Addresses of all requests of the page since the start.
    fn requests(&mut self) -> Vec<String>;
}

/// A running browser with one page.
pub struct Browser {
    driver: Box<dyn Driver>,
    process: Family,
    _profile: TempDir,
}

/// Statistics of the page's newest peer connection (W3C webrtc-stats), as far as tests look at them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Statistics {
    /// Peer connections that the page has made so far.
    pub links: u64,
    /// `connectionState` of the newest is `connected`.
    pub connected: bool,
    /// Frames of the room's picture that were decoded.
    pub frames_decoded: u64,
    /// Width of that picture.
    pub frame_width: u64,
    /// Packets of the room's sound.
    pub audio_packets: u64,
    /// `totalAudioEnergy` of the room's sound.
    pub audio_energy: f64,
    /// Frames of the guest's picture that were encoded.
    pub frames_encoded: u64,
    /// Packets of the guest's picture and sound sent.
    pub packets_sent: u64,
    /// Key frames decoded.
    pub key_frames_decoded: u64,
    /// `performance.timeOrigin + performance.now()` in milliseconds when this was read.
    pub at: f64,
}

/// What has arrived on one line (W3C webrtc-stats, `inbound-rtp`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Arrival {
    /// It is sound.
    pub sound: bool,
    /// Frames that were decoded.
    pub frames: u64,
    /// Packets.
    pub packets: u64,
    /// `totalAudioEnergy`: more than before only where it is played.
    pub energy: f64,
}

impl Browser {
    /// Starts Chromium.
    #[must_use]
    pub fn chromium(plan: &Plan) -> Self {
        let (driver, process, profile) = chromium::start(plan);
        Browser::new(Box::new(driver), process, profile, plan)
    }

    /// Starts Firefox.
    #[must_use]
    pub fn firefox(plan: &Plan) -> Self {
        let (driver, process, profile) = firefox::start(plan);
        Browser::new(Box::new(driver), process, profile, plan)
    }

    fn new(driver: Box<dyn Driver>, process: Family, profile: TempDir, plan: &Plan) -> Self {
        let mut browser = Browser { driver, process, _profile: profile };
        for script in [Some(SCRIPT), plan.small.then_some(SMALL)].into_iter().flatten() {
            browser.driver.before_every_page(script).expect("a script before every page");
        }
        browser
    }

    /// The id of the process that all others of the browser descend from.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Opens a page.
    #[track_caller]
    pub fn open(&mut self, url: &str) {
        self.driver.open(url).unwrap_or_else(|error| panic!("opening the page: {error}"));
    }

    /// Loads the page again, as the reload button does.
    #[track_caller]
    pub fn reload(&mut self) {
        let _the_page_goes_under_the_answer = self.driver.evaluate("void setTimeout(() => location.reload(), 0)");
        std::thread::sleep(Duration::from_millis(200));
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn evaluate(&mut self, expression: &str) -> Value {
        self.driver.evaluate(expression).unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until an expression is truthy, and returns its value.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, expression: &str, within: Duration) -> Value {
        let start = std::time::Instant::now();
        loop {
            let last = match self.driver.evaluate(expression) {
                Ok(value) if !matches!(value, Value::Null | Value::Bool(false)) && value != 0 && value != "" => {
                    return value;
                }
                Ok(value) => value.to_string(),
                Err(error) => error,
            };
            if start.elapsed() > within {
                let text = self.driver.evaluate("document.body.innerText").unwrap_or_default();
                let console = self.driver.console().join("\n");
                panic!("not within {within:?}: {what} ({last})\npage: {text}\nconsole: {console}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Clicks the middle of the first visible element that the selector finds.
    #[track_caller]
    pub fn click(&mut self, selector: &str) {
        let place = self.wait_for(
            &format!("{selector} can be clicked"),
            &format!("subrosaTest.place({})", Value::from(selector)),
            Duration::from_secs(10),
        );
        let (x, y) = (place["x"].as_f64().unwrap_or(0.0), place["y"].as_f64().unwrap_or(0.0));
        self.driver.click_at(x, y).unwrap_or_else(|error| panic!("clicking {selector}: {error}"));
    }

    /// Clicks into a field and types.
    #[track_caller]
    pub fn fill(&mut self, selector: &str, text: &str) {
        self.click(selector);
        self.driver.type_text(text).unwrap_or_else(|error| panic!("typing into {selector}: {error}"));
    }

    /// Types where the cursor is.
    #[track_caller]
    pub fn type_text(&mut self, text: &str) {
        self.driver.type_text(text).unwrap_or_else(|error| panic!("typing: {error}"));
    }

    /// Presses and releases a key.
    #[track_caller]
    pub fn press(&mut self, key: Key) {
        self.driver.press(key).unwrap_or_else(|error| panic!("pressing {key:?}: {error}"));
    }

    /// Gives the page a size in CSS pixels.
    #[track_caller]
    pub fn size(&mut self, width: u32, height: u32) {
        self.driver.size(width, height).unwrap_or_else(|error| panic!("size: {error}"));
    }

    /// Keeps a picture of the page as `tests/artefacts/NAME.png`.
    #[track_caller]
    pub fn screenshot(&mut self, name: &str) {
        let png = self.driver.screenshot().unwrap_or_else(|error| panic!("screenshot: {error}"));
        fs::write(artefact(&format!("{name}.png")), png).expect("the artefact");
    }

    /// Statistics of the newest peer connection.
    #[track_caller]
    pub fn statistics(&mut self) -> Statistics {
        let value = self.driver.evaluate("subrosaTest.statistics()").unwrap_or_default();
        serde_json::from_value(value).unwrap_or_default()
    }

    /// What arrives on each line of the newest peer connection, by the id of its track (`trackIdentifier`).
    #[track_caller]
    pub fn arrivals(&mut self) -> BTreeMap<String, Arrival> {
        let value = self.driver.evaluate("subrosaTest.arrivals()").unwrap_or_default();
        serde_json::from_value(value).unwrap_or_default()
    }

    /// Waits until the statistics are as wanted.
    #[track_caller]
    pub fn wait_for_statistics(
        &mut self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&Statistics) -> bool,
    ) -> Statistics {
        let mut last = Statistics::default();
        let start = std::time::Instant::now();
        while start.elapsed() < within {
            last = self.statistics();
            if wanted(&last) {
                return last;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let text = self.driver.evaluate("document.body.innerText").unwrap_or_default();
        panic!("not within {within:?}: {what}; last {last:?}\npage: {text}\nconsole: {:?}", self.driver.console());
    }

    /// What the page did, in order: requests, permission questions, clicks.
    #[track_caller]
    pub fn acts(&mut self) -> Vec<String> {
        serde_json::from_value(self.evaluate("subrosaTest.acts")).unwrap_or_default()
    }

    /// Errors on the console. That a browser without a session is told so (401) is how the page finds out that nobody has
    /// knocked yet and no phone been paired; browsers write it down as an error.
    pub fn console(&mut self) -> Vec<String> {
        let mut errors = self.driver.console();
        errors.retain(|error| !(error.contains("401") && error.contains("/events")));
        errors
    }

    /// Addresses of all requests so far.
    pub fn requests(&mut self) -> Vec<String> {
        self.driver.requests()
    }

    /// Stops or continues the whole browser, as a phone does that was put away.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { Signal::STOP } else { Signal::CONT };
        for process in crate::figures::descendants(self.process.id()) {
            send(process.pid, signal);
        }
        send(self.process.id(), signal);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
            if let Ok(png) = self.driver.screenshot() {
                let _unwritable = fs::write(artefact(&format!("{name}-failed.png")), png);
            }
        }
    }
}

/// A browser's processes, ended with this: also where the browser never got to say a word.
struct Family(Child);

impl Family {
    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        let all = crate::figures::descendants(self.0.id());
        let _gone = self.0.kill();
        let _gone = self.0.wait();
        for process in all {
            send(process.pid, Signal::KILL);
        }
    }
}

/// Waits for something that the browser writes when it is ready.
fn announced<T>(what: &str, find: impl FnMut() -> Option<T>) -> T {
    eventually(what, Duration::from_secs(40), find)
}
