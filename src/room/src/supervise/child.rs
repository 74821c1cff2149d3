//! One process of the room: how it is started, and how it is ended.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use subrosa_process::users::User;
use tokio::process::{Child, Command};

/// A program with all that it is started with.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is called in the log.
    pub name: &'static str,
    /// Its file.
    pub file: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Who it runs as; `None`: whoever we are.
    pub user: Option<Login>,
    /// Besides our own environment.
    pub environment: Vec<(&'static str, OsString)>,
    /// A descriptor that it inherits.
    pub inherits: Option<RawFd>,
    /// What the kernel sends it when we end.
    pub without_us: Signal,
}

/// A user with all its groups, as a process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    user: User,
    groups: Vec<u32>,
}

impl Login {
    /// A user of `/etc/passwd`, with the groups that `/etc/group` lists.
    ///
    /// # Errors
    /// When `/etc/group` cannot be read.
    pub fn of(name: &str, user: User) -> io::Result<Self> {
        let mut groups = groups_of(&fs::read_to_string("/etc/group")?, name);
        groups.push(user.gid);
        groups.sort_unstable();
        groups.dedup();
        Ok(Login { user, groups })
    }
}

fn groups_of(file: &str, name: &str) -> Vec<u32> {
    let group = |line: &str| {
        let mut fields = line.split(':');
        let id = fields.nth(2)?.parse().ok()?;
        fields.next()?.split(',').any(|member| member == name).then_some(id)
    };
    file.lines().filter_map(group).collect()
}

/// A process that runs.
#[derive(Debug)]
pub struct Running {
    /// Reaps it.
    pub child: Child,
    handle: OwnedFd,
}

impl Program {
    /// Starts it. It ends when we do, however we end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self) -> io::Result<Running> {
        let mut command = Command::new(&self.file);
        command.args(&self.arguments).current_dir("/").stdin(Stdio::null());
        // Ctrl-C at the terminal is for us; and whoever waits for our readiness does not wait for theirs.
        command.process_group(0).env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let parent = rustix::process::getpid();
        let (user, inherits, signal) = (self.user.clone(), self.inherits, self.without_us);
        // SAFETY: between fork and exec only system calls are made, on values that exist already; nothing allocates.
        unsafe {
            command.pre_exec(move || {
                if let Some(Login { user, groups }) = &user {
                    become_user(*user, groups)?;
                }
                if let Some(descriptor) = inherits {
                    keep(descriptor)?;
                }
                // After the change of user, which takes it back (prctl(2)).
                rustix::process::set_parent_process_death_signal(Some(signal))?;
                if rustix::process::getppid() != Some(parent) {
                    return Err(io::ErrorKind::NotConnected.into());
                }
                Ok(())
            });
        }
        let child = command.spawn()?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let handle = pidfd_open(id.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::empty())?;
        Ok(Running { child, handle })
    }
}

impl Running {
    /// Something to send signals through, which never means another process.
    ///
    /// # Errors
    /// When there are no more descriptors.
    pub fn handle(&self) -> io::Result<Handle> {
        self.handle.try_clone().map(Handle)
    }
}

/// Names one process for as long as it is held, also after its end.
#[derive(Debug)]
pub struct Handle(OwnedFd);

impl Handle {
    /// Sends a signal, if the process is still there.
    pub fn send(&self, signal: Signal) {
        let _it_may_be_gone = pidfd_send_signal(&self.0, signal);
    }
}

/// What an end was, for the log.
pub fn how(status: io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("unknown status: {error}"),
    }
}

fn become_user(user: User, groups: &[u32]) -> io::Result<()> {
    let checked = |result: libc::c_int| if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) };
    // SAFETY: the list is valid for as many entries as it has.
    unsafe {
        checked(libc::setgroups(groups.len(), groups.as_ptr()))?;
        checked(libc::setgid(user.gid))?;
        checked(libc::setuid(user.uid))
    }
}

fn keep(descriptor: RawFd) -> io::Result<()> {
    // SAFETY: the supervisor holds the descriptor for as long as it starts processes.
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let flags = rustix::io::fcntl_getfd(descriptor)? - rustix::io::FdFlags::CLOEXEC;
    Ok(rustix::io::fcntl_setfd(descriptor, flags)?)
}

/// The number of a descriptor, for a command line.
pub fn number(descriptor: &impl AsRawFd) -> RawFd {
    descriptor.as_raw_fd()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_those_that_list_the_user() {
        let file = "root:x:0:\nsubrosa:x:991:subrosa-guard,subrosa-media\nbroken\nvideo:x:44:other\n";
        assert_eq!(groups_of(file, "subrosa-guard"), [991]);
        assert!(groups_of(file, "subrosa").is_empty());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_process_starts_without_our_readiness_socket_and_is_killed_by_its_handle() {
        let program = Program {
            name: "test",
            file: "/bin/sh".into(),
            arguments: vec!["-c".into(), "test -z \"$NOTIFY_SOCKET\" && exec sleep 600".into()],
            user: None,
            environment: Vec::new(),
            inherits: None,
            without_us: Signal::KILL,
        };
        let mut running = program.start().unwrap();
        running.handle().unwrap().send(Signal::KILL);
        assert!(how(running.child.wait().await).contains("signal: 9"));
        let missing = Program { file: "/nonexistent".into(), ..program };
        assert_eq!(missing.start().unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
