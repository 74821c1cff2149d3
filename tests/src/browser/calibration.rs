//! The instrument is calibrated: both browsers against a page of the tests' own.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use super::{Browser, Plan};
use crate::needs;
use crate::stage::{Need, Stage};

const PAGE: &str = "<!doctype html><title>A page</title><form onsubmit='return false'><input id=name> <button id=go type=button>Go</button></form>\
    <p id=said></p><script>go.onclick = async () => { said.textContent = `${document.querySelector('#name').value} ${navigator.userActivation.isActive}`; \
    const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: true}); \
    const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()]; for (const t of stream.getTracks()) a.addTrack(t, stream); \
    await a.setLocalDescription(); said.dataset.tracks = stream.getTracks().length; };</script>";

fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut stream = stream;
                let mut request = [0; 4096];
                let _read = stream.read(&mut request);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    PAGE.len()
                );
                let _written = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(PAGE.as_bytes()));
            });
        }
    });
    port
}

fn drive(mut browser: Browser, name: &str) {
    browser.open(&format!("http://127.0.0.1:{}/", serve()));
    browser.fill("#name", "Guest A");
    browser.click("#go");
    browser.wait_for(
        "the click counts as a person's act",
        "said.textContent === 'Guest A true'",
        Duration::from_secs(5),
    );
    browser.wait_for("camera and microphone are there", "said.dataset.tracks === '2'", Duration::from_secs(10));
    assert_eq!(browser.statistics().links, 2);
    let acts = browser.acts();
    assert!(
        acts.iter().position(|act| act == "getUserMedia") < acts.iter().position(|act| act == "RTCPeerConnection"),
        "{acts:?}"
    );
    browser.screenshot(&format!("calibration-{name}"));
    assert!(browser.requests().iter().any(|url| url.starts_with("http://127.0.0.1")));
    browser.reload();
    browser.wait_for("the page is new", "said.textContent === ''", Duration::from_secs(5));
}

#[test]
fn chromium_can_be_driven() {
    needs!(Need::Chromium);
    let _stage = Stage::take();
    drive(Browser::chromium(&Plan::default()), "chromium");
}

#[test]
fn firefox_can_be_driven() {
    needs!(Need::Firefox);
    let _stage = Stage::take();
    drive(Browser::firefox(&Plan::default()), "firefox");
}
