//! One WebSocket text frame is one element (RFC 7395, section 3.3). What is too large, too deep, too many or not plain
//! XML (document types, entities, comments and instructions: RFC 6120, section 11.1) is refused before it costs anything.

use std::collections::BTreeSet;
use std::io::Cursor;

use minidom::Element;
use minidom::rxml::parser::RawParser;
use minidom::rxml::{GenericReader, RawEvent};
use minidom::tree_builder::TreeBuilder;

/// Bytes of a frame: jicofo's largest message is the list of all sources (see `jingle::limits::JSON`).
pub const BYTES: usize = 2 << 20;
/// Elements inside each other.
pub const DEPTH: usize = 32;
/// Elements and attributes of a frame.
pub const PARTS: usize = 65_536;

/// Why a frame is refused. Nothing of it is in here: it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More than [`BYTES`], [`DEPTH`] or [`PARTS`].
    #[error("the server's message is larger than any meeting needs")]
    TooLarge,
    /// No XML, or XML that XMPP forbids, or more than one element.
    #[error("the server's message is not the XML that XMPP allows")]
    Malformed,
}

/// The element of a frame.
///
/// # Errors
/// [`FrameError`]; nothing is kept then.
pub fn read(text: &str) -> Result<Element, FrameError> {
    if text.len() > BYTES {
        return Err(FrameError::TooLarge);
    }
    let mut builder = TreeBuilder::new();
    let mut events = GenericReader::<_, RawParser>::new(Cursor::new(text.trim().as_bytes()));
    let (mut depth, mut parts) = (0_usize, 0_usize);
    let mut names = BTreeSet::new();
    while let Some(event) = events.read().map_err(|_| FrameError::Malformed)? {
        match &event {
            RawEvent::XmlDeclaration(..) => {}
            RawEvent::ElementHeadOpen(..) => {
                depth += 1;
                parts += 1;
            }
            // The tree would keep the last of two; XML allows one (XML 1.0, section 3.1).
            RawEvent::Attribute(_, name, _) => {
                parts += 1;
                if !names.insert(name.clone()) {
                    return Err(FrameError::Malformed);
                }
            }
            RawEvent::ElementHeadClose(..) => names.clear(),
            RawEvent::Text(..) => {}
            RawEvent::ElementFoot(..) => depth = depth.saturating_sub(1),
        }
        if depth > DEPTH || parts > PARTS {
            return Err(FrameError::TooLarge);
        }
        builder.process_event(event).map_err(|_| FrameError::Malformed)?;
    }
    // Without a namespace it is no frame (RFC 7395, section 3.3.2), and could not be written again.
    builder.root.take().filter(|root| !root.ns().is_empty()).ok_or(FrameError::Malformed)
}

/// An element as a frame.
#[must_use]
pub fn write(element: &Element) -> String {
    let mut text = Vec::new();
    // Writing into memory fails only for elements that XML cannot hold; such a frame is empty, and an empty one is not sent.
    if element.write_to(&mut text).is_err() {
        return String::new();
    }
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signalling::recording;

    #[test]
    fn a_document_type_an_entity_an_instruction_a_comment_and_a_second_element_are_refused() {
        for text in [
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a xmlns='x'>&b;</a>",
            "<a xmlns='x'>&b;</a>",
            "<?php x ?><a xmlns='x'/>",
            "<a xmlns='x'><!-- b --></a>",
            "<a xmlns='x'/><b xmlns='x'/>",
            "<a xmlns='x'>",
            "a",
            "",
            "<a xmlns='x' b='1' b='2'/>",
            "<p:a/>",
            "<a xmlns=''/>",
        ] {
            assert_eq!(read(text).err(), Some(FrameError::Malformed), "{text}");
        }
    }

    #[test]
    fn what_is_too_deep_too_long_or_too_many_is_refused() {
        let deep =
            |levels: usize| format!("<a xmlns='x'>{}{}</a>", "<b>".repeat(levels - 1), "</b>".repeat(levels - 1));
        assert!(read(&deep(DEPTH)).is_ok());
        assert_eq!(read(&deep(DEPTH + 1)).err(), Some(FrameError::TooLarge));
        assert_eq!(read(&deep(100_000)).err(), Some(FrameError::TooLarge));
        let many = |parts: usize| format!("<a xmlns='x'>{}</a>", "<b/>".repeat(parts));
        assert!(read(&many(PARTS - 2)).is_ok());
        assert_eq!(read(&many(PARTS)).err(), Some(FrameError::TooLarge));
        assert_eq!(read(&format!("<a xmlns='x'>{}</a>", "b".repeat(BYTES))).err(), Some(FrameError::TooLarge));
    }

    #[test]
    fn every_recorded_frame_is_read_and_means_the_same_when_written_again() {
        let mut frames = 0;
        for recording in recording::all() {
            for frame in recording.frames.iter().filter(|frame| frame.channel == "xmpp" && frame.data.starts_with('<'))
            {
                let element = read(&frame.data).unwrap_or_else(|error| panic!("{}: {error}", recording.name));
                assert_eq!(read(&write(&element)), Ok(element));
                frames += 1;
            }
        }
        assert!(frames > 2000, "{frames}");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "[<>/&;!?='\" a-zé:\\[\\]-]{0,80}") {
            let _ = read(&text);
        }
    }
}
