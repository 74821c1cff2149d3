//! What a server that has let the room in says.

use std::time::Instant;

use livekit_protocol::leave_request::Action as LeaveAction;
use livekit_protocol::signal_response::Message as Said;
use livekit_protocol::{
    ConnectionQuality, DisconnectReason, LeaveRequest, ParticipantInfo, SignalTarget, SpeakerInfo, StreamState,
};
use subrosa_messages::Pii;

use super::{Out, Pings, Session};
use crate::signalling::livekit::event::{Action, End, Told};
use crate::signalling::livekit::wanted::wanted;

/// Of so many people it is known who spoke last.
const MOST_SPEAKERS: usize = 64;

impl Session {
    pub(super) fn sent_away(&mut self, now: Instant, leave: &LeaveRequest, out: &mut Out) {
        match leave.action() {
            LeaveAction::Resume => {
                out.push(Action::Close);
                self.lost(now, out);
            }
            LeaveAction::Reconnect => self.restart(now, out),
            LeaveAction::Disconnect => {
                let end = match leave.reason() {
                    DisconnectReason::DuplicateIdentity => End::Twice,
                    DisconnectReason::ParticipantRemoved => End::Removed,
                    DisconnectReason::RoomDeleted | DisconnectReason::RoomClosed => End::RoomDeleted,
                    DisconnectReason::ServerShutdown => End::ServerGone,
                    DisconnectReason::JoinFailure => End::JoinFailed,
                    DisconnectReason::ConnectionTimeout => End::NoPath,
                    _ => End::Removed,
                };
                self.end(end, out);
            }
        }
    }

    pub(super) fn records(&mut self, records: bool, out: &mut Out) {
        if std::mem::replace(&mut self.records, records) != records {
            out.push(Action::Tell(Told::Records(records)));
        }
    }

    pub(super) fn said(&mut self, now: Instant, message: Said, out: &mut Out) {
        match message {
            Said::Update(update) => self.update(update.participants, out),
            Said::RoomUpdate(update) => self.records(update.room.is_some_and(|room| room.active_recording), out),
            Said::SpeakersChanged(changed) => self.speak(changed.speakers, out),
            Said::StreamStateUpdate(update) => {
                let known = |sid: &String| self.people.track(sid).is_some();
                for one in update.stream_states.into_iter().filter(|one| known(&one.track_sid)) {
                    match one.state() {
                        StreamState::Paused => self.paused.insert(one.track_sid),
                        StreamState::Active => self.paused.remove(&one.track_sid),
                    };
                }
            }
            Said::ConnectionQuality(update) => {
                for one in update.updates.into_iter().filter(|one| self.people.has(&one.participant_sid)) {
                    match one.quality() {
                        ConnectionQuality::Lost => self.unheard.insert(one.participant_sid),
                        _ => self.unheard.remove(&one.participant_sid),
                    };
                }
            }
            Said::PongResp(_) | Said::Pong(_) => {
                if let Some(pings) = &mut self.pings {
                    *pings = Pings { next: now + pings.every, owed: None, ..*pings };
                }
            }
            Said::RoomMoved(moved) => {
                self.token = Pii::new(moved.token);
                self.restart(now, out);
            }
            Said::Offer(offer) => {
                if let Some(theirs) = &mut self.subscriber {
                    theirs.offered(now, offer);
                }
            }
            Said::Trickle(trickle) => {
                let (init, last) = (&trickle.candidate_init, trickle.r#final);
                match (trickle.target(), &mut self.link, &mut self.subscriber) {
                    (SignalTarget::Publisher, Some(ours), _) => ours.trickled(init, last),
                    (SignalTarget::Subscriber, _, Some(theirs)) => theirs.trickled(init, last),
                    _ => {}
                }
            }
            message => {
                let Some(link) = &mut self.link else { return };
                match message {
                    Said::Answer(answer) => link.answered(now, answer, out),
                    Said::MediaSectionsRequirement(_) => link.again(),
                    Said::TrackPublished(published) => link.published(published, self.sends, out),
                    Said::TrackUnpublished(gone) => link.unpublished(&gone.track_sid, out),
                    Said::RequestResponse(response) => link.refused(&response, out),
                    Said::Mute(mute) => link.muted(&mute, self.sends, out),
                    Said::SubscribedQualityUpdate(update) if link.is_picture(&update.track_sid) => {
                        out.push(Action::Tell(wanted(&update, link.two)));
                    }
                    // What is permitted, what was only asked for: nothing follows from it here.
                    _ => {}
                }
            }
        }
    }

    fn update(&mut self, participants: Vec<ParticipantInfo>, out: &mut Out) {
        let mut changed = false;
        for info in participants {
            if self.own.as_deref() == Some(&info.sid) {
                self.permission = info.permission.unwrap_or_else(|| self.permission.clone());
            } else {
                let sid = info.sid.clone();
                let before = self.people.is_heard(&sid);
                changed |= self.people.update(info);
                // The server reports only those who are heard already: who opens a microphone means to speak.
                if self.people.is_heard(&sid) && !before {
                    self.speakers.retain(|speaker| *speaker != sid);
                    self.speakers.insert(0, sid);
                    self.speakers.truncate(MOST_SPEAKERS);
                }
            }
        }
        if changed {
            self.paused.retain(|track| self.people.track(track).is_some());
            self.unheard.retain(|sid| self.people.has(sid));
            out.push(Action::Tell(Told::People));
        }
    }

    fn speak(&mut self, changed: Vec<SpeakerInfo>, out: &mut Out) {
        for one in changed {
            self.speaking.retain(|(sid, _)| *sid != one.sid);
            // An own voice is not one of the others.
            if one.active && self.people.iter().any(|(sid, _)| sid == one.sid) {
                self.speakers.retain(|sid| *sid != one.sid);
                self.speakers.insert(0, one.sid.clone());
                self.speakers.truncate(MOST_SPEAKERS);
                self.speaking.push((one.sid, one.level));
            }
        }
        self.speaking.sort_by(|one, other| other.1.total_cmp(&one.1));
        out.push(Action::Tell(Told::Speakers(self.speaking.iter().map(|(sid, _)| sid.clone()).collect())));
    }
}
