//! Views of meetings elsewhere for tests: each scene once, and the same with everything as long as it can get.

use subrosa_messages::Pii;
use subrosa_messages::media::{LinkId, Mid, TrackId};
use time::{Date, Month};

use super::examples::{faults, view};
use super::view::{ConsentView, JoinedView, JoiningView, LineView, PersonView, Phase, PictureView, ProposedView, View};
use crate::language::Language;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::hosts::{Hosts, Named};
use crate::notice::{JoinedFacts, joined};
use crate::servers::{Policy, Recording, Server, Servers};

const HOST: &str = "meet.example.org";

fn pii(text: &str) -> Pii<String> {
    Pii::new(text.to_owned())
}

/// A link was given, with the notice as it is really written.
pub(super) fn proposed(language: Language, host: &str, servers: &Servers, room: &str) -> ProposedView {
    let today = Date::from_calendar_date(2027, Month::March, 15).unwrap();
    let mut hosts = Hosts::default();
    hosts.declare(host, Named::ByLink);
    let judgement = &servers.judge(host, today);
    let server = servers.profile(host);
    let operator = server.map(|server| {
        let address = server.address.as_deref().unwrap_or_default().lines();
        std::iter::once(server.operator.as_str()).chain(address).collect::<Vec<_>>().join(", ")
    });
    ProposedView {
        host: pii(host),
        operator,
        notice: joined(language, &JoinedFacts { room, host, server, judgement, hosts: &hosts }),
        refused: matches!(judgement, crate::servers::Judgement::Refused(_)),
        by_phone: false,
    }
}

fn server(host: &str) -> Server {
    Server {
        host: host.to_owned(),
        operator: "Example Association".to_owned(),
        address: Some("1 Example Road\n12345 Exampletown".to_owned()),
        own: false,
        contract: Some("file 7/2026".to_owned()),
        contract_until: Some(Date::from_calendar_date(2027, Month::March, 31).unwrap()),
        retention: None,
        privacy: Some("https://example.org/privacy".to_owned()),
        recording: Recording::Tell,
        tokens: None,
    }
}

pub(super) fn picture(number: u64, name: &str) -> PictureView {
    PictureView {
        name: Some(pii(name)),
        picture: Some(TrackId { link: LinkId(number), mid: Mid("video".to_owned()) }),
        screen: false,
        moving: true,
        muted: number.is_multiple_of(2),
        hand: number.is_multiple_of(3),
        missing: false,
    }
}

pub(super) fn person(name: &str) -> PersonView {
    PersonView { name: Some(pii(name)), muted: false, hand: false, connected: true }
}

/// A meeting of people with these pictures and of others with none.
pub(super) fn meeting(stage: Vec<PictureView>, without: Vec<PersonView>) -> JoinedView {
    let cameras = stage.iter().filter(|picture| !picture.screen);
    let mut others: Vec<PersonView> = cameras
        .map(|picture| PersonView {
            name: picture.name.clone(),
            muted: picture.muted,
            hand: picture.hand,
            connected: true,
        })
        .collect();
    others.extend(without);
    JoinedView {
        host: pii(HOST),
        stage,
        others,
        records: false,
        hand: false,
        ask_to_speak: false,
        consent: ConsentView::Nothing,
        no_bridge: false,
        reconnecting: false,
        lines: Vec::new(),
    }
}

pub(super) fn pictures(count: u64) -> Vec<PictureView> {
    let names = ["Guest A", "Guest B", "Guest C", "Guest D", "Guest E", "Guest F"];
    names.iter().zip(1..=count).map(|(name, number)| picture(number, name)).collect()
}

/// Every scene by name.
pub(super) fn elsewhere(language: Language) -> Vec<(&'static str, Phase)> {
    let room = language.pick("Besprechung 2.14", "Meeting room 2.14");
    let known = Servers { profiles: vec![server(HOST)], ..Servers::default() };
    let unknown = |unknown| Servers { unknown, ..Servers::default() };
    let proposed = |servers: &Servers| Phase::Proposed { meeting: proposed(language, HOST, servers, room) };
    let by_phone = |phase| match phase {
        Phase::Proposed { meeting } => Phase::Proposed { meeting: ProposedView { by_phone: true, ..meeting } },
        other => other,
    };
    let joining = |says| Phase::Joining { host: pii(HOST), says };
    let joined = |meeting| Phase::Joined { meeting, media_restarting: false };
    let screen = PictureView { screen: true, hand: false, muted: false, ..picture(9, "Guest B") };
    let lines = vec![
        LineView { name: Some(pii("Guest B")), text: pii(language.pick("Hört ihr uns?", "Can you hear us?")) },
        LineView {
            name: Some(pii("Guest A")),
            text: pii(
                language.pick("Ja. Die Unterlagen sind ab Seite 12 neu.", "Yes. The papers are new from page 12.")
            ),
        },
    ];
    let mut two = pictures(2);
    two[1].missing = true;
    two[1].moving = false;
    let people = vec![
        PersonView { hand: true, muted: true, ..person("Guest K") },
        PersonView { muted: true, ..person("Guest L") },
        PersonView { connected: false, ..person("Guest M") },
    ];
    vec![
        ("proposed", proposed(&known)),
        ("proposed-unknown", proposed(&unknown(Policy::Warn))),
        ("proposed-phone", by_phone(proposed(&unknown(Policy::Warn)))),
        ("proposed-refused", proposed(&unknown(Policy::Refuse))),
        ("joining", joining(JoiningView::Connecting)),
        ("joining-lobby", joining(JoiningView::Waits(Failure::WaitingForApproval))),
        ("joining-password", joining(JoiningView::Waits(Failure::PasswordWanted))),
        ("joining-over", joining(JoiningView::Over(Failure::CertificateWrong))),
        ("joined-one", joined(meeting(pictures(1), vec![]))),
        ("joined-two", joined(meeting(two, people.clone()))),
        ("joined-three", joined(JoinedView { records: true, ..meeting(pictures(3), people.clone()) })),
        ("joined-six", joined(meeting(pictures(6), vec![]))),
        (
            "joined-screen",
            joined(meeting(vec![screen.clone(), picture(2, "Guest B"), picture(1, "Guest A")], people.clone())),
        ),
        ("joined-chat", joined(JoinedView { lines, hand: true, ..meeting(pictures(4), people.clone()) })),
        (
            "joined-moderated",
            joined(JoinedView { ask_to_speak: true, records: true, hand: true, ..meeting(pictures(1), vec![]) }),
        ),
        ("joined-consent", joined(JoinedView { consent: ConsentView::Asked, ..meeting(pictures(3), people.clone()) })),
        ("joined-nobody", joined(meeting(vec![], vec![]))),
        ("joined-names", joined(JoinedView { no_bridge: true, ..meeting(vec![], people) })),
    ]
}

/// Everything as long as it gets, more people than anybody expects, and names that mean harm.
pub(super) fn elsewhere_crowded(language: Language) -> Vec<View> {
    let wide = "W".repeat(64);
    let towers = format!("Z{} Guest", "\u{301}".repeat(40));
    let names = [
        "Wolfeschlegelsteinhausenbergerdorff von der Langen Wiese zu Üb…gg",
        "\u{202e}Guest A",
        "أحمد ابن محمد الطويل",
        towers.as_str(),
        "",
        wide.as_str(),
    ];
    let name = |number: usize| names[number % names.len()];
    let long_host = format!("{}.konferenzen.donaudampfschifffahrtsgesellschaft.example.org", "meet".repeat(12));
    let mut long_server = server(&long_host);
    long_server.operator = "Verein zur Förderung datensparsamer Besprechungen in kleinen Räumen e. V.".to_owned();
    long_server.address =
        Some("Straße der Deutsch-Sowjetischen Freundschaft 117\n01234 Musterstadt an der Elbe".to_owned());
    long_server.contract_until = None;
    let ended = Server { contract_until: Date::from_calendar_date(2026, Month::May, 1).ok(), ..long_server.clone() };
    let mut views = Vec::new();
    let longest = format!("{}.example.org", ["meet.example.net"; 14].join("."));
    for host in [HOST, long_host.as_str(), longest.as_str()] {
        for profiles in [vec![], vec![long_server.clone()], vec![ended.clone()]] {
            for unknown in [Policy::Allow, Policy::Warn, Policy::Refuse] {
                let servers = Servers { profiles: profiles.clone(), unknown, authority: None };
                let plain = view(language, Phase::Proposed { meeting: proposed(language, host, &servers, "Room") });
                views.push(View { faults: faults().into_iter().take(3).collect(), ..plain.clone() });
                views.push(plain);
            }
        }
    }
    for failure in Failure::ALL {
        let host = if failure.is_final() { HOST } else { long_host.as_str() };
        for says in [JoiningView::Waits(failure), JoiningView::Over(failure)] {
            let plain = view(language, Phase::Joining { host: pii(host), says });
            views.push(View { faults: faults().into_iter().take(3).collect(), ..plain });
        }
    }
    for count in [0_usize, 1, 2, 3, 6] {
        for shared in [false, true] {
            let stage: Vec<PictureView> = (0..count)
                .map(|number| PictureView {
                    name: (number != 4).then(|| pii(name(number))),
                    screen: shared && number == 0,
                    moving: number % 3 != 1,
                    missing: number % 3 == 1,
                    muted: true,
                    hand: true,
                    ..picture(number as u64, "")
                })
                .collect();
            let without = (0..40).map(|number| PersonView {
                name: (number != 4).then(|| pii(name(number))),
                muted: number % 2 == 0,
                hand: number % 5 == 0,
                connected: number % 7 != 0,
            });
            let lines = (0..9).map(|number| LineView { name: Some(pii(name(number))), text: pii(&wide.repeat(9)) });
            let all = JoinedView {
                host: pii(&long_host),
                records: true,
                hand: true,
                ask_to_speak: true,
                consent: [ConsentView::Given, ConsentView::Asked, ConsentView::AskedToStream][count % 3],
                reconnecting: true,
                lines: lines.collect(),
                ..meeting(stage, without.collect())
            };
            let quiet = JoinedView {
                records: false,
                hand: false,
                ask_to_speak: false,
                no_bridge: count % 2 == 0,
                reconnecting: false,
                ..all.clone()
            };
            let troubled: Vec<_> = faults().into_iter().skip(count).take(3).collect();
            for (meeting, media_restarting, faults) in
                [(all.clone(), false, troubled), (all, true, vec![]), (quiet, false, vec![])]
            {
                views.push(View { faults, ..view(language, Phase::Joined { meeting, media_restarting }) });
            }
        }
    }
    views
}
