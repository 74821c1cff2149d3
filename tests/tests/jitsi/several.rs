//! A meeting of several people: who is shown is asked for and nobody else; who speaks is large.

use serde_json::json;
use subrosa_tests::jitsi::bridge::Shows;
use subrosa_tests::jitsi::meeting::{Proposed, SOON};
use subrosa_tests::jitsi::offered::{Offered, Stream};
use subrosa_tests::needs;
use subrosa_tests::stage::{Stage, eventually};

use super::prosody::PROSODY;

const PEOPLE: [(&str, &str, u32, [u8; 3]); 4] = [
    ("aaaaaaaa", "Alice", 0xff00_c000, [0, 192, 0]),
    ("bbbbbbbb", "Bob", 0xffc0_0000, [192, 0, 0]),
    ("cccccccc", "Carol", 0xff00_00c0, [0, 0, 192]),
    ("dddddddd", "Dan", 0xffc0_c000, [192, 192, 0]),
];

#[test]
fn p5_of_four_people_three_are_asked_for_and_whoever_speaks_is_large() {
    needs!(PROSODY);
    let _stage = Stage::take();
    let names: Vec<(&str, &str)> = PEOPLE.iter().map(|(nick, name, ..)| (*nick, *name)).collect();
    let meeting = Proposed::with(&names, vec![("media", "pictures = 3\n".to_owned())]).press();
    let camera = |((owner, _, colour, _), n): (&(&'static str, _, u32, _), u32)| Stream {
        owner,
        ssrc: 1000 + 10 * n,
        shows: Shows::Vp8(*colour),
        screen: false,
    };
    let bridge = Offered::new("s", PEOPLE.iter().zip(0..).map(camera).collect());
    for (nick, ..) in PEOPLE {
        let _told_by_the_offer = bridge.announce(&format!("{nick}-v0"));
    }
    meeting.offers(&bridge, bridge.initiate());
    let asked = || bridge.obey();
    let first = eventually("three are asked for", SOON, || Some(asked()).filter(|asked| asked.len() == 3));
    assert_eq!(first.values().filter(|height| **height >= 720).count(), 1, "{first:?}");
    let large = |n: usize| (meeting.shows(PEOPLE[n].3) > 0.2).then_some(());
    eventually("somebody is large", SOON, || (0..4).find(|n| large(*n).is_some()));
    for speaker in [3, 1, 2] {
        let (nick, name, _, colour) = PEOPLE[speaker];
        bridge.says(&json!({"colibriClass": "DominantSpeakerEndpointChangeEvent", "dominantSpeakerEndpoint": nick}));
        eventually(&format!("{name} is large"), SOON, || {
            let asked = asked();
            (asked.len() == 3 && asked.get(&format!("{nick}-v0")).is_some_and(|height| *height >= 720)).then_some(())?;
            large(speaker)
        });
        let small = PEOPLE.iter().filter(|one| one.3 != colour && (0.003..0.2).contains(&meeting.shows(one.3)));
        assert_eq!(small.count(), 2, "two others beside {name}");
    }
    // Somebody without a picture speaks: nothing changes.
    meeting.others[0].sends(&[("aaaaaaaa-a0", false), ("aaaaaaaa-v0", true)]);
    bridge.says(&json!({"colibriClass": "DominantSpeakerEndpointChangeEvent", "dominantSpeakerEndpoint": "aaaaaaaa"}));
    eventually("Alice is no longer asked for", SOON, || {
        let asked = asked();
        (asked.len() == 3 && !asked.contains_key("aaaaaaaa-v0")).then_some(())
    });
    assert!(large(2).is_some(), "Carol stays large");
}
