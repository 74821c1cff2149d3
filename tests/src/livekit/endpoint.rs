//! An operator's own endpoint for tokens, as LiveKit's clients expect one: a `POST` of JSON, answered with a token for the room that it names.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::Server;

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// The first line.
    pub line: String,
    /// Names and values of the headers, the names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Value,
}

impl Request {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct State {
    asked: Vec<Request>,
    /// A token for this participant, made when it was set up, is the answer; `None`: it has none to give.
    token: Option<String>,
    url: String,
}

/// The endpoint; it ends with the process.
pub struct Endpoint {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Endpoint {
    /// Listens on loopback, without TLS. It denies everybody until it [`Endpoint::gives`].
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ended = answer(&stream, &shared);
            }
        });
        Endpoint { port, state }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on it gives whoever asks a token of this server, for this room and participant, and says that it is for `url`.
    pub fn gives(&self, server: &Server, room: &str, identity: &str, url: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.token = Some(server.token(room, identity, json!({}), json!({})));
        url.clone_into(&mut state.url);
    }

    /// What was asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<Request> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }
}

fn answer(mut stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Request { line: line.trim_end().to_owned(), headers, body: Value::Null };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    request.body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.asked.push(request);
    let (status, reply) = match &state.token {
        Some(token) => (201, json!({ "server_url": state.url, "participant_token": token })),
        None => (403, json!({ "error": "no" })),
    };
    let reply = reply.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        reply.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(reply.as_bytes()).ok()
}
