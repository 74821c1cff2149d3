//! The remote's page and what a phone asks, with a room that knows one phone.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tokio::sync::watch;

use super::requests::{Answer, Scene, post, scene};
use super::*;
use crate::meeting::wish::WishRefusal;
use crate::remote::{
    Asks, MeetingView, PairingRefusal, PhoneEvent, PhoneKey, PhonePhase, PhoneRequest, PhoneView, Proposed,
};

fn view(phase: PhonePhase) -> PhoneView {
    PhoneView {
        room: "Rose Room".to_owned(),
        phones: 1,
        phase,
        host: Some(Pii::new("meet.example.org".to_owned())),
        operator: None,
        sentence: Some("Words."),
        meeting: None,
    }
}

fn meeting() -> MeetingView {
    MeetingView {
        locked: false,
        layout: Layout::Grid,
        screen: None,
        speaker: None,
        people: Vec::new(),
        waiting: Vec::new(),
        message: None,
        volume: 100,
        hides: true,
        may_show: false,
        camera_live: true,
        microphone_live: true,
        asks: Asks::default(),
        guests: 0,
        most: 6,
        full: false,
        invitation: None,
        roles: Vec::new(),
    }
}

pub(super) fn answer(request: PhoneRequest) -> String {
    let knows = |key: &PhoneKey| key.0.reveal() == SESSION;
    match request {
        PhoneRequest::Pair(attempt, reply) => {
            let (kind, secret) = match &attempt.secret {
                Secret::Pin(code) => ("code", code.reveal()),
                Secret::Token(token) => ("token", token.reveal()),
            };
            let answer = match secret.as_str() {
                "wrong" => Err(PairingRefusal::WrongCode { retry_after_ms: 1500 }),
                "early" => Err(PairingRefusal::TooEarly { retry_after_ms: 4000 }),
                "none" => Err(PairingRefusal::NoCode),
                _ => Ok(PhoneKey(Pii::new(SESSION.to_owned()))),
            };
            let _ = reply.send(answer);
            format!("pair {} {kind} {secret}", attempt.address.reveal())
        }
        PhoneRequest::Listen(key, language, reply) => {
            let known = knows(&key);
            let (to, states) = watch::channel(PhoneEvent::State(Box::new(view(PhonePhase::Free))));
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                to.send_replace(PhoneEvent::Ended);
            });
            let _ = reply.send(known.then_some(states));
            format!("listen {known} {}", language.tag())
        }
        PhoneRequest::Propose { key, link, language, reply } => {
            let answer = match (knows(&key), link.reveal().as_str()) {
                (false, _) => Proposed::Stranger,
                (true, "busy") => Proposed::Refused("Not now.".to_owned()),
                (true, _) => Proposed::Shown,
            };
            let _ = reply.send(answer);
            format!("propose {} {} {}", knows(&key), link.reveal(), language.tag())
        }
        PhoneRequest::Password { key, password, reply } => {
            let _ = reply.send(knows(&key));
            format!("password {} {}", knows(&key), password.reveal())
        }
        PhoneRequest::Wish { key, wish, reply } => {
            let granted = if knows(&key) { Ok(()) } else { Err(WishRefusal::Unknown) };
            let _ = reply.send(granted);
            format!("wish {granted:?} {wish:?}")
        }
        PhoneRequest::Leave(key, reply) => {
            let _ = reply.send(knows(&key));
            format!("leave {}", knows(&key))
        }
    }
}

async fn paired(scene: &Scene, path: &str, body: &str) -> Answer {
    let cookie = format!("__Host-session={}; __Host-remote={SESSION}", "f".repeat(32));
    scene.ask(post(path).header("cookie", cookie).body(Body::from(body.to_owned())).unwrap()).await
}

fn listen(cookie: &str) -> Request<Body> {
    let path = "/api/remote/events?lang=en";
    Request::get(path).header("host", "rose.local").header("cookie", cookie).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_right_code_brings_a_cookie_that_no_script_reads() {
    let scene = scene();
    for body in [r#"{"code":"731552"}"#, r#"{"token":"abc"}"#] {
        let answer = scene.ask(post("/api/remote/pair").body(Body::from(body)).unwrap()).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
        let cookie = answer.header("set-cookie");
        assert_eq!(cookie, format!("__Host-remote={SESSION}; Path=/; Secure; HttpOnly; SameSite=Strict"));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(scene.meeting.told(), ["pair 192.0.2.9 code 731552", "pair 192.0.2.9 token abc"]);
}

#[tokio::test]
async fn a_refused_code_says_why_and_when_to_come_again() {
    let scene = scene();
    for (code, status, body, wait) in [
        ("wrong", StatusCode::FORBIDDEN, r#"{"refusal":"wrong-code","retry_after_ms":1500}"#, "2"),
        ("early", StatusCode::TOO_MANY_REQUESTS, r#"{"refusal":"too-early","retry_after_ms":4000}"#, "4"),
        ("none", StatusCode::FORBIDDEN, r#"{"refusal":"no-code"}"#, ""),
    ] {
        let body_of = format!(r#"{{"code":"{code}"}}"#);
        let answer = scene.ask(post("/api/remote/pair").body(Body::from(body_of)).unwrap()).await;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("retry-after")), (status, body, wait));
        assert!(answer.headers.get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn p9_a_body_that_is_not_the_remotes_is_refused_without_quoting_it() {
    let scene = scene();
    for (path, body, status) in [
        ("pair", r#"{"code":"secret","token":"secret"}"#, 422),
        ("pair", "{}", 422),
        ("pair", r#"{"code":7}"#, 422),
        ("pair", r#"{"code":"secret","more":1}"#, 422),
        ("pair", "secret", 400),
        ("propose", r#"{"link":"secret"}"#, 422),
        ("propose", r#"{"link":"secret","lang":"fr"}"#, 422),
        ("propose", r#"{"link":["secret"],"lang":"de"}"#, 422),
        ("propose", "", 400),
        ("password", r#"{"password":null}"#, 422),
        ("leave", r#"{"secret":1}"#, 422),
        ("leave", "[[[[[[", 400),
    ] {
        let answer = paired(&scene, &format!("/api/remote/{path}"), body).await;
        assert_eq!(answer.status.as_u16(), status, "{path} {body}");
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }
    for (path, field, most) in [("pair", "code", 1024), ("password", "password", 1024), ("propose", "link", 16 * 1024)]
    {
        let body = |length: usize| {
            let language = if path == "propose" { r#","lang":"de""# } else { "" };
            format!(r#"{{"{field}":"{}"{language}}}"#, "a".repeat(length))
        };
        let path = format!("/api/remote/{path}");
        assert_eq!(paired(&scene, &path, &body(most)).await.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
    assert_eq!(scene.meeting.told(), [""; 0]);
}

#[tokio::test]
async fn what_a_phone_asks_reaches_the_room_and_a_strangers_wish_does_not() {
    let scene = scene();
    let asks = [
        ("/api/remote/propose", r#"{"link":"a link","lang":"de"}"#, "propose true a link de"),
        ("/api/remote/password", r#"{"password":"letmein"}"#, "password true letmein"),
        ("/api/remote/leave", "{}", "leave true"),
    ];
    for (path, body, _) in asks {
        let answer = paired(&scene, path, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""), "{path}");
    }
    assert_eq!(scene.meeting.told(), asks.map(|(_, _, told)| told));
    let refused = paired(&scene, "/api/remote/propose", r#"{"link":"busy","lang":"en"}"#).await;
    assert_eq!((refused.status, refused.body.as_str()), (StatusCode::CONFLICT, r#"{"sentence":"Not now."}"#));
    let before = scene.meeting.told().len();
    // Whoever is a guest is no phone, and the key of another meeting is nobody's.
    let other = format!("__Host-remote={}", "f".repeat(32));
    for cookie in ["", "__Host-remote=", "__Host-remote=short", &format!("__Host-session={SESSION}"), other.as_str()] {
        for (path, body, _) in asks {
            let request = post(path).header("cookie", cookie).body(Body::from(body)).unwrap();
            assert_eq!(scene.ask(request).await.status, StatusCode::UNAUTHORIZED, "{cookie} {path}");
        }
        assert_eq!(scene.ask(listen(cookie)).await.status, StatusCode::UNAUTHORIZED, "{cookie}");
    }
    let told = scene.meeting.told();
    assert_eq!(told.get(before..).unwrap().len(), 4, "only what looks like a key is asked about");
    assert!(told.iter().skip(before).all(|told| told.contains("false")), "{told:?}");
    // The cookie goes nowhere but here; a page of another origin gets nothing done all the same.
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let mut request = post("/api/remote/leave").body(Body::from("{}")).unwrap();
        request.headers_mut().insert("cookie", format!("__Host-remote={SESSION}").parse().unwrap());
        request.headers_mut().insert(name, value.parse().unwrap());
        assert_eq!(scene.ask(request).await.status, StatusCode::FORBIDDEN, "{name}");
    }
}

#[tokio::test]
async fn a_phone_is_told_how_it_stands_until_its_pairing_ends() {
    let scene = scene();
    let heard = scene.ask(listen(&format!("__Host-remote={SESSION}"))).await;
    assert_eq!((heard.status, heard.header("content-type")), (StatusCode::OK, "text/event-stream"));
    assert_eq!(heard.header("cache-control"), "no-store");
    let expected = "data: {\"event\":\"state\",\"room\":\"Rose Room\",\"phones\":1,\"phase\":\"free\",\
                    \"host\":\"meet.example.org\",\"operator\":null,\"sentence\":\"Words.\",\"meeting\":null}\n\n\
                    data: {\"event\":\"ended\"}\n\n";
    assert_eq!(heard.body, expected);
    assert_eq!(scene.meeting.told(), ["listen true en"]);
    assert_eq!(scene.site.streams.available_permits(), 64);
    let all = Arc::clone(&scene.site.streams).try_acquire_many_owned(64).unwrap();
    let full = scene.ask(listen(&format!("__Host-remote={SESSION}"))).await;
    assert_eq!(full.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(all);
}

#[test]
fn the_remotes_page_has_words_for_all_that_it_is_told() {
    let (script, texts) = (page("remote.js"), page("texts.js"));
    let phases = [
        PhonePhase::Free,
        PhonePhase::Guests,
        PhonePhase::Proposed,
        PhonePhase::Joining,
        PhonePhase::Password,
        PhonePhase::In,
        PhonePhase::Over,
    ];
    for phase in phases {
        // A new phase has to be added to the list above, and to the page.
        match phase {
            PhonePhase::Free
            | PhonePhase::Guests
            | PhonePhase::Proposed
            | PhonePhase::Joining
            | PhonePhase::Password
            | PhonePhase::In
            | PhonePhase::Over => {}
        }
        let phase = word(&phase, "");
        assert!(script.contains(&format!("'{phase}'")), "{phase}");
        for key in [format!("'remote-{phase}':"), format!("'remote-{phase}-text':")] {
            assert_eq!(texts.matches(&key).count(), 2, "{key}");
        }
    }
    let refusals = [
        PairingRefusal::NoCode,
        PairingRefusal::WrongCode { retry_after_ms: 1 },
        PairingRefusal::TooEarly { retry_after_ms: 1 },
    ];
    for refusal in refusals {
        assert!(script.contains(&format!("case '{}':", word(&refusal, "refusal"))));
    }
    for event in [PhoneEvent::State(Box::new(view(PhonePhase::In))), PhoneEvent::Ended] {
        assert!(script.contains(&format!("event: '{}'", word(&event, "event"))));
        for key in serde_json::to_value(&event).unwrap().as_object().unwrap().keys().filter(|key| *key != "event") {
            assert!(declares(script, key), "{key}");
        }
    }
    for key in serde_json::to_value(meeting()).unwrap().as_object().unwrap().keys() {
        assert!(declares(page("remote-meeting.js"), key), "{key}");
    }
}
