//! The table of segmenters: what finds people in a picture. The board file names the row.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use gstsubrosablur::Fault;
use subrosa_blur::segmenter::{SegmentError, Segmenter};
use subrosa_blur::selfie::{ModelError, Selfie};
use subrosa_board::SegmenterKind;

/// How often a segmenter that stands still looks whether it may go on.
const LOOK: Duration = Duration::from_millis(5);
/// CPU time of each look of one that is slow.
const SLOW: Duration = Duration::from_millis(20);

/// Where a row finds what it needs.
#[derive(Clone, Debug)]
pub struct Place {
    /// The model's file.
    pub model: PathBuf,
    /// The simulated room's line.
    pub line: PathBuf,
}

type Open = fn(&Place) -> Result<Box<dyn Segmenter>, Fault>;

const ROWS: [(SegmenterKind, Open); 2] = [(SegmenterKind::Selfie, selfie), (SegmenterKind::Sim, sim)];

/// Makes the segmenter of a board. Called on the thread on which it runs, and again when it is stuck or has ended.
///
/// # Errors
/// When its model is missing or cannot be used.
pub fn make(kind: SegmenterKind, place: &Place) -> Result<Box<dyn Segmenter>, Fault> {
    let (_, open) = ROWS.iter().find(|(row, _)| *row == kind).ok_or(Fault::Missing)?;
    open(place)
}

fn selfie(place: &Place) -> Result<Box<dyn Segmenter>, Fault> {
    open_model(&place.model)
}

/// The simulated room's: as the real one, but while its line is `0` it does not come back from what it was asked, and while it is
/// `slow` it spends [`SLOW`] more on it, as a slow processor would.
struct Simulated {
    real: Box<dyn Segmenter>,
    line: PathBuf,
}

fn sim(place: &Place) -> Result<Box<dyn Segmenter>, Fault> {
    Ok(Box::new(Simulated { real: open_model(&place.model)?, line: place.line.clone() }))
}

impl Segmenter for Simulated {
    fn size(&self) -> (usize, usize) {
        self.real.size()
    }

    fn segment(&mut self, picture: &[[f32; 3]], mask: &mut [f32]) -> Result<(), SegmentError> {
        let done = self.real.segment(picture, mask);
        if says(&self.line, b"slow") {
            let before = cpu_time();
            while cpu_time().saturating_sub(before) < SLOW {}
        }
        while says(&self.line, b"0") {
            thread::sleep(LOOK);
        }
        done
    }
}

fn says(line: &Path, word: &[u8]) -> bool {
    std::fs::read(line).is_ok_and(|level| level.trim_ascii() == word)
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn open_model(model: &Path) -> Result<Box<dyn Segmenter>, Fault> {
    match Selfie::open(model) {
        Ok(selfie) => Ok(Box::new(selfie)),
        Err(error) => {
            // Tried again and again while a camera waits for it: a word each time would fill the log.
            tracing::debug!("{error}");
            Err(match error {
                ModelError::Unreadable { .. } => Fault::Missing,
                ModelError::Damaged(_) | ModelError::Unsupported(_) => Fault::Damaged,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn every_segmenter_of_the_boards_has_a_row() {
        for kind in SegmenterKind::ALL {
            assert!(ROWS.iter().any(|(row, _)| *row == kind), "{kind:?}");
        }
    }

    #[test]
    fn p4_a_missing_and_a_damaged_model_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { model: folder.path().join("model"), line: folder.path().join("line") };
        for kind in SegmenterKind::ALL {
            assert_eq!(make(kind, &place).err(), Some(Fault::Missing));
        }
        std::fs::write(&place.model, b"no model").unwrap();
        for kind in SegmenterKind::ALL {
            assert_eq!(make(kind, &place).err(), Some(Fault::Damaged));
        }
    }

    struct Nobody;

    impl Segmenter for Nobody {
        fn size(&self) -> (usize, usize) {
            (1, 1)
        }

        fn segment(&mut self, _picture: &[[f32; 3]], mask: &mut [f32]) -> Result<(), SegmentError> {
            mask.fill(0.0);
            Ok(())
        }
    }

    #[test]
    fn the_simulated_one_stands_still_as_long_as_its_line_says() {
        let folder = tempfile::tempdir().unwrap();
        let line = folder.path().join("line");
        let mut segmenter = Simulated { real: Box::new(Nobody), line: line.clone() };
        let mut ask = move || {
            let start = Instant::now();
            segmenter.segment(&[[0.0; 3]], &mut [1.0]).unwrap();
            start.elapsed()
        };
        assert!(ask() < Duration::from_millis(500), "without a line it answers");
        std::fs::write(&line, "0").unwrap();
        let goes_on = thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            std::fs::write(&line, "1").unwrap();
        });
        assert!(ask() >= Duration::from_millis(95));
        goes_on.join().unwrap();
        assert!(ask() < Duration::from_millis(500));
    }
}
