//! An ordinary XMPP client for the doubles: over WebSocket without TLS, on loopback. It shares no session with the product.

use std::io;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use minidom::Element;
use subrosa_room::signalling::xmpp::{Build, element, frame, namespace};
use tungstenite::client::IntoClientRequest;
use tungstenite::{Error, Message, WebSocket};

use super::prosody::Prosody;

/// How long anything of a server on the same machine may take.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What is answered to each stanza, on the client's own thread.
pub type Answers = Box<dyn FnMut(&Element) -> Vec<Element> + Send>;

/// A client that is logged in. It goes without a word when dropped.
pub struct Client {
    /// Its address.
    pub jid: String,
    send: Sender<Element>,
    heard: Arc<(Mutex<Vec<Element>>, Condvar)>,
    ids: Mutex<u32>,
}

impl Client {
    /// A guest.
    #[must_use]
    pub fn guest(prosody: &Prosody) -> Self {
        Client::login(prosody, "meet.test", None, Box::new(|_| Vec::new()))
    }

    /// Somebody with this name, which is also the resource and the password; `None`: a guest.
    ///
    /// # Panics
    /// When the server does not let it in.
    #[must_use]
    pub fn login(prosody: &Prosody, domain: &str, name: Option<&str>, answers: Answers) -> Self {
        let tcp = TcpStream::connect(("127.0.0.1", prosody.plain)).expect("Prosody's port");
        tcp.set_nodelay(true).expect("a socket");
        let url = format!("ws://localhost:{}/xmpp-websocket?room=double", prosody.plain);
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "xmpp".parse().expect("a header"));
        let (mut socket, _) = tungstenite::client(request, tcp).expect("a WebSocket");
        socket.get_ref().set_read_timeout(Some(PATIENCE)).expect("a socket");
        let auth = Element::bare("auth", namespace::SASL);
        let auth = match name {
            // RFC 4616: nobody else's name, the name, the password.
            Some(name) => auth.with("mechanism", "PLAIN").holding(&base64(&format!("\0{name}\0{name}"))),
            None => auth.with("mechanism", "ANONYMOUS"),
        };
        let open = Element::bare("open", namespace::FRAMING).with("to", domain).with("version", "1.0");
        let mut until = |wanted: &str, said: &Element| {
            socket.send(Message::text(frame::write(said))).expect("a socket");
            loop {
                let heard = read(&mut socket).expect("a socket").expect("an answer in time");
                assert!(!matches!(heard.name(), "failure" | "error"), "{}", frame::write(&heard));
                if heard.name() == wanted {
                    return heard;
                }
            }
        };
        until("features", &open);
        until("success", &auth);
        until("features", &open);
        let mut bind = Element::bare("bind", namespace::BIND);
        if let Some(name) = name {
            bind.append_child(Element::bare("resource", namespace::BIND).holding(name));
        }
        let iq = Element::bare("iq", namespace::CLIENT).with("type", "set").with("id", "bind").child(bind);
        let bound = until("iq", &iq);
        let jid = bound.get_child("bind", namespace::BIND).and_then(|bind| bind.get_child("jid", namespace::BIND));
        let jid = jid.expect("an address").text();
        socket.get_ref().set_read_timeout(Some(Duration::from_millis(10))).expect("a socket");
        let (send, sent) = channel();
        let heard = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let shared = Arc::clone(&heard);
        std::thread::spawn(move || talk(&mut socket, &sent, &shared, answers));
        Client { jid, send, heard, ids: Mutex::new(0) }
    }

    /// Sends a stanza.
    pub fn send(&self, stanza: Element) {
        let _gone = self.send.send(stanza);
    }

    /// Waits for what `pick` finds in a stanza, among those that came before, too.
    ///
    /// # Panics
    /// When there is none in time.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, mut pick: impl FnMut(&Element) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let (list, came) = &*self.heard;
        let mut heard = list.lock().expect("the list");
        let mut seen = 0;
        loop {
            if let Some(found) = heard.iter().skip(seen).find_map(&mut pick) {
                return found;
            }
            seen = heard.len();
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not within {PATIENCE:?}: {what}; heard\n{}", lines(&heard));
            heard = came.wait_timeout(heard, left).expect("the list").0;
        }
    }

    /// Asks an IQ and waits for its answer, result or error.
    #[track_caller]
    pub fn ask(&self, iq: Element) -> Element {
        let id = {
            let mut ids = self.ids.lock().expect("the number");
            *ids += 1;
            format!("d{ids}")
        };
        self.send(iq.with("id", id.as_str()));
        self.wait("an answer", |stanza| {
            let answers = stanza.name() == "iq" && matches!(stanza.attr("type"), Some("result" | "error"));
            (answers && stanza.attr("id") == Some(&id)).then(|| stanza.clone())
        })
    }

    /// All that came so far.
    #[must_use]
    pub fn heard(&self) -> Vec<Element> {
        self.heard.0.lock().expect("the list").clone()
    }
}

fn lines(heard: &[Element]) -> String {
    heard.iter().map(frame::write).collect::<Vec<_>>().join("\n")
}

fn talk(
    socket: &mut WebSocket<TcpStream>,
    sent: &Receiver<Element>,
    heard: &Arc<(Mutex<Vec<Element>>, Condvar)>,
    mut answers: Answers,
) {
    loop {
        loop {
            match sent.try_recv() {
                Ok(stanza) => {
                    if socket.send(Message::text(frame::write(&stanza))).is_err() {
                        return;
                    }
                }
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
        }
        let Ok(stanza) = read(socket) else { return };
        let Some(stanza) = stanza else { continue };
        for answer in answers(&stanza) {
            if socket.send(Message::text(frame::write(&answer))).is_err() {
                return;
            }
        }
        heard.0.lock().expect("the list").push(stanza);
        heard.1.notify_all();
    }
}

/// The next stanza; `None` when none comes in time.
fn read(socket: &mut WebSocket<TcpStream>) -> Result<Option<Element>, Error> {
    match socket.read() {
        Ok(Message::Text(text)) => Ok(frame::read(&text).ok()),
        Ok(_) => Ok(None),
        Err(Error::Io(error)) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Base64 (RFC 4648, section 4).
fn base64(text: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= three.len() { char::from(sign) } else { '=' });
        }
    }
    out
}

/// An occupant: a client in a room, as lib-jitsi-meet stands in it (recording 08a).
pub struct Occupant {
    /// The client.
    pub client: Client,
    /// Its address in the room.
    pub place: String,
}

impl Occupant {
    /// Asks for the conference, and goes into a room under a nick.
    #[must_use]
    pub fn join(prosody: &Prosody, room: &str, nick: &str, name: &str) -> Self {
        let client = Client::guest(prosody);
        let conference = Element::bare("conference", FOCUS).with("room", room).with("machine-uid", "m");
        let answer = client.ask(element::iq("set", "focus.meet.test", conference));
        assert_eq!(answer.attr("type"), Some("result"), "{}", frame::write(&answer));
        let place = format!("{room}/{nick}");
        let own = |name: &str, text: &str| Element::bare(name, namespace::CLIENT).holding(text);
        let presence = Element::bare("presence", namespace::CLIENT)
            .with("to", place.as_str())
            .child(Element::bare("x", namespace::MUC))
            .child(own("stats-id", "Rose-CsR"))
            .child(own("SourceInfo", "{}"))
            .child(own("jitsi_participant_codecList", "vp8"))
            .child(Element::bare("nick", namespace::NICK).holding(name));
        client.send(presence);
        client.wait("an occupant is in", |stanza| own_presence(stanza, &place).then_some(()));
        Occupant { client, place }
    }

    /// Says which streams it sends, and whether each is muted.
    pub fn sends(&self, streams: &[(&str, bool)]) {
        let sources = streams.iter().map(|(name, muted)| ((*name).to_owned(), serde_json::json!({ "muted": muted })));
        let sources = serde_json::Value::Object(sources.collect());
        let own = |name: &str, text: &str| Element::bare(name, namespace::CLIENT).holding(text);
        let presence = Element::bare("presence", namespace::CLIENT)
            .with("to", self.place.as_str())
            .child(own("SourceInfo", &sources.to_string()))
            .child(own("jitsi_participant_codecList", "vp8"))
            .child(Element::bare("nick", namespace::NICK).holding("Alice"));
        self.client.send(presence);
    }

    /// Says a line to everybody.
    pub fn say(&self, line: &str) {
        let room = self.place.split('/').next().unwrap_or_default();
        let body = Element::bare("body", namespace::CLIENT).holding(line);
        let message = Element::bare("message", namespace::CLIENT).with("to", room).with("type", "groupchat");
        self.client.send(message.child(body));
    }

    /// Goes.
    pub fn leave(&self) {
        let presence = Element::bare("presence", namespace::CLIENT);
        self.client.send(presence.with("to", self.place.as_str()).with("type", "unavailable"));
    }
}

/// The namespace of jicofo.
pub const FOCUS: &str = "http://jitsi.org/protocol/focus";

/// Whether a presence says that one is in the room under this address (XEP-0045, section 7.2.2: status 110).
#[must_use]
pub fn own_presence(stanza: &Element, place: &str) -> bool {
    stanza.name() == "presence"
        && stanza.attr("from") == Some(place)
        && stanza.attr("type").is_none()
        && status(stanza, "110")
}

/// Whether a presence has a status (XEP-0045, section 15.6).
#[must_use]
pub fn status(stanza: &Element, code: &str) -> bool {
    let x = stanza.get_child("x", namespace::MUC_USER);
    x.is_some_and(|x| x.children().any(|child| child.name() == "status" && child.attr("code") == Some(code)))
}
