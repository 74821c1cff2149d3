//! JSON messages over a WebSocket: what both protocols are made of.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::namespace::{Namespace, inside};

/// One connection. Commands are answered in turn; events are kept until somebody looks.
pub(super) struct Wire {
    socket: WebSocket<TcpStream>,
    next: u64,
    /// Events so far: method and parameters.
    pub(super) events: VecDeque<(String, Value)>,
}

const ANSWER: Duration = Duration::from_secs(30);

impl Wire {
    pub(super) fn connect(namespace: Option<&Namespace>, url: &str) -> Result<Self, String> {
        let authority = url.trim_start_matches("ws://").split('/').next().unwrap_or_default();
        let stream = inside(namespace, || TcpStream::connect(authority)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (socket, _) = tungstenite::client(url, stream).map_err(|error| error.to_string())?;
        socket.get_ref().set_read_timeout(Some(Duration::from_millis(200))).map_err(|error| error.to_string())?;
        Ok(Wire { socket, next: 1, events: VecDeque::new() })
    }

    /// Sends a command and waits for its result.
    pub(super) fn command(&mut self, method: &str, parameters: &Value) -> Result<Value, String> {
        let id = self.next;
        self.next += 1;
        let text = json!({"id": id, "method": method, "params": parameters}).to_string();
        self.socket.send(Message::text(text)).map_err(|error| format!("{method}: {error}"))?;
        let deadline = Instant::now() + ANSWER;
        loop {
            let Some(answer) = self.read(deadline).map_err(|error| format!("{method}: {error}"))? else {
                return Err(format!("{method}: no answer within {ANSWER:?}"));
            };
            if answer["id"] != id {
                continue;
            }
            // DevTools says `error` as an object, BiDi as a word beside `message`.
            return match answer.get("error") {
                Some(error) => Err(format!("{method}: {error} {}", answer["message"])),
                None => Ok(answer["result"].clone()),
            };
        }
    }

    /// Waits for an event.
    pub(super) fn wait(&mut self, method: &str, within: Duration) -> Result<Value, String> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(at) = self.events.iter().position(|(found, _)| found == method) {
                return Ok(self.events.remove(at).map(|(_, parameters)| parameters).unwrap_or_default());
            }
            if self.read(deadline)?.is_none() {
                return Err(format!("no {method} within {within:?}"));
            }
        }
    }

    /// Reads what has come without waiting for more.
    pub(super) fn drain(&mut self) {
        while let Ok(Some(_)) = self.read(Instant::now()) {}
    }

    fn read(&mut self, deadline: Instant) -> Result<Option<Value>, String> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
                    if let Some(method) = message["method"].as_str() {
                        self.events.push_back((method.to_owned(), message["params"].clone()));
                    }
                    return Ok(Some(message));
                }
                Ok(_) => {}
                Err(tungstenite::Error::Io(error))
                    if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
                {
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}
