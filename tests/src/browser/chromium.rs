//! Chromium by the DevTools protocol.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use gstreamer::glib;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wire::Wire;
use super::{Devices, Driver, Family, Key, Plan, announced};
use crate::namespace::inside;

pub(super) struct Chromium {
    page: Wire,
}

/// Nothing of the browser's own on the network, no question that nobody answers, no throttling of a page in the back,
/// and host candidates on the loopback interface.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--allow-loopback-in-peer-connection",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
    "--window-size=1280,800",
    "--auto-select-desktop-capture-source=Entire screen",
];

pub(super) fn start(plan: &Plan) -> (Chromium, Family, TempDir) {
    let profile = tempfile::Builder::new().prefix("subrosa-chromium-").tempdir().expect("a profile");
    let mut command = Command::new("chromium");
    command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("--accept-lang={}", plan.language)).arg(format!("--lang={}", plan.language));
    match plan.devices {
        Devices::Granted => {
            command.args(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
        }
        Devices::Refused => {
            command.arg("--use-fake-device-for-media-stream");
        }
        Devices::Missing => {
            command.args(["--use-fake-device-for-media-stream=device-count=0", "--use-fake-ui-for-media-stream"]);
        }
    }
    if let Some(camera) = &plan.camera {
        command.arg(format!("--use-file-for-fake-video-capture={}", camera.display()));
    }
    command.arg("about:blank").env("HOME", profile.path()).env("LANGUAGE", plan.language);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let process = inside(plan.namespace.as_deref(), || command.spawn()).expect("chromium");
    let process = Family(process);
    let port_file = profile.path().join("DevToolsActivePort");
    let port: u16 =
        announced("Chromium says its port", || fs::read_to_string(&port_file).ok()?.lines().next()?.parse().ok());
    let url = announced("Chromium has a page", || {
        let list = inside(plan.namespace.as_deref(), || {
            ureq::get(format!("http://127.0.0.1:{port}/json/list")).call().ok()?.body_mut().read_to_string().ok()
        })?;
        let targets: Value = serde_json::from_str(&list).ok()?;
        let page = targets.as_array()?.iter().find(|target| target["type"] == "page")?;
        Some(page["webSocketDebuggerUrl"].as_str()?.to_owned())
    });
    let mut page = Wire::connect(plan.namespace.as_deref(), &url).expect("Chromium's page");
    for domain in ["Page", "Runtime", "Network", "Log"] {
        page.command(&format!("{domain}.enable"), &json!({})).expect("Chromium's page");
    }
    if plan.devices == Devices::Refused {
        for name in ["camera", "microphone"] {
            let refused = json!({"permission": {"name": name}, "setting": "denied"});
            page.command("Browser.setPermission", &refused).expect("refusing a device");
        }
    }
    (Chromium { page }, process, profile)
}

impl Driver for Chromium {
    fn before_every_page(&mut self, script: &str) -> Result<(), String> {
        self.page.command("Page.addScriptToEvaluateOnNewDocument", &json!({"source": script})).map(drop)
    }

    fn open(&mut self, url: &str) -> Result<(), String> {
        self.page.events.retain(|(method, _)| method != "Page.loadEventFired");
        let result = self.page.command("Page.navigate", &json!({"url": url}))?;
        if let Some(error) = result["errorText"].as_str() {
            return Err(error.to_owned());
        }
        if result["loaderId"].is_null() {
            return Ok(()); // only the fragment differs
        }
        self.page.wait("Page.loadEventFired", Duration::from_secs(20)).map(drop)
    }

    fn evaluate(&mut self, expression: &str) -> Result<Value, String> {
        let wrapped = format!("(async () => JSON.stringify(await ({expression})))()");
        let parameters = json!({"expression": wrapped, "awaitPromise": true, "returnByValue": true});
        let result = self.page.command("Runtime.evaluate", &parameters)?;
        if let Some(exception) = result.get("exceptionDetails") {
            return Err(exception["exception"]["description"].as_str().unwrap_or("an exception").to_owned());
        }
        let text = result["result"]["value"].as_str().unwrap_or("null");
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    fn click_at(&mut self, x: f64, y: f64) -> Result<(), String> {
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
            self.page.command("Input.dispatchMouseEvent", &event)?;
        }
        Ok(())
    }

    fn type_text(&mut self, text: &str) -> Result<(), String> {
        self.page.command("Input.insertText", &json!({"text": text})).map(drop)
    }

    fn press(&mut self, key: Key) -> Result<(), String> {
        let (name, code, text) = match key {
            Key::Backspace => ("Backspace", 8, None),
            Key::Enter => ("Enter", 13, Some("\r")),
            Key::Escape => ("Escape", 27, None),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code});
            if let Some(text) = text.filter(|_| kind == "keyDown") {
                event["text"] = text.into();
            }
            self.page.command("Input.dispatchKeyEvent", &event)?;
        }
        Ok(())
    }

    fn size(&mut self, width: u32, height: u32) -> Result<(), String> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700});
        self.page.command("Emulation.setDeviceMetricsOverride", &size).map(drop)
    }

    fn screenshot(&mut self) -> Result<Vec<u8>, String> {
        let result = self.page.command("Page.captureScreenshot", &json!({"format": "png"}))?;
        Ok(glib::base64_decode(result["data"].as_str().unwrap_or_default()))
    }

    fn console(&mut self) -> Vec<String> {
        self.page.drain();
        let said = |(method, parameters): &(String, Value)| match method.as_str() {
            "Log.entryAdded" if parameters["entry"]["level"] == "error" => {
                Some(format!("{} {}", parameters["entry"]["text"], parameters["entry"]["url"]))
            }
            "Runtime.consoleAPICalled" if parameters["type"] == "error" => Some(parameters["args"].to_string()),
            "Runtime.exceptionThrown" => Some(parameters["exceptionDetails"].to_string()),
            _ => None,
        };
        self.page.events.iter().filter_map(said).collect()
    }

    fn requests(&mut self) -> Vec<String> {
        self.page.drain();
        let sent = self.page.events.iter().filter(|(method, _)| method == "Network.requestWillBeSent");
        sent.filter_map(|(_, parameters)| parameters["request"]["url"].as_str().map(str::to_owned)).collect()
    }
}
