//! The recordings, replayed: the server's frames go in, and what the machine sends is compared in meaning with what the
//! real client sent.
//!
//! Differences, and why:
//! - lib-jitsi-meet makes a session (`<session>`) although the server calls it optional; RFC 6121 says that it need not.
//! - The ids of IQs are ours.
//! - What the layers above send (presences, conference requests, Jingle) is not the session's and is left out here.
//! - The raw client of 16 says that it has three stanzas when it has four (the server sends the last one again, as it
//!   must); there the count is not compared. In 06c it is, with lib-jitsi-meet's.
//! - Pings, `<r>` and `<a>` come at times of their own and are left out; the count in `<resume>` is compared.

use std::time::{Duration, Instant};

use minidom::Element;

use super::table::{settings, text};
use super::{Action, Event, Session, Stanza, Told, frame, namespace};
use crate::signalling::recording::{self, Direction};

/// A frame of the session's own, in words; `None` for what is left out.
fn meaning(element: &Element) -> Option<String> {
    let attr = |name| element.attr(name).unwrap_or_default().to_owned();
    if element.has_ns(namespace::FRAMING) {
        return (element.name() == "open").then(|| format!("open to {} version {}", attr("to"), attr("version")));
    }
    if element.has_ns(namespace::SASL) {
        return Some(format!("{} {} {:?}", element.name(), attr("mechanism"), element.text()));
    }
    if element.has_ns(namespace::MANAGEMENT) {
        return match element.name() {
            "enable" => Some(format!("enable resume={}", attr("resume"))),
            "resume" => Some(format!("resume {} h={}", attr("previd"), attr("h"))),
            _ => None,
        };
    }
    element.has_child("bind", namespace::BIND).then(|| "bind".to_owned())
}

/// Replays one recording; what was sent by the machine and by the client.
fn replay(recording: &recording::Recording) -> (Vec<String>, Vec<String>, u32) {
    let start = Instant::now();
    let mut session = Session::new(settings(3));
    let (mut ours, mut theirs, mut told) = (Vec::new(), Vec::new(), 0);
    // Ids of the bind IQ: the recorded answer carries the recorded id.
    let mut bind: Option<(String, String)> = None;
    let mut late = Duration::ZERO;
    for line in recording.frames.iter().filter(|line| line.channel == "xmpp") {
        let mut now = start + Duration::from_millis(line.t_ms) + late;
        let mut events = Vec::new();
        match line.dir {
            Direction::Ev if line.data.starts_with("connect ") => {
                events.push(Event::Closed);
                events.push(Event::Start);
                // The recorded client's delay is not ours: time passes until we connect as well.
                for _ in 0..30 {
                    events.push(Event::Tick);
                }
                events.push(Event::Opened);
            }
            Direction::Ev => {}
            Direction::Out => {
                let Ok(element) = frame::read(&line.data) else { continue };
                // The small native client does not say when it connects.
                if theirs.is_empty() && ours.is_empty() {
                    events.extend([Event::Start, Event::Opened]);
                }
                if element.has_child("bind", namespace::BIND)
                    && let Some((_, theirs)) = &mut bind
                {
                    *theirs = element.attr("id").unwrap().to_owned();
                }
                theirs.extend(meaning(&element));
                let shakes =
                    element.has_child("bind", namespace::BIND) || element.has_child("session", namespace::SESSION);
                if element.has_ns(namespace::CLIENT) && !shakes {
                    events.push(Event::Send(Stanza(element)));
                }
            }
            Direction::In => {
                let frame = match &bind {
                    Some((ours, theirs)) if line.data.contains(&format!("id='{theirs}'")) => {
                        line.data.replace(&format!("id='{theirs}'"), &format!("id='{ours}'"))
                    }
                    _ => line.data.clone(),
                };
                events.push(text(&frame));
            }
        }
        for event in events {
            if matches!(event, Event::Tick) {
                now += Duration::from_secs(1);
                late += Duration::from_secs(1);
            }
            for action in session.step(now, event) {
                match action {
                    Action::Send(sent) => {
                        let element = frame::read(sent.reveal()).unwrap();
                        if element.has_child("bind", namespace::BIND) {
                            bind = Some((element.attr("id").unwrap().to_owned(), "none yet".to_owned()));
                        }
                        ours.extend(meaning(&element));
                    }
                    Action::Tell(Told::Online(_) | Told::Resumed) => told += 1,
                    Action::Tell(_) | Action::Connect { .. } | Action::Close => {}
                }
            }
        }
    }
    (ours, theirs, told)
}

#[test]
fn in_every_recording_the_machine_shakes_hands_as_the_real_client_did() {
    let mut replayed = 0;
    for recording in recording::all() {
        let (ours, mut theirs, told) = replay(&recording);
        if theirs.is_empty() {
            continue;
        }
        // The small native client has stream management only where it was the subject.
        let mut ours = ours;
        if !theirs.iter().any(|sent| sent.starts_with("enable")) {
            ours.retain(|sent| !sent.starts_with("enable"));
        }
        // After a failed resume lib-jitsi-meet and the raw client differ in what they do next; up to there we compare.
        let until = ours.len().min(theirs.len());
        if recording.name.starts_with("16-") || recording.name.starts_with("06d") {
            ours.truncate(until);
            theirs.truncate(until);
        }
        if recording.name.starts_with("16-") {
            for sent in ours.iter_mut().chain(&mut theirs) {
                sent.truncate(sent.find(" h=").unwrap_or(sent.len()));
            }
        }
        assert_eq!(ours, theirs, "{}", recording.name);
        assert!(told > 0, "{}", recording.name);
        replayed += 1;
    }
    assert!(replayed > 30, "{replayed}");
}
