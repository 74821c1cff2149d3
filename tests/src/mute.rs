//! Mute measured at a peer: from the edge of the switch to the last packet that holds something captured.
//!
//! Both ends of the measure come from the kernel's clock: the edge is stamped before the line's file is written, packets are
//! stamped when they leave the room's interface. Sound: any packet of the microphone counts, for a closed microphone
//! sends none. Picture: the privacy card is sent on the same stream, so what a packet showed is decided by decoding all of them
//! afterwards; a packet whose picture cannot be decoded counts as the camera's.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::call::{Call, camera_moves};
use crate::peer::recording::Thumb;
use crate::peer::{difference, pictures};
use crate::sim::Line;
use crate::stage::eventually;
use crate::tap::{Rtp, Seen};

/// Small numbers that look random and are the same in each run.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `below` (xorshift64).
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below.max(1)
    }

    /// A time between two others.
    pub fn between(&mut self, least: Duration, most: Duration) -> Duration {
        least + Duration::from_millis(self.roll((most.saturating_sub(least)).as_millis() as u64))
    }
}

/// One edge and what left after it.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The switch was moved.
    pub at: SystemTime,
    /// From the edge to the last captured packet; zero when none left after it.
    pub last: Duration,
    /// Captured packets after the edge.
    pub packets: usize,
}

const WATCHED: Duration = Duration::from_millis(600);

fn outgoing(seen: &[Seen]) -> impl Iterator<Item = (SystemTime, Rtp)> + '_ {
    seen.iter().filter(|seen| seen.outgoing).filter_map(|seen| Some((seen.at, seen.rtp()?)))
}

fn edge(at: SystemTime, captured: impl Iterator<Item = SystemTime>) -> Edge {
    let mut edge = Edge { at, last: Duration::ZERO, packets: 0 };
    for packet in captured {
        if let Ok(after) = packet.duration_since(at) {
            edge.last = edge.last.max(after);
            edge.packets += 1;
        }
    }
    edge
}

/// Mutes the microphone at `count` random moments of a call.
#[must_use]
#[track_caller]
pub fn microphone_edges(call: &Call, count: usize, dice: &mut Dice) -> Vec<Edge> {
    let link = call.peer.link().expect("a link");
    let ssrcs = link.offer.line("room-audio").ssrcs.clone();
    let of_microphone = |rtp: &Rtp| ssrcs.contains(&rtp.ssrc);
    let mut edges = Vec::new();
    for _ in 0..count {
        drop(call.tap.take());
        eventually("the microphone is heard before the edge", Duration::from_secs(5), || {
            (outgoing(&call.tap.take()).filter(|(_, rtp)| of_microphone(rtp)).count() > 0).then_some(())
        });
        std::thread::sleep(dice.between(Duration::from_millis(100), Duration::from_millis(400)));
        let at = call.room.sim.edge(Line::MicrophoneSwitch, false);
        std::thread::sleep(WATCHED);
        let seen = call.tap.take();
        edges.push(edge(at, outgoing(&seen).filter(|(_, rtp)| of_microphone(rtp)).map(|(at, _)| at)));
        call.room.sim.edge(Line::MicrophoneSwitch, true);
    }
    edges
}

/// What the camera's edges showed.
#[derive(Clone, Debug)]
pub struct CameraEdges {
    /// Each edge.
    pub edges: Vec<Edge>,
    /// How unlike the card the nearest camera frame is (mean difference of brightness).
    pub camera_from_card: f64,
    /// How unlike the card's last frame its other frames are.
    pub card_from_card: f64,
    /// Repair packets after an edge, by what they repeated: the camera's and the card's.
    pub repairs: (usize, usize),
}

/// Closes the shutter at `count` random moments of a call. With `asks`, the guest asks after each edge for camera packets
/// from before it, again and again, as if all had been lost.
#[must_use]
#[track_caller]
pub fn camera_edges(call: &Call, count: usize, asks: bool, dice: &mut Dice) -> CameraEdges {
    let link = call.peer.link().expect("a link");
    let line = link.offer.line("room-video").clone();
    let (main, encoding) = line.codec().map(|(payload, encoding)| (payload, encoding.to_owned())).expect("a codec");
    let repair = line.payload("RTX");
    let mut watched = Vec::new();
    let mut edges = Vec::new();
    for _ in 0..count {
        assert!(camera_moves(&link, Duration::from_secs(5)), "the camera's picture moves before the edge");
        // What passes from here to the edge shows what the camera looks like.
        drop(call.tap.take());
        std::thread::sleep(dice.between(Duration::from_millis(100), Duration::from_millis(400)));
        let before: Vec<u16> = link
            .recording
            .packets()
            .iter()
            .rev()
            .filter(|packet| packet.payload_type == main)
            .take(60)
            .map(|packet| packet.sequence)
            .collect();
        let ssrc =
            link.recording.packets().iter().rev().find(|packet| packet.payload_type == main).map(|packet| packet.ssrc);
        let at = call.room.sim.edge(Line::CameraShutter, false);
        for _ in 0..4 {
            if let Some(ssrc) = ssrc.filter(|_| asks) {
                link.ask_again(ssrc, before.iter().copied());
            }
            std::thread::sleep(WATCHED / 4 + if asks { Duration::from_millis(250) } else { Duration::ZERO });
        }
        edges.push(at);
        watched.push(call.tap.take());
        call.room.sim.edge(Line::CameraShutter, true);
    }
    let packets = link.recording.packets();
    let looks = pictures(&packets, &encoding, main);
    let by_sequence: HashMap<(u32, u16), &crate::peer::Packet> =
        packets.iter().map(|packet| ((packet.ssrc, packet.sequence), packet)).collect();
    let stamp_of: HashMap<u16, u32> = packets
        .iter()
        .filter(|packet| packet.payload_type == main)
        .map(|packet| (packet.sequence, packet.timestamp))
        .collect();

    let mut result =
        CameraEdges { edges: Vec::new(), camera_from_card: f64::MAX, card_from_card: 0.0, repairs: (0, 0) };
    for (at, seen) in edges.into_iter().zip(&watched) {
        let stream: Vec<(SystemTime, Rtp)> = outgoing(seen)
            .filter(|(_, rtp)| line.ssrcs.contains(&rtp.ssrc) || Some(rtp.payload_type) == repair)
            .collect();
        let card: Thumb = stream
            .iter()
            .rev()
            .filter(|(_, rtp)| rtp.payload_type == main)
            .find_map(|(_, rtp)| looks.get(&rtp.timestamp))
            .cloned()
            .expect("the card is sent while the shutter is closed");
        let from_card = |timestamp: u32| looks.get(&timestamp).map(|look| difference(look, &card));
        let camera: Vec<f64> = stream
            .iter()
            .filter(|(time, rtp)| *time <= at && rtp.payload_type == main)
            .filter_map(|(_, rtp)| from_card(rtp.timestamp))
            .collect();
        assert!(
            camera.len() > 1,
            "nothing of the camera was seen before the edge: nothing can be said of what came after"
        );
        let nearest = camera.iter().copied().fold(f64::MAX, f64::min);
        result.camera_from_card = result.camera_from_card.min(nearest);
        // Half way between the two: what is nearer to the camera's picture than to the card is the camera's.
        let border = nearest / 2.0;
        let is_camera = |timestamp: u32| from_card(timestamp).is_none_or(|distance| distance > border);
        let mut captured = Vec::new();
        for (time, rtp) in &stream {
            let shows_camera = if rtp.payload_type == main {
                is_camera(rtp.timestamp)
            } else {
                let original = by_sequence.get(&(rtp.ssrc, rtp.sequence)).and_then(|packet| repeated(&packet.bytes));
                let camera =
                    original.and_then(|sequence| stamp_of.get(&sequence)).is_none_or(|stamp| is_camera(*stamp));
                if *time > at + Duration::from_millis(50) {
                    if camera { result.repairs.0 += 1 } else { result.repairs.1 += 1 }
                }
                camera
            };
            if shows_camera {
                captured.push(*time);
            } else if *time > at + Duration::from_millis(300) {
                result.card_from_card = result.card_from_card.max(from_card(rtp.timestamp).unwrap_or(0.0));
            }
        }
        result.edges.push(edge(at, captured.into_iter()));
    }
    result
}

/// The sequence number that a repair packet repeats (RFC 4588, section 4).
fn repeated(packet: &[u8]) -> Option<u16> {
    let mut buffer = gstreamer::Buffer::from_slice(packet.to_vec());
    let buffer = buffer.make_mut();
    let rtp = gstreamer_rtp::RTPBuffer::from_buffer_readable(buffer).ok()?;
    let payload = rtp.payload().ok()?;
    Some(u16::from_be_bytes(payload.get(..2)?.try_into().ok()?))
}

/// The value below which `part` of all values lie.
#[must_use]
pub fn percentile(values: &[Duration], part: f64) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort();
    let at = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(at.clamp(1, sorted.len().max(1)) - 1).copied().unwrap_or_default()
}
