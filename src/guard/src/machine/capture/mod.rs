//! One capture: its switch, its lamps, its nodes, its permit.

mod events;
mod media;
mod verdict;

use subrosa_messages::Capture;
use subrosa_messages::doctor::Lag;
use subrosa_messages::guard::{GuardToMedia, Level, PermitId, Refusal};

use super::doubt::Doubt;
use super::lags::Stopwatch;
use super::lamps::Lamps;
use super::node::{Node, Permit};
use super::power::Power;
use super::switch::Switch;
use super::{Action, LampId, Mode, Moment};

/// What a capture has to know of the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) now: Moment,
    pub(super) awake: bool,
    /// Media is connected.
    pub(super) media: bool,
    /// The media that is connected has been ordered killed.
    pub(super) condemned: bool,
    /// The one lamp that is shown to whoever looks after the device.
    pub(super) shown: Option<LampId>,
}

/// What a capture has on this board.
#[derive(Clone, Copy, Debug)]
pub(super) struct Has {
    /// One node, not several.
    pub(super) single: bool,
    pub(super) muted_lamp: bool,
    /// A line that cuts its power.
    pub(super) power: bool,
}

/// One capture.
#[derive(Clone, Debug)]
pub(super) struct CaptureMachine {
    capture: Capture,
    /// It is one node: the first open seen is the only one there has to be.
    single: bool,
    pub(super) switch: Switch,
    pub(super) lamps: Lamps,
    power: Power,
    present: bool,
    permission_right: bool,
    pub(super) node: Node,
    /// A grant to which the media that is connected has not answered: its open may still complete.
    unanswered: Option<PermitId>,
    /// A media has gone without its answer. If it has only left the socket and not died, its open may still complete.
    left_unanswered: bool,
    told: Option<Option<Refusal>>,
    stopwatch: Stopwatch,
}

impl CaptureMachine {
    pub(super) fn new(capture: Capture, has: Has, muted: bool, now: Moment) -> Self {
        CaptureMachine {
            capture,
            single: has.single,
            switch: Switch::new(muted),
            lamps: Lamps::new(has.muted_lamp),
            power: Power::new(has.power),
            present: true,
            permission_right: true,
            node: Node::unknown(now),
            unanswered: None,
            left_unanswered: false,
            told: None,
            stopwatch: Stopwatch::default(),
        }
    }

    /// Its switch was read.
    pub(super) fn switch_read(&mut self, now: Moment, level: Level) {
        let was_open = self.switch.level() == Level::Open;
        self.switch.read(now, level);
        if was_open && self.switch.level() != Level::Open {
            self.stopwatch.edge(now, &self.node);
        }
    }

    /// How long it took, at the longest.
    pub(super) fn lag(&self) -> Lag {
        self.stopwatch.lag()
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

    fn look(&mut self, now: Moment) {
        if let Some(doubt) = self.node.doubt_mut() {
            doubt.look(now);
        }
    }

    fn close_mode_behind(&mut self, permit: PermitId, actions: &mut Vec<Action>) {
        self.node = Node::Open { permit };
        actions.push(Action::SetMode(self.capture, Mode::Closed));
    }

    /// From Revoking to Closing; the time to obey runs on.
    fn prove_revoked(&mut self, now: Moment) {
        if let Node::Revoking { permit, doubt } = &mut self.node {
            let mut doubt = doubt.clone();
            doubt.look(now);
            self.node = Node::Closing { permit: Some(Permit { id: *permit, revoked: true }), doubt };
        }
    }

    fn revoke(&mut self, now: Moment, permit: PermitId, actions: &mut Vec<Action>) {
        actions.push(Action::ToMedia(GuardToMedia::Revoke { permit }));
        actions.push(Action::SetMode(self.capture, Mode::Closed));
        self.node = Node::Revoking { permit, doubt: Doubt::waiting(now) };
    }
}
