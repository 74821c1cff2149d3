//! The simulated microphone: a regular file that holds what the device would deliver, 16-bit little-endian mono at
//! 48 kHz, over and over. Reading it is capturing: it is read in real time, 10 ms at a time, on a descriptor of
//! its own that is held all the while and closed at the end, never mapped, never read ahead.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::frame::{BYTES, Frame, samples};
use super::super::stop::Stop;
use super::tone::{Tone, hold, pace};
use super::{Microphone, MicrophoneError};

/// How many frames pass between two looks at whether the node is still plugged in.
const LOOK: u32 = 10;

struct SimMicrophone {
    node: PathBuf,
    file: File,
    /// Whole frames in the file; with none of them the tone is heard.
    frames: u64,
    position: u64,
    tone: Tone,
    next: Instant,
    until_look: u32,
}

pub(super) fn open(node: &Path) -> Result<Box<dyn Microphone>, MicrophoneError> {
    let file = hold(node)?;
    let failed = |source| MicrophoneError::Open { node: node.to_owned(), source };
    let frames = file.metadata().map_err(failed)?.len() / BYTES as u64;
    if frames == 0 {
        tracing::info!(
            "the simulated microphone has no recording: it delivers a tone; `make data` makes the recording"
        );
    }
    Ok(Box::new(SimMicrophone {
        node: node.to_owned(),
        file,
        frames,
        position: 0,
        tone: Tone::default(),
        next: Instant::now(),
        until_look: LOOK,
    }))
}

impl SimMicrophone {
    /// Unplugging moves the node away; the descriptor would go on working.
    fn is_plugged_in(&self) -> bool {
        let (Ok(here), Ok(there)) = (self.file.metadata(), fs::metadata(&self.node)) else {
            return false;
        };
        (here.dev(), here.ino()) == (there.dev(), there.ino())
    }
}

impl Microphone for SimMicrophone {
    fn read(&mut self, frame: &mut Frame, stop: &Stop) -> Result<(), MicrophoneError> {
        self.next = pace(self.next);
        if stop.sleep_until(self.next) {
            return Ok(());
        }
        self.until_look = self.until_look.saturating_sub(1);
        if self.until_look == 0 {
            self.until_look = LOOK;
            if !self.is_plugged_in() {
                return Err(MicrophoneError::Missing(self.node.clone()));
            }
        }
        if self.frames == 0 {
            self.tone.next(frame);
            return Ok(());
        }
        let mut bytes = [0; BYTES];
        self.file
            .read_exact_at(&mut bytes, self.position % self.frames * BYTES as u64)
            .map_err(|_| MicrophoneError::Failed(self.node.clone()))?;
        self.position += 1;
        for (to, from) in frame.iter_mut().zip(samples(&bytes)) {
            *to = from;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::super::super::frame::{SAMPLES, SILENCE, to_bytes};
    use super::*;

    #[test]
    fn it_delivers_the_recording_in_real_time_and_over_again() {
        let folder = tempfile::tempdir().unwrap();
        let node = folder.path().join("microphone");
        let recording: Vec<u8> = [1_i16, 2, 3].iter().flat_map(|n| to_bytes(&[*n; SAMPLES])).collect();
        fs::write(&node, recording).unwrap();
        let mut microphone = open(&node).unwrap();
        let stop = Stop::default();
        let start = Instant::now();
        let heard: Vec<i16> = (0..7)
            .map(|_| {
                let mut frame = SILENCE;
                microphone.read(&mut frame, &stop).unwrap();
                frame[0]
            })
            .collect();
        assert_eq!(heard, [1, 2, 3, 1, 2, 3, 1]);
        assert!(start.elapsed() >= Duration::from_millis(65), "{:?}", start.elapsed());
    }

    #[test]
    fn unplugging_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let node = folder.path().join("microphone");
        fs::write(&node, []).unwrap();
        let mut microphone = open(&node).unwrap();
        fs::rename(&node, folder.path().join("spare")).unwrap();
        let mut frame = SILENCE;
        let end = (0..20).find_map(|_| microphone.read(&mut frame, &Stop::default()).err());
        assert!(matches!(end, Some(MicrophoneError::Missing(_))), "{end:?}");
    }

    #[test]
    fn p3_whoever_waits_for_sound_stops_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let node = folder.path().join("microphone");
        fs::write(&node, []).unwrap();
        let mut microphone = open(&node).unwrap();
        let stop = Arc::new(Stop::default());
        let raised = stop.clone();
        let reader = thread::spawn(move || {
            let mut frame = SILENCE;
            while !stop.is_raised() {
                microphone.read(&mut frame, &stop).unwrap();
            }
            Instant::now()
        });
        thread::sleep(Duration::from_millis(50));
        let start = Instant::now();
        raised.raise();
        assert!(reader.join().unwrap() - start < Duration::from_millis(30));
    }
}
