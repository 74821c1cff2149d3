//! Rows of the table as a board narrows them: a smaller picture, a lower rate, other properties.
//!
//! What goes beyond the row is refused with file and line, and so is a property that the element lacks, where its
//! plug-in is there to be asked.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use subrosa_board::{BitrateBy, Board, BoardError, EncoderRow, KeyFrameBy};
use subrosa_messages::media::Codec;

use super::rows::{self, Bitrate, KeyFrame, Row, Value};

/// The rows of a board, in its order. They live as long as the process: a board is read once.
///
/// # Errors
/// When the board names no row of H.264, or asks for more than a row can do.
pub fn of_board(board: &Board) -> Result<Vec<&'static Row>, BoardError> {
    let rows = board.encoders.iter().enumerate().map(|(index, narrowing)| {
        let wrong = |key: &str, what: String| {
            let key = format!("encoders.{index}.{key}");
            board.places().invalid(&key, format!("{key}: {what}"))
        };
        let row = rows::find(&narrowing.element).filter(|row| row.codec == Codec::H264).ok_or_else(|| {
            let h264 = rows::ROWS.iter().filter(|row| row.codec == Codec::H264);
            let known: Vec<&str> = h264.map(|row| row.name).collect();
            wrong(
                "element",
                format!("\"{}\" is no encoder that is known here: take one of {}", narrowing.element, known.join(", ")),
            )
        })?;
        if *narrowing == (EncoderRow { element: narrowing.element.clone(), ..EncoderRow::default() }) {
            return Ok(row);
        }
        narrow(row, narrowing).map_err(|(key, what)| wrong(key, what)).map(|row| &*Box::leak(Box::new(row)))
    });
    rows.collect()
}

fn narrow(row: &Row, board: &EncoderRow) -> Result<Row, (&'static str, String)> {
    let mut narrowed = *row;
    if let Some((width, height)) = board.largest {
        let (most_width, most_height) = row.largest;
        if width > most_width || height > most_height {
            return Err((
                "largest",
                format!("{width}x{height} is beyond {}, which ends at {most_width}x{most_height}", row.name),
            ));
        }
        if width % row.alignment != 0 || height % row.alignment != 0 {
            return Err(("largest", format!("{} takes sides that are multiples of {}", row.name, row.alignment)));
        }
        narrowed.largest = (width, height);
    }
    if let Some(rate) = board.frames_per_second {
        narrowed.frames_per_second = Some(row.frames_per_second.map_or(rate, |most| most.min(rate)));
    }
    if let Some(caps) = &board.caps {
        narrowed.output_caps = leak(caps);
    }
    let taken = row.properties.iter().filter(|(name, value)| match value {
        Value::Text(_) => !board.properties.contains_key(*name),
        Value::Controls(_) => false,
    });
    let mut properties: Vec<(&'static str, Value)> = taken.copied().collect();
    properties.extend(board.properties.iter().map(|(name, value)| (leak(name), Value::Text(leak(value)))));
    let of_row = row.properties.iter().find_map(|(name, value)| match value {
        Value::Controls(controls) => Some((*name, *controls)),
        Value::Text(_) => None,
    });
    match of_row {
        Some((name, of_row)) => {
            let kept = of_row.iter().filter(|(control, _)| !board.controls.contains_key(*control)).copied();
            let own = board.controls.iter().map(|(control, value)| (leak(control), *value));
            let controls: Vec<(&'static str, i32)> = kept.chain(own).collect();
            properties.push((name, Value::Controls(controls.leak())));
        }
        None if board.controls.is_empty() => {}
        None => return Err(("controls", format!("{} has no V4L2 controls: write them as properties", row.name))),
    }
    narrowed.properties = properties.leak();
    match &board.bitrate {
        None => {}
        Some(BitrateBy::Kilobits(property)) => narrowed.bitrate = Bitrate::Kilobits(leak(property)),
        Some(BitrateBy::Bits(property)) => narrowed.bitrate = Bitrate::Bits(leak(property)),
        Some(BitrateBy::Control { name, step, least, most }) => {
            if *step == 0 || least > most || of_row.is_none() {
                return Err((
                    "bitrate",
                    "needs V4L2 controls, a step above 0, and a lower bound below the upper".to_owned(),
                ));
            }
            narrowed.bitrate = Bitrate::Control { name: leak(name), step: *step, least: *least, most: *most };
        }
    }
    match &board.key_frame {
        None => {}
        Some(KeyFrameBy::Event) => narrowed.key_frame = KeyFrame::Event,
        Some(KeyFrameBy::Signal(signal)) => narrowed.key_frame = KeyFrame::Signal(leak(signal)),
    }
    Ok(narrowed)
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// Holds what the board says against the elements that are installed. No element is made: some boards hang when one
/// tries (see [`super::trial`]).
///
/// # Errors
/// When an element has no such property or the text is no value of it, with file and line.
pub fn check_elements(board: &Board) -> Result<(), BoardError> {
    for (index, narrowing) in board.encoders.iter().enumerate() {
        let wrong = |key: &str, what: String| {
            let key = format!("encoders.{index}.{key}");
            board.places().invalid(&key, format!("{key}: {what}"))
        };
        if let Some(caps) = &narrowing.caps
            && caps.parse::<gst::Caps>().is_err()
        {
            return Err(wrong("caps", format!("\"{caps}\" are no caps: `gst-launch-1.0` takes them in this form")));
        }
        let Some(factory) = gst::ElementFactory::find(&narrowing.element).and_then(|factory| factory.load().ok())
        else {
            continue;
        };
        let Some(class) = glib::Class::<gst::Element>::from_type(factory.element_type()) else { continue };
        for (name, value) in &narrowing.properties {
            let key = format!("properties.{name}");
            let Some(property) = class.find_property(name) else {
                let what = format!("{0} has no such property: see `gst-inspect-1.0 {0}`", narrowing.element);
                return Err(wrong(&key, what));
            };
            if !property.flags().contains(glib::ParamFlags::WRITABLE) {
                return Err(wrong(&key, "can only be read".to_owned()));
            }
            let parsed = glib::Value::deserialize_with_pspec(value, &property);
            if !parsed.is_ok_and(|parsed| is_in_range(&property, &parsed)) {
                let what = format!("\"{value}\" is no value of it: see `gst-inspect-1.0 {}`", narrowing.element);
                return Err(wrong(&key, what));
            }
        }
    }
    Ok(())
}

/// A number out of range would be cut off without a word.
fn is_in_range(property: &glib::ParamSpec, value: &glib::Value) -> bool {
    let number = property.downcast_ref::<glib::ParamSpecInt>().zip(value.get::<i32>().ok());
    let count = property.downcast_ref::<glib::ParamSpecUInt>().zip(value.get::<u32>().ok());
    match (number, count) {
        (Some((range, value)), _) => (range.minimum()..=range.maximum()).contains(&value),
        (None, Some((range, value))) => (range.minimum()..=range.maximum()).contains(&value),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const BOARD: &str = "name = \"board\"\ntitle = \"Board\"\nextends = \"rest\"\n";

    /// A board with these encoders; the rest is the simulated room's.
    fn board(encoders: &str) -> Board {
        let folder = tempfile::tempdir().unwrap();
        let sim = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards/sim.toml")).unwrap();
        fs::create_dir(folder.path().join("base")).unwrap();
        fs::write(folder.path().join("base/rest.toml"), sim).unwrap();
        let path = folder.path().join("board.toml");
        fs::write(&path, format!("{BOARD}{encoders}\n")).unwrap();
        Board::load(&path).unwrap()
    }

    #[test]
    fn every_board_of_the_project_has_known_rows_and_properties() {
        crate::plugins::start().unwrap();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../boards");
        let boards = subrosa_board::list(&folder).unwrap();
        assert!(boards.len() >= 14, "{}", boards.len());
        for board in boards.iter().filter_map(|listed| listed.board.as_ref().ok()) {
            of_board(board).unwrap();
            check_elements(board).unwrap();
        }
    }

    #[test]
    fn a_board_narrows_a_row_and_leaves_the_rest_of_it() {
        let narrowed = board(
            "[[encoders]]\nelement = \"v4l2h264enc\"\nlargest = \"1280x720\"\nframes-per-second = 30\n\
             controls = { h264_minimum_qp_value = 20, new = 1 }\nproperties = { output-io-mode = \"dmabuf-import\" }\n\
             [[encoders]]\nelement = \"x264enc\"\nproperties = { speed-preset = \"ultrafast\", threads = 2 }\n\
             key-frame = { signal = \"x\" }\nbitrate = { bits = \"rate\" }\ncaps = \"video/x-h264\"",
        );
        let rows = of_board(&narrowed).unwrap();
        let [codec, software] = rows.as_slice() else { panic!() };
        let table = rows::find("v4l2h264enc").unwrap();
        assert_eq!((codec.largest, codec.frames_per_second), ((1280, 720), Some(30)));
        assert_eq!((codec.bitrate, codec.front, codec.output_caps), (table.bitrate, table.front, table.output_caps));
        let Some((_, Value::Controls(controls))) =
            codec.properties.iter().find(|(_, value)| matches!(value, Value::Controls(_)))
        else {
            panic!()
        };
        for control in [("h264_minimum_qp_value", 20), ("new", 1), ("repeat_sequence_header", 1)] {
            assert!(controls.contains(&control), "{control:?} in {controls:?}");
        }
        assert!(!controls.contains(&("h264_minimum_qp_value", 16)));
        for property in [("speed-preset", "ultrafast"), ("threads", "2"), ("tune", "zerolatency")] {
            assert!(software.properties.contains(&(property.0, Value::Text(property.1))), "{property:?}");
        }
        assert!(!software.properties.contains(&("speed-preset", Value::Text("superfast"))));
        assert_eq!((software.key_frame, software.bitrate), (KeyFrame::Signal("x"), Bitrate::Bits("rate")));
        assert_eq!(software.output_caps, "video/x-h264");
    }

    #[test]
    fn what_an_encoder_cannot_do_is_refused_with_file_and_line() {
        crate::plugins::start().unwrap();
        let x264 = "encoders = [\n  { element = \"x264enc\", ";
        for (encoders, parts) in [
            ("encoders = [\n  \"magicenc\",\n  \"x264enc\"]", ["line 5", "magicenc", "mpph264enc"]),
            ("encoders = [\"vp8enc\", \"x264enc\"]", ["line 4", "vp8enc", "openh264enc"]),
            (&format!("{x264}largest = \"7680x4320\" }}]"), ["line 5", "largest", "4096x2304"]),
            (
                "encoders = [{ element = \"mpph264enc\", largest = \"1920x1080\" }, \"x264enc\"]",
                ["line 4", "largest", "multiples of 16"],
            ),
            (&format!("{x264}controls = {{ x = 1 }} }}]"), ["line 5", "controls", "properties"]),
            (
                &format!("{x264}bitrate = {{ control = {{ name = \"b\", step = 1, least = 2, most = 3 }} }} }}]"),
                ["line 5", "bitrate", "V4L2"],
            ),
            (&format!("{x264}properties = {{\n speed = 3 }} }}]"), ["line 6", "properties.speed", "no such property"]),
            (
                &format!("{x264}properties = {{ tune = \"piano\" }} }}]"),
                ["line 5", "\"piano\" is no value", "gst-inspect-1.0 x264enc"],
            ),
            (&format!("{x264}properties = {{ key-int-max = -4 }} }}]"), ["line 5", "key-int-max", "no value"]),
            (&format!("{x264}properties = {{ subme = 99 }} }}]"), ["line 5", "\"99\"", "no value"]),
            (&format!("{x264}caps = \"not;;caps=\" }}]"), ["line 5", "caps", "gst-launch"]),
        ] {
            let board = board(encoders);
            let error = of_board(&board).map(|_| ()).and_then(|()| check_elements(&board)).unwrap_err().to_string();
            for part in parts.into_iter().chain(["board.toml"]) {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
    }
}
