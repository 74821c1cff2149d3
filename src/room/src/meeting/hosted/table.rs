//! The whole table of situation × event, one guest's life from knock to end. What is done in each cell stands in
//! `table.txt`; the rows that are left out there do nothing.

use std::fmt::Write;
use std::time::{Duration, Instant};

use subrosa_messages::guard::Refusal;
use subrosa_messages::media::{DescriptionKind, Kind, LinkFault, LinkId, LinkState, Mid, RoomToMedia, Source};
use subrosa_messages::{Capture, Pii};

use super::stage::{act, answer, data, knock, phone, sdp, session, track, wishes, woken};
use super::{Action, Event, Facts, Hosted, Rules};
use crate::meeting::guest::{GuestEvent, GuestId};
use crate::meeting::role::{Role, Roles};
use crate::meeting::wish::{Layout, Wish};
use crate::status::BackgroundWord;

type Stage = (Hosted, Instant);

/// Every situation that one guest can be in, by its name.
fn situations() -> Vec<(&'static str, Stage)> {
    let now = Instant::now();
    let start = || Hosted::new(Rules { room: "Room".to_owned(), max_guests: 1, relay: false, roles: Roles::default() });
    let play = |events: Vec<Event>| {
        let mut hosted = start();
        for event in events {
            hosted.step(now, event);
        }
        (hosted, now)
    };
    let link = |state| Event::Link { link: LinkId(1), state };
    let offered = || Event::Offered { link: LinkId(1), sdp: sdp() };
    let listening = || vec![woken(), Event::MediaReady, knock("a", "123456"), Event::Listens(session("a"))];
    let and = |mut before: Vec<Event>, after: Vec<Event>| {
        before.extend(after);
        before
    };
    let in_call = || and(listening(), vec![offered(), Event::Pressed(act()), answer("a", 1)]);
    let verified = || and(in_call(), vec![link(LinkState::Verified)]);
    vec![
        ("asleep", play(vec![Event::MediaReady])),
        ("nobody", play(vec![woken(), Event::MediaReady])),
        ("knocked", play(vec![woken(), Event::MediaReady, knock("a", "123456")])),
        ("waits, no media", play(vec![woken(), knock("a", "123456"), Event::Listens(session("a"))])),
        ("waits, opening", play(listening())),
        ("waits, prepared", play(and(listening(), vec![offered()]))),
        ("waits, deaf", play(and(listening(), vec![offered(), Event::StreamGone(session("a"))]))),
        ("in, deaf", play(vec![woken(), Event::MediaReady, knock("a", "123456"), Event::Pressed(act())])),
        ("in, opening", play(and(listening(), vec![Event::Pressed(act())]))),
        ("in, offered", play(and(listening(), vec![offered(), Event::Pressed(act())]))),
        ("in, answered", play(in_call())),
        ("in, verified", play(verified())),
        ("in, silent", play(and(verified(), vec![link(LinkState::Silent)]))),
        ("in, link failed", play(and(verified(), vec![link(LinkState::Failed(LinkFault::Path))]))),
        ("in, no media", play(and(verified(), vec![Event::MediaLost]))),
        ("in, stream gone", play(and(verified(), vec![Event::StreamGone(session("a"))]))),
    ]
}

/// Every event, by its name; the guest is `a`, the newest link of theirs is `link`.
fn events(link: u64) -> Vec<(&'static str, Duration, Event)> {
    let link_is = |state| Event::Link { link: LinkId(link), state };
    let at_once = |name, event| (name, Duration::ZERO, event);
    let later = |name, seconds| (name, Duration::from_secs(seconds), Event::Tick);
    vec![
        at_once("woken", woken()),
        at_once("pressed", Event::Pressed(act())),
        at_once("slept", Event::Slept),
        at_once("knock", knock("b", "123456")),
        at_once("wrong knock", knock("b", "654321")),
        at_once("listens", Event::Listens(session("a"))),
        at_once("stranger listens", Event::Listens(session("b"))),
        at_once("stream gone", Event::StreamGone(session("a"))),
        at_once("answers", answer("a", link)),
        at_once("answers another", answer("a", 99)),
        at_once("stranger answers", answer("b", link)),
        at_once("leaves", Event::Left(session("a"))),
        at_once("stranger leaves", Event::Left(session("b"))),
        at_once("admitted", phone(Wish::Admit { guest: GuestId(1) })),
        at_once("all admitted", phone(Wish::AdmitAll)),
        at_once("denied", phone(Wish::Deny { guest: GuestId(1) })),
        at_once("removed", phone(Wish::Remove { guest: GuestId(1) })),
        at_once("muted", phone(Wish::Mute { guest: GuestId(1) })),
        at_once("made moderator", phone(Wish::Role { guest: GuestId(1), role: Role::Moderator })),
        at_once("message", phone(Wish::Message { text: Pii::new("Soon".to_owned()) })),
        at_once("locked", phone(Wish::Lock { on: true })),
        at_once("arranged", phone(Wish::Arrange { layout: Layout::Speaker })),
        at_once("share stopped", phone(Wish::StopPresenting)),
        at_once("ended", phone(Wish::End)),
        at_once("asks to open", phone(Wish::Ask { capture: Capture::Microphone })),
        at_once("presents", wishes("a", Wish::Present { on: true })),
        at_once("says its state", wishes("a", Wish::State { microphone: true, camera: true, hand: true, mutes: 0 })),
        at_once("wants to lock", wishes("a", Wish::Lock { on: true })),
        at_once("stranger wishes", wishes("b", Wish::Present { on: true })),
        at_once("writes", data(link, "chat", "hello")),
        at_once("types", data(link, "text", "h")),
        at_once("writes elsewhere", data(link, "nowhere", "hello")),
        at_once("loud", Event::Loudness(track(link, "guest-audio"), 10)),
        at_once("media ready", Event::MediaReady),
        at_once("media lost", Event::MediaLost),
        at_once("offer", Event::Offered { link: LinkId(link), sdp: sdp() }),
        at_once("offer of another", Event::Offered { link: LinkId(99), sdp: sdp() }),
        at_once("connecting", link_is(LinkState::Connecting)),
        at_once("verified", link_is(LinkState::Verified)),
        at_once("silent", link_is(LinkState::Silent)),
        at_once("failed", link_is(LinkState::Failed(LinkFault::Pipeline))),
        at_once("closed", link_is(LinkState::Closed)),
        at_once("another failed", Event::Link { link: LinkId(99), state: LinkState::Failed(LinkFault::Path) }),
        at_once("track", Event::Track(track(link, "guest-video"), Kind::Video)),
        at_once("picture", Event::Picture(track(link, "guest-video"), true)),
        at_once("screen", Event::Track(track(link, "guest-screen"), Kind::Video)),
        at_once("paused", Event::Paused(LinkId(link), Mid("room-video".to_owned()), true)),
        at_once(
            "facts",
            Event::Facts(Facts {
                camera_live: false,
                microphone_live: false,
                checked: true,
                background_hidden: true,
                background: BackgroundWord::Hidden,
            }),
        ),
        later("after 1 s", 1),
        later("after 5 s", 5),
        later("after 15 s", 15),
        later("after 30 s", 30),
        later("after 60 s", 60),
    ]
}

/// In words; a new action or event of the wire does not compile without a word here.
fn word(action: &Action) -> String {
    match action {
        Action::Reply(Ok(_)) => "reply welcome".to_owned(),
        Action::Reply(Err(refusal)) => format!("reply {refusal:?}"),
        Action::Attach(Some(_)) => "attach".to_owned(),
        Action::Attach(None) => "attach nobody".to_owned(),
        Action::Detach(_) => "detach".to_owned(),
        Action::Forget => "forget".to_owned(),
        Action::Granted(Ok(())) => "granted".to_owned(),
        Action::Granted(Err(refusal)) => format!("refused {refusal:?}"),
        Action::Data { link, channel, .. } => format!("data {} {channel}", link.0),
        Action::Sleep => "sleep".to_owned(),
        Action::Tell(_, event) => match event {
            GuestEvent::Waiting { message: None } => "tell waiting".to_owned(),
            GuestEvent::Waiting { message: Some(_) } => "tell waiting with a message".to_owned(),
            GuestEvent::Admitted => "tell admitted".to_owned(),
            GuestEvent::Offer { link, .. } => format!("tell offer {}", link.0),
            GuestEvent::Connected => "tell connected".to_owned(),
            GuestEvent::Reconnecting => "tell reconnecting".to_owned(),
            GuestEvent::Picture { mid, paused } => format!("tell picture {mid} paused={paused}"),
            GuestEvent::Muted => "tell muted".to_owned(),
            GuestEvent::Present { on } => format!("tell present {on}"),
            GuestEvent::Room(view) => format!("tell room {:?}", view.encryption),
            GuestEvent::Ended { reason } => format!("tell ended {reason:?}"),
        },
        Action::Media(message) => match message {
            RoomToMedia::OpenLink { link, .. } => format!("open {}", link.0),
            RoomToMedia::CloseLink { link } => format!("close {}", link.0),
            RoomToMedia::Send { link, mid, source } => {
                let ends = if *source == Source::Nothing { "not " } else { "" };
                format!("{ends}send {} {}", link.0, mid.0)
            }
            RoomToMedia::Prefer { link, .. } => format!("prefer {}", link.0),
            RoomToMedia::Description { link, kind: DescriptionKind::Answer, candidates: false, .. } => {
                format!("answer {}", link.0)
            }
            other => panic!("the meeting does not say {other:?} to media"),
        },
    }
}

fn table() -> String {
    let mut text = String::new();
    for (situation, _) in situations() {
        writeln!(text, "{situation}").unwrap();
        for index in 0..events(0).len() {
            let (_, (mut hosted, start)) = situations().into_iter().find(|(name, _)| *name == situation).unwrap();
            let link = hosted.links_of_guests().first().and_then(|link| *link).map_or(77, |link| link.0);
            let (name, wait, event) = events(link).remove(index);
            let actions: Vec<String> = hosted.step(start + wait, event).iter().map(word).collect();
            if !actions.is_empty() {
                writeln!(text, "    {name:20}{}", actions.join(", ")).unwrap();
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
    assert!(found == written, "table.txt differs from line {:?} on; the whole table is now\n{found}", differs);
}

#[test]
fn an_act_is_made_of_the_guards_word_only() {
    use subrosa_messages::guard::{CaptureState, GuardState, GuardToRoom, Lamp, Level, NodeState, Trust};
    let capture = CaptureState {
        switch: Level::Open,
        node: NodeState::Closed,
        live: Lamp::Dark,
        muted: None,
        refusal: Some(Refusal::Asleep),
    };
    let state =
        |awake| GuardState { awake, camera: capture, microphone: capture, media: true, trust: Trust::SimulatedOneUser };
    assert!(crate::meeting::act::RoomAct::in_word(&GuardToRoom::State(state(false))).is_none());
    assert!(crate::meeting::act::RoomAct::in_word(&GuardToRoom::State(state(true))).is_some());
}
