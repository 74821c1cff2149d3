//! What a session description says, as far as the peer has to know (RFC 8866, RFC 8829).

/// Transport-wide congestion control (draft-holmer-rmcat-transport-wide-cc-extensions-01).
pub(super) const TWCC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// One line of an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferedLine {
    /// Its `mid`.
    pub mid: String,
    /// `audio`, `video` or `application`.
    pub kind: String,
    /// `sendonly`, `recvonly`, … seen from the room.
    pub direction: String,
    /// SSRCs that the room announces for it.
    pub ssrcs: Vec<u32>,
    /// Payload types with their encodings, in upper case.
    pub payloads: Vec<(u8, String)>,
    /// The id of the header extension that numbers packets across lines, if it has it.
    pub twcc: Option<u8>,
}

impl OfferedLine {
    /// The payload type of an encoding.
    #[must_use]
    pub fn payload(&self, encoding: &str) -> Option<u8> {
        self.payloads.iter().find(|(_, found)| found == encoding).map(|(payload, _)| *payload)
    }

    /// Its main codec: the first one that is not for repair.
    #[must_use]
    pub fn codec(&self) -> Option<(u8, &str)> {
        let repair = |encoding: &str| matches!(encoding, "RTX" | "RED" | "ULPFEC");
        self.payloads
            .iter()
            .find(|(_, encoding)| !repair(encoding))
            .map(|(payload, encoding)| (*payload, encoding.as_str()))
    }
}

/// A session description in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Its lines, in order.
    pub lines: Vec<OfferedLine>,
    /// Its candidates, as they stand.
    pub candidates: Vec<String>,
    /// Its fingerprints.
    pub fingerprints: Vec<String>,
}

impl Offer {
    /// Reads a description.
    #[must_use]
    pub fn read(sdp: &str) -> Self {
        let mut offer = Offer::default();
        for line in sdp.lines() {
            let Some((name, value)) = line.trim().split_once('=') else { continue };
            if name == "m" {
                let kind = value.split(' ').next().unwrap_or_default().to_owned();
                offer.lines.push(OfferedLine { kind, ..OfferedLine::default() });
                continue;
            }
            if name != "a" {
                continue;
            }
            let (attribute, value) = value.split_once(':').unwrap_or((value, ""));
            match attribute {
                "candidate" => offer.candidates.push(value.to_owned()),
                "fingerprint" => offer.fingerprints.push(value.to_owned()),
                _ => {}
            }
            let Some(last) = offer.lines.last_mut() else { continue };
            match attribute {
                "mid" => value.clone_into(&mut last.mid),
                "sendonly" | "recvonly" | "sendrecv" | "inactive" => attribute.clone_into(&mut last.direction),
                "ssrc" => {
                    let ssrc = value.split(' ').next().and_then(|ssrc| ssrc.parse().ok());
                    last.ssrcs.extend(ssrc.filter(|ssrc| !last.ssrcs.contains(ssrc)));
                }
                "extmap" => {
                    let id = value.strip_suffix(TWCC).and_then(|id| id.trim_end().parse().ok());
                    last.twcc = last.twcc.or(id);
                }
                "rtpmap" => {
                    let payload = value.split_once(' ').and_then(|(payload, encoding)| {
                        Some((payload.parse().ok()?, encoding.split('/').next()?.to_uppercase()))
                    });
                    last.payloads.extend(payload);
                }
                _ => {}
            }
        }
        offer
    }

    /// The line of a `mid`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn line(&self, mid: &str) -> &OfferedLine {
        self.lines.iter().find(|line| line.mid == mid).unwrap_or_else(|| panic!("the offer has a line {mid}"))
    }
}

/// The description with other fingerprints: those of a certificate that nobody has.
#[must_use]
pub fn forged(sdp: &str) -> String {
    let false_one = vec!["AB"; 32].join(":");
    let lines = sdp.lines().map(|line| {
        if line.starts_with("a=fingerprint:") { format!("a=fingerprint:sha-256 {false_one}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\r\n") + "\r\n"
}

/// The description with candidates of the guest's choice in every line.
#[must_use]
pub fn with_candidates(sdp: &str, candidates: &[String]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in sdp.lines() {
        lines.push(line.to_owned());
        if line.starts_with("a=mid:") {
            lines.extend(candidates.iter().map(|candidate| format!("a=candidate:{candidate}")));
        }
    }
    lines.join("\r\n") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\r\na=fingerprint:sha-256 01:02\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:room-video\r\na=sendonly\r\n\
        a=extmap:2 urn:x\r\n\
        a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\na=rtpmap:97 rtx/90000\r\na=rtpmap:96 H264/90000\r\na=ssrc:5 cname:x\r\na=ssrc:5 msid:y\r\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\n";

    #[test]
    fn an_offer_is_read_in_parts() {
        let offer = Offer::read(SDP);
        let line = offer.line("room-video");
        assert_eq!((line.kind.as_str(), line.direction.as_str()), ("video", "sendonly"));
        assert_eq!(line.codec(), Some((96, "H264")));
        assert_eq!(line.payload("RTX"), Some(97));
        assert_eq!((&line.ssrcs[..], line.twcc), (&[5][..], Some(3)));
        assert_eq!((offer.candidates.len(), offer.fingerprints.len()), (1, 1));
    }

    #[test]
    fn forgeries_change_only_what_they_should() {
        assert!(Offer::read(&forged(SDP)).fingerprints[0].ends_with("AB:AB"));
        let more = with_candidates(SDP, &["2 1 UDP 1 127.0.0.1 53 typ host".to_owned()]);
        assert_eq!(Offer::read(&more).candidates.len(), 2);
    }
}
