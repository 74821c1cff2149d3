//! The m-lines of a link as webrtcbin's transceivers.
//!
//! Mids, SSRCs, payload types and extensions are all said explicitly before a description. A line that is there stays; what
//! it sends is switched in front of its payloader. Pads of sending lines have caps from the start, so that an answer names
//! their SSRCs before a packet was sent.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;
use gstreamer_webrtc as gst_webrtc;
use gstreamer_webrtc::WebRTCRTPTransceiverDirection as Direction;
use subrosa_messages::media::{self, Codec, Kind, LinkFault, Mid};

use super::WebRtc;
use super::shared::{fault, locked};
use crate::link::caps::Carriage;
use crate::link::line::Sending;
use crate::link::sdp::{Offered, Way};
use crate::link::streams::Described;

impl WebRtc {
    /// The offering side's lines, as they were planned.
    pub(super) fn add_planned(&mut self) -> Result<(), LinkFault> {
        for (index, line) in self.plan.lines.clone().into_iter().enumerate() {
            let carriage = Carriage::ours(line.codec);
            let mut preferences = carriage.preferences(&line.mid.0);
            if let Some(other) = line.or {
                preferences.make_mut().append(Carriage::ours(other).alternative());
            }
            match line.direction {
                media::Direction::Send => {
                    self.add_sending(index, &line.mid, &carriage, &preferences, Direction::Sendonly)?;
                }
                media::Direction::Receive => {
                    self.add_receiving(line.codec, &preferences);
                }
            }
            self.remember(index, &line.mid, line.codec);
        }
        self.expect(&[]);
        Ok(())
    }

    /// The offering side's lines that receive, and what the answer says of their streams. On a slot only what is named comes: who was on it
    /// before may still be on the way.
    pub(super) fn expect(&self, named: &[(Mid, Vec<u32>)]) {
        let received = self.plan.lines.iter().filter(|line| line.direction == media::Direction::Receive);
        let described = received.map(|line| {
            let ssrcs = named.iter().find(|(mid, _)| *mid == line.mid).map(|(_, ssrcs)| ssrcs.clone());
            Described { mid: line.mid.clone(), codec: line.codec, or: line.or, ssrcs: ssrcs.unwrap_or_default() }
        });
        self.shared.described(self.link, described.collect(), self.has_slots(), None);
    }

    /// Lines that have come with the peer's newest offer.
    pub(super) fn add_offered(&mut self, lines: &[Offered]) -> Result<(), LinkFault> {
        for line in lines {
            let carriage = Carriage::theirs(line);
            let preferences = carriage.match_for(&line.mid.0);
            match line.way {
                Way::Send => self.add_sending(line.index, &line.mid, &carriage, &preferences, Direction::Sendonly)?,
                Way::Both => self.add_sending(line.index, &line.mid, &carriage, &preferences, Direction::Sendrecv)?,
                Way::Receive => self.add_receiving(line.codec, &preferences),
            }
            self.remember(line.index, &line.mid, line.codec);
        }
        for (mid, feed) in std::mem::take(&mut self.feeds) {
            self.feed(&mid, Some(&feed));
        }
        Ok(())
    }

    /// A line on which something is received in another codec from now on.
    pub(super) fn change_offered(&self, line: &Offered) {
        let preferences = Carriage::theirs(line).match_for(&line.mid.0);
        let place = i32::try_from(line.index).unwrap_or(i32::MAX);
        let transceivers = (0..).map_while(|at: i32| {
            self.webrtcbin.emit_by_name::<Option<gst_webrtc::WebRTCRTPTransceiver>>("get-transceiver", &[&at])
        });
        for transceiver in transceivers {
            let by_mid = transceiver.mid().is_some_and(|mid| mid.as_str() == line.mid.0);
            if by_mid || (transceiver.mid().is_none() && i32::try_from(transceiver.mlineindex()) == Ok(place)) {
                transceiver.set_codec_preferences(Some(&preferences));
            }
        }
        for known in locked(&self.shared.receivers).lines.iter_mut().filter(|known| known.1 == line.mid) {
            known.2 = line.codec;
        }
    }

    fn remember(&self, index: usize, mid: &Mid, codec: Codec) {
        locked(&self.shared.receivers).lines.push((index, mid.clone(), codec));
    }

    fn add_sending(
        &mut self,
        index: usize,
        mid: &Mid,
        carriage: &Carriage,
        preferences: &gst::Caps,
        direction: Direction,
    ) -> Result<(), LinkFault> {
        let ssrc = glib::random_int().max(1);
        let (sending, last) = Sending::build(&self.pipeline, mid, carriage, ssrc).map_err(fault)?;
        let template = self.webrtcbin.pad_template("sink_%u").ok_or(LinkFault::Pipeline)?;
        let caps = carriage.stream(ssrc);
        let pad = self
            .webrtcbin
            .request_pad(&template, Some(&format!("sink_{index}")), Some(&caps))
            .ok_or(LinkFault::Pipeline)?;
        if pad.find_property("msid").is_some() {
            // One stream for sound and picture: browsers keep them together.
            pad.set_property("msid", "room");
        }
        let transceiver = pad.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
        transceiver.set_direction(direction);
        transceiver.set_codec_preferences(Some(preferences));
        transceiver.set_property("do-nack", carriage.codec.kind() == Kind::Video);
        last.static_pad("src").ok_or(LinkFault::Pipeline)?.link(&pad).map_err(|_| LinkFault::Pipeline)?;
        sending.start().map_err(fault)?;
        self.sending.push(sending);
        Ok(())
    }

    fn add_receiving(&self, codec: Codec, preferences: &gst::Caps) {
        let transceiver = self
            .webrtcbin
            .emit_by_name::<gst_webrtc::WebRTCRTPTransceiver>("add-transceiver", &[&Direction::Recvonly, preferences]);
        transceiver.set_property("do-nack", codec.kind() == Kind::Video);
    }
}
