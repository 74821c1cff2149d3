//! A TCP connection that can be cut: a port that passes everything on to another one until it is told not to.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The port in between.
pub struct Wire {
    /// Where to connect to, on loopback.
    pub port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    open: Mutex<Vec<TcpStream>>,
    down: AtomicBool,
    made: AtomicUsize,
}

impl Wire {
    /// Passes on to a port of loopback.
    #[must_use]
    pub fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = listener.local_addr().expect("a port").port();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if shared.down.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                shared.made.fetch_add(1, Ordering::SeqCst);
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                    std::thread::spawn(move || passed(from, to));
                }
                shared.open.lock().expect("the list").extend([near, far]);
            }
        });
        Wire { port: own, state }
    }

    /// Cuts every connection there is.
    pub fn cut(&self) {
        for socket in self.state.open.lock().expect("the list").drain(..) {
            let _gone = socket.shutdown(Shutdown::Both);
        }
    }

    /// Takes no connection (`true`), or takes them again. Those that are there stay.
    pub fn down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    /// How many connections were passed on so far.
    #[must_use]
    pub fn made(&self) -> usize {
        self.state.made.load(Ordering::SeqCst)
    }
}

fn passed(mut from: TcpStream, mut to: TcpStream) {
    let mut part = [0; 16 * 1024];
    loop {
        match from.read(&mut part) {
            Ok(0) => break,
            Ok(read) => {
                if to.write_all(&part[..read]).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _gone = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
