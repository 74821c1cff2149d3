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

/// What OpenTalk's room server said in one recording, a frame a line.
fn said(recording: &str) -> Result<String, serde_json::Error> {
    #[derive(Deserialize)]
    struct Line {
        dir: String,
        frame: Option<serde_json::Value>,
    }
    let mut text = String::new();
    for line in recording.lines() {
        if let Line { dir, frame: Some(frame) } = serde_json::from_str(line)?
            && dir == "in"
        {
            text.push_str(&format!("{frame}\ny\n"));
        }
    }
    Ok(text)
}

/// What a LiveKit server said in one recording, a message a line; a new WebSocket opens in between.
fn said_by_livekit(recording: &str) -> Result<String, serde_json::Error> {
    #[derive(Deserialize)]
    struct Line {
        conn: Option<u64>,
        dir: Option<String>,
        msg: Option<serde_json::Value>,
        label: Option<String>,
    }
    let (mut text, mut connection) = ("o\n".to_owned(), None);
    for line in recording.lines() {
        if let Line { conn, dir: Some(dir), msg: Some(message), label: None } = serde_json::from_str(line)?
            && dir == "s2c"
        {
            if connection.replace(conn).is_some_and(|before| before != conn) {
                text.push_str("x\n.\no\n");
            }
            text.push_str(&format!("{message}\n"));
        }
    }
    Ok(text + "v\nt\ns\n.\n")
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
    for file in files(&Path::new(&recordings).with_file_name("opentalk"))? {
        seeds.entry("opentalk").or_default().push(said(&fs::read_to_string(&file)?)?);
    }
    for file in files(&Path::new(&recordings).with_file_name("livekit"))? {
        let said = said_by_livekit(&fs::read_to_string(&file)?)?;
        seeds.entry("livekit").or_default().push(said.chars().take(MOST).collect());
    }
    let own = [
        (
            "opentalk-start",
            "200 {\"opentalk_controller\":{\"base_url\":\"https://c.test\"}}\n\
             200 {\"room_id\":\"11111111-2222-3333-4444-555555555555\",\"password_required\":true}\n\
             rose\n401 {\"code\":\"wrong_room_password\"}\nrose\n308 /v1/x\n404 {\"code\":\"not_found\"}\n\
             200 {\"ticket\":\"t\"}\n200 {\"token\":\"t\",\"roomserver_address\":\"https://r.test\"}",
        ),
        (
            "opentalk-start",
            "404\n200 controller: 'c.test',\n200 {\"room_id\":\"rose\"}\n200 {\"token\":\"t\",\"roomserver_address\":\"https://r.test\"}",
        ),
        (
            "link",
            "https://meet.test/room/11111111-2222-3333-4444-555555555555?invite=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        ),
        (
            "link",
            "https://meet.example.org/tenant/R%C3%B6se?jwt=a.b.c#config.startWithAudioMuted=true&userInfo.displayName=%22R%22",
        ),
        (
            "config",
            "var config = {hosts: {domain: 'a', muc: 'conference.' + subdomain + 'a'}, bosh: '//a/http-bind'};\nconfig.websocket = 'wss://a/x';",
        ),
    ];
    let hosted = [
        "k0Anna\nl0\nk1Bert\nl1\nwp{\"wish\":\"admit-all\"}\na0v=0\na1v=0\nv0\nv1\nc0hello\nt1hi\u{8}\u{2028}\nw0{\"wish\":\"present\",\"on\":true}\n\
         w1{\"wish\":\"state\",\"microphone\":true,\"camera\":false,\"hand\":true,\"mutes\":0}\n.\n!\ng1\n",
        "k0Anna\nl0\nwp{\"wish\":\"admit\",\"guest\":1}\na0v=0\nv0\nwp{\"wish\":\"role\",\"guest\":1,\"role\":\"moderator\"}\n\
         k1Bert\nl1\nw0{\"wish\":\"message\",\"text\":\"soon\"}\nw0{\"wish\":\"admit\",\"guest\":2}\nw0{\"wish\":\"mute\",\"guest\":2}\n\
         w0{\"wish\":\"remove\",\"guest\":2}\nw0{\"wish\":\"lock\",\"on\":true}\nwp{\"wish\":\"end\"}\n",
    ];
    let description = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE room-video guest-audio data\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=fingerprint:sha-256 AB:CD\r\n\
        a=setup:active\r\na=mid:room-video\r\na=recvonly\r\na=rtpmap:96 H264/90000\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:guest-audio\r\na=sendonly\r\na=rtpmap:98 opus/48000/2\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\na=sctp-port:5000\r\n";
    let own = own.into_iter().chain(hosted.map(|seed| ("hosted", seed))).chain([("description", description)]);
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
