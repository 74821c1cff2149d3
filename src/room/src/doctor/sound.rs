//! Sound devices: whether they are there, and what they can do, as ALSA says under `/proc/asound` without opening them.

use std::fs;
use std::path::Path;

use subrosa_board::{Board, CaptureSource, Speaker};

use super::finding::{Check, Finding, both};

/// What the processes work with. Other rates are converted, which costs a little and is no fault.
const RATE: &str = "48000";

/// One direction of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// `hw:0,0`.
    pub name: String,
    /// What the maker calls it; `None`: it is not there.
    pub title: Option<String>,
    /// Rates that a USB device lists; empty where it lists none.
    pub rates: Vec<String>,
}

/// The board's speaker and microphone, where they are ALSA's.
#[must_use]
pub fn read(root: &Path, board: &Board) -> Vec<Device> {
    let mut devices = Vec::new();
    if let Speaker::Alsa { device } = &board.speaker
        && let Some((card, number)) = device.strip_prefix("hw:").and_then(|it| it.split_once(','))
    {
        devices.push(look(root, card, number, 'p'));
    }
    let microphone = board.microphone.nodes.first().filter(|_| board.microphone.source == CaptureSource::Alsa);
    let parts = microphone.and_then(|node| node.rsplit_once("pcmC")?.1.strip_suffix('c')?.split_once('D'));
    if let Some((card, number)) = parts {
        devices.push(look(root, card, number, 'c'));
    }
    devices
}

fn look(root: &Path, card: &str, number: &str, direction: char) -> Device {
    let card_folder = root.join("proc/asound").join(format!("card{card}"));
    let info = fs::read_to_string(card_folder.join(format!("pcm{number}{direction}/info"))).ok();
    let field = |text: &str, name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
    };
    let title = info.map(|text| field(&text, "name").unwrap_or_default());
    let listed = fs::read_to_string(card_folder.join(format!("stream{number}"))).unwrap_or_default();
    Device { name: format!("hw:{card},{number}"), title, rates: rates(&listed, direction) }
}

/// The rates in one direction of `/proc/asound/cardN/streamM`, which USB devices have.
fn rates(stream: &str, direction: char) -> Vec<String> {
    let part = |head: &str| stream.split(head).nth(1).unwrap_or_default().to_owned();
    let text = if direction == 'p' {
        part("Playback:").split("Capture:").next().unwrap_or_default().to_owned()
    } else {
        part("Capture:").split("Playback:").next().unwrap_or_default().to_owned()
    };
    let lists = text.lines().filter_map(|line| line.trim().strip_prefix("Rates: "));
    lists.flat_map(|list| list.split(", ").map(str::to_owned)).collect()
}

/// What it means.
#[must_use]
pub fn judge(devices: &[Device]) -> Vec<Finding> {
    devices.iter().map(of).collect()
}

fn of(device: &Device) -> Finding {
    let name = &device.name;
    let Some(title) = &device.title else {
        return Finding::wrong(
            Check::Sound,
            both(format!("{name} ist nicht da."), format!("{name} is not there.")),
            both(
                "Einstecken, oder die Board-Datei berichtigen: aplay -l, arecord -l. Kartennummern hält fest: options snd_usb_audio index=…",
                "Plug it in, or correct the board file: aplay -l, arecord -l. What keeps a card's number: options snd_usb_audio index=…",
            ),
        );
    };
    let what = both(format!("{name}: {title}."), format!("{name}: {title}."));
    let ours = |rate: &String| rate == RATE || rate.contains("continuous");
    if device.rates.is_empty() || device.rates.iter().any(ours) {
        return Finding::ok(Check::Sound, what);
    }
    let list = device.rates.join(", ");
    Finding::note(
        Check::Sound,
        what,
        both(
            format!("Kann {list} Hz, nicht {RATE}: Es wird umgerechnet."),
            format!("Has {list} Hz, not {RATE}: it is converted."),
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Verdict, verdicts};
    use super::*;

    const STREAM: &str = "Speaker\n\nPlayback:\n  Interface 1\n    Format: S16_LE\n    Rates: 44100, 48000\n\
                          \nCapture:\n  Interface 2\n    Format: S16_LE\n    Rates: 16000\n";

    #[test]
    fn devices_are_looked_at_without_being_opened() {
        let root = tempfile::tempdir().unwrap();
        let card = root.path().join("proc/asound/card1");
        fs::create_dir_all(card.join("pcm0p")).unwrap();
        fs::write(card.join("pcm0p/info"), "card: 1\nname: USB Audio\n").unwrap();
        fs::write(card.join("stream0"), STREAM).unwrap();
        let speaker = look(root.path(), "1", "0", 'p');
        assert_eq!((speaker.title.as_deref(), speaker.rates.len()), (Some("USB Audio"), 2));
        let microphone = look(root.path(), "1", "0", 'c');
        assert_eq!((microphone.title.clone(), microphone.rates.clone()), (None, vec!["16000".to_owned()]));
        let slow = Device { title: Some("USB Audio".into()), ..microphone.clone() };
        let found = verdicts(&judge(&[speaker, microphone, slow]));
        assert_eq!(found.iter().map(|it| it.1).collect::<Vec<_>>(), [Verdict::Ok, Verdict::Wrong, Verdict::Note]);
    }
}
