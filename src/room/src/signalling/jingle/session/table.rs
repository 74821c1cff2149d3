//! Every situation of a session × everything that can happen: `table.txt`.

use std::fmt::Write;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::media::{DescriptionKind, Kind, LinkFault, LinkId, LinkState, RoomToMedia, Source};

use super::super::description::ability::Ability;
use super::super::source::SourceName;
use super::super::stanza::Action as Word;
use super::super::transport::Transport;
use super::event::{Action, Event, Peer, Reply, Request, Way};
use super::machine::Session;
use super::stage::{OTHER, answered, asked, bare, endpoint, focus, initiate, list, number, session, sources};
use crate::signalling::jingle::JingleError;

/// A session, when it is, the number of its last IQ, its link.
struct Situation {
    session: Session,
    now: Instant,
    asked: u64,
}

fn play(events: &[fn(&[Action]) -> Event]) -> Situation {
    let now = Instant::now();
    let mut situation = Situation { session: session(now), now, asked: 0 };
    let mut last = Vec::new();
    for event in events {
        // Media answers the newest description, also where other things have been said since.
        let actions = situation.session.step(now, event(&last));
        situation.asked = number(&actions).unwrap_or(situation.asked);
        last.extend(actions);
    }
    situation
}

fn offered(_: &[Action]) -> Event {
    focus(initiate("s1"))
}

fn media_answers(last: &[Action]) -> Event {
    answered(last, 5000 + u32::try_from(last.len()).unwrap())
}

fn media_answers_the_same(last: &[Action]) -> Event {
    answered(last, 5000)
}

fn taken(last: &[Action]) -> Event {
    Event::Replied(number(last).unwrap_or(0), Reply::Taken)
}

fn added(_: &[Action]) -> Event {
    focus(sources(Word::SourceAdd, "s1"))
}

fn removed(_: &[Action]) -> Event {
    focus(sources(Word::SourceRemove, "s1"))
}

fn path_lost(_: &[Action]) -> Event {
    Event::Link { link: LinkId(1), state: LinkState::Failed(LinkFault::Path) }
}

fn situations() -> Vec<(&'static str, Situation)> {
    let lost = |_: &[Action]| Event::MediaLost;
    let verified = |_: &[Action]| Event::Link { link: LinkId(1), state: LinkState::Verified };
    let other = |_: &[Action]| Event::Link { link: LinkId(1), state: LinkState::Failed(LinkFault::Fingerprint) };
    vec![
        ("none", play(&[])),
        ("held", play(&[lost, offered])),
        ("opening", play(&[offered])),
        ("opening, sources came", play(&[offered, added])),
        ("accepting", play(&[offered, media_answers_the_same])),
        ("active", play(&[offered, media_answers_the_same, taken, verified])),
        ("negotiating", play(&[offered, media_answers_the_same, taken, verified, added])),
        ("negotiating, changed", play(&[offered, media_answers_the_same, taken, verified, added, removed])),
        ("two streams", play(&[offered, media_answers_the_same, taken, verified, added, media_answers_the_same])),
        (
            "cannot be decoded",
            play(&[offered, media_answers_the_same, taken, verified, |_| {
                Event::Codecs(endpoint(OTHER), list("vp9,vp8"))
            }]),
        ),
        ("own source going", play(&[offered, media_answers, taken, verified, added, media_answers])),
        ("own source coming", play(&[offered, media_answers, taken, verified, added, media_answers, taken])),
        ("broken", play(&[offered, media_answers_the_same, taken, path_lost])),
        ("restarting", {
            let mut situation = play(&[offered, media_answers_the_same, taken, path_lost]);
            situation.now += Duration::from_secs(2);
            let actions = situation.session.step(situation.now, Event::Tick);
            situation.asked = number(&actions).unwrap();
            situation
        }),
        ("refused", play(&[offered, media_answers_the_same, taken, other])),
    ]
}

fn events(asked_number: u64) -> Vec<(&'static str, Duration, Event)> {
    let now = |name, event| (name, Duration::ZERO, event);
    let later = |name, seconds| (name, Duration::from_secs(seconds), Event::Tick);
    let link = |state| Event::Link { link: LinkId(1), state };
    let someone = || Peer::Occupant(Pii::new("room@muc.example.org/55cc5571".into()));
    let mut broken = initiate("s2");
    broken.contents.iter_mut().for_each(|content| content.transport = Some(Transport::default()));
    let reply = |reply| Event::Replied(asked_number, reply);
    vec![
        now("initiate", focus(initiate("s2"))),
        now("same initiate", focus(initiate("s1"))),
        now("useless initiate", focus(broken)),
        now("unreadable", Event::Asked(Request { from: Peer::Focus, id: "q".into() }, Err(JingleError::Action))),
        now("source-add", focus(sources(Word::SourceAdd, "s1"))),
        now("source-remove", focus(sources(Word::SourceRemove, "s1"))),
        now("source-add elsewhere", focus(sources(Word::SourceAdd, "s9"))),
        now("transport-info", focus(bare(Word::TransportInfo, "s1"))),
        now("session-info", focus(bare(Word::SessionInfo, "s1"))),
        now("content-modify", focus(bare(Word::ContentModify, "s1"))),
        now("transport-replace", focus(bare(Word::TransportReplace, "s1"))),
        now("unused", focus(bare(Word::Unused, "s1"))),
        now("session-accept", focus(bare(Word::SessionAccept, "s1"))),
        now("terminate", focus(bare(Word::SessionTerminate, "s1"))),
        now("terminate elsewhere", focus(bare(Word::SessionTerminate, "s9"))),
        now("p2p initiate", asked(someone(), initiate("p1"))),
        now("p2p terminate", asked(someone(), bare(Word::SessionTerminate, "s1"))),
        now("taken", reply(Reply::Taken)),
        now("refused", reply(Reply::Refused)),
        now("rate limited", reply(Reply::RateLimited)),
        now("no reply", reply(Reply::Silence)),
        now("other reply", Event::Replied(999, Reply::Refused)),
        now("useless answer", Event::Answered { link: LinkId(1), sdp: Pii::new("v=0\r\n".into()) }),
        now("other link's answer", Event::Answered { link: LinkId(77), sdp: Pii::new("v=0\r\n".into()) }),
        now("connecting", link(LinkState::Connecting)),
        now("verified", link(LinkState::Verified)),
        now("silent", link(LinkState::Silent)),
        now("closed", link(LinkState::Closed)),
        now("path lost", link(LinkState::Failed(LinkFault::Path))),
        now("description failed", link(LinkState::Failed(LinkFault::Description))),
        now("pipeline failed", link(LinkState::Failed(LinkFault::Pipeline))),
        now("other certificate", link(LinkState::Failed(LinkFault::Fingerprint))),
        now("other link failed", Event::Link { link: LinkId(77), state: LinkState::Failed(LinkFault::Path) }),
        now("channel lost", Event::ChannelLost),
        now("media ready", Event::MediaReady(Ability { h264: true })),
        now("media lost", Event::MediaLost),
        now("somebody without h264", Event::Codecs(endpoint(OTHER), list("vp9,vp8"))),
        now("somebody with h264", Event::Codecs(endpoint(OTHER), list("h264"))),
        now("somebody left", Event::Left(endpoint(OTHER))),
        now("wanted", Event::Wanted(vec![SourceName::of(&endpoint(OTHER), Kind::Video, 0)])),
        now("unwatched", Event::Watched(false)),
        now("ended", Event::Ended),
        later("after 2 s", 2),
        later("after 10 s", 10),
        later("after 30 s", 30),
        later("after 60 s", 60),
    ]
}

/// In words; a new action does not compile without a word here.
pub fn word(action: &Action) -> String {
    match action {
        Action::Acknowledge(_) => "ack".to_owned(),
        Action::Refuse(_, refusal) => format!("refuse {refusal:?}"),
        Action::Ask(to, _, jingle) => {
            let to = if *to == Peer::Focus { "focus" } else { "occupant" };
            let reason = jingle.reason.as_ref().map(|reason| format!(" {}", reason.condition.as_str()));
            let restart = jingle.bridge_session.as_ref().map(|session| if session.restart { " restart" } else { "" });
            format!("{} to {to}{}{}", jingle.action.as_str(), reason.unwrap_or_default(), restart.unwrap_or_default())
        }
        Action::Channel(Way::DataChannel(link)) => format!("data channel {}", link.0),
        Action::Channel(Way::WebSocket(addresses)) => format!("{} web socket(s)", addresses.len()),
        Action::Channel(Way::None) => "no channel".to_owned(),
        Action::Streams => "streams".to_owned(),
        Action::StartMuted(_) => "start muted".to_owned(),
        Action::Rejoin => "rejoin".to_owned(),
        Action::Fault(fault) => format!("fault: {fault:?}"),
        Action::Media(message) => match message {
            RoomToMedia::OpenLink { link, side: DescriptionKind::Answer, data_channels, .. } => {
                format!("open {}{}", link.0, if data_channels.is_empty() { "" } else { " with data" })
            }
            RoomToMedia::CloseLink { link } => format!("close {}", link.0),
            RoomToMedia::Send { link, mid, source: Source::Nothing } => format!("send nothing {} {}", link.0, mid.0),
            RoomToMedia::Send { link, mid, .. } => format!("send {} {}", link.0, mid.0),
            RoomToMedia::Description { link, kind: DescriptionKind::Offer, sdp, candidates: true } => {
                format!("describe {} ({} lines)", link.0, sdp.reveal().matches("m=").count())
            }
            other => panic!("the session does not say {other:?} to media"),
        },
    }
}

fn table() -> String {
    let mut text = String::new();
    for (situation, _) in situations() {
        writeln!(text, "{situation}").unwrap();
        for index in 0..events(0).len() {
            let (_, mut stage) = situations().into_iter().find(|(name, _)| *name == situation).unwrap();
            let (name, wait, event) = events(stage.asked).remove(index);
            let (then, before) = (stage.now + wait, stage.session.deadline());
            let mut actions: Vec<String> = stage.session.step(then, event).iter().map(word).collect();
            // What is forgotten in silence shows by what is no longer due.
            match stage.session.deadline() {
                after if after == before => {}
                Some(due) => actions.push(format!("due in {} s", due.saturating_duration_since(then).as_secs())),
                None => actions.push("nothing due".to_owned()),
            }
            if !actions.is_empty() {
                writeln!(text, "    {name:22}{}", actions.join(", ")).unwrap();
            }
        }
    }
    text
}

#[test]
fn every_situation_answers_every_event_as_written() {
    let found = table();
    let written = include_str!("table.txt");
    let differs = found.lines().zip(written.lines()).position(|(found, written)| found != written);
    assert!(found == written, "table.txt differs from line {differs:?} on; the whole table is now\n{found}");
}
