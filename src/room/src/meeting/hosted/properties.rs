//! Random events against what must always hold.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use subrosa_messages::media::{Kind, LinkFault, LinkId, LinkState, RoomToMedia};

use super::stage::{act, answer, knock, sdp, session, track, woken};
use super::{Action, Event, Facts, Hosted, Rules};
use crate::meeting::guest::{GuestEvent, GuestId};

const GUESTS: usize = 3;

/// An event as a plain value that can be drawn and shrunk.
#[derive(Clone, Debug)]
enum Draw {
    Woken,
    Pressed,
    Slept,
    Knock(u8, bool),
    Listens(u8),
    StreamGone(u8),
    Answer(u8, u64),
    Left(u8),
    Denied(u64),
    Media(bool),
    Offered(u64),
    Link(u64, u8),
    Track(u64, bool),
    Picture(u64, bool),
    Paused(u64, bool),
    Facts(bool, bool),
    Tick,
    Wait(u64),
}

fn draws() -> impl Strategy<Value = Draw> {
    let (guest, back) = (0_u8..5, 0_u64..6);
    prop_oneof![
        1 => Just(Draw::Woken),
        4 => Just(Draw::Pressed),
        1 => Just(Draw::Slept),
        4 => (guest.clone(), any::<bool>()).prop_map(|(g, right)| Draw::Knock(g, right)),
        6 => guest.clone().prop_map(Draw::Listens),
        2 => guest.clone().prop_map(Draw::StreamGone),
        4 => (guest.clone(), back.clone()).prop_map(|(g, l)| Draw::Answer(g, l)),
        1 => guest.prop_map(Draw::Left),
        1 => (0_u64..20).prop_map(Draw::Denied),
        2 => any::<bool>().prop_map(Draw::Media),
        6 => back.clone().prop_map(Draw::Offered),
        8 => (back.clone(), 0_u8..5).prop_map(|(l, s)| Draw::Link(l, s)),
        2 => (back.clone(), any::<bool>()).prop_map(|(l, v)| Draw::Track(l, v)),
        2 => (back.clone(), any::<bool>()).prop_map(|(l, m)| Draw::Picture(l, m)),
        1 => (back, any::<bool>()).prop_map(|(l, p)| Draw::Paused(l, p)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(a, b)| Draw::Facts(a, b)),
        4 => Just(Draw::Tick),
        3 => (0_u64..20_000).prop_map(Draw::Wait),
    ]
}

/// What a world outside would believe after the actions so far.
#[derive(Default)]
struct World {
    used: u64,
    open: HashSet<LinkId>,
    ever: HashSet<LinkId>,
    hearing: HashSet<GuestId>,
    media: bool,
}

impl World {
    fn event(&self, draw: &Draw) -> Event {
        let who = |g: u8| char::from(b'a' + g).to_string();
        let link = |back: u64| LinkId(self.used.saturating_sub(back));
        match *draw {
            Draw::Woken => woken(),
            Draw::Pressed => Event::Pressed(act()),
            Draw::Slept => Event::Slept,
            Draw::Knock(g, right) => knock(&who(g), if right { "123456" } else { "000000" }),
            Draw::Listens(g) => Event::Listens(session(&who(g))),
            Draw::StreamGone(g) => Event::StreamGone(session(&who(g))),
            Draw::Answer(g, back) => answer(&who(g), link(back).0),
            Draw::Left(g) => Event::Left(session(&who(g))),
            Draw::Denied(id) => Event::Denied(GuestId(id)),
            Draw::Media(true) => Event::MediaReady,
            Draw::Media(false) => Event::MediaLost,
            Draw::Offered(back) => Event::Offered { link: link(back), sdp: sdp() },
            Draw::Link(back, state) => Event::Link {
                link: link(back),
                state: match state {
                    0 => LinkState::Connecting,
                    1 => LinkState::Verified,
                    2 => LinkState::Silent,
                    3 => LinkState::Failed(LinkFault::Path),
                    _ => LinkState::Closed,
                },
            },
            Draw::Track(back, true) => Event::Track(track(link(back).0, "guest-video"), Kind::Video),
            Draw::Track(back, false) => Event::Track(track(link(back).0, "guest-audio"), Kind::Audio),
            Draw::Picture(back, moving) => Event::Picture(track(link(back).0, "guest-video"), moving),
            Draw::Paused(back, paused) => Event::Paused(link(back), paused),
            Draw::Facts(camera_live, microphone_live) => {
                Event::Facts(Facts { camera_live, microphone_live, ..Facts::default() })
            }
            Draw::Tick | Draw::Wait(_) => Event::Tick,
        }
    }

    fn apply(&mut self, hosted: &Hosted, actions: &[Action]) {
        let admitted = hosted.links_of_admitted();
        for action in actions {
            match action {
                Action::Media(RoomToMedia::OpenLink { link, .. }) => {
                    assert!(self.media, "a link is opened without media");
                    assert!(self.ever.insert(*link), "a link's name is used twice");
                    self.used = link.0;
                    self.open.insert(*link);
                }
                Action::Media(RoomToMedia::CloseLink { link }) => {
                    assert!(self.open.remove(link), "a link is closed that is not open");
                }
                Action::Media(RoomToMedia::Send { link, .. } | RoomToMedia::Description { link, .. }) => {
                    assert!(admitted.contains(link), "media for somebody who is not in");
                    assert!(self.open.contains(link));
                }
                Action::Media(other) => panic!("{other:?}"),
                Action::Attach(Some(guest)) => {
                    self.hearing.insert(*guest);
                }
                Action::Detach(guest) => assert!(self.hearing.remove(guest)),
                Action::Tell(guest, event) => {
                    assert!(self.hearing.contains(guest), "told nobody");
                    match event {
                        GuestEvent::Offer { link, .. } => assert!(admitted.contains(link), "offer to a waiting guest"),
                        GuestEvent::Admitted
                        | GuestEvent::Connected
                        | GuestEvent::Reconnecting
                        | GuestEvent::Picture { .. }
                        | GuestEvent::Room(_)
                        | GuestEvent::Waiting
                        | GuestEvent::Ended { .. } => {}
                    }
                }
                Action::Attach(None) | Action::Reply(_) | Action::Forget => {}
            }
        }
    }
}

fn present(hosted: &Hosted) -> usize {
    hosted.count() + hosted.waiting().count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn p2_p7_nothing_flows_and_nobody_enters_without_an_act_in_the_room(draws in prop::collection::vec(draws(), 1..120)) {
        let mut hosted = Hosted::new(Rules { room: "Room".to_owned(), max_guests: GUESTS, relay: false });
        let mut world = World::default();
        let mut now = Instant::now();
        for draw in draws {
            let (inside, awake) = (hosted.count(), hosted.is_awake());
            match draw {
                Draw::Wait(milliseconds) => now += Duration::from_millis(milliseconds),
                Draw::Tick => now = hosted.deadline().unwrap_or(now).max(now),
                Draw::Media(ready) => world.media = ready,
                _ => {}
            }
            let event = world.event(&draw);
            // The links of a media process that is gone are gone with it.
            if !world.media {
                world.open.clear();
            }
            if let Draw::StreamGone(g) = draw {
                let key = session(&char::from(b'a' + g).to_string());
                if let Some(id) = hosted.guest_called(&key) {
                    world.hearing.remove(&id);
                }
            }
            let actions = hosted.step(now, event);
            world.apply(&hosted, &actions);

            prop_assert!(hosted.count() <= GUESTS);
            prop_assert!(hosted.count() <= inside || matches!(draw, Draw::Pressed), "in without a press");
            prop_assert!(hosted.count() <= inside + 1, "one press lets one in");
            prop_assert!(!hosted.is_awake() || awake || matches!(draw, Draw::Woken), "woken without an act");
            prop_assert_eq!(hosted.is_awake(), hosted.secrets().is_some());

            let mut links: Vec<LinkId> = hosted.links_of_guests().into_iter().flatten().collect();
            links.sort();
            let mut open: Vec<LinkId> = world.open.iter().copied().collect();
            open.sort();
            prop_assert_eq!(links, open, "a guest has at most one link, and no link is without a guest");

            if !hosted.is_awake() {
                prop_assert_eq!(present(&hosted), 0);
                prop_assert!(world.hearing.is_empty() && world.open.is_empty());
                prop_assert!(hosted.deadline().is_none());
                prop_assert!(hosted.heard().is_empty());
            }
            // A clock that has rung does not ring again at once.
            if let Some(deadline) = hosted.deadline() {
                let mut ticking = deadline.max(now);
                let actions = hosted.step(ticking, Event::Tick);
                world.apply(&hosted, &actions);
                ticking += Duration::from_nanos(1);
                prop_assert!(hosted.deadline().is_none_or(|next| next >= ticking), "the clock rings without end");
                now = ticking;
            }
        }
    }
}
