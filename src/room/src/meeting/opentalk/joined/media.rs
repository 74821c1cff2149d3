//! The half with the LiveKit for which the room server hands out tokens.

use std::time::Instant;

use subrosa_messages::Pii;
use url::Url;

use super::{Joined, Of, Out, RENEW, TOKENS};
use crate::meeting::elsewhere::device::Device;
use crate::meeting::elsewhere::event::Action;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::socket::{Frame, FromSocket, ToSocket};
use crate::meeting::hosts::Named;
use crate::meeting::livekit::inside::{self, Inside};
use crate::outbound::OutboundError;
use crate::signalling::livekit::Event as OfMedia;

impl Joined {
    /// The room server names a LiveKit, with a token for it.
    pub(super) fn media(&mut self, now: Instant, address: &Pii<String>, token: Pii<String>, out: &mut Out) {
        let Some(url) = secure(address.reveal()) else { return self.fail(now, Failure::Unencrypted, out) };
        self.renews = None;
        let links = self.inside.as_ref().map_or(self.settings.inside.links, Inside::links);
        self.no_media(now, out);
        if let Some(host) = url.host_str() {
            self.hosts.declare(host, Named::AsBridge);
        }
        self.media = Some(Pii::new(url));
        self.settings.inside.links = links;
        let mut inside = Inside::new(now, self.settings.inside.clone(), token);
        let said = inside.begin(now, self.sends, self.ready, &mut self.hosts);
        self.inside = Some(inside);
        self.inside_does(now, said, out);
    }

    pub(super) fn no_media(&mut self, now: Instant, out: &mut Out) {
        let Some(mut inside) = self.inside.take() else { return };
        self.settings.inside.links = inside.links();
        let said = inside.device(now, Device::Leave, &mut self.hosts);
        self.inside_does(now, said, out);
        self.close(Of::LiveKit, out);
    }

    pub(super) fn renew_later(&mut self, now: Instant, failure: Failure, out: &mut Out) {
        self.tokens += 1;
        if self.tokens > TOKENS && failure != Failure::NoMediaBridge {
            return self.fail(now, failure, out);
        }
        self.renews = Some(now + RENEW.saturating_mul(self.tokens.min(10)));
    }

    pub(super) fn of_media(&mut self, now: Instant, said: FromSocket, out: &mut Out) {
        let event = match said {
            FromSocket::Opened => {
                self.media_open = true;
                OfMedia::Opened
            }
            FromSocket::Frame(Frame::Binary(bytes)) => OfMedia::Message(bytes.into_revealed()),
            FromSocket::Frame(Frame::Text(_)) => return,
            FromSocket::Closed(Some(OutboundError::Refused(status))) => OfMedia::Refused(Some(status)),
            FromSocket::Closed(_) if !self.media_open => OfMedia::Refused(None),
            FromSocket::Closed(_) => OfMedia::Closed,
        };
        let Some(inside) = &mut self.inside else { return };
        let said = inside.step(now, event, &mut self.hosts);
        self.inside_does(now, said, out);
    }

    pub(super) fn inside_does(&mut self, now: Instant, said: Vec<inside::Action>, out: &mut Out) {
        for action in said {
            match action {
                inside::Action::Connect { path, token } => {
                    self.close(Of::LiveKit, out);
                    self.media_open = false;
                    let url = self.media.as_ref().and_then(|url| url.reveal().join(path.trim_start_matches('/')).ok());
                    if let Some(url) = url {
                        self.media_socket = self.open(Pii::new(url), Some(token), Of::LiveKit, out);
                    }
                }
                inside::Action::Send(bytes) => {
                    out.push(Action::Socket(self.media_socket, ToSocket::Send(Frame::Binary(bytes))));
                }
                inside::Action::Close => self.close(Of::LiveKit, out),
                inside::Action::Media(message) => out.push(Action::Media(message)),
                inside::Action::Mute(capture) => out.push(Action::Mute(capture)),
                inside::Action::Records(true) if self.settings.leaves_when_recorded => {
                    self.fail(now, Failure::RecordingPolicy, out);
                }
                inside::Action::Records(_) => {}
                inside::Action::Over(failure) => self.media_over(now, failure, out),
            }
        }
    }

    /// LiveKit lets the room go. Why, the room server says where it is people who wanted that; else another token may help.
    fn media_over(&mut self, now: Instant, failure: Failure, out: &mut Out) {
        if let Some(inside) = self.inside.take() {
            self.settings.inside.links = inside.links();
        }
        match failure {
            Failure::EndToEndOn | Failure::NetworkBlocksMedia | Failure::BridgeNotGenuine => {
                self.fail(now, failure, out);
            }
            _ => self.renew_later(now, failure, out),
        }
    }
}

/// Where LiveKit is, as `wss` with a slash at the end. `None`: it would be spoken to without TLS, or it is no address.
fn secure(address: &str) -> Option<Url> {
    let mut url = Url::parse(address).ok()?;
    match url.scheme() {
        "wss" => {}
        "https" => url.set_scheme("wss").ok()?,
        _ => return None,
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url.set_query(None);
    url.set_fragment(None);
    (url.host_str().is_some() && url.username().is_empty()).then_some(url)
}
