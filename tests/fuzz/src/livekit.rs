//! A meeting on a hostile LiveKit server.

use std::time::{Duration, Instant};

use livekit_protocol::SignalResponse;
use prost::Message;
use subrosa_messages::Pii;
use subrosa_messages::media::{DescriptionKind, Kind, LinkState, Mid, RoomToMedia, Size, TrackId};
use subrosa_room::meeting::elsewhere::device::Device;
use subrosa_room::meeting::elsewhere::event::{Action, Event};
use subrosa_room::meeting::elsewhere::socket::{Frame, FromSocket, ToSocket};
use subrosa_room::meeting::livekit::inside;
use subrosa_room::meeting::livekit::joined::{Entrance, Joined, Settings};
use subrosa_room::meeting::livekit::link::Link;
use subrosa_room::outbound::OutboundError;
use subrosa_room::signalling::Sends;
use subrosa_room::signalling::livekit::packet::CHANNEL;

const LINES: usize = 400;
/// What media offers: its tracks are `cid-video` and `cid-audio`.
const OFFER: &str = "v=0\r\no=- 7 0 IN IP4 0.0.0.0\r\ns=-\r\nm=video 9 RTP 96\r\na=ssrc:1 msid:room cid-video\r\na=mid:room-video\r\n\
    m=audio 9 RTP 111\r\na=ssrc:2 msid:room cid-audio\r\na=mid:room-audio\r\n";

/// One line of the input is one message of the server's, as JSON of `SignalResponse` where it is that, else its bytes. `.` some seconds
/// pass, `x` the WebSocket is closed, `o` a newer one opens, `m` media is gone and there again, `s` the switches change, `d` bytes come over
/// the data channel, `t` something comes on the first slots, `l` the link is silent, `v` it is there, `n` the server does not know the
/// way in that was tried.
pub fn meeting(text: &str) {
    let token = "e30.eyJ2aWRlbyI6eyJyb29tIjoiUm9zZSJ9fQ.c2ln";
    let Ok(Some(link)) = Link::read(&format!("livekit+wss://meet.test/?token={token}")) else { return };
    let mut now = Instant::now();
    let inside = inside::Settings {
        screen: Size { width: 1920, height: 1080 },
        pictures: 6,
        picture: Size { width: 1280, height: 720 },
        links: 0,
    };
    let Some(token) = link.token().cloned() else { return };
    let settings = Settings {
        host: link.host().clone(),
        server: link.server().clone(),
        entrance: Entrance::Token(token),
        leaves_when_recorded: true,
        inside,
    };
    let mut meeting = Joined::new(now, settings);
    let (mut socket, mut opened, mut over) = (0, None, false);
    let begin = [Event::Device(Device::MediaReady { h264: true }), Event::Device(Device::Tick)];
    let mut events: Vec<Event> = begin.into_iter().rev().collect();
    let mut lines = text.lines().take(LINES);
    loop {
        let Some(event) = events.pop() else {
            let Some(line) = lines.next() else { break };
            events.extend(of_line(line, socket, opened, &mut now));
            continue;
        };
        for action in meeting.step(now, event) {
            assert!(!over, "over is over");
            assert!(!matches!(action, Action::Ask(..)), "nothing is asked");
            match action {
                Action::Socket(number, ToSocket::Connect { url, bearer, .. }) => {
                    assert_eq!((url.reveal().scheme(), url.reveal().host_str()), ("wss", Some("meet.test")));
                    assert!(bearer.is_some());
                    socket = number;
                }
                Action::Media(RoomToMedia::OpenLink { link, .. }) => {
                    opened = Some(link);
                    let (kind, sdp) = (DescriptionKind::Offer, Pii::new(OFFER.to_owned()));
                    events.push(Event::Device(Device::Described { link, kind, sdp }));
                }
                Action::Media(RoomToMedia::Description { link, kind: DescriptionKind::Offer, sdp, .. }) => {
                    let kind = DescriptionKind::Answer;
                    events.push(Event::Device(Device::Described { link, kind, sdp }));
                }
                Action::Over(_) => over = true,
                Action::Ask(..) | Action::Socket(..) | Action::Media(_) | Action::Data(..) | Action::Mute(_) => {}
            }
        }
        let _can_be_shown = (meeting.phase(true), meeting.heard());
        assert!(meeting.hosts().declared().len() <= 32, "hosts are bounded");
    }
    if !over {
        meeting.step(now, Event::Device(Device::Leave));
    }
    assert!(meeting.deadline().is_none(), "whoever has left waits for nothing");
}

fn of_line(line: &str, socket: u64, link: Option<subrosa_messages::media::LinkId>, now: &mut Instant) -> Vec<Event> {
    let device = Event::Device;
    let track = |mid: &str| link.map(|link| TrackId { link, mid: Mid(mid.to_owned()) });
    match line.as_bytes() {
        [b'.', ..] => {
            *now += Duration::from_secs(4);
            vec![device(Device::Tick)]
        }
        [b'x'] => vec![Event::Socket(socket, FromSocket::Closed(None))],
        [b'o'] => vec![Event::Socket(socket, FromSocket::Opened)],
        [b'n'] => {
            let refused = Some(OutboundError::Refused(404));
            vec![Event::Socket(socket, FromSocket::Closed(refused)), device(Device::Tick)]
        }
        [b'm'] => vec![device(Device::MediaReady { h264: false }), device(Device::MediaLost)],
        [b's', open @ ..] => {
            vec![device(Device::Sends(Sends { picture: open.len() % 2 == 0, sound: open.len() % 3 == 0 }))]
        }
        [b'd', bytes @ ..] => {
            let bytes = Pii::new(bytes.to_vec());
            link.map(|link| device(Device::Data { link, channel: CHANNEL.to_owned(), bytes })).into_iter().collect()
        }
        [b't'] => {
            let (picture, sound) = (track("slot-0-video"), track("slot-0-audio"));
            let moves = track("slot-0-video").map(|track| Device::Picture(track, true));
            let came = picture.map(|track| Device::Track(track, Kind::Video));
            let heard = sound.map(|track| Device::Track(track, Kind::Audio));
            [moves, came, heard].into_iter().flatten().map(device).collect()
        }
        [b'l'] => link.map(|link| device(Device::Link { link, state: LinkState::Silent })).into_iter().collect(),
        [b'v'] => link.map(|link| device(Device::Link { link, state: LinkState::Verified })).into_iter().collect(),
        bytes => {
            let message = serde_json::from_slice::<SignalResponse>(bytes).map(|message| message.encode_to_vec());
            let bytes = Pii::new(message.unwrap_or_else(|_| bytes.to_vec()));
            vec![Event::Socket(socket, FromSocket::Frame(Frame::Binary(bytes)))]
        }
    }
}
