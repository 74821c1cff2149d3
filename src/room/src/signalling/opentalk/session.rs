//! The machine.

use std::time::{Duration, Instant};

use subrosa_messages::Pii;

use super::consent::{Consent, Then};
use super::event::{Action, Blocked, End, Event, Told};
use super::message::{self, Credentials, Join, LONGEST_TEXT, Lobby, Modules, Said, limited, read};
use super::people::{self, People, is_id};

/// The server opens a WebSocket, says where the room is, and answers, within this time.
const PATIENCE: Duration = Duration::from_secs(15);
/// It may refuse what it was asked for so often in one visit.
const REFUSALS: u32 = 3;

type Out = Vec<Action>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server has not said anything, or not answered, since then.
    Knocks(Instant),
    /// In the waiting room.
    Waits,
    /// In the meeting.
    In,
}

/// Who the room is to the server.
#[derive(Clone, Debug)]
struct Own {
    participant: String,
    connection: String,
}

/// A session over one WebSocket, which is being opened. Pings and pongs of the WebSocket are the shell's: the server pings, and what is
/// silent for long is gone.
#[derive(Debug)]
pub struct Session {
    name: Pii<String>,
    stage: Stage,
    own: Option<Own>,
    /// The server knows the name.
    named: bool,
    /// It has a lobby, from which one asks to be let in or to wait: 0.10 and later.
    has_lobby: bool,
    /// What it was asked for last was to wait.
    asked_to_wait: bool,
    refusals: u32,
    people: People,
    hand: bool,
    may_speak: bool,
    consent: Consent,
    /// A token was asked for then, and did not come.
    renews: Option<Instant>,
    over: Option<End>,
}

impl Session {
    /// One whose WebSocket is being opened. The name is said to servers that ask for it; older ones have it from the token.
    #[must_use]
    pub fn new(now: Instant, name: &Pii<String>) -> Self {
        Session {
            name: people::name(name.reveal()),
            stage: Stage::Knocks(now),
            own: None,
            named: false,
            has_lobby: false,
            asked_to_wait: false,
            refusals: 0,
            people: People::default(),
            hand: false,
            may_speak: true,
            consent: Consent::default(),
            renews: None,
            over: None,
        }
    }

    /// The others.
    #[must_use]
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Who the room is in LiveKit, once the server has said it.
    #[must_use]
    pub fn identity(&self) -> Option<Pii<String>> {
        self.own.as_ref().map(|own| Pii::new(format!("{}:{}", own.participant, own.connection)))
    }

    /// The meeting is recorded or streamed.
    #[must_use]
    pub fn records(&self) -> bool {
        self.consent.records()
    }

    /// The room is in the meeting.
    #[must_use]
    pub fn is_in(&self) -> bool {
        self.stage == Stage::In && self.over.is_none()
    }

    /// Why it is over, once it is.
    #[must_use]
    pub fn over(&self) -> Option<End> {
        self.over
    }

    /// When [`Event::Tick`] is due.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        if self.over.is_some() {
            return None;
        }
        match self.stage {
            Stage::Knocks(since) => Some(since + PATIENCE),
            Stage::Waits => None,
            Stage::In => self.renews.map(|since| since + PATIENCE),
        }
    }

    /// What an event leads to.
    pub fn step(&mut self, now: Instant, event: Event) -> Vec<Action> {
        let mut out = Out::new();
        if self.over.is_some() {
            return out;
        }
        match event {
            Event::Opened => {
                if let Stage::Knocks(since) = &mut self.stage {
                    *since = now;
                }
            }
            Event::Message(text) => self.message(now, text.reveal(), &mut out),
            Event::Closed => self.end(End::Lost, &mut out),
            Event::Hand(up) => {
                if self.stage == Stage::In && self.hand != up {
                    out.push(Action::Send(message::hand(up)));
                }
            }
            Event::Say(text) => {
                let text = limited(text.reveal(), LONGEST_TEXT);
                if self.stage == Stage::In && !text.trim().is_empty() {
                    out.push(Action::Send(message::say(&text)));
                }
            }
            Event::Consent(agrees) => {
                if self.stage == Stage::In {
                    let then = self.consent.answered(agrees);
                    follow(then, &mut out);
                }
            }
            Event::Renew => {
                if self.stage == Stage::In && self.renews.is_none() {
                    self.renews = Some(now);
                    out.push(Action::Send(message::renew()));
                }
            }
            Event::Leave => self.end(End::Left, &mut out),
            Event::Tick => self.tick(now, &mut out),
        }
        out
    }

    fn tick(&mut self, now: Instant, out: &mut Out) {
        match self.stage {
            Stage::Knocks(since) if since + PATIENCE <= now => self.end(End::Lost, out),
            Stage::In if self.renews.is_some_and(|since| since + PATIENCE <= now) => self.no_media(out),
            Stage::Knocks(_) | Stage::Waits | Stage::In => {}
        }
    }

    fn end(&mut self, end: End, out: &mut Out) {
        let then = self.consent.over();
        follow(then, out);
        self.people.clear();
        self.over = Some(end);
        out.extend([Action::Close, Action::Tell(Told::Over(end))]);
    }

    fn message(&mut self, now: Instant, text: &str, out: &mut Out) {
        let Some(said) = read(text) else { return self.end(End::Nonsense, out) };
        match said {
            Said::JoinedLobby(lobby) => self.lobby(now, lobby, out),
            Said::InWaitingRoom(ids) => {
                if let (Some(participant), Some(connection)) = (ids.participant_id, ids.connection_id) {
                    self.is(participant, connection);
                }
                self.waits(out);
            }
            Said::JoinSuccess(join) => self.joined(*join, out),
            Said::JoinBlocked(reason) => {
                let full = reason == "participant_limit_reached";
                self.end(End::Blocked(if full { Blocked::Full } else { Blocked::Unknown }), out);
            }
            Said::Accepted | Said::MayEnter(true) if self.stage != Stage::In => self.enter(now, false, out),
            Said::MayEnter(false) if matches!(self.stage, Stage::Knocks(_)) => self.enter(now, true, out),
            Said::CoreError(code) => self.refused(now, &code, out),
            Said::SentToWaitingRoom => self.waits(out),
            Said::Kicked(reason) => self.end(if reason == "debriefed" { End::Ended } else { End::Kicked }, out),
            Said::Banned => self.end(End::Banned, out),
            Said::Closing(reason) => {
                let server = ["graceful_shutdown", "immediate_shutdown", "fatal_error"].contains(&reason.as_str());
                self.end(if server { End::ServerGone } else { End::Ended }, out);
            }
            Said::Encrypted => self.end(End::EndToEnd, out),
            Said::Other => {}
            said if self.stage == Stage::In => self.inside(said, out),
            // Of a meeting that the room is not in.
            _ => {}
        }
    }

    fn is(&mut self, participant: String, connection: String) {
        if is_id(&participant) && is_id(&connection) {
            self.own = Some(Own { participant, connection });
        }
    }

    fn lobby(&mut self, now: Instant, lobby: Lobby, out: &mut Out) {
        if self.stage == Stage::In {
            return;
        }
        self.is(lobby.participant_id, lobby.connection_id);
        self.named = lobby.display_name.is_some();
        self.has_lobby = true;
        self.enter(now, !lobby.can_enter, out);
    }

    fn waits(&mut self, out: &mut Out) {
        let before = std::mem::replace(&mut self.stage, Stage::Waits);
        if before == Stage::In {
            let then = self.consent.over();
            follow(then, out);
            self.people.clear();
            self.hand = false;
            self.renews = None;
        }
        if before != Stage::Waits {
            // An older server has the name from the token, a newer one from the way in here.
            self.named = true;
            out.push(Action::Tell(Told::Waits));
        }
    }

    /// Asks to be let into the meeting, or into the waiting room.
    fn enter(&mut self, now: Instant, waits: bool, out: &mut Out) {
        self.stage = Stage::Knocks(now);
        self.asked_to_wait = waits;
        let name = (!self.named).then_some(&self.name);
        out.push(Action::Send(message::enter(waits, name)));
    }

    /// The server does not do what it was asked for.
    fn refused(&mut self, now: Instant, code: &str, out: &mut Out) {
        if !matches!(self.stage, Stage::Knocks(_)) {
            return;
        }
        self.refusals += 1;
        match code {
            _ if self.refusals > REFUSALS => self.end(End::Lost, out),
            // Whoever accepted the room has thought better of it.
            "not_accepted" if self.has_lobby => self.enter(now, true, out),
            "not_accepted" => self.waits(out),
            "already_accepted" => self.enter(now, false, out),
            "display_name_required" | "display_name_already_provided" => {
                self.named = code == "display_name_already_provided";
                self.enter(now, self.asked_to_wait, out);
            }
            // Others are answered by silence, and silence by time.
            _ => {}
        }
    }

    fn joined(&mut self, join: Join, out: &mut Out) {
        if let (Some(participant), Some(connection)) = (join.id, join.connection_id) {
            self.is(participant, connection);
        }
        let Some(own) = &self.own else { return self.end(End::Nonsense, out) };
        if join.event_info.is_some_and(|event| event.e2e_encryption) {
            return self.end(End::EndToEnd, out);
        }
        self.people.clear();
        for one in join.participants.0 {
            self.people.present(&own.participant, one);
        }
        self.stage = Stage::In;
        self.refusals = 0;
        out.extend([Action::Tell(Told::Joined), Action::Tell(Told::People)]);
        self.modules(&join.module_data, out);
    }

    /// What a part of the meeting says to one who comes into it.
    fn modules(&mut self, data: &Modules, out: &mut Out) {
        match data.credentials() {
            Some(credentials) => self.media(credentials, out),
            None => self.no_media(out),
        }
        self.restricted(data.restricted(), out);
        self.own_hand(data.hand(), out);
        if let Some(data) = data.recording() {
            let then = self.consent.is(data);
            follow(then, out);
        }
    }

    fn media(&mut self, credentials: Credentials, out: &mut Out) {
        let Some((address, token)) = credentials.checked() else { return self.no_media(out) };
        self.renews = None;
        out.push(Action::Tell(Told::Media { address, token }));
    }

    fn no_media(&mut self, out: &mut Out) {
        self.renews = None;
        out.push(Action::Tell(Told::MediaMissing));
    }

    /// Only those may speak; `None`: all may.
    fn restricted(&mut self, to: Option<Vec<String>>, out: &mut Out) {
        let may = to.is_none_or(|those| those.iter().any(|id| self.is_own(id)));
        if std::mem::replace(&mut self.may_speak, may) != may {
            out.push(Action::Tell(Told::MayNotSpeak(!may)));
        }
    }

    fn own_hand(&mut self, up: bool, out: &mut Out) {
        if std::mem::replace(&mut self.hand, up) != up {
            out.push(Action::Tell(Told::Hand(up)));
        }
    }

    fn is_own(&self, id: &str) -> bool {
        self.own.as_ref().is_some_and(|own| own.participant == id)
    }

    /// In the meeting.
    fn inside(&mut self, said: Said, out: &mut Out) {
        let changed = match said {
            Said::Connected(one) => {
                !self.is_own(&one.participant_id)
                    && self.people.came(&one.participant_id, &one.connection_id, &one.peer_data)
            }
            Said::Disconnected(ids) => {
                let (participant, connection) =
                    (ids.participant_id.unwrap_or_default(), ids.connection_id.unwrap_or_default());
                self.people.went(&participant, &connection)
            }
            Said::JoinedWaitingRoom(one) => self.people.waits(&one.participant_id, &one.display_name),
            Said::LeftWaitingRoom(id) => self.people.waits_no_more(&id),
            Said::Renamed { target, name } => self.people.renamed(&target, &name),
            Said::RoleUpdated { target, role } => self.people.has_role(&target, &role),
            Said::HandRaised(id) => self.hand_is(&id, true, out),
            Said::HandLowered(id) => self.hand_is(&id, false, out),
            Said::HandsReset(ids) => ids.iter().fold(false, |any, id| self.hand_is(id, false, out) | any),
            Said::HandsDisabled => {
                self.own_hand(false, out);
                self.people.no_hands()
            }
            said => {
                self.happens(said, out);
                false
            }
        };
        if changed {
            out.push(Action::Tell(Told::People));
        }
    }

    fn hand_is(&mut self, id: &str, up: bool, out: &mut Out) -> bool {
        if self.is_own(id) {
            self.own_hand(up, out);
            return false;
        }
        self.people.hand(id, up)
    }

    fn happens(&mut self, said: Said, out: &mut Out) {
        match said {
            Said::Muted => out.push(Action::Tell(Told::Mute)),
            Said::Restricted(to) => self.restricted(to, out),
            Said::Credentials(credentials) => self.media(credentials, out),
            Said::LiveKitMissing => self.no_media(out),
            Said::SwitchedRoom(data) => self.modules(&data, out),
            Said::Recording(status) => follow(self.consent.recording(&status), out),
            Said::Stream { id, status } => follow(self.consent.stream(id, &status), out),
            Said::Consent { participant, consents } if self.is_own(&participant) => {
                follow(self.consent.holds(consents), out);
            }
            // As it is, since it is not as it was asked for.
            Said::HandRefused => out.push(Action::Tell(Told::Hand(self.hand))),
            Said::LineRefused => out.push(Action::Tell(Told::NotSaid)),
            // The room knows what it has said itself.
            Said::Line(line) if !self.is_own(&line.source) && is_id(&line.source) => {
                let name = self.people.get(&line.source).map(|one| one.name.clone());
                out.push(Action::Tell(Told::Line {
                    name: name.unwrap_or_else(|| Pii::new(String::new())),
                    text: Pii::new(limited(&line.content, LONGEST_TEXT)),
                    private: line.scope == "private",
                    who: line.source,
                }));
            }
            _ => {}
        }
    }
}

fn follow(then: Vec<Then>, out: &mut Out) {
    out.extend(then.into_iter().map(|then| match then {
        Then::Asks(wants) => Action::Tell(Told::Asks(wants)),
        Then::Records(records) => Action::Tell(Told::Records(records)),
        Then::Set(agrees) => Action::Send(message::consent(agrees)),
    }));
}
