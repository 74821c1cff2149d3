//! Who is in the meeting, as the server says.

use std::collections::{BTreeMap, BTreeSet};

use subrosa_messages::Pii;

use super::message::{Core, Participant, PeerData, limited};

/// Of more people than this nothing is kept: a screen shows a few, and a server could name millions.
pub(super) const MOST_PEOPLE: usize = 500;
/// Of one person's devices no more are kept.
const MOST_CONNECTIONS: usize = 16;
/// Names are cut here, in characters.
const LONGEST_NAME: usize = 100;

/// What somebody is in the meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Came by a link or by telephone.
    Guest,
    /// Has an account.
    User,
    /// Leads the meeting.
    Moderator,
    /// No person: what records or streams.
    Recorder,
    /// No person: what writes down what is said.
    Transcriber,
}

/// Somebody in the meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// How they want to be called.
    pub name: Pii<String>,
    /// Their hand is raised.
    pub hand: bool,
    /// What they are here.
    pub role: Role,
    /// They are in the waiting room; only moderators are told of those.
    pub waits: bool,
    connections: BTreeSet<String>,
}

/// The others, by participant id. Somebody's identity in LiveKit is their participant id, `:`, and the id of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People(BTreeMap<String, Person>);

impl People {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Person)> {
        self.0.iter().map(|(id, one)| (id.as_str(), one))
    }

    /// One by participant id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Person> {
        self.0.get(id)
    }

    /// Whose track it is, by the identity that LiveKit gives.
    #[must_use]
    pub fn of_identity(&self, identity: &str) -> Option<(&str, &Person)> {
        let id = identity.split_once(':').map_or(identity, |(id, _)| id);
        self.0.get_key_value(id).map(|(id, one)| (id.as_str(), one))
    }

    /// All are new.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Somebody who was there before the room.
    pub(super) fn present(&mut self, own: &str, one: Participant) {
        // Those who have left are still named.
        if one.id == own || one.connections.0.is_empty() {
            return;
        }
        let Some(core) = one.module_data.core else { return };
        let hand = one.module_data.raise_hands.is_some();
        for connection in one.connections.0 {
            self.connected(&one.id, &connection.connection_id, &core, hand);
        }
    }

    /// Somebody came, with one device. `true`: that was not known.
    pub(super) fn came(&mut self, id: &str, connection: &str, data: &PeerData) -> bool {
        let Some(core) = &data.core else { return false };
        self.connected(id, connection, core, data.raise_hands.is_some())
    }

    fn connected(&mut self, id: &str, connection: &str, core: &Core, hand: bool) -> bool {
        if !is_id(id) || !is_id(connection) {
            return false;
        }
        let (name, role) = (name(&core.display_name), role(&core.role, &core.participation_kind));
        if let Some(one) = self.0.get_mut(id) {
            let before = one.clone();
            if one.connections.len() < MOST_CONNECTIONS {
                one.connections.insert(connection.to_owned());
            }
            (one.name, one.role, one.hand, one.waits) = (name, role, hand, false);
            return *one != before;
        }
        let connections = BTreeSet::from([connection.to_owned()]);
        self.add(id, Person { name, hand, role, waits: false, connections })
    }

    /// One of somebody's devices is gone. `true`: the last one, and so are they.
    pub(super) fn went(&mut self, id: &str, connection: &str) -> bool {
        let Some(one) = self.0.get_mut(id) else { return false };
        one.connections.remove(connection);
        one.connections.is_empty() && !one.waits && self.0.remove(id).is_some()
    }

    /// Somebody is in the waiting room.
    pub(super) fn waits(&mut self, id: &str, display_name: &str) -> bool {
        let one = Person {
            name: name(display_name),
            hand: false,
            role: Role::Guest,
            waits: true,
            connections: BTreeSet::new(),
        };
        self.add(id, one)
    }

    /// Somebody is in the waiting room no longer; if they come in, that is told too.
    pub(super) fn waits_no_more(&mut self, id: &str) -> bool {
        self.0.get(id).is_some_and(|one| one.waits) && self.0.remove(id).is_some()
    }

    pub(super) fn hand(&mut self, id: &str, up: bool) -> bool {
        self.0.get_mut(id).is_some_and(|one| std::mem::replace(&mut one.hand, up) != up)
    }

    pub(super) fn no_hands(&mut self) -> bool {
        self.0.values_mut().fold(false, |any, one| std::mem::take(&mut one.hand) | any)
    }

    pub(super) fn renamed(&mut self, id: &str, display_name: &str) -> bool {
        let new = name(display_name);
        self.0.get_mut(id).is_some_and(|one| std::mem::replace(&mut one.name, new.clone()) != new)
    }

    pub(super) fn has_role(&mut self, id: &str, new: &str) -> bool {
        let Some(one) = self.0.get_mut(id) else { return false };
        let new = match (new, one.role) {
            ("moderator", _) => Role::Moderator,
            (_, Role::Moderator) => Role::User,
            (_, role) => role,
        };
        std::mem::replace(&mut one.role, new) != new
    }

    fn add(&mut self, id: &str, one: Person) -> bool {
        if !is_id(id) || (self.0.len() >= MOST_PEOPLE && !self.0.contains_key(id)) {
            return false;
        }
        self.0.insert(id.to_owned(), one.clone()).as_ref() != Some(&one)
    }
}

/// What names somebody or something in the protocol: UUIDs, but nothing hangs on that.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && !text.contains(':')
}

/// What a person may read: no control characters and no end to their length.
pub(super) fn name(text: &str) -> Pii<String> {
    Pii::new(limited(text, LONGEST_NAME))
}

fn role(role: &str, kind: &str) -> Role {
    match (kind, role) {
        ("recorder", _) => Role::Recorder,
        ("transcription", _) => Role::Transcriber,
        (_, "moderator") => Role::Moderator,
        ("guest" | "call_in", _) => Role::Guest,
        (_, _) => Role::User,
    }
}
