//! A tap on an interface: every packet with the kernel's own time stamp.
//!
//! The time at which a packet left is the kernel's, so that a claim such as "nothing later than 50 ms" does not depend on
//! when a busy machine lets the test look. SRTP leaves the RTP header in clear (RFC 3711, section 3.1), which is all
//! that telling one stream from another takes.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::namespace::{Namespace, inside};

/// One packet as it passed.
#[derive(Clone, Debug)]
pub struct Seen {
    /// When, by the kernel.
    pub at: SystemTime,
    /// It left on this interface; otherwise it came in.
    pub outgoing: bool,
    /// The protocol of the frame: 0x0800 IPv4, 0x0806 ARP, …
    pub protocol: u16,
    /// Its first bytes, from the network header on.
    pub bytes: Vec<u8>,
}

/// An IPv4 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip<'a> {
    /// From where.
    pub source: Ipv4Addr,
    /// To where.
    pub destination: Ipv4Addr,
    /// 6 TCP, 17 UDP, 1 ICMP.
    pub protocol: u8,
    /// After the header.
    pub payload: &'a [u8],
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp<'a> {
    /// From where.
    pub source: SocketAddrV4,
    /// To where.
    pub destination: SocketAddrV4,
    /// After the header.
    pub payload: &'a [u8],
}

/// The header of an RTP packet (RFC 3550, section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtp {
    /// Payload type.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Time stamp.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

impl Rtp {
    /// Reads a header; `None` for STUN, DTLS and RTCP (RFC 7983, RFC 5761).
    #[must_use]
    pub fn parse(datagram: &[u8]) -> Option<Self> {
        let (first, second) = (*datagram.first()?, *datagram.get(1)?);
        if !(128..192).contains(&first) || (192..224).contains(&second) {
            return None;
        }
        Some(Rtp {
            payload_type: second & 0x7f,
            sequence: be16(datagram, 2)?,
            timestamp: be32(datagram, 4)?,
            ssrc: be32(datagram, 8)?,
        })
    }
}

impl Seen {
    /// As an IPv4 packet.
    #[must_use]
    pub fn ip(&self) -> Option<Ip<'_>> {
        if self.protocol != 0x0800 {
            return None;
        }
        let header = usize::from(self.bytes.first()? & 0x0f) * 4;
        Some(Ip {
            source: Ipv4Addr::from(be32(&self.bytes, 12)?),
            destination: Ipv4Addr::from(be32(&self.bytes, 16)?),
            protocol: *self.bytes.get(9)?,
            payload: self.bytes.get(header..)?,
        })
    }

    /// As a UDP datagram.
    #[must_use]
    pub fn udp(&self) -> Option<Udp<'_>> {
        let ip = self.ip().filter(|ip| ip.protocol == 17)?;
        Some(Udp {
            source: SocketAddrV4::new(ip.source, be16(ip.payload, 0)?),
            destination: SocketAddrV4::new(ip.destination, be16(ip.payload, 2)?),
            payload: ip.payload.get(8..)?,
        })
    }

    /// As an RTP packet.
    #[must_use]
    pub fn rtp(&self) -> Option<Rtp> {
        Rtp::parse(self.udp()?.payload)
    }

    /// The address that an ARP packet asks for.
    #[must_use]
    pub fn asked_for(&self) -> Option<Ipv4Addr> {
        if self.protocol != 0x0806 {
            return None;
        }
        Some(Ipv4Addr::from(be32(&self.bytes, 24)?))
    }
}

/// Listens until dropped.
pub struct Tap {
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Listens on an interface.
    #[must_use]
    pub fn on(namespace: Option<&Namespace>, interface: &str) -> Self {
        let socket = inside(namespace, || open(interface))
            .unwrap_or_else(|error| panic!("a packet socket on {interface}: {error}"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (seen, stop) = (seen.clone(), stop.clone());
            std::thread::Builder::new().name("tap".into()).spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    if let Some(packet) = receive(&socket) {
                        seen.lock().unwrap().push(packet);
                    }
                }
            })
        };
        Tap { seen, stop, thread: Some(thread.expect("a thread")) }
    }

    /// All that passed since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<Seen> {
        mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn set<T>(socket: &OwnedFd, level: libc::c_int, name: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: `value` lives through the call and its size is given.
    check(unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            mem::size_of::<T>() as libc::socklen_t,
        )
    })?;
    Ok(())
}

fn open(interface: &str) -> io::Result<OwnedFd> {
    let every = (libc::ETH_P_ALL as u16).to_be();
    // SAFETY: a plain system call; the descriptor is owned from here on.
    let socket = unsafe {
        OwnedFd::from_raw_fd(check(libc::socket(libc::AF_PACKET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0))?)
    };
    let name = std::ffi::CString::new(interface)?;
    // SAFETY: all zeroes is a valid address; the name is a C string.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = every;
    // SAFETY: as above.
    address.sll_ifindex = check(unsafe { libc::if_nametoindex(name.as_ptr()) } as libc::c_int)?;
    if address.sll_ifindex == 0 {
        return Err(io::Error::last_os_error());
    }
    set(&socket, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, &1_i32)?;
    set(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &(32_i32 << 20))?;
    set(&socket, libc::SOL_SOCKET, libc::SO_RCVTIMEO, &libc::timeval { tv_sec: 0, tv_usec: 50_000 })?;
    // SAFETY: the address lives through the call and its size is given.
    check(unsafe {
        libc::bind(
            socket.as_raw_fd(),
            std::ptr::from_ref(&address).cast(),
            mem::size_of_val(&address) as libc::socklen_t,
        )
    })?;
    Ok(socket)
}

fn receive(socket: &OwnedFd) -> Option<Seen> {
    let mut bytes = [0_u8; 256];
    let mut control = [0_u64; 16];
    // SAFETY: all zeroes is valid for both; every pointer put in lives through the call.
    let (mut from, mut message): (libc::sockaddr_ll, libc::msghdr) = unsafe { (mem::zeroed(), mem::zeroed()) };
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    message.msg_name = std::ptr::from_mut(&mut from).cast();
    message.msg_namelen = mem::size_of_val(&from) as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = mem::size_of_val(&control);
    // SAFETY: as above.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0) };
    let length = usize::try_from(length).ok()?;
    let mut at = SystemTime::now();
    // SAFETY: the kernel has filled the control buffer as the header says.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_TIMESTAMPNS {
                let stamp: libc::timespec = std::ptr::read_unaligned(libc::CMSG_DATA(header).cast());
                at = SystemTime::UNIX_EPOCH + Duration::new(stamp.tv_sec as u64, stamp.tv_nsec as u32);
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Some(Seen {
        at,
        outgoing: from.sll_pkttype == libc::PACKET_OUTGOING,
        protocol: u16::from_be(from.sll_protocol),
        bytes: bytes.get(..length.min(bytes.len()))?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_is_told_from_stun_dtls_and_rtcp() {
        let rtp = [0x80, 96, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5];
        assert_eq!(Rtp::parse(&rtp), Some(Rtp { payload_type: 96, sequence: 7, timestamp: 9, ssrc: 5 }));
        let rtcp = [0x80, 200, 0, 6, 0, 0, 0, 9, 0, 0, 0, 5];
        assert_eq!(Rtp::parse(&rtcp), None);
        assert_eq!(Rtp::parse(&[0, 1, 0, 0]), None, "STUN");
        assert_eq!(Rtp::parse(&[22, 254, 253, 0]), None, "DTLS");
    }

    #[test]
    fn a_tap_shows_what_goes_to_the_guest_and_who_is_looked_for_in_vain() {
        use crate::namespace::Wire;
        use crate::stage::{Need, eventually};
        crate::needs!(Need::Root, Need::Program("ip"));
        let wire = Wire::lay();
        let tap = Tap::on(Some(&wire.room), Wire::INTERFACE);
        let before = SystemTime::now();
        wire.room.run(|| {
            let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
            for to in ["10.77.0.2:5000", "192.0.2.53:53"] {
                let _unanswered = socket.send_to(b"\x80\x60\0\x07\0\0\0\x09\0\0\0\x05", to);
            }
        });
        let mut seen = Vec::new();
        let asked = eventually("somebody unknown is looked for", Duration::from_secs(5), || {
            seen.extend(tap.take());
            seen.iter().filter(|seen| seen.outgoing).filter_map(Seen::asked_for).find(|asked| asked.octets()[0] == 192)
        });
        assert_eq!(asked, Ipv4Addr::new(192, 0, 2, 53));
        let packet = seen.iter().find(|seen| seen.rtp().is_some()).unwrap();
        assert_eq!(packet.rtp().unwrap().sequence, 7);
        assert!(packet.outgoing && packet.at >= before && packet.at <= SystemTime::now());
    }
}
