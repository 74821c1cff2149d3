//! A person who has the room join: `subrosa join`, as it runs in a terminal.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::room::Room;
use crate::stage::{eventually, program};

/// `subrosa join`, as it runs.
pub struct Join {
    program: Child,
    said: Arc<Mutex<String>>,
}

impl Join {
    /// Types it, with this link.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(room: &Room, link: &str) -> Self {
        let mut program = Command::new(program("subrosa"))
            .args(["join", link, "--run"])
            .arg(room.run_dir().path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("`subrosa join`");
        let said = Arc::new(Mutex::new(String::new()));
        let (mut from, into) = (program.stdout.take().expect("its output"), Arc::clone(&said));
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = std::io::Read::read(&mut from, &mut part) {
                into.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..read]));
            }
        });
        Join { program, said }
    }

    /// What it has said so far.
    ///
    /// # Panics
    /// Never.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it says this.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn says(&self, words: &str) {
        let told = format!("“{words}” in the terminal");
        eventually(&told, Duration::from_secs(20), || self.said().contains(words).then_some(()));
    }

    /// Types a line into it.
    ///
    /// # Panics
    /// When it has ended.
    pub fn types(&mut self, line: &str) {
        let input = self.program.stdin.as_mut().expect("its input");
        writeln!(input, "{line}").expect("a line");
    }

    /// Waits for its end; its exit code.
    ///
    /// # Panics
    /// When it goes on.
    #[track_caller]
    pub fn ends(&mut self) -> Option<i32> {
        eventually("`subrosa join` ends", Duration::from_secs(40), || self.program.try_wait().expect("its end")).code()
    }
}

impl Drop for Join {
    fn drop(&mut self) {
        let _gone = (self.program.kill(), self.program.wait());
        if std::thread::panicking() {
            eprintln!("`subrosa join` has said:\n{}", self.said());
        }
    }
}
