//! The link on which others come, where a server has two for each participant: it offers, and we answer.
//!
//! Each line is cut to what its track is before media sees it; see [`super::cut`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use livekit_protocol::SessionDescription;
use livekit_protocol::signal_request::Message as Ask;
use subrosa_messages::Pii;
use subrosa_messages::media::{DataChannel, DescriptionKind, LinkId, RoomToMedia, TurnServer};

use super::candidates::Candidates;
use super::cut::{cut, widened};
use super::event::{Action, Told};
use super::packet::CHANNEL;
use super::people::People;
use super::session::{Out, say};

/// Media answers within this time, or there is nothing in the offer that it can take.
const ANSWERED: Duration = Duration::from_secs(5);

/// An offer that media has.
#[derive(Clone, Debug)]
struct Asked {
    id: u32,
    /// The offer as the server made it.
    sdp: String,
    slots: BTreeMap<String, String>,
    until: Instant,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Subscriber {
    /// Once media is there.
    pub id: Option<LinkId>,
    candidates: Candidates,
    /// The newest offer, until media has it.
    offered: Option<SessionDescription>,
    asked: Option<Asked>,
    /// Which track is on which line.
    pub slots: BTreeMap<String, String>,
}

impl Subscriber {
    /// Has it opened; the server offers by itself, and may have done so already.
    pub fn open(&mut self, id: LinkId, relay: Option<TurnServer>, out: &mut Out) {
        self.id = Some(id);
        out.push(Action::Media(RoomToMedia::OpenLink {
            link: id,
            side: DescriptionKind::Answer,
            lines: Vec::new(),
            data_channels: vec![DataChannel::called(CHANNEL)],
            relay,
        }));
    }

    pub fn deadline(&self) -> Option<Instant> {
        let answered = self.asked.as_ref().map(|asked| asked.until);
        [self.candidates.deadline(), answered].into_iter().flatten().min().filter(|_| self.id.is_some())
    }

    /// The server offers; what it offered before, and media has not seen, is of no more use.
    pub fn offered(&mut self, now: Instant, offer: SessionDescription) {
        self.candidates.begin(now);
        self.offered = Some(offer);
    }

    pub fn trickled(&mut self, init: &str, last: bool) {
        self.candidates.came(init, last);
    }

    /// Hands the offer on, when it is time. `false`: media makes nothing of the one before.
    pub fn negotiate(&mut self, now: Instant, people: &People, out: &mut Out) -> bool {
        if let Some(asked) = &self.asked {
            return now < asked.until;
        }
        let Some(link) = self.id.filter(|_| self.candidates.are_there(now)) else { return true };
        let Some(offer) = self.offered.take() else { return true };
        let tracks = offer.mid_to_track_id;
        let codec = |track: &str| people.track(track).and_then(|track| track.codec);
        let sdp = self.candidates.put_into(&Pii::new(cut(&offer.sdp, &tracks, codec)));
        let (slots, until) = (tracks.into_iter().collect(), now + ANSWERED);
        self.asked = Some(Asked { id: offer.id, sdp: offer.sdp, slots, until });
        let kind = DescriptionKind::Offer;
        out.push(Action::Media(RoomToMedia::Description { link, kind, sdp, candidates: true }));
        true
    }

    /// Media has answered.
    pub fn answered(&mut self, sdp: &Pii<String>, out: &mut Out) {
        let Some(asked) = self.asked.take() else { return };
        let answer = SessionDescription {
            r#type: "answer".to_owned(),
            sdp: widened(sdp.reveal(), &asked.sdp),
            id: asked.id,
            ..SessionDescription::default()
        };
        say(Ask::Answer(answer), out);
        if std::mem::replace(&mut self.slots, asked.slots) != self.slots {
            out.push(Action::Tell(Told::Slots));
        }
    }
}
