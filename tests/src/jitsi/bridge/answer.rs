//! What Jingle says of a bridge and of its client, and the description that webrtcbin wants instead.

/// What a session-initiate says of the bridge's transport (XEP-0176, XEP-0320).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Name and password of ICE.
    pub credentials: (String, String),
    /// Hash and digest of its certificate.
    pub fingerprint: (String, String),
    /// The value of `a=candidate`.
    pub candidate: String,
}

/// What a session-accept says (XEP-0166, XEP-0339).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Name and password of ICE.
    pub credentials: (String, String),
    /// Hash and digest of the client's certificate.
    pub fingerprint: (String, String),
    /// The client's sound.
    pub audio: Option<u32>,
    /// The client's picture, and its retransmissions.
    pub video: Option<(u32, Option<u32>)>,
    /// The picture is H.264, not VP8.
    pub h264: bool,
}

fn values<'a>(sdp: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("a={name}:");
    sdp.lines().filter_map(move |line| line.trim_end().strip_prefix(&start))
}

fn value(sdp: &str, name: &str) -> String {
    values(sdp, name).next().unwrap_or_default().to_owned()
}

fn pair(text: &str) -> (String, String) {
    let (first, second) = text.split_once(' ').unwrap_or((text, ""));
    (first.to_owned(), second.to_owned())
}

impl Transport {
    pub(super) fn read(offer: &str) -> Self {
        Transport {
            credentials: (value(offer, "ice-ufrag"), value(offer, "ice-pwd")),
            fingerprint: pair(&value(offer, "fingerprint")),
            candidate: value(offer, "candidate"),
        }
    }
}

impl Accepted {
    /// As a client's own description has it, whose lines of sound and picture have these mids.
    #[must_use]
    pub fn read(answer: &str, audio: &str, video: &str) -> Self {
        let section = |mid: &str| {
            let wanted = format!("a=mid:{mid}");
            answer.split("\r\nm=").find(|section| section.lines().any(|line| line == wanted)).unwrap_or_default()
        };
        let ssrc =
            |section: &str| values(section, "ssrc").next().and_then(|value| value.split(' ').next()?.parse().ok());
        let group = values(section(video), "ssrc-group").find_map(|group| {
            let (first, second) = group.strip_prefix("FID ")?.split_once(' ')?;
            Some((first.parse().ok()?, second.parse().ok()))
        });
        Accepted {
            credentials: (value(answer, "ice-ufrag"), value(answer, "ice-pwd")),
            fingerprint: pair(&value(answer, "fingerprint")),
            audio: ssrc(section(audio)),
            video: group.or_else(|| ssrc(section(video)).map(|ssrc| (ssrc, None))),
            h264: section(video).contains("H264/90000"),
        }
    }
}

/// The answer to the bridge's own offer that says the same. There are no candidates in it: the client's checks tell where
/// it is.
pub(super) fn write(offer: &str, accepted: &Accepted) -> String {
    let left_out = [
        "a=candidate:",
        "a=end-of-candidates",
        "a=ssrc",
        "a=msid:",
        "a=setup:",
        "a=ice-",
        "a=fingerprint:",
        "a=sendrecv",
        "a=bundle-only",
    ];
    let mut answer = String::new();
    for (n, section) in offer.split("\r\nm=").enumerate() {
        let mid = value(section, "mid");
        for (line_number, line) in section.lines().enumerate() {
            if left_out.iter().any(|start| line.starts_with(start)) {
                continue;
            }
            if n > 0 && line_number == 0 {
                let words = line.split(' ').enumerate().map(|(n, word)| if n == 1 { "9" } else { word });
                answer.push_str(&format!("m={}\r\n", words.collect::<Vec<_>>().join(" ")));
            } else {
                answer.push_str(&format!("{line}\r\n"));
            }
        }
        if n == 0 {
            continue;
        }
        let sends = match mid.as_str() {
            "audio" => accepted.audio.map(|ssrc| (ssrc, None)),
            "vp8" if !accepted.h264 => accepted.video,
            "h264" if accepted.h264 => accepted.video,
            _ => None,
        };
        if !mid.starts_with("application") && ["audio", "vp8", "h264"].contains(&mid.as_str()) {
            answer.push_str(if sends.is_some() { "a=sendrecv\r\n" } else { "a=recvonly\r\n" });
        }
        if let Some((ssrc, repair)) = sends {
            for ssrc in [Some(ssrc), repair].into_iter().flatten() {
                answer.push_str(&format!("a=ssrc:{ssrc} cname:client\r\na=ssrc:{ssrc} msid:client {mid}\r\n"));
            }
            if let Some(repair) = repair {
                answer.push_str(&format!("a=ssrc-group:FID {ssrc} {repair}\r\n"));
            }
        }
        let ((name, password), (hash, digest)) = (&accepted.credentials, &accepted.fingerprint);
        answer.push_str(&format!(
            "a=ice-ufrag:{name}\r\na=ice-pwd:{password}\r\na=fingerprint:{hash} {digest}\r\na=setup:passive\r\n"
        ));
    }
    answer
}
