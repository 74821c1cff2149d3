//! What the played room says of itself.

use subrosa_messages::guard::{CaptureState, GuardState, Lamp, Level, NodeState, Refusal, Trust};
use subrosa_room::notice::{NoticeFacts, Operator};
use subrosa_room::status::{BackgroundWord, Status};

pub fn facts() -> NoticeFacts {
    NoticeFacts {
        room: "Lindenzimmer".to_owned(),
        operator: Some(Operator {
            name: "Beispielverein e. V.".to_owned(),
            address: "Beispielweg 1\n12345 Beispielstadt".to_owned(),
            privacy_contact: Some("datenschutz@example.org".to_owned()),
        }),
        purpose: None,
        legal_basis: None,
        contacts: Vec::new(),
        encryption_checked: false,
        background_hidden: true,
        local_only: true,
        relay: false,
        others: true,
        chat_on_screen: true,
    }
}

pub fn status() -> Status {
    let camera =
        CaptureState { switch: Level::Open, node: NodeState::Open, live: Lamp::Lit, muted: None, refusal: None };
    let microphone = CaptureState {
        switch: Level::Closed,
        node: NodeState::Closed,
        live: Lamp::Dark,
        muted: Some(Lamp::Lit),
        refusal: Some(Refusal::Switch),
    };
    Status {
        version: env!("CARGO_PKG_VERSION"),
        board: "sim".to_owned(),
        measured: None,
        guard: Some(GuardState { awake: true, camera, microphone, media: true, trust: Trust::SimulatedUsers }),
        media: true,
        encoder: Some("x264enc".to_owned()),
        background: BackgroundWord::Hidden,
        guests: 1,
        contacts: Vec::new(),
        fingerprint: "5A:0C:91:".repeat(10) + "5A:0C",
    }
}
