//! What media says about a capture, and its end.

use subrosa_messages::guard::{MediaToGuard, PermitId};

use super::{Around, CaptureMachine};
use crate::machine::node::{Node, Permit};
use crate::machine::{Action, Mode, Moment};

impl CaptureMachine {
    /// Media asks for this capture.
    pub(in crate::machine) fn ask(&mut self, around: Around, permit: PermitId, actions: &mut Vec<Action>) {
        match self.refusal(around.awake) {
            Some(reason) => self.refuse(reason, actions),
            None => {
                self.stopwatch.asked(around.now);
                self.light(permit, false);
            }
        }
    }

    /// Media's word about a permit.
    pub(in crate::machine) fn word(&mut self, around: Around, word: &MediaToGuard, actions: &mut Vec<Action>) {
        let now = around.now;
        let (id, over) = match word {
            MediaToGuard::Ask { .. } => return,
            MediaToGuard::AllOpen { permit } => (*permit, false),
            MediaToGuard::DidNotOpen { permit } | MediaToGuard::Closed { permit } => (*permit, true),
        };
        if self.unanswered == Some(id) {
            self.unanswered = None;
            self.look(now);
        }
        match &mut self.node {
            Node::Offered { permit } if *permit == id && !over => self.close_mode_behind(id, actions),
            Node::Offered { permit } | Node::Open { permit } if *permit == id && over => {
                actions.push(Action::SetMode(self.capture, Mode::Closed));
                self.node = Node::ending(now);
            }
            Node::Lit { permit, granting, again: true } if *permit == id => {
                if *granting {
                    actions.push(Action::SetMode(self.capture, Mode::Closed));
                }
                self.node = if over { Node::ending(now) } else { Node::closing(now, id) };
            }
            Node::Revoking { permit, .. } if *permit == id && over => {
                self.prove_revoked(now);
                self.forget_permit(now);
            }
            Node::Closing { permit: Some(permit), .. } if permit.id == id && over => self.forget_permit(now),
            Node::Unknown(_)
            | Node::Closed
            | Node::Lit { .. }
            | Node::Offered { .. }
            | Node::Open { .. }
            | Node::Revoking { .. }
            | Node::Closing { .. }
            | Node::Foreign(_) => {}
        }
    }

    /// The permit is over. Where it still stood, the time to obey starts now.
    pub(super) fn forget_permit(&mut self, now: Moment) {
        if let Node::Closing { permit, doubt } = &mut self.node {
            match permit.take() {
                Some(Permit { revoked: false, .. }) => doubt.restart(now),
                Some(_) | None => doubt.look(now),
            }
        }
    }

    /// Media was killed, and with it whatever was left of an earlier one: for both captures at once.
    pub(in crate::machine) fn media_killed(&mut self, now: Moment) {
        self.left_unanswered = false;
        if let Some(doubt) = self.node.doubt_mut() {
            doubt.killed(now);
        }
    }

    /// Media has gone, and with it every permit.
    pub(in crate::machine) fn media_gone(&mut self, around: Around, actions: &mut Vec<Action>) {
        let now = around.now;
        self.told = None;
        self.left_unanswered |= self.unanswered.take().is_some() && !around.condemned;
        let close_mode = Action::SetMode(self.capture, Mode::Closed);
        match &self.node {
            Node::Lit { granting, again, .. } => {
                if *granting {
                    actions.push(close_mode);
                }
                self.node = if *again { Node::ending(now) } else { Node::Closed };
            }
            Node::Offered { .. } | Node::Open { .. } => {
                actions.push(close_mode);
                self.node = Node::ending(now);
            }
            Node::Revoking { .. } => {
                self.prove_revoked(now);
                self.forget_permit(now);
            }
            Node::Closing { .. } => self.forget_permit(now),
            Node::Unknown(_) | Node::Foreign(_) => self.look(now),
            Node::Closed => {}
        }
    }
}
