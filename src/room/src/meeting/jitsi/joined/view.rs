//! What people in the room see of it.

use subrosa_messages::Pii;
use subrosa_messages::media::Kind;

use super::super::moderation::Medium;
use super::super::roster::{Nick, Participant};
use super::inside::{Inside, is_muted};
use super::machine::Joined;
use crate::meeting::elsewhere::failure::Failure;
use crate::screen::view::{ConsentView, JoinedView, JoiningView, LineView, PersonView, Phase, PictureView};
use crate::signalling::jingle::source::{EndpointId, Owner, SourceName, VideoType};

impl Joined {
    /// Where the room is, for the screen. `media`: it is there.
    #[must_use]
    pub fn phase(&self, media: bool) -> Phase {
        let host = self.settings.host.clone();
        let Some(inside) = &self.inside else {
            let says = match (self.over, self.waits) {
                (Some(failure), _) => JoiningView::Over(failure),
                (None, Some(failure)) => JoiningView::Waits(failure),
                (None, None) => JoiningView::Connecting,
            };
            return Phase::Joining { host, says };
        };
        let others = self.muc.people().iter().map(|(nick, one)| self.person(inside, nick, one)).collect();
        let stage = inside.shown.iter().map(|name| self.picture(inside, name)).collect();
        let by_permission = self.moderated.get(&Medium::Audio).is_some_and(|has| !has);
        let line = |(nick, text): (&Option<Nick>, &Pii<String>)| LineView {
            name: nick.as_ref().and_then(|nick| self.name(nick)),
            text: text.clone(),
        };
        let meeting = JoinedView {
            host,
            stage,
            others,
            records: self.focus.records || self.muc.people().values().any(|one| one.recorder),
            hand: self.hand,
            ask_to_speak: by_permission,
            // Who is recorded is not asked there.
            consent: ConsentView::Nothing,
            no_bridge: self.focus.without_bridge || inside.no_channel,
            reconnecting: self.interrupted,
            lines: self.chat.iter().map(line).collect(),
        };
        Phase::Joined { meeting, media_restarting: !media }
    }

    fn name(&self, nick: &Nick) -> Option<Pii<String>> {
        self.muc.people().get(nick).and_then(|one| one.name.clone())
    }

    fn person(&self, inside: &Inside, nick: &Nick, one: &Participant) -> PersonView {
        let endpoint = Inside::of(nick);
        let connected = endpoint.as_ref().is_none_or(|endpoint| !inside.unheard.contains(endpoint));
        let muted = endpoint.as_ref().is_none_or(|endpoint| is_muted(endpoint, one));
        PersonView { name: one.name.clone(), muted, hand: one.hand.is_some(), connected }
    }

    fn picture(&self, inside: &Inside, source: &SourceName) -> PictureView {
        let stream = inside.session.streams().find(|stream| stream.kind == Kind::Video && stream.name == *source);
        let owner: Option<&EndpointId> = stream.and_then(|stream| match &stream.owner {
            Owner::Endpoint(owner) => Some(owner),
            Owner::Bridge => None,
        });
        let one = owner.and_then(|owner| self.muc.people().get(&Nick(owner.0.clone())));
        let declared = one.and_then(|one| one.sources.get(source.as_str()));
        let track = inside.session.track(source).filter(|track| inside.arrived.contains(track));
        let moving = track.as_ref().is_some_and(|track| inside.moving.contains(track));
        PictureView {
            name: one.and_then(|one| one.name.clone()),
            moving,
            picture: track,
            screen: declared.is_some_and(|declared| declared.desktop)
                || stream.is_some_and(|stream| stream.shows == Some(VideoType::Desktop)),
            muted: one.zip(owner).is_none_or(|(one, owner)| is_muted(owner, one)),
            hand: one.is_some_and(|one| one.hand.is_some()),
            // What is decoded is not missing, whatever the bridge says.
            missing: !moving && self.is_missed(inside, source),
        }
    }

    /// What the room waits for, while it does.
    #[must_use]
    pub fn waits(&self) -> Option<Failure> {
        self.waits
    }
}
