//! The one shape of sound inside this process: 48 kHz, mono, 16 bit, 10 ms at a time.

use std::time::Duration;

/// Samples a second.
pub const RATE: u32 = 48_000;
/// Samples in a frame.
pub const SAMPLES: usize = 480;
/// Length of a frame.
pub const LENGTH: Duration = Duration::from_millis(10);
/// Bytes of a frame on the simulated nodes and sockets: 16-bit little-endian.
pub const BYTES: usize = SAMPLES * 2;

/// 10 ms of sound.
pub type Frame = [i16; SAMPLES];

/// No sound.
pub const SILENCE: Frame = [0; SAMPLES];

/// The frame as little-endian bytes.
#[must_use]
pub fn to_bytes(frame: &Frame) -> Vec<u8> {
    frame.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// Little-endian bytes as samples; an odd last byte is dropped.
pub fn samples(bytes: &[u8]) -> impl Iterator<Item = i16> + '_ {
    bytes.chunks_exact(2).map(|pair| match pair {
        [low, high] => i16::from_le_bytes([*low, *high]),
        _ => 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_samples_are_the_same_sound() {
        let mut frame = SILENCE;
        for (n, sample) in frame.iter_mut().enumerate() {
            *sample = (n as i16).wrapping_mul(123);
        }
        let bytes = to_bytes(&frame);
        assert_eq!(bytes.len(), BYTES);
        assert!(samples(&bytes).eq(frame));
    }
}
