//! The promises under random events.

use proptest::prelude::*;

use super::world::{Step, World};
use super::*;

fn capture() -> impl Strategy<Value = Capture> {
    prop_oneof![Just(Capture::Camera), Just(Capture::Microphone)]
}

fn step() -> impl Strategy<Value = Step> {
    // What makes a call is more frequent than what disturbs it, or nothing would ever be open.
    prop_oneof![
        8 => prop_oneof![0..20_u16, 0..400_u16, 0..3000_u16].prop_map(Step::Wait),
        3 => (capture(), prop::bool::weighted(0.7)).prop_map(|(capture, open)| Step::Switch(capture, open)),
        1 => capture().prop_map(Step::SwitchBreaks),
        4 => any::<bool>().prop_map(Step::Button),
        2 => any::<bool>().prop_map(Step::Reveal),
        2 => prop::bool::weighted(0.8).prop_map(Step::Room),
        1 => capture().prop_map(Step::Mute),
        1 => Just(Step::Sleep),
        2 => prop::bool::weighted(0.8).prop_map(Step::Media),
        8 => capture().prop_map(Step::Ask),
        8 => capture().prop_map(Step::Open),
        2 => capture().prop_map(Step::OpenLate),
        2 => capture().prop_map(Step::Complete),
        5 => capture().prop_map(Step::AllOpen),
        1 => capture().prop_map(Step::DidNotOpen),
        2 => capture().prop_map(Step::Close),
        1 => capture().prop_map(Step::CloseSilently),
        1 => capture().prop_map(Step::LieClosed),
        3 => Just(Step::Obey),
        1 => capture().prop_map(Step::RootOpens),
        2 => capture().prop_map(Step::RootCloses),
        1 => (capture(), prop::bool::weighted(0.3)).prop_map(|(capture, broken)| Step::LampBreaks(capture, broken)),
        1 => capture().prop_map(Step::Chmod),
        1 => (capture(), prop::bool::weighted(0.7)).prop_map(|(capture, present)| Step::Plug(capture, present)),
        1 => capture().prop_map(Step::Overflow),
        1 => prop_oneof![0..300_u16, 0..15_000_u16].prop_map(Step::GuardDies),
        1 => prop::option::of((capture(), any::<bool>())).prop_map(|lamp| {
            Step::Show(lamp.map(|(capture, live)| if live { LampId::Live(capture) } else { LampId::Muted(capture) }))
        }),
    ]
}

/// An awake room with everything connected.
fn awake() -> World {
    awaken(World::new())
}

fn awaken(mut world: World) -> World {
    for step in [
        Step::Button(false),
        Step::Switch(Capture::Camera, true),
        Step::Switch(Capture::Microphone, true),
        Step::Room(true),
        Step::Media(true),
        Step::Wait(100),
        Step::Button(true),
        Step::Wait(100),
        Step::Button(false),
        Step::Wait(100),
    ] {
        world.step(step);
    }
    world
}

#[test]
fn p2_a_switch_that_has_stood_ends_a_mute_whatever_comes_at_that_moment() {
    // The key of the microphone is looked at each second, and here in the millisecond in which the camera's switch has stood.
    let mut world = awaken(World::with_a_key());
    let camera = Capture::Camera;
    for step in [Step::Mute(camera), Step::Wait(500), Step::Switch(camera, false), Step::Wait(170)] {
        world.step(step);
    }
    for step in [Step::Switch(camera, true), Step::Wait(30)] {
        assert!(world.machine.camera.switch.is_muted());
        world.step(step);
    }
    assert!(!world.machine.camera.switch.is_muted());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p1_p2_p3_hold_whatever_happens(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = awake();
        for step in steps {
            world.step(step);
        }
    }

    #[test]
    fn p1_p2_p3_hold_with_a_key_for_a_switch(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = awaken(World::with_a_key());
        for step in steps {
            world.step(step);
        }
    }

    #[test]
    fn p2_nothing_but_the_button_wakes(steps in prop::collection::vec(step(), 0..80)) {
        let mut world = World::new();
        for step in steps.into_iter().filter(|step| !matches!(step, Step::Button(true))) {
            world.step(step);
            prop_assert_eq!((world.grants, world.reveals), (0, 0));
            prop_assert!(!world.machine.awake);
        }
    }

    #[test]
    fn p10_when_all_is_well_again_a_capture_can_be_opened(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = awake();
        for step in steps {
            world.step(step);
        }
        for capture in Capture::ALL {
            for step in [Step::LampBreaks(capture, false), Step::Plug(capture, true), Step::Switch(capture, false)] {
                world.step(step);
            }
            while world.devices[&capture].holders.contains(&super::world::Holder::Root) {
                world.step(Step::RootCloses(capture));
            }
        }
        // Long enough for whoever is still taken for a media that has left.
        world.step(Step::Wait(30));
        let kills = world.kills;
        for step in [
            // The next media is there before the end of the last one was proved.
            Step::Media(false),
            Step::Media(true),
            Step::Button(false),
            Step::Wait(4000),
            Step::Room(true),
            Step::Switch(Capture::Camera, true),
            Step::Switch(Capture::Microphone, true),
            Step::Wait(100),
        ] {
            world.step(step);
        }
        // Somebody comes in: a press also brings back power that was cut.
        world.step(Step::Button(true));
        world.step(Step::Wait(100));
        world.step(Step::Button(false));
        world.step(Step::Wait(100));
        // Nobody else may pay for a media that has died; but for whoever comes while its driver still stops at the
        // very end of its time, and that one only once.
        prop_assert!(world.kills <= kills + 1, "killed {} times", world.kills - kills);
        world.step(Step::Media(true));
        let grants = world.grants;
        for capture in Capture::ALL {
            world.step(Step::Ask(capture));
        }
        prop_assert_eq!(world.grants, grants + 2);
    }
}

/// The random walk is worth something only if it gets somewhere.
#[test]
fn an_ordinary_call_is_granted_and_killed_only_when_it_disobeys() {
    let mut world = awake();
    let capture = Capture::Microphone;
    for step in [Step::Ask(capture), Step::Open(capture), Step::AllOpen(capture), Step::Wait(5000)] {
        world.step(step);
    }
    assert_eq!((world.grants, world.kills), (1, 0));
    world.step(Step::Switch(capture, false));
    world.step(Step::Obey);
    world.step(Step::Wait(1000));
    assert_eq!((world.kills, world.devices[&capture].live, world.devices[&capture].muted), (0, false, true));
    for step in [Step::Switch(capture, true), Step::Wait(50), Step::Ask(capture), Step::Open(capture)] {
        world.step(step);
    }
    assert_eq!((world.grants, world.devices[&capture].live, world.devices[&capture].muted), (2, true, false));
    world.step(Step::Switch(capture, false));
    world.step(Step::Wait(249));
    assert_eq!(world.kills, 0);
    world.step(Step::Wait(1));
    assert_eq!(world.kills, 1);
    world.step(Step::Wait(100));
    assert!(world.devices[&capture].muted);
}
