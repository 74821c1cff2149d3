//! A link of ours against the double of a bridge: offers one after the other, streams told apart by their SSRCs.

use super::*;

#[path = "../../../../../tests/src/jitsi/bridge/mod.rs"]
#[allow(dead_code, unused_imports)] // tests of the whole use the rest
mod double;

use double::{Accepted, Bridge, Transport};

/// The offer that the room writes for its media: `slots` are codec and SSRC; without one the slot is off.
fn offer(transport: &Transport, slots: &[(Codec, Option<u32>)]) -> String {
    let mids: Vec<String> = (0..slots.len()).map(|n| format!(" slot-{n}")).collect();
    let mut sdp = format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE room-audio room-video bridge{}\r\n",
        mids.concat()
    );
    let common = |mid: &str| {
        let ((name, password), (hash, digest)) = (&transport.credentials, &transport.fingerprint);
        format!(
            "a=mid:{mid}\r\na=ice-ufrag:{name}\r\na=ice-pwd:{password}\r\na=fingerprint:{hash} {digest}\r\na=setup:active\r\n"
        )
    };
    let line = |mid: &str, codec: Codec, port: &str, direction: &str, ssrc: Option<u32>| {
        let (kind, formats, map) = match codec {
            Codec::Opus => (
                "audio",
                "111",
                "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtcp-fb:111 transport-cc\r\n\
                 a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
            ),
            Codec::Vp8 => (
                "video",
                "100 96",
                "a=rtpmap:100 VP8/90000\r\na=rtcp-fb:100 ccm fir\r\na=rtcp-fb:100 nack\r\na=rtcp-fb:100 nack pli\r\n\
                 a=rtcp-fb:100 transport-cc\r\na=rtpmap:96 rtx/90000\r\na=fmtp:96 apt=100\r\n",
            ),
            Codec::H264 => (
                "video",
                "107 99",
                "a=rtpmap:107 H264/90000\r\na=fmtp:107 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1\r\n\
                 a=rtcp-fb:107 ccm fir\r\na=rtcp-fb:107 nack\r\na=rtcp-fb:107 nack pli\r\na=rtcp-fb:107 transport-cc\r\n\
                 a=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=107\r\n",
            ),
        };
        let ssrc = ssrc.map(|ssrc| format!("a=ssrc:{ssrc} cname:{mid}\r\na=ssrc:{ssrc} msid:{mid} {mid}\r\n"));
        format!(
            "m={kind} {port} UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\na={direction}\r\n{map}\
             a=extmap:5 {}\r\n{}{}",
            caps::TWCC,
            ssrc.unwrap_or_default(),
            common(mid)
        )
    };
    sdp.push_str(&line("room-audio", Codec::Opus, "9", "sendrecv", Some(1)));
    sdp.push_str(&format!("a=candidate:{}\r\n", transport.candidate));
    sdp.push_str(&line("room-video", Codec::Vp8, "9", "sendrecv", Some(2)));
    sdp.push_str("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n");
    sdp.push_str(&common("bridge"));
    for (n, (codec, ssrc)) in slots.iter().enumerate() {
        let (port, direction) = if ssrc.is_some() { ("9", "sendonly") } else { ("0", "inactive") };
        sdp.push_str(&line(&format!("slot-{n}"), *codec, port, direction, *ssrc));
    }
    sdp
}

struct Visit {
    room: End,
    bridge: Bridge,
    transport: Transport,
    answers: Vec<String>,
    _picture: Picture,
    _encoding: Encoding,
    _tone: Tone,
}

impl Visit {
    fn begin(lie: impl Fn(&mut Transport)) -> Self {
        crate::plugins::start().unwrap();
        let timebase = Timebase::start();
        let cuts = Cuts::new(&timebase);
        let picture = Picture::new(SIZE, 30, &timebase, &cuts.camera).unwrap();
        let encoding = encoding("vp8enc", &picture, &timebase);
        let tone = Tone::start(&timebase);
        let bridge = Bridge::start(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let mut transport = bridge.transport();
        lie(&mut transport);
        let channel =
            DataChannel { label: "JVB data channel".into(), protocol: "http://jitsi.org/protocols/colibri".into() };
        let plan = Plan { data_channels: vec![channel], ..plan(DescriptionKind::Answer, Vec::new(), &timebase) };
        let room = End::open(plan);
        let video = Feed { producer: encoding.producer().clone(), cut: Some(cuts.camera.clone()) };
        room.link().send(Mid("room-video".into()), Some(video));
        let audio = Feed { producer: tone.producer.clone(), cut: Some(cuts.microphone.clone()) };
        room.link().send(Mid("room-audio".into()), Some(audio));
        let mut visit =
            Visit { room, bridge, transport, answers: Vec::new(), _picture: picture, _encoding: encoding, _tone: tone };
        let answer = visit.negotiate(&[]);
        visit.bridge.accept(&Accepted::read(&answer, "room-audio", "room-video"));
        visit
    }

    fn joined() -> Self {
        let mut visit = Visit::begin(|_| {});
        visit.room.state(LinkState::Verified);
        visit
    }

    fn say(&self, sdp: String) {
        self.room.link().describe(DescriptionKind::Offer, sdp, true);
    }

    fn negotiate(&mut self, slots: &[(Codec, Option<u32>)]) -> String {
        self.say(offer(&self.transport, slots));
        let answer = self.next(|event| match event {
            LinkEvent::Description(DescriptionKind::Answer, sdp) => Some(sdp.clone()),
            _ => None,
        });
        self.answers.push(answer.clone());
        answer
    }

    /// Waits for the next event that fits; those before it are over.
    fn next<T>(&mut self, wanted: impl Fn(&LinkEvent) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            let event = self.room.events.recv_timeout(until.saturating_duration_since(Instant::now()));
            let event = event.unwrap_or_else(|_| panic!("not said; seen: {:?}", self.room.states()));
            let found = wanted(&event);
            self.room.seen.push(event);
            if let Some(found) = found {
                return found;
            }
        }
    }
}

#[test]
fn a_bridge_sees_the_room_under_the_same_ssrcs_after_every_offer_and_its_channel_opens_once() {
    let mut visit = Visit::joined();
    visit.next(|event| matches!(event, LinkEvent::Channel(_, true)).then_some(()));
    let until = Instant::now() + PATIENCE;
    while visit.bridge.channel().is_none() {
        assert!(Instant::now() < until, "no channel");
        thread::sleep(Duration::from_millis(20));
    }
    let (label, protocol) = visit.bridge.channel().unwrap();
    assert_eq!((label.as_str(), protocol.as_str()), ("JVB data channel", "http://jitsi.org/protocols/colibri"));
    visit.room.link().data("JVB data channel".into(), b"{\"colibriClass\":\"ClientHello\"}".to_vec());
    visit.bridge.say("{\"colibriClass\":\"ForwardedSources\"}");
    let said = visit.next(|event| if let LinkEvent::Data(_, bytes) = event { Some(bytes.clone()) } else { None });
    assert_eq!(said, b"{\"colibriClass\":\"ForwardedSources\"}");
    let mut heard = Vec::new();
    while heard.is_empty() {
        assert!(Instant::now() < until, "nothing was heard");
        heard = visit.bridge.heard();
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(heard, ["{\"colibriClass\":\"ClientHello\"}"]);
    // A renegotiation opens no second one.
    visit.negotiate(&[(Codec::Opus, Some(13))]);
    visit.negotiate(&[(Codec::Opus, None), (Codec::Vp8, Some(14)), (Codec::H264, Some(15))]);
    let told: Vec<Accepted> =
        visit.answers.iter().map(|answer| Accepted::read(answer, "room-audio", "room-video")).collect();
    assert!(
        told.len() == 3 && told.iter().all(|one| Some(one) == told.first()),
        "what we send keeps its SSRCs: {told:?}"
    );
    assert!(told.iter().all(|one| one.audio.is_some() && one.video.is_some_and(|(_, repair)| repair.is_some())));
    // An offer that cannot be taken changes nothing.
    visit.say("nonsense".into());
    let before = visit.bridge.seen.frames().len();
    let more = visit.bridge.seen.wait(PATIENCE, |frames, _| (frames.len() > before + 2).then_some(()));
    assert!(more.is_some(), "the room is seen");
    visit.bridge.close_channel();
    visit.next(|event| matches!(event, LinkEvent::Channel(_, false)).then_some(()));
}

#[test]
fn p8_a_bridge_with_another_certificate_than_was_said_gets_nothing() {
    let mut visit = Visit::begin(|transport| transport.fingerprint.1 = ["AB"; 32].join(":"));
    visit.next(|event| matches!(event, LinkEvent::State(LinkState::Failed(LinkFault::Fingerprint))).then_some(()));
    assert!(!visit.room.seen.iter().any(|event| matches!(event, LinkEvent::Channel(..) | LinkEvent::Track(_))));
    assert!(visit.bridge.seen.packets().is_empty());
}
