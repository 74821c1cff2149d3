//! The way in: settings, session, conference request, room.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use minidom::Element;
use subrosa_messages::Pii;
use subrosa_room::meeting::elsewhere::failure::Failure;
use subrosa_room::meeting::hosts::Named;
use subrosa_room::meeting::jitsi::muc;
use subrosa_room::signalling::jingle::Jingle;
use subrosa_room::signalling::xmpp::{Told, element, frame};
use subrosa_tests::jitsi::client::Occupant;
use subrosa_tests::jitsi::focus::Answer;
use subrosa_tests::jitsi::guest::{Guest, Seen};
use subrosa_tests::jitsi::meeting::{ROOM, server};
use subrosa_tests::jitsi::prosody::{Options, Prosody};
use subrosa_tests::needs;
use subrosa_tests::stage::{Need, eventually, tree};

pub const PROSODY: Need = Need::Program("prosody");

pub fn nick(guest: &Guest, count: usize) -> String {
    guest.is_in(count).resource().expect("a nick").to_owned()
}

#[test]
fn a_guest_signs_in_learns_of_the_relay_says_what_it_can_and_is_in_the_room() {
    needs!(PROSODY);
    for by_http in [false, true] {
        let (prosody, focus, link) = server(Options::default(), by_http);
        let start = Instant::now();
        let guest = Guest::join(&format!("{link}?jwt=head.body.sign"), &prosody.authority());
        let place = guest.is_in(1);
        println!("in the room {:.0} ms after the link", 1000.0 * start.elapsed().as_secs_f64());
        assert_eq!(place.bare(), ROOM);
        let services = guest.wait("the relays", Duration::from_secs(10), |seen| match seen {
            Seen::Session(Told::Services(services)) => Some(services.clone()),
            _ => None,
        });
        let [relay] = services.as_slice() else { panic!("{services:?}") };
        assert_eq!((relay.kind.as_str(), relay.host.as_str(), relay.port), ("turn", "turn.meet.test", Some(3478)));
        assert!(relay.username.is_some() && relay.password.is_some());
        // jicofo asks every newcomer; without an answer there is no media.
        let can =
            eventually("the focus knows what the room can", Duration::from_secs(10), || focus.features(place.reveal()));
        assert!(can.contains("urn:xmpp:jingle:1") && can.contains("http://jitsi.org/json-encoded-sources"));
        let requests = focus.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!((requests[0].attr("room"), requests[0].attr("machine-uid")), (Some(ROOM), Some("d0ub1e")));
        // Over HTTP the link's token comes in the header; the IQ's session has it from the WebSocket's address.
        assert_eq!(requests[0].attr("token"), by_http.then_some("head.body.sign"));
    }
}

#[test]
fn p5_the_hosts_of_a_meeting_are_declared_before_they_are_contacted() {
    needs!(PROSODY);
    let (prosody, _focus, link) = server(Options::default(), true);
    let guest = Guest::join(&link, &prosody.authority());
    guest.is_in(1);
    let hosts = guest.wait("the hosts", Duration::from_secs(5), |seen| match seen {
        Seen::Hosts(hosts) => Some(hosts.clone()),
        _ => None,
    });
    assert_eq!(hosts, [("localhost".to_owned(), Named::ByLink, true)]);
}

#[test]
fn p8_a_server_whose_certificate_comes_from_another_authority_is_not_joined() {
    needs!(PROSODY);
    let (prosody, _focus, link) = server(Options::default(), false);
    let other = Prosody::start(Options::default());
    let guest = Guest::join(&link, &other.authority());
    assert_eq!(guest.ends(), Failure::CertificateWrong);
    assert!(!prosody.log().contains("GET /config.js"), "the server was asked all the same");
}

#[test]
fn a_server_that_is_no_jitsi_or_says_too_much_or_nothing_is_told_from_one_that_can_be_joined() {
    needs!(PROSODY);
    let (prosody, _focus, link) = server(Options::default(), false);
    for (page, failure) in [
        (b"<!DOCTYPE html><html></html>".to_vec(), Failure::NotJitsi),
        (vec![b' '; (1 << 20) + 1], Failure::UnsupportedConfiguration),
        (
            b"var config = { hosts: { domain: 'meet.test' }, websocket: 'ws://localhost/x' };".to_vec(),
            Failure::Unencrypted,
        ),
    ] {
        prosody.page("config.js", &page);
        assert_eq!(Guest::join(&link, &prosody.authority()).ends(), failure);
    }
    // It takes the connection, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let start = Instant::now();
    let guest = Guest::join(&format!("https://localhost:{port}/Rose"), &prosody.authority());
    assert_eq!(guest.ends(), Failure::NotReachable);
    assert!((14.0..18.0).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
}

#[test]
fn a_room_without_its_host_is_joined_as_soon_as_it_is_opened() {
    needs!(PROSODY);
    for by_http in [false, true] {
        let (prosody, focus, link) = server(Options::default(), by_http);
        focus.answer(Answer::NotAuthorized);
        let guest = Guest::join(&link, &prosody.authority());
        guest.waits_for(Failure::WaitingForHost);
        focus.open(ROOM);
        guest.is_in(1);
    }
}

#[test]
fn a_password_is_asked_for_until_it_is_right() {
    needs!(PROSODY);
    let (prosody, focus, link) = server(Options::default(), false);
    focus.open(ROOM);
    focus.password(ROOM, Some("under the rose"));
    let guest = Guest::join(&link, &prosody.authority());
    guest.waits_for(Failure::PasswordWanted);
    guest.act(muc::Event::Password(Pii::new("under the table".to_owned())));
    guest.waits_for(Failure::PasswordWrong);
    assert_eq!(guest.count(|seen| matches!(seen, Seen::Muc(muc::Told::In(_)))), 0);
    guest.act(muc::Event::Password(Pii::new("under the rose".to_owned())));
    guest.is_in(1);
}

#[test]
fn a_full_room_a_kick_and_an_end_are_the_end() {
    needs!(PROSODY);
    let (prosody, focus, link) = server(Options { most: 2, ..Options::default() }, false);
    let _first = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    let second = Occupant::join(&prosody, ROOM, "bbbbbbbb", "Bob");
    let late = Guest::join(&link, &prosody.authority());
    assert_eq!(late.ends(), Failure::Full);
    second.leave();
    eventually("Bob has gone", Duration::from_secs(5), || (focus.people(ROOM).len() == 1).then_some(()));
    let guest = Guest::join(&link, &prosody.authority());
    focus.kick(ROOM, &nick(&guest, 1), "please leave");
    assert_eq!(guest.ends(), Failure::Kicked);
    let last = Guest::join(&link, &prosody.authority());
    last.is_in(1);
    focus.destroy(ROOM, "The meeting has been terminated");
    assert_eq!(last.ends(), Failure::Ended);
}

#[test]
fn p10_a_focus_that_leaves_is_asked_again_and_the_room_is_back() {
    needs!(PROSODY);
    let (prosody, focus, link) = server(Options::default(), false);
    let guest = Guest::join(&link, &prosody.authority());
    guest.is_in(1);
    focus.leave(ROOM);
    guest.is_in(2);
    assert_eq!(focus.requests().len(), 2);
    assert_eq!(guest.count(|seen| *seen == Seen::Muc(muc::Told::Out)), 1);
}

#[test]
fn people_and_lines_are_seen_and_a_line_is_said() {
    needs!(PROSODY);
    let (prosody, _focus, link) = server(Options::default(), false);
    let alice = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    let guest = Guest::join(&link, &prosody.authority());
    guest.is_in(1);
    let name = guest.wait("Alice", Duration::from_secs(5), |seen| match seen {
        Seen::Muc(muc::Told::Here(_, person)) => Some(person.name.clone()),
        _ => None,
    });
    assert_eq!(name.map(Pii::into_revealed).as_deref(), Some("Alice"));
    alice.say("hello");
    guest.wait("a line", Duration::from_secs(5), |seen| match seen {
        Seen::Muc(muc::Told::Said(Some(_), line)) => (line.reveal() == "hello").then_some(()),
        _ => None,
    });
    guest.act(muc::Event::Say(Pii::new("good morning".to_owned())));
    alice.client.wait("the room's line", |stanza| {
        stanza.children().any(|child| child.name() == "body" && child.text() == "good morning").then_some(())
    });
    alice.leave();
    guest.wait("Alice has gone", Duration::from_secs(5), |seen| {
        matches!(seen, Seen::Muc(muc::Told::Gone(_))).then_some(())
    });
}

#[test]
fn a_mute_by_the_focus_arrives_as_one() {
    needs!(PROSODY);
    let (prosody, focus, link) = server(Options::default(), false);
    let guest = Guest::join(&link, &prosody.authority());
    let place = guest.is_in(1);
    let answer = focus.mute(place.reveal(), "audio", true, Some("rose@muc.meet.test/aaaaaaaa"));
    assert_eq!(answer.attr("type"), Some("result"));
    guest.wait("the mute", Duration::from_secs(5), |seen| match seen {
        Seen::Asked(iq) => iq.0.get_child("mute", "http://jitsi.org/jitmeet/audio").map(|mute| mute.text() == "true"),
        _ => None,
    });
}

/// A message of a session as a client has heard (`in`) or said (`out`) it.
fn recorded(name: &str, direction: &str, action: &str) -> Element {
    let text = fs::read_to_string(tree().join("tests/recordings/jitsi").join(name)).unwrap();
    let frames = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut frames = frames.filter(|line| line["channel"] == "xmpp" && line["dir"] == direction);
    let found = frames.find_map(|line| {
        let stanza = frame::read(line["data"].as_str()?).ok()?;
        Jingle::inside(&stanza).filter(|jingle| jingle.attr("action") == Some(action)).cloned()
    });
    found.expect("a recorded message")
}

#[test]
fn what_the_focus_offers_comes_through_a_real_server_as_it_was_recorded() {
    needs!(PROSODY);
    let (prosody, focus, link) = server(Options::default(), false);
    let guest = Guest::join(&link, &prosody.authority());
    let place = guest.is_in(1);
    for (recording, action) in [
        ("01-two-clients/B.jsonl", "session-initiate"),
        ("13c-native-rsa-passive/N.jsonl", "session-initiate"),
        ("01-two-clients/B.jsonl", "source-add"),
    ] {
        let sent = recorded(recording, "in", action);
        let before = guest.count(|seen| matches!(seen, Seen::Asked(_)));
        assert_eq!(focus.jingle(place.reveal(), sent.clone()).attr("type"), Some("result"), "{recording}");
        let came = guest.seen().into_iter().filter_map(|seen| match seen {
            Seen::Asked(iq) => Some(iq.0),
            _ => None,
        });
        let came = came.into_iter().nth(before).expect("the message");
        assert_eq!(Jingle::read(Jingle::inside(&came).unwrap()), Jingle::read(&sent), "{recording}");
        assert!(Jingle::read(&sent).is_ok(), "{recording}");
    }
    // And what an occupant answers reaches the focus.
    let alice = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    let accept = recorded("01-two-clients/B.jsonl", "out", "session-accept");
    let answer = alice.client.ask(element::iq("set", &format!("{ROOM}/focus"), accept.clone()));
    assert_eq!(answer.attr("type"), Some("result"));
    let (from, came) = focus.took();
    assert_eq!((from, Jingle::read(&came)), (alice.place.clone(), Jingle::read(&accept)));
    assert!(Jingle::read(&accept).is_ok());
}
