//! The machine against answers of servers of every age.

use proptest::prelude::*;

use super::*;

const ROOM: &str = "11111111-2222-3333-4444-555555555555";
const CODE: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const CLIENT: &str = r#"{"opentalk_controller":{"base_url":"https://controller.example.org"}}"#;
const STARTED: &str = r#"{"token":"t0k.en","roomserver_address":"https://rooms.example.org"}"#;
const PAGE: &str = "<!doctype html><html></html>";

fn visitor() -> Visitor {
    Visitor { name: Pii::new("Saal 3".to_owned()), secret: Pii::new("0123456789abcdef".to_owned()), password: None }
}

fn begin() -> (Start, Step) {
    let link = Link::read(&format!("https://meet.example.org/room/{ROOM}?invite={CODE}")).unwrap();
    Start::begin(&link, visitor()).unwrap()
}

fn verified(password: bool) -> String {
    json!({ "room_id": ROOM, "password_required": password }).to_string()
}

fn refusal(code: &str) -> String {
    json!({ "code": code, "message": "…" }).to_string()
}

/// Where it is asked, and whether the host is new.
fn asks(step: &Step) -> (String, bool) {
    let Step::Ask { request, new_host } = step else { panic!("{step:?}") };
    (request.url.reveal().to_string(), new_host.is_some())
}

fn body(step: &Step) -> serde_json::Value {
    let Step::Ask { request, .. } = step else { panic!("{step:?}") };
    serde_json::from_str(request.body.as_ref().expect("a body").reveal()).unwrap()
}

/// Until the newest way in is asked.
fn starts() -> Start {
    let (mut start, _) = begin();
    start.answered(200, None, CLIENT);
    start.answered(200, None, &verified(false));
    start
}

const START: &str = "https://controller.example.org/v1/rooms/11111111-2222-3333-4444-555555555555/start";

#[test]
fn a_server_of_today_is_joined_in_three_answers() {
    let (mut start, step) = begin();
    assert_eq!(asks(&step), ("https://meet.example.org/.well-known/opentalk/client".to_owned(), false));
    let step = start.answered(200, None, CLIENT);
    assert_eq!(asks(&step), ("https://controller.example.org/v1/invite/verify".to_owned(), true));
    assert_eq!(body(&step), json!({ "invite_code": CODE }));
    assert!(matches!(&step, Step::Ask { request: Request { authorization: None, .. }, .. }));
    let step = start.answered(200, None, &verified(false));
    assert_eq!(asks(&step), (START.to_owned(), false));
    assert_eq!(
        body(&step),
        json!({ "device_secret": "0123456789abcdef", "display_name": "Saal 3", "invite_code": CODE })
    );
    let Step::Ask { request, .. } = &step else { panic!() };
    assert_eq!(request.authorization, Some(Pii::new(format!("InviteCode {CODE}"))));
    let Step::Started { address, new_host } = start.answered(200, None, STARTED) else { panic!() };
    assert_eq!(address.reveal().as_str(), "wss://rooms.example.org/v1/signaling/t0k.en");
    assert_eq!(new_host, Some(Pii::new("rooms.example.org".to_owned())));
    let hosts: Vec<&str> = start.hosts().map(|host| host.reveal().as_str()).collect();
    assert_eq!(hosts, ["meet.example.org", "controller.example.org", "rooms.example.org"]);
}

#[test]
fn the_controller_is_found_where_it_is_named() {
    let script = |text: &str| {
        format!("// SPDX\nwindow.config = {{\n  {text}\n  insecure: false,\n  baseUrl: location.origin,\n}};")
    };
    for (text, meant) in [
        ("controller: 'c.example.org',", Ok("https://c.example.org/v1/invite/verify")),
        ("\"controller\": \"c.example.org/api/\",", Ok("https://c.example.org/api/v1/invite/verify")),
        ("controller: 'https://c.example.org:8443',", Ok("https://c.example.org:8443/v1/invite/verify")),
        ("controller: 'http://c.example.org',", Err(Failure::Unencrypted)),
        ("controller: 'c.example.org',\n insecure: true,", Err(Failure::Unencrypted)),
        ("controller: 'ro sa',", Err(Failure::NotOpenTalk)),
        ("controller: 'https://rosa@c.example.org',", Err(Failure::NotOpenTalk)),
    ] {
        let (mut start, _) = begin();
        // A frontend answers with its page to what it does not know.
        assert_eq!(asks(&start.answered(200, None, PAGE)).0, "https://meet.example.org/config.js");
        let step = start.answered(200, None, &script(text));
        match meant {
            Ok(url) => assert_eq!(asks(&step), (url.to_owned(), true), "{text}"),
            Err(failure) => assert_eq!(step, Step::Failed(failure), "{text}"),
        }
    }
    for (base, meant) in [
        ("v1", "https://meet.example.org/v1/invite/verify"),
        ("/api/v1/", "https://meet.example.org/api/v1/invite/verify"),
    ] {
        let (mut start, _) = begin();
        start.answered(404, None, "");
        assert_eq!(asks(&start.answered(404, None, PAGE)).0, "https://meet.example.org/.well-known/opentalk/api");
        let step = start.answered(200, None, &json!({ "opentalk_api": { "v1": { "base_url": base } } }).to_string());
        assert_eq!(asks(&step), (meant.to_owned(), false));
    }
}

#[test]
fn what_is_no_opentalk_is_told_no_code() {
    for (status, text, failure) in [
        (200, PAGE, Failure::NotOpenTalk),
        (404, "", Failure::NotOpenTalk),
        (503, "", Failure::ServerFault),
        (200, r#"{"opentalk_api":{"v1":{"base_url":"v2"}}}"#, Failure::TooOld),
    ] {
        let (mut start, mut step) = begin();
        for (status, text) in [(404, PAGE), (200, PAGE), (status, text)] {
            let Step::Ask { request, .. } = &step else { panic!() };
            assert_eq!((request.method, &request.body, &request.authorization), (Method::Get, &None, &None));
            step = start.answered(status, None, text);
        }
        assert_eq!(step, Step::Failed(failure), "{status} {text}");
    }
    let http = r#"{"opentalk_controller":{"base_url":"http://controller.example.org"}}"#;
    assert_eq!(begin().0.answered(200, None, http), Step::Failed(Failure::Unencrypted));
}

#[test]
fn an_invitation_is_good_or_not() {
    for (status, text, failure) in [
        (404, refusal("not_found"), Failure::NoSuchMeeting),
        (422, refusal("validation_failed"), Failure::NoSuchMeeting),
        (400, refusal("invalid_json"), Failure::NoSuchMeeting),
        (401, refusal("unauthorized"), Failure::Refused),
        (500, refusal("internal"), Failure::ServerFault),
        (429, String::new(), Failure::ServerFault),
        (404, PAGE.to_owned(), Failure::NotOpenTalk),
        (200, PAGE.to_owned(), Failure::NotOpenTalk),
        (200, json!({ "room_id": "../x" }).to_string(), Failure::ServerFault),
        (204, String::new(), Failure::NotOpenTalk),
    ] {
        let (mut start, _) = begin();
        start.answered(200, None, CLIENT);
        assert_eq!(start.answered(status, None, &text), Step::Failed(failure), "{status} {text}");
    }
    let link = Link::read(&format!("https://meet.example.org/room/{ROOM}")).unwrap();
    assert_eq!(Start::begin(&link, visitor()).err(), Some(Failure::NoInvite));
}

#[test]
fn an_older_link_names_the_invitation_alone() {
    let link = Link::read(&format!("https://meet.example.org/invite/{CODE}")).unwrap();
    let (mut start, _) = Start::begin(&link, visitor()).unwrap();
    start.answered(200, None, CLIENT);
    assert_eq!(asks(&start.answered(200, None, &verified(false))).0, START);
}

#[test]
fn a_password_is_asked_for() {
    let (mut start, _) = begin();
    start.answered(200, None, CLIENT);
    assert_eq!(start.answered(200, None, &verified(true)), Step::PasswordWanted);
    let step = start.password(Pii::new("rose".to_owned()));
    assert_eq!((asks(&step).0.as_str(), body(&step)["password"].as_str()), (START, Some("rose")));
    assert_eq!(start.answered(401, None, &refusal("wrong_room_password")), Step::PasswordWrong);
    let step = start.password(Pii::new("Rose".to_owned()));
    assert_eq!(body(&step)["password"], "Rose");
    assert!(matches!(start.answered(200, None, STARTED), Step::Started { .. }));
    // A server that says it only now.
    let mut start = starts();
    assert_eq!(start.answered(401, None, &refusal("wrong_room_password")), Step::PasswordWanted);
    assert_eq!(starts().password(Pii::new("rose".to_owned())), Step::Failed(Failure::ServerFault), "nobody asked");
}

#[test]
fn every_generation_is_joined_or_said_to_be_too_old() {
    const INVITED: &str = "_invited";
    let ticket = r#"{"ticket":"t","resumption":"r"}"#;
    // Account wanted at the new address; the one before.
    let mut start = starts();
    let step = start.answered(401, None, &refusal("unauthorized"));
    assert_eq!(asks(&step).0, format!("{START}{INVITED}"));
    assert!(matches!(start.answered(200, None, STARTED), Step::Started { .. }));
    // The one before that, with both signallings.
    for (status, text) in [(200, ticket.to_owned()), (400, refusal("legacy_signaling_disabled")), (404, String::new())]
    {
        let mut start = starts();
        start.answered(401, None, "");
        let step = start.answered(status, None, &text);
        assert_eq!(asks(&step).0, START.replace("start", "roomserver/start_invited"));
        assert!(matches!(start.clone().answered(200, None, STARTED), Step::Started { .. }));
        let too_old = start.clone().answered(400, None, &refusal("roomserver_signaling_disabled"));
        assert_eq!(too_old, Step::Failed(Failure::TooOld));
        let verdict = if status == 200 { Failure::TooOld } else { Failure::Refused };
        assert_eq!(start.answered(404, None, ""), Step::Failed(verdict));
    }
    for (status, code, failure) in [
        (403, "banned_from_room", Failure::Refused),
        (500, "internal", Failure::ServerFault),
        (503, "", Failure::ServerFault),
    ] {
        assert_eq!(starts().answered(status, None, &refusal(code)), Step::Failed(failure));
    }
    // All say the same.
    for (status, code, failure) in [(403, "forbidden", Failure::Refused), (404, "not_found", Failure::NoSuchMeeting)] {
        let mut start = starts();
        start.answered(status, None, &refusal(code));
        start.answered(status, None, &refusal(code));
        assert_eq!(start.answered(status, None, &refusal(code)), Step::Failed(failure));
    }
}

#[test]
fn a_server_sends_on_and_not_in_circles() {
    // Today's server, asked in an older way after it has refused the newer one.
    let mut start = starts();
    start.answered(403, None, &refusal("forbidden"));
    let step = start.answered(308, Some(&format!("/v1/rooms/{ROOM}/start")), "");
    assert_eq!(asks(&step).0, START.replace("start", "roomserver/start_invited"));
    let step = start.answered(301, Some(&format!("/v1/rooms/{ROOM}/start_invited")), "");
    assert_eq!(step, Step::Failed(Failure::Refused));
    // Somewhere else on the same server: with the same body, whatever browsers do.
    let mut start = starts();
    let step = start.answered(301, Some("/v2/start"), "");
    assert_eq!(asks(&step), ("https://controller.example.org/v2/start".to_owned(), false));
    assert_eq!(body(&step)["invite_code"], CODE);
    for _ in 0..2 {
        start.answered(301, Some("/v2/start"), "");
    }
    assert_eq!(start.answered(301, Some("/v2/start"), ""), Step::Failed(Failure::ServerFault));
}

#[test]
fn p5_p8_nothing_goes_elsewhere_and_nothing_without_tls() {
    for (location, failure) in [
        ("https://other.example/v1", Failure::Redirected),
        ("//other.example/v1", Failure::Redirected),
        ("https://controller.example.org:8443/v1", Failure::Redirected),
        ("https://rosa@controller.example.org/v1", Failure::Redirected),
        ("http://controller.example.org/v1", Failure::Unencrypted),
        ("data:,x", Failure::Unencrypted),
    ] {
        assert_eq!(starts().answered(308, Some(location), ""), Step::Failed(failure), "{location}");
    }
    assert_eq!(starts().answered(302, None, ""), Step::Failed(Failure::ServerFault));
    for (address, meant) in [
        ("https://rooms.example.org", Ok("wss://rooms.example.org/v1/signaling/t")),
        ("https://controller.example.org/rooms/?x#y", Ok("wss://controller.example.org/rooms/v1/signaling/t")),
        ("wss://rooms.example.org:8443/", Ok("wss://rooms.example.org:8443/v1/signaling/t")),
        ("http://rooms.example.org", Err(Failure::Unencrypted)),
        ("ws://rooms.example.org", Err(Failure::Unencrypted)),
        ("https://rosa@rooms.example.org", Err(Failure::ServerFault)),
        ("rooms.example.org", Err(Failure::ServerFault)),
        ("data:,x", Err(Failure::ServerFault)),
    ] {
        let step = starts().answered(200, None, &json!({ "token": "t", "roomserver_address": address }).to_string());
        match (step, meant) {
            (Step::Started { address: url, new_host }, Ok(meant)) => {
                assert_eq!(url.reveal().as_str(), meant);
                assert_eq!(new_host.is_some(), !address.contains("controller"), "{address}");
            }
            (step, Err(failure)) => assert_eq!(step, Step::Failed(failure), "{address}"),
            (step, _) => panic!("{address}: {step:?}"),
        }
    }
    for token in ["", "..", &"x".repeat(LONGEST_TOKEN + 1)] {
        let step = starts().answered(
            200,
            None,
            &json!({ "token": token, "roomserver_address": "https://r.example" }).to_string(),
        );
        assert_eq!(step, Step::Failed(Failure::ServerFault), "{token}");
    }
}

#[test]
fn p9_code_secret_password_and_token_are_withheld() {
    let (mut start, step) = begin();
    let mut shown = format!("{step:?}");
    for text in [CLIENT, &verified(false), STARTED] {
        shown += &format!("{:?} {start:?}", start.clone().answered(200, None, text));
        start.answered(200, None, text);
    }
    for secret in [CODE, ROOM, "0123456789", "Saal", "t0k", "example.org"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

proptest! {
    #[test]
    fn p8_no_answer_makes_it_panic_or_go_without_tls(
        answers in prop::collection::vec((prop::sample::select(vec![200, 204, 301, 308, 400, 401, 403, 404, 422, 500]), 0..9usize, "\\PC{0,20}"), 1..14)
    ) {
        let (mut start, mut step) = begin();
        for (status, kind, junk) in answers {
            let text = match kind {
                0 => CLIENT.to_owned(),
                1 => verified(status == 200),
                2 => STARTED.to_owned(),
                3 => PAGE.to_owned(),
                4 => format!("controller: '{junk}',"),
                5 => json!({ "token": junk, "roomserver_address": junk }).to_string(),
                6 => json!({ "token": junk, "roomserver_address": format!("https://{junk}") }).to_string(),
                7 => json!({ "opentalk_controller": { "base_url": format!("https://{junk}") } }).to_string(),
                _ => junk.clone(),
            };
            step = match step {
                Step::Ask { request, .. } => {
                    let url = request.url.reveal();
                    prop_assert_eq!(url.scheme(), "https");
                    prop_assert!(start.hosts().any(|host| Some(host.reveal().as_str()) == url.host_str()));
                    start.answered(status, Some(&junk), &text)
                }
                Step::PasswordWanted | Step::PasswordWrong => start.password(Pii::new(junk)),
                Step::Started { address, .. } => {
                    prop_assert_eq!(address.reveal().scheme(), "wss");
                    break;
                }
                Step::Failed(_) => break,
            };
        }
    }
}
