//! What arrives on a line of a link, as encoded frames: the join between links and sound, display, other links.

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
}
