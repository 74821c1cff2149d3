//! The task that speaks with the server of a meeting elsewhere. It decides nothing.
//!
//! [`jitsi`] fetches settings, holds the XMPP session, posts requests; [`sockets`] are the WebSockets, which are all that LiveKit needs with a token; a token is asked for before, as is what OpenTalk answers.

mod jitsi;
mod sockets;

use std::path::PathBuf;

use subrosa_messages::Pii;
use tokio::sync::mpsc;

use self::sockets::Sockets;
use crate::meeting::elsewhere::event::{Reply, Request};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::link::Link;
use crate::meeting::elsewhere::socket::{Frame, FromSocket};
use crate::meeting::hosts::Hosts;
use crate::meeting::jitsi::config_js::Configuration;
use crate::meeting::jitsi::joined::Event as OfJitsi;
use crate::outbound::websocket::Protocol;
use crate::outbound::{Address, OutboundError, Trust, fetch};
use crate::signalling::xmpp;

/// Where the way begins.
#[derive(Debug)]
pub struct Departure {
    /// The link.
    pub link: Link,
    /// The operator's own certificate authorities.
    pub authority: Option<PathBuf>,
    /// Spreads delays.
    pub seed: u64,
}

/// What the desk orders.
#[derive(Debug)]
pub enum Order {
    /// For the XMPP session: [`xmpp::Event::Send`], [`xmpp::Event::Ask`] or [`xmpp::Event::Stop`].
    Xmpp(xmpp::Event),
    /// Request the conference.
    Post(Pii<String>),
    /// Open the WebSocket with this number.
    Open(u64, Address, Protocol),
    /// Send over it.
    Send(u64, Frame),
    /// Close it.
    Close(u64),
    /// Make this request; its answer bears the number.
    Ask(u64, Address, Request),
}

/// What the desk is told.
#[derive(Debug)]
pub enum News {
    /// Jitsi's settings are here, and the session begins.
    Settings(Box<Configuration>, Hosts),
    /// Another server has the meeting. Nothing was sent to it.
    Elsewhere(Box<Link>),
    /// It ends here.
    Failed(Failure),
    /// For a meeting with Jitsi.
    Jitsi(OfJitsi),
    /// Of the WebSocket with this number, for any other meeting.
    Socket(u64, FromSocket),
    /// The answer to the request with this number.
    Answered(u64, Result<Reply, OutboundError>),
}

/// Tells the desk, with the number of the trip.
#[derive(Clone, Debug)]
pub struct Teller {
    /// Where to.
    pub desk: mpsc::Sender<(u64, News)>,
    /// Of this trip: what an older one still says is nobody's.
    pub trip: u64,
}

impl Teller {
    /// `false`: the desk is gone.
    async fn tell(&self, news: News) -> bool {
        self.desk.send((self.trip, news)).await.is_ok()
    }
}

/// Sets out. The way ends when the orders do.
#[must_use]
pub fn set_out(departure: Departure, teller: Teller) -> mpsc::UnboundedSender<Order> {
    let (orders, taken) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        if let Err(failure) = travel(departure, taken, &teller).await {
            teller.tell(News::Failed(failure)).await;
        }
    });
    orders
}

async fn travel(
    departure: Departure,
    mut orders: mpsc::UnboundedReceiver<Order>,
    teller: &Teller,
) -> Result<(), Failure> {
    let Departure { link, authority, seed } = departure;
    let trust = tokio::task::spawn_blocking(move || Trust::load(authority.as_deref())).await;
    let trust = match trust {
        Ok(Ok(trust)) => trust,
        Ok(Err(error)) => {
            tracing::error!("{error}");
            return Err(Failure::CertificateWrong);
        }
        Err(_) => return Err(Failure::ServerFault),
    };
    match link {
        Link::Jitsi(link) => jitsi::travel(link, seed, trust, orders, teller).await?,
        Link::LiveKit(_) | Link::OpenTalk(_) => follow(Sockets::new(trust.clone()), trust, &mut orders, teller).await,
    }
    Ok(())
}

/// Carries out orders, and tells what comes of them, until there are no more.
async fn follow(mut sockets: Sockets, trust: Trust, orders: &mut mpsc::UnboundedReceiver<Order>, teller: &Teller) {
    loop {
        tokio::select! {
            // A mute and a goodbye do not wait behind a flood.
            biased;
            order = orders.recv() => match order {
                Some(Order::Open(number, address, protocol)) => sockets.open(number, address, protocol),
                Some(Order::Send(number, frame)) => sockets.send(number, frame),
                Some(Order::Close(number)) => sockets.close(number),
                Some(Order::Ask(number, address, request)) => {
                    let (trust, teller) = (trust.clone(), teller.clone());
                    tokio::spawn(async move {
                        let Request { body, authorization, most, .. } = request;
                        let answer =
                            fetch::request(&address, &trust, body.as_ref(), authorization.as_ref(), most).await;
                        let reply = answer.map(|fetch::Answer { status, location, body }| Reply { status, location, body });
                        teller.tell(News::Answered(number, reply)).await;
                    });
                }
                // Of another kind of meeting.
                Some(Order::Xmpp(_) | Order::Post(_)) => {}
                None => return,
            },
            (number, said) = sockets.next() => {
                if !teller.tell(News::Socket(number, said)).await {
                    return;
                }
            }
        }
    }
}
