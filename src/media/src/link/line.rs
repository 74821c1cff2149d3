//! The two ends of an m-line inside the pipeline of a link: frames → packets, and packets → frames.

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_rtp as gst_rtp;
use gstreamer_rtp::prelude::*;
use gstreamer_utils::streamproducer::{ConsumerSettings, ProducerSettings};
use gstreamer_utils::{ConsumptionLink, StreamProducer};
use subrosa_messages::media::{Codec, Kind, Mid};

use super::Feed;
use super::caps::Carriage;
use super::request;
use crate::encode::encoding::encoded_caps;
use crate::inbound::Meter;
use crate::pads;

/// The largest RTP packet: leaves room for SRTP, extensions and a relay's header in 1280 bytes.
const MTU: u32 = 1200;

/// A line that sends.
pub struct Sending {
    /// Its name.
    pub mid: Mid,
    /// What it carries.
    pub codec: Codec,
    consumption: ConsumptionLink,
    source: gst_app::AppSrc,
    elements: [gst::Element; 4],
    has_feed: bool,
    flows: bool,
    released: bool,
    paused: bool,
}

/// So far ahead of its time what is to be sent may be. Webrtcbin sends nothing before its time, and what comes from a guest over a bad line is
/// stamped later than it comes: after a packet that is lost, several hundred milliseconds come at once. What no longer fits is thrown away.
const AHEAD: gst::ClockTime = gst::ClockTime::from_seconds(1);

impl Sending {
    /// Builds appsrc, payloader and caps, all in the pipeline; the result's second part is to be linked to
    /// webrtcbin.
    ///
    /// # Errors
    /// When an element is missing.
    pub fn build(
        pipeline: &gst::Pipeline,
        mid: &Mid,
        carriage: &Carriage,
        ssrc: u32,
    ) -> Result<(Self, gst::Element), gst::glib::BoolError> {
        let codec = carriage.codec;
        let source = gst_app::AppSrc::builder().caps(&encoded_caps(codec)).format(gst::Format::Time).build();
        let consumption = ConsumptionLink::disconnected_with(
            source.clone(),
            ConsumerSettings { max_time: AHEAD, ..ConsumerSettings::default() },
        );
        // Nothing flows before the peer is verified.
        consumption.set_discard(true);
        if codec.kind() == Kind::Audio {
            consumption.set_wait_for_keyframe(false);
        }
        let payloader = payloader(carriage, ssrc)?;
        // The payloader's own caps change with what the encoder says of itself (x264 writes 42c01f); the line's do
        // not: it was negotiated once.
        let caps = carriage.stream(ssrc);
        let setter = gst::ElementFactory::make("capssetter").build()?;
        setter.set_property("join", false);
        setter.set_property("replace", true);
        setter.set_property("caps", &caps);
        let filter = gst::ElementFactory::make("capsfilter").build()?;
        filter.set_property("caps", &caps);
        if codec.kind() == Kind::Video {
            request::whole_or_nothing(&source);
        }
        let elements = [source.clone().upcast(), payloader, setter, filter.clone()];
        pipeline.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        let mid = mid.clone();
        let sending = Sending {
            mid,
            codec,
            consumption,
            source,
            elements,
            has_feed: false,
            flows: false,
            released: false,
            paused: false,
        };
        Ok((sending, filter))
    }

    /// Goes along with a pipeline that runs already.
    ///
    /// # Errors
    /// When an element does not start.
    pub fn start(&self) -> Result<(), gst::glib::BoolError> {
        self.elements.iter().rev().try_for_each(gst::Element::sync_state_with_parent)
    }

    /// The peer does not tell which packets of this line arrive: they bear no number for it, since each would be taken for lost. The
    /// line's caps go on naming the extension ([`super::caps`]).
    pub fn number_nothing(&self) {
        let [_, payloader, ..] = &self.elements;
        // Else it puts back what its caps name.
        payloader.set_property("auto-header-extension", false);
        payloader.emit_by_name::<()>("clear-extensions", &[]);
    }

    /// Takes its frames from here from now on. The stream goes on as one: packets are numbered and timed behind this.
    pub fn feed(&mut self, feed: Option<&Feed>) {
        self.has_feed = match feed {
            Some(feed) if self.consumption.stream_producer() == Some(&feed.producer) => true,
            Some(feed) => {
                self.flows = false;
                self.wake();
                self.consumption.change_producer(&feed.producer, false).is_ok()
            }
            None => {
                self.consumption.disconnect();
                false
            }
        };
        self.settle();
        if !self.has_feed {
            self.rest();
        }
    }

    /// Webrtcbin knows what it carries, and describes it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        let pad = self.elements.last().and_then(|last| last.static_pad("src")).and_then(|pad| pad.peer());
        pad.is_some_and(|pad| pad.has_current_caps())
    }

    /// Ends the thread of a line that has nothing to send.
    pub fn rest(&self) {
        if !self.has_feed && self.is_known() && !self.source.is_locked_state() {
            self.source.set_locked_state(true);
            let _stopped = self.source.set_state(gst::State::Null);
        }
    }

    fn wake(&self) {
        if self.source.is_locked_state() {
            self.source.set_locked_state(false);
            let _runs = self.source.sync_state_with_parent();
        }
    }

    /// The peer is verified.
    pub fn release(&mut self) {
        self.released = true;
        self.settle();
    }

    /// Holds it back, or lets it go again.
    pub fn pause(&mut self, paused: bool) {
        self.paused = paused;
        self.settle();
    }

    fn settle(&mut self) {
        let flows = self.released && self.has_feed && !self.paused;
        self.consumption.set_discard(!flows);
        if !std::mem::replace(&mut self.flows, flows)
            && flows
            && self.codec.kind() == Kind::Video
            && let Some(producer) = self.consumption.stream_producer()
        {
            request::ask(producer);
        }
    }
}

fn payloader(carriage: &Carriage, ssrc: u32) -> Result<gst::Element, gst::glib::BoolError> {
    let payloader = match carriage.codec {
        Codec::H264 => gst::ElementFactory::make("rtph264pay")
            .property_from_str("aggregate-mode", "zero-latency")
            // Encoders put SPS and PPS in front of each key frame (their trial checks it). The payloader would put them
            // in front of each *slice*, which cuts a picture of several slices in two.
            .property("config-interval", 0_i32)
            .build()?,
        Codec::Vp8 => gst::ElementFactory::make("rtpvp8pay").property_from_str("picture-id-mode", "15-bit").build()?,
        Codec::Opus => gst::ElementFactory::make("rtpopuspay").build()?,
    };
    payloader.set_property("pt", u32::from(carriage.payload_type));
    payloader.set_property("ssrc", ssrc);
    payloader.set_property("mtu", MTU);
    // RTP time from running time, so that sound and picture stay together across gaps.
    payloader.set_property("perfect-rtptime", false);
    for (id, uri) in carriage.extensions() {
        let extension = gst_rtp::RTPHeaderExtension::create_from_uri(uri)
            .ok_or_else(|| gst::glib::bool_error!("GStreamer lacks a header extension that was offered"))?;
        extension.set_id(u32::from(id));
        payloader.emit_by_name::<()>("add-extension", &[&extension]);
    }
    Ok(payloader)
}

/// What stands behind a pad of webrtcbin.
#[derive(Debug)]
pub struct Receiving {
    /// The frames that come out.
    pub producer: StreamProducer,
    /// How much comes out.
    pub meter: Meter,
}

impl Receiving {
    /// Puts a depayloader behind a pad of webrtcbin. Packets pass while `passes` says so.
    ///
    /// # Errors
    /// When an element is missing or does not link.
    pub fn build(
        pipeline: &gst::Pipeline,
        pad: &gst::Pad,
        codec: Codec,
        passes: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Result<Self, gst::glib::BoolError> {
        let make = |name: &str| gst::ElementFactory::make(name).build();
        let mut elements = Vec::new();
        match codec {
            Codec::Opus => elements.push(make("rtpopusdepay")?),
            Codec::Vp8 | Codec::H264 => {
                let depayloader = make(if codec == Codec::Vp8 { "rtpvp8depay" } else { "rtph264depay" })?;
                depayloader.set_property("request-keyframe", true);
                depayloader.set_property("wait-for-keyframe", true);
                elements.push(depayloader);
                if codec == Codec::H264 {
                    let parse = make("h264parse")?;
                    let filter = make("capsfilter")?;
                    filter.set_property("caps", encoded_caps(codec));
                    elements.extend([parse, filter]);
                }
            }
        }
        let sink = gst_app::AppSink::builder().sync(false).build();
        elements.push(sink.clone().upcast());
        pipeline.add_many(&elements)?;
        gst::Element::link_many(&elements)?;
        let no_pad = || gst::glib::bool_error!("an element without its pad");
        let last = sink.static_pad("sink").ok_or_else(no_pad)?;
        pads::plain_time(&last);
        if codec == Codec::H264 {
            mark_key_frames(&last);
        }
        let meter = Meter::default();
        let counts = meter.clone();
        last.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
            counts.count(info.buffer().map_or(0, |frame| frame.size()));
            gst::PadProbeReturn::Ok
        });
        let producer = StreamProducer::with(&sink, ProducerSettings { sync: false });
        for element in elements.iter().rev() {
            element.sync_state_with_parent()?;
        }
        let first = elements.first().and_then(|element| element.static_pad("sink")).ok_or_else(no_pad)?;
        pads::takes_anything(&first);
        pads::filter(&first, move |_| passes());
        if codec.kind() == Kind::Video {
            request::throttle(&first, &last);
        }
        pad.link(&first).map_err(|_| gst::glib::bool_error!("a stream that its depayloader does not take"))?;
        Ok(Receiving { producer, meter })
    }
}

/// Says of every H.264 access unit whether one can start from it. `h264parse` says so of any intra picture, also of
/// those that refer to nothing but carry no headers; only an IDR picture is a start.
fn mark_key_frames(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        if let Some(buffer) = info.buffer_mut() {
            let starts = buffer.map_readable().is_ok_and(|bytes| has_idr(&bytes));
            if !starts {
                buffer.make_mut().set_flags(gst::BufferFlags::DELTA_UNIT);
            }
        }
        gst::PadProbeReturn::Ok
    });
}

/// Whether an access unit of a byte stream holds an IDR slice (ITU-T H.264, 7.4.1.2.4).
fn has_idr(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|window| matches!(window, [0, 0, 1, header] if header & 0x1f == 5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intra_picture_that_is_no_idr_is_no_start() {
        assert!(has_idr(&[0, 0, 0, 1, 0x67, 66, 0, 0, 0, 1, 0x65, 9]));
        assert!(!has_idr(&[0, 0, 0, 1, 0x61, 9, 9]));
        assert!(!has_idr(&[]));
    }
}
