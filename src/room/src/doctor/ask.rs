//! Conversations with a running guard and a running media.

use std::io;
use std::marker::PhantomData;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use subrosa_messages::doctor::{DoctorToGuard, DoctorToMedia, Look, MediaToDoctor};
use subrosa_messages::frame::{self, Decoder};
use subrosa_process::peer;
use subrosa_process::run_dir::RunDir;
use subrosa_process::users::{User, Users};

/// One conversation.
pub struct Line<In, Out> {
    path: PathBuf,
    user: User,
    socket: UnixStream,
    decoder: Decoder<In>,
    says: PhantomData<Out>,
}

impl<In: DeserializeOwned, Out: Serialize> Line<In, Out> {
    /// Connects to a process that runs as that user.
    ///
    /// # Errors
    /// When nobody listens, or somebody else.
    fn connect(path: PathBuf, user: User) -> io::Result<Self> {
        let socket = UnixStream::connect(&path)?;
        if !peer::is_user(&socket, user) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        socket.set_write_timeout(Some(Duration::from_secs(2)))?;
        Ok(Line { path, user, socket, decoder: Decoder::default(), says: PhantomData })
    }

    /// Connects to the process that has taken the place of one that died. `false`: none has, in that time.
    pub fn renew(&mut self, within: Duration) -> bool {
        let end = Instant::now() + within;
        while Instant::now() < end {
            if let Ok(line) = Line::connect(self.path.clone(), self.user) {
                *self = line;
                return true;
            }
            sleep(Duration::from_millis(100));
        }
        false
    }

    /// Says something. That nobody hears it shows when nobody answers.
    pub fn say(&mut self, word: &Out) {
        let _shows_in_the_answer = frame::write(&mut self.socket, word, &[]);
    }

    /// Waits for the next word. `None`: nothing was said, or nobody is there any more.
    pub fn hear(&mut self, within: Duration) -> Option<In> {
        self.socket.set_read_timeout(Some(within.max(Duration::from_millis(1)))).ok()?;
        frame::read(&mut self.socket, &mut self.decoder).ok().flatten().map(|frame| frame.message)
    }
}

/// The guard, and what it has said last.
pub struct Guard {
    line: Line<Look, DoctorToGuard>,
    /// What it has said last.
    pub look: Look,
}

impl Guard {
    /// Connects, and hears how everything is.
    ///
    /// # Errors
    /// When no guard answers.
    pub fn connect(run: &RunDir, users: &Users) -> io::Result<Self> {
        let mut line = Line::connect(run.guard_for_doctor(), users.guard)?;
        let look = line.hear(Duration::from_secs(3)).ok_or(io::ErrorKind::TimedOut)?;
        Ok(Guard { line, look })
    }

    /// Says something.
    pub fn say(&mut self, word: DoctorToGuard) {
        self.line.say(&word);
    }

    /// Waits until something is so. `false`: it was not, all the time.
    pub fn until(&mut self, within: Duration, so: impl Fn(&Look) -> bool) -> bool {
        let end = Instant::now() + within;
        loop {
            if so(&self.look) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.line.hear(left) {
                Some(look) => self.look = look,
                None => return false,
            }
        }
    }

    /// Hears what has been said in the meantime.
    pub fn catch_up(&mut self, within: Duration) {
        self.until(within, |_| false);
    }
}

/// Media.
pub type Media = Line<MediaToDoctor, DoctorToMedia>;

/// Connects to media.
///
/// # Errors
/// When no media answers.
pub fn media(run: &RunDir, users: &Users) -> io::Result<Media> {
    Line::connect(run.media_for_doctor(), users.media)
}
