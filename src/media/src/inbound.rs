//! What arrives on a line of a link, as encoded frames: the join between links and sound, display, other links.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gstreamer_utils::StreamProducer;
use subrosa_messages::media::{Codec, TrackId};

/// Encoded frames of one track: VP8 or H.264 access units, or Opus packets, with running times of the
/// process's [`crate::timebase::Timebase`]. Cheap to clone; consumers are `appsrc`s added to the producer. A key
/// frame is asked for by an upstream force-key-unit event from any consumer, which the producer passes on.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Which line of which link.
    pub track: TrackId,
    /// What the frames are.
    pub codec: Codec,
    /// Where they come from.
    pub producer: StreamProducer,
    /// How much has come.
    pub meter: Meter,
}

/// Counts what arrives. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<AtomicU64>);

impl Meter {
    /// So many bytes of frames have come.
    pub fn count(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// All bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
