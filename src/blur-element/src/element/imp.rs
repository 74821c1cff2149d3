//! The shell of the element: properties, caps, buffers, messages.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer::subclass::prelude::*;
use gstreamer_base as gst_base;
use gstreamer_base::prelude::*;
use gstreamer_base::subclass::prelude::*;
use gstreamer_video as gst_video;
use subrosa_blur::composition::StillError;
use subrosa_blur::freshness::MAXIMUM_AGE;
use subrosa_blur::governor::Size;

use super::{MESSAGE, SIZE_MESSAGE};
use crate::frame;
use crate::image;
use crate::settings::{Mode, Rgba, Settings};
use crate::work::{Fate, Result as Done, Seen, Work};
use crate::worker::Make;

/// The element's own memory.
#[derive(Default)]
pub struct Blur {
    settings: Mutex<Settings>,
    make: Mutex<Option<Make>>,
    threads: Arc<AtomicUsize>,
    stream: Mutex<Stream>,
}

#[derive(Default)]
struct Stream {
    info: Option<gst_video::VideoInfo>,
    work: Option<Work>,
    /// Another size was asked for, and no other caps have come since.
    asked: bool,
}

/// The same pictures at another size: masks lie on a grid of their own, so those that are there stay true.
fn rescaled(before: &gst_video::VideoInfo, now: &gst_video::VideoInfo) -> bool {
    let shape = |info: &gst_video::VideoInfo| f64::from(info.width()) / f64::from(info.height());
    // Sides are whole and even.
    (shape(before) / shape(now) - 1.0).abs() < 0.02
        && (before.format(), before.colorimetry()) == (now.format(), now.colorimetry())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(value: Duration) -> u32 {
    u32::try_from(value.as_millis()).unwrap_or(u32::MAX)
}

#[glib::object_subclass]
impl ObjectSubclass for Blur {
    const NAME: &'static str = "SubrosaBlur";
    type Type = super::Blur;
    type ParentType = gst_base::BaseTransform;
}

static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
    let begin = Settings::default();
    vec![
        glib::ParamSpecEnum::builder_with_default::<Mode>("mode", begin.mode)
            .nick("Mode")
            .blurb("What happens to the background")
            .mutable_playing()
            .build(),
        glib::ParamSpecDouble::builder("strength")
            .nick("Strength")
            .blurb("The blur, as a multiple of what its mode stands for")
            .minimum(0.5)
            .maximum(4.0)
            .default_value(1.0)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("colour")
            .nick("Colour")
            .blurb("The colour of mode `colour`, 0xRRGGBB; also of mode `image` while its picture is not ready")
            .maximum(0x00ff_ffff)
            .default_value(begin.colour.iter().fold(0, |sum, value| sum << 8 | u32::from(*value)))
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("image")
            .nick("Image")
            .blurb("A file with the picture of mode `image`, scaled to cover the frame")
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("cadence")
            .nick("Cadence")
            .blurb("People are looked for in every so-manieth frame")
            .minimum(1)
            .maximum(4)
            .default_value(begin.cadence)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("maximum-mask-age")
            .nick("Maximum mask age")
            .blurb("A frame whose mask is older (in ms) does not pass")
            .minimum(1)
            .maximum(millis(MAXIMUM_AGE))
            .default_value(millis(begin.maximum_age))
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("patience")
            .nick("Patience")
            .blurb("How long a frame may wait for a mask of its own, in ms; 0 for live pictures, more to convert files")
            .maximum(10_000)
            .default_value(millis(begin.patience))
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("budget")
            .nick("Budget")
            .blurb("CPU time for each frame in µs, which is kept by looking less often and blurring more coarsely; 0 for any")
            .maximum(100_000)
            .default_value(0)
            .mutable_playing()
            .build(),
        glib::ParamSpecUInt::builder("regions")
            .nick("Regions")
            .blurb("How many windows are looked at for people who are far away; 0 looks at the whole picture alone")
            .maximum(4)
            .default_value(u32::try_from(begin.regions).unwrap_or_default())
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("model")
            .nick("Model")
            .blurb("The file of MediaPipe's landscape selfie segmentation model")
            .mutable_playing()
            .build(),
        glib::ParamSpecString::builder("state")
            .nick("State")
            .blurb("What is seen: clear, off, or why it is covered")
            .read_only()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("counts")
            .nick("Counts")
            .blurb("Frames and masks so far, and what they cost (CPU time in µs)")
            .read_only()
            .build(),
    ]
});

impl ObjectImpl for Blur {
    fn properties() -> &'static [glib::ParamSpec] {
        &PROPERTIES
    }

    fn constructed(&self) {
        self.parent_constructed();
        self.obj().set_in_place(true);
    }

    fn set_property(&self, _id: usize, value: &glib::Value, specification: &glib::ParamSpec) {
        let number = || value.get::<u32>().unwrap_or_default();
        let mut settings = lock(&self.settings);
        match specification.name() {
            "mode" => settings.mode = value.get().unwrap_or_default(),
            "strength" => settings.strength = value.get::<f64>().unwrap_or(1.0) as f32,
            "colour" => {
                let [_, red, green, blue] = number().to_be_bytes();
                settings.colour = [red, green, blue];
            }
            "cadence" => settings.cadence = number(),
            "maximum-mask-age" => settings.maximum_age = Duration::from_millis(number().into()),
            "patience" => settings.patience = Duration::from_millis(number().into()),
            "budget" => settings.budget = Duration::from_micros(number().into()),
            "regions" => {
                settings.regions = number() as usize;
                drop(settings);
                self.dismiss();
            }
            "image" => {
                let path: Option<String> = value.get().unwrap_or_default();
                settings.image = path.clone();
                drop(settings);
                self.read_image(path);
            }
            "model" => {
                settings.model = value.get().unwrap_or_default();
                drop(settings);
                self.dismiss();
            }
            _ => {}
        }
    }

    fn property(&self, _id: usize, specification: &glib::ParamSpec) -> glib::Value {
        match specification.name() {
            "state" => return self.state().to_value(),
            "counts" => return self.counts().to_value(),
            _ => {}
        }
        let settings = lock(&self.settings);
        match specification.name() {
            "mode" => settings.mode.to_value(),
            "strength" => f64::from(settings.strength).to_value(),
            "colour" => settings.colour.iter().fold(0, |sum, value| sum << 8 | u32::from(*value)).to_value(),
            "image" => settings.image.to_value(),
            "cadence" => settings.cadence.to_value(),
            "maximum-mask-age" => millis(settings.maximum_age).to_value(),
            "patience" => millis(settings.patience).to_value(),
            "regions" => u32::try_from(settings.regions).unwrap_or_default().to_value(),
            "budget" => u32::try_from(settings.budget.as_micros()).unwrap_or(u32::MAX).to_value(),
            _ => settings.model.to_value(),
        }
    }
}

impl GstObjectImpl for Blur {}

impl ElementImpl for Blur {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Background blur that fails closed",
                "Filter/Effect/Video",
                "Hides what is not a person, in place; drops a frame for which there is no fresh mask",
                "The Subrosa project",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            let side = subrosa_blur::picture::SMALLEST as i32..=subrosa_blur::picture::LARGEST as i32;
            let caps = gst_video::VideoCapsBuilder::new()
                .format_list([gst_video::VideoFormat::I420, gst_video::VideoFormat::Nv12])
                .width_range(side.clone())
                .height_range(side)
                .build();
            [("src", gst::PadDirection::Src), ("sink", gst::PadDirection::Sink)]
                .into_iter()
                .filter_map(|(name, direction)| {
                    gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps).ok()
                })
                .collect()
        });
        &TEMPLATES
    }
}

impl BaseTransformImpl for Blur {
    const MODE: gst_base::subclass::BaseTransformMode = gst_base::subclass::BaseTransformMode::AlwaysInPlace;
    const PASSTHROUGH_ON_SAME_CAPS: bool = false;
    const TRANSFORM_IP_ON_PASSTHROUGH: bool = true;

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        *lock(&self.stream) = Stream::default();
        Ok(())
    }

    fn stop(&self) -> Result<(), gst::ErrorMessage> {
        // Waits for no segmenter: it may be stuck, and the camera has to close.
        *lock(&self.stream) = Stream::default();
        Ok(())
    }

    fn set_caps(&self, incoming: &gst::Caps, _outgoing: &gst::Caps) -> Result<(), gst::LoggableError> {
        let mut stream = lock(&self.stream);
        let info = gst_video::VideoInfo::from_caps(incoming);
        let before = std::mem::replace(&mut stream.info, info.as_ref().ok().cloned());
        let asked = std::mem::take(&mut stream.asked);
        let as_asked = asked && before.zip(stream.info.as_ref()).is_some_and(|(before, now)| rescaled(&before, now));
        if let Some(work) = &mut stream.work
            && !as_asked
        {
            work.begin();
        }
        info.map(drop).map_err(|_| gst::loggable_error!(gst::CAT_RUST, "no video that can be blurred"))
    }

    fn transform_ip(&self, buffer: &mut gst::BufferRef) -> Result<gst::FlowSuccess, gst::FlowError> {
        let settings = lock(&self.settings).clone();
        let make = self.maker(&settings);
        let mut stream = lock(&self.stream);
        let Stream { info, work, asked } = &mut *stream;
        let info = info.as_ref().ok_or(gst::FlowError::NotNegotiated)?;
        let work = work.get_or_insert_with(|| Work::new(&settings, &self.threads));
        let stamp = buffer.pts().map(Duration::from);
        let done = if settings.mode == Mode::Off {
            work.frame(stamp, &settings, None, None)
        } else {
            // A buffer that is no picture is dropped like any that cannot be hidden.
            let mut done = None;
            let seen = frame::with_picture(buffer, info, |picture| {
                done = Some(work.frame(stamp, &settings, make.as_ref(), Some(picture)));
            });
            match (seen, done) {
                (Ok(()), Some(done)) => done,
                _ => work.frame(stamp, &settings, make.as_ref(), None),
            }
        };
        *asked |= done.wanted.is_some();
        drop(stream);
        self.tell(done);
        match done.fate {
            Fate::Composed | Fate::Untouched => Ok(gst::FlowSuccess::Ok),
            Fate::HeldBack => Ok(gst_base::BASE_TRANSFORM_FLOW_DROPPED),
        }
    }
}

impl Blur {
    pub(super) fn set_segmenter(&self, make: Make) {
        *lock(&self.make) = Some(make);
        self.dismiss();
    }

    pub(super) fn set_picture(&self, size: (usize, usize), pixels: Vec<u8>) -> Result<(), StillError> {
        let expected = size.0.saturating_mul(size.1).saturating_mul(4);
        if pixels.len() != expected || expected == 0 {
            let (width, height) = size;
            return Err(StillError::Length { width, height, expected, actual: pixels.len() });
        }
        lock(&self.settings).picture = Some(Arc::new(Rgba { size, pixels }));
        Ok(())
    }

    fn dismiss(&self) {
        if let Some(work) = &mut lock(&self.stream).work {
            work.dismiss();
        }
    }

    /// How a segmenter is made.
    fn maker(&self, settings: &Settings) -> Option<Make> {
        if let Some(make) = &*lock(&self.make) {
            return Some(make.clone());
        }
        let model = settings.model.clone()?;
        Some(Arc::new(move || crate::model::open(&model)))
    }

    fn read_image(&self, path: Option<String>) {
        let picture = match path.as_deref().map(image::read) {
            Some(Ok(picture)) => Some(Arc::new(picture)),
            Some(Err(error)) => {
                gst::element_imp_warning!(self, gst::ResourceError::OpenRead, ["{error}"]);
                None
            }
            None => None,
        };
        lock(&self.settings).picture = picture;
    }

    fn state(&self) -> &'static str {
        match lock(&self.stream).work.as_ref().and_then(Work::seen) {
            Some(Seen::Clear) => "clear",
            Some(Seen::Off) => "off",
            Some(Seen::Covered(reason)) => reason.as_str(),
            None => crate::Reason::Starting.as_str(),
        }
    }

    fn counts(&self) -> gst::Structure {
        let stream = lock(&self.stream);
        let counts = stream.work.as_ref().map(|work| work.counts).unwrap_or_default();
        let measures = stream.work.as_ref().map(Work::measures);
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        gst::Structure::builder("counts")
            .field("composed", counts.composed)
            .field("untouched", counts.untouched)
            .field("held-back", counts.held_back)
            .field("masks", counts.masks)
            .field("frame-cost", micros(counts.frame_cost))
            .field("mask-cost", micros(counts.mask_cost))
            .field("cadence", measures.map_or(0, |measures| measures.cadence))
            .field("coarse", measures.is_some_and(|measures| measures.coarse))
            .build()
    }

    /// Says what has changed, with no lock held: whoever listens may set properties.
    fn tell(&self, done: Done) {
        let element = self.obj();
        let post = |structure: gst::Structure| {
            let message = gst::message::Element::builder(structure).src(&*element).build();
            let _without_a_bus_nobody_listens = element.post_message(message);
        };
        if let Some(seen) = done.said {
            let message = gst::Structure::builder(MESSAGE);
            post(match seen {
                Seen::Clear => message.field("state", "clear").build(),
                Seen::Off => message.field("state", "off").build(),
                Seen::Covered(reason) => message.field("state", "covered").field("reason", reason.as_str()).build(),
            });
            element.notify("state");
        }
        if let Some(size) = done.wanted {
            let lines = match size {
                Size::Full => gst::Fraction::new(1, 1),
                Size::TwoThirds => gst::Fraction::new(2, 3),
                Size::Half => gst::Fraction::new(1, 2),
            };
            post(gst::Structure::builder(SIZE_MESSAGE).field("lines", lines).build());
        }
    }
}
