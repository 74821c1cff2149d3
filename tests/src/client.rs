//! The HTTP interface of the room, as the page uses it.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use serde_json::Value;
use sha2::{Digest, Sha256};
use ureq::tls::TlsConfig;

use crate::namespace::{Namespace, inside};

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

impl Reply {
    /// The body as JSON; `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// A browser's side of HTTP: one origin, one cookie. Certificates are not checked here;
/// [`Client::fingerprint`] says which one is served.
#[derive(Debug)]
pub struct Client {
    origin: String,
    namespace: Option<Arc<Namespace>>,
    agent: ureq::Agent,
    cookie: Mutex<Option<String>>,
}

impl Client {
    /// For an origin such as `https://127.0.0.1:8443`.
    #[must_use]
    pub fn new(origin: &str, namespace: Option<Arc<Namespace>>) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(Duration::from_secs(10)))
            .tls_config(TlsConfig::builder().disable_verification(true).build())
            // Each request has a connection of its own: one kept open would outlive a killed room.
            .max_idle_connections(0)
            .build()
            .into();
        Client { origin: origin.trim_end_matches('/').to_owned(), namespace, agent, cookie: Mutex::new(None) }
    }

    /// The origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The session cookie, as it is sent.
    #[must_use]
    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap().clone()
    }

    /// `GET`.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn get(&self, path: &str) -> Result<Reply, String> {
        inside(self.namespace.as_deref(), || {
            let mut request = self.agent.get(format!("{}{path}", self.origin));
            if let Some(cookie) = self.cookie() {
                request = request.header("Cookie", cookie);
            }
            self.reply(request.call())
        })
    }

    /// `GET` of a body that is no text.
    ///
    /// # Errors
    /// When nothing answers, or anything but 200.
    pub fn get_bytes(&self, path: &str) -> Result<Vec<u8>, String> {
        inside(self.namespace.as_deref(), || {
            let mut response =
                self.agent.get(format!("{}{path}", self.origin)).call().map_err(|error| error.to_string())?;
            if response.status().as_u16() != 200 {
                return Err(format!("{} for {path}", response.status().as_u16()));
            }
            response.body_mut().read_to_vec().map_err(|error| error.to_string())
        })
    }

    /// `POST` of JSON, with the headers that a page of this origin sends.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn post(&self, path: &str, body: &Value) -> Result<Reply, String> {
        self.post_with(path, &body.to_string(), &[("Origin", &self.origin), ("Content-Type", "application/json")])
    }

    /// `POST` with exactly these headers and the cookie.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn post_with(&self, path: &str, body: &str, headers: &[(&str, &str)]) -> Result<Reply, String> {
        inside(self.namespace.as_deref(), || {
            let mut request = self.agent.post(format!("{}{path}", self.origin));
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            if let Some(cookie) = self.cookie() {
                request = request.header("Cookie", cookie);
            }
            self.reply(request.send(body))
        })
    }

    fn reply(&self, result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Reply, String> {
        let mut response = result.map_err(|error| error.to_string())?;
        let headers: Vec<(String, String)> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        if let Some((_, cookie)) = headers.iter().find(|(name, _)| name == "set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default().to_owned();
            *self.cookie.lock().unwrap() = Some(pair);
        }
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_string().unwrap_or_default();
        Ok(Reply { status, headers, body })
    }

    /// The guest's event stream: each event with the time of its arrival. The channel closes with the stream.
    ///
    /// # Errors
    /// The status when it is refused, or why nothing answers.
    pub fn events(&self) -> Result<Receiver<(Instant, Value)>, String> {
        self.events_of("/api/events")
    }

    /// The same for another stream, such as a phone's.
    ///
    /// # Errors
    /// When nothing answers, or not with a stream.
    pub fn events_of(&self, path: &str) -> Result<Receiver<(Instant, Value)>, String> {
        let cookie = self.cookie().unwrap_or_default();
        let url = format!("{}{path}", self.origin);
        let response = inside(self.namespace.as_deref(), || {
            self.agent.get(url).header("Cookie", cookie).header("Accept", "text/event-stream").call()
        });
        let mut response = response.map_err(|error| error.to_string())?;
        if response.status().as_u16() != 200 {
            let body = response.body_mut().read_to_string().unwrap_or_default();
            return Err(format!("{} {body}", response.status().as_u16()));
        }
        let (sender, receiver) = mpsc::channel();
        let reader = BufReader::new(response.into_body().into_reader());
        std::thread::spawn(move || {
            for line in reader.lines() {
                let Ok(line) = line else { return };
                let Some(data) = line.strip_prefix("data:") else { continue };
                let event = serde_json::from_str(data.trim()).unwrap_or(Value::Null);
                if sender.send((Instant::now(), event)).is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    /// SHA-256 of the certificate that is served now, as upper-case pairs with colons.
    ///
    /// # Errors
    /// When nothing answers or TLS fails.
    pub fn fingerprint(&self) -> Result<String, String> {
        let der = self.certificate()?;
        Ok(Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":"))
    }

    /// The certificate that is served now, DER.
    ///
    /// # Errors
    /// When nothing answers or TLS fails.
    pub fn certificate(&self) -> Result<Vec<u8>, String> {
        let address: SocketAddr =
            self.origin.trim_start_matches("https://").parse().map_err(|_| format!("{} is no address", self.origin))?;
        inside(self.namespace.as_deref(), || served_certificate(address))
    }
}

fn served_certificate(address: SocketAddr) -> Result<Vec<u8>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything))
        .with_no_client_auth();
    let mut tls =
        ClientConnection::new(Arc::new(config), ServerName::from(address.ip())).map_err(|error| error.to_string())?;
    let mut tcp = TcpStream::connect(address).map_err(|error| error.to_string())?;
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp).map_err(|error| error.to_string())?;
    }
    let certificates = tls.peer_certificates().unwrap_or_default();
    certificates.first().map(|der| der.to_vec()).ok_or_else(|| "no certificate was served".to_owned())
}

#[derive(Debug)]
struct Anything;

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
