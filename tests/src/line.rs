//! A bad line behind a wire: packets to and from one guest are lost, late, or too many for it.
//!
//! The kernels that tests run on do not all have `netem`, so both ends are TUN interfaces, and a thread in between does what a bad
//! line does. It begins where the wire ends and not where the room is: an ICE agent sends by the interface whose address it was
//! given, whatever the routes say. Needs root.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::namespace::Namespace;

/// How bad a line is, either way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Badness {
    /// So many of a hundred packets are lost.
    pub loss: f64,
    /// Packets are up to twice as late as this, each by another time; they do not overtake each other.
    pub jitter: Duration,
    /// It carries no more than this, in bit/s; what waits longer than 200 ms is lost.
    pub rate: Option<u32>,
}

impl Badness {
    /// As good as a wire.
    pub const NONE: Badness = Badness { loss: 0.0, jitter: Duration::ZERO, rate: None };
}

/// A line, and the guest's end of it.
pub struct Line {
    /// Where the guest is.
    pub guest: Arc<Namespace>,
    badness: Arc<Mutex<Badness>>,
}

impl Line {
    /// Lays a line from the far end of a wire, which hands on what comes for it. `number` tells lines of one wire apart.
    #[must_use]
    pub fn lay(wire: &Arc<Namespace>, number: u8, badness: Badness) -> Self {
        let guest = Namespace::new();
        wire.run(|| {
            for setting in ["ip_forward", "conf/all/proxy_arp"] {
                std::fs::write(format!("/proc/sys/net/ipv4/{setting}"), "1").expect("a router");
            }
        });
        let badness = Arc::new(Mutex::new(badness));
        let name = format!("line{number}");
        let ends = [wire, &guest].map(|end| {
            let name = name.clone();
            end.run(move || tun(&name))
        });
        for (end, host) in [(wire, 1), (&guest, 2)] {
            ip(&format!("-n {} addr add 10.79.{number}.{host}/24 dev {name}", end.name()));
            ip(&format!("-n {} link set {name} up", end.name()));
        }
        ip(&format!("-n {} route add default dev {name}", guest.name()));
        let [near, far] = ends;
        carry(near.try_clone().unwrap(), far.try_clone().unwrap(), badness.clone(), 1);
        carry(far, near, badness.clone(), 2);
        Line { guest, badness }
    }

    /// Makes it better or worse.
    pub fn becomes(&self, badness: Badness) {
        *self.badness.lock().unwrap() = badness;
    }
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.is_ok_and(|status| status.success()), "ip {arguments}");
}

/// A TUN interface of the namespace of this thread; it is gone when the file is closed.
fn tun(name: &str) -> File {
    let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun").expect("TUN");
    // SAFETY: the structure is made of numbers only.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: the descriptor is open and the structure is what this request takes.
    let made = unsafe { libc::ioctl(file.as_raw_fd(), libc::TUNSETIFF as _, &request) };
    assert_eq!(made, 0, "{}", std::io::Error::last_os_error());
    file
}

/// Carries one way, for as long as the line is there.
fn carry(mut from: File, mut to: File, badness: Arc<Mutex<Badness>>, seed: u64) {
    let (sender, packets) = mpsc::channel::<Vec<u8>>();
    let gone = Arc::downgrade(&badness);
    std::thread::spawn(move || {
        let mut packet = [0; 2048];
        while let Ok(length) = from.read(&mut packet) {
            if sender.send(packet[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    drop(badness);
    std::thread::spawn(move || {
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut chance = move || {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            (dice >> 11) as f64 / (1_u64 << 53) as f64
        };
        let mut waiting: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut busy_until = Instant::now();
        loop {
            let now = Instant::now();
            while waiting.front().is_some_and(|(due, _)| *due <= now) {
                if let Some((_, packet)) = waiting.pop_front() {
                    // An interface that is not up yet takes nothing.
                    let _lost = to.write(&packet);
                }
            }
            let wait =
                waiting.front().map_or(Duration::from_millis(200), |(due, _)| due.saturating_duration_since(now));
            let packet = match packets.recv_timeout(wait) {
                Ok(packet) => packet,
                Err(RecvTimeoutError::Timeout) if gone.strong_count() > 0 => continue,
                Err(_) => return,
            };
            let Some(badness) = gone.upgrade().map(|badness| *badness.lock().unwrap()) else { return };
            if chance() * 100.0 < badness.loss {
                continue;
            }
            let now = Instant::now();
            let mut due = now + badness.jitter.mul_f64(chance() * 2.0);
            if let Some(rate) = badness.rate {
                busy_until = busy_until.max(now) + Duration::from_secs_f64(packet.len() as f64 * 8.0 / f64::from(rate));
                if busy_until > now + Duration::from_millis(200) {
                    busy_until -= Duration::from_secs_f64(packet.len() as f64 * 8.0 / f64::from(rate));
                    continue;
                }
                due = due.max(busy_until);
            }
            let last = waiting.back().map_or(now, |(due, _)| *due);
            waiting.push_back((due.max(last), packet));
        }
    });
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;
    use crate::needs;
    use crate::stage::{Need, Stage};

    #[test]
    fn a_line_loses_delays_and_bounds_as_it_is_told() {
        needs!(Need::Root, Need::Program("ip"));
        let _stage = Stage::take();
        let near = Namespace::new();
        let line = Line::lay(&near, 1, Badness::NONE);
        let from = near.run(|| UdpSocket::bind("10.79.1.1:0").unwrap());
        let to = line.guest.run(|| UdpSocket::bind("10.79.1.2:0").unwrap());
        to.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let address = to.local_addr().unwrap();
        let received = |count: usize, pause: Duration| {
            let receiver = to.try_clone().unwrap();
            let counter = std::thread::spawn(move || {
                let mut buffer = [0; 1500];
                std::iter::from_fn(|| receiver.recv(&mut buffer).ok()).count()
            });
            for _ in 0..count {
                from.send_to(&[7; 1000], address).unwrap();
                std::thread::sleep(pause);
            }
            counter.join().unwrap()
        };
        assert_eq!(received(200, Duration::from_millis(1)), 200);
        line.becomes(Badness { loss: 20.0, ..Badness::NONE });
        let kept = received(1000, Duration::from_micros(300));
        assert!((700..900).contains(&kept), "{kept}");
        line.becomes(Badness { rate: Some(1_000_000), ..Badness::NONE });
        let kept = received(500, Duration::from_millis(2));
        assert!((100..300).contains(&kept), "about 125 a second: {kept}");
    }
}
