//! Who sends: the room, and a browser with one of the kiosk's pages.

use std::time::{Duration, Instant};

use serde_json::Value;
use subrosa_tests::browser::{self, Browser};
use subrosa_tests::peer::{Guest, Link, LinkPlan, Peer, Picture};
use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::tree;

use super::measure::{Outcome, Sender};

/// What both sides send at most, in kbit/s.
pub const TARGET: u32 = 2000;
/// The room's simulated hardware is not part of the room.
const SIMULATOR: &str = "subrosa-sim";
/// For a page to send its first frame, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// The peer counts and does not decode; it keeps packets, so that sizes can be read from them afterwards.
const COUNTS: LinkPlan = LinkPlan {
    sends: None,
    decodes: false,
    keeps: true,
    others: false,
    picture: Picture::Plain,
    tone: 440,
    latency: 200,
};

/// The room with blur and one guest, and its microphone closed: the kiosk sends no sound either.
pub fn room(seconds: u64) -> Outcome {
    let started = Instant::now();
    let more = vec![("media", format!("max_bitrate = {TARGET}\n")), ("blur", "mode = \"strong\"\n".to_owned())];
    let room = Room::start(Plan { more, ..Plan::default() });
    room.sim.mute(true);
    let invitation = room.wake();
    let peer = Peer::ask(&invitation, &Guest { link: COUNTS, ..Guest::default() });
    let mark = peer.mark();
    room.sim.press();
    peer.told(mark, "the guest was let in", Duration::from_secs(5), |event| event["event"] == "admitted");
    let link = peer.connected(Duration::from_secs(10));
    let (payload, encoding) = link.offer.line("room-video").codec().expect("a codec");
    assert_eq!(encoding, "H264", "the room sends what the kiosk sends");
    Sender { name: "room", ancestor: room.supervisor(), besides: &[SIMULATOR], link: &link, payload, started }
        .measure(seconds)
}

/// Chromium with an effect of the kiosk's page. Returns the encoder's name, too.
pub fn kiosk(address: &str, effect: &str, seconds: u64) -> (Outcome, String) {
    let started = Instant::now();
    let camera = Some(tree().join("data/camera.mjpeg"));
    let mut browser = Browser::chromium(&browser::Plan { camera, ..browser::Plan::default() });
    browser.open(address);
    let offer = browser.evaluate(&format!("kiosk.offer('{effect}', {TARGET}000)"));
    let (link, answer) = Link::answer(offer.as_str().unwrap_or_default(), &COUNTS).expect("an answer to the kiosk");
    browser.evaluate(&format!("kiosk.answer({})", Value::from(with_rates(&answer))));
    let (payload, encoding) = link.offer.lines.first().and_then(|line| line.codec()).expect("a codec");
    assert_eq!(encoding, "H264");
    let asked = Instant::now();
    while link.recording.counts().0 == 0 {
        assert!(asked.elapsed() < PATIENCE, "the page sends nothing; its console: {:?}", browser.console());
        std::thread::sleep(Duration::from_millis(20));
    }
    let outcome =
        Sender { name: effect, ancestor: browser.id(), besides: &[], link: &link, payload, started }.measure(seconds);
    let encoder = browser.evaluate("kiosk.encoder()");
    let limited = encoder["qualityLimitationReason"].as_str().unwrap_or("none");
    let name = encoder["encoderImplementation"].as_str().unwrap_or("an encoder that it does not name");
    (outcome, if limited == "none" { name.to_owned() } else { format!("{name}, limited by {limited}") })
}

/// Chromium starts low and climbs slowly; these attributes of its own let it begin where it will end.
fn with_rates(answer: &str) -> String {
    let rates = format!(
        ";x-google-start-bitrate={};x-google-min-bitrate={};x-google-max-bitrate={TARGET}",
        TARGET * 9 / 10,
        TARGET * 3 / 4
    );
    let lines = answer.lines().map(|line| {
        let more = if line.starts_with("a=fmtp:") { rates.as_str() } else { "" };
        format!("{line}{more}\r\n")
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_codecs_parameters_get_rates() {
        let answer = with_rates("a=mid:0\r\na=fmtp:103 packetization-mode=1\r\n");
        assert!(
            answer.starts_with("a=mid:0\r\na=fmtp:103 packetization-mode=1;x-google-start-bitrate=1800;"),
            "{answer}"
        );
        assert!(answer.ends_with(";x-google-max-bitrate=2000\r\n"), "{answer}");
    }
}
