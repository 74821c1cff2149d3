//! Views for tests: each scene once, and the same with everything as long as it can get.

use subrosa_messages::guard::{Level, NodeState, Refusal, Tier, Trust, Worth};
use subrosa_messages::media::{Cover, LinkId, Mid, Size, TrackId};
use subrosa_messages::{Capture, Pii};

use super::examples_elsewhere::{elsewhere, elsewhere_crowded};
use super::view::{
    BackgroundView, CaptureView, CodeView, Fault, GuestView, HostedView, Invitation, JoiningView, LineView,
    NetworkView, Phase, RemoteView, ShareView, View,
};
use crate::language::Language;
use crate::meeting::guest::Encryption;
use crate::meeting::wish::Layout;

pub(super) const FULL_HD: Size = Size { width: 1920, height: 1080 };

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::Guard,
        Fault::CameraMissing,
        Fault::CameraFailed,
        Fault::MicrophoneMissing,
        Fault::MicrophoneFailed,
        Fault::Encoder,
        Fault::ModelMissing,
        Fault::ModelDamaged,
        Fault::Background,
        Fault::BackgroundPicture,
        Fault::Certificate,
        Fault::Port(8443),
        Fault::Disk,
        Fault::Clock,
        Fault::Network,
    ]
}

pub(super) const LIVE: CaptureView =
    CaptureView { switch: Level::Open, node: NodeState::Open, live: true, refusal: None };

pub(super) fn closed(refusal: Option<Refusal>) -> CaptureView {
    let switch = if refusal == Some(Refusal::Switch) { Level::Closed } else { Level::Open };
    CaptureView { switch, node: NodeState::Closed, live: false, refusal }
}

pub(super) fn invitation() -> Invitation {
    Invitation {
        link: Pii::new("https://192.168.178.23:8443/".to_owned()),
        link_with_token: Pii::new("https://192.168.178.23:8443/#5vK0wq2yN8mRz7TfXhLb3A".to_owned()),
        pin: Pii::new("482917".to_owned()),
        fingerprint: Some(
            "9F:3A:6C:01:B4:7E:55:D2:88:1F:C0:A9:3E:72:4B:16:DD:0E:91:5C:AF:38:67:F2:0B:C4:83:5A:EE:19:7D:60"
                .to_owned(),
        ),
        local_only: true,
        network: None,
    }
}

/// So many phones are paired, and one more can be.
fn pairing(phones: usize) -> RemoteView {
    let code = CodeView {
        link: Pii::new("https://192.168.178.23:8443/remote".to_owned()),
        link_with_token: Pii::new("https://192.168.178.23:8443/remote#0123456789abcdef0123456789abcdef".to_owned()),
        code: Pii::new("731552".to_owned()),
    };
    RemoteView { phones, code: Some(code) }
}

fn long_pairing() -> RemoteView {
    let code = CodeView {
        link_with_token: Pii::new(
            "https://[fd00:1234:5678:9abc:def0:1234:5678:9abc]:18443/remote#0123456789abcdef0123456789abcdef"
                .to_owned(),
        ),
        link: Pii::new("https://[fd00:1234:5678:9abc:def0:1234:5678:9abc]:18443/remote".to_owned()),
        code: Pii::new("731552".to_owned()),
    };
    RemoteView { phones: 8, code: Some(code) }
}

fn long_invitation() -> Invitation {
    Invitation {
        link: Pii::new("https://[fd00:1234:5678:9abc:def0:1234:5678:9abc]:18443/".to_owned()),
        link_with_token: Pii::new(
            "https://[fd00:1234:5678:9abc:def0:1234:5678:9abc]:18443/#0123456789abcdef0123456789abcdef".to_owned(),
        ),
        pin: Pii::new("482917335510".to_owned()),
        ..invitation()
    }
}

/// The device makes the network itself.
fn on_an_island() -> Invitation {
    let network = NetworkView {
        name: "Subrosa 3b".to_owned(),
        passphrase: Pii::new("k7mq-x3fh-9wzd-t2nr".to_owned()),
        code: Pii::new("WIFI:T:WPA;S:Subrosa 3b;P:k7mq-x3fh-9wzd-t2nr;;".to_owned()),
    };
    Invitation {
        link: Pii::new("https://10.83.66.1:8443/".to_owned()),
        link_with_token: Pii::new("https://10.83.66.1:8443/#5vK0wq2yN8mRz7TfXhLb3A".to_owned()),
        network: Some(network),
        ..invitation()
    }
}

/// The same with the longest name and passphrase that there can be.
fn on_a_long_island() -> Invitation {
    let (name, passphrase) = ("WÜ".repeat(10) + "WW", "W".repeat(63));
    let code = format!("WIFI:T:WPA;S:{name};P:{passphrase};;");
    let network = NetworkView { name, passphrase: Pii::new(passphrase), code: Pii::new(code) };
    Invitation { network: Some(network), pin: Pii::new("482917335510".to_owned()), ..on_an_island() }
}

pub(super) fn guest(number: u64, name: &str, moving: bool) -> GuestView {
    GuestView {
        name: Pii::new(name.to_owned()),
        picture: moving.then(|| TrackId { link: LinkId(number), mid: Mid("guest-video".to_owned()) }),
        moving,
        reconnecting: false,
        muted: false,
        hand: false,
        speaks: false,
    }
}

pub(super) fn view(language: Language, phase: Phase) -> View {
    let in_call = matches!(&phase, Phase::InCall { .. } | Phase::Joined { .. })
        || matches!(&phase, Phase::Asking { guests, .. } if !guests.is_empty());
    let idle =
        if matches!(&phase, Phase::Asleep | Phase::Proposed { .. } | Phase::Joining { says: JoiningView::Over(_), .. })
        {
            Some(Refusal::Asleep)
        } else {
            None
        };
    let capture = if in_call { LIVE } else { closed(idle) };
    View {
        language,
        room: language.pick("Besprechung 2.14", "Meeting room 2.14").to_owned(),
        size: FULL_HD,
        phase,
        camera: Some(capture),
        microphone: Some(capture),
        trust: Some(Trust::SimulatedUsers),
        measured: false,
        background: Some(BackgroundView::Hidden),
        remote: RemoteView::default(),
        asked: Vec::new(),
        faults: Vec::new(),
    }
}

fn real(tier: Tier) -> Trust {
    let worth = Worth { lamp: tier, switch: tier };
    Trust::Real { camera: worth, microphone: worth }
}

fn hosted() -> HostedView {
    HostedView { most: 6, ..HostedView::default() }
}

fn line(name: &str, text: &str) -> LineView {
    LineView { name: Some(Pii::new(name.to_owned())), text: Pii::new(text.to_owned()) }
}

/// A meeting with everything that it can have.
fn lively(language: Language, share: bool, layout: Layout, count: u64) -> Phase {
    let guests = (1..=count).map(|number| GuestView {
        muted: number % 2 == 0,
        hand: number == 3,
        speaks: number == 2,
        ..guest(number, &format!("Guest {number}"), number != 3)
    });
    let text = language.pick("Die Unterlagen liegen im Umlauf.", "The papers are going round.");
    let track = TrackId { link: LinkId(2), mid: Mid("guest-screen".to_owned()) };
    Phase::InCall {
        guests: guests.collect(),
        invitation: invitation(),
        meeting: HostedView {
            share: share.then(|| ShareView {
                name: Pii::new("Guest 2".to_owned()),
                picture: Some(track),
                moving: true,
            }),
            layout,
            lines: vec![line("Guest 1", text), line("Guest 2", "<b>ok</b>")],
            locked: share,
            most: 6,
        },
        encryption: Encryption::DeviceNotChecked,
        media_restarting: false,
    }
}

fn call(guests: Vec<GuestView>) -> Phase {
    Phase::InCall {
        guests,
        invitation: invitation(),
        meeting: hosted(),
        encryption: Encryption::DeviceNotChecked,
        media_restarting: false,
    }
}

/// Every scene by name.
pub(super) fn all(language: Language) -> Vec<(&'static str, View)> {
    let one = || vec![guest(1, "Guest A", true)];
    let checked = Invitation { fingerprint: None, local_only: false, ..invitation() };
    let mut scenes = vec![
        ("asleep", view(language, Phase::Asleep)),
        (
            "asleep-unproved",
            View {
                camera: None,
                microphone: None,
                trust: None,
                faults: vec![Fault::Guard],
                ..view(language, Phase::Asleep)
            },
        ),
        ("awake", view(language, Phase::Awake { invitation: invitation(), meeting: hosted() })),
        (
            "awake-checked",
            View {
                trust: Some(real(Tier::Guard)),
                ..view(language, Phase::Awake { invitation: checked.clone(), meeting: hosted() })
            },
        ),
        ("island", view(language, Phase::Awake { invitation: on_an_island(), meeting: hosted() })),
        ("island-long", view(language, Phase::Awake { invitation: on_a_long_island(), meeting: hosted() })),
        (
            "island-faults",
            View {
                faults: vec![Fault::CameraMissing, Fault::Disk, Fault::Clock],
                ..view(language, Phase::Awake { invitation: on_an_island(), meeting: hosted() })
            },
        ),
        (
            "island-pairing",
            View {
                remote: pairing(0),
                ..view(language, Phase::Awake { invitation: on_an_island(), meeting: hosted() })
            },
        ),
        (
            "island-call",
            view(
                language,
                Phase::InCall {
                    guests: one(),
                    invitation: on_an_island(),
                    meeting: hosted(),
                    encryption: Encryption::DeviceNotChecked,
                    media_restarting: false,
                },
            ),
        ),
        (
            "island-call-long",
            view(
                language,
                Phase::InCall {
                    guests: one(),
                    invitation: on_a_long_island(),
                    meeting: hosted(),
                    encryption: Encryption::DeviceNotChecked,
                    media_restarting: false,
                },
            ),
        ),
        (
            "awake-faults",
            View {
                camera: Some(CaptureView { node: NodeState::Missing, refusal: Some(Refusal::Missing), ..closed(None) }),
                faults: vec![Fault::CameraMissing, Fault::Disk, Fault::Clock],
                ..view(language, Phase::Awake { invitation: invitation(), meeting: hosted() })
            },
        ),
        (
            "awake-pairing",
            View { remote: pairing(0), ..view(language, Phase::Awake { invitation: invitation(), meeting: hosted() }) },
        ),
        (
            "awake-paired",
            View {
                remote: RemoteView { code: None, ..pairing(2) },
                ..view(language, Phase::Awake { invitation: invitation(), meeting: hosted() })
            },
        ),
        (
            "awake-pairing-faults",
            View {
                remote: pairing(1),
                faults: vec![Fault::CameraMissing, Fault::Disk, Fault::Clock],
                ..view(language, Phase::Awake { invitation: invitation(), meeting: hosted() })
            },
        ),
        (
            "asking",
            view(
                language,
                Phase::Asking {
                    names: vec![Pii::new("Guest A".to_owned())],
                    invitation: invitation(),
                    guests: vec![],
                    meeting: hosted(),
                    encryption: Encryption::None,
                },
            ),
        ),
        ("call", view(language, call(one()))),
        (
            "call-muted",
            View {
                microphone: Some(closed(Some(Refusal::Switch))),
                camera: Some(closed(Some(Refusal::Muted))),
                ..view(language, call(one()))
            },
        ),
        (
            "call-revealed",
            View { background: Some(BackgroundView::Revealed { seconds: 42 }), ..view(language, call(one())) },
        ),
        (
            "call-covered",
            View {
                background: Some(BackgroundView::Covered(Cover::Late)),
                faults: vec![Fault::Background],
                ..view(language, call(one()))
            },
        ),
        (
            "call-checked",
            view(
                language,
                Phase::InCall {
                    guests: one(),
                    invitation: checked,
                    meeting: hosted(),
                    encryption: Encryption::EndToEnd,
                    media_restarting: false,
                },
            ),
        ),
        (
            "call-asking",
            view(
                language,
                Phase::Asking {
                    names: vec![Pii::new("Guest B".to_owned()), Pii::new("Guest C".to_owned())],
                    invitation: invitation(),
                    guests: one(),
                    meeting: hosted(),
                    encryption: Encryption::DeviceNotChecked,
                },
            ),
        ),
        (
            "call-three",
            view(
                language,
                call(vec![
                    guest(1, "Guest A", true),
                    guest(2, "Guest B", true),
                    GuestView { reconnecting: true, ..guest(3, "Guest C", true) },
                ]),
            ),
        ),
        (
            "call-restarting",
            View {
                camera: Some(closed(None)),
                microphone: Some(closed(None)),
                ..view(
                    language,
                    Phase::InCall {
                        guests: vec![guest(1, "Guest A", false)],
                        invitation: invitation(),
                        meeting: hosted(),
                        encryption: Encryption::None,
                        media_restarting: true,
                    },
                )
            },
        ),
        (
            "call-fault",
            View { camera: Some(closed(None)), faults: vec![Fault::CameraFailed], ..view(language, call(one())) },
        ),
    ];
    for (name, phase) in [
        ("meeting-grid", lively(language, false, Layout::Grid, 6)),
        ("meeting-speaker", lively(language, false, Layout::Speaker, 4)),
        ("meeting-share", lively(language, true, Layout::Grid, 3)),
    ] {
        scenes.push((name, view(language, phase)));
    }
    let asked = vec![Capture::Microphone];
    let remote = RemoteView { phones: 0, ..pairing(1) };
    scenes.push(("call-pairing", View { remote, ..view(language, call(one())) }));
    scenes.push(("call-asked", View { asked, ..view(language, call(one())) }));
    for (name, phase) in elsewhere(language) {
        if name == "joining-password" {
            let remote = RemoteView { code: None, ..pairing(1) };
            scenes.push(("joining-password-phone", View { remote, ..view(language, phase.clone()) }));
        }
        scenes.push((name, view(language, phase)));
    }
    scenes
}

/// The same scenes with texts as long as they can get, and with more guests than anybody expects.
pub(super) fn crowded(language: Language) -> Vec<View> {
    let long = "Wolfeschlegelsteinhausenbergerdorff von der Langen Wiese zu Üb…gg";
    let names = [long, "\u{202e}Guest A", "Ω", "", "W".repeat(64).as_str()].map(|name| Pii::new(name.to_owned()));
    let room = "Großer Besprechungsraum im Dachgeschoss des Rückgebäudes, Donaudampfschifffahrtsgesellschaftsflügel";
    let mut views = Vec::new();
    for (_, plain) in all(language) {
        views.push(View { room: room.to_owned(), ..plain.clone() });
    }
    for count in [1, 2, 5, 9, 12, 30] {
        let guests: Vec<GuestView> = (0..count)
            .map(|number| {
                let name = names.get(number as usize % names.len()).unwrap();
                GuestView { name: name.clone(), reconnecting: number % 3 == 1, ..guest(number, "", number % 2 == 0) }
            })
            .collect();
        let faults: Vec<Fault> = faults().into_iter().take(count as usize % 5).collect();
        for restarting in [false, true] {
            views.push(View {
                room: room.to_owned(),
                faults: faults.clone(),
                ..view(
                    language,
                    Phase::InCall {
                        guests: guests.clone(),
                        invitation: long_invitation(),
                        meeting: hosted(),
                        encryption: Encryption::DeviceNotChecked,
                        media_restarting: restarting,
                    },
                )
            });
        }
        for guests in [Vec::new(), guests] {
            views.push(View {
                room: room.to_owned(),
                faults: faults.clone(),
                ..view(
                    language,
                    Phase::Asking {
                        names: names.to_vec(),
                        invitation: long_invitation(),
                        guests,
                        meeting: hosted(),
                        encryption: Encryption::DeviceNotChecked,
                    },
                )
            });
        }
    }
    views.extend(elsewhere_crowded(language));
    for fault in faults() {
        for phase in [Phase::Asleep, Phase::Awake { invitation: long_invitation(), meeting: hosted() }] {
            for remote in [RemoteView::default(), RemoteView { code: None, ..long_pairing() }, long_pairing()] {
                views.push(View {
                    room: room.to_owned(),
                    remote,
                    faults: vec![fault.clone(), Fault::Encoder, Fault::Disk],
                    ..view(language, phase.clone())
                });
            }
        }
    }
    let captures = [
        NodeState::Missing,
        NodeState::Closed,
        NodeState::Open,
        NodeState::Closing,
        NodeState::Foreign,
        NodeState::Unknown,
    ];
    for node in captures {
        for live in [false, true] {
            let capture = Some(CaptureView { switch: Level::Unknown, node, live, refusal: None });
            views.push(View {
                camera: capture,
                microphone: capture,
                ..view(language, call(vec![guest(1, "Guest A", true)]))
            });
        }
    }
    for refusal in [
        Refusal::Asleep,
        Refusal::Switch,
        Refusal::SwitchUnknown,
        Refusal::Muted,
        Refusal::Lamp,
        Refusal::Power,
        Refusal::Missing,
        Refusal::Unproved,
        Refusal::Node,
        Refusal::Busy,
    ] {
        let capture = Some(closed(Some(refusal)));
        views.push(View {
            camera: capture,
            microphone: capture,
            ..view(language, call(vec![guest(1, "Guest A", true)]))
        });
    }
    let covered = Cover::ALL.map(|cover| Some(BackgroundView::Covered(cover)));
    let backgrounds = [None, Some(BackgroundView::AsItIs), Some(BackgroundView::Revealed { seconds: 60 })];
    for background in backgrounds.into_iter().chain(covered) {
        views.push(View { background, ..view(language, call(vec![guest(1, "Guest A", true)])) });
    }
    let weak = |tier| Worth { lamp: Tier::Power, switch: tier };
    let switches = Tier::ALL.map(|tier| Trust::Real { camera: weak(tier), microphone: weak(Tier::Power) });
    let trusts = [Trust::SimulatedOneUser].into_iter().chain(Tier::ALL.map(real)).chain(switches);
    for trust in trusts.map(Some).chain([None]) {
        for measured in [false, true] {
            views.push(View {
                trust,
                measured,
                ..view(language, Phase::Awake { invitation: invitation(), meeting: hosted() })
            });
        }
    }
    views
}
