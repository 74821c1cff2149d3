//! The bridge's channel as older servers have it: a WebSocket with its secret in the address (recordings 01 and 03 to 13c).

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::StatusCode;
use tungstenite::{Message, WebSocket};

use super::prosody::Prosody;

const PATH: &str = "/colibri-ws/jvb1/c0nf/e";
const SECRET: &str = "pwd=s3cret";

#[derive(Default)]
struct State {
    heard: Vec<String>,
    says: Vec<String>,
    /// How many of the connections so far are to end.
    cut: usize,
}

/// The bridge's end; it ends with the process.
pub struct Socket {
    port: u16,
    state: Arc<Mutex<State>>,
    opened: Arc<AtomicUsize>,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socket {
    /// Listens on loopback, with the certificate of this server.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn listen(prosody: &Prosody) -> Self {
        let (chain, key) = prosody.certificate();
        let chain = CertificateDer::pem_file_iter(chain).expect("a file").collect::<Result<_, _>>().expect("a chain");
        let key = PrivateKeyDer::from_pem_file(key).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("TLS").with_no_client_auth();
        let config = Arc::new(config.with_single_cert(chain, key).expect("a certificate"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let (state, opened) = (Arc::<Mutex<State>>::default(), Arc::<AtomicUsize>::default());
        let socket = Socket { port, state: Arc::clone(&state), opened: Arc::clone(&opened) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Ok(tls) = ServerConnection::new(Arc::clone(&config)) else { return };
                let (state, opened) = (Arc::clone(&state), Arc::clone(&opened));
                std::thread::spawn(move || serve(StreamOwned::new(tls, stream), &state, &opened));
            }
        });
        socket
    }

    /// What a session-initiate says of it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("wss://localhost:{}{PATH}?{SECRET}", self.port)
    }

    /// What the client has said since it was asked last.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.state).heard)
    }

    /// Says something, over the connection that there is or the next one.
    pub fn say(&self, text: &str) {
        locked(&self.state).says.push(text.to_owned());
    }

    /// Ends every connection that there is.
    pub fn cut(&self) {
        locked(&self.state).cut = self.opened.load(Ordering::SeqCst);
    }

    /// How many connections there were.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

#[allow(clippy::result_large_err, reason = "the signature is tungstenite's")]
fn checked(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let right = request.uri().path() == PATH && request.uri().query() == Some(SECRET);
    if right {
        return Ok(response);
    }
    let mut refusal = ErrorResponse::new(None);
    *refusal.status_mut() = StatusCode::FORBIDDEN;
    Err(refusal)
}

fn serve(stream: StreamOwned<ServerConnection, TcpStream>, state: &Mutex<State>, opened: &AtomicUsize) {
    let Ok(mut socket) = tungstenite::accept_hdr(stream, checked) else { return };
    let number = opened.fetch_add(1, Ordering::SeqCst) + 1;
    let _still_blocking = socket.get_ref().sock.set_read_timeout(Some(Duration::from_millis(20)));
    while locked(state).cut < number && turn(&mut socket, state) {}
}

/// Whether it goes on.
fn turn(socket: &mut WebSocket<StreamOwned<ServerConnection, TcpStream>>, state: &Mutex<State>) -> bool {
    let says = std::mem::take(&mut locked(state).says);
    if says.into_iter().any(|text| socket.send(Message::text(text)).is_err()) {
        return false;
    }
    match socket.read() {
        Ok(Message::Text(text)) => locked(state).heard.push(text.as_str().to_owned()),
        Ok(_) => {}
        Err(tungstenite::Error::Io(error)) => {
            return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        }
        Err(_) => return false,
    }
    true
}
