//! A call between a room and a peer, over a wire with a tap at the room's end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::namespace::{Namespace, Wire};
use crate::peer::{Guest, Link, Peer, difference};
use crate::room::{Invitation, Plan, Room};
use crate::tap::Tap;

/// A call. Its parts end in the order in which they stand here.
pub struct Call {
    /// The guest.
    pub peer: Peer,
    /// What leaves the room.
    pub tap: Tap,
    /// The room.
    pub room: Room,
    /// How the guest got in.
    pub invitation: Invitation,
    /// Between them; `None` on the loopback interface.
    pub wire: Option<Wire>,
}

impl Call {
    /// Wakes a room, knocks, admits with the button, and waits until the camera's picture moves and sound is heard.
    #[must_use]
    #[track_caller]
    pub fn begin(guest: Guest) -> Self {
        Call::begin_with(|plan| plan, guest)
    }

    /// The same with a room of one's own making.
    #[must_use]
    #[track_caller]
    pub fn begin_with(plan: impl FnOnce(Plan) -> Plan, guest: Guest) -> Self {
        let wire = Wire::lay();
        let tap = Tap::on(Some(&wire.room), Wire::INTERFACE);
        let room = Room::start(plan(Plan::on(&wire)));
        let guest = Guest { namespace: Some(wire.guest.clone()), ..guest };
        let invitation = room.wake();
        let peer = Peer::ask(&invitation, &guest);
        let call = Call { peer, tap, room, invitation, wire: Some(wire) };
        call.admit();
        call
    }

    /// The network of the guests.
    #[must_use]
    pub fn guests(&self) -> Option<Arc<Namespace>> {
        self.wire.as_ref().map(|wire| wire.guest.clone())
    }

    /// Presses the button for the guest who waits, and waits for picture and sound.
    #[track_caller]
    fn admit(&self) {
        let mark = self.peer.mark();
        self.room.sim.press();
        self.peer.told(mark, "the guest was let in", Duration::from_secs(5), |event| event["event"] == "admitted");
        let link = self.peer.connected(Duration::from_secs(10));
        assert!(camera_moves(&link, Duration::from_secs(10)), "the camera's picture does not move");
        let heard = link.recording.wait_for_sound(0, Duration::from_secs(5), |sound| sound.level > -50.0);
        assert!(heard.is_some(), "the microphone is not heard");
    }
}

/// Waits until two frames of a link, both newer than now, show that the picture moves: the card does not.
#[must_use]
pub fn camera_moves(link: &Link, within: Duration) -> bool {
    let (_, from, _) = link.recording.counts();
    let deadline = Instant::now() + within;
    let Some(first) = link.recording.wait_for_frame(from, within, |_| true) else { return false };
    let left = deadline.saturating_duration_since(Instant::now());
    link.recording.wait_for_frame(from, left, |frame| difference(&first.thumb, &frame.thumb) > MOVED).is_some()
}

/// Pictures whose brightness differs by more than this in the mean are two pictures; coding noise is below it.
pub const MOVED: f64 = 1.5;
