//! What follows for a capture from everything that is known: revocation, enforcement, lamps, refusals.

use subrosa_messages::guard::{CaptureState, GuardToMedia, Level, NodeState, Refusal};

use super::{Around, CaptureMachine};
use crate::machine::doubt::{Doubt, LATE_OPEN, OBEDIENCE};
use crate::machine::node::{Node, Permit};
use crate::machine::{Action, LampId, Moment, Proved};

impl CaptureMachine {
    /// A second has passed: what events should have told is looked at.
    pub(in crate::machine) fn second(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.lamps.second(now);
        self.power.repeat();
        actions.push(Action::SetMode(self.capture, self.node.mode()));
        match &mut self.node {
            Node::Closed => actions.push(Action::Prove(self.capture)),
            Node::Lit { .. } | Node::Offered { .. } | Node::Open { .. } => {}
            Node::Unknown(doubt)
            | Node::Revoking { doubt, .. }
            | Node::Closing { doubt, .. }
            | Node::Foreign(doubt) => doubt.second(now),
        }
    }

    /// What follows from all of the above: revocation and enforcement.
    pub(in crate::machine) fn settle(&mut self, around: Around, actions: &mut Vec<Action>) {
        self.switch.time(around.now);
        if let Some(reason) = self.blocked(around.awake) {
            self.take_back(around.now, reason, actions);
        }
        self.enforce(around, actions);
        self.cut_power(around);
        self.stopwatch.look(around.now, &self.node);
    }

    /// What the lamps, the power and media are told.
    pub(in crate::machine) fn tell(&mut self, around: Around, actions: &mut Vec<Action>) {
        // A switch that cannot be read says nothing, and nothing is never dark: the room sees that it is unknown.
        let live = self.node != Node::Closed || self.switch.level() == Level::Unknown;
        // One lamp after another is shown while the room sleeps, where nothing can be granted. A live lamp is never
        // darkened for it, and *muted* is lit on proof of *closed* only, as ever.
        let (live, muted) = match around.shown {
            None => (live, self.is_muted()),
            Some(LampId::Live(capture)) => (live || capture == self.capture, false),
            Some(LampId::Muted(capture)) => (live, capture == self.capture),
        };
        self.lamps.tell(self.capture, live, muted, actions);
        self.power.tell(self.capture, actions);
        let refusal = self.refusal(around.awake);
        if around.media && self.told != Some(refusal) {
            self.told = Some(refusal);
            actions.push(Action::ToMedia(GuardToMedia::MayAsk { capture: self.capture, refusal }));
        }
    }

    /// The proof that is due, if one is.
    pub(in crate::machine) fn prove(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if self.node.doubt_mut().is_some_and(|doubt| doubt.take_due(now)) {
            actions.push(Action::Prove(self.capture));
        }
    }

    pub(super) fn take_back(&mut self, now: Moment, reason: Refusal, actions: &mut Vec<Action>) {
        match &mut self.node {
            Node::Lit { permit, granting, again } => {
                let (permit, granting, again) = (*permit, *granting, *again);
                self.node = match self.unlight(permit, granting, again, reason, actions) {
                    Some(permit) => Node::Revoking { permit: permit.id, doubt: Doubt::waiting(now) },
                    None => Node::Closed,
                };
            }
            Node::Offered { permit } | Node::Open { permit } => {
                let permit = *permit;
                self.revoke(now, permit, actions);
            }
            Node::Closing { permit: Some(permit), doubt } if !permit.revoked => {
                permit.revoked = true;
                actions.push(Action::ToMedia(GuardToMedia::Revoke { permit: permit.id }));
                doubt.restart(now);
            }
            Node::Unknown(_) | Node::Closed | Node::Revoking { .. } | Node::Closing { .. } | Node::Foreign(_) => {}
        }
    }

    fn enforce(&mut self, around: Around, actions: &mut Vec<Action>) {
        let now = around.now;
        let Some(at) = self.enforce_at(around).filter(|at| now >= *at) else {
            return;
        };
        if matches!(self.node, Node::Revoking { .. }) {
            self.prove_revoked(now);
        }
        // The last proof may be from some time ago: nobody is killed who has closed since.
        if self.node.doubt().is_some_and(|doubt| !doubt.is_answered_since(at)) {
            return self.look(now);
        }
        match &mut self.node {
            // Somebody else's passing look, and media still has it open with a permit that stands.
            Node::Closing { permit: Some(Permit { id, revoked: false }), .. } => self.node = Node::Open { permit: *id },
            Node::Unknown(_) | Node::Closing { .. } | Node::Foreign(_) => self.kill(now, actions),
            Node::Closed | Node::Lit { .. } | Node::Offered { .. } | Node::Open { .. } | Node::Revoking { .. } => {}
        }
    }

    fn kill(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if let Some(doubt) = self.node.doubt_mut() {
            doubt.killed(now);
            actions.push(Action::Kill);
        }
    }

    /// A promise is broken: the power goes, if a fresh proof does not say that it is kept after all.
    fn cut_power(&mut self, around: Around) {
        let Some(at) = self.cut_at(around).filter(|at| around.now >= *at) else { return };
        if self.node.doubt().is_some_and(|doubt| doubt.is_answered_since(at)) {
            self.power.cut();
        } else {
            self.look(around.now);
        }
    }

    /// When the power is to be cut: when media has had its time to obey; when somebody else has had it open for as
    /// long, which is no passing look; when it must be closed and cannot be proved so.
    fn cut_at(&self, around: Around) -> Option<Moment> {
        if !self.power.can_be_cut() {
            return None;
        }
        let must_be_closed = self.blocked(around.awake).is_some();
        match &self.node {
            Node::Closed | Node::Lit { .. } | Node::Offered { .. } | Node::Open { .. } => None,
            Node::Closing { permit: Some(Permit { revoked: false, .. }), .. } => None,
            Node::Foreign(doubt) => (doubt.last() == Some(Proved::Open)).then(|| doubt.end(OBEDIENCE)),
            Node::Revoking { doubt, .. } => must_be_closed.then(|| doubt.end(OBEDIENCE)),
            Node::Unknown(doubt) | Node::Closing { doubt, .. } => match doubt.last() {
                Some(Proved::Open | Proved::Nothing) if must_be_closed => Some(doubt.end(OBEDIENCE)),
                Some(Proved::Open | Proved::Nothing | Proved::Closed) | None => None,
            },
        }
    }

    /// Somebody is in the room and has pressed the button. Whoever still has it open keeps it without power.
    pub(in crate::machine) fn restore_power(&mut self) {
        let open = match &self.node {
            Node::Closed => false,
            Node::Unknown(doubt) => doubt.last() == Some(Proved::Open),
            Node::Lit { .. }
            | Node::Offered { .. }
            | Node::Open { .. }
            | Node::Revoking { .. }
            | Node::Closing { .. }
            | Node::Foreign(_) => true,
        };
        if !open {
            self.power.restore();
        }
    }

    /// When patience ends.
    fn enforce_at(&self, around: Around) -> Option<Moment> {
        match &self.node {
            Node::Closed | Node::Lit { .. } | Node::Offered { .. } | Node::Open { .. } => None,
            Node::Closing { permit: Some(Permit { revoked: false, .. }), doubt } => Some(doubt.end(OBEDIENCE)),
            Node::Revoking { doubt, .. } => doubt.kill_at(OBEDIENCE, around.condemned),
            Node::Closing { doubt, .. } => doubt.kill_at(OBEDIENCE, around.condemned),
            Node::Unknown(doubt) | Node::Foreign(doubt) => match doubt.last() {
                None => None,
                Some(Proved::Closed) if self.unanswered.is_none() => None,
                Some(Proved::Open) if self.unanswered.is_some() || self.left_unanswered => {
                    doubt.kill_at(LATE_OPEN, around.condemned)
                }
                Some(Proved::Closed | Proved::Open | Proved::Nothing) => doubt.kill_at(OBEDIENCE, around.condemned),
            },
        }
    }

    /// When [`CaptureMachine::settle`] has something to do without a new event.
    pub(in crate::machine) fn deadline(&self, around: Around) -> Option<Moment> {
        let next = self.node.doubt().and_then(Doubt::next);
        [self.switch.deadline(), self.enforce_at(around), self.cut_at(around), next].into_iter().flatten().min()
    }

    fn is_muted(&self) -> bool {
        self.present && (self.switch.level() == Level::Closed || self.switch.is_muted())
    }

    /// Why the capture must not be open, whatever the state of its nodes.
    fn blocked(&self, awake: bool) -> Option<Refusal> {
        if !awake {
            return Some(Refusal::Asleep);
        }
        match self.switch.level() {
            Level::Closed => return Some(Refusal::Switch),
            Level::Unknown => return Some(Refusal::SwitchUnknown),
            Level::Open => {}
        }
        if self.switch.is_muted() {
            Some(Refusal::Muted)
        } else if self.power.is_cut() {
            Some(Refusal::Power)
        } else if !self.present {
            Some(Refusal::Missing)
        } else if !self.permission_right {
            Some(Refusal::Node)
        } else if self.lamps.have_failed() {
            Some(Refusal::Lamp)
        } else {
            None
        }
    }

    pub(super) fn refusal(&self, awake: bool) -> Option<Refusal> {
        self.blocked(awake).or(match &self.node {
            Node::Closed => None,
            Node::Lit { .. }
            | Node::Offered { .. }
            | Node::Open { .. }
            | Node::Revoking { .. }
            | Node::Closing { permit: Some(_), .. } => Some(Refusal::Busy),
            Node::Unknown(_) | Node::Closing { permit: None, .. } | Node::Foreign(_) => Some(Refusal::Unproved),
        })
    }

    /// What is true, for the room.
    pub(in crate::machine) fn state(&self, awake: bool) -> CaptureState {
        CaptureState {
            switch: self.switch.level(),
            node: match &self.node {
                Node::Closed if !self.present => NodeState::Missing,
                Node::Closed => NodeState::Closed,
                Node::Lit { .. } | Node::Offered { .. } | Node::Open { .. } => NodeState::Open,
                Node::Revoking { .. } | Node::Closing { .. } => NodeState::Closing,
                Node::Foreign(_) => NodeState::Foreign,
                Node::Unknown(_) => NodeState::Unknown,
            },
            live: self.lamps.live(),
            muted: self.lamps.muted(),
            refusal: self.refusal(awake),
        }
    }
}
