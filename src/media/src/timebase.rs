//! One clock and one base time for all pipelines, so that a running time means the same in each of them.

use gstreamer as gst;
use gstreamer::prelude::*;

/// Clock and base time of this process.
#[derive(Clone, Debug)]
pub struct Timebase {
    clock: gst::Clock,
    base: gst::ClockTime,
}

impl Timebase {
    /// The system's monotonic clock; running time starts now.
    #[must_use]
    pub fn start() -> Self {
        let clock = gst::SystemClock::obtain();
        let base = clock.time();
        Timebase { clock, base }
    }

    /// Makes a pipeline live on this timebase. Before its first state change.
    pub fn rule(&self, pipeline: &gst::Pipeline) {
        pipeline.use_clock(Some(&self.clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(self.base);
    }

    /// The running time now.
    #[must_use]
    pub fn now(&self) -> gst::ClockTime {
        self.clock.time().saturating_sub(self.base)
    }
}
