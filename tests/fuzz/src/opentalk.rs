//! OpenTalk against a hostile server: a whole session, and the way to it.

use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_room::meeting::opentalk::link::Link;
use subrosa_room::meeting::opentalk::start::{Start, Step, Visitor};
use subrosa_room::signalling::opentalk::{Action, Event, Session, Told};

/// More than a meeting has of what matters, and the input's length bounds the rest.
const LINES: usize = 400;
const LINK: &str =
    "https://meet.test/room/11111111-2222-3333-4444-555555555555?invite=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

/// A session. One line of the input is one frame, if it begins with `{`. `.` some seconds pass, `y` and `n` somebody agrees to be
/// recorded or not, `h` and `l` the room raises its hand or lowers it, `r` LiveKit wants another token; the rest is said to all.
pub fn session(text: &str) {
    let mut now = Instant::now();
    let mut session = Session::new(now, &Pii::new("Rose".to_owned()));
    let (mut asked, mut over) = (false, false);
    let lines = text.lines().take(LINES).map(|line| match line.as_bytes().first() {
        Some(b'{') => Event::Message(Pii::new(line.to_owned())),
        Some(b'.') => Event::Tick,
        Some(b'y') => Event::Consent(true),
        Some(b'n') => Event::Consent(false),
        Some(b'h') => Event::Hand(true),
        Some(b'l') => Event::Hand(false),
        Some(b'r') => Event::Renew,
        _ => Event::Say(Pii::new(line.to_owned())),
    });
    for event in lines.chain([Event::Leave]) {
        if matches!(event, Event::Tick) {
            now += Duration::from_secs(8);
        }
        let agrees = matches!(event, Event::Consent(true)) && asked;
        asked &= !matches!(event, Event::Consent(_));
        for action in session.step(now, event) {
            assert!(!over, "over is over");
            match action {
                Action::Send(frame) => {
                    assert!(agrees || !frame.reveal().contains("\"consent\":true"), "nobody has agreed to it");
                }
                Action::Tell(Told::Asks(wants)) => asked = wants.is_some(),
                Action::Tell(Told::Waits) => asked = false,
                Action::Tell(Told::Over(_)) => over = true,
                Action::Tell(_) | Action::Close => {}
            }
        }
        assert!(session.people().iter().count() <= 500, "people are bounded");
    }
    assert!(over && session.deadline().is_none(), "whoever has left waits for nothing");
}

/// The way to a room server. One line is one answer: a status, and a body or, where it is sent on, where to.
pub fn start(text: &str) {
    let Some(link) = Link::read(LINK) else { return };
    let visitor =
        Visitor { name: Pii::new("Rose".to_owned()), secret: Pii::new("0123456789abcdef".to_owned()), password: None };
    let Ok((mut start, mut step)) = Start::begin(&link, visitor) else { return };
    for line in text.lines() {
        let (status, body) = line.split_once(' ').unwrap_or((line, ""));
        step = match step {
            Step::Ask { request, .. } => {
                let url = request.url.reveal();
                assert_eq!(url.scheme(), "https", "nothing but TLS");
                let known = start.hosts().any(|host| url.host_str() == Some(host.reveal()));
                assert!(known, "no host that was not told");
                start.answered(status.parse().unwrap_or(200), Some(body), body)
            }
            Step::PasswordWanted | Step::PasswordWrong => start.password(Pii::new(line.to_owned())),
            Step::Started { address, .. } => {
                assert_eq!(address.reveal().scheme(), "wss", "nothing but TLS");
                return;
            }
            Step::Failed(_) => return,
        };
    }
}
