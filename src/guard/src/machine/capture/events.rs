//! What happens to a capture's lamps and nodes.

use subrosa_messages::guard::{GuardToMedia, Lamp, PermitId, Refusal};

use super::{Around, CaptureMachine};
use crate::machine::doubt::Doubt;
use crate::machine::node::{Node, Permit};
use crate::machine::{Action, LampId, Mode, NodeEvent, Permission, Proved};

impl CaptureMachine {
    /// A lamp was set and read back.
    pub(in crate::machine) fn lamp(&mut self, around: Around, lamp: LampId, seen: Lamp, actions: &mut Vec<Action>) {
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
    pub(in crate::machine) fn node_event(&mut self, around: Around, event: NodeEvent, actions: &mut Vec<Action>) {
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

    /// A permission was set or looked at.
    pub(in crate::machine) fn permission(
        &mut self,
        around: Around,
        mode: Mode,
        found: Permission,
        actions: &mut Vec<Action>,
    ) {
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
    pub(in crate::machine) fn proof(&mut self, around: Around, proved: Proved, actions: &mut Vec<Action>) {
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
                    self.proved_closed();
                }
            }
        }
    }

    fn proved_closed(&mut self) {
        if self.present && !self.permission_right {
            // Closed now, but not ours to keep closed.
            if let Some(doubt) = self.node.doubt().filter(|_| self.unanswered.is_none()) {
                self.node = Node::Unknown(doubt.clone());
            }
            return;
        }
        if let Node::Closing { permit: Some(Permit { id, revoked: false }), .. } = self.node
            && self.unanswered == Some(id)
        {
            // Somebody else's passing open had taken the grant, media still wants it.
            return self.light(id, true);
        }
        if self.unanswered.is_none() {
            self.node = Node::Closed;
        }
    }
}
