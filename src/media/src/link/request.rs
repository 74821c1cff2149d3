//! Key frames of a picture that arrives: asked for by all who take it (viewers it is forwarded to, the screen, a
//! depayloader that has lost something), made by one sender.
//!
//! Each request goes to the sender as a PLI (RFC 4585, section 6.3.1), and a browser answers each with a key frame. So they
//! are throttled here: one that comes too early is kept, and one key frame is for all who wait. A PLI is lost like any packet, and
//! who asked does not ask again, so it is repeated until a key frame comes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_utils::StreamProducer;
use gstreamer_video as gst_video;

use crate::encode::keyframe::LEAST;

/// The longest wait between repetitions.
const LONGEST: Duration = Duration::from_secs(4);

/// The requests to one sender: pure.
#[derive(Clone, Copy, Debug, Default)]
struct Requests {
    /// Of the last request or key frame.
    last: Option<Instant>,
    /// Somebody waits for a key frame.
    wanted: bool,
    /// So many requests were made since the last key frame.
    made: u32,
}

impl Requests {
    /// Somebody needs a key frame. `true`: ask the sender now.
    fn ask(&mut self, now: Instant) -> bool {
        self.wanted = true;
        self.due(now)
    }

    /// Whether a request is due that was kept, or whose key frame has not come. To be asked with every packet.
    fn due(&mut self, now: Instant) -> bool {
        let wait = LEAST.saturating_mul(1 << self.made.saturating_sub(1).min(8)).min(LONGEST);
        let due = self.wanted && self.last.is_none_or(|last| now.saturating_duration_since(last) >= wait);
        if due {
            self.last = Some(now);
            self.made = self.made.saturating_add(1);
        }
        due
    }

    /// A key frame has come: it is for all who wait.
    fn came(&mut self, now: Instant) {
        *self = Requests { last: Some(now), ..Requests::default() };
    }
}

/// Asks whatever makes these frames for a key frame, now and not with the next frame: shared screens have few.
pub fn ask(producer: &StreamProducer) {
    // Not `send_event` of the element: that takes the state lock.
    if let Some(pad) = producer.appsink().static_pad("sink") {
        pad.push_event(request());
    }
}

/// A PLI: with all headers it would be an FIR (RFC 5104, section 4.3.1).
fn request() -> gst::Event {
    gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(false).build()
}

/// Throttles requests that leave by `packets`, the pad of a depayloader to which packets come; key frames are seen at
/// `frames`, where whole frames pass.
pub fn throttle(packets: &gst::Pad, frames: &gst::Pad) {
    let throttle = Arc::new(Mutex::new(Requests::default()));
    let asked = throttle.clone();
    packets.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |pad, info| {
        if info.event().is_none_or(|event| gst_video::UpstreamForceKeyUnitEvent::parse(event).is_err()) {
            return gst::PadProbeReturn::Ok;
        }
        if asked.lock().unwrap_or_else(PoisonError::into_inner).ask(Instant::now()) {
            ask_sender(pad);
        }
        gst::PadProbeReturn::Handled
    });
    let kept = throttle.clone();
    packets.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |pad, _| {
        if kept.lock().unwrap_or_else(PoisonError::into_inner).due(Instant::now()) {
            ask_sender(pad);
        }
        gst::PadProbeReturn::Ok
    });
    frames.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if info.buffer().is_some_and(|frame| !frame.flags().contains(gst::BufferFlags::DELTA_UNIT)) {
            throttle.lock().unwrap_or_else(PoisonError::into_inner).came(Instant::now());
        }
        gst::PadProbeReturn::Ok
    });
}

/// Our own request, whoever asked, past the probe that throttles. One that a viewer's session made names the viewer's stream
/// (`ssrc` in its structure), which `rtpssrcdemux` lets stand, and the sender's session knows no such stream and asks nobody.
fn ask_sender(packets: &gst::Pad) {
    if let Some(sender) = packets.peer() {
        sender.send_event(request());
    }
}

/// Where frames were dropped in front of this source because it was too slow, nothing passes before the next key frame:
/// whoever decodes could not know of it, since packets are numbered behind.
pub fn whole_or_nothing(source: &gst_app::AppSrc) {
    let Some(pad) = source.static_pad("src") else { return };
    let broken = Mutex::new(false);
    pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
        let Some(frame) = info.buffer() else { return gst::PadProbeReturn::Ok };
        let flags = frame.flags();
        let needs_others = flags.contains(gst::BufferFlags::DELTA_UNIT);
        let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
        *broken = needs_others && (*broken || flags.contains(gst::BufferFlags::DISCONT));
        if !*broken {
            return gst::PadProbeReturn::Ok;
        }
        drop(broken);
        // The producer listens to what comes to this pad.
        pad.send_event(request());
        gst::PadProbeReturn::Handled
    });
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// A chain whose requests are counted where they would leave for the sender.
    fn chain() -> (gst::Pipeline, gst_app::AppSrc, gst::Pad, Arc<AtomicU32>) {
        gst::init().unwrap();
        let pipeline = gst::parse::launch(
            "appsrc name=in is-live=true format=time ! identity name=depay ! fakesink name=out async=false",
        );
        let pipeline = pipeline.unwrap().downcast::<gst::Pipeline>().unwrap();
        let source = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
        let count = Arc::new(AtomicU32::new(0));
        let seen = count.clone();
        source.static_pad("src").unwrap().add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            if info.event().is_some_and(|event| gst_video::UpstreamForceKeyUnitEvent::parse(event).is_ok()) {
                seen.fetch_add(1, Ordering::SeqCst);
            }
            gst::PadProbeReturn::Ok
        });
        let packets = pipeline.by_name("depay").unwrap().static_pad("sink").unwrap();
        let frames = pipeline.by_name("out").unwrap().static_pad("sink").unwrap();
        throttle(&packets, &frames);
        pipeline.set_state(gst::State::Playing).unwrap();
        (pipeline, source, frames, count)
    }

    fn frame(delta: bool) -> gst::Buffer {
        let mut buffer = gst::Buffer::with_size(4).unwrap();
        if delta {
            buffer.get_mut().unwrap().set_flags(gst::BufferFlags::DELTA_UNIT);
        }
        buffer
    }

    proptest! {
        #[test]
        fn a_request_is_repeated_until_a_key_frame_comes_and_never_too_soon(
            steps in prop::collection::vec((any::<bool>(), prop::bool::weighted(0.05)), 1..600),
        ) {
            let mut requests = Requests::default();
            let start = Instant::now();
            let (mut last, mut waits) = (None::<Instant>, false);
            for (packet, (asked, came)) in steps.into_iter().enumerate() {
                let now = start + Duration::from_millis(33 * packet as u64);
                if came {
                    requests.came(now);
                    (last, waits) = (Some(now), false);
                }
                waits |= asked;
                let since = last.map_or(Duration::MAX, |last| now - last);
                if if asked { requests.ask(now) } else { requests.due(now) } {
                    prop_assert!(waits && since >= LEAST);
                    last = Some(now);
                } else {
                    prop_assert!(!waits || since < LONGEST, "nobody was asked for {:?}", since);
                }
            }
        }
    }

    #[test]
    fn repetitions_come_later_and_later() {
        let mut requests = Requests::default();
        let start = Instant::now();
        let mut asked: Vec<u128> = Vec::new();
        for packet in 0..1500 {
            let now = start + Duration::from_millis(10 * packet);
            if if packet == 0 { requests.ask(now) } else { requests.due(now) } {
                asked.push((now - start).as_millis());
            }
        }
        assert_eq!(asked, [0, 500, 1500, 3500, 7500, 11_500]);
    }

    #[test]
    fn of_many_requests_one_goes_to_the_sender_and_one_is_kept_for_later() {
        let (pipeline, source, frames, count) = chain();
        source.push_buffer(frame(false)).unwrap();
        std::thread::sleep(Duration::from_millis(600));
        for _ in 0..20 {
            frames.push_event(request());
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
        std::thread::sleep(Duration::from_millis(550));
        for _ in 0..3 {
            source.push_buffer(frame(true)).unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(count.load(Ordering::SeqCst), 2, "the kept one, and not with each packet");
        frames.push_event(request());
        source.push_buffer(frame(false)).unwrap();
        std::thread::sleep(Duration::from_millis(1100));
        source.push_buffer(frame(true)).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(count.load(Ordering::SeqCst), 2, "a key frame is for all who had asked");
        pipeline.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn what_a_viewer_asks_for_names_no_stream_of_the_viewers_where_it_leaves() {
        let (pipeline, source, frames, count) = chain();
        let named = Arc::new(AtomicU32::new(0));
        let seen = named.clone();
        source.static_pad("src").unwrap().add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            if info.event().and_then(|event| event.structure()).is_some_and(|request| request.has_field("ssrc")) {
                seen.fetch_add(1, Ordering::SeqCst);
            }
            gst::PadProbeReturn::Ok
        });
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(550));
            // As `rtpsession` says that its peer asked.
            let request = gst::Structure::builder("GstForceKeyUnit").field("ssrc", 7_u32).field("all-headers", false);
            frames.push_event(gst::event::CustomUpstream::new(request.build()));
        }
        assert_eq!((count.load(Ordering::SeqCst), named.load(Ordering::SeqCst)), (2, 0));
        pipeline.set_state(gst::State::Null).unwrap();
    }

    #[test]
    fn after_a_gap_nothing_passes_before_a_key_frame() {
        gst::init().unwrap();
        let pipeline =
            gst::parse::launch("appsrc name=in is-live=true format=time ! fakesink name=out async=false sync=false");
        let pipeline = pipeline.unwrap().downcast::<gst::Pipeline>().unwrap();
        let source = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
        whole_or_nothing(&source);
        let passed = Arc::new(AtomicU32::new(0));
        let count = passed.clone();
        let out = pipeline.by_name("out").unwrap().static_pad("sink").unwrap();
        out.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing).unwrap();
        let push = |mut buffer: gst::Buffer, gap: bool| {
            if gap {
                buffer.get_mut().unwrap().set_flags(gst::BufferFlags::DISCONT);
            }
            source.push_buffer(buffer).unwrap();
            std::thread::sleep(Duration::from_millis(50));
            passed.load(Ordering::SeqCst)
        };
        assert_eq!(push(frame(false), false), 1);
        assert_eq!(push(frame(true), false), 2);
        assert_eq!(push(frame(true), true), 2);
        assert_eq!(push(frame(true), false), 2);
        assert_eq!(push(frame(false), false), 3);
        assert_eq!(push(frame(true), false), 4);
        pipeline.set_state(gst::State::Null).unwrap();
    }
}
