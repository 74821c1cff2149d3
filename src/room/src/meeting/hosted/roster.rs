//! What people are told of the meeting: guests, whoever runs it from a phone, and the room's screen.

use subrosa_messages::Pii;

use super::attendee::Attendee;
use super::event::Facts;
use super::lines;
use super::meeting::Meeting;
use crate::meeting::guest::{OwnView, PersonView, RoomView, WaitingView};
use crate::meeting::role::{Capability, Roles};
use crate::screen::view::{GuestView, ShareView};

/// What a guest who is in is told.
pub fn seen_by(meeting: &Meeting, roles: &Roles, room: &str, facts: &Facts, viewer: &Attendee) -> RoomView {
    let may = roles.may(viewer.standing.role);
    RoomView {
        room: room.to_owned(),
        camera_live: facts.camera_live,
        microphone_live: facts.microphone_live,
        encryption: viewer.encryption(facts.checked),
        guests: meeting.inside().count(),
        background_hidden: facts.background_hidden,
        background: facts.background,
        recording: false,
        locked: meeting.locked,
        layout: meeting.layout,
        screen: meeting.presenter,
        speaker: meeting.speaker.current(),
        you: OwnView {
            number: viewer.id,
            role: viewer.standing.role,
            may,
            silenced: viewer.standing.is_silenced(may),
            mutes: viewer.standing.mutes,
            presenting: meeting.presenter == Some(viewer.id),
        },
        people: meeting
            .inside()
            .filter(|other| other.id != viewer.id)
            .map(|other| {
                let slot = viewer.standing.seat.zip(other.standing.seat);
                person(meeting, roles, other, slot.and_then(|(own, other)| lines::slot_of(own, other)))
            })
            .collect(),
        waiting: if may.holds(Capability::Admit) { waiting(meeting) } else { Vec::new() },
    }
}

/// Everybody who is in, as a phone is told.
pub fn people(meeting: &Meeting, roles: &Roles) -> Vec<PersonView> {
    meeting.inside().map(|guest| person(meeting, roles, guest, None)).collect()
}

/// Who waits, who came first first.
pub fn waiting(meeting: &Meeting) -> Vec<WaitingView> {
    let waits = meeting.guests.iter().filter(|guest| !guest.admitted);
    waits.map(|guest| WaitingView { number: guest.id, name: Pii::new((*guest.name).clone()) }).collect()
}

fn person(meeting: &Meeting, roles: &Roles, guest: &Attendee, slot: Option<usize>) -> PersonView {
    let may = roles.may(guest.standing.role);
    PersonView {
        number: guest.id,
        name: Pii::new((*guest.name).clone()),
        role: guest.standing.role,
        slot,
        microphone: guest.standing.is_heard(may) && guest.sound().is_some(),
        camera: guest.standing.is_seen(may) && guest.pictured().is_some(),
        silenced: guest.standing.is_silenced(may),
        hand: guest.standing.hand,
        presenting: meeting.presenter == Some(guest.id),
        connected: guest.is_connected(),
    }
}

/// Everybody who is in, as the room's screen shows them.
pub fn shown(meeting: &Meeting, roles: &Roles) -> Vec<GuestView> {
    let view = |guest: &Attendee| {
        let may = roles.may(guest.standing.role);
        let picture = guest.pictured().filter(|_| guest.standing.is_seen(may));
        GuestView {
            name: Pii::new((*guest.name).clone()),
            picture: picture.map(|picture| picture.track.clone()),
            moving: picture.is_some_and(|picture| picture.moving),
            reconnecting: guest.is_reconnecting(),
            muted: !guest.standing.is_heard(may),
            hand: guest.standing.hand,
            speaks: meeting.speaker.current() == Some(guest.id),
        }
    };
    meeting.inside().map(view).collect()
}

/// The screen that is shared, as the room's screen shows it.
pub fn share(meeting: &Meeting) -> Option<ShareView> {
    let presenter = meeting.guest(meeting.presenter?)?;
    Some(ShareView {
        name: Pii::new((*presenter.name).clone()),
        picture: presenter.screen().map(|screen| screen.track.clone()),
        moving: presenter.screen().is_some_and(|screen| screen.moving),
    })
}
