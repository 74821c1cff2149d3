//! The session against a server that is made of its messages.

mod old;
mod properties;
mod recordings;

use std::time::{Duration, Instant};

use livekit_protocol::leave_request::Action as LeaveAction;
use livekit_protocol::request_response::{Reason, Request};
use livekit_protocol::signal_request::Message as Ask;
use livekit_protocol::signal_response::Message as Said;
use livekit_protocol::{
    DisconnectReason, IceServer, JoinResponse, LeaveRequest, MediaSectionsRequirement, MuteTrackRequest,
    ParticipantInfo, RequestResponse, SignalRequest, SignalResponse, SignalTarget, SpeakerInfo, SpeakersChanged,
    SubscribedCodec, SubscribedQuality, SubscribedQualityUpdate, TrackInfo, TrackPublishedResponse, TrackSource,
    TrickleRequest, VideoQuality, encryption,
};
use prost::Message;
use subrosa_messages::media::{DescriptionKind, LinkFault, LinkId, LinkState, RoomToMedia, Size};
use subrosa_messages::{Capture, Pii};

use super::stage::{ANSWER, OFFER, answer, camera, join, microphone, offer, person};
use super::{Action, End, Event, Session, Settings, Source, Told, Watched, Wish};
use crate::signalling::Sends;

const SIZE: Size = Size { width: 1280, height: 720 };
const BOTH: Sends = Sends { picture: true, sound: true };
fn settings() -> Settings {
    Settings { pictures: 2, voices: 3, picture: SIZE, links: 40 }
}

/// A session, with everything that it has said.
struct Stage {
    session: Session,
    now: Instant,
    out: Vec<Action>,
}

impl Stage {
    fn new() -> Self {
        let now = Instant::now();
        let session = Session::new(now, settings(), Pii::new("token-1".to_owned()));
        Stage { session, now, out: Vec::new() }
    }

    /// Before the greeting of a server that does not know `/rtc/v1`.
    fn on_an_old_server() -> Self {
        let mut stage = Stage::new();
        stage.step(Event::Tick);
        stage.step(Event::Refused(Some(404)));
        stage.step(Event::Tick);
        stage
    }

    /// What is said to this event.
    fn step(&mut self, event: Event) -> Vec<Action> {
        let said = self.session.step(self.now, event);
        self.out.extend(said.iter().cloned());
        said
    }

    fn hear(&mut self, message: Said) -> Vec<Action> {
        self.step(Event::Message(SignalResponse { message: Some(message) }.encode_to_vec()))
    }

    fn wait(&mut self, time: Duration) -> Vec<Action> {
        self.now += time;
        self.step(Event::Tick)
    }

    /// Until the server has said who is there.
    fn greeted(join: JoinResponse) -> Self {
        let mut stage = Stage::new();
        stage.step(Event::MediaReady { h264: true });
        stage.step(Event::Sends(BOTH));
        stage.step(Event::Tick);
        stage.step(Event::Opened);
        stage.hear(Said::Join(join));
        stage
    }

    /// Until the first offer was answered and everything runs.
    fn joined() -> Self {
        let mut stage = Stage::greeted(join(&[person("PA_1", &[camera("TR_V1"), microphone("TR_A1")])]));
        let link = stage.link();
        stage.step(Event::Offered { link, sdp: Pii::new(OFFER.to_owned()) });
        stage.publish();
        stage.hear(answer(1, &[]));
        stage.hear(Said::Trickle(TrickleRequest { r#final: true, ..TrickleRequest::default() }));
        stage.step(Event::Link { link, state: LinkState::Verified });
        stage
    }

    fn publish(&mut self) {
        for (cid, sid) in [("cid-video", "TR_OV"), ("cid-audio", "TR_OA")] {
            let track = Some(TrackInfo { sid: sid.to_owned(), ..TrackInfo::default() });
            self.hear(Said::TrackPublished(TrackPublishedResponse { cid: cid.to_owned(), track }));
        }
    }

    fn link(&self) -> LinkId {
        self.session.sending().expect("a link")
    }
}

/// What is asked of the server.
fn asked(out: &[Action]) -> Vec<Ask> {
    let bytes =
        out.iter().filter_map(|action| if let Action::Send(bytes) = action { Some(bytes.reveal()) } else { None });
    bytes.filter_map(|bytes| SignalRequest::decode(bytes.as_slice()).expect("a message").message).collect()
}

fn told(out: &[Action]) -> Vec<&Told> {
    out.iter().filter_map(|action| if let Action::Tell(told) = action { Some(told) } else { None }).collect()
}

fn offers(out: &[Action]) -> Vec<u32> {
    asked(out).iter().filter_map(|ask| if let Ask::Offer(offer) = ask { Some(offer.id) } else { None }).collect()
}

fn subscriptions(out: &[Action]) -> Vec<(bool, Vec<String>)> {
    let one = |ask: &Ask| match ask {
        Ask::Subscription(wish) => Some((wish.subscribe, wish.track_sids.clone())),
        _ => None,
    };
    asked(out).iter().filter_map(one).collect()
}

fn described(out: &[Action]) -> usize {
    let is_answer = |action: &&Action| {
        matches!(action, Action::Media(RoomToMedia::Description { kind: DescriptionKind::Answer, .. }))
    };
    out.iter().filter(is_answer).count()
}

#[test]
fn the_token_is_in_a_header_and_nothing_of_the_device_in_the_address() {
    let mut stage = Stage::new();
    let said = stage.step(Event::Tick);
    let [Action::Connect { address, token }] = said.as_slice() else { panic!("{said:?}") };
    // JoinRequest{client_info{protocol 17}, connection_settings{}} in a WrappedJoinRequest.
    assert_eq!(address, "/rtc/v1?join_request=EgYKAhgREgA%3D");
    assert_eq!(token.reveal(), "token-1");
    assert!(!format!("{said:?}").contains("token-1"), "P9");
}

#[test]
fn tracks_are_announced_before_the_first_offer_and_the_answer_waits_for_candidates() {
    let mut stage = Stage::greeted(join(&[]));
    let link = stage.link();
    assert_eq!(link, LinkId(41));
    let said = stage.step(Event::Offered { link, sdp: Pii::new(OFFER.to_owned()) });
    let cids: Vec<String> = asked(&said)
        .into_iter()
        .filter_map(|ask| if let Ask::AddTrack(track) = ask { Some(track.cid) } else { None })
        .collect();
    assert_eq!((cids.as_slice(), offers(&said)), (["cid-video".to_owned(), "cid-audio".to_owned()].as_slice(), vec![]));
    stage.publish();
    assert_eq!(offers(&stage.out), [1]);
    let said = stage.hear(answer(1, &[]));
    assert_eq!(described(&said), 0);
    let candidate = r#"{"candidate":"candidate:1 1 udp 5 192.0.2.1 7882 typ host","sdpMid":"0"}"#.to_owned();
    stage.hear(Said::Trickle(TrickleRequest { candidate_init: candidate, ..TrickleRequest::default() }));
    let said = stage.wait(Duration::from_millis(500));
    let Some(Action::Media(RoomToMedia::Description { sdp, candidates: true, .. })) = said.first() else {
        panic!("{said:?}")
    };
    assert!(sdp.reveal().contains("a=candidate:1 1 udp 5 192.0.2.1 7882 typ host\r\n"));
}

#[test]
fn a_source_that_the_token_forbids_is_not_announced_and_one_that_is_not_confirmed_holds_nothing_up() {
    let mut only_sound = join(&[]);
    let permission = only_sound.participant.as_mut().and_then(|own| own.permission.as_mut()).unwrap();
    permission.can_publish_sources = vec![TrackSource::Microphone.into()];
    let mut stage = Stage::greeted(only_sound);
    let link = stage.link();
    let said = stage.step(Event::Offered { link, sdp: Pii::new(OFFER.to_owned()) });
    assert!(told(&said).contains(&&Told::MayNotSend(Source::Camera)));
    assert_eq!(asked(&said).len(), 1);
    assert!(offers(&stage.wait(Duration::from_secs(1))).is_empty());
    assert_eq!(offers(&stage.wait(Duration::from_secs(1))), [1]);
}

#[test]
fn a_track_that_the_server_refuses_is_not_waited_for() {
    let mut stage = Stage::greeted(join(&[]));
    let link = stage.link();
    let said = stage.step(Event::Offered { link, sdp: Pii::new(OFFER.to_owned()) });
    let tracks =
        asked(&said).into_iter().filter_map(|ask| if let Ask::AddTrack(track) = ask { Some(track) } else { None });
    for track in tracks {
        let request = Some(Request::AddTrack(track));
        let reason = Reason::NotAllowed.into();
        stage.hear(Said::RequestResponse(RequestResponse { reason, request, ..RequestResponse::default() }));
    }
    let refused = [Told::MayNotSend(Source::Camera), Told::MayNotSend(Source::Microphone)];
    assert!(refused.iter().all(|refused| told(&stage.out).contains(&refused)));
    assert_eq!(offers(&stage.out), [1], "to see and hear");
}

#[test]
fn other_sections_mean_the_same_offer_again_one_at_a_time() {
    let mut stage = Stage::joined();
    let again = || Said::MediaSectionsRequirement(MediaSectionsRequirement::default());
    assert_eq!(offers(&stage.hear(again())), [2]);
    assert!(offers(&stage.hear(again())).is_empty(), "the second is not answered yet");
    let said = stage.hear(answer(2, &[("slot-0-video", "TR_V1"), ("9", "TR_A1")]));
    assert_eq!((offers(&said), described(&said)), (vec![3], 1));
    assert_eq!(stage.session.slots().collect::<Vec<_>>(), [("slot-0-video", "TR_V1")], "a line of nobody's is none");
    let late = stage.hear(answer(2, &[]));
    assert_eq!(described(&late), 0, "an answer to an older offer");
    let said = stage.hear(answer(3, &[]));
    assert!(told(&said).contains(&&Told::Slots) && stage.session.slots().next().is_none());
}

#[test]
fn voices_are_wanted_up_to_the_slots_and_pictures_as_they_are_shown() {
    let people: Vec<_> = (1..6)
        .map(|n| person(&format!("PA_{n}"), &[camera(&format!("TR_V{n}")), microphone(&format!("TR_A{n}"))]))
        .collect();
    let mut stage = Stage::greeted(join(&people));
    assert_eq!(subscriptions(&stage.out), [(true, ["TR_A1", "TR_A2", "TR_A3"].map(str::to_owned).to_vec())]);
    let speaks = SpeakerInfo { sid: "PA_5".to_owned(), level: 0.5, active: true };
    let said = stage.hear(Said::SpeakersChanged(SpeakersChanged { speakers: vec![speaks] }));
    assert_eq!(subscriptions(&said), [(false, vec!["TR_A3".to_owned()]), (true, vec!["TR_A5".to_owned()])]);
    assert!(told(&said).contains(&&Told::Speakers(vec!["PA_5".to_owned()])));
    let size = |width| Size { width, height: width / 16 * 9 };
    let watch = |track: &str, width| Watched { track: track.to_owned(), size: size(width) };
    let said = stage.step(Event::Watch(vec![watch("TR_V5", 960), watch("TR_NOBODY", 100), watch("TR_V1", 320)]));
    assert_eq!(subscriptions(&said), [(true, vec!["TR_V5".to_owned()])], "two pictures at most, one of nobody");
    let said = stage.step(Event::Watch(vec![watch("TR_V5", 640)]));
    let settings: Vec<u32> = asked(&said)
        .iter()
        .filter_map(|ask| if let Ask::TrackSetting(settings) = ask { Some(settings.width) } else { None })
        .collect();
    assert_eq!((settings, subscriptions(&said)), (vec![640], vec![]));
    let said = stage.step(Event::Watch(Vec::new()));
    assert_eq!(subscriptions(&said), [(false, vec!["TR_V5".to_owned()])]);
}

#[test]
fn what_is_encrypted_is_not_asked_for() {
    let secret = TrackInfo { encryption: encryption::Type::Gcm.into(), ..microphone("TR_A1") };
    let stage = Stage::greeted(join(&[person("PA_1", &[secret])]));
    assert!(subscriptions(&stage.out).is_empty());
    assert!(stage.session.people().tracks().all(|(_, _, track)| track.encrypted));
}

#[test]
fn p2_a_server_mutes_and_never_opens() {
    let mut stage = Stage::joined();
    let wish = |muted| Said::Mute(MuteTrackRequest { sid: "TR_OA".to_owned(), muted });
    let said = stage.hear(wish(true));
    assert_eq!(told(&said), [&Told::Mute(Capture::Microphone)]);
    assert!(stage.step(Event::Sends(Sends { picture: true, sound: false })).is_empty(), "it has been told");
    let said = stage.hear(wish(false));
    assert_eq!(told(&said), [&Told::UnmuteRefused(Capture::Microphone)]);
    assert_eq!(asked(&said), [Ask::Mute(MuteTrackRequest { sid: "TR_OA".to_owned(), muted: true })]);
    let said = stage.step(Event::Sends(BOTH));
    assert_eq!(
        asked(&said),
        [Ask::Mute(MuteTrackRequest { sid: "TR_OA".to_owned(), muted: false })],
        "an act in the room"
    );
}

#[test]
fn p5_of_ice_servers_only_relays_are_taken() {
    let server =
        |url: &str| IceServer { urls: vec![url.to_owned()], username: "u".to_owned(), credential: "secret".to_owned() };
    for (urls, wanted) in [
        (vec!["stun:stun.example.org:19302"], None),
        (vec!["stun:192.0.2.1", "turns:turn.example.org:443?transport=tcp"], Some(("turn.example.org", 443))),
        (vec!["turn:[2001:db8::1]:3479?transport=udp"], Some(("2001:db8::1", 3479))),
        (vec!["turn:turn.example.org"], Some(("turn.example.org", 3478))),
        (vec!["turn:turn.example.org:99999"], None),
    ] {
        let ice_servers = urls.iter().map(|url| server(url)).collect();
        let stage = Stage::greeted(JoinResponse { ice_servers, ..join(&[]) });
        let opened = stage.out.iter().find_map(|action| match action {
            Action::Media(RoomToMedia::OpenLink { relay, .. }) => Some(relay.as_ref()),
            _ => None,
        });
        let relay = opened.expect("a link").map(|relay| (relay.host.as_str(), relay.port));
        assert_eq!(relay, wanted, "{urls:?}");
        assert!(!format!("{:?}", stage.out).contains("secret"), "P9");
    }
}

/// `OFFER` with the room's picture a second time.
const TWICE: &str = "v=0\r\no=- 7 0 IN IP4 0.0.0.0\r\ns=-\r\nm=video 9 RTP 96\r\na=ssrc:1 msid:room cid-video\r\na=mid:room-video\r\n\
    m=video 9 RTP 97\r\na=ssrc:3 msid:room cid-beside\r\na=mid:room-video-beside\r\n\
    m=audio 9 RTP 111\r\na=ssrc:2 msid:room cid-audio\r\na=mid:room-audio\r\n";

#[test]
fn what_others_want_of_the_picture_is_told_for_each_codec() {
    use VideoQuality::{High, Low, Medium};
    for (sdp, codecs, first, beside) in [
        (OFFER, vec![("h264", vec![Low, High])], Wish::All, Wish::Nothing),
        (OFFER, vec![("vp8", vec![Medium])], Wish::Lines(360), Wish::Nothing),
        (OFFER, vec![("h264", vec![])], Wish::Nothing, Wish::Nothing),
        (TWICE, vec![("h264", vec![High]), ("vp8", vec![])], Wish::All, Wish::Nothing),
        (TWICE, vec![("vp8", vec![High])], Wish::Nothing, Wish::All),
        (TWICE, vec![("video/H264", vec![Medium]), ("video/VP8", vec![Low])], Wish::Lines(360), Wish::Lines(180)),
    ] {
        let mut stage = Stage::greeted(join(&[]));
        let link = stage.link();
        stage.step(Event::Offered { link, sdp: Pii::new(sdp.to_owned()) });
        stage.publish();
        let of = |(codec, enabled): (&str, Vec<VideoQuality>)| SubscribedCodec {
            codec: codec.to_owned(),
            qualities: [Low, Medium, High]
                .map(|quality| SubscribedQuality { quality: quality.into(), enabled: enabled.contains(&quality) })
                .to_vec(),
        };
        let update = SubscribedQualityUpdate {
            track_sid: "TR_OV".to_owned(),
            subscribed_codecs: codecs.iter().cloned().map(of).collect(),
            ..SubscribedQualityUpdate::default()
        };
        let said = stage.hear(Said::SubscribedQualityUpdate(update));
        assert_eq!(told(&said), [&Told::Wanted { first, beside }], "{codecs:?}");
    }
}

#[test]
fn the_picture_is_announced_once_with_both_codecs() {
    for (sdp, names) in [(OFFER, vec![]), (TWICE, vec![("h264", "cid-video"), ("vp8", "cid-beside")])] {
        let mut stage = Stage::greeted(join(&[]));
        let link = stage.link();
        let said = stage.step(Event::Offered { link, sdp: Pii::new(sdp.to_owned()) });
        let tracks: Vec<_> = asked(&said)
            .into_iter()
            .filter_map(|ask| if let Ask::AddTrack(track) = ask { Some(track) } else { None })
            .collect();
        assert_eq!(tracks.len(), 2);
        let codecs: Vec<_> =
            tracks[0].simulcast_codecs.iter().map(|one| (one.codec.as_str(), one.cid.as_str())).collect();
        assert_eq!(codecs, names);
    }
}

#[test]
fn a_cut_socket_is_resumed_with_the_newest_token_and_media_goes_on() {
    let mut stage = Stage::joined();
    stage.hear(Said::RefreshToken("token-2".to_owned()));
    assert_eq!(told(&stage.step(Event::Closed)), [&Told::Interrupted]);
    let said = stage.wait(Duration::from_millis(300));
    let [Action::Connect { address, token }] = said.as_slice() else { panic!("{said:?}") };
    assert!(address.len() > "/rtc/v1?join_request=".len() + 12 && token.reveal() == "token-2");
    stage.step(Event::Opened);
    let said = stage.hear(Said::Reconnect(livekit_protocol::ReconnectResponse::default()));
    assert!(told(&said).contains(&&Told::Resumed));
    let asks = asked(&said);
    let Some(Ask::SyncState(state)) = asks.first() else { panic!("{asks:?}") };
    assert_eq!((state.publish_tracks.len(), state.offer.as_ref().map(|offer| offer.id)), (2, Some(1)));
    assert_eq!(offers(&said), [2]);
    assert!(matches!(asked(&stage.wait(Duration::from_secs(5))).as_slice(), [Ask::PingReq(_)]), "it is looked after");
    assert!(!stage.out.iter().any(|action| matches!(action, Action::Media(RoomToMedia::CloseLink { .. }))));
}

#[test]
fn a_server_that_has_forgotten_the_room_gets_it_anew() {
    let mut stage = Stage::joined();
    stage.step(Event::Closed);
    stage.wait(Duration::from_secs(1));
    let said = stage.step(Event::Refused(Some(404)));
    assert!(said.iter().any(|action| matches!(action, Action::Media(RoomToMedia::CloseLink { .. }))));
    stage.wait(Duration::from_secs(1));
    stage.step(Event::Opened);
    let said = stage.hear(Said::Join(join(&[])));
    assert!(told(&said).contains(&&Told::Joined) && stage.link() == LinkId(42));
}

#[test]
fn every_way_of_being_sent_away_has_its_end() {
    for (reason, action, end) in [
        (DisconnectReason::DuplicateIdentity, LeaveAction::Disconnect, Some(End::Twice)),
        (DisconnectReason::ParticipantRemoved, LeaveAction::Disconnect, Some(End::Removed)),
        (DisconnectReason::RoomDeleted, LeaveAction::Disconnect, Some(End::RoomDeleted)),
        (DisconnectReason::ServerShutdown, LeaveAction::Disconnect, Some(End::ServerGone)),
        (DisconnectReason::JoinFailure, LeaveAction::Disconnect, Some(End::JoinFailed)),
        (DisconnectReason::ConnectionTimeout, LeaveAction::Resume, None),
        (DisconnectReason::StateMismatch, LeaveAction::Reconnect, None),
    ] {
        let mut stage = Stage::joined();
        let leave = LeaveRequest { reason: reason.into(), action: action.into(), ..LeaveRequest::default() };
        stage.hear(Said::Leave(leave));
        assert_eq!(stage.session.over(), end, "{reason:?}");
        assert_eq!(stage.session.sending().is_some(), action == LeaveAction::Resume, "{reason:?}");
    }
    for (status, end) in [(Some(401), End::NotAllowed), (Some(500), End::Full)] {
        let mut stage = Stage::new();
        stage.step(Event::Tick);
        stage.step(Event::Refused(status));
        assert_eq!(stage.session.over(), Some(end));
    }
    let mut stage = Stage::joined();
    assert!(asked(&stage.step(Event::Leave)).iter().any(|ask| matches!(ask, Ask::Leave(_))));
    assert_eq!(stage.session.over(), Some(End::Left));
}

#[test]
fn who_does_not_answer_pings_is_left_and_who_is_never_there_is_given_up() {
    let mut stage = Stage::joined();
    assert!(matches!(asked(&stage.wait(Duration::from_secs(5))).as_slice(), [Ask::PingReq(_)]));
    let said = stage.wait(Duration::from_secs(15));
    assert!(matches!(said.first(), Some(Action::Close)));
    let mut connects = 0;
    while stage.session.over().is_none() {
        stage.now = stage.session.deadline().expect("it goes on by itself");
        let said = stage.step(Event::Tick);
        if said.iter().any(|action| matches!(action, Action::Connect { .. })) {
            connects += 1;
            stage.step(Event::Refused(None));
        }
    }
    assert_eq!((connects, stage.session.over()), (7, Some(End::Unreachable)));
}

#[test]
fn links_that_fail_are_made_anew_but_a_false_certificate_ends_it() {
    let mut stage = Stage::joined();
    let link = stage.link();
    stage.step(Event::Link { link, state: LinkState::Failed(LinkFault::Path) });
    assert!(stage.session.sending().is_none() && stage.session.over().is_none());
    let mut stage = Stage::joined();
    let link = stage.link();
    stage.step(Event::Link { link, state: LinkState::Failed(LinkFault::Fingerprint) });
    assert_eq!(stage.session.over(), Some(End::NotGenuine));
}

#[test]
fn nonsense_ends_it_and_what_is_too_long_is_not_even_read() {
    for bytes in [vec![0xff; 40], vec![0; (1 << 20) + 1]] {
        let mut stage = Stage::joined();
        stage.step(Event::Message(bytes));
        assert_eq!(stage.session.over(), Some(End::Nonsense));
    }
    let mut stage = Stage::joined();
    // A field of a later version: number 99.
    stage.step(Event::Message(vec![0x9a, 0x06, 0x01, 0x00]));
    assert_eq!(stage.session.over(), None);
}
