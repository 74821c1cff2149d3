//! What people in the room see of it.

use subrosa_messages::Pii;

use super::{Consent, Joined};
use crate::meeting::livekit::inside::{Inside, Known};
use crate::screen::view::{ConsentView, JoinedView, JoiningView, LineView, PersonView, Phase};
use crate::signalling::livekit::{Participant, Source};
use crate::signalling::opentalk::{Person, Role, Session};

impl Joined {
    /// Where the room is, for the screen. `media`: it is there.
    #[must_use]
    pub fn phase(&self, media: bool) -> Phase {
        let host = self.settings.link.host().clone();
        let joining = |says| Phase::Joining { host: host.clone(), says };
        match (self.over, self.waits) {
            (Some(failure), _) => return joining(JoiningView::Over(failure)),
            (None, Some(failure)) => return joining(JoiningView::Waits(failure)),
            (None, None) if !self.was_in => return joining(JoiningView::Connecting),
            (None, None) => {}
        }
        let line =
            |(name, text): (&Option<Pii<String>>, &Pii<String>)| LineView { name: name.clone(), text: text.clone() };
        let reconnecting = self.session.as_ref().is_none_or(|session| !session.is_in())
            || self.inside.as_ref().is_some_and(Inside::is_interrupted);
        let inside = self.inside.as_ref();
        let meeting = JoinedView {
            stage: inside.map(|inside| inside.pictures(|one| self.known(one))).unwrap_or_default(),
            others: self.others(),
            records: self.session.as_ref().is_some_and(Session::records) || inside.is_some_and(Inside::records),
            hand: self.hand,
            ask_to_speak: !self.may_speak || inside.is_some_and(|inside| !inside.may_send(Source::Microphone)),
            consent: match self.consent {
                None => ConsentView::Nothing,
                Some(Consent::Asked(wants, _)) if wants.stream => ConsentView::AskedToStream,
                Some(Consent::Asked(..)) => ConsentView::Asked,
                Some(Consent::Given) => ConsentView::Given,
            },
            no_bridge: !reconnecting && inside.is_none() && self.renews.is_some(),
            reconnecting,
            lines: self.chat.iter().map(line).collect(),
            host,
        };
        Phase::Joined { meeting, media_restarting: !media }
    }

    /// What the room server knows of somebody in LiveKit.
    fn known(&self, one: &Participant) -> Known {
        let person = self.session.as_ref().and_then(|session| session.people().of_identity(one.identity.reveal()));
        person.map(|(_, person)| Known { name: Some(person.name.clone()), hand: person.hand }).unwrap_or_default()
    }

    /// People in the meeting; those who wait are not in it, and what records is none.
    fn others(&self) -> Vec<PersonView> {
        let people = self.session.iter().flat_map(|session| session.people().iter());
        let people = people.filter(|(_, one)| !one.waits && !matches!(one.role, Role::Recorder | Role::Transcriber));
        let view = |(id, one): (&str, &Person)| {
            let of_them = |identity: &str| identity.split_once(':').is_some_and(|(participant, _)| participant == id);
            let (muted, connected) = self.inside.as_ref().and_then(|inside| inside.is(of_them)).unwrap_or((true, true));
            PersonView { name: Some(one.name.clone()), muted, hand: one.hand, connected }
        };
        people.map(view).collect()
    }
}
