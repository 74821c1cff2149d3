//! One meeting from its first press to its end: who is in it and who waits, who presents and who speaks, what is said.

use std::time::Instant;

use zeroize::Zeroizing;

use super::attendee::Attendee;
use super::door::Door;
use super::event::Action;
use super::secrets::Secrets;
use super::speaker::Speaker;
use super::talk::Written;
use super::{lines, talk};
use crate::meeting::guest::{EndReason, GuestEvent, GuestId};
use crate::meeting::role::{Capability, May, Roles};
use crate::meeting::wish::Layout;

/// The meeting. What says who people are is wiped with it.
pub struct Meeting {
    pub secrets: Secrets,
    pub door: Door,
    /// In the order in which they came.
    pub guests: Vec<Attendee>,
    /// Nobody else can knock.
    pub locked: bool,
    pub layout: Layout,
    /// What is said to those who wait.
    pub message: Option<Zeroizing<String>>,
    /// Who shares a screen.
    pub presenter: Option<GuestId>,
    pub speaker: Speaker,
    pub written: Written,
}

impl Meeting {
    pub fn new(secrets: Secrets) -> Self {
        Meeting {
            secrets,
            door: Door::default(),
            guests: Vec::new(),
            locked: false,
            layout: Layout::default(),
            message: None,
            presenter: None,
            speaker: Speaker::default(),
            written: Written::default(),
        }
    }

    /// Guests who are in.
    pub fn inside(&self) -> impl Iterator<Item = &Attendee> {
        self.guests.iter().filter(|guest| guest.admitted)
    }

    /// A guest who is in.
    pub fn guest(&self, id: GuestId) -> Option<&Attendee> {
        self.inside().find(|guest| guest.id == id)
    }

    /// What a guest may.
    pub fn may(&self, roles: &Roles, id: GuestId) -> May {
        self.guest(id).map(|guest| roles.may(guest.standing.role)).unwrap_or_default()
    }

    /// The first seat that nobody has.
    fn free_seat(&self, seats: usize) -> Option<usize> {
        (0..seats).find(|seat| self.guests.iter().all(|guest| guest.standing.seat != Some(*seat)))
    }

    /// Lets somebody in who waits; `false` where they do not wait or no seat is free.
    pub fn admit(
        &mut self,
        now: Instant,
        id: GuestId,
        seats: usize,
        locks: bool,
        media: bool,
        out: &mut Vec<Action>,
    ) -> bool {
        let Some(seat) = self.free_seat(seats) else { return false };
        let Some(guest) = self.guests.iter_mut().find(|guest| guest.id == id && !guest.admitted) else { return false };
        guest.admit(now, seat, media, out);
        self.locked |= locks;
        true
    }

    /// Who waits longest.
    pub fn next(&self) -> Option<GuestId> {
        self.guests.iter().find(|guest| !guest.admitted).map(|guest| guest.id)
    }

    /// It is over for somebody.
    pub fn remove(&mut self, now: Instant, id: GuestId, reason: EndReason, out: &mut Vec<Action>) {
        self.guests.retain_mut(|guest| {
            if guest.id == id {
                guest.end(reason, out);
            }
            guest.id != id
        });
        self.speaker.gone(id);
        self.written.gone(now, id);
        if self.presenter == Some(id) {
            self.presenter = None;
        }
    }

    /// What follows from roles and mutes: who may not speak is no speaker, who may not present does not.
    pub fn heed(&mut self, roles: &Roles, out: &mut Vec<Action>) {
        for guest in self.guests.iter().filter(|guest| guest.admitted) {
            let may = roles.may(guest.standing.role);
            if !guest.standing.is_heard(may) {
                self.speaker.gone(guest.id);
            }
            if self.presenter == Some(guest.id) && !may.holds(Capability::Present) {
                self.presenter = None;
                guest.tell(GuestEvent::Present { on: false }, out);
            }
        }
    }

    /// Something came over a data channel of a guest who is in.
    pub fn written(
        &mut self,
        now: Instant,
        roles: &Roles,
        from: GuestId,
        channel: &str,
        bytes: &[u8],
        out: &mut Vec<Action>,
    ) {
        let may = self.may(roles, from);
        let Some(guest) = self.guests.iter_mut().find(|guest| guest.id == from && guest.admitted) else { return };
        match channel {
            lines::CHAT if may.holds(Capability::Chat) => {
                let Some(text) = talk::line(bytes).filter(|_| guest.allowance.line(now)) else { return };
                let name = guest.name.clone();
                self.written.line(now, &name, &text);
                for reader in self.inside() {
                    let line = talk::Line { from, name: &name, text: &text, own: reader.id == from };
                    let json = serde_json::to_vec(&line).unwrap_or_default();
                    say(reader, lines::CHAT.to_owned(), Zeroizing::new(json), out);
                }
            }
            lines::TEXT if may.holds(Capability::Text) => {
                let block = talk::block(bytes);
                let Some(text) = block.filter(|text| guest.allowance.block(now, text)) else { return };
                let (name, seat) = (guest.name.clone(), guest.standing.seat);
                self.written.block(now, from, &name, &text);
                for reader in self.inside() {
                    let slot = reader.standing.seat.zip(seat).and_then(|(own, other)| lines::slot_of(own, other));
                    if let Some(slot) = slot {
                        say(reader, lines::slot_text(slot), Zeroizing::new(text.as_bytes().to_vec()), out);
                    }
                }
            }
            _ => {}
        }
    }
}

fn say(reader: &Attendee, channel: String, bytes: Zeroizing<Vec<u8>>, out: &mut Vec<Action>) {
    if let Some(link) = reader.carrying() {
        out.push(Action::Data { link: link.id, channel, bytes });
    }
}
