//! What is said to LiveKit's server, as far as forwarding needs it: Protocol Buffers (`livekit_rtc.proto`), by hand.

/// One field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A number.
    Number(u64),
    /// Text, bytes or a message.
    Bytes(Vec<u8>),
}

fn varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

/// A message of these fields.
#[must_use]
pub fn message(fields: &[(u32, Field)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, field) in fields {
        match field {
            Field::Number(value) => {
                varint(u64::from(*number) << 3, &mut bytes);
                varint(*value, &mut bytes);
            }
            Field::Bytes(value) => {
                varint(u64::from(*number) << 3 | 2, &mut bytes);
                varint(value.len() as u64, &mut bytes);
                bytes.extend_from_slice(value);
            }
        }
    }
    bytes
}

/// A text field.
#[must_use]
pub fn text(value: &str) -> Field {
    Field::Bytes(value.as_bytes().to_vec())
}

/// The fields of a message, in order; fixed-size ones are left out.
#[must_use]
pub fn fields(mut bytes: &[u8]) -> Vec<(u32, Field)> {
    fn take(bytes: &mut &[u8]) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = bytes.split_first()?;
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    let mut found = Vec::new();
    while let Some(key) = take(&mut bytes) {
        let number = (key >> 3) as u32;
        match key & 7 {
            0 => found.extend(take(&mut bytes).map(|value| (number, Field::Number(value)))),
            2 => {
                let Some(length) = take(&mut bytes).map(|length| length as usize) else { break };
                let Some((value, rest)) = bytes.split_at_checked(length) else { break };
                found.push((number, Field::Bytes(value.to_vec())));
                bytes = rest;
            }
            1 => bytes = bytes.get(8..).unwrap_or_default(),
            5 => bytes = bytes.get(4..).unwrap_or_default(),
            _ => break,
        }
    }
    found
}

/// The first field of this number, as text.
#[must_use]
pub fn text_of(fields: &[(u32, Field)], number: u32) -> String {
    let bytes = fields.iter().find_map(|(found, field)| match field {
        Field::Bytes(bytes) if *found == number => Some(bytes.clone()),
        _ => None,
    });
    String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
}

/// The first field of this number, as a number; 0 where there is none.
#[must_use]
pub fn number_of(fields: &[(u32, Field)], number: u32) -> u64 {
    let value = fields.iter().find_map(|(found, field)| match field {
        Field::Number(value) if *found == number => Some(*value),
        _ => None,
    });
    value.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let written = [(1, text("offer")), (2, Field::Bytes(vec![7; 300])), (15, Field::Number(1 << 40))];
        let bytes = message(&written);
        assert_eq!(fields(&bytes), written);
        assert_eq!(text_of(&written, 1), "offer");
        assert_eq!(number_of(&written, 15), 1 << 40);
        assert!(fields(&bytes[..bytes.len() - 310]).len() < 3);
    }
}
