//! One capture: its switch, its lamps, its nodes, its permit.

use subrosa_messages::Capture;
use subrosa_messages::guard::{CaptureState, GuardToMedia, Lamp, Level, MediaToGuard, NodeState, PermitId, Refusal};

use super::doubt::{Doubt, LATE_OPEN, OBEDIENCE};
use super::lamps::Lamps;
use super::node::{Node, Permit};
use super::switch::Switch;
use super::{Action, LampId, Mode, Moment, NodeEvent, Permission, Proved};

/// What a capture has to know of the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) now: Moment,
    pub(super) awake: bool,
    /// Media is connected.
    pub(super) media: bool,
    /// The media that is connected has been ordered killed.
    pub(super) condemned: bool,
}

/// One capture.
#[derive(Clone, Debug)]
pub(super) struct CaptureMachine {
    capture: Capture,
    /// It is one node: the first open seen is the only one there has to be.
    single: bool,
    pub(super) switch: Switch,
    pub(super) lamps: Lamps,
    present: bool,
    permission_right: bool,
    pub(super) node: Node,
    /// A grant to which media has not answered: its open may still complete.
    unanswered: Option<PermitId>,
    told: Option<Option<Refusal>>,
}

impl CaptureMachine {
    pub(super) fn new(capture: Capture, single: bool, has_muted_lamp: bool, muted: bool, now: Moment) -> Self {
        CaptureMachine {
            capture,
            single,
            switch: Switch::new(muted),
            lamps: Lamps::new(has_muted_lamp),
            present: true,
            permission_right: true,
            node: Node::unknown(now),
            unanswered: None,
            told: None,
        }
    }

    /// Media asks for this capture.
    pub(super) fn ask(&mut self, around: Around, permit: PermitId, actions: &mut Vec<Action>) {
        match self.refusal(around.awake) {
            Some(reason) => self.refuse(reason, actions),
            None => self.light(permit, false),
        }
    }

    fn light(&mut self, permit: PermitId, again: bool) {
        self.lamps.doubt();
        self.node = Node::Lit { permit, granting: false, again };
    }

    fn refuse(&self, reason: Refusal, actions: &mut Vec<Action>) {
        actions.push(Action::ToMedia(GuardToMedia::Refused { capture: self.capture, reason }));
    }

    /// Gives up a grant that was being made, and says what remains of the permit.
    fn unlight(
        &self,
        permit: PermitId,
        granting: bool,
        again: bool,
        why: Refusal,
        actions: &mut Vec<Action>,
    ) -> Option<Permit> {
        if again {
            actions.push(Action::ToMedia(GuardToMedia::Revoke { permit }));
        }
        if granting {
            actions.push(Action::SetMode(self.capture, Mode::Closed));
        }
        if again {
            return Some(Permit { id: permit, revoked: true });
        }
        self.refuse(why, actions);
        None
    }

    /// A lamp was set and read back.
    pub(super) fn lamp(&mut self, around: Around, lamp: LampId, seen: Lamp, actions: &mut Vec<Action>) {
        let permitted = match self.node {
            Node::Lit { .. }
            | Node::Offered { .. }
            | Node::Open { .. }
            | Node::Closing { permit: Some(Permit { revoked: false, .. }), .. } => true,
            Node::Unknown(_) | Node::Closed | Node::Revoking { .. } | Node::Closing { .. } | Node::Foreign(_) => false,
        };
        self.lamps.read(around.now, lamp, seen, permitted);
        if let Node::Lit { granting, .. } = &mut self.node
            && !*granting
            && self.lamps.say_live()
        {
            *granting = true;
            actions.push(Action::SetMode(self.capture, Mode::Granted));
        }
    }

    /// Something happened to the nodes.
    pub(super) fn node_event(&mut self, around: Around, event: NodeEvent, actions: &mut Vec<Action>) {
        match event {
            NodeEvent::Opened => self.opened(around, actions),
            NodeEvent::Shut => self.shut(around, actions),
            NodeEvent::Attributes => actions.push(Action::SetMode(self.capture, self.node.mode())),
            NodeEvent::Gone => {
                self.present = false;
                self.look(around.now);
            }
            NodeEvent::Appeared => {
                self.present = true;
                actions.push(Action::SetMode(self.capture, Mode::Closed));
                self.doubt_all(around, Refusal::Unproved, actions);
            }
            NodeEvent::Lost => self.lost(around, actions),
        }
    }

    fn look(&mut self, now: Moment) {
        if let Some(doubt) = self.node.doubt_mut() {
            doubt.look(now);
        }
    }

    fn opened(&mut self, around: Around, actions: &mut Vec<Action>) {
        match self.node {
            Node::Closed => self.node = Node::foreign(around.now),
            Node::Lit { permit, granting, again } => {
                let _unanswered = self.unlight(permit, granting, again, Refusal::Unproved, actions);
                self.node = Node::foreign(around.now);
            }
            Node::Offered { permit } => self.first_open(permit, actions),
            Node::Open { .. } | Node::Revoking { .. } => {}
            Node::Unknown(_) | Node::Closing { .. } | Node::Foreign(_) => self.look(around.now),
        }
    }

    /// The mode closes behind the first open; where the capture is several nodes, behind media's word.
    fn first_open(&mut self, permit: PermitId, actions: &mut Vec<Action>) {
        if self.single {
            self.close_mode_behind(permit, actions);
        }
    }

    fn close_mode_behind(&mut self, permit: PermitId, actions: &mut Vec<Action>) {
        self.node = Node::Open { permit };
        actions.push(Action::SetMode(self.capture, Mode::Closed));
    }

    fn shut(&mut self, around: Around, actions: &mut Vec<Action>) {
        let now = around.now;
        match self.node {
            Node::Closed => self.node = Node::ending(now),
            Node::Lit { permit, granting, again } => {
                let permit = self.unlight(permit, granting, again, Refusal::Unproved, actions);
                self.node = Node::Closing { permit, doubt: Doubt::new(now) };
            }
            Node::Offered { permit } if self.single => {
                actions.push(Action::SetMode(self.capture, Mode::Closed));
                self.node = Node::closing(now, permit);
            }
            Node::Offered { .. } => {}
            Node::Open { permit } => self.node = Node::closing(now, permit),
            Node::Revoking { .. } => self.prove_revoked(now),
            Node::Unknown(_) | Node::Closing { .. } | Node::Foreign(_) => self.look(now),
        }
    }

    /// From Revoking to Closing; the time to obey runs on.
    fn prove_revoked(&mut self, now: Moment) {
        if let Node::Revoking { permit, doubt } = &mut self.node {
            let mut doubt = doubt.clone();
            doubt.look(now);
            self.node = Node::Closing { permit: Some(Permit { id: *permit, revoked: true }), doubt };
        }
    }

    fn lost(&mut self, around: Around, actions: &mut Vec<Action>) {
        let now = around.now;
        match self.node {
            Node::Closed => self.node = Node::unknown(now),
            Node::Lit { permit, granting, again } => {
                let _unanswered = self.unlight(permit, granting, again, Refusal::Unproved, actions);
                self.node = Node::unknown(now);
            }
            Node::Offered { .. } => actions.push(Action::Prove(self.capture)),
            Node::Open { permit } => self.node = Node::closing(now, permit),
            Node::Revoking { .. } => self.prove_revoked(now),
            Node::Unknown(_) | Node::Closing { .. } | Node::Foreign(_) => self.look(now),
        }
    }

    /// These are not the nodes of before: whatever was known of them is void.
    fn doubt_all(&mut self, around: Around, why: Refusal, actions: &mut Vec<Action>) {
        let now = around.now;
        match self.node {
            Node::Closed => self.node = Node::unknown(now),
            Node::Lit { permit, granting, again } => {
                let _unanswered = self.unlight(permit, granting, again, why, actions);
                self.node = Node::unknown(now);
            }
            Node::Offered { .. } | Node::Open { .. } | Node::Revoking { .. } => self.take_back(now, why, actions),
            Node::Unknown(_) | Node::Closing { .. } | Node::Foreign(_) => {
                self.take_back(now, why, actions);
                self.look(now);
            }
        }
    }

    fn revoke(&mut self, now: Moment, permit: PermitId, actions: &mut Vec<Action>) {
        actions.push(Action::ToMedia(GuardToMedia::Revoke { permit }));
        actions.push(Action::SetMode(self.capture, Mode::Closed));
        self.node = Node::Revoking { permit, doubt: Doubt::waiting(now) };
    }

    /// A permission was set or looked at.
    pub(super) fn permission(&mut self, around: Around, mode: Mode, found: Permission, actions: &mut Vec<Action>) {
        let now = around.now;
        let was_right = std::mem::replace(&mut self.permission_right, found != Permission::Wrong);
        match found {
            Permission::Right => {
                if let Node::Lit { permit, granting: true, again } = self.node
                    && mode == Mode::Granted
                {
                    self.node = Node::Offered { permit };
                    self.unanswered = Some(permit);
                    if !again {
                        let (capture, nodes) = (self.capture, Vec::new());
                        actions.push(Action::ToMedia(GuardToMedia::Granted { permit, capture, nodes }));
                    }
                }
                if !was_right {
                    self.look(now);
                }
            }
            Permission::Repaired | Permission::Wrong => match self.node {
                Node::Closed => self.node = Node::unknown(now),
                Node::Lit { permit, granting, again } => {
                    let _unanswered = self.unlight(permit, granting, again, Refusal::Node, actions);
                    self.node = Node::unknown(now);
                }
                Node::Offered { .. } | Node::Open { .. } | Node::Revoking { .. } => {}
                Node::Unknown(_) | Node::Closing { .. } | Node::Foreign(_) => {
                    if !was_right {
                        self.look(now);
                    }
                }
            },
            Permission::Missing => self.present = false,
        }
    }

    /// A proof was made.
    pub(super) fn proof(&mut self, around: Around, proved: Proved, actions: &mut Vec<Action>) {
        let now = around.now;
        match (&mut self.node, proved) {
            (Node::Closed, Proved::Closed) => {}
            (Node::Closed, Proved::Open) => self.node = Node::foreign_after(now, proved),
            (Node::Closed, Proved::Nothing) => self.node = Node::Unknown(Doubt::after(now, proved)),
            (Node::Lit { .. }, Proved::Closed) => {}
            (Node::Lit { permit, granting, again }, Proved::Open | Proved::Nothing) => {
                let (permit, granting, again) = (*permit, *granting, *again);
                let _unanswered = self.unlight(permit, granting, again, Refusal::Unproved, actions);
                self.node = match proved {
                    Proved::Open => Node::foreign_after(now, proved),
                    Proved::Closed | Proved::Nothing => Node::Unknown(Doubt::after(now, proved)),
                };
            }
            (Node::Offered { permit }, Proved::Open) => {
                let permit = *permit;
                self.first_open(permit, actions);
            }
            (Node::Offered { .. }, Proved::Closed | Proved::Nothing) => {}
            (Node::Open { permit }, Proved::Closed) => self.node = Node::closing(now, *permit),
            (Node::Open { .. }, Proved::Open | Proved::Nothing) => {}
            (Node::Revoking { .. }, Proved::Closed) => self.prove_revoked(now),
            (Node::Revoking { .. }, Proved::Open | Proved::Nothing) => {}
            (Node::Unknown(doubt), Proved::Open) => {
                doubt.answer(now, proved);
                self.node = Node::Foreign(doubt.clone());
            }
            (Node::Unknown(doubt) | Node::Closing { doubt, .. } | Node::Foreign(doubt), _) => {
                doubt.answer(now, proved);
                if proved == Proved::Closed {
                    self.proved_closed(around);
                }
            }
        }
    }

    fn proved_closed(&mut self, around: Around) {
        if self.present && !self.permission_right {
            // Closed now, but not ours to keep closed.
            if let Some(doubt) = self.node.doubt().filter(|_| !self.awaits_an_answer(around)) {
                self.node = Node::Unknown(doubt.clone());
            }
            return;
        }
        if let Node::Closing { permit: Some(Permit { id, revoked: false }), .. } = self.node
            && self.unanswered == Some(id)
            && around.media
        {
            // Somebody else's passing open had taken the grant, media still wants it.
            return self.light(id, true);
        }
        if !self.awaits_an_answer(around) {
            self.node = Node::Closed;
        }
    }

    fn awaits_an_answer(&self, around: Around) -> bool {
        self.unanswered.is_some() && around.media
    }

    /// Media's word about a permit.
    pub(super) fn word(&mut self, around: Around, word: &MediaToGuard, actions: &mut Vec<Action>) {
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
    fn forget_permit(&mut self, now: Moment) {
        if let Node::Closing { permit, doubt } = &mut self.node {
            match permit.take() {
                Some(Permit { revoked: false, .. }) => doubt.restart(now),
                Some(_) | None => doubt.look(now),
            }
        }
    }

    /// Media has gone, and with it every permit.
    pub(super) fn media_gone(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.told = None;
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

    /// A second has passed: what events should have told is looked at.
    pub(super) fn second(&mut self, now: Moment, actions: &mut Vec<Action>) {
        self.lamps.second(now);
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
    pub(super) fn settle(&mut self, around: Around, actions: &mut Vec<Action>) {
        self.switch.time(around.now);
        if let Some(reason) = self.blocked(around.awake) {
            self.take_back(around.now, reason, actions);
        }
        self.enforce(around, actions);
    }

    /// What the lamps and media are told.
    pub(super) fn tell(&mut self, around: Around, actions: &mut Vec<Action>) {
        self.lamps.tell(self.capture, self.node != Node::Closed, self.is_muted(), actions);
        let refusal = self.refusal(around.awake);
        if around.media && self.told != Some(refusal) {
            self.told = Some(refusal);
            actions.push(Action::ToMedia(GuardToMedia::MayAsk { capture: self.capture, refusal }));
        }
    }

    /// The proof that is due, if one is.
    pub(super) fn prove(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if self.node.doubt_mut().is_some_and(|doubt| doubt.take_due(now)) {
            actions.push(Action::Prove(self.capture));
        }
    }

    fn take_back(&mut self, now: Moment, reason: Refusal, actions: &mut Vec<Action>) {
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
        if self.enforce_at(around).is_none_or(|at| now < at) {
            return;
        }
        match &mut self.node {
            // Somebody else's passing look, and media still has it open with a permit that stands.
            Node::Closing { permit: Some(Permit { id, revoked: false }), .. } => self.node = Node::Open { permit: *id },
            Node::Revoking { .. } => {
                self.prove_revoked(now);
                self.kill(now, actions);
            }
            Node::Unknown(_) | Node::Closing { .. } | Node::Foreign(_) => self.kill(now, actions),
            Node::Closed | Node::Lit { .. } | Node::Offered { .. } | Node::Open { .. } => {}
        }
    }

    fn kill(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if let Some(doubt) = self.node.doubt_mut() {
            doubt.killed(now);
            actions.push(Action::Kill);
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
                Some(Proved::Closed) if !self.awaits_an_answer(around) => None,
                Some(Proved::Open) if self.unanswered.is_some() => doubt.kill_at(LATE_OPEN, around.condemned),
                Some(Proved::Closed | Proved::Open | Proved::Nothing) => doubt.kill_at(OBEDIENCE, around.condemned),
            },
        }
    }

    /// When [`CaptureMachine::settle`] has something to do without a new event.
    pub(super) fn deadline(&self, around: Around) -> Option<Moment> {
        [self.switch.deadline(), self.enforce_at(around), self.node.doubt().and_then(Doubt::next)]
            .into_iter()
            .flatten()
            .min()
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

    fn refusal(&self, awake: bool) -> Option<Refusal> {
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
    pub(super) fn state(&self, awake: bool) -> CaptureState {
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
