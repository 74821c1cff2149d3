//! A buffer as a picture in planes.
//!
//! The wrapper for video frames is not used: its slices are `stride × rows` long, which is past the end of the memory for a crop, and
//! the base class that uses it lets a buffer pass that could not be mapped. Here such a buffer is an error.

use gstreamer as gst;
use gstreamer_video as gst_video;
use subrosa_blur::picture::{Colours, Layout, Matrix, Picture, PictureError};

/// Why a buffer is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It is of a format that was not agreed on.
    #[error("the buffer's video meta speaks of another format than the caps")]
    Format,
    /// It is smaller than its own description.
    #[error("the buffer is smaller than its planes")]
    Short,
    /// It cannot be written to.
    #[error("the buffer cannot be mapped for writing")]
    Map,
    /// What it describes is no picture.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// What the numbers of such a video mean; what is not said is BT.601 in limited range, as cameras of standard definition are.
pub fn colours(info: &gst_video::VideoInfo) -> Colours {
    let colorimetry = info.colorimetry();
    let matrix = match colorimetry.matrix() {
        gst_video::VideoColorMatrix::Bt709 => Matrix::Bt709,
        _ => Matrix::Bt601,
    };
    Colours { matrix, full_range: colorimetry.range() == gst_video::VideoColorRange::Range0_255 }
}

/// Shows the buffer's picture, which may be larger than the caps say: boards align it (1088 lines for 1080). All of it is shown,
/// what a crop leaves out too, since nobody can say that it will never be looked at.
pub fn with_picture<T>(
    buffer: &mut gst::BufferRef,
    info: &gst_video::VideoInfo,
    see: impl FnOnce(&mut Picture<'_>) -> T,
) -> Result<T, FrameError> {
    let layout = match info.format() {
        gst_video::VideoFormat::I420 => Layout::I420,
        gst_video::VideoFormat::Nv12 => Layout::Nv12,
        _ => return Err(FrameError::Format),
    };
    let (size, offsets, strides) = match buffer.meta::<gst_video::VideoMeta>() {
        Some(meta) if meta.format() != info.format() => return Err(FrameError::Format),
        Some(meta) => ((meta.width(), meta.height()), meta.offset().to_vec(), meta.stride().to_vec()),
        None => ((info.width(), info.height()), info.offset().to_vec(), info.stride().to_vec()),
    };
    if size.0 < info.width() || size.1 < info.height() {
        return Err(FrameError::Short);
    }
    let size = (size.0 as usize, size.1 as usize);
    let mut memory = buffer.map_writable().map_err(|_| FrameError::Map)?;
    let mut rest = memory.as_mut_slice();
    let mut taken = 0;
    let (half_width, half_height) = (size.0.div_ceil(2), size.1.div_ceil(2));
    let mut plane = |index: usize, row: usize, rows: usize| {
        let stride = strides.get(index).and_then(|stride| usize::try_from(*stride).ok()).ok_or(FrameError::Short)?;
        let length = stride
            .checked_mul(rows.saturating_sub(1))
            .and_then(|bytes| bytes.checked_add(row))
            .ok_or(FrameError::Short)?;
        // Planes follow each other; memory between them is nobody's.
        let gap = offsets.get(index).and_then(|offset| offset.checked_sub(taken)).ok_or(FrameError::Short)?;
        let (plane, behind) = std::mem::take(&mut rest)
            .split_at_mut_checked(gap)
            .and_then(|(_, from)| from.split_at_mut_checked(length))
            .ok_or(FrameError::Short)?;
        rest = behind;
        taken += gap + length;
        Ok::<_, FrameError>((plane, stride))
    };
    let colours = colours(info);
    let luma = plane(0, size.0, size.1)?;
    let mut picture = match layout {
        Layout::I420 => {
            let planes = [luma, plane(1, half_width, half_height)?, plane(2, half_width, half_height)?];
            Picture::new(layout, size, colours, planes)?
        }
        Layout::Nv12 => Picture::new(layout, size, colours, [luma, plane(1, 2 * half_width, half_height)?])?,
    };
    Ok(see(&mut picture))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(format: gst_video::VideoFormat, width: u32, height: u32) -> gst_video::VideoInfo {
        gst::init().unwrap();
        gst_video::VideoInfo::builder(format, width, height).build().unwrap()
    }

    #[test]
    fn a_crop_at_the_end_of_memory_is_seen_and_one_past_it_is_not() {
        let info = info(gst_video::VideoFormat::Nv12, 64, 48);
        // 64 by 48 of 100 by 60, from (36, 12): the last row ends where the memory does.
        let crop = |bytes: usize| {
            let mut buffer = gst::Buffer::with_size(bytes).unwrap();
            let (y, uv) = (12 * 100 + 36, 6000 + 6 * 100 + 36);
            gst_video::VideoMeta::add_full(
                buffer.get_mut().unwrap(),
                gst_video::VideoFrameFlags::empty(),
                gst_video::VideoFormat::Nv12,
                64,
                48,
                &[y, uv],
                &[100, 100],
            )
            .unwrap();
            with_picture(buffer.get_mut().unwrap(), &info, |picture| {
                for row in picture.luma.rows_mut() {
                    row.fill(7);
                }
                picture.size()
            })
            .map(|size| (size, buffer.map_readable().unwrap().iter().filter(|byte| **byte == 7).count()))
        };
        assert_eq!(crop(9000).unwrap().0, (64, 48));
        assert!(crop(9000).unwrap().1 >= 64 * 48);
        assert!(crop(8999).is_err());
    }

    #[test]
    fn what_is_not_what_it_says_is_refused() {
        let small = info(gst_video::VideoFormat::I420, 64, 48);
        let mut buffer = gst::Buffer::with_size(small.size() - 1).unwrap();
        let error = with_picture(buffer.get_mut().unwrap(), &small, |_| ()).unwrap_err();
        assert!(matches!(error, FrameError::Short | FrameError::Picture(_)));
        let mut buffer = gst::Buffer::with_size(64 * 48 * 3).unwrap();
        let meta = |buffer: &mut gst::BufferRef, format| {
            gst_video::VideoMeta::add(buffer, gst_video::VideoFrameFlags::empty(), format, 32, 24).map(drop)
        };
        meta(buffer.get_mut().unwrap(), gst_video::VideoFormat::I420).unwrap();
        assert_eq!(with_picture(buffer.get_mut().unwrap(), &small, |_| ()), Err(FrameError::Short));
        let mut buffer = gst::Buffer::with_size(64 * 48 * 3).unwrap();
        meta(buffer.get_mut().unwrap(), gst_video::VideoFormat::Nv12).unwrap();
        assert_eq!(with_picture(buffer.get_mut().unwrap(), &small, |_| ()), Err(FrameError::Format));
        let rgb = info(gst_video::VideoFormat::Rgb, 64, 48);
        let mut buffer = gst::Buffer::with_size(rgb.size()).unwrap();
        assert_eq!(with_picture(buffer.get_mut().unwrap(), &rgb, |_| ()), Err(FrameError::Format));
    }

    #[test]
    fn colours_come_from_the_caps() {
        gst::init().unwrap();
        let said = |colorimetry: &str| {
            let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, 64, 48)
                .colorimetry(&colorimetry.parse().unwrap())
                .build()
                .unwrap();
            colours(&info)
        };
        assert_eq!(said("bt601"), Colours { matrix: Matrix::Bt601, full_range: false });
        assert_eq!(said("bt709"), Colours { matrix: Matrix::Bt709, full_range: false });
        assert_eq!(said("1:4:0:0"), Colours { matrix: Matrix::Bt601, full_range: true });
    }
}
