//! Taking a port, and taking it again when it was not free.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use tokio::sync::watch;

use super::TRY_AGAIN;
use super::connection::Doorkeeper;
use super::report::Report;
use super::router::router;
use super::site::Site;
use crate::screen::view::Fault;

/// Requests begin and headers end within this time.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Handshakes end within this time.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(8);

/// Serves the site on addresses.
pub struct Listener {
    site: Arc<Site>,
    tls: RustlsConfig,
    doorkeeper: Doorkeeper,
    report: Arc<Report>,
}

impl Listener {
    pub fn new(site: &Arc<Site>, tls: RustlsConfig, forget: watch::Receiver<u64>, report: Arc<Report>) -> Self {
        Listener { site: Arc::clone(site), tls, doorkeeper: Doorkeeper::new(forget), report }
    }

    /// Serves on one address, for ever. A port that is taken is a fault, and is tried every two seconds.
    pub async fn listen(&self, address: SocketAddr) {
        let mut fault = None;
        loop {
            let listener = match bind(address) {
                Ok(listener) => listener,
                Err(error) => {
                    let found = fault_of(&error, address.port());
                    if fault.as_ref() != Some(&found) {
                        let port = address.port();
                        tracing::error!("the page cannot be served on port {port} ({}), trying again", error.kind());
                        self.report.fault(found.clone(), true);
                        if let Some(old) = fault.replace(found) {
                            self.report.fault(old, false);
                        }
                    }
                    tokio::time::sleep(TRY_AGAIN).await;
                    continue;
                }
            };
            if let Some(fault) = fault.take() {
                self.report.fault(fault, false);
            }
            let taken = listener.local_addr().unwrap_or(address);
            tracing::info!("the page is served on port {}", taken.port());
            self.report.serving(taken, true);
            if let Err(error) = self.serve(listener).await {
                tracing::error!("the web server has stopped ({}), starting it again", error.kind());
            }
            self.report.serving(taken, false);
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let acceptor = RustlsAcceptor::new(self.tls.clone())
            .handshake_timeout(HANDSHAKE_TIMEOUT)
            .acceptor(self.doorkeeper.clone());
        let mut server = axum_server::from_tcp(listener)?.acceptor(acceptor).first_request_timeout(HEAD_TIMEOUT);
        server.http_builder().http1().header_read_timeout(HEAD_TIMEOUT).max_buf_size(32 * 1024);
        server.http_builder().http2().max_concurrent_streams(32).max_header_list_size(16 * 1024);
        let router = router(Arc::clone(&self.site));
        server.serve(router.into_make_service_with_connect_info::<SocketAddr>()).await
    }
}

fn fault_of(error: &io::Error, port: u16) -> Fault {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::NetworkDown | io::ErrorKind::NetworkUnreachable => {
            Fault::Network
        }
        _ => Fault::Port(port),
    }
}

/// `[::]` takes both families; on a kernel without IPv6 `0.0.0.0` takes its place.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    match bind_one(address) {
        Err(error)
            if address.ip().is_unspecified()
                && address.is_ipv6()
                && matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)) =>
        {
            bind_one(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()))
        }
        outcome => outcome,
    }
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, !address.ip().is_unspecified())?;
    }
    sockopt::set_socket_reuseaddr(&socket, true)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, 64)?;
    Ok(TcpListener::from(socket))
}
