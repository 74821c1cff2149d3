//! The kernel's own record of what happened, on one clock (`CLOCK_MONOTONIC`): lines that were driven and read, files that
//! were opened and are gone, pictures and sound that were handed out. No process can write it.
//! (Linux, *Event Tracing*; `trace/events/{gpio,module,v4l2}.h`, `sound/core/pcm_trace.h`.)
//!
//! Calls of programs leave no record in this kernel (`ARCH=um` has no system call tracepoints and no kprobes). What an open
//! and a release leave is a reference of the driver's module: the kernel takes it before the driver hears of the open, and
//! gives it back after the driver's release has run.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where the record is.
const TRACING: &str = "/sys/kernel/tracing";
/// Room for what happens between two looks, in KiB.
const ROOM: &str = "16384";

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// When, as [`crate::devices::monotonic`] counts.
    pub at: Duration,
    /// In which process; drivers' threads have names of their own.
    pub process: String,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A line was driven to this level. Lines have numbers of the kernel's here ([`Trace::first_line`]).
    Driven(u32, bool),
    /// A line was read.
    Read(u32, bool),
    /// A driver's module was taken (or given back) by this function of the kernel, and so many references are left.
    Taken(String, String, u32),
    /// See [`What::Taken`].
    Given(String, String, u32),
    /// A program was handed a picture from `/dev/video…`.
    Picture(u32),
    /// Sound arrived in (or left) this substream, such as `pcmC0D1c/sub0`.
    Sound(String),
    /// The test itself said something.
    Said(String),
}

/// The record, from its start on.
#[derive(Debug)]
pub struct Trace {
    pipe: File,
    rest: String,
}

impl Trace {
    /// Begins to record.
    ///
    /// # Panics
    /// When the kernel records none of this.
    #[must_use]
    pub fn start() -> Self {
        let place = |name: &str| Path::new(TRACING).join(name);
        if !place("trace").exists() {
            let mounted = Command::new("mount").args(["-t", "tracefs", "none", TRACING]).status().expect("mount");
            assert!(mounted.success(), "tracefs: {mounted}");
        }
        let write = |name: &str, text: &str| {
            fs::write(place(name), text).unwrap_or_else(|error| panic!("tracing, {name}: {error}"));
        };
        write("tracing_on", "0");
        write("buffer_size_kb", ROOM);
        write("trace_clock", "mono");
        for event in ["gpio/gpio_value", "module/module_get", "module/module_put", "v4l2/v4l2_dqbuf", "snd_pcm/hwptr"] {
            let file = format!("events/{event}/enable");
            // A kernel without lines or without this trace of sound has no such event.
            if place(&file).exists() {
                write(&file, "1");
            }
        }
        write("trace", "");
        write("tracing_on", "1");
        let pipe = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(place("trace_pipe"));
        Trace { pipe: pipe.expect("trace_pipe"), rest: String::new() }
    }

    /// Says something in the record.
    pub fn say(&self, words: &str) {
        fs::write(PathBuf::from(TRACING).join("trace_marker"), words).expect("trace_marker");
    }

    /// What happened since the last time.
    ///
    /// # Panics
    /// When something was lost: then nobody knows.
    #[must_use]
    pub fn take(&mut self) -> Vec<Happened> {
        let mut bytes = vec![0; 1 << 16];
        loop {
            match self.pipe.read(&mut bytes) {
                Ok(0) => break,
                Ok(length) => self.rest.push_str(&String::from_utf8_lossy(&bytes[..length])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("trace_pipe: {error}"),
            }
        }
        let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
        let text: String = self.rest.drain(..whole).collect();
        assert!(!text.contains("LOST"), "the record has a gap");
        text.lines().filter_map(parse).collect()
    }

    /// The number of the first line of the chip that holds this node (`/dev/gpiochip0`), which nobody may use yet: its first line is
    /// driven once, and what the kernel says of it is the number.
    ///
    /// # Panics
    /// When the line is in use.
    #[must_use]
    pub fn first_line(&mut self, node: &Path) -> u32 {
        let _before = self.take();
        let mut request = gpiocdev::Request::builder();
        request.on_chip(node).with_consumer("record").with_line(0).as_output(gpiocdev::line::Value::Inactive);
        drop(request.request().expect("a line that nobody uses"));
        let driven = self.take().into_iter().find_map(|happened| match happened.what {
            What::Driven(line, _) => Some(line),
            _ => None,
        });
        driven.expect("a line that was driven leaves a record")
    }
}

/// A line of the record: `process-pid [cpu] flags time: event: words`.
fn parse(line: &str) -> Option<Happened> {
    let (task, rest) = line.trim_start().split_once(" [")?;
    let process = task.trim_end().rsplit_once('-')?.0.to_owned();
    let (_cpu, rest) = rest.split_once(']')?;
    let mut words = rest.split_whitespace();
    let time = words.find(|word| word.ends_with(':') && word.starts_with(|first: char| first.is_ascii_digit()))?;
    let (seconds, micros) = time.trim_end_matches(':').split_once('.')?;
    let at = Duration::from_secs(seconds.parse().ok()?) + Duration::from_micros(micros.parse().ok()?);
    let event = words.next()?.trim_end_matches(':').to_owned();
    let words: Vec<&str> = words.collect();
    let field = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
    let what = match event.as_str() {
        "gpio_value" => {
            let (line, level) = (words.first()?.parse().ok()?, *words.get(2)? == "1");
            if *words.get(1)? == "set" { What::Driven(line, level) } else { What::Read(line, level) }
        }
        "module_get" | "module_put" => {
            let module = (*words.first()?).to_owned();
            let by = field("call_site=")?.to_owned();
            // One reference is the module's own.
            let left = field("refcnt=")?.parse::<u32>().ok()?.saturating_sub(1);
            if event == "module_get" { What::Taken(module, by, left) } else { What::Given(module, by, left) }
        }
        "v4l2_dqbuf" => What::Picture(words.get(2)?.trim_end_matches(',').parse().ok()?),
        "hwptr" => What::Sound(words.first()?.trim_end_matches(':').to_owned()),
        "tracing_mark_write" => What::Said(words.join(" ")),
        _ => return None,
    };
    Some(Happened { at, process, what })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read() {
        let record = "   subrosa-guard-123     [000] .....    16.776211: gpio_value: 515 set 1\n\
                      \x20  subrosa-guard-123     [000] .....    16.776233: gpio_value: 515 get 0\n\
                      \x20  v4l2src0:src-77      [001] d..1.    17.000001: module_get: vivid call_site=exact_lock refcnt=2\n\
                      \x20           <...>-78      [000] .....    17.500000: v4l2_dqbuf: minor = 0, index = 3, type = VIDEO_CAPTURE\n\
                      \x20           a b-79      [000] .....    18.000000: tracing_mark_write: switch closed\n";
        let read: Vec<Happened> = record.lines().filter_map(parse).collect();
        let what: Vec<What> = read.iter().map(|happened| happened.what.clone()).collect();
        let taken = What::Taken("vivid".into(), "exact_lock".into(), 1);
        let said = What::Said("switch closed".into());
        assert_eq!(what, [What::Driven(515, true), What::Read(515, false), taken, What::Picture(0), said]);
        assert_eq!(read[0].at, Duration::from_micros(16_776_211));
        assert_eq!((read[0].process.as_str(), read[4].process.as_str()), ("subrosa-guard", "a b"));
    }
}
