//! Somebody in a room, by hand: what they do is written in the test.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// A WebSocket with the room server.
pub struct Client {
    socket: WebSocket<TcpStream>,
    open: bool,
}

impl Client {
    /// Opens one with a token.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn open(port: u16, token: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the room server");
        let url = format!("ws://127.0.0.1:{port}/v1/signaling/{token}");
        let (socket, _answer) = tungstenite::client(url, stream).expect("a WebSocket");
        socket.get_ref().set_read_timeout(Some(Duration::from_millis(20))).expect("a socket");
        Client { socket, open: true }
    }

    /// The next text frame, if one comes within this time. After the end there is none.
    pub fn hear(&mut self, within: Duration) -> Option<String> {
        let until = Instant::now() + within;
        while self.open && Instant::now() < until {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(Message::Close(_)) => self.open = false,
                Ok(_) => {}
                Err(tungstenite::Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => self.open = false,
            }
        }
        None
    }

    /// Waits for a message of this namespace and name, and gives its payload.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for(&mut self, namespace: &str, message: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            let Some(text) = self.hear(Duration::from_millis(200)) else { continue };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["namespace"] == namespace && frame["payload"]["message"] == message {
                return frame["payload"].clone();
            }
        }
        panic!("no {namespace} {message}");
    }

    /// Whether the server has not closed yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Says a frame as it is.
    pub fn send(&mut self, text: &str) {
        let _closed = self.socket.send(Message::text(text));
    }

    /// Does something.
    pub fn act(&mut self, namespace: &str, payload: &Value) {
        self.send(&json!({ "namespace": namespace, "payload": payload }).to_string());
    }

    /// Goes.
    pub fn close(&mut self) {
        let _closed = self.socket.close(None);
        let _closed = self.hear(Duration::from_millis(300));
    }
}
