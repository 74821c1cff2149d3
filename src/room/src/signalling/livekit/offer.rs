//! Descriptions of a link as the server has them: the same offer again, what of it is ours, and candidates that come by themselves.

use subrosa_messages::Pii;

use crate::signalling::sdp::Sdp;

/// The offer as it is said for the `nth` time: the version in its `o=` line counts up (RFC 8866, section 5.2).
pub fn again(sdp: &str, nth: u32) -> String {
    let line = |line: &str| match line.strip_prefix("o=") {
        Some(origin) => {
            let mut words: Vec<&str> = origin.split(' ').collect();
            let version = nth.to_string();
            if let Some(place) = words.get_mut(2) {
                *place = &version;
            }
            format!("o={}\r\n", words.join(" "))
        }
        None => format!("{line}\r\n"),
    };
    sdp.lines().map(line).collect()
}

/// By what the server knows the track on the line of this `mid`: the second word of its `msid` (RFC 8830, section 2).
pub fn track_id<'a>(sdp: &'a str, mid: &str) -> Option<&'a str> {
    let sdp = Sdp::read(sdp);
    let section = sdp.line(mid)?;
    let of_source = || section.attributes("ssrc").find_map(|of| of.split_once(" msid:").map(|(_, id)| id));
    section.attribute("msid").or_else(of_source)?.split(' ').nth(1)
}

/// The candidate that is said in JSON (`RTCIceCandidateInit`), as a line of a description: UDP only, since nothing else is spoken.
pub fn candidate(init: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Init {
        candidate: String,
    }
    let init: Init = serde_json::from_str(init).ok()?;
    let candidate = init.candidate;
    let is_line = candidate.starts_with("candidate:") && candidate.len() < 300 && !candidate.contains(['\r', '\n']);
    let is_udp = candidate.split(' ').nth(2).is_some_and(|transport| transport.eq_ignore_ascii_case("udp"));
    (is_line && is_udp).then(|| format!("a={candidate}\r\n"))
}

/// The answer with candidates in its first line, to which all others are bundled.
pub fn with_candidates(answer: &Pii<String>, candidates: &[String]) -> Pii<String> {
    let sdp = answer.reveal();
    let missing: String =
        candidates.iter().filter(|candidate| !sdp.contains(candidate.as_str())).map(String::as_str).collect();
    let Some(first) = sdp.find("\r\nm=") else { return answer.clone() };
    let end = sdp.get(first + 2..).and_then(|rest| rest.find("\r\nm=")).map_or(sdp.len(), |at| first + 2 + at + 2);
    let (start, rest) = sdp.split_at(end);
    Pii::new(format!("{start}{missing}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\no=- 7 0 IN IP4 0.0.0.0\r\ns=-\r\nm=video 9 RTP 96\r\na=ssrc:1 cname:c\r\na=ssrc:1 msid:room track-1\r\n\
        a=mid:room-video\r\nm=audio 9 RTP 111\r\na=msid:room track-2\r\na=mid:room-audio\r\n";

    #[test]
    fn the_same_offer_again_differs_in_its_version_only() {
        assert_eq!(again(SDP, 5), SDP.replace("o=- 7 0 IN", "o=- 7 5 IN"));
    }

    #[test]
    fn a_track_is_known_by_its_msid() {
        assert_eq!(track_id(SDP, "room-video"), Some("track-1"));
        assert_eq!(track_id(SDP, "room-audio"), Some("track-2"));
        assert_eq!(track_id(SDP, "slot-0-video"), None);
    }

    #[test]
    fn candidates_of_udp_are_put_into_the_first_line_once() {
        let json = r#"{"candidate":"candidate:1 1 udp 2130706431 192.0.2.1 7882 typ host ufrag x","sdpMid":"0"}"#;
        let one = candidate(json).unwrap();
        let answer = with_candidates(&Pii::new(SDP.to_owned()), std::slice::from_ref(&one));
        let text = answer.reveal();
        assert!(text.find("a=candidate:").unwrap() < text.find("m=audio").unwrap());
        assert_eq!(with_candidates(&answer, &[one]).reveal(), text);
        assert_eq!(candidate(&json.replace(" udp ", " tcp ")), None);
        assert_eq!(candidate(&json.replace("typ host", "typ host\\r\\na=x")), None);
        assert_eq!(candidate("{"), None);
    }
}
