//! What others are told: media, the screen, the phones, the person at the terminal; each only what has changed.

use std::time::Instant;

use subrosa_messages::Capture;
use subrosa_messages::media::{Background, RoomToMedia, Size};

use super::Desk;
use crate::meeting::hosted::Event;
use crate::remote::chair;
use crate::shell::artist::{CardCommission, Commission};

impl Desk {
    /// Brings what others have been told in line with what is true now.
    pub(super) fn settle(&mut self, now: Instant) {
        let facts = self.known.facts();
        if facts != self.facts {
            self.facts = facts;
            self.step(now, Event::Facts(facts));
        }
        if self.hosted.has_guests() {
            self.elsewhere.guests();
        }
        if !self.may_pair() {
            self.phones.covered(now);
        }
        for (capture, live) in Capture::ALL.into_iter().zip([facts.camera_live, facts.microphone_live]) {
            self.chair.step(now, chair::Event::Live(capture, live));
        }
        let meeting = self.chair_view();
        self.phones.tell(self.hosted.has_guests(), meeting.as_ref(), &self.elsewhere);
        self.configure(now);
        let want = self.hosted.count() > 0 || self.elsewhere.is_connected();
        let play = if self.elsewhere.is_on() { self.elsewhere.heard() } else { self.hosted.heard() };
        if let Some(media) = self.media.as_ref().filter(|_| self.told.configuration.is_some()) {
            // Before the camera is wanted: nothing of it is sent until media knows what is to be hidden.
            if let Some((hide, size, picture)) = self.hide()
                && self.told.hide != Some(hide)
            {
                media.say(&RoomToMedia::Hide { background: hide, size }, picture);
                self.told.hide = Some(hide);
            }
            if self.told.want != Some(want) {
                media.say(&RoomToMedia::Want { camera: want, microphone: want }, &[]);
                self.told.want = Some(want);
            }
            let volume = self.chair.volume();
            if self.told.volume.unwrap_or(100) != volume {
                media.say(&RoomToMedia::Volume { percent: volume }, &[]);
                self.told.volume = Some(volume);
            }
            if self.told.play.as_ref() != Some(&play) {
                media.say(&RoomToMedia::Play { tracks: play.clone() }, &[]);
                self.told.play = Some(play);
            }
        }
        self.commission(now);
        self.announce();
    }

    /// What is to be sent in place of what stands behind people. A picture that cannot be read is replaced by the
    /// colour, which hides no less.
    fn hide(&self) -> Option<(Background, Size, &[u8])> {
        const NONE: Size = Size { width: 0, height: 0 };
        match (self.configuration.blur.background(), &self.behind) {
            // A phone may hide more than the configuration, never less.
            (Background::AsItIs, _) if self.chair.hides() => Some((Background::Strong, NONE, &[])),
            (Background::Picture, None) => None,
            (Background::Picture, Some(Ok(picture))) => Some((Background::Picture, picture.size, &picture.rgba)),
            (Background::Picture, Some(Err(_))) => Some((self.configuration.blur.plain(), NONE, &[])),
            (
                background @ (Background::AsItIs | Background::Light | Background::Strong | Background::Colour { .. }),
                _,
            ) => Some((background, NONE, &[])),
        }
    }

    fn commission(&mut self, now: Instant) {
        let mut view = self.known.view(&self.configuration, &self.hosted, now);
        if let Some(phase) = self.elsewhere.phase(self.hosted.has_guests()) {
            view.phase = phase;
        }
        view.asked = self.chair.asked();
        view.remote = self.phones.view(self.known.link(&self.configuration).as_deref());
        let commission = Commission {
            view,
            card: CardCommission {
                language: self.configuration.room.language,
                reason: self.known.card_reason(),
                size: self.configuration.media.picture,
            },
        };
        if self.commissioned.as_ref() != Some(&commission) {
            let _without_fonts_nobody_draws = self.outlets.artist.send(commission.clone());
            self.commissioned = Some(commission);
        }
    }

    /// Hands media the card.
    pub(super) fn hand_card(&self) {
        if let (Some(media), Some(card), Some(_)) = (&self.media, &self.card, &self.told.configuration) {
            media.say(&RoomToMedia::Card { size: card.size }, &card.bytes);
        }
    }

    /// Hands media the screen.
    pub(super) fn hand_screen(&self) {
        if let (Some(media), Some((pictures, overlay)), Some(_)) = (&self.media, &self.screen, &self.told.configuration)
        {
            media.say(&RoomToMedia::Show { pictures: pictures.clone() }, &[]);
            media.say(&RoomToMedia::Overlay { size: overlay.size }, &overlay.bytes);
        }
    }

    fn announce(&mut self) {
        let invitation = self.known.invitation(&self.configuration, &self.hosted);
        let fingerprint = self.known.certificate.as_ref().map(|certificate| certificate.fingerprint.clone());
        match (invitation, fingerprint) {
            (Some(invitation), Some(fingerprint)) => {
                let news = Some((invitation, fingerprint));
                if self.announced != news
                    && let Some((invitation, fingerprint)) = &news
                    && !invitation.link.reveal().is_empty()
                {
                    self.outlets.terminal.invite(invitation, fingerprint);
                    self.announced = news;
                }
            }
            // On the way into a meeting elsewhere it is not asleep.
            (None, _) => {
                if !self.elsewhere.is_on() && self.announced.take().is_some() {
                    self.outlets.terminal.asleep();
                }
            }
            (Some(_), None) => {}
        }
        let code = self.announced.as_ref().and(self.phones.view(self.known.link(&self.configuration).as_deref()).code);
        if self.announced_code != code {
            if let Some(code) = &code {
                self.outlets.terminal.pair(code);
            }
            self.announced_code = code;
        }
    }
}
