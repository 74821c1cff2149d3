use time::{Duration, Month};

use super::*;
use crate::language::Language;

fn day() -> Date {
    Date::from_calendar_date(2027, Month::March, 15).unwrap()
}

fn server() -> Server {
    Server {
        host: "meet.example.org".to_owned(),
        operator: "Example Association".to_owned(),
        address: None,
        own: false,
        contract: Some("file 7".to_owned()),
        contract_until: None,
        retention: None,
        privacy: None,
        recording: Recording::default(),
        tokens: None,
    }
}

#[test]
fn every_record_under_every_policy_is_judged() {
    let ended = day() - Duration::days(1);
    let soon = day() + Duration::days(30);
    let later = day() + Duration::days(31);
    let with = |contract: Option<&str>, until| Server {
        contract: contract.map(str::to_owned),
        contract_until: until,
        ..server()
    };
    let warned = |reason| Judgement::Warned(vec![reason]);
    let refused = |reason| Judgement::Refused(vec![reason]);
    // Record; what allow, warn and refuse make of it.
    let table = [
        (None, [Judgement::Allowed, warned(Reason::NotOnRecord), refused(Reason::NotOnRecord)]),
        (Some(server()), [Judgement::Allowed, Judgement::Allowed, Judgement::Allowed]),
        (Some(with(None, None)), [warned(Reason::NoContract), warned(Reason::NoContract), refused(Reason::NoContract)]),
        (Some(Server { own: true, ..with(None, None) }), [Judgement::Allowed, Judgement::Allowed, Judgement::Allowed]),
        (
            Some(with(Some("a"), Some(ended))),
            [
                warned(Reason::ContractEnded(ended)),
                warned(Reason::ContractEnded(ended)),
                refused(Reason::ContractEnded(ended)),
            ],
        ),
        (Some(with(Some("a"), Some(day()))), [(); 3].map(|()| warned(Reason::ContractEnds(day())))),
        (Some(with(Some("a"), Some(soon))), [(); 3].map(|()| warned(Reason::ContractEnds(soon)))),
        (Some(with(Some("a"), Some(later))), [Judgement::Allowed, Judgement::Allowed, Judgement::Allowed]),
    ];
    for (record, expected) in table {
        for (policy, expected) in [Policy::Allow, Policy::Warn, Policy::Refuse].into_iter().zip(expected) {
            let servers = Servers { profiles: record.clone().into_iter().collect(), unknown: policy, authority: None };
            assert_eq!(servers.judge("meet.example.org", day()), expected, "{record:?} {policy:?}");
        }
    }
}

#[test]
fn a_host_is_only_its_own_profile() {
    let servers = Servers { profiles: vec![server()], unknown: Policy::Refuse, authority: None };
    for host in ["meet.example.org", "MEET.example.org", "meet.example.org."] {
        assert_eq!(servers.judge(host, day()), Judgement::Allowed, "{host}");
    }
    for host in ["example.org", "a.meet.example.org", "meet.example.org.evil.example", "", "xmeet.example.org"] {
        assert_eq!(servers.judge(host, day()), Judgement::Refused(vec![Reason::NotOnRecord]), "{host}");
    }
}

#[test]
fn p7_reasons_are_sentences_with_their_day_in_both_languages() {
    for reason in [Reason::NotOnRecord, Reason::NoContract, Reason::ContractEnded(day()), Reason::ContractEnds(day())] {
        let [german, english] = Language::ALL.map(|language| reason.sentence(language));
        assert!(german != english && german.ends_with('.') && english.ends_with('.'));
    }
    assert!(Reason::ContractEnded(day()).sentence(Language::German).contains("15.03.2027"));
    assert!(Reason::ContractEnds(day()).sentence(Language::English).contains("2027-03-15"));
}
