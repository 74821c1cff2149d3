//! What a phone's browser asks of the room: to be paired, and then what [`PhoneRequest`] has words for.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, FromRequestParts, Query, State};
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use subrosa_messages::Pii;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::guests::{KEEP_ALIVE, key_in, refused, room_does_not_answer, say_when, wished};
use super::site::Site;
use crate::language::Language;
use crate::meeting::guest::{GuestRequest, Secret};
use crate::meeting::wish::Wish;
use crate::remote::{Attempt, PairingRefusal, PhoneEvent, PhoneKey, PhoneRequest, Proposed};

/// A cookie of its own: who is a guest is not paired, and who is paired is no guest.
const COOKIE_NAME: &str = "__Host-remote";

/// Body of `POST /api/remote/pair`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairBody {
    code: Option<Pii<String>>,
    token: Option<Pii<String>>,
}

/// Body of `POST /api/remote/propose`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposeBody {
    link: Pii<String>,
    lang: Language,
}

/// Body of `POST /api/remote/password`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordBody {
    password: Pii<String>,
}

/// Body of `POST /api/remote/leave`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaveBody {}

/// Query of `GET /api/remote/events`.
#[derive(Deserialize)]
pub struct EventsQuery {
    #[serde(default)]
    lang: Language,
}

/// Why a link is not on the screen.
#[derive(Serialize)]
struct Declined {
    sentence: String,
}

/// The phone in the cookie; none, or one that cannot be ours, is 401.
pub struct Phone(PhoneKey);

impl<S: Send + Sync> FromRequestParts<S> for Phone {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Response> {
        key_in(&parts.headers, COOKIE_NAME).map(|key| Phone(PhoneKey(key))).ok_or_else(unknown)
    }
}

fn unknown() -> Response {
    (StatusCode::UNAUTHORIZED, "this phone is not paired\n").into_response()
}

/// `POST /api/remote/pair`
pub async fn pair(
    State(site): State<Arc<Site>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Result<Json<PairBody>, JsonRejection>,
) -> Response {
    let secret = match body {
        Ok(Json(PairBody { code: Some(code), token: None })) => Secret::Pin(code),
        Ok(Json(PairBody { code: None, token: Some(token) })) => Secret::Token(token),
        Ok(Json(_)) => return (StatusCode::UNPROCESSABLE_ENTITY, "either a code or a token\n").into_response(),
        Err(rejection) => return refused(&rejection),
    };
    let attempt = Attempt { address: Pii::new(peer.ip().to_canonical()), secret };
    match site.ask(|reply| GuestRequest::Phone(PhoneRequest::Pair(attempt, reply))).await {
        Some(Ok(PhoneKey(key))) => {
            let cookie = format!("{COOKIE_NAME}={}; Path=/; Secure; HttpOnly; SameSite=Strict", key.reveal());
            (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response()
        }
        Some(Err(refusal)) => not_paired(refusal),
        None => room_does_not_answer(),
    }
}

fn not_paired(refusal: PairingRefusal) -> Response {
    let status = match refusal {
        PairingRefusal::TooEarly { .. } => StatusCode::TOO_MANY_REQUESTS,
        PairingRefusal::WrongCode { .. } | PairingRefusal::NoCode => StatusCode::FORBIDDEN,
    };
    let mut response = (status, Json(refusal)).into_response();
    if let Some(wait) = refusal.retry_after_ms() {
        say_when(&mut response, Duration::from_millis(wait));
    }
    response
}

/// `GET /api/remote/events`
pub async fn events(State(site): State<Arc<Site>>, Phone(key): Phone, Query(query): Query<EventsQuery>) -> Response {
    let Ok(permit) = Arc::clone(&site.streams).try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n").into_response();
    };
    let listened = site.ask(|reply| GuestRequest::Phone(PhoneRequest::Listen(key, query.lang, reply))).await;
    let mut states = match listened {
        Some(Some(states)) => states,
        Some(None) => return unknown(),
        None => return room_does_not_answer(),
    };
    states.mark_changed();
    let states = stream::unfold(Listening { states, _permit: permit }, async |mut listening| {
        // Nobody speaks any more: the last word has been said.
        listening.states.changed().await.ok()?;
        let data = serde_json::to_string(&*listening.states.borrow_and_update()).ok()?;
        Some((Ok::<_, Infallible>(Event::default().data(data)), listening))
    });
    Sse::new(states).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("")).into_response()
}

/// One open event stream. The room sees by the receiver that it is gone.
struct Listening {
    states: watch::Receiver<PhoneEvent>,
    _permit: OwnedSemaphorePermit,
}

/// `POST /api/remote/propose`
pub async fn propose(
    State(site): State<Arc<Site>>,
    Phone(key): Phone,
    body: Result<Json<ProposeBody>, JsonRejection>,
) -> Response {
    let ProposeBody { link, lang: language } = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return refused(&rejection),
    };
    match site.ask(|reply| GuestRequest::Phone(PhoneRequest::Propose { key, link, language, reply })).await {
        Some(Proposed::Shown) => StatusCode::NO_CONTENT.into_response(),
        Some(Proposed::Refused(sentence)) => (StatusCode::CONFLICT, Json(Declined { sentence })).into_response(),
        Some(Proposed::Stranger) => unknown(),
        None => room_does_not_answer(),
    }
}

/// `POST /api/remote/password`
pub async fn password(
    State(site): State<Arc<Site>>,
    Phone(key): Phone,
    body: Result<Json<PasswordBody>, JsonRejection>,
) -> Response {
    let PasswordBody { password } = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return refused(&rejection),
    };
    done(site.ask(|reply| GuestRequest::Phone(PhoneRequest::Password { key, password, reply })).await)
}

/// `POST /api/remote/wish`
pub async fn wish(
    State(site): State<Arc<Site>>,
    Phone(key): Phone,
    body: Result<Json<Wish>, JsonRejection>,
) -> Response {
    let wish = match body {
        Ok(Json(wish)) => wish,
        Err(rejection) => return refused(&rejection),
    };
    wished(site.ask(|reply| GuestRequest::Phone(PhoneRequest::Wish { key, wish, reply })).await)
}

/// `POST /api/remote/leave`
pub async fn leave(
    State(site): State<Arc<Site>>,
    Phone(key): Phone,
    body: Result<Json<LeaveBody>, JsonRejection>,
) -> Response {
    if let Err(rejection) = body {
        return refused(&rejection);
    }
    done(site.ask(|reply| GuestRequest::Phone(PhoneRequest::Leave(key, reply))).await)
}

fn done(known: Option<bool>) -> Response {
    match known {
        Some(true) => StatusCode::NO_CONTENT.into_response(),
        Some(false) => unknown(),
        None => room_does_not_answer(),
    }
}
