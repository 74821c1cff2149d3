//! An act in the room, as a type (promise P2).

use subrosa_messages::guard::GuardToRoom;

/// Somebody did something on the device itself. It is made from the guard's word and from nothing else, so that no
/// value that came over a network can wake the room or pair a phone.
#[derive(Debug, PartialEq, Eq)]
pub struct RoomAct(());

impl RoomAct {
    /// The act that a word of the guard stands for: a press, or a room that is awake since one.
    #[must_use]
    pub fn in_word(word: &GuardToRoom) -> Option<Self> {
        match word {
            GuardToRoom::Press { woke: _ } => Some(RoomAct(())),
            GuardToRoom::State(state) => state.awake.then_some(RoomAct(())),
        }
    }
}
