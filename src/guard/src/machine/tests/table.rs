//! State × event: into which state, with which actions.
//!
//! Every state is reached as it is in life. The two tables (a capture of one node, and of several) were read line by
//! line against what was measured (see the docs of `node`); a difference is a fault in the code or a decision to be
//! written down there. `SUBROSA_PRINT_TABLE=1 cargo test -p subrosa-guard table -- --nocapture` prints them anew.

use std::fmt::Write;

use subrosa_messages::guard::{GuardToMedia, Lamp, Level};

use super::*;
use crate::machine::node::Permit;

const M: Capture = Capture::Microphone;

/// A machine, its clock and what it did last.
#[derive(Clone)]
struct Rig {
    machine: Machine,
    now: Moment,
    actions: Vec<Action>,
}

impl Rig {
    fn feed(&mut self, event: Event) {
        self.actions.extend(self.machine.step(self.now, event));
    }

    /// Feeds several events; what was done so far is forgotten.
    fn scene(mut self, events: &[Event]) -> Self {
        for event in events {
            self.feed(event.clone());
        }
        self.actions.clear();
        self
    }

    fn later(mut self, milliseconds: u64) -> Self {
        self.now += Duration::from_millis(milliseconds);
        self
    }

    fn permit(&self) -> PermitId {
        PermitId(self.machine.last_permit)
    }

    fn state(&self) -> String {
        match &self.machine.microphone.node {
            Node::Unknown(_) => "Unknown".into(),
            Node::Closed if !self.machine.microphone_is_present() => "Missing".into(),
            Node::Closed => "Closed".into(),
            Node::Lit { granting, again, .. } => {
                format!("Lit{}{}", if *granting { "·granting" } else { "" }, if *again { "·again" } else { "" })
            }
            Node::Offered { .. } => "Offered".into(),
            Node::Open { .. } => "Open".into(),
            Node::Revoking { .. } => "Revoking".into(),
            Node::Closing { permit: None, .. } => "Closing".into(),
            Node::Closing { permit: Some(Permit { revoked: false, .. }), .. } => "Closing·permit".into(),
            Node::Closing { permit: Some(Permit { revoked: true, .. }), .. } => "Closing·revoked".into(),
            Node::Foreign(_) => "Foreign".into(),
        }
    }

    /// The actions that matter here, in order: mode closed/granted, prove, grant, revoke, refuse, kill.
    fn did(&self) -> String {
        let mut did = String::new();
        for action in &self.actions {
            did.push_str(match action {
                Action::SetMode(M, Mode::Closed) => "c",
                Action::SetMode(M, Mode::Granted) => "G",
                Action::Prove(M) => "p",
                Action::ToMedia(GuardToMedia::Granted { .. }) => "+",
                Action::ToMedia(GuardToMedia::Revoke { .. }) => "R",
                Action::ToMedia(GuardToMedia::Refused { .. }) => "-",
                Action::Kill => "K",
                Action::SetLamp { lamp: LampId::Live(M), lit: true } => "L",
                Action::SetLamp { lamp: LampId::Live(M), lit: false } => "D",
                Action::SetPower(..)
                | Action::SetLamp { .. }
                | Action::SetMode(Capture::Camera, _)
                | Action::Prove(Capture::Camera)
                | Action::ToMedia(GuardToMedia::MayAsk { .. } | GuardToMedia::Reveal)
                | Action::ToRoom(_)
                | Action::Remember(_) => "",
            });
        }
        did
    }
}

impl Machine {
    fn microphone_is_present(&self) -> bool {
        self.microphone.state(self.awake).node != subrosa_messages::guard::NodeState::Missing
    }
}

fn lamp(lamp: LampId, seen: Lamp) -> Event {
    Event::Lamp(lamp, seen)
}

fn lit() -> [Event; 2] {
    [lamp(LampId::Muted(M), Lamp::Dark), lamp(LampId::Live(M), Lamp::Lit)]
}

/// A room that is awake, with media and room connected, switches open and nothing proved yet.
fn unknown(single: bool) -> Rig {
    let (machine, actions) =
        Machine::start(Moment::ZERO, Setup { microphone_single: single, ..setup() }, Memory::default());
    Rig { machine, now: Moment::ZERO, actions }
        .scene(&[
            Event::Switch(M, Level::Open),
            Event::Button(Some(false)),
            Event::RoomConnected,
            Event::MediaConnected,
            Event::Permission(M, Mode::Closed, Permission::Right),
        ])
        .scene(&lit())
        .later(100)
        .scene(&[Event::Time, Event::Button(Some(true)), Event::Button(Some(false))])
}

fn closed(single: bool) -> Rig {
    unknown(single).scene(&[Event::Proof(M, Proved::Closed), lamp(LampId::Live(M), Lamp::Dark)])
}

fn rows(single: bool) -> Vec<(&'static str, Rig)> {
    let node = |event| Event::Node(M, event);
    let granted = Event::Permission(M, Mode::Granted, Permission::Right);
    let asked = closed(single).scene(&[Event::Media(MediaToGuard::Ask { capture: M })]);
    let granting = asked.clone().scene(&lit());
    let offered = granting.clone().scene(std::slice::from_ref(&granted));
    let all_open = Event::Media(MediaToGuard::AllOpen { permit: offered.permit() });
    let open = offered.clone().scene(if single {
        &[Event::Node(M, NodeEvent::Opened)]
    } else {
        std::slice::from_ref(&all_open)
    });
    let answered = open.clone().scene(std::slice::from_ref(&all_open));
    let switch = Event::Switch(M, Level::Closed);
    let proof = |proved| Event::Proof(M, proved);
    let mut rows = vec![
        ("Unknown", unknown(single)),
        ("Closed", closed(single)),
        ("Lit", asked),
        ("Lit·granting", granting),
        ("Offered", offered.clone()),
        ("Open unanswered", open.clone()),
        ("Open", answered.clone()),
        ("Revoking unanswered", offered.scene(std::slice::from_ref(&switch))),
        ("Revoking", answered.clone().scene(std::slice::from_ref(&switch))),
        ("Closing·permit unanswered", open.clone().scene(&[node(NodeEvent::Shut), proof(Proved::Open)])),
        ("Closing·permit", answered.clone().scene(&[node(NodeEvent::Shut), proof(Proved::Open)])),
        (
            "Closing·revoked unanswered",
            open.clone().scene(&[node(NodeEvent::Shut), switch.clone(), proof(Proved::Open)]),
        ),
        ("Closing·revoked", answered.clone().scene(&[node(NodeEvent::Shut), switch, proof(Proved::Open)])),
        (
            "Closing",
            answered.scene(&[
                node(NodeEvent::Shut),
                Event::Media(MediaToGuard::Closed { permit: open.permit() }),
                proof(Proved::Open),
            ]),
        ),
        ("Foreign", closed(single).scene(&[node(NodeEvent::Opened), proof(Proved::Open)])),
        ("Unknown unproved", unknown(single).scene(&[proof(Proved::Nothing)])),
        ("Missing", closed(single).scene(&[node(NodeEvent::Gone)])),
    ];
    if single {
        let again = open.scene(&[node(NodeEvent::Shut), proof(Proved::Closed)]);
        rows.push(("Foreign unanswered", again.clone().scene(&[node(NodeEvent::Opened), proof(Proved::Open)])));
        rows.push(("Lit·again", again));
    } else {
        // A grant of several nodes is not taken by a passing open.
        rows.retain(|(name, _)| !name.contains("unanswered") || name.starts_with("Revoking"));
    }
    rows
}

fn columns(rig: &Rig) -> Vec<(&'static str, Vec<Event>)> {
    let permit = rig.permit();
    let node = |event| vec![Event::Node(M, event)];
    let mode = rig.machine.microphone.node.mode();
    let permission = |found| vec![Event::Permission(M, mode, found)];
    let proof = |proved| vec![Event::Proof(M, proved)];
    let media = |word| vec![Event::Media(word)];
    vec![
        ("opened", node(NodeEvent::Opened)),
        ("shut", node(NodeEvent::Shut)),
        ("attributes", node(NodeEvent::Attributes)),
        ("gone", node(NodeEvent::Gone)),
        ("appeared", node(NodeEvent::Appeared)),
        ("lost", node(NodeEvent::Lost)),
        ("right", permission(Permission::Right)),
        ("repaired", permission(Permission::Repaired)),
        ("wrong", permission(Permission::Wrong)),
        ("missing", permission(Permission::Missing)),
        ("proof closed", proof(Proved::Closed)),
        ("proof open", proof(Proved::Open)),
        ("proof nothing", proof(Proved::Nothing)),
        ("lamps live", lit().into()),
        ("lamp dark", vec![lamp(LampId::Live(M), Lamp::Dark)]),
        ("lamp unknown", vec![lamp(LampId::Live(M), Lamp::Unknown)]),
        ("red stays on", vec![lamp(LampId::Muted(M), Lamp::Lit)]),
        ("ask", media(MediaToGuard::Ask { capture: M })),
        ("all open", media(MediaToGuard::AllOpen { permit })),
        ("did not open", media(MediaToGuard::DidNotOpen { permit })),
        ("closed", media(MediaToGuard::Closed { permit })),
        ("old permit", media(MediaToGuard::Closed { permit: PermitId(0) })),
        ("media gone", vec![Event::MediaGone]),
        ("switch closed", vec![Event::Switch(M, Level::Closed)]),
        ("switch unknown", vec![Event::Switch(M, Level::Unknown)]),
        ("mute", vec![Event::Room(RoomToGuard::Mute { capture: M })]),
        ("sleep", vec![Event::Room(RoomToGuard::Sleep)]),
        ("room gone", vec![Event::RoomGone]),
        ("stop", vec![Event::Stop]),
        ("second", vec![Event::Second]),
    ]
}

fn table(single: bool) -> String {
    let mut table = String::new();
    for (name, rig) in rows(single) {
        assert!(name.starts_with(&rig.state()), "{name} was reached as {}", rig.state());
        writeln!(table, "{name}").unwrap();
        let mut cell = |column: &str, rig: &Rig| {
            let line = format!("    {column:<16} {:<18} {}", rig.state(), rig.did());
            writeln!(table, "{}", line.trim_end()).unwrap();
        };
        for (column, events) in columns(&rig) {
            let mut rig = rig.clone();
            for event in events {
                rig.feed(event);
            }
            cell(column, &rig);
        }
        for (column, milliseconds) in [("open at 20 ms", 20), ("open at 249 ms", 249), ("open at 250 ms", 250)] {
            let mut rig = rig.clone().later(milliseconds);
            rig.feed(Event::Time);
            if rig.actions.contains(&Action::Prove(M)) {
                rig.feed(Event::Proof(M, Proved::Open));
            }
            cell(column, &rig);
        }
    }
    table
}

#[test]
fn every_state_answers_every_event_as_written() {
    for (single, written) in [(true, include_str!("single.txt")), (false, include_str!("several.txt"))] {
        let found = table(single);
        if std::env::var_os("SUBROSA_PRINT_TABLE").is_some() {
            println!("=== single: {single}\n{found}===");
            continue;
        }
        let mut row = "";
        let written: Vec<_> = written.lines().filter(|line| !line.starts_with('#')).collect();
        for (found, written) in found.lines().zip(&written) {
            if !found.starts_with(' ') {
                row = found;
            }
            assert_eq!(found, *written, "in the state {row} of a capture with {} node(s)", if single { 1 } else { 2 });
        }
        assert_eq!(found.lines().count(), written.len());
    }
}
