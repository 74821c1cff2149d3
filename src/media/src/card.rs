//! The privacy card: what peers see while the camera is closed. The room draws it, in words; here it becomes a
//! frame of the picture.

use gstreamer as gst;
use gstreamer_video as gst_video;
use subrosa_messages::media::Size;

/// Why a card is not shown.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    /// The pixels are not what was announced.
    #[error("a card of {width}×{height} has {expected} bytes, {actual} came: room and media are not of one version")]
    Length {
        /// Announced width.
        width: u32,
        /// Announced height.
        height: u32,
        /// Bytes of such a card.
        expected: u64,
        /// Bytes that came.
        actual: usize,
    },
    /// It could not be converted.
    #[error("the card could not be converted to the picture's format")]
    Convert(#[from] gst::glib::BoolError),
}

/// The card of the room as a frame of the picture, scaled where its size is another.
///
/// # Errors
/// When the pixels are not RGBA of that size.
pub fn from_rgba(size: Size, rgba: Vec<u8>, picture: &gst_video::VideoInfo) -> Result<gst::Buffer, CardError> {
    let expected = u64::from(size.width) * u64::from(size.height) * 4;
    if rgba.len() as u64 != expected || size.width == 0 || size.height == 0 {
        return Err(CardError::Length { width: size.width, height: size.height, expected, actual: rgba.len() });
    }
    // RGBx: whatever stands in the fourth byte, nothing shines through a card.
    let from = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgbx, size.width, size.height)
        .fps(picture.fps())
        .build()?;
    convert(gst::Buffer::from_slice(rgba), &from, picture)
}

/// A dark card without words, for the moment before the room has drawn one.
///
/// # Errors
/// When there is no such format.
pub fn plain(picture: &gst_video::VideoInfo) -> Result<gst::Buffer, gst::glib::BoolError> {
    let size = Size { width: picture.width(), height: picture.height() };
    let pixels = [0x17, 0x15, 0x1c, 0xff].repeat(size.width as usize * size.height as usize);
    from_rgba(size, pixels, picture).map_err(|_| gst::glib::bool_error!("no card"))
}

fn convert(
    buffer: gst::Buffer,
    from: &gst_video::VideoInfo,
    to: &gst_video::VideoInfo,
) -> Result<gst::Buffer, CardError> {
    let converter = gst_video::VideoConverter::new(from, to, None)?;
    let unreadable = |_| gst::glib::bool_error!("frame cannot be mapped");
    let source = gst_video::VideoFrame::from_buffer_readable(buffer, from).map_err(unreadable)?;
    let target = gst::Buffer::with_size(to.size())?;
    let mut target = gst_video::VideoFrame::from_buffer_writable(target, to).map_err(unreadable)?;
    converter.frame(&source, &mut target);
    Ok(target.into_buffer())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> gst_video::VideoInfo {
        gst::init().unwrap();
        gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 64, 48).build().unwrap()
    }

    #[test]
    fn a_card_of_another_size_is_scaled_and_keeps_its_colour() {
        let white = vec![0xff; 128 * 96 * 4];
        let card = from_rgba(Size { width: 128, height: 96 }, white, &info()).unwrap();
        let frame = gst_video::VideoFrame::from_buffer_readable(card, &info()).unwrap();
        assert!(frame.plane_data(0).unwrap().iter().take(64).all(|luma| *luma >= 234), "white");
        assert_eq!(plain(&info()).unwrap().size(), info().size());
    }

    #[test]
    fn a_card_of_the_wrong_length_is_refused() {
        assert!(matches!(
            from_rgba(Size { width: 4, height: 4 }, vec![0; 63], &info()),
            Err(CardError::Length { expected: 64, actual: 63, .. })
        ));
        assert!(from_rgba(Size { width: 0, height: 4 }, vec![], &info()).is_err());
    }
}
