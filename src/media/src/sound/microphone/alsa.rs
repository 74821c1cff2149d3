//! An ALSA capture PCM, opened as `hw:` and nothing else: `default` may be a sound server, which would hold the device
//! for others too. What the hardware cannot do (rate, channels, sample format) is converted here, in this process.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::super::frame::{Frame, SAMPLES, samples};
use super::super::stop::Stop;
use super::{Microphone, MicrophoneError};

/// A device that delivers nothing for this long has failed, whatever it says.
const STALLED: Duration = Duration::from_secs(1);

struct AlsaMicrophone {
    node: PathBuf,
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
    waiting: VecDeque<i16>,
}

/// `hw:C,D` of `/dev/snd/pcmCcDdc`. Never with a subdevice: alsa-lib may close and open again to get a given one, and
/// a permit is good for one open.
fn hardware(node: &Path) -> Option<String> {
    let name = node.file_name()?.to_str()?;
    let (card, device) = name.strip_prefix("pcmC")?.strip_suffix('c')?.split_once('D')?;
    let number = |text: &str| text.parse::<u8>().ok();
    Some(format!("hw:{},{}", number(card)?, number(device)?))
}

pub(super) fn open(node: &Path) -> Result<Box<dyn Microphone>, MicrophoneError> {
    if !node.exists() {
        return Err(MicrophoneError::Missing(node.to_owned()));
    }
    let device = hardware(node).ok_or_else(|| MicrophoneError::Name(node.to_owned()))?;
    open_device(node, &device)
}

fn element(name: &'static str) -> Result<gst::Element, MicrophoneError> {
    gst::ElementFactory::make(name).build().map_err(|_| MicrophoneError::Element(name))
}

fn open_device(node: &Path, device: &str) -> Result<Box<dyn Microphone>, MicrophoneError> {
    let failed = |_| MicrophoneError::Failed(node.to_owned());
    let source = element("alsasrc")?;
    source.set_property("device", device);
    source.set_property("latency-time", 10_000_i64);
    source.set_property("buffer-time", 60_000_i64);
    // Sound is taken as it comes; what follows lives with the device's clock.
    source.set_property("provide-clock", false);
    source.set_property_from_str("slave-method", "none");
    let (convert, resample) = (element("audioconvert")?, element("audioresample")?);
    let sink = gst_app::AppSink::builder()
        .caps(
            &gst::Caps::builder("audio/x-raw")
                .field("format", "S16LE")
                .field("layout", "interleaved")
                .field("rate", 48_000)
                .field("channels", 1)
                .build(),
        )
        .sync(false)
        .max_buffers(8)
        .drop(true)
        .build();
    let pipeline = gst::Pipeline::with_name("microphone");
    let chain = [&source, &convert, &resample, sink.upcast_ref()];
    pipeline.add_many(chain).map_err(failed)?;
    gst::Element::link_many(chain).map_err(failed)?;
    let microphone =
        AlsaMicrophone { node: node.to_owned(), pipeline, sink, waiting: VecDeque::with_capacity(4 * SAMPLES) };
    microphone.pipeline.set_state(gst::State::Playing).map_err(|_| MicrophoneError::Open {
        node: node.to_owned(),
        source: std::io::Error::other("ALSA could not open it"),
    })?;
    Ok(Box::new(microphone))
}

impl Microphone for AlsaMicrophone {
    fn read(&mut self, frame: &mut Frame, stop: &Stop) -> Result<(), MicrophoneError> {
        let start = Instant::now();
        while self.waiting.len() < SAMPLES {
            if stop.is_raised() {
                return Ok(());
            }
            // No longer than one period, so that a stop waits no longer either.
            if let Some(sample) = self.sink.try_pull_sample(gst::ClockTime::from_mseconds(10)) {
                let Some(map) = sample.buffer().and_then(|buffer| buffer.map_readable().ok()) else { continue };
                self.waiting.extend(samples(&map));
                continue;
            }
            let error = self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
            if error.is_some() || self.sink.is_eos() || start.elapsed() > STALLED {
                return Err(if self.node.exists() {
                    MicrophoneError::Failed(self.node.clone())
                } else {
                    MicrophoneError::Missing(self.node.clone())
                });
            }
        }
        for (to, from) in frame.iter_mut().zip(self.waiting.drain(..SAMPLES)) {
            *to = from;
        }
        Ok(())
    }
}

impl Drop for AlsaMicrophone {
    fn drop(&mut self) {
        if self.pipeline.set_state(gst::State::Null).is_err() {
            tracing::error!("the microphone could not be closed in order");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::frame::SILENCE;
    use super::*;

    #[test]
    fn the_node_names_the_device() {
        let name = |node: &str| hardware(Path::new(node));
        assert_eq!(name("/dev/snd/pcmC0D1c").as_deref(), Some("hw:0,1"));
        assert_eq!(name("/dev/snd/pcmC12D0c").as_deref(), Some("hw:12,0"));
        for wrong in ["/dev/snd/pcmC0D1p", "/dev/snd/controlC0", "/dev/video0", "/dev/snd/pcmC0c", "/", "hw:0"] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn whatever_alsa_delivers_becomes_frames() {
        gst::init().unwrap();
        // alsa-lib's own device that delivers silence without any hardware.
        let mut microphone = open_device(Path::new("/dev/null"), "null").unwrap();
        let mut frame = [1; SAMPLES];
        microphone.read(&mut frame, &Stop::default()).unwrap();
        assert_eq!(frame, SILENCE);
    }

    #[test]
    fn a_device_that_is_not_there_is_an_error_and_no_hang() {
        gst::init().unwrap();
        assert!(open_device(Path::new("/dev/snd/pcmC31D0c"), "hw:31,0").is_err());
    }
}
