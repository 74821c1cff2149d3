//! Whatever comes, in whatever order: every request is answered once, one negotiation at a time, links are opened and
//! closed in pairs, restarts stay within the server's limits, nothing is sent for a session that is over.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use subrosa_messages::Pii;
use subrosa_messages::media::{Kind, LinkFault, LinkId, LinkState, RoomToMedia, Source};

use super::super::description::ability::Ability;
use super::super::source::SourceName;
use super::super::stanza::Action as Word;
use super::event::{Action, Event, Peer, Reply};
use super::machine::Session;
use super::stage::{US, answer, asked, bare, endpoint, focus, initiate, list, sources};

#[derive(Clone, Debug)]
enum Draw {
    Initiate(u8),
    Sources(bool, u8),
    Other(u8, u8),
    Occupant(bool),
    Answer { broken: bool, retransmission: u32 },
    Reply(u8),
    Link(u8),
    Media(bool),
    Codecs(u8, u8),
    Left(u8),
    Wanted,
    Watched(bool),
    Ended,
    ChannelLost,
    Wait(u64),
    Tick,
}

fn draws() -> impl Strategy<Value = Draw> {
    prop_oneof![
        4 => (0..4u8).prop_map(Draw::Initiate),
        4 => (any::<bool>(), 0..4u8).prop_map(|(add, sid)| Draw::Sources(add, sid)),
        3 => (0..7u8, 0..4u8).prop_map(|(action, sid)| Draw::Other(action, sid)),
        1 => any::<bool>().prop_map(Draw::Occupant),
        6 => (prop::bool::weighted(0.1), 5000..5010u32).prop_map(|(broken, retransmission)| Draw::Answer { broken, retransmission }),
        4 => (0..4u8).prop_map(Draw::Reply),
        4 => (0..7u8).prop_map(Draw::Link),
        2 => prop::bool::weighted(0.7).prop_map(Draw::Media),
        2 => (0..3u8, 0..3u8).prop_map(|(who, list)| Draw::Codecs(who, list)),
        1 => (0..3u8).prop_map(Draw::Left),
        1 => Just(Draw::Wanted),
        1 => any::<bool>().prop_map(Draw::Watched),
        1 => Just(Draw::Ended),
        1 => Just(Draw::ChannelLost),
        3 => (0..20_000u64).prop_map(Draw::Wait),
        3 => Just(Draw::Tick),
    ]
}

/// What the world around the session knows.
#[derive(Default)]
struct World {
    media: bool,
    open: BTreeSet<LinkId>,
    ever: BTreeSet<LinkId>,
    /// The description that media has not answered.
    negotiating: Option<(LinkId, String)>,
    numbers: Vec<u64>,
    restarts: Vec<Instant>,
    over: bool,
}

const PEOPLE: [&str; 3] = ["55cc5571", "aaaaaaaa", "bbbbbbbb"];

impl World {
    fn event(&mut self, draw: &Draw) -> Option<Event> {
        let sid = |sid: &u8| format!("s{sid}");
        let link = self.open.iter().next_back().copied().unwrap_or(LinkId(77));
        Some(match draw {
            Draw::Initiate(n) => focus(initiate(&sid(n))),
            Draw::Sources(add, n) => focus(sources(if *add { Word::SourceAdd } else { Word::SourceRemove }, &sid(n))),
            Draw::Other(action, n) => {
                let words = [
                    Word::SessionTerminate,
                    Word::SessionInfo,
                    Word::TransportInfo,
                    Word::TransportReplace,
                    Word::ContentModify,
                    Word::SessionAccept,
                    Word::Unused,
                ];
                focus(bare(words[usize::from(*action)], &sid(n)))
            }
            Draw::Occupant(offers) => {
                let word = if *offers { Word::SessionInitiate } else { Word::SessionTerminate };
                asked(Peer::Occupant(Pii::new("room@muc/x".into())), bare(word, "s0"))
            }
            Draw::Answer { broken, retransmission } => {
                let (link, sdp) = self.negotiating.take()?;
                let text = if *broken { "v=0\r\n".to_owned() } else { answer(&sdp, *retransmission) };
                Event::Answered { link, sdp: Pii::new(text) }
            }
            Draw::Reply(kind) => {
                let reply = [Reply::Taken, Reply::Taken, Reply::Refused, Reply::RateLimited][usize::from(*kind)];
                Event::Replied(self.numbers.pop()?, reply)
            }
            Draw::Link(state) => {
                let states = [
                    LinkState::Connecting,
                    LinkState::Verified,
                    LinkState::Silent,
                    LinkState::Closed,
                    LinkState::Failed(LinkFault::Path),
                    LinkState::Failed(LinkFault::Pipeline),
                    LinkState::Verified,
                ];
                Event::Link { link, state: states[usize::from(*state)] }
            }
            Draw::Media(true) => Event::MediaReady(Ability { h264: true }),
            Draw::Media(false) => Event::MediaLost,
            Draw::Codecs(who, n) => {
                Event::Codecs(endpoint(PEOPLE[usize::from(*who)]), list(["vp8", "h264", "av1,h264"][usize::from(*n)]))
            }
            Draw::Left(who) => Event::Left(endpoint(PEOPLE[usize::from(*who)])),
            Draw::Wanted => Event::Wanted(vec![SourceName::of(&endpoint(PEOPLE[0]), Kind::Video, 0)]),
            Draw::Watched(watched) => Event::Watched(*watched),
            Draw::Ended => Event::Ended,
            Draw::ChannelLost => Event::ChannelLost,
            Draw::Wait(_) | Draw::Tick => Event::Tick,
        })
    }

    fn apply(&mut self, now: Instant, asked: usize, actions: &[Action]) {
        let answers = actions.iter().filter(|action| matches!(action, Action::Acknowledge(_) | Action::Refuse(..)));
        assert_eq!(answers.count(), asked, "every request is answered once");
        for action in actions {
            match action {
                Action::Media(RoomToMedia::OpenLink { link, .. }) => {
                    assert!(self.media && self.open.is_empty(), "one link, and only with media");
                    assert!(self.ever.insert(*link), "a link's name is used twice");
                    self.open.insert(*link);
                }
                Action::Media(RoomToMedia::CloseLink { link }) => {
                    assert!(self.open.remove(link), "a link is closed that is not open");
                    self.negotiating = None;
                }
                Action::Media(RoomToMedia::Description { link, sdp, candidates: true, .. }) => {
                    assert!(self.open.contains(link) && self.negotiating.is_none(), "one negotiation at a time");
                    self.negotiating = Some((*link, sdp.reveal().clone()));
                }
                // Nothing but the room's own, which the guard opens or does not (P2).
                Action::Media(RoomToMedia::Send {
                    link,
                    source: Source::RoomAudio | Source::RoomVideo | Source::Nothing,
                    ..
                }) => {
                    assert!(self.open.contains(link));
                }
                Action::Media(other) => panic!("{other:?}"),
                Action::Ask(to, number, jingle) => {
                    assert!(!self.numbers.contains(number), "a number is used twice");
                    self.numbers.push(*number);
                    if *to == Peer::Focus {
                        match jingle.action {
                            Word::SessionTerminate => self.restarts.push(now),
                            Word::SessionAccept | Word::SourceAdd | Word::SourceRemove => {
                                assert!(!self.open.is_empty(), "something is said about a session without a link");
                            }
                            other => panic!("{other:?}"),
                        }
                    } else {
                        assert_eq!(jingle.action, Word::SessionTerminate, "P2P is declined");
                    }
                }
                Action::Rejoin => self.over = true,
                Action::Acknowledge(_)
                | Action::Refuse(..)
                | Action::Channel(_)
                | Action::Streams
                | Action::StartMuted(_)
                | Action::Fault(_) => {}
            }
        }
        if std::mem::take(&mut self.over) {
            self.restarts.clear();
        }
        for pair in self.restarts.windows(2) {
            assert!(pair[1] - pair[0] >= Duration::from_secs(5), "two restarts within five seconds");
        }
        for six in self.restarts.windows(6) {
            assert!(six[5] - six[0] >= Duration::from_secs(60), "six restarts within a minute");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn p2_every_order_of_events_leaves_the_session_whole(draws in prop::collection::vec(draws(), 1..80)) {
        let mut now = Instant::now();
        let mut session = Session::new(endpoint(US), Pii::new("us@example.org/1".into()), 0);
        let mut world = World::default();
        for draw in draws {
            match draw {
                Draw::Wait(milliseconds) => now += Duration::from_millis(milliseconds),
                Draw::Tick => now = session.deadline().unwrap_or(now).max(now),
                Draw::Media(ready) => {
                    world.media = ready;
                    if !ready {
                        // Its links are gone with it.
                        world.open.clear();
                        world.negotiating = None;
                    }
                }
                Draw::Ended => world.restarts.clear(),
                _ => {}
            }
            let Some(event) = world.event(&draw) else { continue };
            let asked = usize::from(matches!(event, Event::Asked(..)));
            let actions = session.step(now, event);
            world.apply(now, asked, &actions);
            prop_assert_eq!(session.link(), world.open.iter().next().copied());
            // Whoever has a track can be found by its SSRCs.
            for stream in session.streams() {
                if session.link().is_some() {
                    let primary = stream.primary().unwrap();
                    prop_assert_eq!(session.who(primary).map(|stream| &stream.name), Some(&stream.name));
                }
            }
            // A clock that has rung does not ring again at once.
            if let Some(deadline) = session.deadline() {
                let at = deadline.max(now);
                let actions = session.step(at, Event::Tick);
                world.apply(at, 0, &actions);
                let again = session.step(at, Event::Tick);
                world.apply(at, 0, &again);
                prop_assert!(session.deadline().is_none_or(|next| next > at), "the clock rings without end");
                now = at;
            }
        }
    }
}
