//! A participant in a real browser, with LiveKit's own client.

use std::fs;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Server, place};
use crate::browser::Browser;

const SCRIPT: &str = include_str!("visitor.js");
const LONG: Duration = Duration::from_secs(40);

/// What has come of somebody so far.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Came {
    /// Frames that were decoded.
    pub frames: u64,
    /// Width of the newest.
    pub width: u64,
    /// The codec that they are in (`video/VP8`).
    pub codec: String,
    /// Packets of sound.
    pub packets: u64,
    /// `totalAudioEnergy` (W3C webrtc-stats).
    pub energy: f64,
    /// Sources that are muted.
    pub muted: Vec<String>,
}

/// Somebody in a room of LiveKit's.
pub struct Visitor {
    browser: Browser,
}

/// Loads LiveKit's client (`LivekitClient`) into a page that may open devices. Returns the address that it is to connect to.
///
/// # Panics
/// When it does not load.
#[track_caller]
pub fn load(browser: &mut Browser, server: &Server) -> String {
    // The server's own page: an origin that browsers take for secure.
    let origin = format!("127.0.0.1:{}", server.port());
    browser.open(&format!("http://{origin}/"));
    let client = place().expect("setup/livekit.sh").join("livekit-client.umd.js");
    let client = fs::read_to_string(client).expect("LiveKit's client");
    browser.evaluate(&format!("(() => {{ (0, eval)({}); return true; }})()", Value::String(client)));
    format!("ws://{origin}")
}

impl Visitor {
    /// Joins with this browser. `colour`: their picture is of this colour; `options` as `visitor.js` takes them.
    ///
    /// # Panics
    /// When they are not let in.
    #[must_use]
    #[track_caller]
    pub fn join(browser: Browser, server: &Server, room: &str, identity: &str, options: &Value) -> Self {
        let token = server.token(room, identity, json!({}), json!({"name": identity}));
        Self::with(browser, server, &token, options)
    }

    /// The same, with a token from elsewhere.
    ///
    /// # Panics
    /// When they are not let in.
    #[must_use]
    #[track_caller]
    pub fn with(mut browser: Browser, server: &Server, token: &str, options: &Value) -> Self {
        let url = load(&mut browser, server);
        browser.evaluate(&format!("(() => {{ {SCRIPT} return true; }})()"));
        let mut all = json!({"single": true, "colour": null, "sound": true, "simulcast": false, "codec": "vp8"});
        for (name, value) in options.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        browser.evaluate(&format!("visitor.join('{url}', '{token}', {all})"));
        Visitor { browser }
    }

    /// Their browser.
    pub fn browser(&mut self) -> &mut Browser {
        &mut self.browser
    }

    /// What has come of somebody so far.
    ///
    /// # Panics
    /// When the page does not say.
    #[track_caller]
    pub fn came(&mut self, identity: &str) -> Came {
        let value = self.browser.evaluate(&format!("visitor.came('{identity}')"));
        serde_json::from_value(value).expect("statistics")
    }

    /// Waits until more frames of somebody have come than had at the beginning; how many a second.
    ///
    /// # Panics
    /// When they do not come.
    #[track_caller]
    pub fn sees(&mut self, identity: &str) {
        let before = self.came(identity).frames;
        let more = format!("visitor.came('{identity}').then((came) => came.frames > {before} + 5)");
        self.browser.wait_for(&format!("frames of {identity}"), &more, LONG);
    }

    /// Waits until somebody's sound comes.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn hears(&mut self, identity: &str) {
        let before = self.came(identity).energy;
        let more = format!("visitor.came('{identity}').then((came) => came.energy > {before} + 1e-6)");
        self.browser.wait_for(&format!("the sound of {identity}"), &more, LONG);
    }

    /// What the client has told so far.
    ///
    /// # Panics
    /// When the page does not say.
    #[track_caller]
    pub fn told(&mut self) -> Vec<String> {
        serde_json::from_value(self.browser.evaluate("visitor.told")).expect("a list")
    }

    /// Waits until somebody's line has come.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn reads(&mut self, line: &str) {
        let line = Value::String(line.to_owned());
        self.browser.wait_for("a line of the chat", &format!("visitor.lines.includes({line})"), LONG);
    }

    /// Leaves. Whoever only vanishes stays for a while: the server waits for them to come back.
    ///
    /// # Panics
    /// When the page cannot.
    #[track_caller]
    pub fn leaves(mut self) {
        self.browser.evaluate("visitor.room.disconnect().then(() => true)");
    }

    /// Writes a line.
    ///
    /// # Panics
    /// When the page cannot.
    #[track_caller]
    pub fn says(&mut self, line: &str) {
        let line = Value::String(line.to_owned());
        self.browser.evaluate(&format!("visitor.say({line}).then(() => true)"));
    }
}
