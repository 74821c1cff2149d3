//! What a link passes on, and whom it talks to, before it knows its peer and afterwards (P5, P8).

use super::*;

/// A transport that nothing comes of; counts how often lines were released.
#[derive(Default)]
struct Nobody(Arc<AtomicUsize>);

impl PeerTransport for Nobody {
    fn offer(&mut self) -> Result<String, LinkFault> {
        Ok(String::new())
    }
    fn accept(&mut self, _: DescriptionKind, _: &str) -> Result<Option<String>, LinkFault> {
        Ok(None)
    }
    fn send(&mut self, _: &Mid, _: Option<&Feed>) {}
    fn release(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn pause(&mut self, _: &Mid, _: bool) {}
    fn data(&mut self, _: &str, _: &[u8]) {}
}

#[test]
fn p8_nothing_of_a_peer_is_passed_on_before_its_certificate_was_compared() {
    gst::init().unwrap();
    let tone = Tone::start(&Timebase::start());
    let track = || {
        let track = TrackId { link: LinkId(1), mid: Mid("guest-audio".into()) };
        TransportEvent::Track(Inbound {
            track,
            codec: Codec::Opus,
            producer: tone.producer.clone(),
            meter: Meter::default(),
        })
    };
    let said_of = |events: Vec<TransportEvent>| {
        let (orders, inbox) = mpsc::channel();
        for event in events {
            orders.send(Order::Transport(event)).unwrap();
        }
        orders.send(Order::Close).unwrap();
        let (sender, said) = mpsc::channel();
        let released = Arc::new(AtomicUsize::new(0));
        let (link, transport) = (LinkId(1), Box::new(Nobody(released.clone())));
        let tell: TellSession = Arc::new(move |_, event| drop(sender.send(event)));
        let desk = Desk::new(link, tell, transport);
        let _closed_or_failed = desk.work(DescriptionKind::Answer, &inbox);
        let said: Vec<&str> = said
            .try_iter()
            .map(|event| match event {
                LinkEvent::State(LinkState::Verified) => "verified",
                LinkEvent::Track(_) => "track",
                LinkEvent::Data(..) => "data",
                _ => "something else",
            })
            .collect();
        (said, released.load(Ordering::SeqCst))
    };
    let data = || TransportEvent::Data("room".into(), b"words".to_vec());
    assert_eq!(said_of(vec![track(), data()]), (vec![], 0), "of a peer that is never verified");
    let failed = TransportEvent::Failed(LinkFault::Fingerprint);
    assert_eq!(said_of(vec![track(), failed, TransportEvent::Verified]), (vec![], 0), "of one that somebody forges");
    let all = vec![track(), data(), TransportEvent::Verified, data(), track(), TransportEvent::Verified];
    assert_eq!(said_of(all), (vec!["verified", "track", "data", "track"], 1), "in its order, and once");
}

#[test]
fn p8_a_forged_fingerprint_fails_and_no_packet_leaves() {
    let forge = |answer: String| {
        let lines = answer.lines().map(|line| {
            if line.starts_with("a=fingerprint:") {
                format!("a=fingerprint:sha-256 {}", ["AB"; 32].join(":"))
            } else {
                line.to_owned()
            }
        });
        lines.flat_map(|line| [line, "\r\n".into()]).collect::<String>()
    };
    let mut call = Call::connect(Codec::H264, forge);
    call.room.state(LinkState::Failed(LinkFault::Fingerprint));
    assert!(!call.room.states().contains(&LinkState::Verified));
    // The guest's own check was right, so it would report what arrives; if the room hung up before the guest was done with
    // its side of the handshake, it counts packets all the same.
    let until = Instant::now() + Duration::from_secs(1);
    while let Ok(event) = call.guest.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
        assert!(!matches!(event, LinkEvent::Track(_)), "something arrived");
    }
    assert_eq!(call.guest.link().figures().heard(), 0);
}

#[test]
fn p5_descriptions_name_the_addresses_given_and_no_others() {
    let mut call = Call::connected(Codec::H264);
    let offer = call.room.description();
    let candidates: Vec<&str> = offer.lines().filter(|line| line.starts_with("a=candidate:")).collect();
    assert!(!candidates.is_empty());
    assert!(candidates.iter().all(|line| line.contains(" 127.0.0.1 ") && line.contains(" UDP ")), "{candidates:?}");
}

#[test]
fn p5_a_candidate_of_a_guest_is_never_contacted() {
    let elsewhere = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    elsewhere.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    let candidate = format!("a=candidate:7 1 UDP 2130706431 127.0.0.1 {port} typ host\r\na=end-of-candidates\r\n");
    let mut call = Call::connect(Codec::H264, |answer| {
        answer.replacen("a=mid:room-video\r\n", &format!("a=mid:room-video\r\n{candidate}"), 1)
    });
    call.room.state(LinkState::Verified);
    assert!(elsewhere.recv(&mut [0; 64]).is_err(), "a packet went where the guest pointed");
}

#[test]
fn p5_ports_are_those_of_the_range_and_a_range_that_is_taken_is_said() {
    crate::plugins::start().unwrap();
    let timebase = Timebase::start();
    // A port that is free now.
    let port = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let with_range = || {
        let mut plan = plan(DescriptionKind::Offer, lines(Codec::H264), &timebase);
        plan.network.udp_ports = Some((port, port));
        End::open(plan)
    };
    let mut room = with_range();
    assert!(room.description().contains(&format!(" 127.0.0.1 {port} typ host")));
    with_range().state(LinkState::Failed(LinkFault::Path));
}
