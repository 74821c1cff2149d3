//! Recordings of real conferences (`tests/recordings/`), for tests: what one client sent, received and saw.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Which way a frame went, as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It came.
    In,
    /// It was sent.
    Out,
    /// No frame: something happened.
    Ev,
}

/// One line of a recording.
#[derive(Clone, Debug, Deserialize)]
pub struct Frame {
    /// Milliseconds since the scenario began.
    pub t_ms: u64,
    /// Which way.
    pub dir: Direction,
    /// `xmpp`, `colibri`, `http`, `sdp`, `lib`, `stats`, `note`.
    pub channel: String,
    /// What.
    pub data: String,
}

/// What one client saw in one scenario.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Such as `01-two-clients/A`.
    pub name: String,
    /// In order of time.
    pub frames: Vec<Frame>,
}

impl Recording {
    /// Those of one channel, one way.
    pub fn of<'a>(&'a self, channel: &'a str, dir: Direction) -> impl Iterator<Item = &'a Frame> {
        self.frames.iter().filter(move |frame| frame.channel == channel && frame.dir == dir)
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recordings/jitsi")
}

/// The recording of this name.
pub fn read(name: &str) -> Recording {
    let text = fs::read_to_string(folder().join(format!("{name}.jsonl"))).expect("a recording");
    let frames = text.lines().map(|line| serde_json::from_str(line).expect("a line of a recording"));
    Recording { name: name.to_owned(), frames: frames.collect() }
}

/// All of them, in order of their names.
pub fn all() -> Vec<Recording> {
    let mut names = Vec::new();
    for scenario in fs::read_dir(folder()).expect("recordings") {
        let scenario = scenario.expect("a folder").path();
        for client in fs::read_dir(&scenario).expect("a scenario") {
            let client = client.expect("a file").path();
            let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            names.push(format!("{}/{}", name(&scenario), name(&client)));
        }
    }
    names.sort();
    names.iter().map(|name| read(name)).collect()
}
