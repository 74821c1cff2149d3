//! TLS in front of a server that has none, with a certificate of the test's own authority; connections through it can be cut.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::authority;

/// A front; it ends when dropped.
pub struct Front {
    folder: Arc<TempDir>,
    port: u16,
    cuts: watch::Sender<u64>,
    closed: Arc<AtomicBool>,
    opened: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Front {
    /// Before what listens on this port of loopback.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn before(server: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        authority::write(folder.path());
        Self::with(Arc::new(folder), server, "")
    }

    /// The same, and whoever asks for a path that begins like this is told that there is none (404): as a server is that does not know
    /// it yet.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn without(server: u16, path: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        authority::write(folder.path());
        Self::with(Arc::new(folder), server, path)
    }

    /// Another one, with the same certificate.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn beside(&self, server: u16) -> Self {
        Self::with(Arc::clone(&self.folder), server, "")
    }

    fn with(folder: Arc<TempDir>, server: u16, unknown: &'static str) -> Self {
        let pem = |name: &str| folder.path().join("certs").join(name);
        let chain = CertificateDer::pem_file_iter(pem("localhost.crt")).expect("a file");
        let chain = chain.collect::<Result<_, _>>().expect("a chain");
        let key = PrivateKeyDer::from_pem_file(pem("localhost.key")).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("TLS").with_no_client_auth();
        let tls = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).expect("a certificate")));
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let (cuts, cut) = watch::channel(0);
        let (closed, opened) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (is_closed, count) = (Arc::clone(&closed), Arc::clone(&opened));
        runtime.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if is_closed.load(Ordering::SeqCst) {
                    continue;
                }
                let (tls, mut cut, count) = (tls.clone(), cut.clone(), Arc::clone(&count));
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut near) = tls.accept(near).await else { return };
                    let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { return };
                    let mut begin = [0; 4096];
                    let Ok(length) = near.read(&mut begin).await else { return };
                    let begin = begin.get(..length).unwrap_or_default();
                    if !unknown.is_empty() && begin.starts_with(format!("GET {unknown}").as_bytes()) {
                        let none = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                        let _gone = near.write_all(none).await;
                        let _gone = near.shutdown().await;
                        return;
                    }
                    if far.write_all(begin).await.is_err() {
                        return;
                    }
                    count.fetch_add(1, Ordering::SeqCst);
                    tokio::select! {
                        _ended = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _cut = cut.changed() => {}
                    }
                });
            }
        });
        Front { folder, port, cuts, closed, opened, _runtime: runtime }
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority that its certificate comes from (PEM).
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Ends every connection that there is.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Takes no connection, or does again.
    pub fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::SeqCst);
    }

    /// How many connections there were.
    #[must_use]
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}
