//! All that a peer received, with arrival times, and what of it was a picture of whom.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

/// One RTP packet as it came out of SRTP.
#[derive(Clone, Debug)]
pub struct Packet {
    /// When the peer had it.
    pub at: Instant,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Payload type.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Time stamp.
    pub timestamp: u32,
    /// Its length in bytes.
    pub length: usize,
    /// The whole packet, where it is kept.
    pub bytes: Vec<u8>,
}

/// Side lengths of the thumbnails that pictures are compared by.
pub const THUMB: (usize, usize) = (32, 18);

/// A picture's brightness, scaled down.
pub type Thumb = Vec<u8>;

/// A frame that was decoded while it arrived.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When it was decoded.
    pub at: Instant,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// How it looks.
    pub thumb: Thumb,
}

/// 20 ms of decoded sound.
#[derive(Clone, Copy, Debug)]
pub struct Sound {
    /// When it was decoded.
    pub at: Instant,
    /// Its root mean square in dB below full scale.
    pub level: f64,
}

/// What one link received.
#[derive(Debug, Default)]
pub struct Recording {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    packets: Vec<Packet>,
    frames: Vec<Frame>,
    sounds: Vec<Sound>,
}

impl Recording {
    pub(super) fn packet(&self, bytes: &[u8], keep: bool) {
        let at = Instant::now();
        let Some(header) = crate::tap::Rtp::parse(bytes) else { return };
        let packet = Packet {
            at,
            ssrc: header.ssrc,
            payload_type: header.payload_type,
            sequence: header.sequence,
            timestamp: header.timestamp,
            length: bytes.len(),
            bytes: if keep { bytes.to_vec() } else { Vec::new() },
        };
        self.inner.lock().unwrap().packets.push(packet);
        self.changed.notify_all();
    }

    pub(super) fn frame(&self, frame: Frame) {
        self.inner.lock().unwrap().frames.push(frame);
        self.changed.notify_all();
    }

    pub(super) fn sound(&self, sound: Sound) {
        self.inner.lock().unwrap().sounds.push(sound);
        self.changed.notify_all();
    }

    /// All packets so far.
    #[must_use]
    pub fn packets(&self) -> Vec<Packet> {
        self.inner.lock().unwrap().packets.clone()
    }

    /// How many packets, frames and pieces of sound there are so far.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let inner = self.inner.lock().unwrap();
        (inner.packets.len(), inner.frames.len(), inner.sounds.len())
    }

    /// How many bytes of packets came so far, RTP headers included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.inner.lock().unwrap().packets.iter().map(|packet| packet.length).sum()
    }

    /// The decoded frames from number `from` on.
    #[must_use]
    pub fn frames_from(&self, from: usize) -> Vec<Frame> {
        self.inner.lock().unwrap().frames.get(from..).unwrap_or_default().to_vec()
    }

    /// The decoded sound from number `from` on.
    #[must_use]
    pub fn sounds_from(&self, from: usize) -> Vec<Sound> {
        self.inner.lock().unwrap().sounds.get(from..).unwrap_or_default().to_vec()
    }

    /// Forgets packets, for long runs.
    pub fn forget(&self) {
        let mut inner = self.inner.lock().unwrap();
        inner.packets.clear();
        inner.frames.clear();
        inner.sounds.clear();
    }

    /// Waits until a frame is decoded that was not there before number `from`.
    #[must_use]
    pub fn wait_for_frame(&self, from: usize, within: Duration, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        let deadline = Instant::now() + within;
        let mut inner = self.inner.lock().unwrap();
        loop {
            if let Some(frame) = inner.frames.get(from..).unwrap_or_default().iter().find(|frame| wanted(frame)) {
                return Some(frame.clone());
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            inner = self.changed.wait_timeout(inner, left).unwrap().0;
        }
    }

    /// Waits until sound is decoded that is wanted.
    #[must_use]
    pub fn wait_for_sound(&self, from: usize, within: Duration, wanted: impl Fn(&Sound) -> bool) -> Option<Sound> {
        let deadline = Instant::now() + within;
        let mut inner = self.inner.lock().unwrap();
        loop {
            if let Some(sound) = inner.sounds.get(from..).unwrap_or_default().iter().find(|sound| wanted(sound)) {
                return Some(*sound);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            inner = self.changed.wait_timeout(inner, left).unwrap().0;
        }
    }
}

/// How a frame looks.
#[derive(Clone, Debug)]
pub struct Look {
    /// Its brightness, scaled down.
    pub thumb: Thumb,
    /// How sharp its right edge is: see [`detail`].
    pub detail: u8,
}

/// The steepest step of brightness within six pixels, row by row at the right edge of a picture, in the two fifths below its
/// upper two; of all rows the median. Wherever the simulated camera's pan is, there is a rocket in that place and no part of
/// the person, nor of the strip around them that an old mask leaves. (Above it is the rocket's round tip, which the model takes
/// for a person now and then: a mask can be wrong.) The privacy card has nothing there.
#[must_use]
pub fn detail(plane: &[u8], width: usize, height: usize) -> u8 {
    let steepest = |row: &[u8]| {
        let edge = row.get(width * 78 / 100..).unwrap_or_default();
        edge.iter().zip(edge.iter().skip(6)).map(|(one, other)| one.abs_diff(*other)).max().unwrap_or(0)
    };
    let mut rows: Vec<u8> =
        plane.chunks_exact(width.max(1)).skip(height * 2 / 5).take(height * 2 / 5).step_by(3).map(steepest).collect();
    rows.sort_unstable();
    rows.get(rows.len() / 2).copied().unwrap_or(0)
}

/// Decodes the packets of one stream afterwards, without any clock, and returns how each frame looked by its RTP time
/// stamp. So every packet is tied to what it showed, whenever it came.
#[must_use]
pub fn pictures(packets: &[Packet], encoding: &str, payload_type: u8) -> HashMap<u32, Thumb> {
    let small = format!(",width={},height={}", THUMB.0, THUMB.1);
    decoded(packets, encoding, payload_type, &small, |pixels, _, _| pixels.to_vec())
}

/// The same at full size, with how sharp each frame is.
#[must_use]
pub fn looks(packets: &[Packet], encoding: &str, payload_type: u8) -> HashMap<u32, Look> {
    decoded(packets, encoding, payload_type, "", |pixels, width, height| {
        let sample = |index: usize| {
            let (row, column) = (index / THUMB.0, index % THUMB.0);
            let (x, y) = ((column * 2 + 1) * width / (THUMB.0 * 2), (row * 2 + 1) * height / (THUMB.1 * 2));
            pixels.get(y * width + x).copied().unwrap_or(0)
        };
        Look { thumb: (0..THUMB.0 * THUMB.1).map(sample).collect(), detail: detail(pixels, width, height) }
    })
}

/// Hands each frame's brightness, its width and its height to `look`.
fn decoded<T>(
    packets: &[Packet],
    encoding: &str,
    payload_type: u8,
    size: &str,
    look: impl Fn(&[u8], usize, usize) -> T,
) -> HashMap<u32, T> {
    let mut ordered: BTreeMap<u64, &Packet> = BTreeMap::new();
    let mut last: Option<u64> = None;
    for packet in packets.iter().filter(|packet| packet.payload_type == payload_type) {
        let sequence = unwrap(last, u64::from(packet.sequence), 1 << 16);
        last = Some(sequence);
        ordered.entry(sequence).or_insert(packet);
    }
    let depay = match encoding {
        "H264" => "rtph264depay ! avdec_h264 max-threads=1",
        "VP8" => "rtpvp8depay ! vp8dec",
        other => panic!("no decoder for {other}"),
    };
    let description = format!(
        "appsrc name=in format=time caps=application/x-rtp,media=video,clock-rate=90000,encoding-name={encoding},payload={payload_type} \
         ! {depay} ! videoconvert ! videoscale ! video/x-raw,format=GRAY8{size} ! appsink name=out sync=false"
    );
    let pipeline =
        gst::parse::launch(&description).expect("the decoder").downcast::<gst::Pipeline>().expect("a pipeline");
    let input = pipeline.by_name("in").unwrap().downcast::<gst_app::AppSrc>().unwrap();
    let output = pipeline.by_name("out").unwrap().downcast::<gst_app::AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).expect("the decoder runs");
    let mut stamps = HashMap::new();
    let mut last: Option<u64> = None;
    let feed: Vec<(u64, Vec<u8>)> = ordered
        .values()
        .map(|packet| {
            let stamp = unwrap(last, u64::from(packet.timestamp), 1 << 32);
            last = Some(stamp);
            stamps.insert(stamp, packet.timestamp);
            (stamp, packet.bytes.clone())
        })
        .collect();
    let feeder = std::thread::spawn(move || {
        for (stamp, bytes) in feed {
            let mut buffer = gst::Buffer::from_mut_slice(bytes);
            let time = gst::ClockTime::from_nseconds(stamp.saturating_mul(100_000) / 9);
            buffer.get_mut().unwrap().set_pts(time);
            if input.push_buffer(buffer).is_err() {
                break;
            }
        }
        let _ended = input.end_of_stream();
    });
    let mut pictures = HashMap::new();
    while let Ok(sample) = output.pull_sample() {
        let Some(buffer) = sample.buffer() else { continue };
        let Some(pts) = buffer.pts() else { continue };
        let stamp = pts.nseconds().saturating_mul(9).div_ceil(100_000);
        let nearest = [stamp, stamp.wrapping_sub(1), stamp + 1].into_iter().find_map(|stamp| stamps.get(&stamp));
        let (Some(timestamp), Ok(map)) = (nearest, buffer.map_readable()) else { continue };
        let side = |name| {
            let caps = sample.caps().and_then(|caps| caps.structure(0));
            caps.and_then(|caps| caps.get::<i32>(name).ok()).and_then(|side| usize::try_from(side).ok()).unwrap_or(0)
        };
        // Both widths that are used are multiples of four: there is no padding.
        pictures.insert(*timestamp, look(map.as_slice(), side("width"), side("height")));
    }
    let _panicked = feeder.join();
    let _stopped = pipeline.set_state(gst::State::Null);
    pictures
}

/// Continues a counter that wraps, nearest to the last value. Starts one turn up, so that it can go back.
fn unwrap(last: Option<u64>, value: u64, turn: u64) -> u64 {
    let Some(last) = last else { return value + turn };
    let base = last - last % turn;
    let candidates = [base.saturating_sub(turn) + value, base + value, base + turn + value];
    candidates.into_iter().min_by_key(|candidate| candidate.abs_diff(last)).unwrap_or(last)
}

/// Mean difference of two thumbnails, 0 to 255.
#[must_use]
pub fn difference(one: &[u8], other: &[u8]) -> f64 {
    let sum: u64 = one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / one.len().min(other.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_counters_go_on() {
        let mut last = None;
        let mut seen = Vec::new();
        for value in [65_534_u64, 65_535, 0, 2, 1, 3] {
            let next = unwrap(last, value, 1 << 16);
            last = Some(next);
            seen.push(next - (1 << 16));
        }
        assert_eq!(seen, [65_534, 65_535, 65_536, 65_538, 65_537, 65_539]);
    }

    #[test]
    fn detail_is_in_most_rows_or_it_is_none() {
        let picture = |sharp: &dyn Fn(usize) -> bool| {
            (0..90)
                .flat_map(|y| (0..160).map(move |x| (x, y)))
                .map(|(x, y)| if sharp(y) && x > 130 { 200 } else { 20 })
                .collect::<Vec<u8>>()
        };
        assert_eq!(detail(&picture(&|_| true), 160, 90), 180);
        assert_eq!(detail(&picture(&|y| y < 50), 160, 90), 0, "above that place, and in few of its rows");
        let smooth: Vec<u8> = (0..90).flat_map(|_| (0..160).map(|x| x as u8)).collect();
        assert_eq!(detail(&smooth, 160, 90), 6);
    }

    #[test]
    fn thumbnails_differ_by_their_mean() {
        assert!((difference(&[0, 10], &[10, 10]) - 5.0).abs() < f64::EPSILON);
    }
}
