//! Writes what real servers said in the recordings as seeds, a folder for each target: `subrosa-fuzz-seeds RECORDINGS FOLDER`.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde::Deserialize;

#[derive(Deserialize)]
struct Frame {
    dir: String,
    channel: String,
    data: String,
}

/// The longest seed: libFuzzer reads no more of an input by itself.
const MOST: usize = 60_000;

fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "jsonl") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What is between two words, the first time they come.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let from = text.find(before)? + before.len();
    text.get(from..)?.split(after).next()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(recordings), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("say where the recordings are, and where the seeds go".into());
    };
    let mut seeds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for file in files(Path::new(&recordings))? {
        let text = fs::read_to_string(&file)?;
        let frames: Vec<Frame> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let mut meeting = String::new();
        // The names of this recording become those of the target.
        let occupant = frames.iter().filter(|frame| frame.dir == "out").find_map(|frame| {
            let to = between(&frame.data, "to=\"", "\"")?;
            let (room, nick) = to.split_once('/')?;
            (frame.data.starts_with("<presence") && room.contains('@')).then(|| (room.to_owned(), nick.to_owned()))
        });
        for frame in frames.iter().filter(|frame| frame.dir == "in") {
            let data = frame.data.replace('\n', " ");
            let named = match &occupant {
                Some((room, nick)) => data.replace(room, "ROOM").replace(nick, "US"),
                None => data.clone(),
            };
            match frame.channel.as_str() {
                "xmpp" => {
                    seeds.entry("stanza").or_default().push(data.clone());
                    if let Some(inside) = between(&data, "<jingle", "</jingle>") {
                        seeds.entry("jingle").or_default().push(format!("<jingle{inside}</jingle>"));
                    }
                    if let Some(compact) = between(&data, "<json-message", "</json-message>") {
                        let json = compact.split_once('>').map_or("", |(_, json)| json).replace("&quot;", "\"");
                        seeds.entry("sources").or_default().push(json);
                    }
                    meeting.push_str(&named);
                    meeting.push('\n');
                    if data.contains("session-initiate") {
                        meeting.push_str("?\n");
                    }
                }
                "colibri" => {
                    seeds.entry("colibri").or_default().push(data);
                    meeting.push_str(&named);
                    meeting.push('\n');
                }
                _ => {}
            }
        }
        if !meeting.is_empty() {
            seeds.entry("meeting").or_default().push(meeting);
        }
    }
    let own = [
        (
            "link",
            "https://meet.example.org/tenant/R%C3%B6se?jwt=a.b.c#config.startWithAudioMuted=true&userInfo.displayName=%22R%22",
        ),
        (
            "config",
            "var config = {hosts: {domain: 'a', muc: 'conference.' + subdomain + 'a'}, bosh: '//a/http-bind'};\nconfig.websocket = 'wss://a/x';",
        ),
    ];
    for (target, seed) in own {
        seeds.entry(target).or_default().push(seed.to_owned());
    }
    for (target, texts) in seeds {
        let folder = Path::new(&folder).join(target);
        fs::create_dir_all(&folder)?;
        for (number, text) in texts.iter().filter(|text| text.len() <= MOST).enumerate() {
            fs::write(folder.join(format!("{number:05}")), text)?;
        }
    }
    Ok(())
}
