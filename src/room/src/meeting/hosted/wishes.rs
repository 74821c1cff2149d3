//! What people ask of the meeting, checked against what they may.

use std::time::Instant;

use zeroize::Zeroizing;

use super::attendee::Attendee;
use super::event::Action;
use super::machine::Rules;
use super::meeting::Meeting;
use super::talk;
use crate::meeting::guest::{EndReason, GuestEvent, GuestId};
use crate::meeting::role::{Capability, Role};
use crate::meeting::wish::{Wish, WishRefusal};

/// The longest message to those who wait, in characters.
const LONGEST_MESSAGE: usize = 200;

/// Who asks, once it is known who they are: a phone, or a guest who is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// A paired phone.
    Phone,
    /// A guest.
    Guest(GuestId),
}

impl Meeting {
    /// Grants a wish or says why not.
    ///
    /// # Errors
    /// When whoever asks may not, or it cannot be done; nothing is changed then.
    pub fn wish(
        &mut self,
        now: Instant,
        rules: &Rules,
        media: bool,
        asker: Known,
        wish: Wish,
        out: &mut Vec<Action>,
    ) -> Result<(), WishRefusal> {
        let role = match asker {
            Known::Phone => Role::Administrator,
            Known::Guest(id) => self.guest(id).ok_or(WishRefusal::Unknown)?.standing.role,
        };
        let may = rules.roles.may(role);
        if wish.needs().is_some_and(|needed| !may.holds(needed)) {
            return Err(WishRefusal::NotAllowed);
        }
        match wish {
            Wish::State { microphone, camera, hand, mutes } => {
                let Known::Guest(id) = asker else { return Err(WishRefusal::Unusable) };
                self.inside_mut(id)?.standing.says(microphone, camera, hand, mutes);
            }
            Wish::Present { on } => {
                let Known::Guest(id) = asker else { return Err(WishRefusal::Unusable) };
                match (on, self.presenter) {
                    (true, Some(other)) if other != id => return Err(WishRefusal::Taken),
                    (true, _) => self.presenter = Some(id),
                    (false, Some(other)) if other == id => self.presenter = None,
                    (false, _) => {}
                }
            }
            Wish::StopPresenting => {
                let presenter = self.presenter.take().ok_or(WishRefusal::Gone)?;
                if let Some(guest) = self.guest(presenter).filter(|_| asker != Known::Guest(presenter)) {
                    guest.tell(GuestEvent::Present { on: false }, out);
                }
            }
            Wish::Admit { guest } => {
                self.waits(guest)?;
                if !self.admit(now, guest, rules.max_guests, rules.roles.locks, media, out) {
                    return Err(WishRefusal::Taken);
                }
            }
            Wish::AdmitAll => {
                while let Some(next) = self.next() {
                    if !self.admit(now, next, rules.max_guests, rules.roles.locks, media, out) {
                        return Err(WishRefusal::Taken);
                    }
                }
            }
            Wish::Deny { guest } => {
                self.waits(guest)?;
                self.remove(now, guest, EndReason::Denied, out);
            }
            Wish::Message { text } => {
                let text = text.reveal().trim();
                self.message = if text.is_empty() {
                    None
                } else {
                    let clean = talk::line(text.as_bytes()).ok_or(WishRefusal::Unusable)?;
                    if clean.chars().count() > LONGEST_MESSAGE {
                        return Err(WishRefusal::Unusable);
                    }
                    Some(Zeroizing::new(clean.to_string()))
                };
            }
            Wish::Lock { on } => self.locked = on,
            Wish::Mute { guest } => self.mute(guest, out)?,
            Wish::MuteAll => {
                let others: Vec<GuestId> =
                    self.inside().map(|guest| guest.id).filter(|id| asker != Known::Guest(*id)).collect();
                for guest in others {
                    self.mute(guest, out)?;
                }
            }
            Wish::Remove { guest } => {
                self.guest(guest).ok_or(WishRefusal::Gone)?;
                self.remove(now, guest, EndReason::Removed, out);
            }
            Wish::Role { guest, role } => {
                // Nobody makes others more than they are.
                if role == Role::Administrator || !may.covers(rules.roles.may(role)) {
                    return Err(WishRefusal::NotAllowed);
                }
                let guest = self.inside_mut(guest)?;
                let before = rules.roles.may(guest.standing.role);
                let after = rules.roles.may(role);
                guest.standing.role = role;
                if before.holds(Capability::Speak) && !after.holds(Capability::Speak) && guest.standing.mute() {
                    guest.tell(GuestEvent::Muted, out);
                }
            }
            Wish::Arrange { layout } => self.layout = layout,
            Wish::End => out.push(Action::Sleep),
            // What concerns the room and not the meeting is the chair's: see `crate::remote::chair`.
            Wish::Ask { .. } | Wish::Close { .. } | Wish::Volume { .. } | Wish::Hide { .. } => {
                return Err(WishRefusal::NotAllowed);
            }
        }
        Ok(())
    }

    fn waits(&self, id: GuestId) -> Result<(), WishRefusal> {
        let waits = self.guests.iter().any(|guest| guest.id == id && !guest.admitted);
        if waits { Ok(()) } else { Err(WishRefusal::Gone) }
    }

    fn inside_mut(&mut self, id: GuestId) -> Result<&mut Attendee, WishRefusal> {
        self.guests.iter_mut().find(|guest| guest.id == id && guest.admitted).ok_or(WishRefusal::Gone)
    }

    fn mute(&mut self, id: GuestId, out: &mut Vec<Action>) -> Result<(), WishRefusal> {
        let guest = self.inside_mut(id)?;
        if guest.standing.mute() {
            guest.tell(GuestEvent::Muted, out);
        }
        Ok(())
    }
}
