//! Pictures and a tone that are encoded once and played over and over: for many guests on the machine that is measured. What is sent is
//! what an encoder would send; what an encoder costs is not spent.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// A guest's picture: noise, 240×136, 15 frames a second, VP8, about 600 kbit/s, which nothing makes smaller.
    Guest,
    /// As much as a room's picture: noise, 30 frames a second, VP8, about 2.5 Mbit/s.
    Room,
    /// What is worth showing large: bars that move, 1280×720, 30 frames a second, VP8, about 1.5 Mbit/s. A key frame comes when it is asked for.
    Large,
    /// The same as the smallest layer of a simulcast, 320×180, about 100 kbit/s.
    Small,
    /// A tone in Opus, a packet each 20 ms.
    Tone,
}

impl Replayed {
    fn recorded(self) -> &'static Replay {
        static GUEST: OnceLock<Replay> = OnceLock::new();
        static ROOM: OnceLock<Replay> = OnceLock::new();
        static LARGE: OnceLock<Replay> = OnceLock::new();
        static SMALL: OnceLock<Replay> = OnceLock::new();
        static TONE: OnceLock<Replay> = OnceLock::new();
        let second = gst::ClockTime::SECOND;
        match self {
            Replayed::Guest => GUEST.get_or_init(|| record(&picture("width=240,height=136", 15, 600_000), second / 15)),
            Replayed::Room => ROOM.get_or_init(|| record(&picture("width=640,height=360", 30, 2_500_000), second / 30)),
            Replayed::Large => LARGE.get_or_init(|| record(&bars(720), second / 30)),
            Replayed::Small => SMALL.get_or_init(|| record(&bars(180), second / 30)),
            Replayed::Tone => TONE.get_or_init(|| record(TONE_IN_OPUS, second / 50)),
        }
    }

    fn payloader(self) -> &'static str {
        match self {
            Replayed::Guest | Replayed::Room | Replayed::Large | Replayed::Small => "rtpvp8pay picture-id-mode=15-bit",
            Replayed::Tone => "rtpopuspay",
        }
    }

    /// Width and height of a picture.
    #[must_use]
    pub fn size(self) -> Option<(u64, u64)> {
        match self {
            Replayed::Guest => Some((240, 136)),
            Replayed::Room => Some((640, 360)),
            Replayed::Large => Some((1280, 720)),
            Replayed::Small => Some((320, 180)),
            Replayed::Tone => None,
        }
    }

    /// It begins anew when somebody asks for a key frame, as what an encoder sends would.
    fn obliges(self) -> bool {
        matches!(self, Replayed::Large | Replayed::Small)
    }
}

/// Encoded frames, and what they are.
struct Replay {
    caps: gst::Caps,
    frames: Vec<Vec<u8>>,
    spacing: gst::ClockTime,
}

const TONE_IN_OPUS: &str = "audiotestsrc num-buffers=100 samplesperbuffer=960 wave=sine freq=440 volume=0.3 \
     ! audio/x-raw,rate=48000,channels=1 ! opusenc";

/// Two seconds, which begin with a key frame. So whoever asks for one gets it within that time.
fn picture(size: &str, rate: u32, bits: u32) -> String {
    format!(
        "videotestsrc num-buffers={} pattern=snow ! video/x-raw,{size},framerate={rate}/1 \
         ! vp8enc deadline=1 cpu-used=8 target-bitrate={bits} end-usage=cbr keyframe-max-dist=300 error-resilient=default",
        2 * rate
    )
}

/// What the double of Jitsi's bridge sends, so that the figures of both can be laid side by side.
fn bars(height: u32) -> String {
    format!(
        "videotestsrc num-buffers=60 pattern=smpte horizontal-speed=4 ! video/x-raw,format=I420,width={},height={height},framerate=30/1 \
         ! vp8enc deadline=1 cpu-used=8 threads=1 end-usage=cbr target-bitrate={} keyframe-max-dist=300",
        height * 16 / 9,
        height * height * 3
    )
}

fn record(encoder: &str, spacing: gst::ClockTime) -> Replay {
    let pipeline = gst::parse::launch(&format!("{encoder} ! appsink name=out sync=false")).expect("the encoder");
    let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
    let out = pipeline.by_name("out").expect("its end").downcast::<gst_app::AppSink>().expect("an appsink");
    pipeline.set_state(gst::State::Playing).expect("the encoder runs");
    let (mut caps, mut frames) = (gst::Caps::new_empty(), Vec::new());
    while let Ok(sample) = out.pull_sample() {
        caps = sample.caps_owned().unwrap_or(caps);
        frames.extend(sample.buffer().and_then(|buffer| buffer.map_readable().ok()).map(|map| map.to_vec()));
    }
    let _stopped = pipeline.set_state(gst::State::Null);
    assert!(!frames.is_empty(), "nothing was encoded");
    Replay { caps, frames, spacing }
}

/// A bin that sends it as RTP, in the time of the pipeline that it is put into.
///
/// # Errors
/// When GStreamer lacks something.
pub(crate) fn replay(what: Replayed, payload: u8, ssrc: u32) -> Result<gst::Bin, String> {
    let replay = what.recorded();
    let bin = format!(
        "appsrc name=in is-live=true format=time max-buffers=2 ! identity sync=true ! {} pt={payload} ssrc={ssrc} ! queue",
        what.payloader()
    );
    let bin = gst::parse::bin_from_description(&bin, true).map_err(|error| error.to_string())?;
    let source = bin.by_name("in").and_downcast::<gst_app::AppSrc>().ok_or("no appsrc")?;
    source.set_caps(Some(&replay.caps));
    let place = Arc::<AtomicUsize>::default();
    if what.obliges() {
        let (pad, place) = (source.static_pad("src").ok_or("no pad")?, Arc::clone(&place));
        pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            if info.event().is_some_and(|event| gst_video::UpstreamForceKeyUnitEvent::parse(event).is_ok()) {
                place.store(0, Ordering::Relaxed);
            }
            gst::PadProbeReturn::Ok
        });
    }
    let mut turn = 0_u64;
    source.set_callbacks(
        gst_app::AppSrcCallbacks::builder()
            .need_data(move |source, _| {
                let frame = &replay.frames[place.fetch_add(1, Ordering::Relaxed) % replay.frames.len()];
                let mut buffer = gst::Buffer::from_slice(frame.as_slice());
                let fresh = buffer.get_mut().expect("nobody else has it");
                fresh.set_pts(replay.spacing * turn);
                fresh.set_duration(replay.spacing);
                turn += 1;
                let _flushing = source.push_buffer(buffer);
            })
            .build(),
    );
    Ok(bin)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_was_encoded_once_is_sent_over_and_over_in_its_own_time() {
        gst::init().unwrap();
        let pipeline = gst::Pipeline::new();
        let sink = gst_app::AppSink::builder().sync(false).build();
        let bin = replay(Replayed::Guest, 96, 7).unwrap();
        pipeline.add_many([bin.upcast_ref::<gst::Element>(), sink.upcast_ref()]).unwrap();
        bin.static_pad("src").unwrap().link(&sink.static_pad("sink").unwrap()).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let start = Instant::now();
        let (mut bytes, mut stamps) = (0, std::collections::BTreeSet::new());
        // A turn and a half.
        while stamps.len() < 45 {
            let sample = sink.pull_sample().expect("it does not end");
            let buffer = sample.buffer().unwrap();
            bytes += buffer.size();
            stamps.insert(buffer.pts().unwrap());
        }
        let took = start.elapsed();
        pipeline.set_state(gst::State::Null).unwrap();
        assert!(took > Duration::from_millis(2500), "{took:?}");
        assert!((100_000..400_000).contains(&bytes), "three seconds of 600 kbit/s are some 225 kB: {bytes}");
    }
}
