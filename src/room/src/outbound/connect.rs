//! Name, TCP, TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use super::{Address, OutboundError, Trust};

/// The longest that it may take from a name to an encrypted connection.
pub const LONGEST: Duration = Duration::from_secs(15);
/// The longest for one address.
const ATTEMPT: Duration = Duration::from_secs(5);
/// The next address is tried after this time, beside the ones before (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Addresses that are tried; a name with more is not asked further.
const ADDRESSES: usize = 8;

/// An encrypted connection.
pub type Stream = tokio_rustls::client::TlsStream<TcpStream>;

/// Connects within [`LONGEST`].
///
/// # Errors
/// When nobody answers, or whoever answers cannot prove to be the host of the address.
pub async fn connect(address: &Address, trust: &Trust) -> Result<Stream, OutboundError> {
    timeout(LONGEST, connected(address, trust)).await.unwrap_or(Err(OutboundError::Late))
}

async fn connected(address: &Address, trust: &Trust) -> Result<Stream, OutboundError> {
    let name = ServerName::try_from(address.host().to_owned()).map_err(|_| OutboundError::NoAddress)?;
    let found = tokio::net::lookup_host((address.host(), address.port())).await;
    let tcp = first_of(in_turn(found.map_err(|_| OutboundError::NoAddress)?)).await?;
    // Small messages wait for nothing.
    tcp.set_nodelay(true).map_err(|_| OutboundError::NoConnection)?;
    TlsConnector::from(trust.tls()).connect(name, tcp).await.map_err(|error| refused(&error))
}

/// The families take turns, the first one of the system's order leads (RFC 8305, section 4).
fn in_turn(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let found: Vec<SocketAddr> = found.take(64).collect();
    let leads = found.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<SocketAddr>, Vec<_>) = found.into_iter().partition(|one| one.is_ipv6() == leads);
    let mut second = second.into_iter();
    let mut turns: Vec<SocketAddr> =
        first.into_iter().flat_map(|one| [Some(one), second.next()]).flatten().take(ADDRESSES).collect();
    turns.extend(second.take(ADDRESSES - turns.len()));
    turns
}

/// The first of these that takes a connection.
async fn first_of(addresses: Vec<SocketAddr>) -> Result<TcpStream, OutboundError> {
    if addresses.is_empty() {
        return Err(OutboundError::NoAddress);
    }
    let attempt = |address| async move { timeout(ATTEMPT, TcpStream::connect(address)).await };
    let mut waiting = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    attempts.extend(waiting.next().map(attempt));
    let mut trouble = OutboundError::NoConnection;
    while !attempts.is_empty() {
        tokio::select! {
            Some(ended) = attempts.next() => match ended {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(_)) => attempts.extend(waiting.next().map(attempt)),
                Err(_) => {
                    trouble = OutboundError::Late;
                    attempts.extend(waiting.next().map(attempt));
                }
            },
            () = sleep(STAGGER), if waiting.len() > 0 => attempts.extend(waiting.next().map(attempt)),
        }
    }
    Err(trouble)
}

/// What a failed handshake of TLS means.
fn refused(error: &io::Error) -> OutboundError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            OutboundError::Certificate
        }
        // What came is no record of TLS at all.
        Some(rustls::Error::InvalidMessage(_)) => OutboundError::Unencrypted,
        Some(_) => OutboundError::Tls,
        None => OutboundError::NoConnection,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_there_is_an_end() {
        let of = |text: &[&str]| text.iter().map(|one| one.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let found = of(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
        assert_eq!(in_turn(found.into_iter()), of(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
        let found = of(&["1.1.1.1:1", "[::1]:1", "[::2]:1", "[::3]:1"]);
        assert_eq!(in_turn(found.into_iter()), of(&["1.1.1.1:1", "[::1]:1", "[::2]:1", "[::3]:1"]));
        let many = (0..200_u8).map(|last| SocketAddr::from(([192, 0, 2, last], 443)));
        assert_eq!(in_turn(many).len(), ADDRESSES);
        let six = (0..200_u16).map(|last| SocketAddr::from(([1, 0, 0, 0, 0, 0, 0, last], 443)));
        let both = six.clone().take(2).chain((0..20_u8).map(|last| SocketAddr::from(([192, 0, 2, last], 443))));
        assert_eq!(in_turn(both).len(), ADDRESSES);
        assert_eq!(in_turn(six.take(0)), []);
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_not_the_end() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = {
            let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap()
        };
        assert!(first_of(vec![closed, open]).await.is_ok());
        assert_eq!(first_of(vec![closed, closed]).await.err(), Some(OutboundError::NoConnection));
        assert_eq!(first_of(vec![]).await.err(), Some(OutboundError::NoAddress));
    }
}
