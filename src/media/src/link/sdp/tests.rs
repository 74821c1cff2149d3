use proptest::prelude::*;

use subrosa_messages::media::Codec;

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
        let _ = (check(&text), offered(&text, &[]), fingerprints(&text), ssrcs(&text));
        let _ = answer(&text, &offered(&text, &[]), &Repairs::default());
        let mut offers = Offers::default();
        if let Ok(next) = offers.next(&text) {
            offers.taken(next);
            prop_assert!(offers.next(&text).is_ok(), "the same again continues it");
        }
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
    let lines = offered(OFFER, &[]);
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0].codec, lines[0].payload_type, lines[0].way), (Codec::H264, 103, Way::Receive));
    assert_eq!((lines[0].twcc, lines[0].repairs), (Some(3), true));
    assert_eq!((lines[1].codec, lines[1].payload_type, lines[1].way), (Codec::Opus, 111, Way::Send));
    let cut = Offers::default().next(&with_transport(OFFER)).unwrap().seen;
    assert!(cut.contains("m=video 9 UDP/TLS/RTP/SAVPF 103 45\r\n"), "{cut}");
    assert!(cut.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"));
    assert!(!cut.contains("VP8") && !cut.contains("a=fmtp:97") && !cut.contains(":102 "));
    assert!(cut.contains("a=fmtp:45 apt=103") && cut.contains("webrtc-datachannel"));
}

#[test]
fn whether_the_peer_tells_what_arrives_is_read() {
    assert!(tells_arrivals(OFFER));
    assert!(
        !tells_arrivals(ANSWER) && !tells_arrivals(&OFFER.replace("a=extmap:3", "a=extmap:x")) && !tells_arrivals("")
    );
}

#[test]
fn of_which_lines_the_peer_tells_what_arrives_is_read() {
    let extension = format!("a=extmap:1 {}\r\n", crate::link::caps::TWCC);
    let answer = ANSWER.replace("a=mid:v\r\n", &format!("a=mid:v\r\n{extension}"));
    assert_eq!(told_of(&answer), [Mid("v".into())]);
    assert_eq!(told_of(ANSWER), []);
}

fn with_transport(sdp: &str) -> String {
    sdp.replacen("s=-\r\n", "s=-\r\na=fingerprint:sha-256 AA\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n", 1)
}

/// As the room writes it for a bridge: its own two lines, the channel, and slots.
fn bridge_offer(slots: &[&str]) -> String {
    let line = |kind: &str, mid: &str, port: &str, direction: &str, codec: &str, rest: &str| {
        let (format, map) = match codec {
            "vp8" => (
                "100 96",
                "a=rtpmap:100 VP8/90000\r\na=rtcp-fb:100 nack\r\na=rtpmap:96 rtx/90000\r\na=fmtp:96 apt=100\r\n",
            ),
            _ => ("111", "a=rtpmap:111 opus/48000/2\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"),
        };
        format!("m={kind} {port} UDP/TLS/RTP/SAVPF {format}\r\na={direction}\r\n{map}{rest}a=mid:{mid}\r\n")
    };
    let mut sdp = with_transport("v=0\r\ns=-\r\na=group:BUNDLE room-audio room-video bridge\r\n");
    sdp.push_str(&line("audio", "room-audio", "9", "sendrecv", "opus", "a=ssrc:1 cname:room-audio\r\n"));
    sdp.push_str(&line("video", "room-video", "9", "sendrecv", "vp8", "a=ssrc:2 cname:room-video\r\n"));
    sdp.push_str("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:bridge\r\na=sctp-port:5000\r\n");
    for (n, ssrcs) in slots.iter().enumerate() {
        let slot = format!("slot-{n}");
        sdp.push_str(&if ssrcs.is_empty() {
            line("video", &slot, "0", "inactive", "vp8", "")
        } else {
            line("video", &slot, "9", "sendonly", "vp8", ssrcs)
        });
    }
    sdp
}

const FIRST: &str = "a=ssrc:11 cname:s\r\na=ssrc:12 cname:s\r\na=ssrc-group:FID 11 12\r\n";
const SECOND: &str = "a=ssrc:21 cname:s\r\n";

fn ways(lines: &[Offered]) -> Vec<(&str, Way, bool, &[u32])> {
    lines.iter().map(|line| (line.mid.0.as_str(), line.way, line.open, line.ssrcs.as_slice())).collect()
}

#[test]
fn offers_continue_each_other_and_webrtcbin_is_told_no_more_than_it_can_bear() {
    let mut offers = Offers::default();
    let first = offers.next(&bridge_offer(&[FIRST])).unwrap();
    assert_eq!(
        ways(&first.lines),
        [
            ("room-audio", Way::Both, true, &[1][..]),
            ("room-video", Way::Both, true, &[2]),
            ("slot-0", Way::Receive, true, &[11]),
        ]
    );
    assert_eq!((first.new_from, first.names_ssrcs), (0, true));
    assert_eq!(first.lines[0].audio_level, Some(1));
    assert!(!first.seen.contains("a=ssrc") && first.seen.contains("a=rtcp-fb:100 nack"), "{}", first.seen);
    offers.taken(first);

    let second = offers.next(&bridge_offer(&["", SECOND])).unwrap();
    assert_eq!(second.new_from, 3);
    let slots: Vec<_> = ways(&second.lines).into_iter().skip(2).collect();
    assert_eq!(slots, [("slot-0", Way::Receive, false, &[][..]), ("slot-1", Way::Receive, true, &[21])]);
    // A line that is off stays on for webrtcbin, with nobody on it.
    assert_eq!(second.seen.matches("a=sendonly").count(), 2);
    assert!(!second.seen.contains("inactive") && !second.seen.contains("m=video 0"), "{}", second.seen);
    offers.taken(second);

    let waiting = bridge_offer(&["", SECOND]).replace(
        "m=video 9 UDP/TLS/RTP/SAVPF 100 96\r\na=sendonly",
        "m=video 0 UDP/TLS/RTP/SAVPF 100 96\r\na=bundle-only\r\na=sendonly",
    );
    assert!(offers.next(&waiting).unwrap().lines[3].open, "a line that waits for its bundle is not off");

    let third = offers.next(&bridge_offer(&[SECOND, ""])).unwrap();
    assert_eq!(third.new_from, 4, "nothing new");
    assert!(third.lines[2].open && !third.lines[3].open);
}

#[test]
fn an_offer_that_does_not_continue_the_others_is_refused_and_changes_nothing() {
    let mut offers = Offers::default();
    let good = bridge_offer(&[FIRST, SECOND]);
    offers.taken(offers.next(&good).unwrap());
    let bad = [
        good.replace("a=mid:slot-0", "a=mid:slot-7"),
        good.replace("a=fingerprint:sha-256 AA", "a=fingerprint:sha-256 BB"),
        good.replace("a=fingerprint:sha-256 AA", "a=fingerprint:sha-256 AA\r\na=fingerprint:sha-256 BB"),
        good.replace("a=ice-pwd:p", "a=ice-pwd:q"),
        good.replace("VP8/90000", "VP9/90000"),
        good.replacen("100 VP8/90000", "100 H264/90000\r\na=fmtp:100 packetization-mode=1;profile-level-id=42e01f", 1),
        good.replacen("m=video 9 UDP/TLS/RTP/SAVPF 100 96", "m=video 9 UDP/TLS/RTP/SAVPF 101 96", 1)
            .replacen(":100 ", ":101 ", 2),
        good.replacen("a=sendrecv", "a=recvonly", 1),
        bridge_offer(&[FIRST]),
        good.replace("a=mid:slot-1", "a=mid:slot-0"),
        good.replace("a=mid:slot-1\r\n", ""),
        String::new(),
    ];
    for bad in bad {
        assert!(offers.next(&bad).is_err(), "{bad}");
        assert!(offers.next(&good).is_ok());
    }
    assert_eq!(Offers::default().next(&good.replace("slot-1", "slot-0")).unwrap_err(), SdpError::SameMid);
}

#[test]
fn on_a_line_that_is_received_another_codec_may_come_and_on_one_that_is_sent_none() {
    let mut offers = Offers::default();
    let good = bridge_offer(&[FIRST, SECOND]);
    let first = offers.next(&good).unwrap();
    assert_eq!(first.changed, [0; 0]);
    offers.taken(first);
    let (before, slot) = good.split_at(good.rfind("m=video").unwrap());
    let slot =
        slot.replace("100 VP8/90000", "100 H264/90000\r\na=fmtp:100 packetization-mode=1;profile-level-id=42e01f");
    let next = offers.next(&format!("{before}{slot}")).unwrap();
    assert_eq!((next.changed.as_slice(), next.lines[3].codec), (&[3][..], Codec::H264));
    assert!(next.seen.contains("H264/90000"));
    offers.taken(next);
    assert_eq!(offers.next(&good).unwrap().changed, [3], "and back");
}

#[test]
fn without_a_line_for_streams_in_front_webrtcbin_keeps_the_ssrcs() {
    let offer = bridge_offer(&[FIRST]).replace("BUNDLE room-audio", "BUNDLE bridge room-audio");
    assert!(Offers::default().next(&offer).unwrap().seen.contains("a=ssrc:11 "));
}

#[test]
fn an_answer_says_what_is_off_and_keeps_the_ssrc_of_retransmissions() {
    let mut repairs = Repairs::default();
    let made = |repair: u32| {
        format!(
            "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 100 96\r\na=mid:room-video\r\na=sendrecv\r\n\
             a=ssrc-group:FID 5 {repair}\r\na=ssrc:5 cname:x\r\na=ssrc:{repair} cname:x\r\na=ssrc:{repair} msid:a b\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 100 96\r\na=mid:slot-0\r\na=recvonly\r\n"
        )
    };
    repairs.learn(&made(6));
    repairs.learn(&made(7));
    assert_eq!(repairs.iter().collect::<Vec<_>>(), [(5, 6)]);
    let lines = offered(&bridge_offer(&[""]), &[]);
    let said = answer(&made(7), &lines, &repairs);
    assert!(said.contains("m=video 0 UDP/TLS/RTP/SAVPF 100 96\r\na=mid:slot-0\r\na=inactive\r\n"), "{said}");
    assert!(said.contains("a=ssrc-group:FID 5 6\r\n") && said.contains("a=ssrc:6 msid:a b\r\n"), "{said}");
    assert!(!said.contains(":7 ") && said.contains("a=sendrecv"), "{said}");
    assert_eq!(answer(&made(6), &[], &repairs), made(6), "nothing to change");
}

proptest! {
    #[test]
    fn a_hostile_offer_after_good_ones_never_takes_a_line_away(at in 0_usize..2000, with in "[ -~\r\n]{0,12}") {
        let good = bridge_offer(&[FIRST, SECOND]);
        let mut offers = Offers::default();
        offers.taken(offers.next(&good).unwrap());
        let at = at.min(good.len());
        let bad = format!("{}{with}{}", &good[..at], &good[(at + with.len()).min(good.len())..]);
        if let Ok(next) = offers.next(&bad) {
            let mids = |lines: &[Offered]| lines.iter().map(|line| line.mid.clone()).collect::<Vec<_>>();
            prop_assert!(mids(&next.lines).starts_with(&mids(&offered(&good, &[]))));
            prop_assert_eq!(next.seen.matches("a=fingerprint:sha-256 AA\r\n").count(), 1);
        }
    }
}
