//! Makes what the simulated camera sees: a slow pan over a portrait, as concatenated JPEG frames.

use std::f64::consts::TAU;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

/// Size of the frames.
pub const WIDTH: usize = 1280;
/// Size of the frames.
pub const HEIGHT: usize = 720;
/// Five seconds at 30 frames a second, after which the pan is where it began.
const FRAMES: usize = 150;
/// What a webcam delivers as MJPEG at this size.
const FRAME_BYTES: usize = 75_000;

/// Why no sample was made.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The picture cannot be read.
    #[error("{path} cannot be read as a picture: give a PNG or JPEG file")]
    Picture {
        /// Which file.
        path: PathBuf,
    },
    /// An element is missing or failed.
    #[error("GStreamer cannot make JPEG frames: install its base and good plug-ins (`make setup`)")]
    Plugins,
    /// The file cannot be written.
    #[error("{path} cannot be written")]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Reads a portrait and writes the frames.
///
/// # Errors
/// When the picture cannot be read, the file not be written, or GStreamer lacks a plug-in.
pub fn camera(portrait: &Path, out: &Path) -> Result<(), SampleError> {
    let picture = Rgb::read(portrait)?;
    let first = picture.view(0.0);
    let quality = quality_for(&first)?;
    let mut encoder = Jpeg::start(quality)?;
    let write_error = |source| SampleError::Write { path: out.to_owned(), source };
    let partial = out.with_extension("part");
    let mut file = io::BufWriter::new(fs::File::create(&partial).map_err(write_error)?);
    for frame in 0..FRAMES {
        let bytes = encoder.encode(picture.view(frame as f64 / FRAMES as f64))?;
        file.write_all(&bytes).map_err(write_error)?;
    }
    file.into_inner().map_err(|error| write_error(error.into_error()))?.sync_all().map_err(write_error)?;
    fs::rename(&partial, out).map_err(write_error)
}

/// The JPEG quality that comes nearest to [`FRAME_BYTES`].
fn quality_for(frame: &[u8]) -> Result<i32, SampleError> {
    let mut best = (usize::MAX, 85);
    for quality in [60, 70, 80, 85, 90, 93, 95, 97] {
        let size = Jpeg::start(quality)?.encode(frame.to_vec())?.len();
        best = best.min((size.abs_diff(FRAME_BYTES), quality));
    }
    Ok(best.1)
}

/// A picture, three bytes a pixel.
struct Rgb {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Rgb {
    fn read(path: &Path) -> Result<Self, SampleError> {
        let unreadable = || SampleError::Picture { path: path.to_owned() };
        let description = "filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=RGBA \
                           ! appsink name=out sync=false max-buffers=1";
        let pipeline = gst::parse::launch(description).map_err(|_| SampleError::Plugins)?;
        let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| SampleError::Plugins)?;
        let file = pipeline.by_name("file").ok_or(SampleError::Plugins)?;
        file.set_property("location", path.to_str().ok_or_else(unreadable)?);
        let out = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().ok_or(SampleError::Plugins)?;
        pipeline.set_state(gst::State::Playing).map_err(|_| unreadable())?;
        let sample = out.try_pull_sample(gst::ClockTime::from_seconds(20));
        let _stopped = pipeline.set_state(gst::State::Null);
        let sample = sample.ok_or_else(unreadable)?;
        let caps = sample.caps().and_then(|caps| caps.structure(0)).ok_or_else(unreadable)?;
        let side = |name| caps.get::<i32>(name).ok().and_then(|side| usize::try_from(side).ok()).ok_or_else(unreadable);
        let (width, height) = (side("width")?, side("height")?);
        let map = sample.buffer().and_then(|buffer| buffer.map_readable().ok()).ok_or_else(unreadable)?;
        let pixels: Vec<u8> =
            map.chunks_exact(4).flat_map(|pixel| pixel.iter().take(3).copied().collect::<Vec<_>>()).collect();
        if width < 64 || height < 64 || pixels.len() != width * height * 3 {
            return Err(unreadable());
        }
        Ok(Rgb { width, height, pixels })
    }

    fn at(&self, x: usize, y: usize, channel: usize) -> f64 {
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        f64::from(self.pixels.get((y * self.width + x) * 3 + channel).copied().unwrap_or_default())
    }

    /// What the camera sees at a moment of the loop (0 to 1): a window of 16:9 in the upper part of the portrait,
    /// where faces are, moving on a closed curve.
    fn view(&self, moment: f64) -> Vec<u8> {
        let (width, height) = (self.width as f64, self.height as f64);
        let span = (0.82 * width).min(0.82 * height * WIDTH as f64 / HEIGHT as f64);
        let rise = span * HEIGHT as f64 / WIDTH as f64;
        let left = (width - span) * (0.5 + 0.45 * (TAU * moment).sin());
        let top = (height - rise).min(0.05 * height) * (0.5 + 0.5 * (TAU * moment).cos());
        let step = span / WIDTH as f64;
        let mut frame = Vec::with_capacity(WIDTH * HEIGHT * 3);
        for row in 0..HEIGHT {
            let y = top + row as f64 * step;
            let (y0, dy) = (y as usize, y.fract());
            for column in 0..WIDTH {
                let x = left + column as f64 * step;
                let (x0, dx) = (x as usize, x.fract());
                for channel in 0..3 {
                    let upper = self.at(x0, y0, channel) * (1.0 - dx) + self.at(x0 + 1, y0, channel) * dx;
                    let lower = self.at(x0, y0 + 1, channel) * (1.0 - dx) + self.at(x0 + 1, y0 + 1, channel) * dx;
                    frame.push((upper * (1.0 - dy) + lower * dy).round() as u8);
                }
            }
        }
        frame
    }
}

/// A JPEG encoder that takes RGB frames.
struct Jpeg {
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    sink: gst_app::AppSink,
}

impl Jpeg {
    fn start(quality: i32) -> Result<Self, SampleError> {
        let description = format!(
            "appsrc name=in format=time caps=video/x-raw,format=RGB,width={WIDTH},height={HEIGHT},framerate=30/1 \
             ! videoconvert ! video/x-raw,format=I420 ! jpegenc quality={quality} ! appsink name=out sync=false"
        );
        let pipeline = gst::parse::launch(&description).map_err(|_| SampleError::Plugins)?;
        let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| SampleError::Plugins)?;
        let source = pipeline.by_name("in").and_downcast::<gst_app::AppSrc>().ok_or(SampleError::Plugins)?;
        let sink = pipeline.by_name("out").and_downcast::<gst_app::AppSink>().ok_or(SampleError::Plugins)?;
        pipeline.set_state(gst::State::Playing).map_err(|_| SampleError::Plugins)?;
        Ok(Jpeg { pipeline, source, sink })
    }

    fn encode(&mut self, frame: Vec<u8>) -> Result<Vec<u8>, SampleError> {
        let mut buffer = gst::Buffer::from_mut_slice(frame);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(gst::ClockTime::ZERO);
        }
        self.source.push_buffer(buffer).map_err(|_| SampleError::Plugins)?;
        let sample = self.sink.try_pull_sample(gst::ClockTime::from_seconds(20)).ok_or(SampleError::Plugins)?;
        let map = sample.buffer().and_then(|buffer| buffer.map_readable().ok()).ok_or(SampleError::Plugins)?;
        Ok(map.to_vec())
    }
}

impl Drop for Jpeg {
    fn drop(&mut self) {
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pan_ends_where_it_begins_and_moves_in_between() {
        let pixels = (0..200 * 200 * 3).map(|n| ((n / 7) % 251) as u8).collect();
        let picture = Rgb { width: 200, height: 200, pixels };
        let near = |a: &[u8], b: &[u8]| a.iter().zip(b).filter(|(a, b)| a.abs_diff(**b) > 1).count();
        let first = picture.view(0.0);
        assert_eq!(first.len(), WIDTH * HEIGHT * 3);
        assert_eq!(near(&first, &picture.view(1.0)), 0);
        assert!(near(&first, &picture.view(0.25)) > 1000);
    }
}
