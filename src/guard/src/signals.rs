//! The signals that end the guard, as a descriptor that can be waited for.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

/// Readable when the guard is to end.
#[derive(Debug)]
pub struct Signals(OwnedFd);

impl Signals {
    /// From now on SIGTERM and SIGINT arrive here. SIGIO, with which the kernel tells that a lease is to be given
    /// back, is ignored: the guard gives it back within microseconds anyway, and the signal would end it. SIGPIPE is
    /// ignored by the runtime.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn take() -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: sigemptyset initializes the set, all later calls only read it; the old mask is not asked for; the
        // descriptor that signalfd returns is new and owned by nobody else.
        unsafe {
            if libc::sigemptyset(set.as_mut_ptr()) != 0
                || libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM) != 0
                || libc::sigaddset(set.as_mut_ptr(), libc::SIGINT) != 0
                || libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) != 0
                || libc::signal(libc::SIGIO, libc::SIG_IGN) == libc::SIG_ERR
            {
                return Err(io::Error::last_os_error());
            }
            match libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
                -1 => Err(io::Error::last_os_error()),
                descriptor => Ok(Signals(OwnedFd::from_raw_fd(descriptor))),
            }
        }
    }

    /// What to wait for.
    #[must_use]
    pub fn arrival(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Takes what has arrived; `true` when something had.
    #[must_use]
    pub fn arrived(&self) -> bool {
        let mut buffer = [0_u8; size_of::<libc::signalfd_siginfo>()];
        rustix::io::read(&self.0, &mut buffer).is_ok()
    }
}
