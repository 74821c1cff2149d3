//! Random events against what must always hold.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use subrosa_messages::Pii;
use subrosa_messages::media::{Kind, LinkFault, LinkId, LinkState, Mid, RoomToMedia, Source};

use super::stage::{act, answer, data, knock, phone, sdp, session, track, wishes, woken};
use super::{Action, Event, Facts, Hosted, Rules};
use crate::meeting::guest::{GuestEvent, GuestId};
use crate::meeting::role::{Capability, Preset, Role, Roles};
use crate::meeting::wish::{Layout, Wish};

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
    Wish(Option<u8>, u8, u64),
    Data(u64, bool, bool),
    Loud(u64, u8),
    Media(bool),
    Offered(u64),
    Link(u64, u8),
    Track(u64, u8),
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
        1 => guest.clone().prop_map(Draw::Left),
        8 => (prop::option::of(guest.clone()), 0_u8..20, 0_u64..8).prop_map(|(who, what, whom)| Draw::Wish(who, what, whom)),
        2 => (back.clone(), any::<bool>(), any::<bool>()).prop_map(|(l, chat, flood)| Draw::Data(l, chat, flood)),
        2 => (back.clone(), 0_u8..128).prop_map(|(l, level)| Draw::Loud(l, level)),
        2 => any::<bool>().prop_map(Draw::Media),
        6 => back.clone().prop_map(Draw::Offered),
        8 => (back.clone(), 0_u8..5).prop_map(|(l, s)| Draw::Link(l, s)),
        6 => (back.clone(), 0_u8..3).prop_map(|(l, v)| Draw::Track(l, v)),
        2 => (back.clone(), any::<bool>()).prop_map(|(l, m)| Draw::Picture(l, m)),
        1 => (back, any::<bool>()).prop_map(|(l, p)| Draw::Paused(l, p)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(a, b)| Draw::Facts(a, b)),
        4 => Just(Draw::Tick),
        3 => (0_u64..20_000).prop_map(Draw::Wait),
    ]
}

/// All that it takes until somebody is in and sends all they can: what single draws seldom come to.
fn joins(g: u8) -> Vec<Draw> {
    let mut draws =
        vec![Draw::Woken, Draw::Media(true), Draw::Knock(g, true), Draw::Listens(g), Draw::Wish(None, 8, 0)];
    draws.extend([Draw::Offered(0), Draw::Answer(g, 0), Draw::Link(0, 1)]);
    draws.extend((0..3).map(|what| Draw::Track(0, what)));
    draws
}

/// What happens: single events, and now and then somebody who comes in; often with two who are in from the start.
fn histories() -> impl Strategy<Value = Vec<Draw>> {
    let piece = prop_oneof![12 => draws().prop_map(|draw| vec![draw]), 1 => (0_u8..5).prop_map(joins)];
    (prop::collection::vec(piece, 1..140), any::<bool>()).prop_map(|(pieces, two)| {
        let first = if two { vec![joins(0), joins(1)] } else { Vec::new() };
        first.into_iter().chain(pieces).flatten().collect()
    })
}

/// What a world outside would believe after the actions so far.
#[derive(Default)]
struct World {
    used: u64,
    open: HashSet<LinkId>,
    ever: HashSet<LinkId>,
    hearing: HashSet<GuestId>,
    media: bool,
    /// What each line of each link sends.
    sends: HashMap<(LinkId, Mid), Source>,
}

/// Any wish, about anybody.
fn wish(what: u8, guest: GuestId) -> Wish {
    let capture = subrosa_messages::Capture::Microphone;
    match what {
        0 => Wish::State { microphone: true, camera: true, hand: false, mutes: 0 },
        1 => Wish::State { microphone: true, camera: false, hand: true, mutes: 1 },
        2 => Wish::State { microphone: false, camera: true, hand: false, mutes: 0 },
        3 | 4 => Wish::Present { on: true },
        5 => Wish::Present { on: false },
        6 => Wish::StopPresenting,
        7 => Wish::Admit { guest },
        8 => Wish::AdmitAll,
        9 => Wish::Deny { guest },
        10 => Wish::Message { text: Pii::new(format!("{}", guest.0)) },
        11 => Wish::Lock { on: guest.0.is_multiple_of(2) },
        12 => Wish::Mute { guest },
        13 => Wish::MuteAll,
        14 => Wish::Remove { guest },
        15 => Wish::Role { guest, role: Role::Moderator },
        16 => Wish::Role { guest, role: if guest.0.is_multiple_of(2) { Role::Guest } else { Role::Presenter } },
        17 => Wish::Arrange { layout: Layout::Speaker },
        18 => Wish::Ask { capture },
        _ => Wish::Role { guest, role: Role::Administrator },
    }
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
            Draw::Wish(from, what, whom) => {
                let wish = wish(what, GuestId(whom));
                match from {
                    Some(g) => wishes(&who(g), wish),
                    None => phone(wish),
                }
            }
            Draw::Data(back, chat, flood) => {
                let text = if flood { "flood ".repeat(200) } else { "a line".to_owned() };
                data(link(back).0, if chat { "chat" } else { "text" }, &text)
            }
            Draw::Loud(back, level) => Event::Loudness(track(link(back).0, "guest-audio"), level),
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
            Draw::Track(back, 0) => Event::Track(track(link(back).0, "guest-video"), Kind::Video),
            Draw::Track(back, 1) => Event::Track(track(link(back).0, "guest-screen"), Kind::Video),
            Draw::Track(back, _) => Event::Track(track(link(back).0, "guest-audio"), Kind::Audio),
            Draw::Picture(back, moving) => Event::Picture(track(link(back).0, "guest-video"), moving),
            Draw::Paused(back, paused) => Event::Paused(link(back), Mid("room-video".to_owned()), paused),
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
                    self.sends.retain(|(known, _), _| known != link);
                }
                Action::Media(RoomToMedia::Send { link, mid, source }) => {
                    assert!(admitted.contains(link), "media for somebody who is not in");
                    assert!(self.open.contains(link));
                    self.sends.insert((*link, mid.clone()), source.clone());
                }
                Action::Media(RoomToMedia::Description { link, .. } | RoomToMedia::Prefer { link, .. }) => {
                    assert!(admitted.contains(link), "media for somebody who is not in");
                    assert!(self.open.contains(link));
                }
                // There is no other word for media, and so none that opens a capture (P2).
                Action::Media(other) => panic!("{other:?}"),
                Action::Data { link, channel, bytes } => {
                    assert!(admitted.contains(link), "chat for somebody who is not in");
                    assert!(channel == "chat" || channel.starts_with("text-"));
                    assert!(bytes.len() < 10_000);
                }
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
                        | GuestEvent::Muted
                        | GuestEvent::Present { .. }
                        | GuestEvent::Room(_) => {
                            // Whoever is gone by now was in when they were told.
                            let waits = hosted.lobby().iter().any(|one| one.number == *guest);
                            assert!(!waits, "who waits is told of the meeting: {event:?}");
                        }
                        GuestEvent::Waiting { .. } | GuestEvent::Ended { .. } => {}
                    }
                }
                Action::Attach(None) | Action::Reply(_) | Action::Granted(_) | Action::Sleep | Action::Forget => {}
            }
        }
    }
}

impl World {
    /// Whatever is forwarded belongs to somebody who is in, may be seen or heard, and is not muted; a screen to whoever
    /// presents; and nobody is sent to themselves.
    fn forwards_nothing_of_others(&self, hosted: &Hosted) {
        let people = hosted.people();
        for ((link, mid), source) in &self.sends {
            let Source::Forward(track) = source else { continue };
            assert_ne!(track.link, *link, "somebody gets themselves");
            let who = hosted.guest_on(track.link).expect("a stream of somebody who is gone is forwarded");
            let person = people.iter().find(|person| person.number == who).expect("a stream of somebody who is not in");
            let may = hosted.rules().roles.may(person.role);
            match track.mid.0.as_str() {
                "guest-video" => assert!(may.holds(Capability::Show) && person.camera),
                "guest-audio" => assert!(may.holds(Capability::Speak) && person.microphone && !person.silenced),
                "guest-screen" => assert!(may.holds(Capability::Present) && person.presenting && mid.0 == "screen"),
                other => panic!("{other}"),
            }
        }
    }
}

/// Whoever wishes this may let people in.
fn may_admit(hosted: &Hosted, draw: &Draw) -> bool {
    match draw {
        Draw::Wish(None, 7 | 8, _) => true,
        Draw::Wish(Some(g), 7 | 8, _) => {
            let id = hosted.guest_called(&session(&char::from(b'a' + g).to_string()));
            let role = hosted.people().iter().find(|person| Some(person.number) == id).map(|person| person.role);
            role.is_some_and(|role| hosted.rules().roles.may(role).holds(Capability::Admit))
        }
        _ => false,
    }
}

fn present(hosted: &Hosted) -> usize {
    hosted.count() + hosted.waiting().count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn p2_p7_nothing_flows_and_nobody_enters_unless_somebody_who_may_lets_them_in(
        draws in histories(),
        preset in prop_oneof![Just(Preset::Meeting), Just(Preset::Class), Just(Preset::Consultation)],
    ) {
        let roles = Roles::of(preset);
        let mut hosted = Hosted::new(Rules { room: "Room".to_owned(), max_guests: GUESTS, relay: false, roles });
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
                world.sends.clear();
            }
            // So is a link that media says is closed.
            if let Event::Link { link, state: LinkState::Closed } = &event {
                world.open.remove(link);
                world.sends.retain(|(known, _), _| known != link);
            }
            let lets_in = may_admit(&hosted, &draw);
            if let Draw::StreamGone(g) = draw {
                let key = session(&char::from(b'a' + g).to_string());
                if let Some(id) = hosted.guest_called(&key) {
                    world.hearing.remove(&id);
                }
            }
            let actions = hosted.step(now, event);
            world.apply(&hosted, &actions);
            world.forwards_nothing_of_others(&hosted);

            prop_assert!(hosted.count() <= GUESTS);
            let pressed = matches!(draw, Draw::Pressed);
            prop_assert!(hosted.count() <= inside || pressed || lets_in, "in without anybody who may let in");
            prop_assert!(hosted.count() <= inside + 1 || lets_in, "one press lets one in");
            prop_assert!(hosted.people().iter().all(|person| person.role != Role::Administrator));
            prop_assert!(hosted.presenter().is_none_or(|who| hosted.people().iter().any(|one| one.number == who)));
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
            // A clock that has rung does not ring again at once. Looked at now and then only: whoever is about to listen is gone by then.
            if matches!(draw, Draw::Tick)
                && let Some(deadline) = hosted.deadline()
            {
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
