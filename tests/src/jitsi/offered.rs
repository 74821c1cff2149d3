//! A session that the focus offers, on the double of the bridge: Jingle on one side, what the bridge wants of it on the other.
//! jicofo's words are those of recording 15a.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use minidom::Element;
use subrosa_messages::Pii;
use subrosa_messages::media::Kind;
use subrosa_room::signalling::jingle::content::Content;
use subrosa_room::signalling::jingle::source::{
    EndpointId, Group, Owner, Semantics, Source, SourceName, Sources, VideoType,
};
use subrosa_room::signalling::jingle::transport::{Candidate, CandidateKind, Fingerprint, Setup, Transport};
use subrosa_room::signalling::jingle::{Action, Jingle, SessionId};
use subrosa_room::signalling::xmpp::frame;

use super::bridge::{Accepted, Bridge, Shows};
use super::socket::Socket;

/// A stream of somebody else.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Whose: eight hexadecimal digits.
    pub owner: &'static str,
    /// Its SSRC; that of its retransmissions is one higher.
    pub ssrc: u32,
    /// What it shows.
    pub shows: Shows,
    /// It is a shared screen.
    pub screen: bool,
}

impl Stream {
    fn kind(&self) -> Kind {
        if let Shows::Tone(_) = self.shows { Kind::Audio } else { Kind::Video }
    }

    fn name(&self) -> String {
        let suffix = match (self.kind(), self.screen) {
            (Kind::Audio, _) => "a0",
            (Kind::Video, false) => "v0",
            (Kind::Video, true) => "v1",
        };
        format!("{}-{suffix}", self.owner)
    }
}

/// The session.
pub struct Offered {
    /// The bridge that it is on.
    pub bridge: Bridge,
    /// The bridge's channel, where it is a WebSocket.
    pub socket: Option<Socket>,
    sid: &'static str,
    streams: Mutex<Vec<Stream>>,
    /// Names of those that the focus has told of.
    announced: Mutex<BTreeSet<String>>,
    flowing: Mutex<BTreeSet<u32>>,
    /// What the room has said over the channel, since the beginning.
    said: Mutex<Vec<serde_json::Value>>,
}

impl Offered {
    /// A session of this name, on a bridge of its own, which has these streams and forwards none yet.
    #[must_use]
    pub fn new(sid: &'static str, streams: Vec<Stream>) -> Self {
        Self::on(Bridge::start(IpAddr::V4(Ipv4Addr::LOCALHOST)), sid, streams)
    }

    /// The same on a server whose bridge has no data channels: its channel is a WebSocket.
    #[must_use]
    pub fn over_socket(sid: &'static str, streams: Vec<Stream>, socket: Socket) -> Self {
        let bridge = Bridge::without_channel(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Offered { socket: Some(socket), ..Self::on(bridge, sid, streams) }
    }

    fn on(bridge: Bridge, sid: &'static str, streams: Vec<Stream>) -> Self {
        let streams = Mutex::new(streams);
        let (announced, flowing, said) = (Mutex::default(), Mutex::default(), Mutex::default());
        Offered { bridge, socket: None, sid, streams, announced, flowing, said }
    }

    /// The `<jingle>` that offers it, with the streams that flow already.
    #[must_use]
    pub fn initiate(&self) -> Element {
        self.offer(|digest| digest)
    }

    /// The same with an address where nobody answers.
    ///
    /// # Panics
    /// When there is no address at all.
    #[must_use]
    pub fn unreachable(&self) -> Element {
        let nobody = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
        let mut jingle = Jingle::read(&self.initiate()).expect("a session-initiate");
        let transports = jingle.contents.iter_mut().filter_map(|content| content.transport.as_mut());
        transports.flat_map(|transport| &mut transport.candidates).for_each(|one| one.port = nobody.port());
        jingle.write()
    }

    /// The same with another certificate than the bridge has.
    #[must_use]
    pub fn forged(&self) -> Element {
        self.offer(|digest| digest.replace(|sign: char| sign.is_ascii_hexdigit(), "A"))
    }

    fn offer(&self, digest: impl Fn(String) -> String) -> Element {
        let mut jingle = recorded(Action::SessionInitiate);
        jingle.sid = SessionId(self.sid.to_owned());
        let mut sources = bridges_own();
        let announced = locked(&self.announced);
        for stream in locked(&self.streams).iter().filter(|stream| announced.contains(&stream.name())) {
            sources.extend(sources_of(stream)).expect("few sources");
        }
        jingle.compact = Some(sources);
        if self.socket.is_some() {
            let is_channel =
                |content: &Content| content.transport.as_ref().is_some_and(|transport| transport.sctp.is_some());
            jingle.contents.retain(|content| !is_channel(content));
            let left: Vec<String> = jingle.contents.iter().map(|content| content.name.clone()).collect();
            jingle.bundle.retain(|name| left.contains(name));
        }
        let bridge = self.bridge.transport();
        let (hash, named) = bridge.fingerprint;
        let fingerprint =
            Fingerprint { hash, digest: digest(named), setup: Some(Setup::ActPass), required: Some(false) };
        for transport in jingle.contents.iter_mut().filter_map(|content| content.transport.as_mut()) {
            let (name, password) = bridge.credentials.clone();
            transport.credentials = Some((Pii::new(name), Pii::new(password)));
            transport.fingerprints = vec![fingerprint.clone()];
            transport.candidates = vec![candidate(&bridge.candidate)];
            transport.web_sockets.clear();
            transport.web_sockets.extend(self.socket.as_ref().map(|socket| Pii::new(socket.url())));
            if let Some(sctp) = &mut transport.sctp {
                sctp.port = 5000;
            }
        }
        jingle.write()
    }

    /// Takes the `<jingle>` with which the room accepts.
    ///
    /// # Panics
    /// When it is none that this offer can have led to.
    pub fn accept(&self, accept: &Element) {
        let jingle = Jingle::read(accept).expect("a session-accept");
        assert_eq!((jingle.action, jingle.sid.0.as_str()), (Action::SessionAccept, self.sid));
        let transports = jingle.contents.iter().filter_map(|content| content.transport.as_ref());
        let transport: &Transport = transports.into_iter().next().expect("a transport");
        let (name, password) = transport.credentials.clone().expect("credentials");
        let fingerprint = transport.fingerprints.first().expect("a fingerprint").clone();
        // As a server the bridge takes certificates of ECDSA only, and webrtcbin's is RSA: the room waits (13a, 13c).
        assert_eq!(fingerprint.setup, Some(Setup::Passive));
        let sources = jingle.sources().expect("sources");
        let ssrc = |kind| sources.sources.iter().find(|source| source.kind == kind).map(|source| source.ssrc);
        let repair = sources.groups.iter().find_map(|group| group.ssrcs.get(1).copied());
        let payloads = jingle.contents.iter().filter_map(|content| content.description.as_ref());
        let mut payloads = payloads.flat_map(|description| &description.payload_types);
        self.bridge.accept(&Accepted {
            credentials: (name.into_revealed(), password.into_revealed()),
            fingerprint: (fingerprint.hash, fingerprint.digest),
            audio: ssrc(Kind::Audio),
            video: ssrc(Kind::Video).map(|ssrc| (ssrc, repair)),
            h264: payloads.any(|payload| payload.name.eq_ignore_ascii_case("h264")),
        });
    }

    /// The bridge forwards a stream from now on. Nothing is told of it yet.
    pub fn flow(&self, name: &str) {
        let stream = self.named(name);
        locked(&self.announced).insert(name.to_owned());
        if locked(&self.flowing).insert(stream.ssrc) {
            self.bridge.add(stream.ssrc, stream.shows);
        }
    }

    /// Somebody has a stream, and the bridge does not forward it yet: the `<jingle>` that tells of it.
    #[must_use]
    pub fn announce(&self, name: &str) -> Element {
        locked(&self.announced).insert(name.to_owned());
        self.changed(Action::SourceAdd, name)
    }

    /// Forwards what is announced and what the room has asked for: all sound, and pictures with a height above nought (recording 02: the last
    /// constraints count, and who is not named has the default). What the room asks for, by name.
    pub fn obey(&self) -> BTreeMap<String, i64> {
        self.listen();
        let said = locked(&self.said);
        let Some(wishes) = said.iter().rev().find(|one| one["colibriClass"] == "ReceiverVideoConstraints") else {
            return BTreeMap::new();
        };
        let default = wishes["defaultConstraints"]["maxHeight"].as_i64().unwrap_or(0);
        let streams = locked(&self.streams).clone();
        let mut asked = BTreeMap::new();
        for stream in streams.iter().filter(|stream| locked(&self.announced).contains(&stream.name())) {
            let height = wishes["constraints"][stream.name()]["maxHeight"].as_i64().unwrap_or(default);
            if stream.kind() == Kind::Video && height != 0 {
                asked.insert(stream.name(), height);
            }
            let wanted = stream.kind() == Kind::Audio || height != 0;
            let flows = locked(&self.flowing).contains(&stream.ssrc);
            if wanted && !flows && locked(&self.flowing).insert(stream.ssrc) {
                self.bridge.add(stream.ssrc, stream.shows.at(height));
            }
        }
        asked
    }

    /// The bridge says something over the room's channel.
    pub fn says(&self, message: &serde_json::Value) {
        match &self.socket {
            Some(socket) => socket.say(&message.to_string()),
            None => self.bridge.say(&message.to_string()),
        }
    }

    /// What the room has said over the channel so far is kept, in order.
    fn listen(&self) {
        let mut heard = self.bridge.heard();
        heard.extend(self.socket.iter().flat_map(Socket::heard));
        let messages = heard.iter().map(|text| serde_json::from_str(text).expect("JSON"));
        locked(&self.said).extend(messages);
    }

    /// It forwards a stream: the `<jingle>` that tells of it.
    #[must_use]
    pub fn add(&self, name: &str) -> Element {
        self.flow(name);
        self.changed(Action::SourceAdd, name)
    }

    /// It forwards a stream no longer: the `<jingle>` that tells of it. When it comes again, it has another SSRC, as that of
    /// somebody who shares once more.
    #[must_use]
    pub fn remove(&self, name: &str) -> Element {
        let stream = self.named(name);
        locked(&self.announced).remove(name);
        if locked(&self.flowing).remove(&stream.ssrc) {
            self.bridge.remove(stream.ssrc);
        }
        let told = self.changed(Action::SourceRemove, name);
        locked(&self.streams).iter_mut().filter(|stream| stream.name() == name).for_each(|stream| stream.ssrc += 10);
        told
    }

    fn changed(&self, action: Action, name: &str) -> Element {
        let mut jingle = Jingle::new(action, SessionId(self.sid.to_owned()));
        jingle.compact = Some(sources_of(&self.named(name)));
        jingle.write()
    }

    /// The `<jingle>` that ends the session.
    #[must_use]
    pub fn terminate(&self, reason: &str) -> Element {
        let text = format!(
            "<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='{}'><reason><{reason}/></reason></jingle>",
            self.sid
        );
        frame::read(&text).expect("a jingle")
    }

    /// Waits for a message of the room over the bridge's channel of which this makes something.
    ///
    /// # Panics
    /// When none comes.
    #[track_caller]
    pub fn hears<T>(&self, what: &str, within: Duration, find: impl Fn(&serde_json::Value) -> Option<T>) -> T {
        let until = Instant::now() + within;
        let mut looked_at = 0;
        while Instant::now() < until {
            self.listen();
            let said = locked(&self.said).clone();
            if let Some(found) = said.iter().skip(looked_at).find_map(&find) {
                return found;
            }
            looked_at = said.len();
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the room did not say: {what}; it said {:#?}", locked(&self.said));
    }

    fn named(&self, name: &str) -> Stream {
        let streams = locked(&self.streams);
        streams.iter().find(|stream| stream.name() == name).unwrap_or_else(|| panic!("no stream {name}")).clone()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn sources_of(stream: &Stream) -> Sources {
    let source = |ssrc| Source {
        ssrc,
        kind: stream.kind(),
        name: Some(SourceName(Pii::new(stream.name()))),
        owner: Some(Owner::Endpoint(EndpointId(Pii::new(stream.owner.to_owned())))),
        msid: Some(Pii::new(format!("{0}-0 {0}", stream.name()))),
        shows: match (stream.kind(), stream.screen) {
            (Kind::Audio, _) => None,
            (Kind::Video, false) => Some(VideoType::Camera),
            (Kind::Video, true) => Some(VideoType::Desktop),
        },
    };
    let mut sources = Sources { sources: vec![source(stream.ssrc)], groups: Vec::new() };
    if stream.kind() == Kind::Video {
        sources.sources.push(source(stream.ssrc + 1));
        let ssrcs = vec![stream.ssrc, stream.ssrc + 1];
        sources.groups.push(Group { kind: Kind::Video, semantics: Semantics::FlowIdentification, ssrcs });
    }
    sources
}

/// The bridge's own, with which it probes.
fn bridges_own() -> Sources {
    let own = |kind, ssrc, name: &str| Source {
        ssrc,
        kind,
        name: Some(SourceName(Pii::new(name.to_owned()))),
        owner: Some(Owner::Bridge),
        msid: Some(Pii::new(format!("mixedmslabel {name}"))),
        shows: None,
    };
    let sources = vec![own(Kind::Audio, 0x0b0b_0001, "jvb-a0"), own(Kind::Video, 0x0b0b_0002, "jvb-v0")];
    Sources { sources, groups: Vec::new() }
}

/// The first `<jingle>` of this kind in recording 15a.
fn recorded(action: Action) -> Jingle {
    let path = crate::stage::tree().join("tests/recordings/jitsi/15a-native-sctp-vp8/N.jsonl");
    let text = std::fs::read_to_string(path).expect("a recording");
    let mut jingles = text.lines().filter_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let came = line["data"].as_str().filter(|_| line["dir"] == "in" && line["channel"] == "xmpp")?;
        Jingle::read(Jingle::inside(&frame::read(came).ok()?)?).ok()
    });
    jingles.find(|jingle| jingle.action == action).expect("a recorded jingle")
}

/// The value of an `a=candidate` (RFC 8839, section 5.1).
fn candidate(text: &str) -> Candidate {
    let words: Vec<&str> = text.split(' ').collect();
    let [foundation, component, _, priority, address, port, ..] = words.as_slice() else { panic!("{text}") };
    Candidate {
        id: "1".to_owned(),
        foundation: (*foundation).to_owned(),
        component: component.parse().expect("a component"),
        protocol: "udp".to_owned(),
        priority: priority.parse().expect("a priority"),
        address: Pii::new(address.parse().expect("an address")),
        port: port.parse().expect("a port"),
        kind: CandidateKind::Host,
        related: None,
        generation: 0,
        network: 0,
    }
}
