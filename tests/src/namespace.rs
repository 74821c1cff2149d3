//! Networks of the tests' own: a namespace, and two of them joined by a wire.
//!
//! A wire is what a local network is: the room at one end, the guest at the other, and whatever the room sends to
//! anybody else shows on it, if only as a question for an address nobody has. Both need root.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::LinkNameSpaceType;

/// A network namespace, removed when dropped.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    file: File,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "ip {arguments}");
}

impl Namespace {
    /// A namespace in which only the loopback interface exists, and is up.
    #[must_use]
    pub fn new() -> Arc<Self> {
        remove_stale();
        let name = format!("subrosa-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        ip(&format!("netns add {name}"));
        let file = File::open(format!("/run/netns/{name}")).expect("the namespace just made");
        let namespace = Namespace { name, file };
        ip(&format!("-n {} link set lo up", namespace.name));
        namespace.run(|| {
            // Router solicitations and neighbour discovery are the kernel's own words; without IPv6 a wire is silent
            // until a program speaks.
            let _no_ipv6_in_this_kernel = fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        });
        Arc::new(namespace)
    }

    /// Gives it one more interface, with this address and nobody behind it.
    pub fn add_interface(&self, interface: &str, address: &str) {
        ip(&format!("-n {} link add {interface} type veth peer name {interface}-end", self.name));
        ip(&format!("-n {} addr add {address} dev {interface}", self.name));
        for end in [interface.to_owned(), format!("{interface}-end")] {
            ip(&format!("-n {} link set {end} up", self.name));
        }
    }

    /// Everything goes out by this interface: Firefox gathers nothing where there is no default route.
    pub fn route_by(&self, interface: &str) {
        ip(&format!("-n {} route add default dev {interface}", self.name));
    }

    /// Its name, as `ip netns` knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `work` in the namespace, on a thread of its own. Threads and processes that it starts stay there.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| {
            let name = std::thread::current().name().unwrap_or("in a namespace").to_owned();
            let inside = std::thread::Builder::new().name(name).spawn_scoped(scope, || {
                use std::os::fd::AsFd;
                rustix::thread::move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))
                    .expect("entering the namespace");
                work()
            });
            match inside.expect("a thread").join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _gone = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

/// Runs `work` in a namespace if there is one, else here.
pub fn inside<R: Send>(namespace: Option<&Namespace>, work: impl FnOnce() -> R + Send) -> R {
    match namespace {
        Some(namespace) => namespace.run(work),
        None => work(),
    }
}

/// Namespaces of test runs that were killed.
fn remove_stale() {
    for entry in fs::read_dir("/run/netns").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix("subrosa-").and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| pid.parse::<u32>().is_ok() && !fs::exists(format!("/proc/{pid}")).unwrap_or(true)) {
            let _gone = Command::new("ip").args(["netns", "del", &name]).stderr(Stdio::null()).status();
        }
    }
}

/// Two namespaces and a wire between them; everything that is not the other end is routed onto the wire, too.
#[derive(Debug)]
pub struct Wire {
    /// Where the room is, at [`Wire::ROOM`] on [`Wire::INTERFACE`].
    pub room: Arc<Namespace>,
    /// Where the guests are, at [`Wire::GUEST`] on [`Wire::INTERFACE`].
    pub guest: Arc<Namespace>,
}

impl Wire {
    /// The room's address.
    pub const ROOM: &str = "10.77.0.1";
    /// The guests' address.
    pub const GUEST: &str = "10.77.0.2";
    /// The name of either end.
    pub const INTERFACE: &str = "wire0";

    /// Lays the wire.
    #[must_use]
    pub fn lay() -> Self {
        let wire = Wire { room: Namespace::new(), guest: Namespace::new() };
        let (room, guest, interface) = (wire.room.name(), wire.guest.name(), Self::INTERFACE);
        ip(&format!("-n {room} link add {interface} type veth peer name {interface} netns {guest}"));
        for (end, address) in [(room, Self::ROOM), (guest, Self::GUEST)] {
            ip(&format!("-n {end} addr add {address}/24 dev {interface}"));
            ip(&format!("-n {end} link set {interface} up"));
        }
        for end in [room, guest] {
            ip(&format!("-n {end} route add default dev {interface}"));
        }
        wire
    }
}
