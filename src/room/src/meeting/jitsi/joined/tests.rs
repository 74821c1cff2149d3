//! A meeting from the first stanza to the last, and in any order.

use std::time::{Duration, Instant};

use minidom::Element;
use proptest::prelude::*;
use subrosa_messages::media::{
    DescriptionKind, Kind, LinkFault, LinkId, LinkState, Mid, RoomToMedia, Size, Source, TrackId,
};
use subrosa_messages::{Capture, Pii};

use super::super::muc;
use super::*;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::hosts::{Hosts, Named};
use crate::screen::view::Phase;
use crate::signalling::jingle::session::stage as jingle;
use crate::signalling::recording::{self, Direction};
use crate::signalling::xmpp::asked::{NoResult, Question};
use crate::signalling::xmpp::{self, Jid, Stanza, Told, frame};

const ROOM: &str = "room15a@muc.meet.test";
const US: &str = jingle::US;

fn settings(leaves: bool) -> Settings {
    Settings {
        muc: muc::Settings {
            room: Jid::new(ROOM).unwrap(),
            name: Pii::new("Room 4".to_owned()),
            machine: Pii::new("m".to_owned()),
            http: false,
            focus: "focus.meet.test".to_owned(),
            capabilities: capabilities(true),
            seed: 7,
        },
        host: Pii::new("meet.test".to_owned()),
        leaves_when_recorded: leaves,
        screen: Size { width: 1920, height: 1080 },
        pictures: 6,
        links: 0,
    }
}

fn joined(leaves: bool) -> Joined {
    let mut hosts = Hosts::default();
    hosts.declare("meet.test", Named::ByLink);
    Joined::new(settings(leaves), hosts)
}

fn read(text: &str) -> Stanza {
    Stanza(frame::read(&text.replacen(' ', " xmlns='jabber:client' ", 1)).expect(text))
}

fn stanza(text: &str) -> Event {
    Event::Xmpp(Told::Stanza(read(text)))
}

fn here(nick: &str, more: &str) -> Event {
    let user = "xmlns='http://jabber.org/protocol/muc#user'";
    let own = if nick == US { "<status code='110'/>" } else { "" };
    stanza(&format!("<presence from='{ROOM}/{nick}'>{more}<x {user}>{own}</x></presence>"))
}

fn mute(from: &str, medium: &str, word: &str) -> Event {
    stanza(&format!(
        "<iq id='m' type='set' from='{from}'><mute xmlns='http://jitsi.org/jitmeet/{medium}'>{word}</mute></iq>"
    ))
}

fn focus_sends(jingle: &crate::signalling::jingle::Jingle) -> Event {
    let mut iq = frame::read(&format!("<iq xmlns='jabber:client' id='j' type='set' from='{ROOM}/focus'/>")).unwrap();
    iq.append_child(jingle.write());
    Event::Xmpp(Told::Stanza(Stanza(iq)))
}

/// Somebody with a microphone and a camera, both open.
fn other() -> Event {
    let sources = format!(
        "<SourceInfo>{{&quot;{0}-a0&quot;:{{&quot;muted&quot;:false}},&quot;{0}-v0&quot;:{{&quot;muted&quot;:false}}}}</SourceInfo>",
        jingle::OTHER
    );
    here(jingle::OTHER, &format!("{sources}<nick xmlns='http://jabber.org/protocol/nick'>Bob</nick>"))
}

/// The question in the actions, and what it asks.
fn question(actions: &[Action]) -> Vec<(Question, Element)> {
    let asks = actions.iter().filter_map(|action| match action {
        Action::Xmpp(xmpp::Event::Ask(question, stanza)) => Some((*question, stanza.0.clone())),
        _ => None,
    });
    asks.collect()
}

fn result(question: Question) -> Event {
    Event::Xmpp(Told::Answer(question, Ok(read("<iq type='result'/>"))))
}

fn online() -> Event {
    Event::Xmpp(Told::Online(Jid::new(&format!("{US}-0000@meet.test/r")).unwrap()))
}

/// In the room, with one other, before the focus offers anything.
fn entered(meeting: &mut Joined, now: Instant) {
    meeting.step(now, Event::MediaReady { h264: true });
    let asked = question(&meeting.step(now, online()));
    let answer = read("<iq ><conference xmlns='http://jitsi.org/protocol/focus' ready='true'/></iq>");
    meeting.step(now, Event::Xmpp(Told::Answer(asked[0].0, Ok(answer))));
    meeting.step(now, other());
    meeting.step(now, here("focus", ""));
    meeting.step(now, here(US, ""));
}

/// In a call: offered, answered, accepted, verified, the data channel open.
fn in_call(meeting: &mut Joined, now: Instant) -> Vec<Action> {
    entered(meeting, now);
    let offered = meeting.step(now, focus_sends(&jingle::initiate("s")));
    let (link, sdp) = offer(&offered);
    let answered = meeting.step(now, Event::Answered { link, sdp: Pii::new(jingle::answer(&sdp, 9)) });
    let accept = question(&answered);
    assert_eq!(accept.len(), 1, "{answered:?}");
    meeting.step(now, result(accept[0].0));
    meeting.step(now, Event::Link { link, state: LinkState::Verified });
    let mut done = meeting.step(now, Event::Channel { link, open: true });
    let added = meeting.step(now, focus_sends(&jingle::sources(crate::signalling::jingle::Action::SourceAdd, "s")));
    let (link, sdp) = offer(&added);
    done.extend(added);
    done.extend(meeting.step(now, Event::Answered { link, sdp: Pii::new(jingle::answer(&sdp, 9)) }));
    done
}

fn offer(actions: &[Action]) -> (LinkId, String) {
    let found = actions.iter().find_map(|action| match action {
        Action::Media(RoomToMedia::Description { link, kind: DescriptionKind::Offer, sdp, .. }) => {
            Some((*link, sdp.reveal().clone()))
        }
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no description in {actions:?}"))
}

fn told_the_bridge(actions: &[Action]) -> Vec<serde_json::Value> {
    let texts = actions.iter().filter_map(|action| match action {
        Action::Data(_, text) => Some(serde_json::from_str(text.reveal()).unwrap()),
        _ => None,
    });
    texts.collect()
}

fn bridge_says(meeting: &mut Joined, now: Instant, json: &str) -> Vec<Action> {
    meeting.step(now, Event::Data(LinkId(1), Pii::new(json.to_owned())))
}

fn last_presence(actions: &[Action]) -> Option<String> {
    let mut sent = actions.iter().filter_map(|action| match action {
        Action::Xmpp(xmpp::Event::Send(stanza)) if stanza.0.name() == "presence" => Some(&stanza.0),
        _ => None,
    });
    sent.next_back()?.children().find(|child| child.name() == "SourceInfo").map(Element::text)
}

#[test]
fn from_the_link_to_a_picture_on_the_screen() {
    let (mut meeting, now) = (joined(true), Instant::now());
    let done = in_call(&mut meeting, now);
    let (link, sdp) = offer(&done);
    assert!(meeting.is_connected() && meeting.over().is_none());
    // The room's own picture and sound leave only because the guard lets them out; the line is there for them.
    let asked = told_the_bridge(&done);
    let constraints: Vec<_> = asked.iter().filter(|json| json["colibriClass"] == "ReceiverVideoConstraints").collect();
    let newest = constraints.last().expect("what the screen shows is asked for");
    // Its place is 778 pixels high: a fifth more than 720 would do, too.
    assert_eq!(newest["constraints"][format!("{}-v0", jingle::OTHER)]["maxHeight"], 720, "{newest}");
    let picture = |meeting: &Joined| {
        let Phase::Joined { meeting, .. } = meeting.phase(true) else { panic!() };
        assert_eq!((meeting.stage.len(), meeting.others.len()), (1, 1));
        assert!(meeting.others.iter().all(|one| !one.muted && one.connected));
        meeting.stage[0].clone()
    };
    assert_eq!((picture(&meeting).picture, meeting.heard().len()), (None, 0));
    for mid in sdp.lines().filter_map(|line| line.strip_prefix("a=mid:")) {
        meeting.step(now, Event::Track(TrackId { link, mid: Mid(mid.to_owned()) }, Kind::Video));
    }
    let track = picture(&meeting).picture.expect("something has come");
    assert_eq!((picture(&meeting).moving, meeting.heard().len()), (false, 1));
    meeting.step(now, Event::Picture(track, true));
    assert!(picture(&meeting).moving);
}

#[test]
fn p2_a_mute_closes_an_unmute_opens_nothing_and_what_a_hand_opens_is_told_to_the_focus() {
    let (mut meeting, now) = (joined(true), Instant::now());
    in_call(&mut meeting, now);
    let opened = meeting.step(now, Event::Sends(Sends { picture: true, sound: true }));
    assert_eq!(last_presence(&opened).unwrap().matches("false").count(), 2);
    let focus = format!("{ROOM}/focus");
    for (from, medium, word, closes) in [
        (focus.as_str(), "audio", "true", Some(Capture::Microphone)),
        (focus.as_str(), "video", "true", Some(Capture::Camera)),
        (focus.as_str(), "audio", "false", None),
        (&format!("{ROOM}/{}", jingle::OTHER), "audio", "true", None),
    ] {
        let done = meeting.step(now, mute(from, medium, word));
        let closed =
            done.iter().find_map(|action| if let Action::Mute(capture) = action { Some(*capture) } else { None });
        assert_eq!(closed, closes, "{from} {medium} {word}");
        assert!(question(&done).is_empty());
    }
    let closed = meeting.step(now, Event::Sends(Sends::default()));
    assert_eq!(last_presence(&closed).unwrap().matches("true").count(), 2);
    let by_hand = meeting.step(now, Event::Sends(Sends { picture: false, sound: true }));
    let asked = question(&by_hand);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1.children().next().unwrap().text(), "false");
    // While speaking is by permission the focus says no: what nobody hears is closed again.
    let no = Event::Xmpp(Told::Answer(asked[0].0, Err(NoResult::Refused("not-allowed".to_owned()))));
    let closed = meeting.step(now, no);
    assert!(closed.iter().any(|action| matches!(action, Action::Mute(Capture::Microphone))), "{closed:?}");
    meeting.step(now, Event::Sends(Sends::default()));
    let asked = question(&meeting.step(now, Event::Sends(Sends { picture: false, sound: true })));
    meeting.step(now, result(asked[0].0));
    // Once is enough.
    meeting.step(now, Event::Sends(Sends::default()));
    assert!(question(&meeting.step(now, Event::Sends(Sends { picture: false, sound: true }))).is_empty());
}

#[test]
fn nobody_who_watches_rests_the_encoder_and_a_height_is_handed_on() {
    let (mut meeting, now) = (joined(true), Instant::now());
    in_call(&mut meeting, now);
    let wish = |height: i64| {
        format!(r#"{{"colibriClass":"SenderSourceConstraints","sourceName":"{US}-v0","maxHeight":{height}}}"#)
    };
    let sent = |actions: &[Action]| {
        let mut sources = actions.iter().filter_map(|action| match action {
            Action::Media(RoomToMedia::Send { source, .. }) => Some(source.clone()),
            _ => None,
        });
        sources.next_back()
    };
    assert_eq!(sent(&bridge_says(&mut meeting, now, &wish(0))), Some(Source::Nothing));
    let wanted = bridge_says(&mut meeting, now, &wish(360));
    assert_eq!(sent(&wanted), Some(Source::RoomVideo));
    assert!(
        wanted.iter().any(|action| {
            matches!(action, Action::Media(RoomToMedia::Limit { link: LinkId(1), height: Some(360) }))
        })
    );
}

#[test]
fn p10_a_bridge_that_is_silent_to_who_speaks_is_given_up_after_a_while() {
    let silent = Event::Link { link: LinkId(1), state: LinkState::Silent };
    let restarts = |meeting: &mut Joined, now: Instant| {
        let asked = question(&meeting.step(now, Event::Tick));
        asked.iter().any(|(_, iq)| iq.children().any(|child| child.attr("action") == Some("session-terminate")))
    };
    let (mut meeting, now) = (joined(true), Instant::now());
    in_call(&mut meeting, now);
    let later = now + Duration::from_secs(60);
    meeting.step(now, Event::Sends(Sends::default()));
    meeting.step(now, silent.clone());
    assert!(!restarts(&mut meeting, later), "who sends nothing may be told nothing");
    meeting.step(later, Event::Sends(Sends { picture: false, sound: true }));
    meeting.step(later, silent.clone());
    meeting.step(later, Event::Link { link: LinkId(1), state: LinkState::Verified });
    assert!(!restarts(&mut meeting, later + Duration::from_secs(60)), "it was heard again");
    let now = later + Duration::from_secs(60);
    meeting.step(now, silent);
    assert!(!restarts(&mut meeting, now + Duration::from_secs(14)));
    // A restart is asked for two seconds after the session is given up.
    assert!(!restarts(&mut meeting, now + Duration::from_secs(15)));
    assert!(restarts(&mut meeting, now + Duration::from_secs(18)));
}

#[test]
fn a_recording_is_left_or_told_as_the_operators_rule_says() {
    let records = "<jibri-recording-status xmlns='http://jitsi.org/protocol/jibri' status='on'/>";
    for leaves in [true, false] {
        let (mut meeting, now) = (joined(leaves), Instant::now());
        in_call(&mut meeting, now);
        let done = meeting.step(now, here("focus", records));
        let over = done.iter().any(|action| matches!(action, Action::Over(Failure::RecordingPolicy)));
        assert_eq!(over, leaves);
        let closes = done.iter().any(|action| matches!(action, Action::Media(RoomToMedia::CloseLink { .. })));
        assert_eq!(closes, leaves, "{done:?}");
        if !leaves {
            let Phase::Joined { meeting: view, .. } = meeting.phase(true) else { panic!() };
            assert!(view.records);
        }
    }
}

#[test]
fn p8_a_bridge_with_another_key_is_left_at_once() {
    let (mut meeting, now) = (joined(true), Instant::now());
    entered(&mut meeting, now);
    meeting.step(now, focus_sends(&jingle::initiate("s")));
    let done = meeting.step(now, Event::Link { link: LinkId(1), state: LinkState::Failed(LinkFault::Fingerprint) });
    assert!(done.iter().any(|action| matches!(action, Action::Over(Failure::BridgeNotGenuine))), "{done:?}");
    assert!(meeting.step(now, focus_sends(&jingle::initiate("t"))).is_empty());
}

#[test]
fn p5_the_bridge_is_declared_before_media_may_reach_it() {
    let (mut meeting, now) = (joined(true), Instant::now());
    entered(&mut meeting, now);
    assert_eq!(meeting.hosts().declared().len(), 1);
    meeting.step(now, focus_sends(&jingle::initiate("s")));
    let bridges = meeting.hosts().declared().iter().filter(|host| host.named == Named::AsBridge && host.seen);
    assert!(bridges.count() > 0);
}

#[test]
fn after_the_end_nothing_is_said_and_the_session_is_closed_once() {
    let (mut meeting, now) = (joined(true), Instant::now());
    in_call(&mut meeting, now);
    let done = meeting.step(now, Event::Leave);
    let stops = done.iter().filter(|action| matches!(action, Action::Xmpp(xmpp::Event::Stop))).count();
    assert_eq!(stops, 1);
    assert!(done.iter().any(|action| matches!(action, Action::Media(RoomToMedia::CloseLink { .. }))), "{done:?}");
    assert!(meeting.step(now, Event::Leave).is_empty() && meeting.step(now, other()).is_empty());
    assert_eq!(meeting.deadline(), None);
}

#[test]
fn lines_of_the_chat_are_forgotten() {
    let (mut meeting, now) = (joined(true), Instant::now());
    entered(&mut meeting, now);
    let line = |text: &str| {
        stanza(&format!("<message from='{ROOM}/{}' type='groupchat'><body>{text}</body></message>", jingle::OTHER))
    };
    for number in 0..6 {
        meeting.step(now, line(&number.to_string()));
    }
    let lines = |meeting: &Joined| match meeting.phase(true) {
        Phase::Joined { meeting, .. } => meeting.lines.len(),
        _ => 0,
    };
    assert_eq!(lines(&meeting), 4);
    let later = meeting.deadline().unwrap().max(now + Duration::from_secs(31));
    meeting.step(later, Event::Tick);
    assert_eq!(lines(&meeting), 0);
}

/// Every stanza that a recorded server sent, after the room has joined, whatever it is about.
fn recorded() -> Vec<Stanza> {
    let names = [
        "01-two-clients/B",
        "02-three-clients-screenshare/A",
        "05-moderation/B",
        "06b-ice-failed/A",
        "15a-native-sctp-vp8/N",
    ];
    let frames = names.iter().flat_map(|name| {
        let recording = recording::read(name);
        let stanzas: Vec<Stanza> =
            recording.of("xmpp", Direction::In).filter_map(|line| frame::read(&line.data).ok()).map(Stanza).collect();
        stanzas
    });
    frames.filter(|stanza| matches!(stanza.0.name(), "iq" | "message" | "presence")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Any stanzas of any recordings, any words of media, any clock: nothing panics, nothing but the room is spoken to, after the end nothing is
    /// said, links are closed that were opened, and what media is told to send is the room's own or nothing.
    #[test]
    fn p2_p5_in_any_order_the_meeting_stays_within_its_bounds(
        order in prop::collection::vec((0_usize..2000, 0_usize..12, 0_u64..20), 0..120), leaves: bool,
    ) {
        thread_local!(static STANZAS: Vec<Stanza> = recorded());
        let stanzas = STANZAS.with(Clone::clone);
        let (mut meeting, mut now) = (joined(leaves), Instant::now());
        entered(&mut meeting, now);
        let mut open = std::collections::BTreeSet::new();
        let mut ended = false;
        for (place, kind, seconds) in order {
            now += Duration::from_secs(seconds);
            let link = LinkId(u64::try_from(place % 3).unwrap() + 1);
            let event = match kind {
                0 => Event::Link { link, state: LinkState::Verified },
                1 => Event::Link { link, state: LinkState::Failed(LinkFault::Path) },
                2 => Event::Channel { link, open: place % 2 == 0 },
                3 => Event::MediaLost,
                4 => Event::MediaReady { h264: place % 2 == 0 },
                5 => Event::Answered { link, sdp: Pii::new("v=0\r\n".to_owned()) },
                6 => Event::Tick,
                7 => Event::Sends(Sends { picture: place % 2 == 0, sound: place % 3 == 0 }),
                8 if place % 50 == 0 => Event::Leave,
                _ => match stanzas.get(place % stanzas.len()) {
                    Some(stanza) => Event::Xmpp(Told::Stanza(rewritten(stanza))),
                    None => Event::Tick,
                },
            };
            if let Event::MediaLost = event {
                open.clear();
            }
            for action in meeting.step(now, event) {
                prop_assert!(!ended, "{:?}", action);
                match action {
                    Action::Media(RoomToMedia::OpenLink { link, .. }) => prop_assert!(open.insert(link)),
                    Action::Media(RoomToMedia::CloseLink { link }) => drop(open.remove(&link)),
                    Action::Media(RoomToMedia::Send { source, .. }) => {
                        prop_assert!(matches!(source, Source::RoomAudio | Source::RoomVideo | Source::Nothing));
                    }
                    Action::Xmpp(xmpp::Event::Send(stanza)) if stanza.0.name() != "iq" => {
                        prop_assert!(stanza.0.attr("to").is_some_and(|to| to.starts_with(ROOM)));
                    }
                    Action::Over(_) | Action::Media(_) | Action::Xmpp(_) | Action::Post(_) | Action::Bridge(..)
                    | Action::Data(..) | Action::Mute(_) => {}
                }
            }
            ended = meeting.deadline().is_none() && (meeting.over().is_some() || matches!(kind, 8) && place % 50 == 0);
            prop_assert!(open.len() <= 1, "{:?}", open);
            if ended {
                prop_assert!(open.is_empty(), "{:?}", open);
            }
        }
    }
}

/// The stanza as if it were of this room.
fn rewritten(stanza: &Stanza) -> Stanza {
    let text = frame::write(&stanza.0);
    let Some((_, rest)) = text.split_once("from=\"").or_else(|| text.split_once("from='")) else {
        return stanza.clone();
    };
    let Some((room, _)) = rest.split_once(['/', '"', '\'']) else { return stanza.clone() };
    if !room.contains("@muc.") {
        return stanza.clone();
    }
    frame::read(&text.replace(room, ROOM)).map_or_else(|_| stanza.clone(), Stanza)
}
