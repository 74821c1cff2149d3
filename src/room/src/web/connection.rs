//! Which connections are taken, and how each of them ends.

use std::collections::HashMap;
use std::future::{Future, Ready, pending, ready};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use rustix::net::sockopt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Sleep;

/// Connections at the same time.
const MAX_CONNECTIONS: usize = 256;
/// Connections of one address at the same time. Several guests may come through one proxy.
const MAX_PER_ADDRESS: usize = 64;
/// A peer that acknowledges nothing for this long has vanished (tcp(7), `TCP_USER_TIMEOUT`).
const VANISHED_AFTER_MS: u32 = 20_000;
/// After a meeting's end its last words have this long to reach the guests.
const FAREWELL: Duration = Duration::from_secs(1);
/// Whoever is answered before all was said (a body that is too long) may go on for so long: a connection that is closed with something
/// unread in it is reset, and the answer is lost with it (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// Takes connections as long as there are not too many, and closes all of them when a meeting has ended.
#[derive(Clone)]
pub struct Doorkeeper {
    places: Arc<Mutex<HashMap<IpAddr, usize>>>,
    forget: watch::Receiver<u64>,
}

impl Doorkeeper {
    pub fn new(forget: watch::Receiver<u64>) -> Self {
        Doorkeeper { places: Arc::default(), forget }
    }

    fn place(&self, address: IpAddr) -> Option<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.values().sum::<usize>() >= MAX_CONNECTIONS {
            return None;
        }
        let own = places.entry(address).or_default();
        if *own >= MAX_PER_ADDRESS {
            return None;
        }
        *own += 1;
        Some(Place { places: Arc::clone(&self.places), address })
    }
}

impl<S> Accept<TcpStream, S> for Doorkeeper {
    type Stream = Connection;
    type Service = S;
    type Future = Ready<io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let connection = stream.peer_addr().and_then(|peer| {
            let place = self.place(peer.ip().to_canonical()).ok_or(io::ErrorKind::QuotaExceeded)?;
            stream.set_nodelay(true)?;
            sockopt::set_tcp_user_timeout(&stream, VANISHED_AFTER_MS)?;
            let mut forget = self.forget.clone();
            forget.mark_unchanged();
            let end = async move {
                if forget.changed().await.is_err() {
                    pending::<()>().await;
                }
                tokio::time::sleep(FAREWELL).await;
            };
            Ok(Connection { stream, end: Some(Box::pin(end)), lingers: None, _place: place })
        });
        ready(connection.map(|connection| (connection, service)))
    }
}

/// Counts one connection for as long as it lives.
struct Place {
    places: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = places.get_mut(&self.address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                places.remove(&self.address);
            }
        }
    }
}

/// A connection that breaks by itself after the end of the meeting.
pub struct Connection {
    stream: TcpStream,
    /// `None` once it has come.
    end: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// All is said from this side; what still comes is thrown away until then.
    lingers: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl Connection {
    /// Asked at every turn, so that the task is woken at the end whatever it waits for.
    fn ended(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if let Some(end) = &mut self.end
            && end.as_mut().poll(context).is_ready()
        {
            self.end = None;
        }
        if self.end.is_none() { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.ended(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.ended(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Connection { stream, lingers, .. } = self.get_mut();
        if lingers.is_none() {
            ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let until = lingers.get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        let mut waste = [0; 4096];
        loop {
            if until.as_mut().poll(context).is_ready() {
                return Poll::Ready(Ok(()));
            }
            let mut waste = ReadBuf::new(&mut waste);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut waste));
            if read.is_err() || waste.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.ended(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_is_answered_before_all_was_said_reads_the_answer() {
        let (_room, forget) = watch::channel(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (mut connection, ()) = Doorkeeper::new(forget).accept(stream, ()).await.unwrap();
        let answered = tokio::spawn(async move {
            let mut first = [0; 10];
            connection.read_exact(&mut first).await.unwrap();
            connection.write_all(b"too long").await.unwrap();
            connection.shutdown().await.unwrap();
        });
        // More than buffers hold: the second half is written after the other side has answered.
        let body = vec![b'x'; 8 << 20];
        peer.write_all(&body).await.unwrap();
        peer.shutdown().await.unwrap();
        let mut answer = String::new();
        peer.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "too long");
        answered.await.unwrap();
    }

    #[tokio::test]
    async fn who_never_stops_is_not_listened_to_for_ever() {
        let (_room, forget) = watch::channel(0);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let (mut connection, ()) = Doorkeeper::new(forget).accept(stream, ()).await.unwrap();
        let begun = tokio::time::Instant::now();
        connection.shutdown().await.unwrap();
        assert!(begun.elapsed() >= LINGER && begun.elapsed() < 2 * LINGER);
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let (_room, forget) = watch::channel(0);
        let doorkeeper = Doorkeeper::new(forget);
        let here = IpAddr::from([192, 0, 2, 1]);
        let mut places: Vec<Place> = (0..MAX_PER_ADDRESS).map(|_| doorkeeper.place(here).unwrap()).collect();
        assert!(doorkeeper.place(here).is_none());
        let elsewhere = doorkeeper.place(IpAddr::from([192, 0, 2, 2])).unwrap();
        places.pop();
        assert!(doorkeeper.place(here).is_some());
        drop((places, elsewhere));
        assert!(doorkeeper.places.lock().unwrap().is_empty());
    }
}
