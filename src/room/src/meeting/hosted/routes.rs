//! Which line of whose link sends what: worked out anew after every event, so that nothing of somebody who is gone, muted
//! or not yet in is ever left over.

use std::collections::BTreeMap;

use subrosa_messages::media::{Mid, Source};

use super::attendee::Attendee;
use super::lines::{self, ROOM_AUDIO, ROOM_VIDEO, SCREEN};
use super::link::Sending;
use super::meeting::Meeting;
use crate::meeting::guest::GuestId;
use crate::meeting::role::Roles;

/// What the link of a guest is to send.
pub fn of(meeting: &Meeting, roles: &Roles, viewer: &Attendee) -> Sending {
    let mut sources = BTreeMap::new();
    let mut pictures: Vec<(Option<GuestId>, Mid)> = Vec::new();
    let Some(own) = viewer.standing.seat.filter(|_| viewer.admitted) else { return Sending::default() };
    sources.insert(Mid(ROOM_VIDEO.to_owned()), Source::RoomVideo);
    sources.insert(Mid(ROOM_AUDIO.to_owned()), Source::RoomAudio);
    for other in meeting.inside().filter(|other| other.id != viewer.id) {
        let may = roles.may(other.standing.role);
        let Some(slot) = other.standing.seat.and_then(|seat| lines::slot_of(own, seat)) else { continue };
        let Some(link) = other.carrying() else { continue };
        if let Some(screen) = link.screen.as_ref().filter(|_| meeting.presenter == Some(other.id)) {
            sources.insert(Mid(SCREEN.to_owned()), Source::Forward(screen.track.clone()));
            pictures.push((None, Mid(SCREEN.to_owned())));
        }
        if let Some(picture) = link.picture.as_ref().filter(|_| other.standing.is_seen(may)) {
            let mid = lines::slot_video(slot);
            sources.insert(mid.clone(), Source::Forward(picture.track.clone()));
            pictures.push((Some(other.id), mid));
        }
        if let Some(sound) = link.sound.as_ref().filter(|_| other.standing.is_heard(may)) {
            sources.insert(lines::slot_audio(slot), Source::Forward(sound.clone()));
        }
    }
    // The screen first, then the room, whoever spoke last, and the others as they came.
    let spoke = |who: &GuestId| meeting.speaker.order().iter().position(|known| known == who).unwrap_or(usize::MAX);
    pictures.sort_by_key(|(who, _)| who.as_ref().map_or((0, 0), |who| (1, spoke(who))));
    let mut preferred: Vec<Mid> = pictures.into_iter().map(|(_, mid)| mid).collect();
    // Unless it is named, the room comes before all that is forwarded.
    if preferred.first().is_some_and(|mid| mid.0 == SCREEN) {
        preferred.insert(1, Mid(ROOM_VIDEO.to_owned()));
    }
    Sending { sources, preferred }
}
