//! Whatever a server says, in whatever order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Draw {
    Join(u8),
    Update(u8, u8, bool),
    Answer(u8, u8),
    Sections,
    Published(bool),
    Mute(bool, bool),
    Speaks(u8, bool),
    Leave(u8),
    Reconnect,
    Bytes(Vec<u8>),
    Closed,
    Refused(u16),
    Opened,
    Offered,
    Offers(u32, u8),
    Candidates(bool),
    Answered,
    Link(u8, bool),
    Media(bool),
    Sends(bool, bool),
    Watch(Vec<u8>),
    Wait(u64),
}

fn draws() -> impl Strategy<Value = Draw> {
    prop_oneof![
        4 => (0..6u8).prop_map(Draw::Join),
        4 => (0..6u8, 0..4u8, any::<bool>()).prop_map(|(who, tracks, there)| Draw::Update(who, tracks, there)),
        4 => (0..8u8, 0..6u8).prop_map(|(id, track)| Draw::Answer(id, track)),
        3 => Just(Draw::Sections),
        3 => any::<bool>().prop_map(Draw::Published),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(sound, muted)| Draw::Mute(sound, muted)),
        2 => (0..6u8, any::<bool>()).prop_map(|(who, active)| Draw::Speaks(who, active)),
        1 => (0..3u8).prop_map(Draw::Leave),
        1 => Just(Draw::Reconnect),
        1 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Draw::Bytes),
        1 => Just(Draw::Closed),
        1 => prop::sample::select(vec![401, 404, 500, 502]).prop_map(Draw::Refused),
        2 => Just(Draw::Opened),
        4 => Just(Draw::Offered),
        3 => (0..8u32, 0..6u8).prop_map(|(id, track)| Draw::Offers(id, track)),
        2 => any::<bool>().prop_map(Draw::Candidates),
        3 => Just(Draw::Answered),
        2 => (0..4u8, any::<bool>()).prop_map(|(state, sending)| Draw::Link(state, sending)),
        2 => prop::bool::weighted(0.8).prop_map(Draw::Media),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(picture, sound)| Draw::Sends(picture, sound)),
        2 => prop::collection::vec(0..6u8, 0..5).prop_map(Draw::Watch),
        4 => (0..20_000u64).prop_map(Draw::Wait),
    ]
}

fn people(count: u8) -> Vec<ParticipantInfo> {
    (0..count)
        .map(|n| person(&format!("PA_{n}"), &[camera(&format!("TR_V{n}")), microphone(&format!("TR_A{n}"))]))
        .collect()
}

fn event(draw: Draw, stage: &Stage) -> Event {
    let said = |message| Event::Message(SignalResponse { message: Some(message) }.encode_to_vec());
    let own = |sound| if sound { "TR_OA" } else { "TR_OV" }.to_owned();
    match draw {
        Draw::Join(count) => said(Said::Join(join(&people(count)))),
        Draw::Update(who, tracks, there) => {
            let track = |n: u8| TrackInfo {
                encryption: if n == 3 { encryption::Type::Gcm } else { encryption::Type::None }.into(),
                ..if n.is_multiple_of(2) { camera(&format!("TR_V{who}")) } else { microphone(&format!("TR_A{who}")) }
            };
            let mut one = person(&format!("PA_{who}"), &(0..tracks).map(track).collect::<Vec<_>>());
            one.state = if there { 2 } else { 3 };
            said(Said::Update(livekit_protocol::ParticipantUpdate { participants: vec![one] }))
        }
        Draw::Answer(id, track) => said(answer(id.into(), &[("slot-0-video", &format!("TR_V{track}"))])),
        Draw::Sections => said(Said::MediaSectionsRequirement(MediaSectionsRequirement::default())),
        Draw::Published(sound) => {
            let track = Some(TrackInfo { sid: own(sound), ..TrackInfo::default() });
            let cid = if sound { "cid-audio" } else { "cid-video" }.to_owned();
            said(Said::TrackPublished(TrackPublishedResponse { cid, track }))
        }
        Draw::Mute(sound, muted) => said(Said::Mute(MuteTrackRequest { sid: own(sound), muted })),
        Draw::Speaks(who, active) => {
            let speaker = SpeakerInfo { sid: format!("PA_{who}"), level: 0.5, active };
            said(Said::SpeakersChanged(SpeakersChanged { speakers: vec![speaker] }))
        }
        Draw::Leave(action) => said(Said::Leave(LeaveRequest { action: action.into(), ..LeaveRequest::default() })),
        Draw::Reconnect => said(Said::Reconnect(livekit_protocol::ReconnectResponse::default())),
        Draw::Bytes(bytes) => Event::Message(bytes),
        Draw::Closed => Event::Closed,
        Draw::Refused(status) => Event::Refused(Some(status)),
        Draw::Opened => Event::Opened,
        Draw::Offered => {
            let link = stage.session.sending().unwrap_or(LinkId(stage.session.links()));
            Event::Offered { link, sdp: Pii::new(OFFER.to_owned()) }
        }
        Draw::Offers(id, track) => said(offer(id, &[("1", &format!("TR_V{track}"))])),
        Draw::Candidates(sending) => {
            let target = if sending { SignalTarget::Publisher } else { SignalTarget::Subscriber }.into();
            said(Said::Trickle(TrickleRequest { target, r#final: true, ..TrickleRequest::default() }))
        }
        Draw::Answered => {
            let link = stage.session.receiving().unwrap_or(LinkId(stage.session.links()));
            Event::Answered { link, sdp: Pii::new(ANSWER.to_owned()) }
        }
        Draw::Link(state, sending) => {
            let states =
                [LinkState::Verified, LinkState::Silent, LinkState::Failed(LinkFault::Path), LinkState::Closed];
            let link = if sending { stage.session.sending() } else { stage.session.receiving() };
            let link = link.unwrap_or(LinkId(stage.session.links()));
            Event::Link { link, state: states[usize::from(state) % states.len()] }
        }
        Draw::Media(true) => Event::MediaReady { h264: true },
        Draw::Media(false) => Event::MediaLost,
        Draw::Sends(picture, sound) => Event::Sends(Sends { picture, sound }),
        Draw::Watch(tracks) => {
            Event::Watch(tracks.iter().map(|n| Watched { track: format!("TR_V{n}"), size: SIZE }).collect())
        }
        Draw::Wait(_) => Event::Tick,
    }
}

proptest! {
    #[test]
    fn p2_nothing_opens_nothing_grows_and_the_end_is_the_end(old in any::<bool>(), draws in prop::collection::vec(draws(), 1..120)) {
        let mut stage = if old { Stage::on_an_old_server() } else { Stage::new() };
        let mut sends = Sends::default();
        let mut subscribed: BTreeSet<String> = BTreeSet::new();
        let (mut unanswered, mut last, mut over) = (None, LinkId(0), false);
        let mut links: BTreeSet<LinkId> = BTreeSet::new();
        let mut asked_of_media: Option<u32> = None;
        for draw in draws {
            if let Draw::Wait(milliseconds) = draw {
                stage.now += Duration::from_millis(milliseconds);
            }
            let (mut events, mut ticks) = (vec![event(draw, &stage)], 0);
            while let Some(event) = events.pop() {
            let was_asked = if matches!(event, Event::Answered { .. }) { asked_of_media.take() } else { None };
            match &event {
                Event::Link { link, state: LinkState::Failed(_) } => drop(links.remove(link)),
                Event::MediaLost => links.clear(),
                _ => {}
            }
            if let Event::Sends(now) = &event {
                sends = *now;
            }
            if let Event::Message(bytes) = &event
                && let Ok(SignalResponse { message: Some(Said::Answer(answer)) }) = SignalResponse::decode(bytes.as_slice())
                && unanswered == Some(answer.id)
            {
                unanswered = None;
            }
            let said = stage.step(event);
            prop_assert!(!over || said.is_empty(), "after the end: {said:?}");
            for action in &said {
                match action {
                    Action::Media(RoomToMedia::OpenLink { link: opened, .. }) => {
                        prop_assert!(std::mem::replace(&mut last, *opened) < *opened, "never used twice");
                        links.insert(*opened);
                        prop_assert!(links.len() <= 2, "{links:?}");
                        (unanswered, asked_of_media) = (None, None);
                    }
                    Action::Media(RoomToMedia::Description { link, kind: DescriptionKind::Offer, .. }) => {
                        prop_assert_eq!(Some(*link), stage.session.receiving());
                        let one_at_a_time = asked_of_media.replace(0).is_none();
                        prop_assert!(one_at_a_time);
                    }
                    Action::Media(RoomToMedia::CloseLink { link: closed }) => {
                        prop_assert!(links.remove(closed), "{closed:?}");
                        subscribed.clear();
                    }
                    Action::Tell(Told::Over(_)) => over = true,
                    Action::Tell(Told::Joined) => subscribed.clear(),
                    Action::Tell(Told::Resumed) => unanswered = None,
                    _ => {}
                }
            }
            for ask in asked(&said) {
                match ask {
                    Ask::Mute(MuteTrackRequest { sid, muted: false }) => {
                        prop_assert!(if sid == "TR_OA" { sends.sound } else { sends.picture }, "P2: {sid}");
                    }
                    Ask::AddTrack(track) => {
                        let open = if track.cid == "cid-audio" { sends.sound } else { sends.picture };
                        prop_assert_eq!(track.muted, !open);
                    }
                    Ask::Offer(offer) => {
                        prop_assert!(unanswered.is_none(), "one at a time");
                        unanswered = Some(offer.id);
                    }
                    Ask::Answer(_) => prop_assert!(was_asked.is_some(), "nothing was asked"),
                    Ask::Subscription(wish) if wish.subscribe => subscribed.extend(wish.track_sids),
                    Ask::Subscription(wish) => subscribed.retain(|sid| !wish.track_sids.contains(sid)),
                    _ => {}
                }
            }
            prop_assert!(subscribed.len() <= 5, "two pictures and three voices: {subscribed:?}");
            for sid in &subscribed {
                let encrypted = stage.session.people().track(sid).is_some_and(|track| track.encrypted);
                prop_assert!(over || !encrypted, "{sid}");
            }
            // At a time that was named something is done.
            if stage.session.deadline().is_some_and(|due| due <= stage.now) {
                ticks += 1;
                prop_assert!(ticks < 20, "nothing comes of it");
                events.push(Event::Tick);
            }
            }
        }
    }
}
