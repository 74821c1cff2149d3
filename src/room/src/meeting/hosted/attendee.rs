//! One guest: waiting or in, with at most one link.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::media::{DescriptionKind, Kind, LinkId, LinkState, Mid, RoomToMedia, TrackId};
use zeroize::Zeroizing;

use super::event::Action;
use super::link::{Arriving, Link, Sending, Step};
use super::standing::Standing;
use super::talk::Allowance;
use super::{lines, path};
use crate::meeting::guest::{Encryption, EndReason, GuestEvent, GuestId, RoomView, SessionKey};

/// Without a sign of life for so long a guest whose link is silent has gone.
pub const UNHEARD: Duration = Duration::from_secs(15);
/// A browser that does not listen for so long has gone.
pub const STREAM_GONE: Duration = Duration::from_secs(30);
/// A guest who is in and cannot be connected for so long is sent away.
pub const UNCONNECTED: Duration = Duration::from_secs(60);
/// A link that is silent for so long is made again while the browser still listens.
pub const REPLACE_SILENT: Duration = Duration::from_secs(5);
/// A link whose peer has answered and that is not connected after so long is made again; the next one gets twice the
/// time, up to [`LONGEST_PATIENCE`]. A path that works is found in a second; ICE itself gives up much later.
pub const PATIENCE: Duration = Duration::from_secs(6);
/// The longest time that a link gets to connect.
pub const LONGEST_PATIENCE: Duration = Duration::from_secs(24);
/// First wait before a failed link is made again; doubled up to [`LONGEST_RETRY`].
pub const FIRST_RETRY: Duration = Duration::from_millis(250);
/// Longest wait before a failed link is made again.
pub const LONGEST_RETRY: Duration = Duration::from_secs(8);

/// A guest of the meeting. What says who they are is wiped with it.
pub struct Attendee {
    pub id: GuestId,
    pub session: Zeroizing<String>,
    pub name: Zeroizing<String>,
    pub admitted: bool,
    /// What they are in the meeting.
    pub standing: Standing,
    /// How much they may still write.
    pub allowance: Allowance,
    /// Their browser decodes H.264.
    pub h264: bool,
    /// Slots of their link.
    slots: usize,
    /// Where the knock came from, if the operator's relay has to let it through.
    relayed: Option<IpAddr>,
    /// Since when nobody listens; `None`: somebody does.
    deaf: Option<Instant>,
    link: Option<Link>,
    failures: u32,
    retry: Option<Instant>,
    unconnected: Option<Instant>,
    unheard: Option<Instant>,
    was_connected: bool,
    told: Option<RoomView>,
    told_waiting: Option<Option<Zeroizing<String>>>,
}

/// Who knocks, and on what terms.
pub struct Knocking<'a> {
    pub id: GuestId,
    pub session: &'a SessionKey,
    pub name: &'a str,
    pub h264: bool,
    /// Where the knock came from, if the operator's relay has to let it through.
    pub relayed: Option<IpAddr>,
    /// Other guests that there can be.
    pub slots: usize,
}

impl Attendee {
    /// Somebody who has shown the right secret and does not listen yet.
    pub fn new(now: Instant, knocking: &Knocking<'_>) -> Self {
        Attendee {
            id: knocking.id,
            session: Zeroizing::new(knocking.session.0.reveal().clone()),
            name: Zeroizing::new(knocking.name.to_owned()),
            admitted: false,
            standing: Standing::default(),
            allowance: Allowance::new(now),
            h264: knocking.h264,
            slots: knocking.slots,
            relayed: knocking.relayed,
            deaf: Some(now),
            link: None,
            failures: 0,
            retry: None,
            unconnected: None,
            unheard: None,
            was_connected: false,
            told: None,
            told_waiting: None,
        }
    }

    /// The newest link, if there is one.
    pub fn link(&self) -> Option<LinkId> {
        self.link.as_ref().map(|link| link.id)
    }

    /// The link on which media flows.
    pub fn carrying(&self) -> Option<&Link> {
        self.link.as_ref().filter(|link| link.is_verified())
    }

    fn link_called(&mut self, id: LinkId) -> Option<&mut Link> {
        self.link.as_mut().filter(|link| link.id == id)
    }

    /// Tells their browser, if it listens.
    pub fn tell(&self, event: GuestEvent, out: &mut Vec<Action>) {
        if self.deaf.is_none() {
            out.push(Action::Tell(self.id, event));
        }
    }

    /// A browser listens: the same one again, after a reload, or another window.
    pub fn listens(&mut self, now: Instant, media: bool, out: &mut Vec<Action>) {
        if self.deaf.is_none() {
            out.push(Action::Tell(self.id, GuestEvent::Ended { reason: EndReason::Elsewhere }));
            out.push(Action::Detach(self.id));
        }
        out.push(Action::Attach(Some(self.id)));
        self.deaf = None;
        self.unheard = None;
        self.told = None;
        self.told_waiting = None;
        self.retry = None;
        self.standing.begins_anew();
        if self.admitted {
            self.unconnected = media.then_some(now);
            self.tell(GuestEvent::Admitted, out);
        }
        // The page that had the old offer is gone; a link that nobody has seen can still be used.
        if self.link.as_ref().is_some_and(|link| !matches!(link.step, Step::Opening | Step::Prepared(_))) {
            self.close_link(out);
        }
    }

    /// The newest stream broke off.
    pub fn stream_gone(&mut self, now: Instant) {
        self.deaf.get_or_insert(now);
    }

    /// The room lets them in.
    pub fn admit(&mut self, now: Instant, seat: usize, media: bool, out: &mut Vec<Action>) {
        self.admitted = true;
        self.standing.seat = Some(seat);
        self.unconnected = media.then_some(now);
        self.tell(GuestEvent::Admitted, out);
    }

    /// Media made our offer. It is told by [`Attendee::settle`].
    pub fn offered(&mut self, id: LinkId, sdp: Pii<String>) {
        if let Some(link) = self.link_called(id)
            && matches!(link.step, Step::Opening)
        {
            link.step = Step::Prepared(sdp);
        }
    }

    /// The browser answers; only the first answer to the newest offer counts.
    pub fn answered(&mut self, now: Instant, id: LinkId, sdp: Pii<String>, out: &mut Vec<Action>) {
        self.unheard = None;
        let patience = doubled(PATIENCE, self.failures, LONGEST_PATIENCE);
        let relayed = self.relayed;
        if !self.admitted {
            return;
        }
        if let Some(link) = self.link_called(id)
            && matches!(link.step, Step::Offered)
        {
            link.step = Step::Answered(now + patience);
            let sdp = match relayed {
                Some(address) => Pii::new(path::with_only(address, sdp.reveal())),
                None => Pii::new(path::without_addresses(sdp.reveal())),
            };
            let candidates = relayed.is_some();
            out.push(Action::Media(RoomToMedia::Description {
                link: id,
                kind: DescriptionKind::Answer,
                sdp,
                candidates,
            }));
        }
    }

    /// Media says how a link of theirs is.
    pub fn link_is(&mut self, now: Instant, id: LinkId, state: LinkState, out: &mut Vec<Action>) {
        let Some(link) = self.link_called(id) else { return };
        match state {
            LinkState::Connecting => {}
            LinkState::Verified => {
                if !matches!(link.step, Step::Answered(_) | Step::Verified) {
                    return;
                }
                let news = link.silent.take().is_some() || !matches!(link.step, Step::Verified);
                link.step = Step::Verified;
                self.failures = 0;
                self.unconnected = None;
                self.unheard = None;
                self.was_connected = true;
                if news && self.admitted {
                    self.tell(GuestEvent::Connected, out);
                }
            }
            LinkState::Silent => {
                link.silent.get_or_insert(now);
                self.unheard.get_or_insert(now);
            }
            LinkState::Failed(_) => self.replace_link(now, out),
            LinkState::Closed => {
                self.link = None;
                self.retry_later(now, out);
            }
        }
    }

    /// Media is gone: so is the link, and no clock runs against the guest until media is back.
    pub fn media_lost(&mut self, out: &mut Vec<Action>) {
        self.unconnected = None;
        self.unheard = None;
        self.retry = None;
        self.failures = 0;
        self.link = None;
        if self.admitted {
            self.tell(GuestEvent::Reconnecting, out);
        }
    }

    /// Media is back.
    pub fn media_ready(&mut self, now: Instant) {
        self.unconnected = self.admitted.then_some(now);
    }

    /// Something arrives on a line.
    pub fn track(&mut self, track: TrackId, kind: Kind) {
        if let Some(link) = self.link_called(track.link) {
            link.track(track, kind);
        }
    }

    /// Their picture moves or has stopped.
    pub fn picture(&mut self, track: &TrackId, moving: bool) {
        if let Some(link) = self.link_called(track.link) {
            link.picture(track, moving);
        }
    }

    /// Their network is too narrow for a picture, or wide enough again.
    pub fn paused(&self, mid: Mid, paused: bool, out: &mut Vec<Action>) {
        if self.admitted {
            self.tell(GuestEvent::Picture { mid: mid.0, paused }, out);
        }
    }

    /// What their link is to send.
    pub fn send(&mut self, sending: Sending, out: &mut Vec<Action>) {
        if let Some(link) = &mut self.link {
            link.send(sending, out);
        }
    }

    /// Why it is over by itself, if it is.
    pub fn expired(&self, now: Instant) -> Option<EndReason> {
        let clocks = [(self.unheard, UNHEARD), (self.deaf, STREAM_GONE), (self.unconnected, UNCONNECTED)];
        let over = |(since, limit): &(Option<Instant>, Duration)| since.is_some_and(|since| now >= since + *limit);
        clocks.iter().any(over).then_some(EndReason::Lost)
    }

    /// The next time at which something happens by itself.
    pub fn deadline(&self, media: bool) -> Option<Instant> {
        let silent = self.link.as_ref().and_then(|link| link.silent).filter(|_| media && self.deaf.is_none());
        let retry = self.retry.filter(|_| media && self.link.is_none() && self.deaf.is_none());
        let clocks = [
            self.unheard.map(|since| since + UNHEARD),
            self.deaf.map(|since| since + STREAM_GONE),
            self.unconnected.map(|since| since + UNCONNECTED),
            silent.map(|since| since + REPLACE_SILENT),
            self.patience(),
            retry,
        ];
        clocks.into_iter().flatten().min()
    }

    /// Until when the link has time to connect, if it is connecting.
    fn patience(&self) -> Option<Instant> {
        match self.link.as_ref()?.step {
            Step::Answered(until) => Some(until),
            Step::Opening | Step::Prepared(_) | Step::Offered | Step::Verified => None,
        }
    }

    /// Brings about what follows from the state: a link where one is due, an offer that can be told.
    pub fn settle(&mut self, now: Instant, media: bool, next: &mut u64, out: &mut Vec<Action>) {
        let silent = self.link.as_ref().and_then(|link| link.silent);
        if media && self.deaf.is_none() && silent.is_some_and(|since| now >= since + REPLACE_SILENT) {
            self.close_link(out);
            if self.admitted {
                self.tell(GuestEvent::Reconnecting, out);
            }
        }
        if self.patience().is_some_and(|until| now >= until) {
            self.replace_link(now, out);
        }
        let due = self.retry.is_none_or(|retry| now >= retry);
        if media && self.deaf.is_none() && self.link.is_none() && due {
            self.open_link(next, out);
        }
        let told = match &mut self.link {
            Some(Link { id, step, .. }) if self.admitted && self.deaf.is_none() => match step {
                Step::Prepared(sdp) => {
                    let offer =
                        GuestEvent::Offer { link: *id, sdp: sdp.clone(), lines: Box::new(lines::offered(self.slots)) };
                    *step = Step::Offered;
                    Some(offer)
                }
                Step::Opening | Step::Offered | Step::Answered(_) | Step::Verified => None,
            },
            Some(_) | None => None,
        };
        if let Some(offer) = told {
            self.tell(offer, out);
        }
    }

    /// Tells them what is true in the room, where it differs from what they were told last.
    pub fn see(&mut self, view: RoomView, out: &mut Vec<Action>) {
        if self.admitted && self.deaf.is_none() && self.told.as_ref() != Some(&view) {
            self.tell(GuestEvent::Room(Box::new(view.clone())), out);
            self.told = Some(view);
        }
    }

    /// Tells somebody who waits that they wait, and what is said to those who do.
    pub fn wait(&mut self, message: Option<&str>, out: &mut Vec<Action>) {
        let told = self.told_waiting.as_ref().map(|told| told.as_ref().map(|told| told.as_str()));
        if !self.admitted && self.deaf.is_none() && told != Some(message) {
            let text = message.map(|message| Pii::new(message.to_owned()));
            self.tell(GuestEvent::Waiting { message: text }, out);
            self.told_waiting = Some(message.map(|message| Zeroizing::new(message.to_owned())));
        }
    }

    /// How their call is encrypted.
    pub fn encryption(&self, checked: bool) -> Encryption {
        if !self.is_verified() {
            Encryption::None
        } else if checked {
            Encryption::EndToEnd
        } else {
            Encryption::DeviceNotChecked
        }
    }

    /// Whether media flows between them and the room.
    pub fn is_verified(&self) -> bool {
        self.carrying().is_some()
    }

    /// Their sound, picture and screen, as far as they arrive.
    pub fn sound(&self) -> Option<&TrackId> {
        self.link.as_ref().filter(|_| self.admitted).and_then(|link| link.sound.as_ref())
    }

    /// Their picture.
    pub fn pictured(&self) -> Option<&Arriving> {
        self.link.as_ref().filter(|_| self.admitted).and_then(|link| link.picture.as_ref())
    }

    /// The screen that they share.
    pub fn screen(&self) -> Option<&Arriving> {
        self.link.as_ref().filter(|_| self.admitted).and_then(|link| link.screen.as_ref())
    }

    /// Their link is there and not silent.
    pub fn is_connected(&self) -> bool {
        self.carrying().is_some_and(|link| link.silent.is_none())
    }

    /// Their link was there, and is being made again.
    pub fn is_reconnecting(&self) -> bool {
        self.was_connected && !self.is_connected()
    }

    /// It is over for them.
    pub fn end(&mut self, reason: EndReason, out: &mut Vec<Action>) {
        if self.deaf.is_none() {
            out.push(Action::Tell(self.id, GuestEvent::Ended { reason }));
            out.push(Action::Detach(self.id));
        }
        self.close_link(out);
    }

    fn open_link(&mut self, next: &mut u64, out: &mut Vec<Action>) {
        *next += 1;
        let id = LinkId(*next);
        out.push(Action::Media(RoomToMedia::OpenLink {
            link: id,
            side: DescriptionKind::Offer,
            lines: lines::lines(self.h264, self.slots),
            data_channels: lines::channels(self.slots),
            relay: None,
        }));
        self.retry = None;
        self.link = Some(Link::new(id));
    }

    fn close_link(&mut self, out: &mut Vec<Action>) {
        if let Some(link) = self.link.take() {
            out.push(Action::Media(RoomToMedia::CloseLink { link: link.id }));
        }
    }

    fn replace_link(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.close_link(out);
        self.retry_later(now, out);
    }

    fn retry_later(&mut self, now: Instant, out: &mut Vec<Action>) {
        self.retry = Some(now + doubled(FIRST_RETRY, self.failures, LONGEST_RETRY));
        self.failures = self.failures.saturating_add(1);
        if self.admitted {
            self.unconnected.get_or_insert(now);
            self.tell(GuestEvent::Reconnecting, out);
        }
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    2_u32.checked_pow(times).map_or(longest, |factor| first.saturating_mul(factor)).min(longest)
}
