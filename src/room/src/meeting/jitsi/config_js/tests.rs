use proptest::prelude::*;

use super::super::link::Link;
use super::*;
use crate::language::Language;

const DEBIAN: &str = include_str!("tests/debian.js");
const DOCKER: &str = include_str!("tests/docker.js");
const INCLUDES: &str = include_str!("tests/includes.js");

fn link(text: &str) -> Link {
    Link::read(text).unwrap()
}

fn read(text: &str) -> Configuration {
    Configuration::read(text, &link("https://meet.example.org/Rose")).unwrap()
}

fn url(url: &Option<subrosa_messages::Pii<url::Url>>) -> &str {
    url.as_ref().unwrap().reveal().as_str()
}

#[test]
fn the_file_of_debian_s_package_is_read() {
    let read = read(DEBIAN);
    assert_eq!(read.domain.reveal(), "meet.example.org");
    assert_eq!(read.anonymous_domain.as_ref().unwrap().reveal(), "guest.meet.example.org");
    assert_eq!(read.muc.reveal(), "conference.meet.example.org");
    assert_eq!(read.focus.reveal(), "focus.meet.example.org");
    assert_eq!(url(&read.websocket), "wss://meet.example.org/xmpp-websocket?room=rose");
    assert_eq!(url(&read.bosh), "https://meet.example.org/http-bind?room=rose");
    assert_eq!((read.keep_alive, read.conference_request), (None, None));
    assert!(read.prefer_sctp && !read.external_key && !read.token_login);
}

#[test]
fn the_file_of_docker_is_read() {
    let read = read(DOCKER);
    assert_eq!(read.domain.reveal(), "meet.internal");
    assert_eq!(read.muc.reveal(), "muc.meet.internal");
    assert_eq!(read.focus.reveal(), "focus.meet.internal");
    assert_eq!(url(&read.websocket), "wss://meet.example.org:8443/xmpp-websocket?room=rose");
    assert_eq!(url(&read.conference_request), "https://meet.example.org:8443/conference-request/v1?room=rose");
    assert_eq!(url(&read.keep_alive), "https://meet.example.org:8443/_unlock?room=rose");
    assert!(!read.prefer_sctp && read.external_key && read.token_login);
}

#[test]
fn includes_that_the_server_has_not_carried_out_are_empty_and_those_it_has_are_used() {
    assert_eq!(read(INCLUDES).muc.reveal(), "conference.meet.example.org");
    assert_eq!(url(&read(INCLUDES).websocket), "wss://meet.example.org/xmpp-websocket?room=rose");
    let carried_out = INCLUDES
        .replace("<!--# echo var=\"subdomain\" default=\"\" -->", "Big.Team.")
        .replace("<!--# echo var=\"subdir\" default=\"\" -->", "big.team/");
    let read = Configuration::read(&carried_out, &link("https://meet.example.org/Big.Team/Rose?jwt=a.b.c")).unwrap();
    assert_eq!(read.muc.reveal(), "conference.big_team.meet.example.org");
    assert_eq!(url(&read.websocket), "wss://meet.example.org/big.team/xmpp-websocket?room=rose&token=a.b.c");
}

#[test]
fn a_broken_file_still_gives_the_keys_that_matter() {
    let broken = "var config = { x: function( { [ ( \n hosts: { domain: 'a.example',, muc: 'conference.' + 'a.example' \
                  }\n websocket: \"wss://a.example/xmpp-websocket\" ";
    let read = read(broken);
    assert_eq!((read.domain.reveal().as_str(), read.muc.reveal().as_str()), ("a.example", "conference.a.example"));
    assert_eq!(url(&read.websocket), "wss://a.example/xmpp-websocket?room=rose");
}

#[test]
fn what_is_no_plain_value_leaves_its_key_out_and_no_other() {
    for hard in [
        "function() { return { hosts: 1 }; }",
        "(a, b) => ({ domain: a + b })",
        "a ? 'b' : \"c\"",
        "`https://${host}/`",
        "/[a-z'\"]+/g",
        "new Thing({ a: 1 })",
        "[1, 2, ...rest]",
        "config.hosts",
        "a.b(c)[d]",
        "1 - 2 * 3",
        "typeof x === 'y'",
    ] {
        let text = format!(
            "var config = {{ before: 1,\n hard: {hard},\n hosts: {{ domain: 'a.example' }}, bosh: '//a.example/b' }};\n\
             config.hard = {hard};\nconfig.focus = 2;\nconfig.hosts.focus = 'f.example'"
        );
        let read = read(&text);
        assert_eq!((read.domain.reveal().as_str(), read.focus.reveal().as_str()), ("a.example", "f.example"), "{hard}");
    }
}

#[test]
fn what_stands_under_a_condition_is_not_carried_out() {
    let text = "config.hosts = { domain: 'a.example' }; config.bosh = '/http-bind';
        if (x) { config.hosts.domain = 'b.example'; }
        if (!config.hasOwnProperty('hosts')) config.hosts = {};
        config.hosts = config.hosts || {};
        function f() { config.hosts.domain = 'c.example'; }
        config.hosts.muc = 'rooms.' + config.hosts.domain;";
    let read = read(text);
    assert_eq!((read.domain.reveal().as_str(), read.muc.reveal().as_str()), ("a.example", "rooms.a.example"));
    assert_eq!(url(&read.bosh), "https://meet.example.org/http-bind?room=rose");
}

#[test]
fn what_is_no_config_js_says_so() {
    let link = link("https://meet.example.org/Rose");
    for text in [
        "",
        "<!DOCTYPE html><html><script>var config = { hosts: { domain: 'a.example' } }</script></html>",
        "\u{feff}\n<html>",
        "Not found",
        "{\"error\": 404}",
        "var config = {};",
        "var config = { hosts: { domain: '' }, websocket: 'wss://a.example/' }",
        "var config = { hosts: { domain: 'a b' }, websocket: 'wss://a.example/' }",
    ] {
        assert_eq!(Configuration::read(text, &link), Err(ConfigurationError::NotJitsi), "{text}");
    }
    assert_eq!(Configuration::read("config.hosts.domain = 'a.example'", &link), Err(ConfigurationError::NoWay));
    for error in ConfigurationError::ALL {
        let [german, english] = Language::ALL.map(|language| error.sentence(language));
        assert!(german != english && german.ends_with('.') && english.ends_with('.'));
    }
}

#[test]
fn p8_an_address_without_encryption_is_refused() {
    for way in ["websocket: 'ws://a.example/x'", "bosh: 'http://a.example/x'"] {
        let text = format!("var config = {{ hosts: {{ domain: 'a.example' }}, {way} }}");
        let read = Configuration::read(&text, &link("https://meet.example.org/Rose"));
        assert_eq!(read, Err(ConfigurationError::Unencrypted));
    }
}

#[test]
fn p5_every_host_of_the_way_in_is_named() {
    let read = read(
        "config.hosts.domain = 'd'; config.websocket = 'wss://a.example/x'; config.bosh = '//unused.example/';
         config.conferenceRequestUrl = 'https://b.example/'; config.websocketKeepAliveUrl = 'https://a.example/k'",
    );
    let hosts: Vec<&str> = read
        .hosts()
        .iter()
        .map(|host| host.reveal().as_str())
        .map(str::to_owned)
        .map(|host| ["a.example", "b.example"].into_iter().find(|known| *known == host).unwrap())
        .collect();
    assert_eq!(hosts, ["a.example", "b.example"]);
}

#[test]
fn jitsi_as_a_service_needs_no_file_and_asks_for_a_token() {
    let without = link("https://8x8.vc/vpaas-magic-cookie-1a2b/Rose");
    assert_eq!(Configuration::of_service(&without), Some(Err(ConfigurationError::NoToken)));
    let with = Configuration::of_service(&link("https://8x8.vc/vpaas-magic-cookie-1a2b/Rose?jwt=a.b.c"));
    let with = with.unwrap().unwrap();
    assert_eq!(with.muc.reveal(), "conference.vpaas-magic-cookie-1a2b.8x8.vc");
    assert_eq!(url(&with.websocket), "wss://8x8.vc/vpaas-magic-cookie-1a2b/xmpp-websocket?room=rose&token=a.b.c");
    assert_eq!(Configuration::of_service(&link("https://8x8.vc/team/Rose")), None);
    assert_eq!(Configuration::of_service(&link("https://a.example/vpaas-magic-cookie-1a2b/Rose")), None);
}

#[test]
fn p9_the_configuration_prints_neither_room_nor_server_nor_token() {
    let link = link("https://meet.example.org/Rose?jwt=secret");
    let printed = format!("{:?}", Configuration::read(DEBIAN, &link).unwrap());
    for word in ["rose", "example", "secret"] {
        assert!(!printed.contains(word), "{printed}");
    }
}

#[test]
fn a_hostile_file_costs_no_more_than_a_long_one() {
    let link = link("https://meet.example.org/Rose");
    let began = std::time::Instant::now();
    for part in [
        "domain:[",
        "{",
        "(",
        "!",
        "a=a+a;",
        "a.",
        "a[\"a\"]",
        "domain:''+(",
        "if(",
        "a=[",
        "x:{a",
        "'",
        "`",
        "<!--",
        "config.a=config;",
    ] {
        let mut text = String::from("var a = 'xx';");
        text.push_str(&part.repeat(LONGEST / part.len()));
        let _answer = Configuration::read(&text, &link);
    }
    // No measurement: what is quadratic takes minutes.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

fn mutated() -> impl Strategy<Value = String> {
    let seed = prop::sample::select(vec![DEBIAN, DOCKER, INCLUDES]);
    let change = (any::<prop::sample::Index>(), 0..40_usize, "[\\[\\]{}()+=:;,.'\"`/<!|?a-z0-9\n-]{0,6}");
    (seed, prop::collection::vec(change, 1..8)).prop_map(|(seed, changes)| {
        let mut text: Vec<char> = seed.chars().collect();
        for (at, removed, put) in changes {
            let at = at.index(text.len() + 1);
            let end = (at + removed).min(text.len());
            text.splice(at..end, put.chars());
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_change_of_a_file_ends_in_an_answer_without_unencrypted_addresses(text in mutated()) {
        if let Ok(read) = Configuration::read(&text, &link("https://meet.example.org/Rose")) {
            for url in [&read.websocket, &read.bosh, &read.keep_alive, &read.conference_request].into_iter().flatten() {
                prop_assert!(["wss", "https"].contains(&url.reveal().scheme()));
                prop_assert!(url.reveal().query().unwrap().ends_with("room=rose"));
            }
            prop_assert!(!read.domain.reveal().contains([' ', '/', '@', '<']));
        }
    }

    #[test]
    fn any_text_ends_in_an_answer(text in "\\PC{0,300}") {
        let _answer = Configuration::read(&text, &link("https://meet.example.org/Rose"));
    }
}
