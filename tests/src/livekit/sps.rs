//! The size of a picture, from the sequence parameter set of H.264 (ITU-T H.264, 7.3.2.1) in its RTP packets (RFC 6184).

/// Bits of a NAL unit, without the bytes that keep start codes out of it.
struct Bits(Vec<u8>, usize);

impl Bits {
    fn bit(&mut self) -> Option<u32> {
        let byte = *self.0.get(self.1 / 8)?;
        let bit = byte >> (7 - self.1 % 8) & 1;
        self.1 += 1;
        Some(u32::from(bit))
    }

    /// `ue(v)`
    fn number(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
        }
        let rest = (0..zeros.min(31)).try_fold(0, |rest, _| Some(rest << 1 | self.bit()?))?;
        Some((1 << zeros.min(31)) - 1 + rest)
    }
}

/// Width and height in a parameter set of the baseline profile, its header included.
fn size(set: &[u8]) -> Option<(u32, u32)> {
    let mut bytes: Vec<u8> = Vec::new();
    for byte in set {
        if *byte != 3 || !bytes.ends_with(&[0, 0]) {
            bytes.push(*byte);
        }
    }
    if bytes.get(1) != Some(&66) {
        return None;
    }
    let mut bits = Bits(bytes, 32);
    let (_id, _frames) = (bits.number()?, bits.number()?);
    if bits.number()? == 0 {
        bits.number()?;
    }
    let (_references, _gaps) = (bits.number()?, bits.bit()?);
    let (width, height) = ((bits.number()? + 1) * 16, (bits.number()? + 1) * 16);
    let (whole, _direct, cropped) = (bits.bit()?, bits.bit()?, bits.bit()?);
    if whole == 0 {
        return None; // interlaced: nobody here sends that
    }
    if cropped == 0 {
        return Some((width, height));
    }
    let [left, right, top, bottom] = [bits.number()?, bits.number()?, bits.number()?, bits.number()?];
    Some((width.checked_sub(2 * (left + right))?, height.checked_sub(2 * (top + bottom))?))
}

/// Width and height, where a packet has a parameter set: alone, or with others (STAP-A).
pub(super) fn of_packet(packet: &[u8]) -> Option<(u32, u32)> {
    let first = *packet.first()?;
    let mut at = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        at += 4 + 4 * usize::from(u16::from_be_bytes(packet.get(at + 2..at + 4)?.try_into().ok()?));
    }
    let mut payload = packet.get(at..)?;
    match payload.first()? & 0x1f {
        7 => size(payload),
        24 => {
            payload = &payload[1..];
            while let Some((length, rest)) = payload.split_first_chunk() {
                let (unit, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
                if unit.first()? & 0x1f == 7 {
                    return size(unit);
                }
                payload = rest;
            }
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        // As x264 and OpenH264 write them.
        let small = [0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x50];
        let large = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe9, 0x78];
        assert_eq!(size(&small).map(|(width, _)| width), Some(640));
        assert_eq!(size(&large), Some((1280, 720)));
        let packet = [&[0x80, 108, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 24, 0, 10][..], &large, &[0, 1, 0x68]].concat();
        assert_eq!(of_packet(&packet), Some((1280, 720)));
        assert_eq!(of_packet(&packet[..20]), None);
    }
}
