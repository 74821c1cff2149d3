//! Every Jingle frame of every recording is read, and means the same when it is written again.

use std::collections::BTreeMap;

use minidom::{Element, Node};
use proptest::prelude::*;

use super::*;
use crate::signalling::recording::{self, Direction, Recording};

/// The `<iq>` with `<jingle>` of a recording, in order.
pub fn frames(recording: &Recording) -> Vec<(Direction, Element)> {
    let xmpp = recording.frames.iter().filter(|frame| frame.channel == "xmpp" && frame.data.contains("<jingle"));
    xmpp.map(|frame| (frame.dir, frame.data.parse().expect("a stanza"))).collect()
}

/// What an element says, line by line, without what has no meaning: order of children and attributes, and what this
/// room does not read.
pub fn canonical(element: &Element) -> Vec<String> {
    let mut lines = Vec::new();
    walk(element, "", &mut lines);
    lines.sort();
    lines
}

fn walk(element: &Element, path: &str, lines: &mut Vec<String>) {
    let mut attributes: BTreeMap<String, String> = BTreeMap::new();
    for ((_, name), value) in element.attrs() {
        attributes.insert(name.to_string(), value.clone());
    }
    // One channel is what no number means.
    if element.name() == "payload-type" && attributes.get("channels").is_some_and(|channels| channels == "1") {
        attributes.remove("channels");
    }
    // The one parameter that jicofo writes in another namespace than everybody else.
    let is_msid = element.name() == "parameter" && attributes.get("name").is_some_and(|name| name == "msid");
    let namespace = if is_msid { namespace::SOURCES.to_owned() } else { element.ns() };
    let path = format!("{path} / {{{namespace}}}{} {attributes:?}", element.name());
    for node in element.nodes() {
        match node {
            // How large a picture the peer wants, which is a matter of P2P sessions.
            Node::Element(child) if child.name() == "source-frame-height" => {}
            Node::Element(child) => walk(child, &path, lines),
            Node::Text(text) if element.name() == "json-message" => {
                let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
                lines.push(format!("{path} {value}"));
            }
            Node::Text(text) => lines.push(format!("{path} {}", text.trim())),
        }
    }
    lines.push(path);
}

/// Fails with what only one of the two says.
pub fn assert_same_meaning(ours: &Element, theirs: &Element, name: &str) {
    let (ours, theirs) = (canonical(ours), canonical(theirs));
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|line| !other.contains(line)).cloned().collect()
    };
    let (more, less) = (only(&ours, &theirs), only(&theirs, &ours));
    assert!(ours == theirs, "{name}: only ours {more:#?}, only theirs {less:#?}");
}

#[test]
fn every_jingle_frame_of_every_recording_is_read_and_written_with_the_same_meaning() {
    let mut read = BTreeMap::new();
    for recording in recording::all() {
        for (_, iq) in frames(&recording) {
            let element = Jingle::inside(&iq).expect("jingle");
            let jingle = Jingle::read(element).unwrap_or_else(|error| panic!("{}: {error}", recording.name));
            let written = jingle.write();
            assert_same_meaning(&written, element, &recording.name);
            assert_eq!(Jingle::read(&written).as_ref(), Ok(&jingle), "{}", recording.name);
            *read.entry(jingle.action.as_str()).or_insert(0) += 1;
        }
    }
    // As many as there are, so that a recording that is not found is missed.
    let counts = [
        ("content-modify", 14),
        ("session-accept", 77),
        ("session-initiate", 77),
        ("session-terminate", 14),
        ("source-add", 82),
        ("source-remove", 6),
    ];
    assert_eq!(read, BTreeMap::from(counts));
}

#[test]
fn sources_mean_the_same_as_xml_and_as_json() {
    let of = |name: &str| {
        let frames = frames(&recording::read(name));
        let add = frames.iter().map(|(_, iq)| Jingle::read(Jingle::inside(iq).expect("jingle")).expect("readable"));
        add.filter(|jingle| jingle.action == Action::SourceAdd).map(|jingle| jingle.sources().expect("few")).next()
    };
    let (xml, json) = (of("13c-native-rsa-passive/N").expect("XML"), of("15a-native-sctp-vp8/N").expect("JSON"));
    let shape = |sources: &source::Sources| {
        let of = |kind| sources.sources.iter().filter(move |source| source.kind == kind);
        let video: Vec<u32> = of(subrosa_messages::media::Kind::Video).map(|source| source.ssrc).collect();
        let owners: Vec<&str> =
            sources.sources.iter().filter_map(|source| source.owner.as_ref()).map(|o| o.as_str()).collect();
        let named = sources.sources.iter().all(|source| {
            let owner = source.owner.as_ref().map_or("", |owner| owner.as_str());
            source.name.as_ref().is_some_and(|name| name.as_str().starts_with(owner))
        });
        let group = sources.groups.first().expect("a group");
        (owners.len(), named, group.semantics, group.ssrcs == video, of(subrosa_messages::media::Kind::Audio).count())
    };
    assert_eq!(shape(&xml), (3, true, source::Semantics::FlowIdentification, true, 1));
    assert_eq!(shape(&json), shape(&xml));
    // And either form written as the other.
    assert_eq!(
        compact::read(&compact::write(&xml)).as_ref().map(|sources| sources.groups.clone()),
        Ok(xml.groups.clone())
    );
}

#[test]
fn p9_nothing_of_a_message_is_printed() {
    for recording in [recording::read("01-two-clients/B"), recording::read("13c-native-rsa-passive/N")] {
        for (_, iq) in frames(&recording) {
            let printed = format!("{:?}", Jingle::read(Jingle::inside(&iq).expect("jingle")));
            for private in ["meet.test", "10.77.0.1", "e0b983a0", "e7613163", "3g76mkov0tg64ued9rr47r9139"] {
                assert!(!printed.contains(private), "{private}");
            }
        }
    }
}

fn read(xml: &str) -> Result<Jingle, JingleError> {
    Jingle::read(&xml.parse::<Element>().expect("XML"))
}

#[test]
fn what_a_standard_forbids_is_refused_as_a_whole() {
    let offer = |inside: &str| {
        read(&format!("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'>{inside}</jingle>"))
    };
    let transport = |inside: &str, attributes: &str| {
        offer(&format!(
            "<content name='audio'><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' {attributes}>{inside}</transport></content>"
        ))
    };
    let sources = |inside: &str| {
        offer(&format!(
            "<content name='video'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'>{inside}</description></content>"
        ))
    };
    assert!(offer("").is_ok());
    assert_eq!(
        read("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate'/>"),
        Err(JingleError::Missing("session id"))
    );
    assert_eq!(read("<jingle xmlns='urn:xmpp:jingle:1' action='open-camera' sid='s'/>"), Err(JingleError::Action));
    let password = "pwd='0123456789012345678901'";
    assert!(transport("", &format!("ufrag='abcd' {password}")).is_ok());
    let broken = [
        transport("", "ufrag='abcd'"),
        transport("", &format!("ufrag='abc' {password}")),
        transport("", "ufrag='abcd' pwd='short'"),
        transport("", &format!("ufrag='abcd&#13;&#10;a=x' {password}")),
        transport("<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256'>AA:B</fingerprint>", ""),
        transport(
            "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-256' setup='holdconn'>AA</fingerprint>",
            "",
        ),
        transport(
            "<candidate type='host' ip='192.0.2.1' foundation='1' component='1' protocol='udp' priority='1' port='70000'/>",
            "",
        ),
        transport(
            "<candidate type='host' ip='192.0.2.1' foundation='1 1' component='1' protocol='udp' priority='1' port='7'/>",
            "",
        ),
        transport("<web-socket xmlns='http://jitsi.org/protocol/colibri' url='wss://a&#10;b'/>", ""),
        sources("<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='0'/>"),
        sources("<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='4294967296'/>"),
        sources("<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1' name=''/>"),
        sources("<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1' name='a&#13;&#10;a=x'/>"),
        sources("<payload-type id='100' name='VP8'><parameter name='x' value='1&#10;a=x'/></payload-type>"),
        sources("<payload-type id='100' name='VP8'><parameter name='x&#10;a=x' value='1'/></payload-type>"),
        sources("<payload-type id='128' name='VP8'/>"),
        sources("<payload-type id='100' name='VP8&#10;a=x'/>"),
        sources("<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='15' uri='urn:x'/>"),
    ];
    for (number, refused) in broken.iter().enumerate() {
        assert!(matches!(refused, Err(JingleError::Invalid(_) | JingleError::Missing(_))), "{number}: {refused:?}");
    }
    // A browser's mDNS name is not an address: the candidate is passed over, the message stays good.
    let mdns = transport(
        "<candidate type='host' ip='a.local' foundation='1' component='1' protocol='udp' priority='1' port='7'/>",
        "",
    );
    let candidates =
        mdns.expect("readable").contents.first().and_then(|content| content.transport.clone()).expect("transport");
    assert!(candidates.candidates.is_empty());
}

#[test]
fn no_list_is_longer_than_a_meeting_needs() {
    let many = |one: &str, count: usize| one.repeat(count);
    let video = |inside: String| {
        read(&format!(
            "<jingle xmlns='urn:xmpp:jingle:1' action='source-add' sid='s'><content name='video'><description \
             xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'>{inside}</description></content></jingle>"
        ))
    };
    let source = "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'/>";
    assert!(video(many(source, limits::SOURCES)).is_ok());
    assert_eq!(video(many(source, limits::SOURCES + 1)), Err(JingleError::TooMany("sources")));
    let group = |count| {
        let members = many("<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'/>", count);
        video(format!("<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='SIM'>{members}</ssrc-group>"))
    };
    assert!(group(limits::GROUP).is_ok());
    assert_eq!(group(limits::GROUP + 1), Err(JingleError::TooMany("sources in a group")));
    let json = |count| format!("{{\"sources\":{{\"a\":[[{}],[]]}}}}", vec!["{\"s\":1}"; count].join(","));
    assert!(compact::read(&json(limits::SOURCES)).is_ok());
    assert_eq!(compact::read(&json(limits::SOURCES + 1)), Err(JingleError::TooMany("sources")));
    assert_eq!(compact::read(&" ".repeat(limits::JSON + 1)), Err(JingleError::TooMany("bytes of sources")));
    // However deep: serde_json refuses before its stack does.
    assert!(compact::read(&"[".repeat(100_000)).is_err());
}

/// The texts that fuzzing begins with.
pub fn seeds() -> Vec<String> {
    let names = [
        "01-two-clients/B",
        "02-three-clients-screenshare/B",
        "06a-bridge-restart/B",
        "13c-native-rsa-passive/N",
        "15a-native-sctp-vp8/N",
    ];
    let recordings = names.map(recording::read);
    let frames = recordings.iter().flat_map(frames);
    frames.map(|(_, iq)| String::from(Jingle::inside(&iq).expect("jingle"))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_damaged_message_is_refused_or_read_and_never_worse(
        seed in 0..1000usize,
        damages in prop::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(None), any::<u8>().prop_map(Some)]), 1..12),
    ) {
        thread_local!(static SEEDS: Vec<String> = seeds());
        let mut bytes = SEEDS.with(|seeds| seeds[seed % seeds.len()].clone()).into_bytes();
        for (place, byte) in damages {
            let place = place.index(bytes.len());
            match byte {
                Some(byte) => bytes[place] = byte,
                None => { bytes.remove(place); }
            }
        }
        if let Ok(element) = String::from_utf8_lossy(&bytes).parse::<Element>()
            && let Ok(jingle) = Jingle::read(&element)
        {
            prop_assert!(jingle.sources().is_ok());
            // Groups of sources that are not there are lost in JSON; then nothing more is.
            let again = Jingle::read(&jingle.write());
            prop_assert!(again.is_ok());
            prop_assert_eq!(again.clone().and_then(|jingle| Jingle::read(&jingle.write())), again);
        }
    }

    #[test]
    fn damaged_json_sources_are_refused_or_read_and_never_worse(
        place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        const SEED: &str = r#"{"sources":{"b":[[{"s":11,"n":"b-v0","m":"s t","v":"d"},{"s":12,"n":"b-v0","m":"s t"}],[["f",11,12],["s",11,12]],[{"s":13,"n":"b-a0"}],[["f",13,13]]]}}"#;
        let mut bytes = SEED.as_bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(cut.index(bytes.len()).max(place) + 1);
        if let Ok(sources) = compact::read(&String::from_utf8_lossy(&bytes)) {
            prop_assert!(compact::read(&compact::write(&sources)).is_ok());
        }
    }
}
