//! A double of OpenTalk's controller, as far as a guest needs it: who has the invitation gets a token of the room server. It is built from
//! `opentalk-types-api-v1` 0.66; the controller itself needs a database and a login service.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Room, Server, Who};

/// The code of the invitation.
pub const INVITE: &str = "6f0a3c2e-5d1b-4c8f-9a7e-2b3c4d5e6f70";

/// What was asked, and what is answered.
#[derive(Debug, Default)]
struct State {
    /// Where the controller and the room server are said to be.
    base: String,
    rooms: String,
    password: Option<String>,
    asked: Vec<(String, Value)>,
}

/// The controller; it ends with the process.
pub struct Controller {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Controller {
    /// Listens on loopback, without TLS, for one room of this server.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn listen(server: &Arc<Server>, room: &Room) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let state = Arc::<Mutex<State>>::default();
        let (server, room, shared) = (Arc::clone(server), room.clone(), Arc::clone(&state));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ended = answer(&stream, &server, &room, &shared);
            }
        });
        Controller { port, state }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where people reach it, and the room server: both with TLS.
    pub fn is_at(&self, base: &str, rooms: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.base, state.rooms) = (base.to_owned(), rooms.to_owned());
    }

    /// The meeting has a password.
    pub fn password(&self, password: &str) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).password = Some(password.to_owned());
    }

    /// What was asked, by path, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<(String, Value)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }
}

fn answer(mut stream: &TcpStream, server: &Server, room: &Room, state: &Mutex<State>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 2)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "authorization" => value.clone_into(&mut authorization),
            _ => {}
        }
        if reader.buffer().starts_with(b"\r\n") {
            reader.consume(2);
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.asked.push((path.clone(), body.clone()));
    let start = format!("/v1/rooms/{}/start", room.id);
    let (status, reply) = match path.as_str() {
        "/.well-known/opentalk/client" => (200, json!({"opentalk_controller": {"base_url": state.base}})),
        "/v1/invite/verify" if body["invite_code"] == INVITE => {
            (200, json!({"room_id": room.id, "password_required": state.password.is_some()}))
        }
        "/v1/invite/verify" => (404, json!({"code": "not_found", "message": "Not found"})),
        path if path == start && authorization == format!("InviteCode {INVITE}") => {
            if state.password.as_deref().is_some_and(|password| body["password"] != password) {
                (401, json!({"code": "wrong_room_password", "message": "Wrong password"}))
            } else {
                let name = body["display_name"].as_str().unwrap_or("Guest");
                let token = server.token(room, Who::Guest, name);
                (200, json!({"token": token, "roomserver_address": state.rooms}))
            }
        }
        _ => (404, json!({"code": "not_found", "message": "Not found"})),
    };
    let reply = reply.to_string();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        reply.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(reply.as_bytes()).ok()
}
