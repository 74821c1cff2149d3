//! Session descriptions in and out of webrtcbin.

use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_sdp as gst_sdp;
use gstreamer_webrtc as gst_webrtc;
use subrosa_messages::media::{Codec, DescriptionKind, Line, LinkFault};

use super::WebRtc;
use crate::link::TransportEvent;
use crate::link::line::Sending;
use crate::link::sdp::{self, Next, Offered, Way};
use crate::link::streams::Described;

/// Candidates of this device are there at once; those of a relay take a few round trips.
const GATHERING: Duration = Duration::from_millis(1500);
const GATHERING_WITH_RELAY: Duration = Duration::from_secs(6);
/// Caps of our own lines are there as soon as their threads have run.
const LINES: Duration = Duration::from_millis(500);

impl WebRtc {
    pub(super) fn set_description(
        &self,
        side: &str,
        kind: gst_webrtc::WebRTCSDPType,
        sdp: &str,
    ) -> Result<(), LinkFault> {
        let message = gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).map_err(|_| LinkFault::Description)?;
        let description = gst_webrtc::WebRTCSessionDescription::new(kind, message);
        let promise = gst::Promise::new();
        self.webrtcbin.emit_by_name::<()>(side, &[&description, &promise]);
        answered(&promise).map(drop)
    }

    /// Makes a description, sets it, waits for the candidates: the text that goes to the peer.
    pub(super) fn describe(&mut self, what: DescriptionKind, lines: &[Offered]) -> Result<String, LinkFault> {
        let (signal, field, kind) = match what {
            DescriptionKind::Offer => ("create-offer", "offer", gst_webrtc::WebRTCSDPType::Offer),
            DescriptionKind::Answer => ("create-answer", "answer", gst_webrtc::WebRTCSDPType::Answer),
        };
        self.wait_for_lines();
        let promise = gst::Promise::new();
        self.webrtcbin.emit_by_name::<()>(signal, &[&None::<gst::Structure>, &promise]);
        let reply = answered(&promise)?.ok_or(LinkFault::Description)?;
        let made = reply.get::<gst_webrtc::WebRTCSessionDescription>(field).map_err(|_| LinkFault::Description)?;
        let text = made.sdp().as_text().map_err(|_| LinkFault::Description)?;
        let repairs = self.pin.learn(&text);
        // Which SSRC is which line's is known before a packet can leave.
        self.shared.gate.learn(sdp::ssrcs(&sdp::answer(&text, lines, &repairs)));
        self.set_description("set-local-description", kind, &text)?;
        if what == DescriptionKind::Answer {
            self.pin.heed(&self.webrtcbin);
        }
        self.wait_for_candidates();
        let text = self.local_description()?;
        // webrtcbin writes them into its first description only.
        if !text.contains("a=candidate:") && self.offers.is_empty() {
            tracing::warn!("a link has no address or port to listen on: see `[network]` in subrosa.toml");
            return Err(LinkFault::Path);
        }
        Ok(sdp::answer(&text, lines, &repairs))
    }

    fn local_description(&self) -> Result<String, LinkFault> {
        let local = self.webrtcbin.property::<Option<gst_webrtc::WebRTCSessionDescription>>("local-description");
        local.ok_or(LinkFault::Description)?.sdp().as_text().map_err(|_| LinkFault::Description)
    }

    /// A line whose caps have not come to webrtcbin yet is described without its SSRC, and then nobody lets it pass.
    fn wait_for_lines(&self) {
        let until = Instant::now() + LINES;
        // The payloader of H.264 says nothing before its first picture.
        let unknown = |line: &&Sending| line.codec != Codec::H264 && !line.is_known();
        while let Some(line) = self.sending.iter().find(unknown) {
            if Instant::now() >= until {
                tracing::warn!("the line {} is described before it is ready", line.mid.0);
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// All of them, so that nothing has to be sent after the description. A peer that has said where it is needs none: our
    /// checks tell it where we are (RFC 8445, section 7.3.1.3), so one is enough to know that there is a port.
    fn wait_for_candidates(&self) {
        let with_relay = self.plan.network.turn.is_some();
        let at_most = if with_relay { GATHERING_WITH_RELAY } else { GATHERING };
        let peer_is_known = self.peer_is_known;
        self.shared.wait_for_candidates(at_most, || {
            peer_is_known && self.local_description().is_ok_and(|text| text.contains("a=candidate:"))
        });
    }

    /// Takes an offer: the first, or one that continues those before it. One that cannot be taken changes nothing while
    /// there are others.
    pub(super) fn take_offer(&mut self, sdp: &str) -> Result<Option<String>, LinkFault> {
        let next = match self.offers.next(sdp) {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!("{error}");
                return if self.offers.is_empty() { Err(LinkFault::Description) } else { Ok(None) };
            }
        };
        let is_first = self.offers.is_empty();
        if is_first {
            self.shared.expect(sdp::fingerprints(sdp));
            self.shared.measures(sdp::tells_arrivals(sdp));
        }
        self.peer_is_known = sdp.contains("a=candidate:");
        next.changed.iter().filter_map(|at| next.lines.get(*at)).for_each(|line| self.change_offered(line));
        self.add_offered(next.lines.get(next.new_from..).unwrap_or_default())?;
        // From here on there is no way back: webrtcbin 1.22 cannot take an offer back.
        self.set_description("set-remote-description", gst_webrtc::WebRTCSDPType::Offer, &next.seen)?;
        let answer = self.describe(DescriptionKind::Answer, &next.lines)?;
        let with_channel = next.seen.lines().any(|line| line.starts_with("m=application "));
        if with_channel {
            self.open_channels()?;
        }
        self.heed(&next);
        self.offers.taken(next);
        Ok(Some(answer))
    }

    /// What the peer sends from now on.
    fn heed(&self, next: &Next) {
        let received = |line: &&Offered| line.way == Way::Receive;
        let lines = next.lines.iter().filter(received).filter(|line| line.open);
        let repaired = lines.clone().filter(|line| line.repairs).flat_map(|line| line.ssrcs.iter().copied()).collect();
        let described: Vec<Described> = lines
            .map(|line| Described { mid: line.mid.clone(), codec: line.codec, or: None, ssrcs: line.ssrcs.clone() })
            .collect();
        let repaired = next.names_ssrcs.then_some(repaired);
        self.shared.described(self.link, described, next.names_ssrcs, repaired);
        let taken = next.lines.iter().map(|line| Line::new(&line.mid.0, line.codec, line.way.direction()));
        (self.shared.tell)(TransportEvent::Lines(taken.collect()));
    }
}

/// The reply to a promise; webrtcbin puts an error into it where there is one.
fn answered(promise: &gst::Promise) -> Result<Option<gst::Structure>, LinkFault> {
    match promise.wait() {
        gst::PromiseResult::Replied => {
            let reply = promise.get_reply().map(gst::StructureRef::to_owned);
            match reply {
                Some(reply) if reply.has_field("error") => Err(LinkFault::Description),
                reply => Ok(reply),
            }
        }
        _ => Err(LinkFault::Description),
    }
}
