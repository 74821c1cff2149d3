//! What a guest's browser asks of the meeting.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::header::{COOKIE, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use subrosa_messages::Pii;
use subrosa_messages::media::LinkId;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::site::Site;
use crate::language::Language;
use crate::meeting::guest::{GuestEvent, GuestRequest, Knock, KnockRefusal, Secret, SessionKey};
use crate::meeting::wish::{Wish, WishRefusal};

/// `__Host-` binds the cookie to this host, to HTTPS and to all paths (RFC 6265bis).
const COOKIE_NAME: &str = "__Host-session";
/// A comment is sent on a silent stream this often: the page and the kernel find out that the other side is gone.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Body of `POST /api/knock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnockBody {
    pin: Option<Pii<String>>,
    token: Option<Pii<String>>,
    name: Pii<String>,
    lang: Language,
    h264: bool,
}

/// Body of `POST /api/answer`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    link: LinkId,
    sdp: Pii<String>,
}

/// Body of `POST /api/leave`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaveBody {}

/// Answer to a knock that the meeting has taken.
#[derive(Serialize)]
struct Taken {
    admitted: bool,
}

pub(super) fn room_does_not_answer() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the room does not answer, try again\n").into_response()
}

/// The library's words may quote what was sent; a person behind a broken page learns nothing from them.
pub(super) fn refused(rejection: &JsonRejection) -> Response {
    (rejection.status(), "this is not what the page of this version sends\n").into_response()
}

/// The session in the cookie; none, or one that cannot be ours, is 401.
pub struct Session(SessionKey);

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        session_in(&parts.headers).map(Session).ok_or_else(unknown)
    }
}

fn unknown() -> Response {
    (StatusCode::UNAUTHORIZED, "this guest is not known\n").into_response()
}

fn session_in(headers: &HeaderMap) -> Option<SessionKey> {
    key_in(headers, COOKIE_NAME).map(SessionKey)
}

/// The 128 bits in a cookie of this name; none if they cannot be ours.
pub(super) fn key_in(headers: &HeaderMap, cookie_name: &str) -> Option<Pii<String>> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let key = cookies.flat_map(|cookies| cookies.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == cookie_name).then_some(value)
    })?;
    let genuine = key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    genuine.then(|| Pii::new(key.to_owned()))
}

/// `Retry-After` in whole seconds (RFC 9110, section 10.2.3).
pub(super) fn say_when(response: &mut Response, wait: Duration) {
    let whole_seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(RETRY_AFTER, whole_seconds.into());
}

/// `POST /api/knock`
pub async fn knock(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Result<Json<KnockBody>, JsonRejection>,
) -> Response {
    let KnockBody { pin, token, name, lang, h264 } = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return refused(&rejection),
    };
    let secret = match (pin, token) {
        (Some(pin), None) => Secret::Pin(pin),
        (None, Some(token)) => Secret::Token(token),
        (Some(_), Some(_)) | (None, None) => {
            return (StatusCode::UNPROCESSABLE_ENTITY, "either a PIN or a token\n").into_response();
        }
    };
    let knock = Knock { address: Pii::new(peer.ip().to_canonical()), secret, name, language: lang, h264 };
    match site.ask(|reply| GuestRequest::Knock(knock, reply)).await {
        Some(Ok(SessionKey(key))) => {
            let cookie = format!("{COOKIE_NAME}={}; Path=/; Secure; HttpOnly; SameSite=Strict", key.reveal());
            ([(SET_COOKIE, cookie)], Json(Taken { admitted: false })).into_response()
        }
        Some(Err(refusal)) => refused_knock(refusal),
        None => room_does_not_answer(),
    }
}

fn refused_knock(refusal: KnockRefusal) -> Response {
    let status = match refusal {
        KnockRefusal::TooEarly { .. } => StatusCode::TOO_MANY_REQUESTS,
        KnockRefusal::WrongSecret { .. }
        | KnockRefusal::Asleep
        | KnockRefusal::Name
        | KnockRefusal::Full
        | KnockRefusal::Locked
        | KnockRefusal::Gone => StatusCode::FORBIDDEN,
    };
    let mut response = (status, Json(refusal)).into_response();
    if let Some(wait) = refusal.retry_after() {
        say_when(&mut response, wait);
    }
    response
}

/// `GET /api/events`
pub async fn events(State(site): State<Arc<Site>>, Session(session): Session) -> Response {
    let Ok(permit) = Arc::clone(&site.streams).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n").into_response();
    };
    let (sender, events) = mpsc::unbounded_channel();
    // From here on the meeting hears of it when the browser goes, even before it has its first answer.
    let mut listening = Listening { events, session: Some(session.clone()), meeting: site.meeting(), _permit: permit };
    match site.ask(|reply| GuestRequest::Listen(session, sender, reply)).await {
        Some(true) => {}
        Some(false) => {
            listening.session = None;
            return unknown();
        }
        None => return room_does_not_answer(),
    }
    let events = stream::unfold(listening, async |mut listening| {
        let event = listening.events.recv().await?;
        let data = serde_json::to_string(&event).ok()?;
        Some((Ok::<_, Infallible>(Event::default().data(data)), listening))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("")).into_response()
}

/// One open event stream.
struct Listening {
    events: mpsc::UnboundedReceiver<GuestEvent>,
    /// `None` when the meeting does not know it.
    session: Option<SessionKey>,
    meeting: mpsc::Sender<GuestRequest>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Closed first: the meeting tells by it whether a newer stream of this session lives.
        self.events.close();
        let Some(session) = self.session.take() else { return };
        let meeting = self.meeting.clone();
        if let Err(mpsc::error::TrySendError::Full(gone)) = meeting.try_send(GuestRequest::Gone(session))
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                let _meeting_is_ending = meeting.send(gone).await;
            });
        }
    }
}

/// `POST /api/answer`
pub async fn answer(
    State(site): State<Arc<Site>>,
    Session(session): Session,
    body: Result<Json<AnswerBody>, JsonRejection>,
) -> Response {
    let AnswerBody { link, sdp } = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return refused(&rejection),
    };
    told(site.tell(GuestRequest::Answer { session, link, sdp }).await)
}

/// `POST /api/wish`
pub async fn wish(
    State(site): State<Arc<Site>>,
    Session(session): Session,
    body: Result<Json<Wish>, JsonRejection>,
) -> Response {
    let wish = match body {
        Ok(Json(wish)) => wish,
        Err(rejection) => return refused(&rejection),
    };
    wished(site.ask(|reply| GuestRequest::Wish(session, wish, reply)).await)
}

/// What became of a wish; `None`: the room has not answered.
pub(super) fn wished(granted: Option<Result<(), WishRefusal>>) -> Response {
    let refusal = match granted {
        Some(Ok(())) => return StatusCode::NO_CONTENT.into_response(),
        Some(Err(refusal)) => refusal,
        None => return room_does_not_answer(),
    };
    let status = match refusal {
        WishRefusal::Unknown => StatusCode::UNAUTHORIZED,
        WishRefusal::NotAllowed => StatusCode::FORBIDDEN,
        WishRefusal::Gone => StatusCode::NOT_FOUND,
        WishRefusal::Taken => StatusCode::CONFLICT,
        WishRefusal::Unusable => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, Json(refusal)).into_response()
}

/// `POST /api/leave`
pub async fn leave(
    State(site): State<Arc<Site>>,
    Session(session): Session,
    body: Result<Json<LeaveBody>, JsonRejection>,
) -> Response {
    if let Err(rejection) = body {
        return refused(&rejection);
    }
    let mut response = told(site.tell(GuestRequest::Leave(session)).await);
    let cookie = format!("{COOKIE_NAME}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn told(arrived: bool) -> Response {
    if arrived { StatusCode::NO_CONTENT.into_response() } else { room_does_not_answer() }
}
