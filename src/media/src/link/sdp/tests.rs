use proptest::prelude::*;

use super::*;

const ANSWER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE v a\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 192.0.2.7 5000 typ host\r\n\
    a=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-256 AA:BB\r\na=setup:active\r\na=mid:v\r\na=recvonly\r\n\
    a=rtpmap:96 H264/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=end-of-candidates\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n\
    a=fingerprint:SHA-256 aa:bb\r\na=mid:a\r\na=sendonly\r\na=rtpmap:111 opus/48000/2\r\n\
    a=ssrc-group:FID 7 8\r\na=ssrc:7 cname:x\r\na=ssrc:9 cname:x\r\n";

#[test]
fn p5_no_candidate_of_a_guest_is_left() {
    let stripped = without_candidates(ANSWER);
    assert!(!stripped.contains("candidate") && !stripped.contains("192.0.2.7"));
    assert!(stripped.contains("a=mid:v\r\n") && stripped.ends_with("\r\n"));
}

proptest! {
    #[test]
    fn p5_no_candidate_is_left_whatever_stands_around_it(
        before in "[ -~\r\n]{0,40}", candidate in "[ -~]{0,40}", after in "[ -~\r\n]{0,40}",
    ) {
        let sdp = format!("{before}\r\na=candidate:{candidate}\r\n{after}");
        let stripped = without_candidates(&sdp);
        prop_assert!(stripped.lines().all(|line| !line.starts_with("a=candidate:")));
    }

    #[test]
    fn any_text_is_read_without_a_fault(text in "([a-z]=[ -~]{0,30}\r?\n){0,20}") {
        let _ = (check(&text), offered(&text), fingerprints(&text), ssrcs(&text), only(&text, &offered(&text)));
    }
}

#[test]
fn p8_every_fingerprint_is_found() {
    let found = fingerprints(ANSWER);
    assert_eq!(found, [("sha-256".into(), "AA:BB".into()), ("sha-256".into(), "aa:bb".into())]);
    assert_eq!(check(ANSWER), Ok(()));
    let without = ANSWER.replace("a=fingerprint:sha-256 AA:BB\r\n", "");
    assert_eq!(check(&without), Err(SdpError::NoFingerprint));
    let for_all = without.replace("t=0 0\r\n", "t=0 0\r\na=fingerprint:sha-256 AA:BB\r\n");
    assert_eq!(check(&for_all), Ok(()));
}

#[test]
fn an_answer_with_other_lines_never_reaches_webrtcbin() {
    assert_eq!(check_answer(ANSWER, ANSWER), Ok(()));
    for (from, to, error) in [
        ("a=mid:a\r\n", "a=mid:b\r\n", SdpError::OtherLines),
        ("a=mid:a\r\n", "", SdpError::NoMid),
        ("m=audio", "m=video", SdpError::OtherLines),
        ("a=ice-ufrag:u\r\n", "", SdpError::NoIce),
    ] {
        assert_eq!(check_answer(ANSWER, &ANSWER.replace(from, to)), Err(error), "{to}");
    }
    assert_eq!(check_answer(ANSWER, "v=0\r\n"), Err(SdpError::Empty));
    assert_eq!(check_answer(ANSWER, &ANSWER.repeat(2)), Err(SdpError::OtherLines));
}

#[test]
fn ssrcs_include_those_of_retransmission() {
    assert_eq!(ssrcs(ANSWER), [(Mid("v".into()), vec![]), (Mid("a".into()), vec![7, 8, 9])]);
}

const OFFER: &str = "v=0\r\ns=-\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 45\r\na=mid:0\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\n\
    a=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:102 H264/90000\r\n\
    a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f\r\n\
    a=rtpmap:103 H264/90000\r\na=fmtp:103 packetization-mode=1;profile-level-id=42e01f\r\na=rtcp-fb:103 nack pli\r\n\
    a=rtpmap:45 rtx/90000\r\na=fmtp:45 apt=103\r\n\
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:1\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

#[test]
fn the_codec_that_is_meant_is_chosen_and_the_rest_cut_away() {
    let lines = offered(OFFER);
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].codec, lines[0].payload_type, lines[0].direction), (Codec::H264, 103, Direction::Receive));
    assert_eq!(lines[0].twcc, Some(3));
    assert_eq!((lines[1].codec, lines[1].payload_type, lines[1].direction), (Codec::Opus, 111, Direction::Send));
    let cut = only(OFFER, &lines);
    assert!(cut.contains("m=video 9 UDP/TLS/RTP/SAVPF 103 45\r\n"), "{cut}");
    assert!(cut.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
    assert!(!cut.contains("VP8") && !cut.contains("a=fmtp:97") && !cut.contains(":102 "));
    assert!(cut.contains("a=fmtp:45 apt=103") && cut.contains("webrtc-datachannel"));
}
