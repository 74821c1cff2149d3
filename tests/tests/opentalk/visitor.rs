//! The room's machine on a WebSocket: what its shell will do.

use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_room::signalling::opentalk::{Action, Event, Session, Told};
use subrosa_tests::opentalk::{Client, Direction, Room, Server, Transcript, Who};

pub struct Visitor {
    pub session: Session,
    pub transcript: Transcript,
    client: Client,
    told: Vec<Told>,
    said: String,
}

impl Visitor {
    pub fn join(server: &Server, room: &Room, who: Who) -> Self {
        let client = server.join(room, who, "Saal 3");
        let session = Session::new(Instant::now(), &Pii::new("Saal 3".to_owned()));
        let mut visitor =
            Visitor { session, transcript: Transcript::default(), client, told: Vec::new(), said: String::new() };
        visitor.step(Event::Opened);
        visitor
    }

    fn step(&mut self, event: Event) {
        for action in self.session.step(Instant::now(), event) {
            match action {
                Action::Send(text) => {
                    self.transcript.add(Direction::Out, text.reveal());
                    self.said += text.reveal();
                    self.client.send(text.reveal());
                }
                Action::Close => self.client.close(),
                Action::Tell(told) => self.told.push(told),
            }
        }
    }

    /// A person in the room does something.
    pub fn act(&mut self, name: &str, event: Event) {
        self.transcript.act(name);
        self.step(event);
    }

    /// Everything that was said to the server.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// Listens until this is told; what was told before is forgotten.
    #[track_caller]
    pub fn until(&mut self, what: &str, is: impl Fn(&Told) -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(found) = self.told.iter().position(&is) {
                self.told.drain(..=found);
                return;
            }
            assert!(Instant::now() < end, "{what}: {:?}", self.told);
            if let Some(text) = self.client.hear(Duration::from_millis(100)) {
                self.transcript.add(Direction::In, &text);
                self.step(Event::Message(Pii::new(text)));
            } else if !self.client.is_open() {
                self.step(Event::Closed);
            }
        }
    }
}
