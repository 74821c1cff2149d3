//! What a room server asks for over HTTP, on loopback: LiveKit's API for servers (Twirp), in which everybody's microphone is open, and the
//! service that sends something to record.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use super::{KEY, LiveKit, SECRET};
use crate::livekit::wire::{Field, fields, message, text, text_of};

/// The services; they end with the process.
pub struct Services {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Services {
    /// Listens on loopback.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let services = Services { port, asked: Arc::clone(&asked) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let asked = Arc::clone(&asked);
                std::thread::spawn(move || while answer(&stream, &asked).is_some() {});
            }
        });
        services
    }

    /// As a room is told of it.
    #[must_use]
    pub fn livekit(&self) -> LiveKit {
        let url = format!("http://127.0.0.1:{}", self.port);
        LiveKit { public: url.clone(), url, key: KEY.to_owned(), secret: SECRET.to_owned() }
    }

    /// Where what records is asked to come.
    #[must_use]
    pub fn recorder(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The paths that were asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn answer(mut stream: &TcpStream, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
    let (kind, body) = match path.rsplit('/').next() {
        Some("GetParticipant") => ("application/protobuf", participant(&body)),
        Some("MutePublishedTrack") => ("application/protobuf", message(&[(1, Field::Bytes(track(true)))])),
        Some("init") => ("application/json", b"{}".to_vec()),
        _ => ("application/protobuf", Vec::new()),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}

/// A `ParticipantInfo` of who was asked for, with a microphone.
fn participant(asked: &[u8]) -> Vec<u8> {
    let identity = text_of(&fields(asked), 2);
    message(&[(1, text("PA_1")), (2, text(&identity)), (3, Field::Number(2)), (4, Field::Bytes(track(false)))])
}

/// A `TrackInfo`.
fn track(muted: bool) -> Vec<u8> {
    message(&[(1, text("TR_1")), (4, Field::Number(u64::from(muted))), (9, Field::Number(2))])
}
