use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

use super::*;
use crate::certificates::facts::fingerprint;

/// As a person who clicks through the warning.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

type Client = StreamOwned<ClientConnection, TcpStream>;

fn connect(address: SocketAddr, protocol: &str) -> std::io::Result<Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone))
        .with_no_client_auth();
    configuration.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let name = ServerName::IpAddress(address.ip().into());
    let mut connection = ClientConnection::new(Arc::new(configuration), name).unwrap();
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut client = connect(address, "http/1.1").unwrap();
    write!(client, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    answer
}

struct Running {
    meeting: Meeting,
    addresses: watch::Sender<Vec<IpAddr>>,
    forget: watch::Sender<u64>,
    events: mpsc::UnboundedReceiver<WebEvent>,
    task: tokio::task::JoinHandle<()>,
}

fn run(settings: WebSettings) -> Running {
    let meeting = Meeting::default();
    let (addresses, here) = watch::channel(vec![IpAddr::from([127, 0, 0, 1])]);
    let (forget, ended) = watch::channel(0);
    let (sender, events) = mpsc::unbounded_channel();
    let task = tokio::spawn(serve(settings, here, meeting.start(), sender, ended));
    Running { meeting, addresses, forget, events, task }
}

impl Running {
    async fn heard(&mut self) -> WebEvent {
        tokio::time::timeout(Duration::from_secs(10), self.events.recv()).await.unwrap().unwrap()
    }

    async fn served(&mut self) -> SocketAddr {
        loop {
            if let WebEvent::Serving { addresses } = self.heard().await
                && let Some(address) = addresses.first()
            {
                return *address;
            }
        }
    }
}

/// What blocks, off the runtime's threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p8_the_page_is_served_encrypted_with_the_certificate_that_is_announced() {
    let state = tempfile::tempdir().unwrap();
    let mut running = run(settings(state.path()));
    let WebEvent::Certificate(facts) = running.heard().await else { panic!("the certificate comes first") };
    assert!(!facts.checked);
    let address = running.served().await;
    let (shown, page) = blocking(move || {
        let client = connect(address, "h2").unwrap();
        assert_eq!(client.conn.alpn_protocol(), Some(&b"h2"[..]));
        (fingerprint(&client.conn.peer_certificates().unwrap()[0]), get(address, "/"))
    })
    .await;
    assert_eq!(shown, facts.fingerprint);
    assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("<title>Subrosa</title>"), "{page}");
    let plain = blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        // In one piece: the server hangs up at the first bytes, and a second write would fail.
        let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        answer
    })
    .await;
    assert!(!plain.starts_with(b"HTTP"), "nothing is served without encryption");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_a_port_that_is_taken_is_a_fault_until_it_is_free() {
    let state = tempfile::tempdir().unwrap();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let mut running = run(WebSettings { listen: vec![taken], ..settings(state.path()) });
    let mut heard = running.heard().await;
    while matches!(heard, WebEvent::Certificate(_)) {
        heard = running.heard().await;
    }
    let fault = Fault::Port(taken.port());
    assert_eq!(heard, WebEvent::Fault { fault: fault.clone(), present: true });
    drop(other);
    assert_eq!(running.heard().await, WebEvent::Fault { fault, present: false });
    assert_eq!(running.served().await, taken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_a_new_address_brings_a_new_certificate_without_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let mut running = run(settings(state.path()));
    let WebEvent::Certificate(first) = running.heard().await else { panic!() };
    let address = running.served().await;
    running.addresses.send(vec![IpAddr::from([127, 0, 0, 1]), IpAddr::from([192, 0, 2, 7])]).unwrap();
    let WebEvent::Certificate(second) = running.heard().await else { panic!() };
    assert_ne!(first, second);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let shown = blocking(move || {
        let client = connect(address, "http/1.1").unwrap();
        fingerprint(&client.conn.peer_certificates().unwrap()[0])
    })
    .await;
    assert_eq!(shown, second.fingerprint);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_after_a_meeting_every_connection_is_closed_within_two_seconds() {
    let state = tempfile::tempdir().unwrap();
    let mut running = run(settings(state.path()));
    let address = running.served().await;
    let (mut idle, mut stream) = blocking(move || {
        let mut idle = connect(address, "http/1.1").unwrap();
        write!(idle, "GET /static/main.js HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
        let mut first = [0; 64];
        let _ = idle.read(&mut first).unwrap();
        let mut stream = connect(address, "http/1.1").unwrap();
        let cookie = format!("__Host-session={SESSION}");
        write!(stream, "GET /api/events HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n").unwrap();
        let _ = stream.read(&mut first).unwrap();
        (idle, stream)
    })
    .await;
    running.forget.send(1).unwrap();
    let start = Instant::now();
    blocking(move || {
        let mut rest = Vec::new();
        let _ = idle.read_to_end(&mut rest);
        let _ = stream.read_to_end(&mut rest);
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(start.elapsed() > Duration::from_millis(500), "the last words had time to arrive");
    let page = blocking(move || get(address, "/")).await;
    assert!(page.starts_with("HTTP/1.1 200 OK"), "the next meeting's guests come in");
    assert!(running.meeting.told().contains(&"gone".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p10_a_guest_that_breaks_off_is_noticed() {
    let state = tempfile::tempdir().unwrap();
    let mut running = run(settings(state.path()));
    let address = running.served().await;
    blocking(move || {
        let mut stream = connect(address, "http/1.1").unwrap();
        let cookie = format!("__Host-session={SESSION}");
        write!(stream, "GET /api/events HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n").unwrap();
        let _ = stream.read(&mut [0; 64]).unwrap();
    })
    .await;
    for _ in 0..100 {
        if running.meeting.told() == ["listen true", "gone"] {
            running.task.abort();
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", running.meeting.told());
}
