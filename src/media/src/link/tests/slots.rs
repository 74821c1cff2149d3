//! A link of ours whose slots a server fills, with one answer after the other to the same offer.

use super::*;

/// The parts of a description: what is of the session, and one for each line.
fn parts(sdp: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    for line in sdp.lines() {
        if line.starts_with("m=") {
            parts.push(String::new());
        }
        parts.last_mut().unwrap().push_str(&format!("{line}\r\n"));
    }
    parts
}

/// Only VP8 is offered on this line.
fn without_h264(sdp: &str, mid: &str) -> String {
    let only_vp8 = |part: String| {
        if !part.contains(&format!("a=mid:{mid}\r\n")) {
            return part;
        }
        let kept =
            part.lines().filter(|line| !line.contains(":96 ")).map(|line| format!("{}\r\n", line.replace(" 96", "")));
        kept.collect()
    };
    parts(sdp).into_iter().map(only_vp8).collect()
}

/// What came on one slot is said to come on the other.
fn swapped(sdp: &str, one: &str, other: &str) -> String {
    let mut parts = parts(sdp);
    let place = |mid: &str| parts.iter().position(|part| part.contains(&format!("a=mid:{mid}\r\n"))).unwrap();
    let (one, other) = (place(one), place(other));
    let split = |part: &str| -> (String, String) {
        let (ssrcs, rest): (Vec<&str>, Vec<&str>) = part.lines().partition(|line| line.starts_with("a=ssrc"));
        let text = |lines: Vec<&str>| lines.iter().map(|line| format!("{line}\r\n")).collect();
        (text(ssrcs), text(rest))
    };
    let ((of_one, one_s), (of_other, others)) = (split(&parts[one]), split(&parts[other]));
    parts[one] = one_s + &of_other;
    parts[other] = others + &of_one;
    parts.concat()
}

#[test]
fn a_further_answer_fills_the_slots_anew_and_another_certificate_ends_the_link() {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    let cuts = Cuts::new(&timebase);
    let picture = Picture::new(SIZE, 30, &timebase, &cuts.camera).unwrap();
    let encodings = [encoding("x264enc", &picture, &timebase), encoding("vp8enc", &picture, &timebase)];
    let slots = ["slot-0-video", "slot-1-video"];
    let lines = vec![line("room-video", Codec::H264, Direction::Send), Line::slot(slots[0]), Line::slot(slots[1])];
    let mut room = End::open(plan(DescriptionKind::Offer, lines, &timebase));
    let mut server = End::open(plan(DescriptionKind::Answer, Vec::new(), &timebase));
    let offer = room.description();
    for part in parts(&offer).iter().filter(|part| part.contains("a=mid:slot-")) {
        assert!(part.contains("VP8/90000") && part.contains("H264/90000"), "{part}");
        assert_eq!(part.matches("a=mid:").count(), 1, "{part}");
    }
    server.link().describe(DescriptionKind::Offer, without_h264(&offer, slots[1]), true);
    for (slot, encoding) in slots.iter().zip(&encodings) {
        server.link().send(Mid((*slot).into()), Some(Feed { producer: encoding.producer().clone(), cut: None }));
    }
    let answer = server.description();
    room.link().describe(DescriptionKind::Answer, answer.clone(), false);
    let came = slots.map(|slot| room.track(slot).codec);
    assert_eq!(came, [Codec::H264, Codec::Vp8]);
    room.seen.clear();
    room.link().describe(DescriptionKind::Answer, swapped(&answer, slots[0], slots[1]), false);
    let tracks = slots.map(|slot| room.track(slot));
    assert_eq!([tracks[0].codec, tracks[1].codec], [Codec::Vp8, Codec::H264]);
    for track in &tracks {
        Counter::of(track, &timebase).wait_for(5);
    }
    let forged = answer.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 00:");
    room.link().describe(DescriptionKind::Answer, forged, false);
    room.state(LinkState::Failed(LinkFault::Fingerprint));
}

#[test]
fn a_peer_without_slots_answers_once() {
    let mut call = Call::connected(Codec::H264);
    let again = call.guest.description();
    call.room.link().describe(DescriptionKind::Answer, again, false);
    call.room.state(LinkState::Failed(LinkFault::Description));
}
