//! Firefox by WebDriver BiDi.

use std::fs;
use std::process::{Command, Stdio};

use gstreamer::glib;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wire::Wire;
use super::{Devices, Driver, Family, Key, Plan, announced};
use crate::namespace::inside;

pub(super) struct Firefox {
    session: Wire,
    context: String,
}

/// Fake devices, autoplay as a person's profile has it, plain host candidates, and nothing of the browser's own on the
/// network.
fn preferences(plan: &Plan) -> Vec<(&'static str, Value)> {
    vec![
        ("media.navigator.streams.fake", (plan.devices != Devices::Missing).into()),
        ("media.navigator.permission.disabled", (plan.devices == Devices::Granted).into()),
        ("permissions.default.camera", if plan.devices == Devices::Refused { 2 } else { 0 }.into()),
        ("permissions.default.microphone", if plan.devices == Devices::Refused { 2 } else { 0 }.into()),
        ("media.peerconnection.ice.obfuscate_host_addresses", false.into()),
        ("intl.accept_languages", plan.language.into()),
        ("network.captive-portal-service.enabled", false.into()),
        ("network.connectivity-service.enabled", false.into()),
        ("network.dns.disableIPv6", true.into()),
        ("app.update.auto", false.into()),
        ("app.normandy.enabled", false.into()),
        ("browser.safebrowsing.update.enabled", false.into()),
        ("datareporting.policy.dataSubmissionEnabled", false.into()),
        ("extensions.update.enabled", false.into()),
        ("extensions.getAddons.cache.enabled", false.into()),
        ("extensions.systemAddon.update.enabled", false.into()),
        ("media.gmp-manager.url", "".into()),
        ("services.settings.server", "data:,".into()),
        ("toolkit.telemetry.server", "".into()),
        ("browser.shell.checkDefaultBrowser", false.into()),
        ("browser.aboutwelcome.enabled", false.into()),
        ("termsofuse.bypassNotification", true.into()),
        ("remote.active-protocols", 1.into()),
    ]
}

pub(super) fn start(plan: &Plan) -> (Firefox, Family, TempDir) {
    let home = tempfile::Builder::new().prefix("subrosa-firefox-").tempdir().expect("a home");
    let profile = home.path().join("profile");
    fs::create_dir(&profile).expect("a profile");
    let lines: String =
        preferences(plan).iter().map(|(name, value)| format!("user_pref(\"{name}\", {value});\n")).collect();
    fs::write(profile.join("user.js"), lines).expect("the profile's preferences");
    let mut command = Command::new("firefox-esr");
    command.args([
        "--headless",
        "--no-remote",
        "--new-instance",
        "--width",
        "1280",
        "--height",
        "800",
        "--remote-debugging-port",
        "0",
    ]);
    command
        .arg("--profile")
        .arg(&profile)
        .arg("about:blank")
        .env("HOME", home.path())
        .env("MOZ_CRASHREPORTER_DISABLE", "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = inside(plan.namespace.as_deref(), || command.spawn()).expect("firefox-esr");
    let process = Family(process);
    let file = profile.join("WebDriverBiDiServer.json");
    let port = announced("Firefox says its port", || {
        let server: Value = serde_json::from_str(&fs::read_to_string(&file).ok()?).ok()?;
        server["ws_port"].as_u64()
    });
    let url = format!("ws://127.0.0.1:{port}/session");
    let mut session = announced("Firefox takes a session", || Wire::connect(plan.namespace.as_deref(), &url).ok());
    let wish = json!({"capabilities": {"alwaysMatch": {"acceptInsecureCerts": true}}});
    session.command("session.new", &wish).expect("a session");
    session
        .command("session.subscribe", &json!({"events": ["log.entryAdded", "network.beforeRequestSent"]}))
        .expect("Firefox's events");
    let tree = session.command("browsingContext.getTree", &json!({})).expect("Firefox's pages");
    let context = tree["contexts"][0]["context"].as_str().expect("a page").to_owned();
    (Firefox { session, context }, process, home)
}

impl Driver for Firefox {
    fn before_every_page(&mut self, script: &str) -> Result<(), String> {
        let declaration = json!({"functionDeclaration": format!("() => {{ {script} }}")});
        self.session.command("script.addPreloadScript", &declaration).map(drop)
    }

    fn open(&mut self, url: &str) -> Result<(), String> {
        let where_to = json!({"context": self.context, "url": url, "wait": "complete"});
        self.session.command("browsingContext.navigate", &where_to).map(drop)
    }

    fn evaluate(&mut self, expression: &str) -> Result<Value, String> {
        let parameters = json!({
            "expression": format!("(async () => JSON.stringify(await ({expression})))()"),
            "target": {"context": self.context},
            "awaitPromise": true,
            "resultOwnership": "none",
        });
        let result = self.session.command("script.evaluate", &parameters)?;
        if result["type"] == "exception" {
            return Err(result["exceptionDetails"]["text"].as_str().unwrap_or("an exception").to_owned());
        }
        let text = result["result"]["value"].as_str().unwrap_or("null");
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn click_at(&mut self, x: f64, y: f64) -> Result<(), String> {
        let actions = json!({"context": self.context, "actions": [{
            "type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
            "actions": [
                {"type": "pointerMove", "x": x.round() as i64, "y": y.round() as i64},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerUp", "button": 0},
            ],
        }]});
        self.session.command("input.performActions", &actions).map(drop)
    }

    fn type_text(&mut self, text: &str) -> Result<(), String> {
        let keys: Vec<Value> = text
            .chars()
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})])
            .collect();
        let actions = json!({"context": self.context, "actions": [{"type": "key", "id": "keys", "actions": keys}]});
        self.session.command("input.performActions", &actions).map(drop)
    }

    fn press(&mut self, key: Key) -> Result<(), String> {
        // The private code points that WebDriver has for keys (section 17.4.2).
        self.type_text(match key {
            Key::Backspace => "\u{E003}",
            Key::Enter => "\u{E007}",
            Key::Escape => "\u{E00C}",
        })
    }

    fn size(&mut self, width: u32, height: u32) -> Result<(), String> {
        let viewport = json!({"context": self.context, "viewport": {"width": width, "height": height}});
        self.session.command("browsingContext.setViewport", &viewport).map(drop)
    }

    fn screenshot(&mut self) -> Result<Vec<u8>, String> {
        let result = self.session.command("browsingContext.captureScreenshot", &json!({"context": self.context}))?;
        Ok(glib::base64_decode(result["data"].as_str().unwrap_or_default()))
    }

    fn console(&mut self) -> Vec<String> {
        self.session.drain();
        let errors = self
            .session
            .events
            .iter()
            .filter(|(method, entry)| method == "log.entryAdded" && entry["level"] == "error");
        errors.map(|(_, entry)| entry["text"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn requests(&mut self) -> Vec<String> {
        self.session.drain();
        let sent = self.session.events.iter().filter(|(method, _)| method == "network.beforeRequestSent");
        sent.filter_map(|(_, event)| event["request"]["url"].as_str().map(str::to_owned)).collect()
    }
}
