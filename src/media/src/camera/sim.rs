//! The simulated camera: a node that is a file of concatenated JPEG frames, read in real time. Reading it *is*
//! capturing: one descriptor, open from the grant to the close, nothing mapped, nothing read ahead.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::pattern::Pattern;
use super::{Bench, CameraError, Device, decode};
use crate::permit::Permit;

/// Longer than any frame of [`crate::sample`]; a file without frames is not searched for ever.
const LONGEST_FRAME: usize = 4 * 1024 * 1024;

/// Opens the node; an empty one is shown as a test pattern.
pub fn open(permit: &Permit, bench: &Bench) -> Result<Box<dyn Device>, CameraError> {
    let node = permit.node();
    let file = open_node(node)?;
    if file.metadata().map_err(|_| CameraError::Open)?.len() == 0 {
        tracing::info!("the simulated camera has no data (`make data`): it shows a test pattern");
        return Ok(Box::new(Pattern::new(vec![file], bench)?));
    }
    Ok(Box::new(Simulated::new(node.to_owned(), file, bench)?))
}

/// Opens a simulated node as a driver's would be opened: for reading and writing, which the closed mode denies. The
/// guard's lease is taken only for a moment, so a busy node is tried again.
pub fn open_node(node: &Path) -> Result<File, CameraError> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    for _ in 0..20 {
        match OpenOptions::new().read(true).write(true).custom_flags(nonblocking).open(node) {
            Ok(file) => return Ok(file),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(5)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(CameraError::Missing),
            Err(_) => return Err(CameraError::Open),
        }
    }
    Err(CameraError::Open)
}

/// Whether the node still is what its path names: it has not been unplugged.
fn is_plugged(node: &Path, file: &File) -> bool {
    match (std::fs::metadata(node), file.metadata()) {
        (Ok(named), Ok(open)) => (named.dev(), named.ino()) == (open.dev(), open.ino()),
        _ => false,
    }
}

struct Simulated {
    pipeline: gst::Pipeline,
    waiting: Option<(PathBuf, Frames, gst_app::AppSrc, Bench)>,
    stop: Option<Sender<()>>,
    reader: Option<JoinHandle<()>>,
}

impl Simulated {
    fn new(node: PathBuf, file: File, bench: &Bench) -> Result<Self, CameraError> {
        let pipeline = gst::Pipeline::new();
        bench.timebase.rule(&pipeline);
        let source = gst_app::AppSrc::builder()
            .caps(&gst::Caps::new_empty_simple("image/jpeg"))
            .format(gst::Format::Time)
            .is_live(true)
            .max_buffers(2)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        pipeline.add(&source).map_err(|_| CameraError::Plugins)?;
        decode::finish(&pipeline, source.upcast_ref(), true, bench)?;
        decode::report_errors(&pipeline, bench);
        let waiting = Some((node, Frames::new(file), source, bench.clone()));
        Ok(Simulated { pipeline, waiting, stop: None, reader: None })
    }
}

impl Device for Simulated {
    fn start(&mut self) -> Result<(), CameraError> {
        decode::play(&self.pipeline)?;
        let Some((node, frames, source, bench)) = self.waiting.take() else { return Ok(()) };
        let (stop, stopped) = mpsc::channel();
        let reader = thread::Builder::new().name("camera-sim".into()).spawn(move || {
            read(&node, frames, &source, &bench, |wait| stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout));
        });
        self.reader = Some(reader.map_err(|_| CameraError::Failed)?);
        self.stop = Some(stop);
        Ok(())
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        // Ends the reader's wait; the descriptor is closed when its thread has ended.
        drop(self.stop.take());
        if let Some(reader) = self.reader.take() {
            let _ended = reader.join();
        }
        // The node is closed. A decoder that is busy may take its time; the guard need not wait for it.
        self.pipeline.call_async(|pipeline| {
            let _stopped = pipeline.set_state(gst::State::Null);
        });
    }
}

fn read(node: &Path, mut frames: Frames, source: &gst_app::AppSrc, bench: &Bench, wait: impl Fn(Duration) -> bool) {
    let rate = bench.picture.info().fps();
    let period = Duration::from_secs(u64::try_from(rate.denom()).unwrap_or(1))
        / u32::try_from(rate.numer()).unwrap_or(30).max(1);
    let mut next = Instant::now();
    let mut checked = next;
    loop {
        let now = Instant::now();
        if now.saturating_duration_since(checked) >= Duration::from_secs(1) {
            checked = now;
            if !is_plugged(node, &frames.file) {
                return (bench.failed)(CameraError::Missing);
            }
        }
        let Ok(Some(frame)) = frames.next() else { return (bench.failed)(CameraError::Failed) };
        let mut buffer = gst::Buffer::from_mut_slice(frame);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(bench.timebase.now());
        }
        if source.push_buffer(buffer).is_err() {
            return;
        }
        // A late frame is followed by an early one, a long delay by none that is made up for.
        next = (next + period).max(now);
        if !wait(next.saturating_duration_since(Instant::now())) {
            return;
        }
    }
}

/// Frames of a file, over and over.
struct Frames {
    file: File,
    pending: Vec<u8>,
}

impl Frames {
    fn new(file: File) -> Self {
        Frames { file, pending: Vec::new() }
    }

    /// The next frame; after the last the first. `None`: the file holds none.
    fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut rewound = false;
        let mut searched = 0;
        loop {
            if let Some(end) = end_of_frame(&self.pending, searched) {
                let rest = self.pending.split_off(end);
                return Ok(Some(std::mem::replace(&mut self.pending, rest)));
            }
            searched = self.pending.len().saturating_sub(1);
            let mut chunk = [0; 16 * 1024];
            let length = self.file.read(&mut chunk)?;
            if length == 0 {
                if rewound {
                    return Ok(None);
                }
                rewound = true;
                self.pending.clear();
                searched = 0;
                self.file.seek(SeekFrom::Start(0))?;
            }
            self.pending.extend_from_slice(chunk.get(..length).unwrap_or_default());
            if self.pending.len() > LONGEST_FRAME {
                return Ok(None);
            }
        }
    }
}

/// Where the first JPEG frame ends: behind the marker EOI (ITU-T T.81, B.1.1.3). In coded data `FF` is followed by
/// `00`, so the two bytes stand nowhere else; the frames of [`crate::sample`] have no thumbnails.
fn end_of_frame(bytes: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.windows(2).position(|marker| marker == [0xff, 0xd9]).map(|at| from + at + 2)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file
    }

    #[test]
    fn frames_are_found_and_the_file_starts_again() {
        let one = [&[0xff, 0xd8][..], &[1; 20_000], &[0xff, 0xd9]].concat();
        let two = [&[0xff, 0xd8][..], &[2; 10], &[0xff, 0xd9]].concat();
        let mut frames = Frames::new(file(&[one.clone(), two.clone()].concat()));
        for expected in [&one, &two, &one, &two] {
            assert_eq!(&frames.next().unwrap().unwrap(), expected);
        }
    }

    #[test]
    fn a_file_without_frames_is_no_camera() {
        assert_eq!(Frames::new(file(&[7; 100])).next().unwrap(), None);
        assert_eq!(Frames::new(file(&[])).next().unwrap(), None);
    }

    #[test]
    fn a_marker_that_is_cut_in_two_is_found() {
        let mut bytes = vec![0xff, 0xd8];
        bytes.resize(16 * 1024 - 1, 3);
        bytes.extend([0xff, 0xd9]);
        let mut frames = Frames::new(file(&bytes));
        assert_eq!(frames.next().unwrap().unwrap(), bytes);
    }

    #[test]
    fn p10_a_node_that_was_renamed_is_unplugged() {
        let folder = tempfile::tempdir().unwrap();
        let node = folder.path().join("camera");
        std::fs::write(&node, b"x").unwrap();
        let file = open_node(&node).unwrap();
        assert!(is_plugged(&node, &file));
        std::fs::rename(&node, folder.path().join("spare")).unwrap();
        assert!(!is_plugged(&node, &file));
        assert_eq!(open_node(&node).unwrap_err(), CameraError::Missing);
        std::fs::write(&node, b"another").unwrap();
        assert!(!is_plugged(&node, &file));
    }
}
