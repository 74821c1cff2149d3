use proptest::prelude::*;

use super::*;
use crate::language::Language;

/// Links, and what a browser's own `URL`, `normalize` and `encodeURIComponent` make of them (computed with
/// JavaScript): path in front of the room, room.
const AS_BROWSERS: [(&str, &str, &str); 19] = [
    ("https://meet.example.org/Rose", "/", "rose"),
    ("https://meet.example.org/Blauer%20Raum", "/", "blauer%20raum"),
    ("https://meet.example.org/Blauer Raum", "/", "blauer%20raum"),
    ("https://meet.example.org/GRÜẞE", "/", "gr%c3%bc%c3%9fe"),
    ("https://meet.example.org/Grün", "/", "gr%c3%bcn"),
    ("https://meet.example.org/Ｒｏｓｅ①", "/", "rose1"),
    ("https://meet.example.org/ΣΟΦΟΣ", "/", "%cf%83%ce%bf%cf%86%ce%bf%cf%82"),
    ("https://meet.example.org/İstanbul", "/", "i%cc%87stanbul"),
    ("https://meet.example.org/100%", "/", "100%25"),
    ("https://meet.example.org/a%FFb%C3%A4", "/", "a%25ffb%25c3%25a4"),
    ("https://meet.example.org/a:b@c!d'(e)*+f,g;h=i&j$k", "/", "abcdefghijk"),
    ("https://meet.example.org/a%3Ab%27c%2Fd", "/", "a%3ab'c%2fd"),
    ("https://meet.example.org/a<b>\"c\"", "/", "a%3cb%3e%22c%22"),
    ("https://meet.example.org/a^b`c{d}|e", "/", "a%5eb%60c%7bd%7d%7ce"),
    ("https://meet.example.org/x/../Rose", "/", "rose"),
    ("https://meet.example.org\\team\\Rose", "/team/", "rose"),
    ("https://meet.example.org/会議", "/", "%e4%bc%9a%e8%ad%b0"),
    ("https://meet.example.org/ﬁle_~-.", "/", "file_~-."),
    ("https://meet.example.org/Team%20A/B/Rose", "/Team%20A/B/", "rose"),
];

fn read(text: &str) -> Link {
    Link::read(text).unwrap()
}

#[test]
fn rooms_are_named_as_browsers_name_them() {
    for (link, root, room) in AS_BROWSERS {
        let read = read(link);
        assert_eq!((read.root.reveal().as_str(), read.room().reveal().as_str()), (root, room), "{link}");
        assert_eq!(read.host().reveal(), "meet.example.org");
    }
}

#[test]
fn every_form_of_link_leads_to_the_same_room() {
    for link in [
        "https://meet.example.org/Rose",
        "  https://meet.example.org/Rose\n",
        "HTTPS://Meet.Example.ORG/Rose",
        "http://meet.example.org/Rose",
        "meet.example.org/Rose",
        "//meet.example.org/Rose",
        "https://meet.example.org./Rose",
        "https://meet.example.org:443/Rose",
        "org.jitsi.meet://meet.example.org/Rose",
        "org.jitsi.meet:https://meet.example.org/Rose",
        "jitsi-meet://meet.example.org/Rose",
        "jitsi-meet://https://meet.example.org/Rose",
        "intent://meet.example.org/Rose#Intent;scheme=org.jitsi.meet;package=org.jitsi.meet;end",
        "https://meet.example.org/Rose?lang=de#config.prejoinPageEnabled=false",
    ] {
        assert_eq!(Link::read(link).as_ref(), Ok(&read("https://meet.example.org/rose")), "{link}");
    }
}

#[test]
fn what_else_matters_in_a_link_is_read() {
    let link = read(
        "https://meet.example.org:8443/team/a/Rose?jwt=aa.bb.cc&release=1 2#config.startWithAudioMuted=true\
         &config.startWithVideoMuted=true&userInfo.displayName=%22Room%204%5Cn%22",
    );
    assert_eq!((link.port(), link.authority().reveal().as_str()), (Some(8443), "meet.example.org:8443"));
    assert_eq!(link.tenant().unwrap().reveal(), "team/a");
    assert_eq!(link.token().unwrap().reveal().as_str(), "aa.bb.cc");
    assert!(link.microphone_muted && link.camera_muted);
    assert_eq!(link.display_name().unwrap().reveal(), "Room 4");
    assert_eq!(
        link.configuration_url().reveal(),
        "https://meet.example.org:8443/team/a/config.js?room=rose&release=1%202"
    );
    let in_fragment = read("https://meet.example.org/Rose#jwt=aa.bb.cc");
    assert_eq!(in_fragment.token(), link.token());
    assert_eq!(in_fragment.tenant(), None);
    assert_eq!(read("https://[2001:db8::7]:444/a").authority().reveal(), "[2001:db8::7]:444");
    assert_eq!(read("https://bücher.example/a").host().reveal(), "xn--bcher-kva.example");
}

#[test]
fn p2_no_link_can_ask_for_an_open_microphone_or_camera() {
    for value in ["false", "0", "null", "\"true\"", "unmuted", ""] {
        let link =
            read(&format!("https://a.example/b#config.startWithAudioMuted={value}&config.startWithVideoMuted={value}"));
        assert_eq!(link, read("https://a.example/b"), "{value}");
    }
}

#[test]
fn what_is_no_link_of_a_room_is_refused_with_its_reason() {
    let long = format!("https://a.example/{}", "x".repeat(LONGEST));
    for (text, error) in [
        ("", LinkError::Empty),
        (" \n", LinkError::Empty),
        (&*long, LinkError::TooLong),
        ("Rose", LinkError::OnlyARoom),
        ("Blauer Raum", LinkError::OnlyARoom),
        ("https://meet.example.org", LinkError::NoRoom),
        ("meet.example.org", LinkError::NoRoom),
        ("https://meet.example.org/team/", LinkError::NoRoom),
        ("https://meet.example.org/:;", LinkError::NoRoom),
        ("https://meet.example.org@evil.example/Rose", LinkError::User),
        ("https://a:b@evil.example/Rose", LinkError::User),
        ("ftp://meet.example.org/Rose", LinkError::NotALink),
        ("javascript:alert(1)", LinkError::NotALink),
        ("https://", LinkError::NotALink),
        ("https:///", LinkError::NotALink),
        ("https://exa mple/Rose", LinkError::NotALink),
    ] {
        assert_eq!(Link::read(text), Err(error), "{text}");
    }
}

#[test]
fn every_refusal_has_a_sentence_in_both_languages() {
    for error in LinkError::ALL {
        let [german, english] = Language::ALL.map(|language| error.sentence(language));
        assert!(german != english && german.ends_with('.') && english.ends_with('.'));
    }
}

#[test]
fn p5_a_redirection_takes_the_room_along_and_never_the_token() {
    let link = read("https://meet.example.org/team/Rose?jwt=aa.bb.cc");
    let other = link.redirected("other.example", None).unwrap();
    assert_eq!(other.configuration_url().reveal(), "https://other.example/team/config.js?room=rose");
    assert_eq!(other.token(), None);
    assert!(link.redirected("meet.example.org", Some(8443)).unwrap().token().is_some());
    assert!(link.redirected("a@b", None).is_err());
}

#[test]
fn p9_a_link_prints_nothing_of_itself() {
    let link = read("https://meet.example.org/team/Rose?jwt=secret.to.kens&release=7#userInfo.displayName=\"Rosa\"");
    let printed = format!("{link:?}");
    for word in ["example", "team", "rose", "secret", "7", "Rosa"] {
        assert!(!printed.contains(word), "{printed}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_link_or_is_not(text in ".{0,80}", tail in "[%a-zA-Z0-9?#&=:/@.\\\\ \u{308}]{0,40}") {
        let _answer = Link::read(&text);
        let _answer = Link::read(&format!("https://a.example/{tail}"));
    }

    #[test]
    fn the_name_of_a_room_is_plain_and_names_itself(room in "\\PC{1,30}") {
        if let Ok(link) = Link::read(&format!("https://a.example/{}", name::encoded(&room))) {
            let name = link.room().reveal();
            prop_assert!(name.is_ascii() && !name.contains(char::is_uppercase) && !name.contains('/'));
        }
    }
}
