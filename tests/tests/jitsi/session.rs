//! The session: cut and resumed, cut for too long.

use std::time::{Duration, Instant};

use subrosa_messages::Pii;
use subrosa_room::meeting::jitsi::muc;
use subrosa_room::signalling::xmpp::Told;
use subrosa_tests::jitsi::client::Occupant;
use subrosa_tests::jitsi::guest::{Guest, Seen};
use subrosa_tests::jitsi::meeting::{ROOM, server};
use subrosa_tests::jitsi::prosody::Options;
use subrosa_tests::jitsi::wire::Wire;
use subrosa_tests::needs;
use subrosa_tests::stage::eventually;

use super::prosody::PROSODY;

fn said(line: &str) -> impl Fn(&Seen) -> bool {
    move |seen| matches!(seen, Seen::Muc(muc::Told::Said(_, text)) if text.reveal() == line)
}

#[test]
fn p10_a_cut_connection_is_resumed_and_nothing_is_lost_or_said_twice() {
    needs!(PROSODY);
    let (prosody, focus, _) = server(Options::default(), false);
    let wire = Wire::to(prosody.secure);
    prosody.settings(wire.port, false);
    let alice = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    let guest = Guest::join(&format!("https://localhost:{}/Rose", wire.port), &prosody.authority());
    let place = guest.is_in(1);
    for (round, line) in ["first", "second", "third"].into_iter().enumerate() {
        let cut = Instant::now();
        wire.cut();
        alice.say(line);
        // Said into the cut: it waits, and goes out once.
        guest.act(muc::Event::Say(Pii::new(format!("{line} answer"))));
        eventually("the session is resumed", Duration::from_secs(15), || {
            (guest.count(|seen| *seen == Seen::Session(Told::Resumed)) > round).then_some(())
        });
        println!("resumed {:.2} s after the cut", cut.elapsed().as_secs_f64());
        eventually("Alice's line", Duration::from_secs(5), || (guest.count(said(line)) > 0).then_some(()));
        let answer = format!("{line} answer");
        let heard = || {
            let has = |stanza: &minidom::Element| {
                stanza.children().any(|child| child.name() == "body" && child.text() == answer)
            };
            alice.client.heard().iter().filter(|stanza| has(stanza)).count()
        };
        eventually("the room's line", Duration::from_secs(5), || (heard() > 0).then_some(()));
        assert_eq!((guest.count(said(line)), heard()), (1, 1));
    }
    // Nobody saw it go.
    assert_eq!(guest.count(|seen| matches!(seen, Seen::Muc(muc::Told::In(_)))), 1);
    let gone = |stanza: &minidom::Element| {
        stanza.attr("from") == Some(place.reveal()) && stanza.attr("type") == Some("unavailable")
    };
    assert!(!alice.client.heard().iter().any(gone));
    assert_eq!(focus.requests().len(), 2);
}

#[test]
fn p10_a_session_that_cannot_be_resumed_any_more_is_followed_by_a_new_one() {
    needs!(PROSODY);
    let (prosody, focus, _) = server(Options { resumable: 2, ..Options::default() }, false);
    let wire = Wire::to(prosody.secure);
    prosody.settings(wire.port, false);
    let alice = Occupant::join(&prosody, ROOM, "aaaaaaaa", "Alice");
    let guest = Guest::join(&format!("https://localhost:{}/Rose", wire.port), &prosody.authority());
    let before = guest.is_in(1);
    wire.down(true);
    wire.cut();
    alice.client.wait("the room is gone", |stanza| {
        (stanza.attr("from") == Some(before.reveal()) && stanza.attr("type") == Some("unavailable")).then_some(())
    });
    wire.down(false);
    let after = eventually("the room is in again", Duration::from_secs(60), || {
        let places = guest.seen().into_iter().filter_map(|seen| match seen {
            Seen::Muc(muc::Told::In(place)) => Some(place),
            _ => None,
        });
        places.into_iter().nth(1)
    });
    assert_ne!(before, after);
    assert_eq!(guest.count(|seen| *seen == Seen::Session(Told::Resumed)), 0);
    assert_eq!(guest.count(|seen| matches!(seen, Seen::Session(Told::Online(_)))), 2);
    assert_eq!(focus.requests().len(), 3);
}

#[test]
fn p10_a_server_that_hangs_is_noticed_and_the_session_resumed_when_it_goes_on() {
    needs!(PROSODY);
    let (prosody, focus, link) = server(Options::default(), false);
    let guest = Guest::join(&link, &prosody.authority());
    guest.is_in(1);
    let hung = Instant::now();
    prosody.hang(true);
    guest.wait("the session is interrupted", Duration::from_secs(40), |seen| {
        matches!(seen, Seen::Session(Told::Interrupted(_))).then_some(())
    });
    // 10 s of silence, then two pings of 5 s.
    println!("noticed after {:.1} s", hung.elapsed().as_secs_f64());
    assert!((18.0..26.0).contains(&hung.elapsed().as_secs_f64()), "{:?}", hung.elapsed());
    prosody.hang(false);
    guest.wait("the session is resumed", Duration::from_secs(40), |seen| {
        (*seen == Seen::Session(Told::Resumed)).then_some(())
    });
    assert_eq!((guest.count(|seen| matches!(seen, Seen::Muc(muc::Told::In(_)))), focus.requests().len()), (1, 1));
}
