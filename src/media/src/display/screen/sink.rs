//! Screens that GStreamer has a sink for: the display controller, and a window of an X server.

use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::Path;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use subrosa_process::run_dir::RunDir;

use super::super::DisplayError;
use super::{Screen, ScreenError};

struct SinkScreen {
    name: &'static str,
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    /// The sink uses it and does not close it.
    _card: Option<File>,
}

/// The whole display, without a window system, in the mode that is nearest to the configured size.
pub(super) fn open_kms(_run: &RunDir, info: &gst_video::VideoInfo) -> Result<Box<dyn Screen>, ScreenError> {
    let card = connected_card(Path::new("/sys/class/drm")).ok_or(ScreenError::Open("kmssink"))?;
    let card = OpenOptions::new()
        .read(true)
        .write(true)
        .open(Path::new("/dev/dri").join(card))
        .map_err(|_| ScreenError::Open("kmssink"))?;
    let sink = make("kmssink")?;
    // By itself it knows only the controllers on a list of its own, and takes the first, with or without a screen.
    sink.set_property("fd", card.as_raw_fd());
    // Without a window system nobody else has set a mode.
    sink.set_property("force-modesetting", true);
    open("kmssink", sink, info, Some(card))
}

/// The display controller that has a screen: `cardN` of the first `cardN-CONNECTOR` that is connected, or might be (some
/// cannot tell).
fn connected_card(connectors: &Path) -> Option<String> {
    let mut found: Vec<(bool, String)> = fs::read_dir(connectors)
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let (card, connector) = name.split_once('-')?;
            // What is written there is shown to nobody.
            if !card.starts_with("card") || connector.starts_with("Writeback") {
                return None;
            }
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let status = status.trim();
            (status != "disconnected").then(|| (status != "connected", card.to_owned()))
        })
        .collect();
    found.sort();
    found.into_iter().next().map(|(_, card)| card)
}

/// A window; the X server is the one of the environment (`DISPLAY`). When that server ends, Xlib ends this process,
/// which is started again.
pub(super) fn open_x11(_run: &RunDir, info: &gst_video::VideoInfo) -> Result<Box<dyn Screen>, ScreenError> {
    let sink = make("ximagesink")?;
    // Its thread for events looks twenty times a second whether the mouse has moved.
    sink.set_property("handle-events", false);
    open("ximagesink", sink, info, None)
}

#[cfg(test)]
pub(in super::super) fn open_window(
    display: &str,
    info: &gst_video::VideoInfo,
) -> Result<Box<dyn Screen>, ScreenError> {
    let sink = make("ximagesink")?;
    sink.set_property("handle-events", false);
    sink.set_property("display", display);
    open("ximagesink", sink, info, None)
}

fn make(name: &'static str) -> Result<gst::Element, DisplayError> {
    gst::ElementFactory::make(name).build().map_err(|_| DisplayError::Element(name))
}

fn open(
    name: &'static str,
    sink: gst::Element,
    info: &gst_video::VideoInfo,
    card: Option<File>,
) -> Result<Box<dyn Screen>, ScreenError> {
    sink.set_property("sync", false);
    sink.set_property("qos", false);
    let caps = info.to_caps().map_err(|_| DisplayError::Pipeline)?;
    // One picture waits at most; an older one that nobody has seen yet is dropped for it.
    let source = gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        .is_live(true)
        .max_buffers(1)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build();
    // A display has sizes of its own; with the same one, and a format that the sink takes, both pass everything through.
    let scale = make("videoscale")?;
    scale.set_property("add-borders", true);
    let convert = make("videoconvert")?;
    let pipeline = gst::Pipeline::with_name("screen");
    let chain = [source.upcast_ref(), &scale, &convert, &sink];
    pipeline.add_many(chain).map_err(|_| DisplayError::Pipeline)?;
    gst::Element::link_many(chain).map_err(|_| DisplayError::Pipeline)?;
    let screen = SinkScreen { name, pipeline, source, _card: card };
    screen.pipeline.set_state(gst::State::Playing).map_err(|_| ScreenError::Open(name))?;
    Ok(Box::new(screen))
}

impl Screen for SinkScreen {
    fn show(&mut self, picture: gst::Buffer) -> Result<(), ScreenError> {
        self.attend()?;
        self.source.push_buffer(picture).map_err(|_| ScreenError::Failed(self.name))?;
        Ok(())
    }

    fn attend(&mut self) -> Result<(), ScreenError> {
        let error = self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        if error.is_some() { Err(ScreenError::Failed(self.name)) } else { Ok(()) }
    }
}

impl Drop for SinkScreen {
    fn drop(&mut self) {
        let _ended = self.pipeline.set_state(gst::State::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_card_with_a_screen_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let connector = |name: &str, status: &str| {
            fs::create_dir_all(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("status"), format!("{status}\n")).unwrap();
        };
        fs::create_dir_all(folder.path().join("card0")).unwrap();
        fs::create_dir_all(folder.path().join("renderD128")).unwrap();
        assert_eq!(connected_card(folder.path()), None);
        connector("card0-HDMI-A-1", "disconnected");
        connector("card0-Writeback-1", "unknown");
        assert_eq!(connected_card(folder.path()), None);
        connector("card0-Composite-1", "unknown");
        assert_eq!(connected_card(folder.path()).as_deref(), Some("card0"));
        connector("card1-HDMI-A-2", "connected");
        assert_eq!(connected_card(folder.path()).as_deref(), Some("card1"));
        assert_eq!(connected_card(Path::new("/nowhere")), None);
    }
}
