//! Framing on the Unix sockets: `length of head (u32) · length of body (u32) · head (JSON) · body (bytes)`.
//!
//! Both lengths are big-endian. The body carries what would be clumsy in JSON: pixels, sound. Most messages have
//! none. [`Decoder`] is pure (bytes in, messages out), so that blocking and asynchronous sockets share it.

use std::io::{self, Read, Write};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest head accepted: session descriptions are the longest messages, some tens of kilobytes.
pub const MAX_HEAD: usize = 256 * 1024;
/// The longest body accepted: a picture of 1920 × 1080 in RGBA.
pub const MAX_BODY: usize = 1920 * 1080 * 4;

/// A message with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<M> {
    /// What is said.
    pub message: M,
    /// Bytes that belong to it; empty for most messages.
    pub body: Vec<u8>,
}

/// Why a peer's bytes were not a message. The connection is closed: there is no way to find the next frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The peer announced more than anything this protocol has to say.
    #[error(
        "a frame of {head} + {body} bytes is longer than any message: the peer is not a subrosa process of this version"
    )]
    TooLong {
        /// Announced length of the head.
        head: usize,
        /// Announced length of the body.
        body: usize,
    },
    /// The head is not a message of this direction.
    #[error("a message could not be read: the processes are not of one version, restart all of them")]
    Malformed(#[source] serde_json::Error),
    /// The socket failed.
    #[error("the connection broke")]
    Io(#[from] io::Error),
}

/// The bytes of one frame.
///
/// # Errors
/// When head or body is longer than the receiver accepts.
pub fn encode<M: Serialize>(message: &M, body: &[u8]) -> Result<Vec<u8>, FrameError> {
    let head = serde_json::to_vec(message).map_err(FrameError::Malformed)?;
    let too_long = FrameError::TooLong { head: head.len(), body: body.len() };
    let (Ok(head_len), Ok(body_len)) = (u32::try_from(head.len()), u32::try_from(body.len())) else {
        return Err(too_long);
    };
    if head.len() > MAX_HEAD || body.len() > MAX_BODY {
        return Err(too_long);
    }
    let mut bytes = Vec::with_capacity(8 + head.len() + body.len());
    bytes.extend_from_slice(&head_len.to_be_bytes());
    bytes.extend_from_slice(&body_len.to_be_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(body);
    Ok(bytes)
}

/// Collects bytes and hands out whole frames.
#[derive(Debug)]
pub struct Decoder<M> {
    pending: Vec<u8>,
    message: PhantomData<M>,
}

impl<M> Default for Decoder<M> {
    fn default() -> Self {
        Decoder { pending: Vec::new(), message: PhantomData }
    }
}

impl<M: DeserializeOwned> Decoder<M> {
    /// Takes bytes as they came from the socket, in pieces of any size, and leaves none behind: the next piece may be shorter, and
    /// what lies behind its end would stay as long as the conversation (P6).
    pub fn push(&mut self, bytes: &mut [u8]) {
        self.pending.extend_from_slice(bytes);
        bytes.fill(0);
    }

    /// The next whole frame, if its last byte has come.
    ///
    /// # Errors
    /// When what came is no frame; the connection is then of no more use.
    pub fn pull(&mut self) -> Result<Option<Frame<M>>, FrameError> {
        let Some((lengths, rest)) = self.pending.split_first_chunk::<8>() else {
            return Ok(None);
        };
        let [a, b, c, d, e, f, g, h] = *lengths;
        let head = u32::from_be_bytes([a, b, c, d]) as usize;
        let body = u32::from_be_bytes([e, f, g, h]) as usize;
        if head > MAX_HEAD || body > MAX_BODY {
            return Err(FrameError::TooLong { head, body });
        }
        let (Some(head_bytes), Some(body_bytes)) = (rest.get(..head), rest.get(head..head + body)) else {
            return Ok(None);
        };
        let frame = Frame {
            message: serde_json::from_slice(head_bytes).map_err(FrameError::Malformed)?,
            body: body_bytes.to_vec(),
        };
        // What was taken must not lie behind the end of what is kept (P6): the old block is given back.
        self.pending = self.pending.split_off(8 + head + body);
        Ok(Some(frame))
    }
}

/// Writes one frame to a blocking socket.
///
/// # Errors
/// When the frame is too long or the socket fails.
pub fn write<M: Serialize>(socket: &mut impl Write, message: &M, body: &[u8]) -> Result<(), FrameError> {
    socket.write_all(&encode(message, body)?)?;
    Ok(())
}

/// Reads from a blocking socket until one frame is whole. `None` when the peer has closed.
///
/// # Errors
/// When the bytes are no frame or the socket fails.
pub fn read<M: DeserializeOwned>(
    socket: &mut impl Read,
    decoder: &mut Decoder<M>,
) -> Result<Option<Frame<M>>, FrameError> {
    // Not on the stack, where it would stay as it is (P6).
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        if let Some(frame) = decoder.pull()? {
            return Ok(Some(frame));
        }
        match socket.read(&mut buffer) {
            Ok(0) => return Ok(None),
            Ok(length) => decoder.push(buffer.get_mut(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_survive_any_cutting(
            messages in prop::collection::vec((".{0,40}", prop::collection::vec(any::<u8>(), 0..300)), 0..8),
            cut in 1_usize..64,
        ) {
            let mut bytes = Vec::new();
            for (text, body) in &messages {
                bytes.extend(encode(text, body).unwrap());
            }
            let mut decoder = Decoder::<String>::default();
            let mut seen = Vec::new();
            for piece in bytes.chunks_mut(cut) {
                decoder.push(piece);
                prop_assert!(piece.iter().all(|byte| *byte == 0), "P6: it is with the decoder only");
                while let Some(frame) = decoder.pull().unwrap() {
                    seen.push((frame.message, frame.body));
                }
            }
            prop_assert_eq!(seen, messages);
        }

        #[test]
        fn any_bytes_end_in_an_answer(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut decoder = Decoder::<String>::default();
            decoder.push(&mut bytes);
            while let Ok(Some(_)) = decoder.pull() {}
        }
    }

    #[test]
    fn an_announced_giant_is_refused_before_it_is_read() {
        let mut decoder = Decoder::<String>::default();
        decoder.push(&mut [0xff; 8]);
        assert!(matches!(decoder.pull(), Err(FrameError::TooLong { .. })));
    }
}
