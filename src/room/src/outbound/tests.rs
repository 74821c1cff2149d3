//! Against a server of the test, with an authority of the test.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use subrosa_messages::Pii;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use url::Url;
use zeroize::Zeroizing;

use super::websocket::{Event, Protocol, Said, Socket};
use super::xmpp::Connection;
use super::*;
use crate::meeting::hosts::{Hosts, Named};
use crate::meeting::jitsi::link::Link;
use crate::meeting::jitsi::loading::{self, Found};
use crate::signalling::xmpp::caps::Capabilities;
use crate::signalling::xmpp::{Settings, Told};

/// An authority, and what a server shows that it has certified.
struct Authority {
    file: NamedTempFile,
    server: Arc<ServerConfig>,
}

fn authority(name: &str) -> Authority {
    authority_until(name, 4000)
}

fn authority_until(name: &str, year: i32) -> Authority {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
    let own = parameters.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone()], key)
        .unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(issuer.pem().as_bytes()).unwrap();
    Authority { file, server: Arc::new(server) }
}

impl Authority {
    fn trust(&self) -> Trust {
        Trust::load(Some(self.file.path())).unwrap()
    }
}

fn address(port: u16, path: &str) -> Address {
    let mut hosts = Hosts::default();
    hosts.declare("localhost", Named::ByLink);
    let url = Url::parse(&format!("https://localhost:{port}{path}")).unwrap();
    Address::new(hosts.contact("localhost").unwrap(), Pii::new(url)).unwrap()
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// The head of a request, and whatever came with it.
async fn head(stream: &mut TlsStream<TcpStream>) -> String {
    let mut text = Vec::new();
    while !text.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0);
        text.extend_from_slice(&part[..read]);
    }
    String::from_utf8(text).unwrap()
}

/// Answers one request with these bytes; gives what was asked.
async fn answered(listener: &TcpListener, authority: &Authority, answer: &[u8]) -> String {
    let (tcp, _) = listener.accept().await.unwrap();
    let mut stream = TlsAcceptor::from(Arc::clone(&authority.server)).accept(tcp).await.unwrap();
    let asked = head(&mut stream).await;
    let _too_much = stream.write_all(answer).await;
    let _too_much = stream.shutdown().await;
    asked
}

async fn fetched(path: &str, answer: &[u8]) -> (String, Result<fetch::Answer, OutboundError>) {
    let (authority, (listener, port)) = (authority("localhost"), listener().await);
    let (address, trust) = (address(port, path), authority.trust());
    tokio::join!(answered(&listener, &authority, answer), fetch::get(&address, &trust, 1000))
}

#[tokio::test]
async fn p5_a_request_says_nothing_about_the_device() {
    let (asked, answer) = fetched("/config.js?room=rose", b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc").await;
    assert_eq!(answer.unwrap().body.reveal(), "abc");
    let mut lines = asked.lines();
    assert_eq!(lines.next(), Some("GET /config.js?room=rose HTTP/1.1"));
    let mut names: Vec<String> =
        lines.filter_map(|line| line.split_once(':')).map(|(name, _)| name.to_lowercase()).collect();
    names.sort();
    assert_eq!(names, ["accept", "accept-encoding", "connection", "host"]);
}

#[tokio::test]
async fn an_answer_has_its_status_place_and_body_however_it_ends() {
    let (_, chunked) =
        fetched("/", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n").await;
    assert_eq!(chunked.unwrap().body.reveal(), "abc");
    let (_, until_the_end) = fetched("/", b"HTTP/1.0 200 OK\r\n\r\nab\xffc").await;
    assert_eq!(until_the_end.unwrap().body.reveal(), "ab\u{fffd}c");
    let (_, moved) = fetched("/", b"HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 9999\r\n\r\n").await;
    let moved = moved.unwrap();
    assert_eq!((moved.status, moved.location), (302, Some(Pii::new("/b".to_owned()))));
}

#[tokio::test]
async fn too_large_an_answer_is_refused_and_so_is_what_is_no_http() {
    let mut long = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    long.extend(std::iter::repeat_n(b'a', 1001));
    assert_eq!(fetched("/", &long).await.1, Err(OutboundError::TooLarge));
    assert_eq!(fetched("/", b"HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n").await.1, Err(OutboundError::TooLarge));
    assert_eq!(fetched("/", b"<html>").await.1, Err(OutboundError::Speech));
    assert_eq!(fetched("/", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await.1, Err(OutboundError::Speech));
    let head = [b"HTTP/1.1 200 OK\r\na: ".to_vec(), vec![b'b'; 1_000_000], b"\r\n\r\n".to_vec()].concat();
    assert_eq!(fetched("/", &head).await.1, Err(OutboundError::Speech));
}

#[tokio::test]
async fn a_request_for_a_conference_is_json_and_brings_the_token() {
    let (authority, (listener, port)) = (authority("localhost"), listener().await);
    let (address, trust) = (address(port, "/conference-request/v1?room=rose"), authority.trust());
    let (json, token) = (Pii::new("{\"a\":1}".to_owned()), Pii::new(Zeroizing::new("a.b.c".to_owned())));
    let (asked, answer) = tokio::join!(
        answered(&listener, &authority, b"HTTP/1.1 403 Forbidden\r\n\r\n"),
        fetch::post_json(&address, &trust, &json, Some(&token), 1000)
    );
    assert_eq!(answer.unwrap().status, 403);
    assert!(asked.starts_with("POST /conference-request/v1?room=rose HTTP/1.1\r\n"), "{asked}");
    for part in ["authorization: Bearer a.b.c\r\n", "content-type: application/json\r\n", "content-length: 7\r\n"] {
        assert!(asked.contains(part), "{asked}");
    }
}

#[tokio::test]
async fn p8_a_certificate_of_another_authority_for_another_name_or_of_the_past_is_refused() {
    for (shown, trusted, year) in
        [("localhost", "another", 4000), ("other.example", "the same", 4000), ("localhost", "the same", 2020)]
    {
        let (server, (listener, port)) = (authority_until(shown, year), listener().await);
        let trust = if trusted == "the same" { server.trust() } else { authority("localhost").trust() };
        let accept = async {
            let (tcp, _) = listener.accept().await.unwrap();
            TlsAcceptor::from(Arc::clone(&server.server)).accept(tcp).await.err().map(|_| ())
        };
        let address = address(port, "/");
        let (refused, answer) = tokio::join!(accept, fetch::get(&address, &trust, 1000));
        assert_eq!(answer, Err(OutboundError::Certificate), "{shown}, {trusted} authority");
        assert!(refused.is_some(), "the server was sent something");
    }
}

#[tokio::test]
async fn p8_a_server_without_tls_is_told_from_one_that_is_not_there() {
    let (authority, (listener, port)) = (authority("localhost"), listener().await);
    let plain = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    };
    let (address, trust) = (address(port, "/"), authority.trust());
    let (_, answer) = tokio::join!(plain, fetch::get(&address, &trust, 1000));
    assert_eq!(answer, Err(OutboundError::Unencrypted));
    drop(listener);
    assert_eq!(fetch::get(&address, &trust, 1000).await, Err(OutboundError::NoConnection));
}

#[test]
fn an_authority_that_cannot_be_used_is_said_with_its_file() {
    let mut file = NamedTempFile::new().unwrap();
    assert!(matches!(Trust::load(Some(file.path())), Err(TrustError::NoCertificate(_))));
    file.write_all(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    assert!(matches!(Trust::load(Some(file.path())), Err(TrustError::NoCertificate(_))));
    let gone = file.path().with_extension("gone");
    assert!(matches!(Trust::load(Some(&gone)), Err(TrustError::Read { .. })));
}

/// Opens a socket to a server that answers the handshake and then sends `bytes`; what it says until it is closed.
async fn said(protocol: Protocol, confirmed: Option<&str>, bytes: Vec<u8>) -> Vec<Said> {
    let (authority, (listener, port)) = (authority("localhost"), listener().await);
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::clone(&authority.server)).accept(tcp).await.unwrap();
        let asked = head(&mut stream).await;
        let header = |name: &str| {
            let lines = asked.lines().filter_map(|line| line.split_once(": "));
            lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned()).next()
        };
        assert!(asked.starts_with("GET /xmpp-websocket?room=rose&previd=1 HTTP/1.1\r\n"), "{asked}");
        assert_eq!(header("host"), Some(format!("localhost:{port}")));
        assert_eq!((header("origin"), header("user-agent")), (None, None));
        let wanted = match &protocol {
            Protocol::Xmpp => Some("xmpp".to_owned()),
            Protocol::Text | Protocol::Binary(_) => None,
        };
        assert_eq!(header("sec-websocket-protocol"), wanted);
        let bearer = if let Protocol::Binary(Some(token)) = &protocol { Some(token.reveal().as_str()) } else { None };
        assert_eq!(header("authorization").as_deref(), bearer.map(|token| format!("Bearer {token}")).as_deref());
        let key = header("sec-websocket-key").unwrap();
        let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
        let confirmed = confirmed.map(|name| format!("sec-websocket-protocol: {name}\r\n")).unwrap_or_default();
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-accept: {accept}\r\n{confirmed}\r\n"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        let _refused = stream.write_all(&bytes).await;
        // What the room sends back until it goes.
        let mut rest = Vec::new();
        let _cut = stream.read_to_end(&mut rest).await;
    };
    let client = async {
        let (say, mut heard) = mpsc::channel(4);
        let more = Some(("previd", Pii::new("1".to_owned())));
        let address = Arc::new(address(port, "/xmpp-websocket?room=rose"));
        let _socket = Socket::open(7, address, more, protocol.clone(), authority.trust(), say);
        let mut all = Vec::new();
        while let Some(Event { socket, said }) = heard.recv().await {
            assert_eq!(socket, 7);
            all.push(said);
        }
        all
    };
    tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(server, client).1 }).await.unwrap()
}

fn text(text: &str) -> Vec<u8> {
    [&[0x81, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

#[tokio::test]
async fn a_socket_gives_frames_of_text_and_its_end() {
    let frames = [text("<a/>"), vec![0x89, 0], text("<b/>"), vec![0x88, 0]].concat();
    let frame = |text: &str| Said::Frame(Pii::new(text.to_owned()));
    let all = vec![Said::Opened, frame("<a/>"), frame("<b/>"), Said::Closed(None)];
    assert_eq!(said(Protocol::Xmpp, Some("xmpp"), frames.clone()).await, all);
    assert_eq!(said(Protocol::Text, None, frames).await, all);
}

#[tokio::test]
async fn a_server_that_does_not_confirm_xmpp_is_refused() {
    for confirmed in [None, Some("mqtt")] {
        assert_eq!(said(Protocol::Xmpp, confirmed, vec![]).await, [Said::Closed(Some(OutboundError::Speech))]);
    }
    let unasked = said(Protocol::Text, Some("xmpp"), vec![]).await;
    assert_eq!(unasked, [Said::Closed(Some(OutboundError::Speech))]);
}

#[tokio::test]
async fn a_socket_of_bytes_shows_its_token_and_takes_no_text() {
    let bytes = [vec![0x82, 2, 1, 2], vec![0x88, 0]].concat();
    let token = || Protocol::Binary(Some(Pii::new("secret".to_owned())));
    let all = vec![Said::Opened, Said::Bytes(Pii::new(vec![1, 2])), Said::Closed(None)];
    assert_eq!(said(token(), None, bytes).await, all);
    assert_eq!(
        said(Protocol::Binary(None), None, text("a")).await,
        [Said::Opened, Said::Closed(Some(OutboundError::Speech))]
    );
    assert!(!format!("{:?}", token()).contains("secret"), "p9");
}

#[tokio::test]
async fn what_is_no_text_or_too_long_closes_the_socket() {
    let closed = |error| vec![Said::Opened, Said::Closed(Some(error))];
    let binary = vec![0x82, 1, 0];
    assert_eq!(said(Protocol::Xmpp, Some("xmpp"), binary).await, closed(OutboundError::Speech));
    let no_utf8 = vec![0x81, 1, 0xff];
    assert_eq!(said(Protocol::Xmpp, Some("xmpp"), no_utf8).await, closed(OutboundError::Speech));
    let huge = [vec![0x81, 127], (1_u64 << 40).to_be_bytes().to_vec()].concat();
    assert_eq!(said(Protocol::Xmpp, Some("xmpp"), huge).await, closed(OutboundError::TooLarge));
    let mut fragments = Vec::new();
    for part in 0..40_u8 {
        fragments.extend([u8::from(part == 0), 127]);
        fragments.extend((1_u64 << 16).to_be_bytes());
        fragments.extend(std::iter::repeat_n(b'a', 1 << 16));
    }
    assert_eq!(said(Protocol::Xmpp, Some("xmpp"), fragments).await, closed(OutboundError::TooLarge));
}

#[tokio::test]
async fn an_http_status_in_place_of_a_socket_is_said() {
    let (authority, (listener, port)) = (authority("localhost"), listener().await);
    let (say, mut heard) = mpsc::channel(4);
    let address = Arc::new(address(port, "/"));
    let _socket = Socket::open(1, address, None, Protocol::Xmpp, authority.trust(), say);
    answered(&listener, &authority, b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(heard.recv().await.unwrap().said, Said::Closed(Some(OutboundError::Refused(403))));
}

#[tokio::test]
async fn p5_a_redirection_to_another_server_is_told_and_not_followed() {
    let (authority, (listener, port)) = (authority("localhost"), listener().await);
    let link = Link::read(&format!("https://localhost:{port}/Rose?jwt=a.b.c")).unwrap();
    let (mut hosts, trust) = (Hosts::default(), authority.trust());
    let (_, found) = tokio::join!(
        answered(&listener, &authority, b"HTTP/1.1 302 Found\r\nlocation: https://other.example/config.js\r\n\r\n"),
        loading::load(&link, &mut hosts, &trust)
    );
    let Ok(Found::Elsewhere(other)) = found else { panic!("{found:?}") };
    assert_eq!((other.host().reveal().as_str(), other.token()), ("other.example", None));
    let declared: Vec<(&str, bool)> =
        hosts.declared().iter().map(|host| (host.host.reveal().as_str(), host.seen)).collect();
    assert_eq!(declared, [("localhost", true)]);
}

#[tokio::test]
async fn what_an_older_socket_still_says_is_nobodys_and_why_it_failed_is_kept() {
    let (listener, port) = listener().await;
    drop(listener);
    let settings = Settings {
        domain: "meet.test".to_owned(),
        capabilities: Capabilities { node: String::new(), identity: None, features: vec![] },
        taken: vec![],
        seed: 1,
    };
    let mut connection = Connection::new(settings, address(port, "/"), authority("localhost").trust());
    for said in [Said::Opened, Said::Frame(Pii::new("<a/>".to_owned())), Said::Closed(Some(OutboundError::Tls))] {
        connection.hear(Event { socket: 0, said });
    }
    assert_eq!(connection.trouble(), None);
    connection.hear(Event { socket: 1, said: Said::Closed(Some(OutboundError::Certificate)) });
    assert_eq!((connection.trouble(), connection.was_online()), (Some(OutboundError::Certificate), false));
    assert!(matches!(connection.next().await, Some(Told::Interrupted(_))));
    connection.stop();
    assert_eq!(connection.next().await, Some(Told::Stopped));
    assert_eq!(connection.next().await, None);
}
