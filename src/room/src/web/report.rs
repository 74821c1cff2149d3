//! What the room is told.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use super::WebEvent;
use crate::certificates::CertificateFacts;
use crate::screen::view::Fault;

/// Sends events; a room that no longer listens is ending, and nothing has to be done about it.
pub struct Report {
    events: UnboundedSender<WebEvent>,
    serving: Mutex<Vec<SocketAddr>>,
}

impl Report {
    pub fn new(events: UnboundedSender<WebEvent>) -> Self {
        Report { events, serving: Mutex::new(Vec::new()) }
    }

    /// One more address, or one less.
    pub fn serving(&self, address: SocketAddr, served: bool) {
        let addresses = {
            let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
            serving.retain(|other| *other != address);
            if served {
                serving.push(address);
            }
            serving.clone()
        };
        self.send(WebEvent::Serving { addresses });
    }

    pub fn certificate(&self, facts: CertificateFacts) {
        self.send(WebEvent::Certificate(facts));
    }

    pub fn fault(&self, fault: Fault, present: bool) {
        self.send(WebEvent::Fault { fault, present });
    }

    fn send(&self, event: WebEvent) {
        let _room_is_ending = self.events.send(event);
    }
}
