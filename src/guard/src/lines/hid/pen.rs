//! Writes reports to a device in a thread of its own: a device that hangs keeps a write waiting for seconds, and the
//! guard must not wait with it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use super::node::Node;

/// What is to be done.
enum Order {
    Write { number: u64, report: Vec<u8> },
    Ask { report: u8 },
}

/// What was done.
#[derive(Debug)]
pub(super) enum Done {
    /// An order to write, by its number; `true`: the device has taken it.
    Written { number: u64, taken: bool },
    /// The device's answer.
    Answer(Vec<u8>),
}

/// The way to the thread. It ends when this is dropped and its last order is carried out.
pub(super) struct Pen {
    orders: Sender<Order>,
    done: Receiver<Done>,
    bell: Arc<OwnedFd>,
    last: u64,
}

impl Pen {
    pub(super) fn of(node: &Node) -> io::Result<Self> {
        let node = node.another()?;
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (orders, waiting) = channel::<Order>();
        let (report, done) = channel();
        let ring = Arc::clone(&bell);
        std::thread::Builder::new().name("leds".to_owned()).spawn(move || {
            while let Ok(order) = waiting.recv() {
                let answer = match order {
                    Order::Write { number, report } => Done::Written { number, taken: node.write(&report).is_ok() },
                    Order::Ask { report } => match node.ask_for(report) {
                        Ok(answer) => Done::Answer(answer),
                        Err(_) => continue,
                    },
                };
                if report.send(answer).is_err() {
                    return;
                }
                let _already_rung = rustix::io::write(&*ring, &1_u64.to_ne_bytes());
            }
        })?;
        Ok(Pen { orders, done, bell, last: 0 })
    }

    /// Readable when something was done.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// Orders a report to be written; its number.
    pub(super) fn write(&mut self, report: Vec<u8>) -> u64 {
        self.last += 1;
        let _ended = self.orders.send(Order::Write { number: self.last, report });
        self.last
    }

    /// Orders a report to be asked for.
    pub(super) fn ask(&self, report: u8) {
        let _ended = self.orders.send(Order::Ask { report });
    }

    /// What was done since this was last called.
    pub(super) fn take(&self) -> Vec<Done> {
        let mut count = [std::mem::MaybeUninit::<u8>::uninit(); 8];
        let _none = rustix::io::read(&*self.bell, &mut count);
        self.done.try_iter().collect()
    }

    /// The same, and waits for this order, but not for long.
    pub(super) fn wait(&self, number: u64, patience: Duration) -> Vec<Done> {
        let end = Instant::now() + patience;
        let mut all = Vec::new();
        loop {
            match self.done.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(done) => {
                    let last = matches!(done, Done::Written { number: one, .. } if one == number);
                    all.push(done);
                    if last {
                        return all;
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return all,
            }
        }
    }
}
