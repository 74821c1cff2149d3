use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode};
use futures_util::StreamExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::web::gate::POLICY;
use crate::web::router::router;

pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) struct Scene {
    pub site: Arc<Site>,
    pub meeting: Meeting,
    state: tempfile::TempDir,
}

pub(super) fn scene() -> Scene {
    let state = tempfile::tempdir().unwrap();
    let meeting = Meeting::default();
    let site = Arc::new(Site::new(&settings(state.path()), meeting.start()));
    Scene { site, meeting, state }
}

impl Scene {
    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let mut request = request;
        let peer: SocketAddr = "[::ffff:192.0.2.9]:5000".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = router(Arc::clone(&self.site)).oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let endless = head.headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
        let body = if endless {
            let pieces: Vec<_> = body.into_data_stream().take(2).collect().await;
            pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect()
        } else {
            to_bytes(body, usize::MAX).await.unwrap().to_vec()
        };
        Answer { status: head.status, headers: head.headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Request::get(path).header("host", "192.0.2.7:8443").body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask(
            post(path).header("cookie", format!("x=y; __Host-session={SESSION}")).body(body.to_owned().into()).unwrap(),
        )
        .await
    }
}

/// As the page sends it.
pub(super) fn post(path: &str) -> axum::http::request::Builder {
    Request::post(path)
        .header("host", "192.0.2.7:8443")
        .header("origin", "https://192.0.2.7:8443")
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/json")
}

const KNOCK: &str = r#"{"pin":"123456","name":"Guest A","lang":"en","h264":true}"#;

#[tokio::test]
async fn the_page_its_files_and_the_status_page_are_served() {
    let scene = scene();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/status", "text/html; charset=utf-8"),
        ("/remote", "text/html; charset=utf-8"),
        ("/static/main.js", "text/javascript; charset=utf-8"),
        ("/static/style.css", "text/css; charset=utf-8"),
        ("/static/rose.svg", "image/svg+xml"),
    ] {
        let answer = scene.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, kind), "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        let again = Request::get(path).header("host", "rose.local").header("if-none-match", answer.header("etag"));
        assert_eq!(scene.ask(again.body(Body::empty()).unwrap()).await.status, StatusCode::NOT_MODIFIED, "{path}");
    }
    for path in ["/static/index.html", "/static/nothing", "/static/..%2fmod.rs", "/api", "/x"] {
        assert_eq!(scene.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let scene = scene();
    for path in ["/", "/nothing", "/remote", "/api/status", "/static/main.js", "/api/events", "/api/remote/events"] {
        let answer = scene.get(path).await;
        assert_eq!(answer.header("content-security-policy"), POLICY, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
        assert!(answer.header("permissions-policy").contains("camera=(self), microphone=(self)"));
        assert!(answer.headers.get("strict-transport-security").is_none());
        assert!(answer.headers.get("server").is_none());
        if path.starts_with("/api/") {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
}

#[test]
fn p5_the_policy_names_no_other_host_and_no_inline_code() {
    assert!(POLICY.starts_with("default-src 'none';"));
    for directive in POLICY.split(';') {
        for source in directive.split_whitespace().skip(1) {
            assert!(["'none'", "'self'", "'script'"].contains(&source), "{directive}");
        }
    }
    for directive in ["frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'", "style-src 'self'"] {
        assert!(POLICY.contains(directive), "{directive}");
    }
}

#[tokio::test]
async fn p8_browsers_are_told_to_insist_on_encryption_only_with_a_certificate_they_can_check() {
    let scene = scene();
    let mut device = certificates(&settings(scene.state.path()));
    let mut found = device.look(Clock::read(), &[]).unwrap();
    scene.site.use_certificate(&found);
    assert!(scene.get("/").await.headers.get("strict-transport-security").is_none());
    let authority = scene.get("/authority.crt").await;
    assert_eq!(authority.header("content-type"), "application/x-x509-ca-cert");
    found.facts.checked = true;
    found.authority = None;
    scene.site.use_certificate(&found);
    assert_eq!(scene.get("/").await.header("strict-transport-security"), "max-age=31536000");
    assert_eq!(scene.get("/authority.crt").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_knock_reaches_the_meeting_and_brings_a_cookie() {
    let scene = scene();
    let answer = scene.post("/api/knock", KNOCK).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, r#"{"admitted":false}"#));
    let cookie = answer.header("set-cookie");
    assert_eq!(cookie, format!("__Host-session={SESSION}; Path=/; Secure; HttpOnly; SameSite=Strict"));
    let token = r#"{"token":"abc","name":"Guest A","lang":"de","h264":false}"#;
    scene.post("/api/knock", token).await;
    assert_eq!(
        scene.meeting.told(),
        ["knock 192.0.2.9 pin 123456 Guest A en true", "knock 192.0.2.9 token abc Guest A de false"]
    );
}

#[tokio::test]
async fn a_refused_knock_says_why_and_when_to_come_again() {
    let scene = scene();
    for (pin, status, body, wait) in [
        ("wrong", StatusCode::FORBIDDEN, r#"{"refusal":"wrong-secret","retry_after_ms":1500}"#, "2"),
        ("early", StatusCode::TOO_MANY_REQUESTS, r#"{"refusal":"too-early","retry_after_ms":4000}"#, "4"),
        ("asleep", StatusCode::FORBIDDEN, r#"{"refusal":"asleep"}"#, ""),
    ] {
        let answer = scene.post("/api/knock", &KNOCK.replace("123456", pin)).await;
        assert_eq!((answer.status, answer.body.as_str(), answer.header("retry-after")), (status, body, wait));
        assert!(answer.headers.get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn p9_a_body_that_is_not_the_page_s_is_refused_without_quoting_it() {
    let scene = scene();
    for (body, status) in [
        (r#"{"pin":"1","token":"2","name":"Guest A","lang":"en","h264":true}"#, 422),
        (r#"{"name":"Guest A","lang":"en","h264":true}"#, 422),
        (r#"{"pin":"1","name":"Guest A","lang":"fr","h264":true}"#, 422),
        (r#"{"pin":"1","name":"Guest A","lang":"en","h264":true,"more":1}"#, 422),
        (r#"{"pin":1,"name":"Guest A","lang":"en","h264":true}"#, 422),
        ("Guest A", 400),
        ("", 400),
    ] {
        let answer = scene.post("/api/knock", body).await;
        assert_eq!(answer.status.as_u16(), status, "{body}");
        assert!(!answer.body.contains("Guest A"), "{}", answer.body);
    }
    let long = format!(r#"{{"pin":"1","name":"{}","lang":"en","h264":true}}"#, "a".repeat(5000));
    assert_eq!(scene.post("/api/knock", &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(scene.meeting.told(), [""; 0]);
}

#[tokio::test]
async fn only_this_device_s_own_page_may_change_anything() {
    let scene = scene();
    let same = |name: &str| name == "host" || name == "content-type";
    for (what, name, value) in [
        ("no origin", "origin", None),
        ("another origin", "origin", Some("https://evil.example")),
        ("another port", "origin", Some("https://192.0.2.7:8444")),
        ("no encryption", "origin", Some("http://192.0.2.7:8443")),
        ("an opaque origin", "origin", Some("null")),
        ("another site", "sec-fetch-site", Some("cross-site")),
        ("another port of this host", "sec-fetch-site", Some("same-site")),
    ] {
        let mut request = post("/api/knock").body(Body::from(KNOCK)).unwrap();
        request.headers_mut().remove(name);
        if let Some(value) = value {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        assert!(!same(name));
        assert_eq!(scene.ask(request).await.status, StatusCode::FORBIDDEN, "{what}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let mut request = post("/api/knock").body(Body::from(KNOCK)).unwrap();
        request.headers_mut().insert("content-type", kind.parse().unwrap());
        assert_eq!(scene.ask(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    assert_eq!(scene.meeting.told(), [""; 0]);
    // Through the operator's proxy the page has another origin than the device.
    let mut request = post("/api/knock").body(Body::from(KNOCK)).unwrap();
    request.headers_mut().insert("origin", "https://room.example.org".parse().unwrap());
    assert_eq!(scene.ask(request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_name_that_is_not_this_device_s_is_refused() {
    let scene = scene();
    for (host, status) in [
        ("192.0.2.7:8443", StatusCode::OK),
        ("[fd00::7]:8443", StatusCode::OK),
        ("rose.local:8443", StatusCode::OK),
        ("ROSE:8443", StatusCode::OK),
        ("localhost:8443", StatusCode::OK),
        ("room.example.org", StatusCode::OK),
        ("evil.example:8443", StatusCode::MISDIRECTED_REQUEST),
        ("rose.local.evil.example", StatusCode::MISDIRECTED_REQUEST),
        ("", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let request = Request::get("/").header("host", host).body(Body::empty()).unwrap();
        assert_eq!(scene.ask(request).await.status, status, "{host}");
    }
    let nameless = Request::get("/").body(Body::empty()).unwrap();
    assert_eq!(scene.ask(nameless).await.status, StatusCode::MISDIRECTED_REQUEST);
    let second = Request::get("https://rose.local:8443/").body(Body::empty()).unwrap();
    assert_eq!(scene.ask(second).await.status, StatusCode::OK, "HTTP/2 has the name in its target");
}

#[tokio::test]
async fn events_are_streamed_to_whom_the_meeting_knows_and_to_nobody_else() {
    let scene = scene();
    let listen = |cookie: &str| {
        Request::get("/api/events").header("host", "rose.local").header("cookie", cookie).body(Body::empty()).unwrap()
    };
    let heard = scene.ask(listen(&format!("__Host-session={SESSION}"))).await;
    assert_eq!((heard.status, heard.header("content-type")), (StatusCode::OK, "text/event-stream"));
    assert_eq!(heard.header("cache-control"), "no-store");
    let expected = "data: {\"event\":\"waiting\",\"message\":null}\n\ndata: {\"event\":\"ended\",\"reason\":\"meeting-ended\"}\n\n";
    assert_eq!(heard.body, expected);
    for cookie in ["", "__Host-session=", "__Host-session=short", "session=0123456789abcdef0123456789abcdef"] {
        assert_eq!(scene.ask(listen(cookie)).await.status, StatusCode::UNAUTHORIZED, "{cookie}");
    }
    let other = format!("__Host-session={}", "f".repeat(32));
    assert_eq!(scene.ask(listen(&other)).await.status, StatusCode::UNAUTHORIZED);
    tokio::task::yield_now().await;
    assert_eq!(scene.meeting.told(), ["listen true", "gone", "listen false"]);
}

#[tokio::test]
async fn streams_are_counted() {
    let scene = scene();
    let streams = Arc::clone(&scene.site.streams);
    let all = Arc::clone(&streams).try_acquire_many_owned(64).unwrap();
    let listen = || {
        let request = Request::get("/api/events").header("host", "rose.local");
        request.header("cookie", format!("__Host-session={SESSION}")).body(Body::empty()).unwrap()
    };
    assert_eq!(scene.ask(listen()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    drop(all);
    assert_eq!(scene.ask(listen()).await.status, StatusCode::OK);
    assert_eq!(streams.available_permits(), 64);
}

#[tokio::test]
async fn answer_and_leave_reach_the_meeting() {
    let scene = scene();
    assert_eq!(scene.post("/api/answer", r#"{"link":7,"sdp":"v=0"}"#).await.status, StatusCode::NO_CONTENT);
    let left = scene.post("/api/leave", "{}").await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    assert!(left.header("set-cookie").ends_with("Max-Age=0"));
    let strange = post("/api/leave").body(Body::from("{}")).unwrap();
    assert_eq!(scene.ask(strange).await.status, StatusCode::UNAUTHORIZED);
    tokio::task::yield_now().await;
    assert_eq!(scene.meeting.told(), ["answer 7 v=0", "leave"]);
}

#[tokio::test]
async fn p7_the_notice_is_told_in_the_language_asked_for_and_needs_no_session() {
    let scene = scene();
    let german = scene.get("/api/notice?lang=de").await;
    assert!(german.body.contains("Rose Room") && german.body.contains("Ihre Rechte"));
    assert!(scene.get("/api/notice?lang=en").await.body.contains("Your rights"));
    assert_eq!(scene.get("/api/notice?lang=fr").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_meeting_that_does_not_answer_is_said() {
    let state = tempfile::tempdir().unwrap();
    let (sender, requests) = mpsc::channel(1);
    drop(requests);
    let site = Arc::new(Site::new(&settings(state.path()), sender));
    let scene = Scene { site, meeting: Meeting::default(), state };
    for path in ["/api/notice?lang=de", "/api/status"] {
        assert_eq!(scene.get(path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    assert_eq!(scene.post("/api/knock", KNOCK).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(scene.post("/api/leave", "{}").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(scene.get("/").await.status, StatusCode::OK);
}
