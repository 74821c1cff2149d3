//! The way into a room of Jitsi Meet.

use std::sync::Arc;
use std::time::Duration;

use subrosa_messages::Pii;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::sockets::Sockets;
use super::{News, Order, Teller};
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::elsewhere::link::Link as AnyLink;
use crate::meeting::elsewhere::socket::{self, Frame};
use crate::meeting::hosts::Hosts;
use crate::meeting::jitsi::joined::{Event, FromSocket, capabilities};
use crate::meeting::jitsi::link::Link;
use crate::meeting::jitsi::loading::{Found, bearer, load, lost};
use crate::meeting::jitsi::moderation::MUTE;
use crate::meeting::jitsi::request;
use crate::outbound::xmpp::Connection;
use crate::outbound::{Address, Trust, fetch};
use crate::signalling::xmpp;

/// How long a session may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(3);

/// The whole way, until the orders end.
///
/// # Errors
/// Why it ends before the meeting begins.
pub async fn travel(
    link: Link,
    seed: u64,
    trust: Trust,
    mut orders: mpsc::UnboundedReceiver<Order>,
    teller: &Teller,
) -> Result<(), Failure> {
    let mut hosts = Hosts::default();
    let loading = load(&link, &mut hosts, &trust);
    let settings = tokio::select! {
        found = loading => match found? {
            Found::Settings(settings) => settings,
            Found::Elsewhere(link) => {
                teller.tell(News::Elsewhere(Box::new(AnyLink::Jitsi(*link)))).await;
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
    Way {
        connection: Connection::new(session, websocket, trust.clone()),
        sockets: Sockets::new(trust.clone()),
        trust,
        request,
        token,
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
    /// To the bridge.
    sockets: Sockets,
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
                (number, said) = self.sockets.next() => match of_bridge(said) {
                    Some(said) => Event::Bridge(number, said),
                    None => continue,
                },
                told = self.connection.next() => match told {
                    Some(xmpp::Told::Failed(fault)) => {
                        Event::Lost(lost(fault, self.connection.trouble(), self.connection.was_online()))
                    }
                    Some(told) => Event::Xmpp(told),
                    None => break,
                },
            };
            if !teller.tell(News::Jitsi(event)).await {
                break;
            }
        }
        let Way { mut connection, sockets, .. } = self;
        drop(sockets);
        connection.stop();
        let goodbye = async { while connection.next().await.is_some() {} };
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
            Order::Open(number, address, protocol) => {
                // There is one bridge at a time.
                self.sockets.close_all();
                self.sockets.open(number, address, protocol);
            }
            Order::Send(number, frame) => self.sockets.send(number, frame),
            Order::Close(number) => self.sockets.close(number),
            // Of another kind of meeting.
            Order::Ask(..) => {}
        }
    }
}

fn of_bridge(said: socket::FromSocket) -> Option<FromSocket> {
    match said {
        socket::FromSocket::Opened => Some(FromSocket::Opened),
        socket::FromSocket::Frame(Frame::Text(text)) => Some(FromSocket::Text(text)),
        // It speaks text.
        socket::FromSocket::Frame(Frame::Binary(_)) => None,
        // The library does not say which goodbye it was; the patience for one is right for all.
        socket::FromSocket::Closed(trouble) => Some(FromSocket::Closed { goodbye: trouble.is_none() }),
    }
}
