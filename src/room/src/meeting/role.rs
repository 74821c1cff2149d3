//! Roles: sets of what a person may do in the room's own meeting, with named presets.
//!
//! No role opens a microphone or a camera of the room, wakes it or pairs a phone: there are no words for that here (P2).

use serde::{Deserialize, Serialize};

/// One thing that somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Be heard.
    Speak,
    /// Be seen.
    Show,
    /// Share a screen; one person at a time.
    Present,
    /// Write to everybody, a line at a time.
    Chat,
    /// Write to everybody, a letter at a time (real-time text).
    Text,
    /// See who waits; let them in or send them away.
    Admit,
    /// Say something to those who wait.
    Message,
    /// Let nobody else knock.
    Lock,
    /// Close the microphone of somebody else, or end their share.
    Mute,
    /// Send somebody away.
    Remove,
    /// Say how pictures are laid out.
    Arrange,
    /// Give others a role.
    Assign,
    /// End the meeting for everybody.
    End,
    /// Ask the people in the room for microphone and camera, close these, set the volume, hide the background.
    Attend,
}

impl Capability {
    /// All of them.
    pub const ALL: [Capability; 14] = [
        Capability::Speak,
        Capability::Show,
        Capability::Present,
        Capability::Chat,
        Capability::Text,
        Capability::Admit,
        Capability::Message,
        Capability::Lock,
        Capability::Mute,
        Capability::Remove,
        Capability::Arrange,
        Capability::Assign,
        Capability::End,
        Capability::Attend,
    ];

    /// As the configuration and the page call it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Capability::Speak => "speak",
            Capability::Show => "show",
            Capability::Present => "present",
            Capability::Chat => "chat",
            Capability::Text => "text",
            Capability::Admit => "admit",
            Capability::Message => "message",
            Capability::Lock => "lock",
            Capability::Mute => "mute",
            Capability::Remove => "remove",
            Capability::Arrange => "arrange",
            Capability::Assign => "assign",
            Capability::End => "end",
            Capability::Attend => "attend",
        }
    }
}

/// A set of [`Capability`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "Vec<Capability>")]
pub struct May(u16);

impl May {
    /// These and no others.
    #[must_use]
    pub fn only(list: &[Capability]) -> Self {
        May(list.iter().fold(0, |all, one| all | bit(*one)))
    }

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        May::only(&Capability::ALL)
    }

    /// Whether it is among them.
    #[must_use]
    pub fn holds(self, one: Capability) -> bool {
        self.0 & bit(one) != 0
    }

    /// Everything of the other set is in this one.
    #[must_use]
    pub fn covers(self, other: May) -> bool {
        other.0 & !self.0 == 0
    }

    /// In the order of [`Capability::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |one| self.holds(*one))
    }
}

impl From<May> for Vec<Capability> {
    fn from(may: May) -> Self {
        may.iter().collect()
    }
}

fn bit(one: Capability) -> u16 {
    1 << one as u16
}

/// What somebody in the meeting is. Who holds a paired phone is the administrator: they have pressed the button of the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Whoever comes.
    #[default]
    Guest,
    /// Shows something to the others.
    Presenter,
    /// Runs the meeting from their own place.
    Moderator,
    /// Runs it from the room: a paired phone. Nobody is given this role.
    Administrator,
}

/// A named set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// Equals among themselves: everybody speaks, shows, presents and writes.
    #[default]
    Meeting,
    /// A class: pupils are seen and write; whoever is to speak or to present is made a presenter.
    Class,
    /// A consultation: two sides talk, and the door is locked as soon as somebody is in.
    Consultation,
}

/// What each role may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    /// [`Role::Guest`]
    pub guest: May,
    /// [`Role::Presenter`]
    pub presenter: May,
    /// [`Role::Moderator`]
    pub moderator: May,
    /// The door is locked when the first guest is let in.
    pub locks: bool,
}

impl Roles {
    /// The roles of a preset.
    #[must_use]
    pub fn of(preset: Preset) -> Self {
        use Capability::{Admit, Arrange, Chat, Lock, Message, Mute, Present, Remove, Show, Speak, Text};
        let talk = May::only(&[Speak, Show, Present, Chat, Text]);
        let moderator = May::only(&[Speak, Show, Present, Chat, Text, Admit, Message, Lock, Mute, Remove, Arrange]);
        match preset {
            Preset::Meeting => Roles { guest: talk, presenter: talk, moderator, locks: false },
            Preset::Class => Roles { guest: May::only(&[Show, Chat, Text]), presenter: talk, moderator, locks: false },
            Preset::Consultation => Roles { guest: talk, presenter: talk, moderator, locks: true },
        }
    }

    /// What a role may.
    #[must_use]
    pub fn may(&self, role: Role) -> May {
        match role {
            Role::Guest => self.guest,
            Role::Presenter => self.presenter,
            Role::Moderator => self.moderator,
            Role::Administrator => May::all(),
        }
    }
}

impl Default for Roles {
    fn default() -> Self {
        Roles::of(Preset::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        for one in Capability::ALL {
            let set = May::only(&[one]);
            assert_eq!(set.iter().collect::<Vec<_>>(), [one]);
            assert!(May::all().holds(one) && !May::default().holds(one) && May::all().covers(set));
            assert_eq!(serde_json::to_value(one).unwrap(), one.word());
        }
        assert!(!May::only(&[Capability::Chat]).covers(May::only(&[Capability::Chat, Capability::Text])));
    }

    #[test]
    fn each_role_may_at_least_what_the_one_below_may() {
        for preset in [Preset::Meeting, Preset::Class, Preset::Consultation] {
            let roles = Roles::of(preset);
            let ladder = [Role::Guest, Role::Presenter, Role::Moderator, Role::Administrator];
            for pair in ladder.windows(2) {
                assert!(roles.may(pair[1]).covers(roles.may(pair[0])), "{preset:?} {pair:?}");
            }
            // EN 301 549, 6.2: whoever may speak may also write as they speak.
            for role in ladder {
                let may = roles.may(role);
                assert!(!may.holds(Capability::Speak) || may.holds(Capability::Text), "{preset:?} {role:?}");
            }
        }
        assert!(!Roles::of(Preset::Class).guest.holds(Capability::Speak));
    }
}
