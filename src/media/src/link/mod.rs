//! Links: one peer connection each, with its own pipeline and its own thread.
//!
//! What a link is made of stands behind [`PeerTransport`]; [`webrtc`] is the one there is. The thread of a link
//! carries out orders one after the other, however long they take (gathering, teardown); the session never waits.

pub mod caps;
pub mod carry;
pub mod certificate;
pub mod dtls;
pub mod fingerprint;
pub mod flood;
pub mod gate;
pub mod ice;
pub mod line;
pub mod liveness;
pub mod request;
pub mod sdp;
pub mod streams;
pub mod webrtc;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use gstreamer_utils::StreamProducer;
use subrosa_messages::media::{DataChannel, DescriptionKind, Line, LinkFault, LinkId, LinkNetwork, LinkState, Mid};

use crate::cut::Cut;
use crate::inbound::Inbound;
use crate::timebase::Timebase;

/// What a line sends: encoded frames of its codec, and the gate of the capture they come from, if they do.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The frames.
    pub producer: StreamProducer,
    /// The capture's gate.
    pub cut: Option<Cut>,
}

/// What a link is opened with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name.
    pub link: LinkId,
    /// Our side.
    pub side: DescriptionKind,
    /// Its lines, for the offering side.
    pub lines: Vec<Line>,
    /// With these data channels; the answering side has at most one.
    pub data_channels: Vec<DataChannel>,
    /// How the peer is reached.
    pub network: LinkNetwork,
    /// The clock.
    pub timebase: Timebase,
    /// What the path is taken for before it has been measured, in bit/s.
    pub first_estimate: u32,
    /// Upper bound of what the path may be estimated at, in bit/s.
    pub max_estimate: u32,
}

/// What a transport says by itself, from any of its threads.
#[derive(Debug)]
pub enum TransportEvent {
    /// DTLS has finished and the certificate is the right one.
    Verified,
    /// It is of no more use.
    Failed(LinkFault),
    /// The lines that the answering side has taken from the offer.
    Lines(Vec<Line>),
    /// Frames arrive on a line for the first time, or from another stream than before.
    Track(Inbound),
    /// Nothing comes on a line any more.
    Ended(Mid),
    /// The data channel with this label is open, or is no more.
    Channel(String, bool),
    /// The peer sent this over the data channel with this label.
    Data(String, Vec<u8>),
}

/// A peer connection. Nothing of it assumes DTLS, or one connection per participant.
pub trait PeerTransport: Send {
    /// Our offer, with all candidates.
    ///
    /// # Errors
    /// When it cannot be made.
    fn offer(&mut self) -> Result<String, LinkFault>;
    /// Takes the peer's description; for an offer the result is our answer, with all candidates, or nothing where the offer
    /// cannot be taken and what there is goes on as it was.
    ///
    /// # Errors
    /// When it cannot be used.
    fn accept(&mut self, kind: DescriptionKind, sdp: &str) -> Result<Option<String>, LinkFault>;
    /// What a line sends from now on.
    fn send(&mut self, mid: &Mid, feed: Option<&Feed>);
    /// The peer is who it says: lines may send.
    fn release(&mut self);
    /// Holds what a line sends back, or lets it go again.
    fn pause(&mut self, mid: &Mid, paused: bool);
    /// Sends over the data channel with this label, if it is open.
    fn data(&mut self, channel: &str, bytes: &[u8]);
}

/// What can be read of a link at any time, from any thread.
pub trait Figures: Send + Sync {
    /// Packets that have come from the peer.
    fn heard(&self) -> u64;
    /// Estimate of the path towards the peer, in bit/s; `None`: the peer does not say what arrives.
    fn estimate(&self) -> Option<u32>;
}

/// What a link says to the session.
#[derive(Debug)]
pub enum LinkEvent {
    /// Our description.
    Description(DescriptionKind, String),
    /// The lines that the answering side has taken from the offer.
    Lines(Vec<Line>),
    /// How it is.
    State(LinkState),
    /// Frames arrive on a line, in place of those before.
    Track(Inbound),
    /// Nothing comes on a line any more.
    Ended(Mid),
    /// The data channel with this label is open, or is no more.
    Channel(String, bool),
    /// The peer sent this over the data channel with this label.
    Data(String, Vec<u8>),
}

/// Tells the session; from any thread.
pub type TellSession = Arc<dyn Fn(LinkId, LinkEvent) + Send + Sync>;

enum Order {
    Description(DescriptionKind, String, bool),
    Send(Mid, Option<Feed>),
    Pause(Mid, bool),
    Data(String, Vec<u8>),
    Transport(TransportEvent),
    Close,
}

/// The handle of a link. Every call returns at once; dropping it closes the link.
pub struct Link {
    orders: Sender<Order>,
    figures: Arc<dyn Figures>,
}

impl Link {
    /// Opens a link with webrtcbin.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn open(plan: Plan, tell: TellSession) -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::channel();
        let shared = Arc::new(webrtc::Shared::new(tell_transport(&orders)));
        let figures: Arc<dyn Figures> = shared.clone();
        let link = plan.link;
        thread::Builder::new().name(format!("link-{}", link.0)).spawn(move || {
            let connecting = LinkEvent::State(LinkState::Connecting);
            tell(link, connecting);
            let side = plan.side;
            let transport = webrtc::WebRtc::new(plan, shared).map(|transport| Box::new(transport) as Box<_>);
            let last = match transport {
                Ok(transport) => Desk::new(link, tell.clone(), transport).work(side, &inbox),
                Err(fault) => LinkState::Failed(fault),
            };
            tell(link, LinkEvent::State(last));
        })?;
        Ok(Link { orders, figures })
    }

    /// The peer's description. Its candidates are taken out unless `candidates` is set.
    pub fn describe(&self, kind: DescriptionKind, sdp: String, candidates: bool) {
        let _gone_when_closed = self.orders.send(Order::Description(kind, sdp, candidates));
    }

    /// What a line sends from now on.
    pub fn send(&self, mid: Mid, feed: Option<Feed>) {
        let _gone_when_closed = self.orders.send(Order::Send(mid, feed));
    }

    /// Holds what a line sends back, or lets it go again.
    pub fn pause(&self, mid: Mid, paused: bool) {
        let _gone_when_closed = self.orders.send(Order::Pause(mid, paused));
    }

    /// Sends over the data channel with this label.
    pub fn data(&self, channel: String, bytes: Vec<u8>) {
        let _gone_when_closed = self.orders.send(Order::Data(channel, bytes));
    }

    /// Packets heard and estimate.
    #[must_use]
    pub fn figures(&self) -> &dyn Figures {
        &*self.figures
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _gone_when_failed = self.orders.send(Order::Close);
    }
}

fn tell_transport(orders: &Sender<Order>) -> Box<dyn Fn(TransportEvent) + Send + Sync> {
    let orders = orders.clone();
    Box::new(move |event| {
        let _gone_when_closed = orders.send(Order::Transport(event));
    })
}

/// The thread of a link.
struct Desk {
    link: LinkId,
    tell: TellSession,
    transport: Box<dyn PeerTransport>,
    /// Tracks that came before the peer was verified.
    held: Vec<Inbound>,
    /// The data channels that were open before.
    channels: BTreeSet<String>,
    open: bool,
    verified: bool,
}

impl Desk {
    fn new(link: LinkId, tell: TellSession, transport: Box<dyn PeerTransport>) -> Self {
        Desk { link, tell, transport, held: Vec::new(), channels: BTreeSet::new(), open: true, verified: false }
    }

    /// Works until the link is closed or has failed; the pipeline is torn down before it returns.
    fn work(mut self, side: DescriptionKind, inbox: &Receiver<Order>) -> LinkState {
        let mut last = LinkState::Closed;
        if side == DescriptionKind::Offer {
            match self.transport.offer() {
                Ok(sdp) => self.say(LinkEvent::Description(DescriptionKind::Offer, sdp)),
                Err(fault) => return LinkState::Failed(fault),
            }
        }
        while self.open
            && let Ok(order) = inbox.recv()
        {
            if let Err(fault) = self.carry_out(order) {
                last = LinkState::Failed(fault);
                break;
            }
        }
        drop(self);
        last
    }

    fn carry_out(&mut self, order: Order) -> Result<(), LinkFault> {
        match order {
            Order::Description(kind, sdp, candidates) => {
                let sdp = if candidates { sdp } else { sdp::without_candidates(&sdp) };
                if let Some(answer) = self.transport.accept(kind, &sdp)? {
                    self.say(LinkEvent::Description(DescriptionKind::Answer, answer));
                }
            }
            Order::Send(mid, feed) => self.transport.send(&mid, feed.as_ref()),
            Order::Pause(mid, paused) => self.transport.pause(&mid, paused),
            Order::Data(channel, bytes) => self.transport.data(&channel, &bytes),
            Order::Transport(TransportEvent::Verified) => {
                if !std::mem::replace(&mut self.verified, true) {
                    self.transport.release();
                    self.say(LinkEvent::State(LinkState::Verified));
                    for track in std::mem::take(&mut self.held) {
                        self.say(LinkEvent::Track(track));
                    }
                    for channel in std::mem::take(&mut self.channels) {
                        self.say(LinkEvent::Channel(channel, true));
                    }
                }
            }
            Order::Transport(TransportEvent::Failed(fault)) => return Err(fault),
            Order::Transport(TransportEvent::Lines(lines)) => self.say(LinkEvent::Lines(lines)),
            Order::Transport(TransportEvent::Track(track)) if self.verified => self.say(LinkEvent::Track(track)),
            Order::Transport(TransportEvent::Track(track)) => {
                self.held.retain(|held| held.track != track.track);
                self.held.push(track);
            }
            Order::Transport(TransportEvent::Ended(mid)) if self.verified => self.say(LinkEvent::Ended(mid)),
            Order::Transport(TransportEvent::Ended(mid)) => self.held.retain(|held| held.track.mid != mid),
            Order::Transport(TransportEvent::Channel(channel, open)) if self.verified => {
                self.say(LinkEvent::Channel(channel, open));
            }
            Order::Transport(TransportEvent::Channel(channel, true)) => drop(self.channels.insert(channel)),
            Order::Transport(TransportEvent::Channel(channel, false)) => drop(self.channels.remove(&channel)),
            Order::Transport(TransportEvent::Data(channel, bytes)) => {
                if self.verified {
                    self.say(LinkEvent::Data(channel, bytes));
                }
            }
            Order::Close => self.open = false,
        }
        Ok(())
    }

    fn say(&self, event: LinkEvent) {
        (self.tell)(self.link, event);
    }
}

#[cfg(test)]
mod tests;
