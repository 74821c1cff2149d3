//! The room as a guest, as far as there is no meeting around it: the product's own connections, session and place in the room,
//! driven by a test. It answers a session of the focus with nothing.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_room::meeting::elsewhere::failure::Failure;
use subrosa_room::meeting::hosts::{Hosts, Named};
use subrosa_room::meeting::jitsi::link::Link;
use subrosa_room::meeting::jitsi::loading::{self, Found};
use subrosa_room::meeting::jitsi::muc::{self, Muc};
use subrosa_room::meeting::jitsi::request;
use subrosa_room::outbound::xmpp::Connection;
use subrosa_room::outbound::{Address, Trust, fetch};
use subrosa_room::signalling::xmpp::asked::Question;
use subrosa_room::signalling::xmpp::caps::Capabilities;
use subrosa_room::signalling::xmpp::{self, Jid, Settings, Stanza, element};
use tokio::sync::mpsc;

/// What was seen, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// The session says it.
    Session(xmpp::Told),
    /// The place in the room says it.
    Muc(muc::Told),
    /// Jingle or a mute came; it was acknowledged.
    Asked(Stanza),
    /// It cannot be joined.
    Failed(Failure),
    /// Another server was named.
    Elsewhere,
    /// All hosts that were declared, and whether they were contacted.
    Hosts(Vec<(String, Named, bool)>),
}

/// The room as a guest. It leaves when dropped.
pub struct Guest {
    acts: mpsc::UnboundedSender<muc::Event>,
    seen: Arc<(Mutex<Vec<Seen>>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Guest {
    /// Joins by a link, trusting this authority beside the system's.
    #[must_use]
    pub fn join(link: &str, authority: &Path) -> Self {
        let (acts, wanted) = mpsc::unbounded_channel();
        let seen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let (shared, link) = (Log(Arc::clone(&seen)), Link::read(link).expect("a link"));
        let trust = Trust::load(Some(authority)).expect("an authority");
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(live(&link, &trust, wanted, &shared));
        });
        Guest { acts, seen, thread: Some(thread) }
    }

    /// Tells the place in the room something.
    pub fn act(&self, event: muc::Event) {
        let _over = self.acts.send(event);
    }

    /// Waits for what `pick` finds in what was seen, from the beginning.
    ///
    /// # Panics
    /// When there is none in time.
    #[track_caller]
    pub fn wait<T>(&self, what: &str, within: Duration, mut pick: impl FnMut(&Seen) -> Option<T>) -> T {
        let deadline = Instant::now() + within;
        let (list, came) = &*self.seen;
        let mut seen = list.lock().expect("the list");
        loop {
            if let Some(found) = seen.iter().find_map(&mut pick) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not within {within:?}: {what}; seen {seen:#?}");
            seen = came.wait_timeout(seen, left).expect("the list").0;
        }
    }

    /// Waits until the room is in for the `count`-th time; its address.
    #[track_caller]
    pub fn is_in(&self, count: usize) -> Jid {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let places = self.seen().into_iter().filter_map(|seen| match seen {
                Seen::Muc(muc::Told::In(jid)) => Some(jid),
                _ => None,
            });
            let places: Vec<Jid> = places.collect();
            if let Some(place) = places.get(count - 1) {
                return place.clone();
            }
            assert!(
                Instant::now() < deadline,
                "the room is in {} times of {count}; seen {:#?}",
                places.len(),
                self.seen()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end.
    #[track_caller]
    pub fn ends(&self) -> Failure {
        self.wait("the end", Duration::from_secs(30), |seen| match seen {
            Seen::Muc(muc::Told::Over(failure)) | Seen::Failed(failure) => Some(*failure),
            _ => None,
        })
    }

    /// Waits until it waits for this.
    #[track_caller]
    pub fn waits_for(&self, failure: Failure) {
        self.wait(&format!("it waits: {failure:?}"), Duration::from_secs(20), |seen| {
            (*seen == Seen::Muc(muc::Told::Waits(Some(failure)))).then_some(())
        });
    }

    /// All that was seen so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.0.lock().expect("the list").clone()
    }

    /// How often something was seen so far.
    #[must_use]
    pub fn count(&self, what: impl Fn(&Seen) -> bool) -> usize {
        self.seen().iter().filter(|seen| what(seen)).count()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.act(muc::Event::Leave);
        self.acts = mpsc::unbounded_channel().0;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

struct Log(Arc<(Mutex<Vec<Seen>>, Condvar)>);

impl Log {
    fn note(&self, seen: Seen) {
        self.0.0.lock().expect("the list").push(seen);
        self.0.1.notify_all();
    }
}

/// The features that this room publishes (the notes' first set).
fn capabilities() -> Capabilities {
    let features = [
        "urn:xmpp:jingle:1",
        "urn:xmpp:jingle:apps:rtp:1",
        "urn:xmpp:jingle:apps:rtp:audio",
        "urn:xmpp:jingle:apps:rtp:video",
        "urn:xmpp:jingle:transports:ice-udp:1",
        "urn:xmpp:jingle:apps:dtls:0",
        "urn:xmpp:jingle:transports:dtls-sctp:1",
        "http://jitsi.org/json-encoded-sources",
    ];
    Capabilities {
        node: "https://jitsi.org/jitsi-meet".to_owned(),
        identity: None,
        features: features.map(str::to_owned).to_vec(),
    }
}

async fn live(link: &Link, trust: &Trust, mut acts: mpsc::UnboundedReceiver<muc::Event>, log: &Log) {
    let mut hosts = Hosts::default();
    let found = loading::load(link, &mut hosts, trust).await;
    let settings = match found {
        Ok(Found::Settings(settings)) => settings,
        Ok(Found::Elsewhere(_)) => {
            log.note(Seen::Elsewhere);
            return log.note(declared(&hosts));
        }
        Err(failure) => {
            log.note(Seen::Failed(failure));
            return log.note(declared(&hosts));
        }
    };
    let mut address = |url: &Option<Pii<url::Url>>| {
        let url = url.clone()?;
        let host = url.reveal().host_str().unwrap_or_default().to_owned();
        Some(Address::new(hosts.contact(&host).expect("a declared host"), url).expect("an address"))
    };
    let socket = address(&settings.websocket).expect("a WebSocket");
    let request = address(&settings.conference_request).map(Arc::new);
    log.note(declared(&hosts));
    let machine = Pii::new("d0ub1e".to_owned());
    let session = Settings {
        domain: settings.anonymous_domain.as_ref().unwrap_or(&settings.domain).reveal().clone(),
        capabilities: capabilities(),
        taken: vec![
            ("jingle", "urn:xmpp:jingle:1"),
            ("mute", "http://jitsi.org/jitmeet/audio"),
            ("mute", "http://jitsi.org/jitmeet/video"),
        ],
        seed: 1,
    };
    let mut connection = Connection::new(session, socket, trust.clone());
    let mut muc = Muc::new(muc::Settings {
        room: Jid::new(&format!("{}@{}", link.room().reveal(), settings.muc.reveal())).expect("a room"),
        name: Pii::new("Room 4.12".to_owned()),
        machine,
        http: request.is_some(),
        focus: settings.focus.reveal().clone(),
        capabilities: capabilities(),
        seed: u64::from(std::process::id()),
    });
    let (answered, mut answers) = mpsc::unbounded_channel();
    loop {
        let event = tokio::select! {
            told = connection.next() => match told {
                None => return,
                Some(told) => {
                    log.note(Seen::Session(told.clone()));
                    match told {
                        xmpp::Told::Online(jid) => Some(muc::Event::Online(jid)),
                        xmpp::Told::Answer(_, answer) => Some(muc::Event::Answer(answer)),
                        xmpp::Told::Stanza(stanza) if stanza.0.name() == "iq" => {
                            connection.send(Stanza(element::result(&stanza.0, None)));
                            log.note(Seen::Asked(stanza));
                            None
                        }
                        xmpp::Told::Stanza(stanza) => Some(muc::Event::Stanza(stanza)),
                        _ => None,
                    }
                }
            },
            act = acts.recv() => match act {
                Some(act) => Some(act),
                None => {
                    connection.stop();
                    while connection.next().await.is_some() {}
                    // The socket's own task says the last words.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    return;
                }
            },
            Some(answer) = answers.recv() => Some(answer),
            () = due(muc.deadline()) => Some(muc::Event::Tick),
        };
        for action in event.map(|event| muc.step(Instant::now(), event)).unwrap_or_default() {
            match action {
                muc::Action::Post(json) => {
                    let (request, trust, answered) = (request.clone(), trust.clone(), answered.clone());
                    let token = loading::bearer(link, &settings).cloned();
                    tokio::spawn(async move {
                        let address = request.expect("an address for conference requests");
                        let answer = fetch::post_json(&address, &trust, &json, token.as_ref(), request::ANSWER).await;
                        let _over = answered.send(match answer {
                            Ok(answer) => muc::Event::Http(answer.status, answer.body),
                            Err(_) => muc::Event::HttpFailed,
                        });
                    });
                }
                muc::Action::Ask(iq) => connection.ask(Question(1), iq),
                muc::Action::Send(stanza) => connection.send(stanza),
                muc::Action::Tell(told) => log.note(Seen::Muc(told)),
            }
        }
    }
}

async fn due(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

fn declared(hosts: &Hosts) -> Seen {
    let each = hosts.declared().iter().map(|host| (host.host.reveal().clone(), host.named, host.seen));
    Seen::Hosts(each.collect())
}
