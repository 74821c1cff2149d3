//! The end of a link's DTLS elements.
//!
//! `dtlsdec` and `dtlsenc` leave their signal handlers with the connection that they share, and each timer of a handshake (OpenSSL's, a second long at
//! first) holds that connection too. When a timer lets go of it on the thread of the system's clock while an element goes on another thread, GLib finds a
//! handler that is gone already and aborts the process (`invalid_closure_notify`). GStreamer 1.30 disconnects the handlers:
//! <https://gitlab.freedesktop.org/gstreamer/gstreamer/-/merge_requests/11054>. Before it, the elements are to go where the timers go.

use gstreamer as gst;
use gstreamer::prelude::*;

/// So long after each other it is looked whether everybody else has let go.
const AGAIN: gst::ClockTime = gst::ClockTime::from_mseconds(10);
/// So often, two seconds: who still holds an element then does so for a reason.
const LOOKS: u32 = 200;

/// Stops a pipeline that is to go, with a webrtcbin in it: its DTLS elements go on the thread of the system's clock, a little later.
pub fn stop(pipeline: &gst::Pipeline) {
    let _stopped = pipeline.set_state(gst::State::Null);
    let is_dtls = |element: &gst::Element| matches!(element.type_().name(), "GstDtlsDec" | "GstDtlsEnc");
    let elements: Vec<gst::Element> = pipeline.iterate_recurse().into_iter().flatten().filter(is_dtls).collect();
    if !elements.is_empty() {
        hand_over(elements, LOOKS);
    }
}

/// Gives the elements to the clock's thread, to be dropped there when nobody else holds them.
fn hand_over(elements: Vec<gst::Element>, looks: u32) {
    let clock = gst::SystemClock::obtain();
    let soon = clock.new_single_shot_id(clock.time() + AGAIN);
    let _scheduled = soon.wait_async(move |_, _, _| {
        if looks > 0 && elements.iter().any(|element| element.ref_count() > 1) {
            hand_over(elements, looks - 1);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_elements_of_a_link_go_on_the_thread_of_the_clock() {
        gst::init().unwrap();
        let (sender, ends) = mpsc::channel();
        let clock = gst::SystemClock::obtain();
        let (timer, ticks) = mpsc::channel();
        let id = clock.new_single_shot_id(clock.time());
        id.wait_async(move |_, _, _| timer.send(thread::current().id()).unwrap()).unwrap();
        let of_the_clock = ticks.recv_timeout(Duration::from_secs(5)).unwrap();

        let pipeline = gst::Pipeline::new();
        let inner = gst::Bin::new();
        let [decoder, encoder] = ["dtlsdec", "dtlsenc"].map(|name| {
            gst::ElementFactory::make(name).property("connection-id", "the end of a link").build().unwrap()
        });
        for element in [&decoder, &encoder] {
            inner.add(element).unwrap();
            let sender = sender.clone();
            element.add_weak_ref_notify(move || sender.send(thread::current().id()).unwrap());
        }
        pipeline.add(&inner).unwrap();
        pipeline.set_state(gst::State::Ready).unwrap();
        drop((decoder, encoder));
        stop(&pipeline);
        // Somebody is late.
        thread::sleep(Duration::from_millis(50));
        assert!(ends.try_recv().is_err());
        drop((pipeline, inner));
        for _ in 0..2 {
            assert_eq!(ends.recv_timeout(Duration::from_secs(5)).unwrap(), of_the_clock);
        }
    }
}
