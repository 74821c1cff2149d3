//! A whole meeting against a hostile server: one line of the input is one frame, on the connection that its first character says.
//!
//! `<` XMPP (its id becomes that of the oldest open question, `ROOM` the room, `US` the room's own name in it), `{` the bridge's channel, `.` a second
//! passes, `#` the connection to the server is cut, `!` media is lost and comes back, `?` the link to the bridge is up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::media::{DescriptionKind, LinkId, LinkState, RoomToMedia, Size};
use subrosa_room::meeting::hosts::{Hosts, Named};
use subrosa_room::meeting::jitsi::joined::{
    Action, Event, FromSocket, Joined, Sends, Settings, ToSocket, capabilities,
};
use subrosa_room::meeting::jitsi::muc;
use subrosa_room::signalling::xmpp::{self, Build, Jid, Session, Told, frame};

const ROOM: &str = "rose@muc.meet.test";
/// What a server says until a client is online, without stream management.
const GREETING: [&str; 5] = [
    "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='meet.test' version='1.0'/>",
    "<stream:features xmlns:stream='http://etherx.jabber.org/streams'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms></stream:features>",
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' from='meet.test' version='1.0'/>",
    "<stream:features xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client'><sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>",
];
const BOUND: &str = "<iq xmlns='jabber:client' id='?' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>1a2b3c4d-0000@meet.test/r</jid></bind></iq>";
/// More than any real meeting has, and the input's length bounds the rest.
const FRAMES: usize = 400;

/// The room, its connections, and media as far as the machine can tell.
struct Room {
    now: Instant,
    session: Session,
    meeting: Joined,
    /// Ids of questions that are open.
    questions: VecDeque<String>,
    us: String,
    link: Option<LinkId>,
    socket: u64,
    over: bool,
}

/// The target.
pub fn meeting(text: &str) {
    let Some(mut room) = Room::new() else { return };
    for line in text.lines().take(FRAMES) {
        room.line(line);
    }
    room.wait(90);
    room.meets(Event::Leave);
    assert!(room.meeting.deadline().is_none(), "whoever has left waits for nothing");
}

impl Room {
    fn new() -> Option<Self> {
        let mut hosts = Hosts::default();
        hosts.declare("meet.test", Named::ByLink);
        let settings = Settings {
            muc: muc::Settings {
                room: Jid::new(ROOM)?,
                name: Pii::new("Rose".to_owned()),
                machine: Pii::new("m".to_owned()),
                http: false,
                focus: "focus.meet.test".to_owned(),
                capabilities: capabilities(true),
                seed: 7,
            },
            host: Pii::new("meet.test".to_owned()),
            leaves_when_recorded: false,
            screen: Size { width: 1920, height: 1080 },
            pictures: 6,
            links: 0,
        };
        let session = xmpp::Settings {
            domain: "meet.test".to_owned(),
            capabilities: capabilities(true),
            taken: vec![("jingle", "urn:xmpp:jingle:1")],
            seed: 7,
        };
        let mut room = Room {
            now: Instant::now(),
            session: Session::new(session),
            meeting: Joined::new(settings, hosts),
            questions: VecDeque::new(),
            us: "1a2b3c4d".to_owned(),
            link: None,
            socket: 0,
            over: false,
        };
        room.meets(Event::MediaReady { h264: true });
        room.meets(Event::Sends(Sends { picture: true, sound: true }));
        room.xmpp(xmpp::Event::Start);
        Some(room)
    }

    fn line(&mut self, line: &str) {
        match line.as_bytes().first() {
            Some(b'<') => self.frame(line),
            Some(b'{') => {
                let text = Pii::new(line.to_owned());
                match (self.socket, self.link) {
                    (0, Some(link)) => self.meets(Event::Data(link, text)),
                    (socket, _) => self.meets(Event::Bridge(socket, FromSocket::Text(text))),
                }
            }
            Some(b'.') => self.wait(1),
            Some(b'#') => self.xmpp(xmpp::Event::Closed),
            Some(b'!') => {
                self.link = None;
                self.meets(Event::MediaLost);
                self.meets(Event::MediaReady { h264: true });
            }
            Some(b'?') => {
                if let Some(link) = self.link {
                    self.meets(Event::Link { link, state: LinkState::Verified });
                    self.meets(Event::Channel { link, open: true });
                }
            }
            _ => {}
        }
    }

    fn frame(&mut self, line: &str) {
        let line = line.replace("ROOM", ROOM).replace("US", &self.us);
        let answers = frame::read(&line)
            .ok()
            .filter(|element| element.name() == "iq" && matches!(element.attr("type"), Some("result" | "error")));
        let text = match answers {
            Some(element) => {
                let Some(id) = self.questions.pop_front() else { return };
                frame::write(&element.with("id", id))
            }
            None => line,
        };
        self.xmpp(xmpp::Event::Frame(Pii::new(text)));
    }

    fn wait(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            self.xmpp(xmpp::Event::Tick);
            if self.meeting.deadline().is_some_and(|due| due <= self.now) {
                self.meets(Event::Tick);
            }
        }
    }

    fn xmpp(&mut self, event: xmpp::Event) {
        for action in self.session.step(self.now, event) {
            match action {
                xmpp::Action::Send(text) => {
                    let sent = frame::read(text.reveal());
                    assert!(sent.is_ok(), "what is sent is XML");
                    self.sent(&sent.unwrap_or_else(|_| minidom::Element::bare("none", "none")));
                }
                xmpp::Action::Connect { .. } => {
                    self.questions.clear();
                    self.xmpp(xmpp::Event::Opened);
                    for text in GREETING {
                        self.xmpp(xmpp::Event::Frame(Pii::new(text.to_owned())));
                    }
                    self.frame(BOUND);
                }
                xmpp::Action::Tell(told) => self.told(told),
                xmpp::Action::Close => {}
            }
        }
    }

    fn sent(&mut self, element: &minidom::Element) {
        match (element.name(), element.attr("type"), element.attr("id")) {
            ("iq", Some("get" | "set"), Some(id)) => self.questions.push_back(id.to_owned()),
            ("presence", None, _) => {
                if let Some(nick) = element.attr("to").and_then(|to| to.strip_prefix(ROOM)?.strip_prefix('/')) {
                    nick.clone_into(&mut self.us);
                }
            }
            _ => {}
        }
        assert!(self.questions.len() < 64, "questions are bounded");
    }

    fn told(&mut self, told: Told) {
        self.meets(Event::Xmpp(told));
    }

    fn meets(&mut self, event: Event) {
        for action in self.meeting.step(self.now, event) {
            assert!(
                !self.over || matches!(action, Action::Xmpp(_) | Action::Media(_) | Action::Bridge(..)),
                "over is over"
            );
            match action {
                Action::Xmpp(event) => self.xmpp(event),
                Action::Media(RoomToMedia::OpenLink { link, .. }) => self.link = Some(link),
                Action::Media(RoomToMedia::CloseLink { link }) if self.link == Some(link) => self.link = None,
                Action::Media(RoomToMedia::Description { link, kind: DescriptionKind::Offer, sdp, .. }) => {
                    self.meets(Event::Answered { link, sdp: Pii::new(answer(sdp.reveal())) });
                }
                Action::Bridge(socket, ToSocket::Connect(_)) => {
                    self.socket = socket;
                    self.meets(Event::Bridge(socket, FromSocket::Opened));
                }
                Action::Over(_) => self.over = true,
                // There is no word here that opens anything (P2): the type has none.
                Action::Post(_) | Action::Media(_) | Action::Bridge(..) | Action::Data(..) | Action::Mute(_) => {}
            }
        }
    }
}

/// What webrtcbin answers to a description of the room's: the same lines, with its own keys and SSRCs.
fn answer(offer: &str) -> String {
    let kept = ["m=", "a=mid:", "a=rtpmap:", "a=fmtp:", "a=rtcp-fb:", "a=extmap:", "a=sctp-port:"];
    let mut text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n".to_owned();
    for line in offer.lines().filter(|line| kept.iter().any(|start| line.starts_with(start))) {
        text.push_str(line);
        text.push_str("\r\n");
        if let Some(mid) = line.strip_prefix("a=mid:") {
            let fingerprint = ["AB"; 32].join(":");
            text.push_str(&format!(
                "a=ice-ufrag:room\r\na=ice-pwd:0123456789012345678901\r\na=setup:passive\r\na=fingerprint:sha-256 {fingerprint}\r\n"
            ));
            text.push_str(match mid {
                "room-audio" => "a=ssrc:4001 cname:x\r\n",
                "room-video" => "a=ssrc-group:FID 4002 4003\r\na=ssrc:4002 cname:x\r\na=ssrc:4003 cname:x\r\n",
                _ => "",
            });
        }
    }
    text
}
