//! What a person in the room does, and what follows.

use subrosa_messages::guard::Level;

use super::world::{Step, World};
use super::*;

fn room(steps: &[Step]) -> World {
    let mut world = World::new();
    let start = [
        Step::Button(false),
        Step::Switch(Capture::Camera, true),
        Step::Switch(Capture::Microphone, true),
        Step::Room(true),
        Step::Media(true),
        Step::Wait(100),
    ];
    for step in start.iter().chain(steps) {
        world.step(*step);
    }
    world
}

const PRESS: [Step; 3] = [Step::Button(true), Step::Wait(120), Step::Button(false)];

#[test]
fn p2_a_press_wakes_the_next_ones_admit_and_a_hold_ends() {
    let mut steps = [PRESS, PRESS, PRESS].map(|press| [&press[..], &[Step::Wait(200)]].concat()).concat();
    let world = room(&steps);
    assert_eq!((world.machine.awake, &world.presses[..]), (true, &[true, false, false][..]));
    steps.extend([Step::Button(true), Step::Wait(1999)]);
    assert!(room(&steps).machine.awake);
    steps.extend([Step::Wait(1), Step::Button(false), Step::Wait(100)]);
    let world = room(&steps);
    assert_eq!((world.machine.awake, world.presses.len()), (false, 3), "whoever ends the meeting admits nobody");
}

#[test]
fn p2_the_press_that_wakes_can_be_as_long_as_it_likes() {
    let world = room(&[Step::Button(true), Step::Wait(5000), Step::Button(false), Step::Wait(100)]);
    assert_eq!((world.machine.awake, &world.presses[..]), (true, &[true][..]));
}

#[test]
fn p10_without_a_room_process_nobody_stays_awake() {
    let world = room(&[&PRESS[..], &[Step::Room(false)]].concat());
    assert!(!world.machine.awake, "a new room is a new meeting");
    let pressed = [&[Step::Room(false)], &PRESS[..], &[Step::Wait(2800)]].concat();
    let world = room(&pressed);
    assert!(world.machine.awake, "the room may be starting");
    let world = room(&[&pressed[..], &[Step::Wait(100)]].concat());
    assert!(!world.machine.awake);
    let world = room(&[&pressed[..], &[Step::Room(true), Step::Wait(5000)]].concat());
    assert!(world.machine.awake);
}

#[test]
fn p10_a_crash_of_the_guard_neither_wakes_nor_unmutes_nor_ends_a_meeting() {
    let microphone = Capture::Microphone;
    let crash = [Step::Mute(microphone), Step::Wait(5000), Step::GuardDies(400), Step::Wait(500)];
    let mut world = room(&[&PRESS[..], &crash, &[Step::Room(true), Step::Wait(5000)]].concat());
    assert!(world.machine.awake && world.machine.capture(microphone).switch.is_muted());
    let world = room(&[&PRESS[..], &crash, &[Step::Wait(3000)]].concat());
    assert!(!world.machine.awake, "the room did not come back");
    let world = room(&[&PRESS[..], &[Step::GuardDies(11_000), Step::Room(true), Step::Wait(100)]].concat());
    assert!(!world.machine.awake, "that was too long ago");
    let world = room(&[Step::GuardDies(100), Step::Room(true), Step::Wait(100)]);
    assert!(!world.machine.awake);
}

#[test]
fn p2_a_mute_over_the_network_ends_at_the_devices_own_switch_only() {
    let microphone = Capture::Microphone;
    let mut steps = PRESS.to_vec();
    steps.extend([Step::Ask(microphone), Step::Open(microphone), Step::AllOpen(microphone), Step::Mute(microphone)]);
    steps.extend([Step::Obey, Step::Wait(1000)]);
    for disturbance in [Step::Sleep, Step::Room(false), Step::Media(false), Step::GuardDies(300)] {
        let again = [disturbance, Step::Room(true), Step::Media(true), Step::Wait(100)];
        let again = [&steps[..], &again, &PRESS, &[Step::Wait(100), Step::Ask(microphone)]].concat();
        let mut world = room(&again);
        assert_eq!((world.grants, world.devices[&microphone].live), (1, false), "{disturbance:?}");
        for step in [Step::Switch(microphone, false), Step::Wait(100), Step::Switch(microphone, true), Step::Wait(30)] {
            world.step(step);
        }
        world.step(Step::Ask(microphone));
        assert_eq!((world.grants, world.devices[&microphone].live), (2, true), "{disturbance:?}");
    }
}

#[test]
fn p3_the_first_thing_done_at_an_edge_is_to_tell_media() {
    let microphone = Capture::Microphone;
    let mut world = room(&[&PRESS[..], &[Step::Ask(microphone), Step::Open(microphone)]].concat());
    let actions = world.machine.step(world.now, Event::Switch(microphone, Level::Closed));
    assert!(matches!(actions.first(), Some(Action::ToMedia(subrosa_messages::guard::GuardToMedia::Revoke { .. }))));
    assert_eq!(actions.get(1), Some(&Action::SetMode(microphone, Mode::Closed)));
}

#[test]
fn p1_somebody_elses_look_at_an_open_camera_costs_nobody_the_call() {
    let camera = Capture::Camera;
    let call = [Step::Ask(camera), Step::Open(camera), Step::AllOpen(camera), Step::Wait(1000)];
    let look = [Step::RootOpens(camera), Step::Wait(20), Step::RootCloses(camera), Step::Wait(2000)];
    let world = room(&[&PRESS[..], &call, &look].concat());
    assert_eq!((world.kills, world.devices[&camera].live), (0, true));
}

#[test]
fn p1_a_passing_look_that_takes_the_grant_gives_it_back() {
    let camera = Capture::Camera;
    let steps =
        [Step::Ask(camera), Step::RootOpens(camera), Step::RootCloses(camera), Step::Wait(100), Step::Open(camera)];
    let world = room(&[&PRESS[..], &steps].concat());
    assert_eq!((world.grants, world.devices[&camera].holders.len()), (1, 1), "the same permit, offered again");
}

#[test]
fn p1_root_without_a_permit_lights_the_lamp_until_it_is_proved_closed() {
    let microphone = Capture::Microphone;
    let mut world = room(&[Step::Wait(1000)]);
    assert!(!world.devices[&microphone].live);
    world.step(Step::RootOpens(microphone));
    assert!(world.devices[&microphone].live);
    world.step(Step::RootCloses(microphone));
    assert!(world.devices[&microphone].live, "the close is reported before the driver has stopped");
    world.step(Step::Wait(40));
    assert!(!world.devices[&microphone].live);
}

#[test]
fn p1_a_switch_that_cannot_be_read_closes_and_lights_until_it_can_be() {
    let camera = Capture::Camera;
    let call = [Step::Ask(camera), Step::Open(camera), Step::AllOpen(camera), Step::Obey];
    let mut world = room(&[&PRESS[..], &call, &[Step::SwitchBreaks(camera), Step::Wait(1000)]].concat());
    assert!(world.devices[&camera].holders.is_empty() && world.machine.capture(camera).node == Node::Closed);
    assert!(
        world.devices[&camera].live && !world.devices[&camera].muted,
        "closed, and the room sees that it is unknown"
    );
    world.step(Step::Switch(camera, true));
    world.step(Step::Wait(100));
    assert!(!world.devices[&camera].live);
}

#[test]
fn a_sleeping_guard_wakes_once_a_second() {
    let mut world = room(&[Step::Wait(5000)]);
    assert_eq!(world.machine.deadline(), None);
    world.step(Step::Wait(1000));
    assert_eq!(world.machine.deadline(), None);
}

#[test]
fn p1_a_guard_that_ends_first_closes() {
    let microphone = Capture::Microphone;
    let mut world =
        room(&[&PRESS[..], &[Step::Ask(microphone), Step::Open(microphone), Step::AllOpen(microphone)]].concat());
    assert!(!world.machine.is_at_rest());
    let actions = world.machine.step(world.now, Event::Stop);
    assert!(matches!(actions.first(), Some(Action::ToMedia(subrosa_messages::guard::GuardToMedia::Revoke { .. }))));
    assert!(
        actions.contains(&Action::Remember(Memory::default())),
        "an ordered end is no crash: the next guard sleeps"
    );
}

#[test]
fn p2_a_press_of_reveal_is_told_once_and_only_while_the_room_is_awake() {
    let press = [Step::Reveal(true), Step::Wait(5000), Step::Reveal(false), Step::Wait(100)];
    let start = [&[Step::Reveal(false)][..], &press].concat();
    assert_eq!(room(&start).reveals, 0, "asleep");
    let mut world = room(&[&start, &PRESS[..], &[Step::Wait(100)], &press, &press].concat());
    assert_eq!((world.reveals, world.machine.awake), (2, true), "each press once, however long it is");
    for step in [Step::Media(false), Step::Reveal(true), Step::Wait(100), Step::Media(true), Step::Wait(1000)] {
        world.step(step);
    }
    assert_eq!(world.reveals, 2, "nobody was there to hear it, and it is not said later");
}

#[test]
fn p2_a_reveal_button_that_is_down_from_the_start_reveals_nothing() {
    let steps =
        [&[Step::Reveal(true), Step::Wait(100)], &PRESS[..], &[Step::Wait(3000), Step::GuardDies(100)]].concat();
    let mut world = room(&steps);
    for step in [Step::Room(true), Step::Media(true), Step::Wait(3000), Step::Reveal(false), Step::Wait(100)] {
        world.step(step);
    }
    assert_eq!((world.reveals, world.machine.awake), (0, true));
}

#[test]
fn p1_a_lamp_is_shown_while_the_room_sleeps_and_no_other_is_darkened_for_it() {
    let (camera, microphone) = (Capture::Camera, Capture::Microphone);
    let mut world = room(&[]);
    let lamps = |world: &World| {
        (world.devices[&camera].live, world.devices[&microphone].live, world.devices[&microphone].muted)
    };
    assert_eq!(lamps(&world), (false, false, false));
    for (lamp, expected) in [
        (LampId::Live(camera), (true, false, false)),
        (LampId::Live(microphone), (false, true, false)),
        (LampId::Muted(microphone), (false, false, true)),
    ] {
        world.step(Step::Show(Some(lamp)));
        assert_eq!(lamps(&world), expected, "{lamp:?}");
    }
    world.step(Step::RootOpens(microphone));
    assert_eq!(lamps(&world), (false, true, false), "what is open is lit, and not said to be muted");
    world.step(Step::Show(Some(LampId::Live(camera))));
    assert_eq!(lamps(&world), (true, true, false));
    world.step(Step::RootCloses(microphone));
    world.step(Step::Wait(100));
    world.step(Step::Wait(30_000));
    assert_eq!(lamps(&world), (false, false, false), "it ends by itself");
    world.step(Step::Show(Some(LampId::Live(camera))));
    for step in PRESS {
        world.step(step);
    }
    assert_eq!((lamps(&world), world.machine.shown()), ((false, false, false), None), "awake, lamps say what is true");
    world.step(Step::Show(Some(LampId::Live(camera))));
    assert_eq!(lamps(&world), (false, false, false));
}

#[test]
fn lags_are_those_of_permits_and_of_edges_while_something_is_open() {
    let capture = Capture::Microphone;
    let call = [Step::Ask(capture), Step::Open(capture), Step::AllOpen(capture), Step::Wait(500)];
    let mut world = room(&[&PRESS[..], &call].concat());
    let lag = |world: &World| world.machine.lags()[1];
    assert_eq!((lag(&world).edges, lag(&world).permit_to_lamp_us), (0, Some(0)));
    for step in [Step::Switch(capture, false), Step::Wait(20), Step::Obey, Step::Wait(500)] {
        world.step(step);
    }
    let first = lag(&world);
    // 20 ms until media obeys, 7 ms of the driver, and the pause between two proofs.
    assert!(first.edges == 1 && (27_000..60_000).contains(&first.edge_to_closed_us.unwrap()), "{first:?}");
    for step in [Step::Switch(capture, true), Step::Wait(100), Step::Switch(capture, false), Step::Wait(500)] {
        world.step(step);
    }
    assert_eq!(lag(&world), first, "nothing was open");
}
