//! What goes over the channel on which nothing is lost: of all that it can carry, the lines of a chat.
//!
//! LiveKit has no chat; its programs agree on text streams with the topic `lk.chat`, and older ones on a packet of its own (`ChatMessage`).

use livekit_protocol::DataPacket;
use livekit_protocol::data_packet::{Kind as Delivery, Value};
use livekit_protocol::data_stream::{Chunk, Header, TextHeader, Trailer, header::ContentHeader};
use prost::Message;
use subrosa_messages::Pii;

/// What LiveKit's own programs call the channel.
pub const CHANNEL: &str = "_reliable";
/// What they call a chat.
const TOPIC: &str = "lk.chat";
/// A packet is no longer than this, in bytes: more does not fit through a channel (16 KiB and a head).
const LONGEST: usize = 64 << 10;
/// A line is no longer than this, in bytes.
const LONGEST_LINE: usize = 4096;
/// Lines that come in parts at the same time.
const MOST: usize = 16;

/// A line that somebody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who, by identity.
    pub from: Pii<String>,
    /// What.
    pub text: Pii<String>,
}

/// Puts parts together.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    stream: String,
    from: String,
    text: Pii<Vec<u8>>,
    /// Bytes that the header has announced.
    announced: usize,
}

impl Lines {
    /// A packet came. What is no line of a chat, or no packet at all, is nothing.
    pub fn hear(&mut self, bytes: &[u8]) -> Option<Line> {
        if bytes.len() > LONGEST {
            return None;
        }
        let packet = DataPacket::decode(bytes).ok()?;
        let from = packet.participant_identity;
        match packet.value? {
            Value::ChatMessage(chat) if !chat.deleted && chat.message.len() <= LONGEST_LINE => line(from, chat.message),
            Value::StreamHeader(header) => self.begins(from, header),
            Value::StreamChunk(chunk) => self.goes_on(&from, &chunk),
            Value::StreamTrailer(trailer) => {
                let place = self.parts.iter().position(|part| part.stream == trailer.stream_id && part.from == from)?;
                let part = self.parts.remove(place);
                line(part.from, String::from_utf8_lossy(part.text.reveal()).into_owned())
            }
            _ => None,
        }
    }

    fn begins(&mut self, from: String, header: Header) -> Option<Line> {
        let is_text = matches!(header.content_header, Some(ContentHeader::TextHeader(_)));
        if header.topic != TOPIC || !is_text || header.stream_id.len() > 128 || from.len() > 512 {
            return None;
        }
        let announced = header.total_length.and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
        // What is short comes with its header; a compressed one is not understood.
        if let Some(content) = header.inline_content {
            let text = String::from_utf8_lossy(content.get(..LONGEST_LINE).unwrap_or(&content)).into_owned();
            return if header.compression == 0 { line(from, text) } else { None };
        }
        if self.parts.len() >= MOST {
            self.parts.remove(0);
        }
        self.parts.push(Part { stream: header.stream_id, from, text: Pii::new(Vec::new()), announced });
        None
    }

    fn goes_on(&mut self, from: &str, chunk: &Chunk) -> Option<Line> {
        let place = self.parts.iter().position(|part| part.stream == chunk.stream_id && part.from == from)?;
        let part = self.parts.get_mut(place)?;
        let mut text = part.text.reveal().clone();
        text.extend(chunk.content.iter().take(LONGEST_LINE.saturating_sub(text.len())));
        let whole = text.len() >= part.announced;
        part.text = Pii::new(text);
        if !whole {
            return None;
        }
        let part = self.parts.remove(place);
        line(part.from, String::from_utf8_lossy(part.text.reveal()).into_owned())
    }
}

fn line(from: String, text: String) -> Option<Line> {
    let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
    (!text.is_empty()).then(|| Line { from: Pii::new(from), text: Pii::new(text) })
}

/// A line of ours, written at this time (milliseconds since 1970), as packets in this order; `stream` is new for each.
#[must_use]
pub fn write(text: &Pii<String>, at: u64, stream: &str) -> Vec<Pii<Vec<u8>>> {
    let content = text.reveal().as_bytes().to_vec();
    let header = Header {
        stream_id: stream.to_owned(),
        timestamp: i64::try_from(at).unwrap_or(0),
        topic: TOPIC.to_owned(),
        mime_type: "text/plain".to_owned(),
        total_length: u64::try_from(content.len()).ok(),
        content_header: Some(ContentHeader::TextHeader(TextHeader::default())),
        ..Header::default()
    };
    let chunk = Chunk { stream_id: stream.to_owned(), content, ..Chunk::default() };
    let trailer = Trailer { stream_id: stream.to_owned(), ..Trailer::default() };
    [Value::StreamHeader(header), Value::StreamChunk(chunk), Value::StreamTrailer(trailer)].map(packet).to_vec()
}

fn packet(value: Value) -> Pii<Vec<u8>> {
    #[expect(deprecated, reason = "servers of today still read it")]
    let packet = DataPacket { kind: Delivery::Reliable.into(), value: Some(value), ..DataPacket::default() };
    Pii::new(packet.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use livekit_protocol::ChatMessage;
    use proptest::prelude::*;

    use super::*;

    fn from(identity: &str, bytes: &Pii<Vec<u8>>) -> Vec<u8> {
        let mut packet = DataPacket::decode(bytes.reveal().as_slice()).unwrap();
        packet.participant_identity = identity.to_owned();
        packet.encode_to_vec()
    }

    fn hear(lines: &mut Lines, identity: &str, packets: &[Pii<Vec<u8>>]) -> Vec<(String, String)> {
        let heard = packets.iter().filter_map(|bytes| lines.hear(&from(identity, bytes)));
        heard.map(|line| (line.from.reveal().clone(), line.text.reveal().clone())).collect()
    }

    #[test]
    fn what_is_written_is_read_once_and_parts_of_two_do_not_mix() {
        let mut lines = Lines::default();
        let hello = write(&Pii::new("Grüße\u{7}".to_owned()), 1, "s");
        assert_eq!(hear(&mut lines, "anna", &hello), [("anna".to_owned(), "Grüße".to_owned())]);
        let (one, other) = (write(&Pii::new("one".to_owned()), 1, "s"), write(&Pii::new("other".to_owned()), 1, "s"));
        assert!(hear(&mut lines, "anna", &one[..1]).is_empty() && hear(&mut lines, "ben", &other[..1]).is_empty());
        assert_eq!(hear(&mut lines, "anna", &one[1..]), [("anna".to_owned(), "one".to_owned())]);
        assert_eq!(hear(&mut lines, "ben", &other[1..]), [("ben".to_owned(), "other".to_owned())]);
    }

    #[test]
    fn lines_of_older_programs_are_read_and_other_streams_are_not() {
        let mut lines = Lines::default();
        let chat = ChatMessage { message: "hello".to_owned(), ..ChatMessage::default() };
        let gone = ChatMessage { deleted: true, ..chat.clone() };
        let said = hear(&mut lines, "anna", &[packet(Value::ChatMessage(chat)), packet(Value::ChatMessage(gone))]);
        assert_eq!(said, [("anna".to_owned(), "hello".to_owned())]);
        let other = Header { topic: "lk.transcription".to_owned(), ..Header::default() };
        assert_eq!(lines.hear(packet(Value::StreamHeader(other)).reveal()), None);
        assert!(lines.parts.is_empty());
    }

    proptest! {
        #[test]
        fn whatever_comes_a_line_has_an_end_and_little_is_kept(
            packets in prop::collection::vec((0_u8..3, "[a-c]", prop::collection::vec(any::<u8>(), 0..300)), 0..200),
            noise in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut lines = Lines::default();
            let _no_panic = lines.hear(&noise);
            for (which, stream, content) in packets {
                let [header, chunk, trailer]: [Pii<Vec<u8>>; 3] =
                    write(&Pii::new(String::from_utf8_lossy(&content).into_owned()), 1, &stream).try_into().unwrap();
                let line = lines.hear([header, chunk, trailer][usize::from(which)].reveal());
                prop_assert!(line.is_none_or(|line| line.text.reveal().len() <= 3 * LONGEST_LINE));
                prop_assert!(lines.parts.len() <= MOST);
            }
        }
    }
}
