//! The descriptions that a native client of recordings 13 and 15 handed to webrtcbin, and its session-accepts, against
//! ours; and properties of what we write, whatever comes.

use std::collections::{BTreeMap, BTreeSet};

use minidom::Element;
use proptest::prelude::*;
use subrosa_messages::Pii;
use subrosa_messages::media::{Codec, Kind};

use super::super::recordings::{assert_same_meaning, frames, seeds};
use super::super::source::{EndpointId, Group, Owner, Semantics, Source, SourceName, Sources};
use super::super::stanza::{Action, Jingle};
use super::ability::Ability;
use super::*;
use crate::signalling::lines::{ROOM_AUDIO, ROOM_VIDEO};
use crate::signalling::recording::{self, Direction, Recording};
use crate::signalling::sdp::Sdp;

fn jingles(recording: &Recording, way: Direction, action: Action) -> Vec<Jingle> {
    let frames = frames(recording).into_iter().filter(|(dir, _)| *dir == way);
    let read = frames.map(|(_, iq)| Jingle::read(Jingle::inside(&iq).unwrap()).unwrap());
    read.filter(|jingle| jingle.action == action).collect()
}

fn descriptions(recording: &Recording, way: Direction) -> Vec<String> {
    let texts = recording.of("sdp", way).map(|frame| serde_json::from_str::<serde_json::Value>(&frame.data).unwrap());
    texts.map(|value| value.get("sdp").unwrap().as_str().unwrap().to_owned()).collect()
}

/// The lines of a description, each as a set, without what we do differently on purpose:
/// - `mid` and the group that names them: ours are words, since media names lines to the room by them;
/// - `cname` and `msid`: ours are the name of the line, since media does not have to know whose a stream is;
/// - `setup`: ours always says `active`; the recordings tried others, and this is what came out of it.
fn meaning(sdp: &str) -> Vec<BTreeSet<String>> {
    let sdp = Sdp::read(sdp);
    let line = |section: &crate::signalling::sdp::Section<'_>| -> BTreeSet<String> {
        let lines = section.lines().iter().filter(|line| !line.starts_with("a=mid:") && !line.starts_with("a=setup:"));
        lines
            .map(|line| match line.split_once(" cname:").or_else(|| line.split_once(" msid:")) {
                Some((ssrc, _)) => ssrc.to_owned(),
                None => (*line).to_owned(),
            })
            .collect()
    };
    sdp.media.iter().map(line).collect()
}

const NATIVE: [(&str, bool); 6] = [
    ("13a-native-rsa-active-dtls-fails/N", false),
    ("13b-native-ecdsa-active/N", false),
    ("13c-native-rsa-passive/N", false),
    ("13d-native-h264-no-bridge-channel/N", true),
    ("15a-native-sctp-vp8/N", false),
    ("15b-native-sctp-h264/N", true),
];

#[test]
fn our_offers_are_those_with_which_webrtcbin_was_seen_to_work() {
    for (name, h264) in NATIVE {
        let recording = recording::read(name);
        let initiate = jingles(&recording, Direction::In, Action::SessionInitiate).remove(0);
        let offer = Offer::read(&initiate).unwrap();
        let room = if h264 { Codec::H264 } else { Codec::Vp8 };
        let (mut streams, mut lines) = (Streams::default(), Lines::default());
        let mut ours = Vec::new();
        let adds = jingles(&recording, Direction::In, Action::SourceAdd);
        for (version, sources) in
            [offer.sources.clone()].into_iter().chain(adds.iter().map(|a| a.sources().unwrap())).enumerate()
        {
            streams.add(&sources);
            lines.settle(&streams, &[], |stream| audio_or(stream, Some(room)));
            ours.push(describe(&offer, &lines, &streams, version as u64 + 1, room).unwrap());
        }
        let theirs = descriptions(&recording, Direction::In);
        assert!(!theirs.is_empty() && ours.len() >= theirs.len(), "{name}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            check(ours).unwrap();
            let (ours, theirs) = (meaning(ours), meaning(theirs));
            let fixed = 2 + usize::from(offer.data.is_some());
            assert_eq!(ours[..fixed], theirs[..fixed], "{name}");
            // Slots in order of arrival, which the two ways to write sources have in another order within one message.
            let set = |lines: &[BTreeSet<String>]| lines.iter().cloned().collect::<BTreeSet<_>>();
            assert_eq!(set(&ours[fixed..]), set(&theirs[fixed..]), "{name}");
        }
    }
}

/// The native client numbered its lines; ours have names.
fn with_our_mids(answer: &str) -> String {
    let named = [("a=mid:0", ROOM_AUDIO), ("a=mid:1", ROOM_VIDEO), ("a=mid:2", BRIDGE)];
    let lines = answer.lines().map(|line| match named.iter().find(|(theirs, _)| *theirs == line.trim_end()) {
        Some((_, ours)) => format!("a=mid:{ours}\r\n"),
        None => format!("{line}\r\n"),
    });
    lines.collect()
}

#[test]
fn our_accepts_mean_what_the_native_client_has_sent() {
    for (name, h264) in NATIVE {
        let recording = recording::read(name);
        let offer = Offer::read(&jingles(&recording, Direction::In, Action::SessionInitiate).remove(0)).unwrap();
        let theirs = jingles(&recording, Direction::Out, Action::SessionAccept).remove(0);
        let answer = Answer::read(&with_our_mids(&descriptions(&recording, Direction::Out)[0]));
        if name.starts_with("13a") || name.starts_with("13b") {
            // They answered `active`: the bridge refuses RSA then, and ECDSA is not what media has.
            assert!(answer.is_err(), "{name}");
            continue;
        }
        let answer = answer.unwrap();
        let source = theirs.sources().unwrap().sources.remove(0);
        let (endpoint, _) = source.name.as_ref().unwrap().as_str().rsplit_once('-').unwrap();
        let ourselves = Ourselves {
            endpoint: EndpointId::read(endpoint).unwrap(),
            address: theirs.responder.clone().unwrap(),
            ability: Ability { h264 },
        };
        let ours = answer.accept(&offer, &ourselves).unwrap();
        assert_same_meaning(&same(ours, h264).write(), &same(theirs, h264).write(), name);
    }
}

/// Without what we do differently on purpose:
/// - jicofo's names of codecs (`opus`), not webrtcbin's (`OPUS`);
/// - other words in the msid, which only has to be the same within a group and nobody else's;
/// - with H.264 we also list VP8, which others may send us: the native client published `h264` only.
fn same(mut jingle: Jingle, h264: bool) -> Jingle {
    for description in jingle.contents.iter_mut().filter_map(|content| content.description.as_mut()) {
        description.payload_types.retain(|payload| !(h264 && [100, 96].contains(&payload.id)));
        for payload in &mut description.payload_types {
            payload.name = payload.name.to_lowercase();
        }
        let mut msids = BTreeMap::new();
        for source in &mut description.sources.sources {
            let next = msids.len();
            let number = *msids.entry(source.msid.clone().unwrap()).or_insert(next);
            source.msid = Some(Pii::new(format!("msid {number}")));
        }
    }
    jingle
}

#[test]
fn each_new_answer_has_another_retransmission() {
    let recording = recording::read("15a-native-sctp-vp8/N");
    let answers = descriptions(&recording, Direction::Out);
    let locals: Vec<Local> = answers.iter().map(|answer| Answer::read(&with_our_mids(answer)).unwrap().local).collect();
    assert_eq!(locals.len(), 2);
    assert_eq!((locals[0].audio, locals[0].video), (locals[1].audio, locals[1].video));
    assert_ne!(locals[0].retransmission, locals[1].retransmission);
    let endpoint = EndpointId::read("5c346d26").unwrap();
    let shape = |sources: &Sources| (sources.sources.len(), sources.groups.len());
    assert_eq!(shape(&sources(&endpoint, locals[0])), (3, 1));
    assert_eq!(shape(&sources(&endpoint, Local { video: None, ..locals[0] })), (1, 0));
}

#[test]
fn p8_what_proves_nothing_is_no_offer() {
    let recording = recording::read("13c-native-rsa-passive/N");
    let initiate = jingles(&recording, Direction::In, Action::SessionInitiate).remove(0);
    let with = |change: fn(&mut super::super::transport::Transport, usize)| {
        let mut jingle = initiate.clone();
        for (index, content) in jingle.contents.iter_mut().enumerate() {
            change(content.transport.as_mut().unwrap(), index);
        }
        Offer::read(&jingle).map(|offer| offer.fingerprints)
    };
    assert!(with(|_, _| ()).is_ok());
    assert!(with(|transport, _| transport.fingerprints.clear()).is_err());
    assert!(with(|transport, _| transport.fingerprints[0].hash = "sha-1".into()).is_err());
    assert!(with(|transport, _| transport.fingerprints[0].digest.truncate(47)).is_err());
    assert!(
        with(|transport, index| if index == 1 {
            transport.fingerprints[0].digest.replace_range(..2, "00")
        })
        .is_err()
    );
    assert!(with(|transport, _| transport.credentials = None).is_err());
    // jicofo may say it once only.
    assert!(
        with(|transport, index| if index == 1 {
            *transport = Default::default()
        })
        .is_ok()
    );
}

#[test]
fn p5_only_candidates_that_are_one_host_over_udp_are_passed_on() {
    let recording = recording::read("13c-native-rsa-passive/N");
    let mut initiate = jingles(&recording, Direction::In, Action::SessionInitiate).remove(0);
    let transport = initiate.contents[0].transport.as_mut().unwrap();
    let host = transport.candidates[0].clone();
    for (address, port, protocol, component) in [
        ("0.0.0.0", 1, "udp", 1),
        ("224.0.0.1", 1, "udp", 1),
        ("255.255.255.255", 1, "udp", 1),
        ("ff02::1", 1, "udp", 1),
        ("::", 1, "udp", 1),
        ("192.0.2.1", 0, "udp", 1),
        ("192.0.2.1", 1, "tcp", 1),
        ("192.0.2.1", 1, "udp", 2),
        ("2001:db8::1", 10000, "udp", 1),
    ] {
        let address = Pii::new(address.parse().unwrap());
        transport.candidates.push(super::super::transport::Candidate {
            address,
            port,
            protocol: protocol.into(),
            component,
            ..host.clone()
        });
    }
    let offer = Offer::read(&initiate).unwrap();
    let sdp = describe(&offer, &Lines::default(), &Streams::default(), 1, Codec::Vp8).unwrap();
    let candidates: Vec<&str> = sdp.lines().filter(|line| line.starts_with("a=candidate")).collect();
    assert_eq!(
        candidates,
        [
            "a=candidate:1 1 udp 2130706431 10.77.0.1 10000 typ host",
            "a=candidate:1 1 udp 2130706431 2001:db8::1 10000 typ host"
        ]
    );
}

/// A strict reader of what we write (RFC 8866, RFC 8829): what it refuses, webrtcbin may abort on.
pub fn check(text: &str) -> Result<(), String> {
    let fail = |what: &str| Err(format!("{what} in:\n{text}"));
    if !text.ends_with("\r\n") || text.replace("\r\n", "").contains(['\r', '\n']) {
        return fail("a line that does not end as lines do");
    }
    let letters: Vec<char> = text.lines().map(|line| line.chars().next().unwrap_or('?')).collect();
    let is_line = |line: &str| line.len() > 2 && line.as_bytes()[1] == b'=' && !line.chars().any(char::is_control);
    if letters.iter().any(|letter| !"vostacm".contains(*letter)) || !text.lines().all(is_line) {
        return fail("a line of another kind");
    }
    let sdp = Sdp::read(text);
    let bundle: Vec<&str> = match sdp.session.attribute("group").and_then(|group| group.strip_prefix("BUNDLE ")) {
        Some(mids) => mids.split(' ').collect(),
        None => return fail("no bundle"),
    };
    if sdp.media.len() > 64 || sdp.media.iter().map(|line| line.attribute("mid").unwrap_or_default()).ne(bundle) {
        return fail("mids");
    }
    let mut mids = BTreeSet::new();
    let mut owners: BTreeMap<u32, usize> = BTreeMap::new();
    for (index, line) in sdp.media.iter().enumerate() {
        let head: Vec<&str> = line.head().collect();
        let is_data = head[0] == "application";
        let needed = ["ice-ufrag", "ice-pwd", "fingerprint", "setup", "mid"];
        if needed.iter().any(|name| line.attributes(name).count() < 1) || line.attribute("setup") != Some("active") {
            return fail("a transport");
        }
        if !mids.insert(line.attribute("mid")) {
            return fail("a mid twice");
        }
        if is_data {
            continue;
        }
        let directions = ["sendrecv", "sendonly", "inactive"].iter().filter(|word| line.has(word)).count();
        if directions != 1 || (line.has("inactive") != (head[1] == "0")) || head[2] != "UDP/TLS/RTP/SAVPF" {
            return fail("a direction");
        }
        let formats = &head[3..];
        let mapped = line.attributes("rtpmap").map(|value| value.split(' ').next().unwrap_or_default());
        if formats.is_empty() || mapped.ne(formats.iter().copied()) {
            return fail("payload types");
        }
        let ours = line.attributes("rtpmap").filter(|map| !map.contains(" rtx/")).count();
        if ours != 1 {
            return fail("more than one codec");
        }
        let ssrcs: BTreeSet<u32> = line
            .attributes("ssrc")
            .map(|value| value.split(' ').next().unwrap_or_default().parse().unwrap_or(0))
            .collect();
        for ssrc in &ssrcs {
            if *ssrc == 0 || owners.insert(*ssrc, index).is_some() {
                return fail("an SSRC on two lines");
            }
        }
        for group in line.attributes("ssrc-group") {
            let members: Vec<u32> = group.split(' ').skip(1).filter_map(|ssrc| ssrc.parse().ok()).collect();
            if members.len() != 2 || members.iter().any(|ssrc| !ssrcs.contains(ssrc)) {
                return fail("a group");
            }
        }
        if line.has("inactive") && !ssrcs.is_empty() {
            return fail("an SSRC on a closed line");
        }
    }
    Ok(())
}

fn some_offer() -> Offer {
    let initiate =
        jingles(&recording::read("15b-native-sctp-h264/N"), Direction::In, Action::SessionInitiate).remove(0);
    Offer::read(&initiate).unwrap()
}

#[derive(Clone, Debug)]
enum Draw {
    Add { endpoint: u8, number: u8, kind: bool, ssrc: u32, retransmitted: bool },
    Remove { ssrc: u32 },
    Forget { endpoint: u8 },
    Codec { endpoint: u8, h264: bool },
    Want { endpoint: u8 },
    Room { h264: bool },
}

fn draws() -> impl Strategy<Value = Draw> {
    prop_oneof![
        6 => (0..40u8, 0..2u8, any::<bool>(), 1..400u32, any::<bool>())
            .prop_map(|(endpoint, number, kind, ssrc, retransmitted)| Draw::Add { endpoint, number, kind, ssrc, retransmitted }),
        2 => (1..400u32).prop_map(|ssrc| Draw::Remove { ssrc }),
        1 => (0..40u8).prop_map(|endpoint| Draw::Forget { endpoint }),
        1 => (0..40u8, any::<bool>()).prop_map(|(endpoint, h264)| Draw::Codec { endpoint, h264 }),
        1 => (0..40u8).prop_map(|endpoint| Draw::Want { endpoint }),
        1 => any::<bool>().prop_map(|h264| Draw::Room { h264 }),
    ]
}

fn id(endpoint: u8) -> EndpointId {
    EndpointId::read(&format!("{endpoint:08x}")).unwrap()
}

fn some_sources(endpoint: u8, number: u8, kind: bool, ssrc: u32, retransmitted: bool) -> Sources {
    let kind = if kind { Kind::Video } else { Kind::Audio };
    let owner = Some(Owner::Endpoint(id(endpoint)));
    let name = Some(SourceName::of(&id(endpoint), kind, number));
    let source = |ssrc| Source { ssrc, kind, name: name.clone(), owner: owner.clone(), msid: None, shows: None };
    let mut sources = Sources { sources: vec![source(ssrc)], groups: Vec::new() };
    if retransmitted {
        sources.sources.push(source(ssrc + 1));
        let semantics = Semantics::FlowIdentification;
        sources.groups.push(Group { kind, semantics, ssrcs: vec![ssrc, ssrc + 1] });
    }
    sources
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn slots_never_move_and_every_offer_is_whole(draws in prop::collection::vec(draws(), 1..100)) {
        let offer = some_offer();
        let (mut streams, mut lines) = (Streams::default(), Lines::default());
        streams.add(&offer.sources);
        let mut codecs: BTreeMap<u8, bool> = BTreeMap::new();
        let (mut wanted, mut room) = (Vec::new(), Codec::Vp8);
        for (version, draw) in draws.into_iter().enumerate() {
            match draw {
                Draw::Add { endpoint, number, kind, ssrc, retransmitted } => {
                    streams.add(&some_sources(endpoint, number, kind, ssrc, retransmitted));
                }
                Draw::Remove { ssrc } => streams.remove(&some_sources(0, 0, true, ssrc, false)),
                Draw::Forget { endpoint } => streams.forget(&id(endpoint)),
                Draw::Codec { endpoint, h264 } => { codecs.insert(endpoint, h264); }
                Draw::Want { endpoint } => wanted = vec![SourceName::of(&id(endpoint), Kind::Video, 0)],
                Draw::Room { h264 } => room = if h264 { Codec::H264 } else { Codec::Vp8 },
            }
            let before = lines.clone();
            let codec_of = |stream: &Stream| {
                let Owner::Endpoint(owner) = &stream.owner else { return None };
                let h264 = codecs.iter().any(|(endpoint, h264)| *h264 && id(*endpoint) == *owner);
                audio_or(stream, Some(if h264 { Codec::H264 } else { Codec::Vp8 }))
            };
            lines.settle(&streams, &wanted, codec_of);
            for (slot, known) in lines.slots().iter().zip(before.slots()) {
                prop_assert_eq!((&slot.mid, slot.codec), (&known.mid, known.codec), "a slot has moved");
            }
            prop_assert!(lines.slots().len() >= before.slots().len());
            // Who has a slot keeps it, but for the sake of somebody who is wanted.
            for known in before.slots() {
                if let Some(name) = &known.occupant
                    && streams.named(name).is_some_and(|stream| codec_of(stream) == Some(known.codec))
                    && lines.of(name).is_none()
                {
                    prop_assert!(known.codec != Codec::Opus && !wanted.contains(name));
                }
            }
            for name in wanted.iter().filter(|name| streams.named(name).is_some()) {
                prop_assert!(lines.of(name).is_some(), "what is wanted has no line");
            }
            let sdp = describe(&offer, &lines, &streams, version as u64 + 1, room).unwrap();
            prop_assert!(check(&sdp).is_ok(), "{}", check(&sdp).unwrap_err());
            for stream in streams.iter() {
                for ssrc in &stream.ssrcs {
                    prop_assert_eq!(streams.who(*ssrc).map(|known| &known.name), Some(&stream.name));
                }
            }
            // Media learns nothing of who is in the meeting (P6).
            let ids: Vec<EndpointId> = (0..40).map(id).collect();
            prop_assert!(ids.iter().all(|id| !sdp.contains(id.as_str())));
        }
    }

    #[test]
    fn a_damaged_offer_never_becomes_a_broken_description(
        seed in 0..1000usize,
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..10),
    ) {
        thread_local!(static OFFERS: Vec<String> =
            seeds().into_iter().filter(|text| text.contains("session-initiate")).collect());
        let mut bytes = OFFERS.with(|offers| offers[seed % offers.len()].clone()).into_bytes();
        for (place, byte) in damages {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(element) = String::from_utf8_lossy(&bytes).parse::<Element>()
            && let Ok(jingle) = Jingle::read(&element)
            && let Ok(offer) = Offer::read(&jingle)
        {
            let (mut streams, mut lines) = (Streams::default(), Lines::default());
            streams.add(&offer.sources);
            lines.settle(&streams, &[], |stream| audio_or(stream, Some(Codec::Vp8)));
            if let Ok(sdp) = describe(&offer, &lines, &streams, 1, Codec::Vp8) {
                prop_assert!(check(&sdp).is_ok(), "{}", check(&sdp).unwrap_err());
            }
        }
    }
}
