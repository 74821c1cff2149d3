//! A meeting elsewhere, whatever its kind: what it wants done, as orders to the trip and words to media and the guard.

use std::time::Instant;

use subrosa_messages::media::{RoomToMedia, TrackId};
use subrosa_messages::{Capture, Pii};
use url::Url;

use super::trip::Order;
use crate::meeting::elsewhere::device::Device;
use crate::meeting::elsewhere::event::{Action, Event as Online, Reply};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::socket::{Frame, FromSocket, ToSocket};
use crate::meeting::hosts::{Host, Hosts};
use crate::meeting::jitsi::joined as jitsi;
use crate::meeting::livekit::joined as livekit;
use crate::meeting::opentalk::joined as opentalk;
use crate::outbound::websocket::Protocol;
use crate::outbound::{Address, OutboundError};
use crate::screen::view::Phase;
use crate::signalling::jingle::session::BRIDGE_CHANNEL;

/// The meeting.
pub(super) enum Meeting {
    /// In a room of Jitsi Meet.
    Jitsi(Box<jitsi::Joined>),
    /// On a LiveKit server.
    LiveKit(Box<livekit::Joined>),
    /// On an OpenTalk server.
    OpenTalk(Box<opentalk::Joined>),
}

/// What happens to it.
pub(super) enum Event {
    /// On the way to Jitsi.
    Jitsi(jitsi::Event),
    /// Of the WebSocket with this number.
    Socket(u64, FromSocket),
    /// The answer to the request with this number.
    Answered(u64, Result<Reply, OutboundError>),
    /// At this device.
    Device(Device),
}

/// What it wants done, in this order.
pub(super) enum Wish {
    /// Of the trip.
    Order(Order),
    /// Of media, with a body.
    Media(RoomToMedia, Vec<u8>),
    /// Of the guard: close this.
    Mute(Capture),
    /// It is over.
    Over(Failure),
}

impl Meeting {
    /// Takes one event and says what is to be done.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Wish> {
        let (mut events, mut wishes) = (vec![event], Vec::new());
        while let Some(event) = events.pop() {
            match self {
                Meeting::Jitsi(meeting) => of_jitsi(meeting, now, event, &mut events, &mut wishes),
                Meeting::LiveKit(meeting) => {
                    let Some(event) = online(event) else { continue };
                    let actions = meeting.step(now, event);
                    carry_out(actions, meeting.hosts_mut(), &mut events, &mut wishes);
                }
                Meeting::OpenTalk(meeting) => {
                    let Some(event) = online(event) else { continue };
                    let actions = meeting.step(now, event);
                    carry_out(actions, meeting.hosts_mut(), &mut events, &mut wishes);
                }
            }
        }
        wishes
    }

    /// When a tick is due.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Meeting::Jitsi(meeting) => meeting.deadline(),
            Meeting::LiveKit(meeting) => meeting.deadline(),
            Meeting::OpenTalk(meeting) => meeting.deadline(),
        }
    }

    /// Where it is, for the screen. `media`: it is there.
    pub fn phase(&self, media: bool) -> Phase {
        match self {
            Meeting::Jitsi(meeting) => meeting.phase(media),
            Meeting::LiveKit(meeting) => meeting.phase(media),
            Meeting::OpenTalk(meeting) => meeting.phase(media),
        }
    }

    /// The captures are wanted.
    pub fn is_connected(&self) -> bool {
        match self {
            Meeting::Jitsi(meeting) => meeting.is_connected(),
            Meeting::LiveKit(meeting) => meeting.is_connected(),
            Meeting::OpenTalk(meeting) => meeting.is_connected(),
        }
    }

    /// What is heard in the room.
    pub fn heard(&self) -> Vec<TrackId> {
        match self {
            Meeting::Jitsi(meeting) => meeting.heard(),
            Meeting::LiveKit(meeting) => meeting.heard(),
            Meeting::OpenTalk(meeting) => meeting.heard(),
        }
    }

    /// Its hosts (P5).
    pub fn hosts(&self) -> &[Host] {
        match self {
            Meeting::Jitsi(meeting) => meeting.hosts().declared(),
            Meeting::LiveKit(meeting) => meeting.hosts().declared(),
            Meeting::OpenTalk(meeting) => meeting.hosts().declared(),
        }
    }

    /// The last number of a link that was used.
    pub fn links(&self) -> u64 {
        match self {
            Meeting::Jitsi(meeting) => meeting.links(),
            Meeting::LiveKit(meeting) => meeting.links(),
            Meeting::OpenTalk(meeting) => meeting.links(),
        }
    }
}

fn of_jitsi(meeting: &mut jitsi::Joined, now: Instant, event: Event, events: &mut Vec<Event>, wishes: &mut Vec<Wish>) {
    let event = match event {
        Event::Jitsi(event) => Some(event),
        Event::Device(event) => jitsi::Event::of(event, meeting.hand()),
        Event::Socket(..) | Event::Answered(..) => None,
    };
    let Some(event) = event else { return };
    for action in meeting.step(now, event) {
        let order = match action {
            jitsi::Action::Xmpp(event) => Order::Xmpp(event),
            jitsi::Action::Post(body) => Order::Post(body),
            jitsi::Action::Bridge(number, jitsi::ToSocket::Connect(url)) => {
                let url = Url::parse(url.reveal()).ok().map(Pii::new);
                match url.and_then(|url| address(meeting.hosts_mut(), url).ok()) {
                    Some(address) => Order::Open(number, address, Protocol::Text),
                    None => {
                        let closed = jitsi::FromSocket::Closed { goodbye: false };
                        events.push(Event::Jitsi(jitsi::Event::Bridge(number, closed)));
                        continue;
                    }
                }
            }
            jitsi::Action::Bridge(number, jitsi::ToSocket::Send(text)) => Order::Send(number, Frame::Text(text)),
            jitsi::Action::Bridge(number, jitsi::ToSocket::Close) => Order::Close(number),
            jitsi::Action::Media(message) => {
                wishes.push(Wish::Media(message, Vec::new()));
                continue;
            }
            jitsi::Action::Data(link, text) => {
                let data = RoomToMedia::Data { link, channel: BRIDGE_CHANNEL.to_owned() };
                wishes.push(Wish::Media(data, text.into_revealed().into_bytes()));
                continue;
            }
            jitsi::Action::Mute(capture) => {
                wishes.push(Wish::Mute(capture));
                continue;
            }
            jitsi::Action::Over(failure) => {
                wishes.push(Wish::Over(failure));
                continue;
            }
        };
        wishes.push(Wish::Order(order));
    }
}

fn online(event: Event) -> Option<Online> {
    match event {
        Event::Socket(number, said) => Some(Online::Socket(number, said)),
        Event::Answered(number, reply) => Some(Online::Answered(number, reply)),
        Event::Device(event) => Some(Online::Device(event)),
        Event::Jitsi(_) => None,
    }
}

fn carry_out(actions: Vec<Action>, hosts: &mut Hosts, events: &mut Vec<Event>, wishes: &mut Vec<Wish>) {
    for action in actions {
        wishes.push(match action {
            Action::Socket(number, word) => match socket(hosts, number, word) {
                Ok(order) => Wish::Order(order),
                Err(error) => {
                    events.push(Event::Socket(number, FromSocket::Closed(Some(error))));
                    continue;
                }
            },
            Action::Ask(number, request) => match address(hosts, request.url.clone()) {
                Ok(address) => Wish::Order(Order::Ask(number, address, request)),
                Err(error) => {
                    events.push(Event::Answered(number, Err(error)));
                    continue;
                }
            },
            Action::Media(message) => Wish::Media(message, Vec::new()),
            Action::Data(link, channel, bytes) => {
                Wish::Media(RoomToMedia::Data { link, channel: channel.to_owned() }, bytes.into_revealed())
            }
            Action::Mute(capture) => Wish::Mute(capture),
            Action::Over(failure) => Wish::Over(failure),
        });
    }
}

fn socket(hosts: &mut Hosts, number: u64, word: ToSocket) -> Result<Order, OutboundError> {
    Ok(match word {
        ToSocket::Connect { url, bearer, binary } => {
            let protocol = if binary { Protocol::Binary(bearer) } else { Protocol::Text };
            Order::Open(number, address(hosts, url)?, protocol)
        }
        ToSocket::Send(frame) => Order::Send(number, frame),
        ToSocket::Close => Order::Close(number),
    })
}

/// Where a WebSocket or a request leads, if its host was declared and it is encrypted.
fn address(hosts: &mut Hosts, url: Pii<Url>) -> Result<Address, OutboundError> {
    let host = url.reveal().host_str().unwrap_or_default().to_owned();
    let contact = hosts.contact(&host).map_err(|_| OutboundError::NotDeclared)?;
    Address::new(contact, url)
}
