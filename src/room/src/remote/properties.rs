//! Random events against what must always hold.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::table::{key, pressed, scanned, typed};
use super::{Action, CODE_LASTS, Event, MOST_PHONES, Pairing, PairingRefusal};

/// An event as a plain value that can be drawn and shrunk.
#[derive(Clone, Debug)]
enum Draw {
    Pressed,
    Covered,
    /// From which address, which of the codes so far (from the newest back; too far back: a wrong one), typed or scanned.
    Tried(u8, usize, bool),
    Slept,
    Tick,
    Wait(u64),
}

fn draws() -> impl Strategy<Value = Draw> {
    prop_oneof![
        3 => Just(Draw::Pressed),
        1 => Just(Draw::Covered),
        8 => (0_u8..6, 0_usize..4, any::<bool>()).prop_map(|(from, back, typed)| Draw::Tried(from, back, typed)),
        1 => Just(Draw::Slept),
        2 => Just(Draw::Tick),
        4 => (0_u64..40).prop_map(Draw::Wait),
    ]
}

/// A phone that anybody on the network can be.
fn from_the_network() -> impl Strategy<Value = Draw> {
    prop_oneof![
        8 => (0_u8..250, 0_usize..4, any::<bool>()).prop_map(|(from, back, typed)| Draw::Tried(from, back, typed)),
        1 => Just(Draw::Tick),
        2 => (0_u64..40).prop_map(Draw::Wait),
    ]
}

proptest! {
    /// A phone comes in only by the newest code, while it is on the screen, once; and is forgotten when the room sleeps.
    #[test]
    fn p2_a_phone_is_paired_by_a_code_that_a_press_has_shown_and_by_nothing_else(
        draws in prop::collection::vec(draws(), 1..120),
    ) {
        let (mut pairing, mut now) = (Pairing::default(), Instant::now());
        let (mut codes, mut shown): (Vec<String>, Option<(String, Instant)>) = (Vec::new(), None);
        let (mut paired, mut ever, mut tries): (BTreeSet<String>, BTreeSet<String>, u32) = Default::default();
        for draw in draws {
            let mut attempt = None;
            let event = match draw {
                Draw::Pressed => {
                    codes.push(format!("{:06}", codes.len()));
                    let code = codes.last().cloned().unwrap_or_default();
                    shown = (paired.len() < MOST_PHONES).then(|| (code.clone(), now));
                    pressed(&code)
                }
                Draw::Covered => {
                    shown = None;
                    Event::Covered
                }
                Draw::Tried(from, back, by_hand) => {
                    tries += 1;
                    let name = format!("phone {tries}");
                    let code = codes.iter().rev().nth(back).cloned().unwrap_or_else(|| "999999".to_owned());
                    attempt = Some((name.clone(), code.clone()));
                    if by_hand { typed(from, &code, &name) } else { scanned(from, &format!("token-{code}"), &name) }
                }
                Draw::Slept => {
                    shown = None;
                    paired.clear();
                    Event::Slept
                }
                Draw::Tick => Event::Tick,
                Draw::Wait(seconds) => {
                    now += Duration::from_secs(seconds);
                    continue;
                }
            };
            if shown.as_ref().is_some_and(|(_, since)| now >= *since + CODE_LASTS) {
                shown = None;
            }
            let actions = pairing.step(now, event);
            if let Some((name, code)) = attempt {
                let [Action::Reply(reply)] = actions.as_slice() else { panic!("{actions:?}") };
                match reply {
                    Ok(given) => {
                        prop_assert_eq!(given, &key(&name));
                        prop_assert_eq!(shown.take().map(|(shown, _)| shown), Some(code));
                        paired.insert(name.clone());
                        ever.insert(name);
                    }
                    Err(PairingRefusal::NoCode) => prop_assert!(shown.is_none()),
                    Err(PairingRefusal::WrongCode { .. }) => {
                        prop_assert!(shown.as_ref().is_some_and(|(shown, _)| *shown != code));
                    }
                    Err(PairingRefusal::TooEarly { retry_after_ms }) => {
                        prop_assert!(shown.is_some() && *retry_after_ms > 0);
                    }
                }
            }
            prop_assert_eq!(pairing.phones(), paired.len());
            prop_assert!(pairing.phones() <= MOST_PHONES);
            prop_assert_eq!(pairing.code().map(|code| code.pin().to_owned()), shown.as_ref().map(|(code, _)| code.clone()));
            for name in &ever {
                prop_assert_eq!(pairing.phone(&key(name)).is_some(), paired.contains(name), "{}", name);
            }
        }
    }

    /// Whatever comes from the network shows no code, and without a code nobody is paired.
    #[test]
    fn p2_nothing_on_the_network_shows_a_code(draws in prop::collection::vec(from_the_network(), 1..80)) {
        let (mut pairing, mut now) = (Pairing::default(), Instant::now());
        for draw in draws {
            let event = match draw {
                Draw::Tried(from, _, true) => typed(from, "000000", "x"),
                Draw::Tried(from, _, false) => scanned(from, "token-000000", "x"),
                Draw::Wait(seconds) => {
                    now += Duration::from_secs(seconds);
                    continue;
                }
                Draw::Tick | Draw::Pressed | Draw::Covered | Draw::Slept => Event::Tick,
            };
            pairing.step(now, event);
            prop_assert!(pairing.code().is_none() && pairing.phones() == 0);
        }
    }

    /// However guesses are spread over addresses, 30 of them are looked at in the life of a code, and six more as time goes by.
    #[test]
    fn guesses_at_one_code_are_bounded(guesses in prop::collection::vec((0_u64..1500, 0_u8..250), 1..400)) {
        let (mut pairing, start) = (Pairing::default(), Instant::now());
        pairing.step(start, pressed("123456"));
        let (mut now, mut looked_at) = (start, 0);
        for (pause, from) in guesses {
            now += Duration::from_millis(pause);
            for action in pairing.step(now, typed(from, "654321", "x")) {
                looked_at += u32::from(matches!(action, Action::Reply(Err(PairingRefusal::WrongCode { .. }))));
            }
        }
        prop_assert!(looked_at <= 36, "{}", looked_at);
    }
}
