//! The machine against every answer of an endpoint.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

// {"video":{"room":"Rose","roomJoin":true}}
const TOKEN: &str = "e30.eyJ2aWRlbyI6eyJyb29tIjoiUm9zZSIsInJvb21Kb2luIjp0cnVlfX0.c2ln";
const ENDPOINT: &str = "https://tokens.example.org/token?v=1";

fn pii(text: &str) -> Pii<String> {
    Pii::new(text.to_owned())
}

fn errand(now: Instant, secret: Option<&str>) -> Errand {
    let tokens = Tokens { url: Pii::new(Url::parse(ENDPOINT).unwrap()), secret: secret.map(pii) };
    Errand::new(now, Settings { tokens, room: pii("Rose"), name: pii("Saal 3"), host: pii("live.example.org") })
}

fn reply(status: u16, body: &str) -> Result<Reply, OutboundError> {
    Ok(Reply { status, location: None, body: pii(body) })
}

fn sent_on(status: u16, to: &str) -> Result<Reply, OutboundError> {
    Ok(Reply { status, location: Some(pii(to)), body: pii("") })
}

fn good() -> Result<Reply, OutboundError> {
    reply(201, &json!({ "server_url": "wss://live.example.org", "participant_token": TOKEN }).to_string())
}

fn asks(step: Option<Step>) -> (u64, Request) {
    match step {
        Some(Step::Ask(number, request)) => (number, request),
        other => panic!("{other:?}"),
    }
}

/// One that has asked, with the number of its request.
fn asked(now: Instant) -> (Errand, u64) {
    let mut errand = errand(now, None);
    let (number, _) = asks(errand.tick(now));
    (errand, number)
}

/// One that has been given a token.
fn given(now: Instant) -> Errand {
    let (mut errand, number) = asked(now);
    assert_eq!(errand.answered(now, number, good()), Some(Step::Given(pii(TOKEN))));
    errand
}

#[test]
fn p5_it_asks_with_both_names_and_nothing_else() {
    let now = Instant::now();
    for secret in [None, Some("s3cret")] {
        let mut errand = errand(now, secret);
        assert_eq!(errand.deadline(), Some(now));
        let (_, request) = asks(errand.tick(now));
        assert_eq!(request.url.reveal().as_str(), ENDPOINT);
        let body: Value = serde_json::from_str(request.body.as_ref().unwrap().reveal()).unwrap();
        assert_eq!(body, json!({ "room_name": "Rose", "participant_name": "Saal 3" }));
        let authorization = request.authorization.as_ref().map(|header| header.reveal().as_str());
        assert_eq!(authorization, secret.map(|_| "Bearer s3cret"));
        let shown = format!("{request:?} {errand:?}");
        for hidden in ["s3cret", "Rose", "Saal", "example"] {
            assert!(!shown.contains(hidden), "p9: {shown}");
        }
        // One request at a time.
        assert_eq!((errand.tick(now), errand.deadline()), (None, None));
    }
}

#[test]
fn a_token_is_taken_in_every_form_that_clients_take() {
    let now = Instant::now();
    for (status, body) in [
        (200, json!({ "server_url": "wss://live.example.org", "participant_token": TOKEN })),
        (201, json!({ "serverUrl": "wss://live.example.org", "participantToken": TOKEN })),
        (200, json!({ "participant_token": TOKEN, "participantToken": TOKEN, "roomName": "x", "more": [1] })),
        (200, json!({ "server_url": null, "participant_token": TOKEN })),
        (200, json!({ "server_url": "", "participant_token": TOKEN })),
        // Scheme, port and path are the link's.
        (200, json!({ "server_url": "https://Live.Example.org.:7880/x", "participant_token": TOKEN })),
    ] {
        let (mut errand, number) = asked(now);
        let step = errand.answered(now, number, reply(status, &body.to_string()));
        assert_eq!(step, Some(Step::Given(pii(TOKEN))), "{body}");
        assert_eq!((errand.deadline(), errand.tick(now)), (None, None));
    }
}

#[test]
fn everything_else_is_a_failure_in_words() {
    let now = Instant::now();
    let token = |token: &str| json!({ "participant_token": token }).to_string();
    let server = |url: &str| json!({ "participant_token": TOKEN, "server_url": url }).to_string();
    let long = format!("e30.e30.{}", "a".repeat(LONGEST_TOKEN));
    let huge = format!("{}{}", server("wss://live.example.org"), " ".repeat(LONGEST));
    let mut table = vec![
        (reply(200, ""), Failure::TokenWrong),
        (reply(200, "<!doctype html>"), Failure::TokenWrong),
        (reply(200, "[]"), Failure::TokenWrong),
        (reply(200, "{}"), Failure::TokenWrong),
        (reply(200, r#"{"token":"e30.e30.c2ln"}"#), Failure::TokenWrong),
        (reply(200, r#"{"participant_token":7}"#), Failure::TokenWrong),
        (reply(200, &token("")), Failure::TokenWrong),
        (reply(200, &token("a.b.c")), Failure::TokenWrong),
        (reply(200, &token("e30.e30.c2ln\r\nx: y")), Failure::TokenWrong),
        (reply(200, &token(&long)), Failure::TokenWrong),
        (reply(200, &huge), Failure::TokenWrong),
        (reply(200, &server("wss://other.example.org")), Failure::TokenForAnother),
        (reply(200, &server("live.example.org")), Failure::TokenWrong),
        (reply(200, &server("wss://a@live.example.org")), Failure::TokenWrong),
        (sent_on(302, "http://tokens.example.org/"), Failure::Unencrypted),
        (sent_on(302, "https://other.example.org/"), Failure::TokenWrong),
        (sent_on(302, "https://tokens.example.org:8443/"), Failure::TokenWrong),
        (sent_on(302, "https://a@tokens.example.org/"), Failure::TokenWrong),
        (reply(302, ""), Failure::TokenWrong),
        (Err(OutboundError::NotDeclared), Failure::HostNotDeclared),
        (Err(OutboundError::Unencrypted), Failure::Unencrypted),
        (Err(OutboundError::Certificate), Failure::CertificateWrong),
        (Err(OutboundError::TooLarge), Failure::TokenWrong),
        (Err(OutboundError::NoAddress), Failure::TokenUnavailable),
        (Err(OutboundError::NoConnection), Failure::TokenUnavailable),
        (Err(OutboundError::Late), Failure::TokenUnavailable),
        (Err(OutboundError::Tls), Failure::TokenUnavailable),
        (Err(OutboundError::Refused(500)), Failure::TokenUnavailable),
        (Err(OutboundError::Speech), Failure::TokenUnavailable),
        (Err(OutboundError::Stalled), Failure::TokenUnavailable),
    ];
    // Whatever stands in the body of a refusal.
    let body = server("wss://live.example.org");
    table.extend([101, 304, 400, 404, 405, 422].map(|status| (reply(status, &body), Failure::TokenWrong)));
    table.extend([401, 403].map(|status| (reply(status, &body), Failure::TokenDenied)));
    table.extend([408, 429, 500, 503].map(|status| (reply(status, &body), Failure::TokenUnavailable)));
    for (answer, failure) in table {
        let (mut errand, number) = asked(now);
        let told = format!("{:?}", answer.as_ref().map(|reply| (reply.status, reply.body.reveal().len())));
        assert_eq!(errand.answered(now, number, answer), Some(Step::Failed(failure)), "{told}");
        // That was all.
        assert_eq!((errand.deadline(), errand.answered(now, number, good())), (None, None));
    }
}

#[test]
fn it_is_sent_on_within_its_host_and_not_for_ever() {
    let now = Instant::now();
    let mut errand = errand(now, Some("s3cret"));
    let (mut number, first) = asks(errand.tick(now));
    for round in 0..REDIRECTIONS {
        let next = errand.answered(now, number, sent_on(308, &format!("/elsewhere/{round}")));
        let (newer, request) = asks(next);
        assert_eq!(request.url.reveal().as_str(), format!("https://tokens.example.org/elsewhere/{round}"));
        assert_eq!((&request.body, &request.authorization), (&first.body, &first.authorization));
        // An answer to an older request is nobody's.
        assert_eq!(errand.answered(now, number, good()), None);
        number = newer;
    }
    let last = errand.answered(now, number, sent_on(308, "/elsewhere"));
    assert_eq!(last, Some(Step::Failed(Failure::TokenWrong)));
}

#[test]
fn another_one_is_asked_for_later_each_time_and_not_for_ever() {
    let mut now = Instant::now();
    let mut errand = given(now);
    for attempt in 0..ATTEMPTS {
        assert_eq!(errand.again(now), Step::Wait);
        let due = errand.deadline().unwrap();
        assert_eq!(due, now + FIRST_WAIT * 2_u32.pow(attempt));
        assert_eq!(errand.tick(due - Duration::from_millis(1)), None);
        now = due;
        let (number, request) = asks(errand.tick(now));
        assert_eq!(request.url.reveal().as_str(), ENDPOINT);
        assert_eq!(errand.answered(now, number, good()), Some(Step::Given(pii(TOKEN))));
    }
    assert_eq!(errand.again(now), Step::Failed(Failure::TokenWrong));
    // One that was good for a while starts the count anew.
    let mut errand = given(now);
    for _ in 0..3 * ATTEMPTS {
        now += LASTED;
        assert_eq!((errand.again(now), errand.deadline()), (Step::Wait, Some(now + FIRST_WAIT)));
        now += FIRST_WAIT;
        let (number, _) = asks(errand.tick(now));
        assert_eq!(errand.answered(now, number, good()), Some(Step::Given(pii(TOKEN))));
    }
}

#[test]
fn a_fault_is_waited_out_once_there_was_a_token_and_a_refusal_is_not() {
    let mut now = Instant::now();
    for (answer, failure) in [
        (reply(503, ""), Failure::TokenUnavailable),
        (Err(OutboundError::Late), Failure::TokenUnavailable),
        (reply(403, ""), Failure::TokenDenied),
        (reply(200, "{}"), Failure::TokenWrong),
    ] {
        let mut errand = given(now);
        let mut requests = 0;
        let mut step = errand.again(now);
        while step == Step::Wait {
            now = errand.deadline().unwrap();
            let (number, _) = asks(errand.tick(now));
            requests += 1;
            step = errand.answered(now, number, answer.clone()).unwrap();
        }
        assert_eq!(step, Step::Failed(failure));
        assert_eq!(requests, if failure == Failure::TokenUnavailable { ATTEMPTS } else { 1 });
    }
}

fn answers() -> impl Strategy<Value = Result<Reply, OutboundError>> {
    let token = prop_oneof![
        "\\PC{0,40}",
        "\\PC{0,20}".prop_map(|claims| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))),
        Just(TOKEN.to_owned()),
    ];
    let server = prop_oneof![Just("wss://live.example.org".to_owned()), "\\PC{0,30}", "[a-z]{2,5}://[a-z.:@/]{0,20}"];
    let body = (token, server, any::<bool>()).prop_map(|(token, server, camel)| {
        let answer = if camel {
            json!({ "serverUrl": server, "participantToken": token })
        } else {
            json!({ "server_url": server, "participant_token": token })
        };
        answer.to_string()
    });
    let body = prop_oneof![body, "\\PC{0,60}"];
    let status = prop_oneof![Just(200), Just(201), Just(302), 100_u16..600];
    let location = prop::option::of("(https://tokens.example.org)?[a-z:/@.]{0,20}");
    let reply = (status, location, body).prop_map(|(status, location, body)| Reply {
        status,
        location: location.map(Pii::new),
        body: Pii::new(body),
    });
    prop_oneof![6 => reply.prop_map(Ok), 1 => Just(Err(OutboundError::Late))]
}

proptest! {
    #[test]
    fn whatever_an_endpoint_answers_no_token_is_made_up_and_it_ends(replies in prop::collection::vec(answers(), 1..80)) {
        let mut now = Instant::now();
        let mut errand = errand(now, Some("s3cret"));
        let mut question = None;
        let mut requests = 0;
        for reply in replies {
            if let Some(Step::Ask(number, request)) = errand.tick(now) {
                prop_assert_eq!(request.url.reveal().as_str(), ENDPOINT);
                (question, requests) = (Some(number), requests + 1);
            }
            let Some(number) = question else { break };
            let body = reply.as_ref().map(|reply| reply.body.reveal().clone()).unwrap_or_default();
            match errand.answered(now, number, reply) {
                Some(Step::Given(token)) => {
                    prop_assert!(!token.reveal().is_empty() && body.contains(token.reveal()));
                    // The server does not take it.
                    question = None;
                    if let Step::Failed(_) = errand.again(now) {
                        break;
                    }
                }
                Some(Step::Ask(number, request)) => {
                    prop_assert_eq!(request.url.reveal().scheme(), "https");
                    prop_assert_eq!(request.url.reveal().host_str(), Some("tokens.example.org"));
                    (question, requests) = (Some(number), requests + 1);
                }
                Some(Step::Wait) => question = None,
                Some(Step::Failed(_)) => {
                    prop_assert_eq!(errand.deadline(), None);
                    break;
                }
                None => prop_assert!(false, "an answer to the last request"),
            }
            now = errand.deadline().unwrap_or(now);
        }
        let most = usize::try_from(ATTEMPTS + 1).unwrap() * (REDIRECTIONS + 1);
        prop_assert!(requests <= most, "{requests}");
    }
}
