//! What the guard says, and what it means for camera and microphone.

use std::time::Instant;

use subrosa_messages::Capture;
use subrosa_messages::media::CaptureHealth;

use super::{Happening, Session};
use crate::captures;
use crate::guard::GuardEvent;
use crate::permit::Permit;
use crate::reveal;

impl Session {
    pub(super) fn guard_said(&mut self, event: GuardEvent) {
        match event {
            GuardEvent::Here => self.both(captures::Event::GuardHere),
            GuardEvent::Gone => {
                self.reveal(reveal::Event::Gone);
                self.both(captures::Event::GuardGone);
            }
            GuardEvent::Reveal(act) => self.reveal(reveal::Event::Pressed(act)),
            GuardEvent::MayAsk(capture, refusal) => self.capture(capture, captures::Event::MayAsk(refusal), None),
            GuardEvent::Refused(capture) => self.capture(capture, captures::Event::Refused, None),
            GuardEvent::Revoked(capture) => self.capture(capture, captures::Event::Revoked, None),
            GuardEvent::Granted(permit) => {
                self.capture(permit.capture(), captures::Event::Granted, Some(permit));
            }
        }
    }

    pub(super) fn reveal(&mut self, event: reveal::Event) {
        match self.reveal.step(Instant::now(), event) {
            Some(reveal::Change::Uncover { until }) => self.around.blur.uncover(until),
            Some(reveal::Change::Cover) => self.around.blur.cover(),
            None => {}
        }
    }

    fn both(&mut self, event: captures::Event) {
        self.capture(Capture::Camera, event, None);
        self.capture(Capture::Microphone, event, None);
    }

    pub(super) fn close_captures(&mut self) {
        self.around.cuts.close();
        if let Some(works) = &self.works {
            works.close_capture(Capture::Camera);
            works.close_capture(Capture::Microphone);
        }
    }

    pub(super) fn capture(&mut self, capture: Capture, event: captures::Event, mut permit: Option<Permit>) {
        let machine = match capture {
            Capture::Camera => &mut self.camera,
            Capture::Microphone => &mut self.microphone,
        };
        for action in machine.step(Instant::now(), event) {
            match action {
                captures::Action::Ask => self.around.words.ask(capture),
                captures::Action::Open => {
                    if let (Some(works), Some(permit)) = (&self.works, permit.take()) {
                        works.open_capture(permit);
                    } else {
                        // Nothing to open it with: the permit goes back by being dropped.
                        drop(self.around.inbox.send(Happening::Health(capture, CaptureHealth::Failed)));
                    }
                }
                captures::Action::GiveBack => drop(permit.take()),
                captures::Action::Close => {
                    self.around.cuts.of(capture).close();
                    if let Some(works) = &self.works {
                        works.close_capture(capture);
                    }
                }
            }
        }
        self.reveal(reveal::Event::Camera(self.camera.is_open()));
    }
}
