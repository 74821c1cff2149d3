//! P7: told first.

use subrosa_tests::room::{Plan, Room};
use subrosa_tests::stage::Stage;

/// What has to be in the notice of a room that knows its operator, in German and English.
const WORDS: [[&str; 2]; 9] = [
    ["Subrosa", "Subrosa"],
    ["Welche Daten", "Which data"],
    ["Rechtsgrundlage", "Legal basis"],
    ["Wie lange", "How long"],
    ["keine Auftragsverarbeiter", "no processors"],
    ["keinem anderen Rechner", "no other host"],
    ["Ihre Rechte", "Your rights"],
    ["Aufsichtsbehörde", "authority"],
    ["Gerät nicht geprüft", "device not checked"],
];

#[test]
fn p7_the_notice_is_complete_in_both_languages_before_anybody_knocks() {
    let _stage = Stage::take();
    let room = Room::start(Plan::default());
    for language in ["de", "en"] {
        let reply = room.client().get(&format!("/api/notice?lang={language}")).unwrap();
        assert_eq!(reply.status, 200);
        let notice = reply.json();
        let sections = notice["sections"].as_array().unwrap();
        assert!(sections.len() >= 5, "tool, purposes, legal basis, retention, operator: {notice}");
        for section in sections {
            assert!(!section["title"].as_str().unwrap().is_empty() && !section["text"].as_str().unwrap().is_empty());
        }
        for fact in ["Test operator", "1 Test Street", "privacy@example.org"] {
            assert!(reply.body.contains(fact), "{fact} of the configuration is told: {notice}");
        }
        // Tool, data, legal basis, how long, where and to whom, rights: in the language that was asked for.
        for words in WORDS {
            let word = words[usize::from(language == "en")];
            assert!(reply.body.contains(word), "{language}: nothing is said of {word:?}: {notice}");
        }
        let strong = ["Ende-zu-Ende", "End-to-end"];
        assert!(!strong.iter().any(|word| reply.body.contains(word)), "nobody can check this certificate: {notice}");
    }
}

#[test]
fn p7_the_notice_names_the_relay_that_this_call_goes_through() {
    let _stage = Stage::take();
    let lines = "host = \"192.0.2.9\"\nport = 3478\ntransport = \"udp\"\nuser = \"room\"\npassword = \"secret\"\n";
    let room = Room::start(Plan { more: vec![("network.turn", lines.to_owned())], ..Plan::default() });
    for (language, alone) in [("de", "zu keinem anderen Rechner Kontakt"), ("en", "contacts no other host")] {
        let reply = room.client().get(&format!("/api/notice?lang={language}")).unwrap();
        assert!(reply.body.contains("192.0.2.9"), "the relay is named: {}", reply.body);
        assert!(!reply.body.contains(alone), "and nothing else is claimed: {}", reply.body);
        assert!(!reply.body.contains("secret"), "its password is nobody's business");
    }
    let contacts = room.status()["contacts"].to_string();
    assert!(contacts.contains("192.0.2.9"), "the status page names it too (P5): {contacts}");
}
