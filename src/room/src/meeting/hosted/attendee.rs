//! One guest: waiting or in, with at most one link.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_messages::media::{
    Codec, DataChannel, DescriptionKind, Direction, Kind, Line, LinkId, LinkState, Mid, RoomToMedia, Source, TrackId,
};
use zeroize::Zeroizing;

use super::event::Action;
use super::path;
use crate::meeting::guest::{Encryption, EndReason, GuestEvent, GuestId, OfferedLines, RoomView, SessionKey};
use crate::screen::view::GuestView;

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

/// The lines of a guest's link, by `mid`.
const ROOM_VIDEO: &str = "room-video";
const ROOM_AUDIO: &str = "room-audio";
const GUEST_VIDEO: &str = "guest-video";
const GUEST_AUDIO: &str = "guest-audio";

/// A guest of the meeting. What says who they are is wiped with it.
pub struct Attendee {
    pub id: GuestId,
    pub session: Zeroizing<String>,
    pub name: Zeroizing<String>,
    pub admitted: bool,
    h264: bool,
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
}

struct Link {
    id: LinkId,
    step: Step,
    silent: Option<Instant>,
    picture: Option<TrackId>,
    moving: bool,
    sound: Option<TrackId>,
}

/// How far a link has come.
enum Step {
    Opening,
    Prepared(Pii<String>),
    Offered,
    /// Until then it has time to connect.
    Answered(Instant),
    Verified,
}

impl Attendee {
    /// Somebody who has shown the right secret and does not listen yet.
    pub fn new(
        now: Instant,
        id: GuestId,
        session: &SessionKey,
        name: &str,
        h264: bool,
        relayed: Option<IpAddr>,
    ) -> Self {
        Attendee {
            id,
            session: Zeroizing::new(session.0.reveal().clone()),
            name: Zeroizing::new(name.to_owned()),
            admitted: false,
            h264,
            relayed,
            deaf: Some(now),
            link: None,
            failures: 0,
            retry: None,
            unconnected: None,
            unheard: None,
            was_connected: false,
            told: None,
        }
    }

    /// The newest link, if there is one.
    pub fn link(&self) -> Option<LinkId> {
        self.link.as_ref().map(|link| link.id)
    }

    fn link_called(&mut self, id: LinkId) -> Option<&mut Link> {
        self.link.as_mut().filter(|link| link.id == id)
    }

    fn tell(&self, event: GuestEvent, out: &mut Vec<Action>) {
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
        self.retry = None;
        if self.admitted {
            self.unconnected = media.then_some(now);
            self.tell(GuestEvent::Admitted, out);
        } else {
            self.tell(GuestEvent::Waiting, out);
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
    pub fn admit(&mut self, now: Instant, media: bool, out: &mut Vec<Action>) {
        self.admitted = true;
        self.unconnected = media.then_some(now);
        self.tell(GuestEvent::Admitted, out);
        if let Some(link) = &self.link {
            send(link.id, out);
        }
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
        let Some(link) = self.link_called(track.link) else { return };
        match (track.mid.0.as_str(), kind) {
            (GUEST_VIDEO, Kind::Video) => link.picture = Some(track),
            (GUEST_AUDIO, Kind::Audio) => link.sound = Some(track),
            (_, Kind::Video | Kind::Audio) => {}
        }
    }

    /// Their picture moves or has stopped.
    pub fn picture(&mut self, track: &TrackId, moving: bool) {
        if let Some(link) = self.link_called(track.link)
            && link.picture.as_ref() == Some(track)
        {
            link.moving = moving;
        }
    }

    /// Their network is too narrow for a picture, or wide enough again.
    pub fn paused(&self, paused: bool, out: &mut Vec<Action>) {
        if self.admitted {
            self.tell(GuestEvent::Picture { paused }, out);
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

    /// Brings about what follows from the state: a link where one is due, an offer that can be told, the room's
    /// state where it differs from what was told last.
    pub fn settle(&mut self, now: Instant, media: bool, view: RoomView, next: &mut u64, out: &mut Vec<Action>) {
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
                    let offer = GuestEvent::Offer { link: *id, sdp: sdp.clone(), lines: lines_of_offer() };
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
        if self.admitted && self.deaf.is_none() && self.told.as_ref() != Some(&view) {
            self.tell(GuestEvent::Room(view.clone()), out);
            self.told = Some(view);
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
        self.link.as_ref().is_some_and(|link| matches!(link.step, Step::Verified))
    }

    /// What the room hears of them.
    pub fn sound(&self) -> Option<&TrackId> {
        self.link.as_ref().filter(|_| self.admitted).and_then(|link| link.sound.as_ref())
    }

    /// What the screen shows of them.
    pub fn view(&self) -> GuestView {
        let link = self.link.as_ref();
        let heard = link.is_some_and(|link| matches!(link.step, Step::Verified) && link.silent.is_none());
        GuestView {
            name: Pii::new((*self.name).clone()),
            picture: link.and_then(|link| link.picture.clone()),
            moving: link.is_some_and(|link| link.moving),
            reconnecting: self.was_connected && !heard,
        }
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
        let line = |mid: &str, codec, direction| Line { mid: Mid(mid.to_owned()), codec, direction };
        let lines = vec![
            line(ROOM_VIDEO, if self.h264 { Codec::H264 } else { Codec::Vp8 }, Direction::Send),
            line(ROOM_AUDIO, Codec::Opus, Direction::Send),
            line(GUEST_VIDEO, Codec::Vp8, Direction::Receive),
            line(GUEST_AUDIO, Codec::Opus, Direction::Receive),
        ];
        out.push(Action::Media(RoomToMedia::OpenLink {
            link: id,
            side: DescriptionKind::Offer,
            lines,
            data_channels: vec![DataChannel::called("room")],
            relay: None,
        }));
        if self.admitted {
            send(id, out);
        }
        self.retry = None;
        self.link = Some(Link { id, step: Step::Opening, silent: None, picture: None, moving: false, sound: None });
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

fn send(link: LinkId, out: &mut Vec<Action>) {
    for (mid, source) in [(ROOM_VIDEO, Source::RoomVideo), (ROOM_AUDIO, Source::RoomAudio)] {
        out.push(Action::Media(RoomToMedia::Send { link, mid: Mid(mid.to_owned()), source }));
    }
}

fn lines_of_offer() -> OfferedLines {
    OfferedLines {
        room_video: ROOM_VIDEO.to_owned(),
        room_audio: ROOM_AUDIO.to_owned(),
        guest_video: GUEST_VIDEO.to_owned(),
        guest_audio: GUEST_AUDIO.to_owned(),
    }
}
