use proptest::prelude::*;

use super::*;

fn facts() -> NoticeFacts {
    NoticeFacts {
        room: "Rose Room".to_owned(),
        operator: Some(Operator {
            name: "Example Association".to_owned(),
            address: "1 Example Road\n12345 Example Town".to_owned(),
            privacy_contact: Some("privacy@example.org".to_owned()),
        }),
        purpose: None,
        legal_basis: None,
        contacts: Vec::new(),
        encryption_checked: false,
        background_hidden: true,
        local_only: true,
        relay: false,
        others: true,
        chat_on_screen: true,
    }
}

fn whole(language: Language, facts: &NoticeFacts) -> String {
    let sections = Notice::of(language, facts).sections;
    sections.iter().map(|section| format!("{}\n{}\n", section.title, section.text)).collect()
}

#[test]
fn p7_the_notice_says_all_that_the_law_and_the_checklist_ask() {
    let german = whole(Language::German, &facts());
    for word in [
        "Subrosa",
        "wozu",
        "Rechtsgrundlage",
        "Art. 6",
        "Wie lange",
        "Example Association",
        "1 Example Road",
        "12345 Example Town",
        "privacy@example.org",
        "keine Auftragsverarbeiter",
        "keinem anderen Rechner",
        "Gerät nicht geprüft",
        "Ihre Rechte",
        "Aufsichtsbehörde",
        "Cookie",
        "nur aus seinem eigenen Netz",
        "Rose Room",
    ] {
        assert!(german.contains(word), "{word}");
    }
    let english = whole(Language::English, &facts());
    for word in [
        "Subrosa",
        "what for",
        "Legal basis",
        "Article 6",
        "How long",
        "Example Association",
        "1 Example Road",
        "12345 Example Town",
        "privacy@example.org",
        "no processors",
        "no other host",
        "device not checked",
        "Your rights",
        "authority",
        "cookie",
        "its own network only",
        "Rose Room",
    ] {
        assert!(english.contains(word), "{word}");
    }
}

#[test]
fn p7_an_operator_that_has_not_entered_itself_is_not_passed_over() {
    let unknown = NoticeFacts { operator: None, ..facts() };
    assert!(whole(Language::German, &unknown).contains("noch nicht eingetragen"));
    assert!(whole(Language::English, &unknown).contains("has not entered its name and address yet"));
    assert!(whole(Language::English, &unknown).contains("Ask there before you join"));
    let nameless = Operator { name: " ".to_owned(), address: String::new(), privacy_contact: None };
    let nameless = NoticeFacts { operator: Some(nameless), ..facts() };
    assert_eq!(whole(Language::English, &nameless), whole(Language::English, &unknown));
    let homeless = Operator { name: "Example".to_owned(), address: String::new(), privacy_contact: None };
    let homeless = whole(Language::English, &NoticeFacts { operator: Some(homeless), ..facts() });
    assert!(homeless.contains("has not entered an address yet") && homeless.contains("turn to the operator"));
}

#[test]
fn p7_the_notice_says_that_the_background_is_hidden_only_where_it_is() {
    for (language, word) in [(Language::German, "hinter den Menschen"), (Language::English, "behind people")] {
        assert!(whole(language, &facts()).contains(word));
        assert!(!whole(language, &NoticeFacts { background_hidden: false, ..facts() }).contains(word));
    }
}

#[test]
fn p7_the_notice_says_who_else_gets_what_a_guest_sends_and_writes() {
    let alone = NoticeFacts { others: false, chat_on_screen: false, ..facts() };
    for (language, others, there, screen) in [
        (Language::German, "an die anderen Gäste", "nur dort zu sehen", "bis zu 90 Sekunden"),
        (Language::English, "to the other guests", "there only", "up to 90 seconds"),
    ] {
        let short = |facts: &NoticeFacts| Notice::of(language, facts).sections[0].text.clone();
        assert!(short(&facts()).contains(others) && !whole(language, &facts()).contains(there));
        assert!(short(&alone).contains(there) && !whole(language, &alone).contains(others));
        assert!(whole(language, &facts()).contains(screen) && !whole(language, &alone).contains(screen));
    }
}

#[test]
fn p8_the_notice_has_no_word_stronger_than_the_truth() {
    for (language, strong) in [(Language::German, "Ende-zu-Ende"), (Language::English, "End-to-end")] {
        assert!(!whole(language, &facts()).contains(strong));
        assert!(whole(language, &NoticeFacts { encryption_checked: true, ..facts() }).contains(strong));
    }
}

#[test]
fn p5_every_host_that_is_contacted_is_named_and_the_relay_is_explained() {
    let contact = Contact { host: "turn.example.org".to_owned(), purpose: "relay".to_owned() };
    let facts = NoticeFacts { contacts: vec![contact], relay: true, local_only: false, ..facts() };
    for language in Language::ALL {
        let text = whole(language, &facts);
        assert!(text.contains("turn.example.org (relay)"));
        assert!(!text.contains("keinem anderen Rechner Kontakt") && !text.contains("contacts no other host"));
        assert!(text.contains(language.pick("Relais", "relay")));
        assert!(!text.contains(language.pick("eigenen Netz", "own network")));
    }
}

#[test]
fn p7_the_operator_s_own_words_stand_in_place_of_the_usual_ones() {
    let facts = NoticeFacts {
        purpose: Some("Interviews.".to_owned()),
        legal_basis: Some("Article 6(1)(b) GDPR.".to_owned()),
        ..facts()
    };
    for language in Language::ALL {
        let text = whole(language, &facts);
        assert!(text.contains("Interviews.") && text.contains("Article 6(1)(b) GDPR."));
        assert!(!text.contains("Buchst. f") && !text.contains("6(1)(f)"));
    }
}

prop_compose! {
    fn any_facts()(
        operator in prop::option::of(("[a-z ]{0,9}", "[a-z \n]{0,9}", prop::option::of("[a-z@ ]{0,9}"))),
        words in (prop::option::of("[a-z ]{0,9}"), prop::option::of("[a-z ]{0,9}")),
        hosts in prop::collection::vec("[a-z]{1,9}", 0..3),
        flags in any::<(bool, bool, bool, bool)>(),
        several in any::<(bool, bool)>(),
    ) -> NoticeFacts {
        NoticeFacts {
            room: "room".to_owned(),
            operator: operator.map(|(name, address, privacy_contact)| Operator { name, address, privacy_contact }),
            purpose: words.0,
            legal_basis: words.1,
            contacts: hosts.into_iter().map(|host| Contact { host, purpose: "time".to_owned() }).collect(),
            encryption_checked: flags.0,
            local_only: flags.1,
            relay: flags.2,
            background_hidden: flags.3,
            others: several.0,
            chat_on_screen: several.1,
        }
    }
}

proptest! {
    #[test]
    fn p7_both_languages_say_the_same_things_and_none_is_empty(facts in any_facts()) {
        let [german, english] = Language::ALL.map(|language| Notice::of(language, &facts).sections);
        prop_assert_eq!(german.len(), english.len());
        for (german, english) in german.iter().zip(&english) {
            prop_assert!(!german.title.is_empty() && german.title != english.title);
            prop_assert_eq!(german.text.lines().count(), english.text.lines().count());
            prop_assert!(german.text.lines().chain(english.text.lines()).all(|line| !line.trim().is_empty()
                || facts.operator.as_ref().is_some_and(|operator| operator.address.contains('\n'))));
        }
    }
}
