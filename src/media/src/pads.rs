//! What is done on pads in several places.

use std::sync::{Mutex, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;

/// From this pad on the PTS of a buffer *is* its running time, and the segment says so.
///
/// Some elements shift their times (x264enc puts them a thousand hours ahead and moves the segment with them), and
/// where several streams share a session the segment of one is not that of the other. [`crate::cut`] compares
/// times at the last pad of all, so they must mean one thing everywhere.
pub fn plain_time(pad: &gst::Pad) {
    let segment = Mutex::new(gst::FormattedSegment::<gst::ClockTime>::new());
    let mask = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    pad.add_probe(mask, move |_pad, info| {
        match &mut info.data {
            Some(gst::PadProbeData::Event(event)) => {
                if let gst::EventView::Segment(seen) = event.view()
                    && let Some(time) = seen.segment().downcast_ref::<gst::ClockTime>()
                {
                    *segment.lock().unwrap_or_else(PoisonError::into_inner) = time.clone();
                    let plain = gst::FormattedSegment::<gst::ClockTime>::new();
                    *event = gst::event::Segment::builder(&plain).seqnum(event.seqnum()).build();
                }
            }
            Some(gst::PadProbeData::Buffer(buffer)) => {
                let segment = segment.lock().unwrap_or_else(PoisonError::into_inner);
                set_running_time(&segment, buffer.make_mut());
            }
            Some(gst::PadProbeData::BufferList(list)) => {
                let segment = segment.lock().unwrap_or_else(PoisonError::into_inner);
                let plain: gst::BufferList = list
                    .iter_owned()
                    .map(|mut buffer| {
                        set_running_time(&segment, buffer.make_mut());
                        buffer
                    })
                    .collect();
                *list = plain;
            }
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
}

fn set_running_time(segment: &gst::FormattedSegment<gst::ClockTime>, buffer: &mut gst::BufferRef) {
    let running_time = segment.to_running_time(buffer.pts());
    buffer.set_pts(running_time);
    buffer.set_dts(gst::ClockTime::NONE);
}

/// Lets only those buffers through that `passes` says yes to, one by one also where they come as a list.
pub fn filter(pad: &gst::Pad, passes: impl Fn(&gst::BufferRef) -> bool + Send + Sync + 'static) {
    // `Handled`, not `Drop`: the binding has taken the buffer, and GStreamer would unreference nothing.
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_pad, info| match &mut info.data {
        Some(gst::PadProbeData::Buffer(buffer)) if !passes(buffer) => gst::PadProbeReturn::Handled,
        Some(gst::PadProbeData::BufferList(list)) if !list.iter().all(&passes) => {
            let left: gst::BufferList = list.iter_owned().filter(|buffer| passes(buffer)).collect();
            if left.is_empty() {
                return gst::PadProbeReturn::Handled;
            }
            *list = left;
            gst::PadProbeReturn::Ok
        }
        _ => gst::PadProbeReturn::Ok,
    });
}

/// Whoever asks this sink pad what it takes is told: anything.
///
/// Before each answer webrtcbin asks what stands behind the pads of a line, and gives the line up where that is not its
/// own codec. Streams do not always come out on their own line's pad (see [`crate::link::streams`]).
pub fn takes_anything(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, |_, info| {
        if let Some(query) = info.query_mut()
            && let gst::QueryViewMut::Caps(asked) = query.view_mut()
        {
            let caps = asked.filter_owned().unwrap_or_else(gst::Caps::new_any);
            asked.set_result(&caps);
            return gst::PadProbeReturn::Handled;
        }
        gst::PadProbeReturn::Ok
    });
}

/// The number of buffers that a probe holds.
pub fn count(info: &gst::PadProbeInfo<'_>) -> u64 {
    match &info.data {
        Some(gst::PadProbeData::Buffer(_)) => 1,
        Some(gst::PadProbeData::BufferList(list)) => list.len() as u64,
        _ => 0,
    }
}

/// Sets a property from text, as `gst-launch-1.0` does.
///
/// # Errors
/// When the element has no such property or the text is no value of it.
pub fn set(element: &gst::Element, name: &str, value: &str) -> Result<(), gst::glib::BoolError> {
    let Some(property) = element.find_property(name) else {
        return Err(gst::glib::bool_error!("no such property"));
    };
    let value = gst::glib::Value::deserialize_with_pspec(value, &property)?;
    element.set_property(name, &value);
    Ok(())
}
