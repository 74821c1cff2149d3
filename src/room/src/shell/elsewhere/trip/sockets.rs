//! The WebSockets of a trip, by number.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::meeting::elsewhere::socket::{Frame, FromSocket};
use crate::outbound::websocket::{self, Protocol, Said, Socket};
use crate::outbound::{Address, Trust};

/// What sockets have said and nobody has taken; whoever sends faster is read slower.
const WAITING: usize = 64;

/// Those that are open.
pub struct Sockets {
    trust: Trust,
    open: BTreeMap<u64, Socket>,
    say: mpsc::Sender<websocket::Event>,
    heard: mpsc::Receiver<websocket::Event>,
}

impl Sockets {
    /// None yet.
    pub fn new(trust: Trust) -> Self {
        let (say, heard) = mpsc::channel(WAITING);
        Sockets { trust, open: BTreeMap::new(), say, heard }
    }

    /// Opens one.
    pub fn open(&mut self, number: u64, address: Address, protocol: Protocol) {
        let (trust, events) = (self.trust.clone(), self.say.clone());
        self.open.insert(number, Socket::open(number, Arc::new(address), None, protocol, trust, events));
    }

    /// Sends a frame over one. One that does not take it says that it is closed, or is by now.
    pub fn send(&mut self, number: u64, frame: Frame) {
        let Some(socket) = self.open.get(&number) else { return };
        let _shows_as_closed = match frame {
            Frame::Text(text) => socket.send(text),
            Frame::Binary(bytes) => socket.send_bytes(bytes),
        };
    }

    /// Closes one.
    pub fn close(&mut self, number: u64) {
        self.open.remove(&number);
    }

    /// Closes all of them.
    pub fn close_all(&mut self) {
        self.open.clear();
    }

    /// What is said next. May be dropped at any time: nothing is lost.
    pub async fn next(&mut self) -> (u64, FromSocket) {
        loop {
            // `self` holds a sender: the channel does not end.
            let Some(event) = self.heard.recv().await else { return std::future::pending().await };
            if !self.open.contains_key(&event.socket) {
                continue;
            }
            let said = match event.said {
                Said::Opened => FromSocket::Opened,
                Said::Frame(text) => FromSocket::Frame(Frame::Text(text)),
                Said::Bytes(bytes) => FromSocket::Frame(Frame::Binary(bytes)),
                Said::Closed(trouble) => {
                    self.open.remove(&event.socket);
                    FromSocket::Closed(trouble)
                }
            };
            return (event.socket, said);
        }
    }
}
