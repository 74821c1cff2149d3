//! The task that speaks with the server of a meeting elsewhere: fetches its settings, holds the XMPP session, posts requests, holds the bridge's
//! WebSocket. It decides nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use subrosa_messages::Pii;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::meeting::hosts::Hosts;
use crate::meeting::jitsi::config_js::Configuration;
use crate::meeting::jitsi::failure::Failure;
use crate::meeting::jitsi::joined::{Event, FromSocket, capabilities};
use crate::meeting::jitsi::link::Link;
use crate::meeting::jitsi::loading::{Found, bearer, load, lost};
use crate::meeting::jitsi::moderation::MUTE;
use crate::meeting::jitsi::request;
use crate::outbound::websocket::{self, Protocol, Said, Socket};
use crate::outbound::xmpp::Connection;
use crate::outbound::{Address, Trust, fetch};
use crate::signalling::xmpp;

/// How long a session may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(3);
/// What sockets have said and nobody has taken; whoever sends faster is read slower.
const WAITING: usize = 64;

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
    Open(u64, Address),
    /// Send over it.
    Send(u64, Pii<String>),
    /// Close it.
    Close(u64),
}

/// What the desk is told.
#[derive(Debug)]
pub enum News {
    /// The settings are here, and the session begins.
    Settings(Box<Configuration>, Hosts),
    /// Another server has the meeting. Nothing was sent to it.
    Elsewhere(Box<Link>),
    /// It ends here.
    Failed(Failure),
    /// For the meeting.
    Event(Event),
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
    let mut hosts = Hosts::default();
    let loading = load(&link, &mut hosts, &trust);
    let settings = tokio::select! {
        found = loading => match found? {
            Found::Settings(settings) => settings,
            Found::Elsewhere(link) => {
                teller.tell(News::Elsewhere(link)).await;
                return Ok(());
            }
        },
        () = given_up(&mut orders) => return Ok(()),
    };
    let mut declared = |url: &Option<Pii<url::Url>>| {
        let Some(url) = url else { return Ok(None) };
        let host = url.reveal().host_str().unwrap_or_default().to_owned();
        let contact = hosts.contact(&host).map_err(|_| Failure::HostNotDeclared)?;
        Address::new(contact, url.clone()).map(Some).map_err(Failure::from)
    };
    let websocket = declared(&settings.websocket)?.ok_or(Failure::UnsupportedConfiguration)?;
    let request = declared(&settings.conference_request)?.map(Arc::new);
    let token = bearer(&link, &settings).cloned();
    let session = xmpp::Settings {
        domain: settings.anonymous_domain.as_ref().unwrap_or(&settings.domain).reveal().clone(),
        capabilities: capabilities(settings.prefer_sctp),
        taken: MUTE.into_iter().chain([("jingle", "urn:xmpp:jingle:1")]).collect(),
        seed,
    };
    if !teller.tell(News::Settings(settings, hosts)).await {
        return Ok(());
    }
    let (sockets, heard) = mpsc::channel(WAITING);
    Way {
        connection: Connection::new(session, websocket, trust.clone()),
        trust,
        request,
        token,
        bridge: None,
        sockets,
        heard,
        posted: mpsc::channel(4),
    }
    .follow(orders, teller)
    .await;
    Ok(())
}

/// Comes when nobody orders any more.
async fn given_up(orders: &mut mpsc::UnboundedReceiver<Order>) {
    while orders.recv().await.is_some() {}
}

/// An answer to a request, or none.
type Posted = Option<(u16, Pii<String>)>;

struct Way {
    connection: Connection,
    trust: Trust,
    request: Option<Arc<Address>>,
    token: Option<Pii<Zeroizing<String>>>,
    bridge: Option<(u64, Socket)>,
    sockets: mpsc::Sender<websocket::Event>,
    heard: mpsc::Receiver<websocket::Event>,
    posted: (mpsc::Sender<Posted>, mpsc::Receiver<Posted>),
}

impl Way {
    async fn follow(mut self, mut orders: mpsc::UnboundedReceiver<Order>, teller: &Teller) {
        loop {
            let event = tokio::select! {
                // A mute and a goodbye do not wait behind a flood.
                biased;
                order = orders.recv() => match order {
                    Some(order) => {
                        self.carry_out(order);
                        continue;
                    }
                    None => break,
                },
                Some(answer) = self.posted.1.recv() => Event::Http(answer),
                Some(event) = self.heard.recv() => of_bridge(event),
                told = self.connection.next() => match told {
                    Some(xmpp::Told::Failed(fault)) => {
                        Event::Lost(lost(fault, self.connection.trouble(), self.connection.was_online()))
                    }
                    Some(told) => Event::Xmpp(told),
                    None => break,
                },
            };
            if !teller.tell(News::Event(event)).await {
                break;
            }
        }
        self.bridge = None;
        self.connection.stop();
        let goodbye = async { while self.connection.next().await.is_some() {} };
        let _late = tokio::time::timeout(FAREWELL, goodbye).await;
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Xmpp(xmpp::Event::Send(stanza)) => self.connection.send(stanza),
            Order::Xmpp(xmpp::Event::Ask(question, stanza)) => self.connection.ask(question, stanza),
            Order::Xmpp(xmpp::Event::Stop) => self.connection.stop(),
            // The connection says these to itself.
            Order::Xmpp(
                xmpp::Event::Start
                | xmpp::Event::Opened
                | xmpp::Event::Frame(_)
                | xmpp::Event::Closed
                | xmpp::Event::Tick,
            ) => {}
            Order::Post(body) => {
                let (answers, trust, token) = (self.posted.0.clone(), self.trust.clone(), self.token.clone());
                let address = self.request.clone();
                tokio::spawn(async move {
                    let answer = match address {
                        Some(address) => {
                            fetch::post_json(&address, &trust, &body, token.as_ref(), request::ANSWER).await.ok()
                        }
                        None => None,
                    };
                    let _nobody_waits = answers.send(answer.map(|answer| (answer.status, answer.body))).await;
                });
            }
            Order::Open(number, address) => {
                let (trust, events) = (self.trust.clone(), self.sockets.clone());
                let socket = Socket::open(number, Arc::new(address), None, Protocol::Colibri, trust, events);
                self.bridge = Some((number, socket));
            }
            Order::Send(number, text) => {
                if let Some((open, socket)) = &self.bridge
                    && *open == number
                {
                    let _shows_as_closed = socket.send(text);
                }
            }
            Order::Close(number) => {
                if self.bridge.as_ref().is_some_and(|(open, _)| *open == number) {
                    self.bridge = None;
                }
            }
        }
    }
}

fn of_bridge(event: websocket::Event) -> Event {
    let said = match event.said {
        Said::Opened => FromSocket::Opened,
        Said::Frame(text) => FromSocket::Text(text),
        // The library does not say which goodbye it was; the patience for one is right for all.
        Said::Closed(trouble) => FromSocket::Closed { goodbye: trouble.is_none() },
    };
    Event::Bridge(event.socket, said)
}
