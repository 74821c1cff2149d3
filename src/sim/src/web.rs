//! The page of the simulated room and what it is made of.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /state` | [`State`](crate::device::State) |
//! | `GET /events` | server-sent events: `state`, and `sound` with [`Loudness`](crate::sound::Loudness) while something is played |
//! | `GET /screen.jpg?after=N` | the screen; with `after` as soon as it is another picture than the one whose `X-Picture` was N |
//! | `GET /sound.wav?seconds=S` | what the speaker has played in the last S seconds |
//! | `GET /sound` | what it plays from now on: 16-bit little-endian mono, 48 kHz, without an end |
//! | `POST /press`, `/hold`, `/down`, `/up` | the button; answered when it is done |
//! | `POST /reveal` | *reveal*, pressed shortly; answered when it is done |
//! | `POST /segmenter {"position": "answers" \| "still"}` | the simulated segmenter |
//! | `POST /link {"link": "https://…"}` | a link is given to the room: [`Taken`](crate::link::Taken) |
//! | `POST /switch {"position": "mute" \| "unmute"}` | the microphone's switch |
//! | `POST /shutter {"position": "close" \| "open"}` | the camera's shutter |
//! | `POST /plug`, `/unplug {"capture": "camera" \| "microphone"}` | the capture's cable |

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::sse::{self, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use subrosa_messages::Capture;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use crate::button::{Event, Wish};
use crate::device::{DeviceError, Input};
use crate::door::{self, Caller};
use crate::link::{Given, give};
use crate::serve::{Finger, Room};
use crate::sound::{RATE, REMEMBERED, wav};

/// A request for the next picture is answered after so long, with or without one.
const LONG_POLL: Duration = Duration::from_secs(20);

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The files of the page: name, content type, content.
const FILES: [(&str, &str, &str); 9] = [
    ("room.css", "text/css; charset=utf-8", include_str!("page/room.css")),
    ("icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ("room.js", SCRIPT, include_str!("page/room.js")),
    ("texts.js", SCRIPT, include_str!("page/texts.js")),
    ("elements.js", SCRIPT, include_str!("page/elements.js")),
    ("device.js", SCRIPT, include_str!("page/device.js")),
    ("link.js", SCRIPT, include_str!("page/link.js")),
    ("screen.js", SCRIPT, include_str!("page/screen.js")),
    ("speaker.js", SCRIPT, include_str!("page/speaker.js")),
];

/// Sent with every answer: nothing but the page's own files runs, nobody frames it, nothing is kept.
const HEADERS: [(&str, &str); 6] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; \
         media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// The page's server.
pub fn router(room: Arc<Room>) -> Router {
    Router::new()
        .route("/", get(async || ([(CONTENT_TYPE, HTML)], include_str!("page/index.html"))))
        .route("/static/{name}", get(file))
        .route("/state", get(async |State(room): Shared| Json(*room.state.borrow())))
        .route("/events", get(events))
        .route("/screen.jpg", get(screen))
        .route("/sound.wav", get(sound_file))
        .route("/sound", get(sound))
        .route("/press", post(async |State(room): Shared| touch(&room, Finger::Button, Event::Press).await))
        .route("/hold", post(async |State(room): Shared| touch(&room, Finger::Button, Event::Hold).await))
        .route("/down", post(async |State(room): Shared| touch(&room, Finger::Button, Event::Down).await))
        .route("/up", post(async |State(room): Shared| touch(&room, Finger::Button, Event::Up).await))
        .route("/reveal", post(reveal))
        .route("/segmenter", post(segmenter))
        .route("/link", post(link))
        .route("/switch", post(switch))
        .route("/shutter", post(shutter))
        .route("/plug", post(async |State(room): Shared, Json(body): Json<Plug>| plug(&room, body, true)))
        .route("/unplug", post(async |State(room): Shared, Json(body): Json<Plug>| plug(&room, body, false)))
        .with_state(room)
        .layer(middleware::from_fn(at_the_door))
}

type Shared = State<Arc<Room>>;

/// The position of the microphone's switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SwitchPosition {
    /// The microphone is closed.
    Mute,
    /// The microphone can be opened.
    Unmute,
}

/// The position of the camera's shutter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ShutterPosition {
    /// The camera is closed.
    Close,
    /// The camera can be opened.
    Open,
}

/// What the simulated segmenter does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SegmenterPosition {
    /// It answers.
    Answers,
    /// It stands still, in the middle of whatever it was asked.
    Still,
}

/// Body of `POST /switch`, `/shutter` and `/segmenter`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move<P> {
    /// Where to.
    pub position: P,
}

/// Body of `POST /plug` and `/unplug`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plug {
    /// Which cable.
    pub capture: Capture,
}

#[derive(Serialize)]
struct Complaint {
    error: String,
}

fn complain(status: StatusCode, error: String) -> Response {
    (status, Json(Complaint { error })).into_response()
}

async fn at_the_door(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let caller = Caller {
        host: text(HOST),
        origin: text(ORIGIN),
        site: text(HeaderName::from_static("sec-fetch-site")),
        content_type: text(CONTENT_TYPE),
        post: request.method() != Method::GET && request.method() != Method::HEAD,
    };
    let mut response = match door::check(caller) {
        Ok(()) => next.run(request).await,
        Err(refused) => complain(StatusCode::FORBIDDEN, refused.to_string()),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(file, ..)| *file == name) {
        Some((_, content_type, content)) => ([(CONTENT_TYPE, *content_type)], *content).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn events(State(room): Shared) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
    let (mut state, mut loudness) = (room.state.subscribe(), room.outputs.loudness.subscribe());
    state.mark_changed(); // what is true now comes first
    loudness.mark_changed();
    let events = stream::unfold((state, loudness), async |(mut state, mut loudness)| {
        let event = tokio::select! {
            changed = state.changed() => {
                changed.ok()?;
                sse::Event::default().event("state").json_data(*state.borrow_and_update())
            }
            changed = loudness.changed() => {
                changed.ok()?;
                sse::Event::default().event("sound").json_data(*loudness.borrow_and_update())
            }
        };
        Some((Ok(event.unwrap_or_default()), (state, loudness)))
    });
    Sse::new(events).keep_alive(sse::KeepAlive::default())
}

#[derive(Deserialize)]
struct After {
    after: Option<u64>,
}

async fn screen(State(room): Shared, Query(After { after }): Query<After>) -> Response {
    let mut pictures = room.outputs.picture.subscribe();
    // Another number, not a higher one: the simulator may have been started again.
    let wanted = pictures.wait_for(|picture| picture.number != after.unwrap_or(0));
    let patience = if after.is_some() { LONG_POLL } else { Duration::ZERO };
    match timeout(patience, wanted).await {
        Ok(Ok(picture)) => {
            let number = [(HeaderName::from_static("x-picture"), picture.number.to_string())];
            (number, [(CONTENT_TYPE, "image/jpeg")], picture.jpeg.clone()).into_response()
        }
        _ if after.is_some() => StatusCode::NO_CONTENT.into_response(),
        _ => complain(StatusCode::NOT_FOUND, "nothing has been shown on the screen yet".into()),
    }
}

#[derive(Deserialize)]
struct Length {
    #[serde(default = "three_seconds")]
    seconds: f64,
}

fn three_seconds() -> f64 {
    3.0
}

async fn sound_file(State(room): Shared, Query(Length { seconds }): Query<Length>) -> Response {
    if !(seconds > 0.0 && seconds <= REMEMBERED as f64) {
        let explanation =
            format!("seconds is {seconds}: the last {REMEMBERED} are remembered, ask for 0.1 to {REMEMBERED}");
        return complain(StatusCode::BAD_REQUEST, explanation);
    }
    let samples = room.outputs.last_sound((seconds * RATE as f64) as usize);
    ([(CONTENT_TYPE, "audio/wav")], wav(&samples)).into_response()
}

async fn sound(State(room): Shared) -> Response {
    let pieces = stream::unfold(room.outputs.sound.subscribe(), async |mut sound| {
        loop {
            match sound.recv().await {
                Ok(piece) => return Some((Ok::<Bytes, Infallible>(piece), sound)),
                Err(RecvError::Lagged(_)) => {} // a listener who is late hears what is played now
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (headers, Body::from_stream(pieces)).into_response()
}

async fn touch(room: &Room, finger: Finger, event: fn(Wish) -> Event) -> Response {
    if room.touch(finger, event).await {
        StatusCode::NO_CONTENT.into_response()
    } else {
        complain(StatusCode::TOO_MANY_REQUESTS, "the button is already busy: wait until it has been pressed".into())
    }
}

async fn reveal(State(room): Shared) -> Response {
    if room.device.board().reveal.is_none() {
        return answer(Err(DeviceError::Lacks("reveal button")));
    }
    touch(&room, Finger::Reveal, Event::Press).await
}

async fn link(State(room): Shared, Json(given): Json<Given>) -> Response {
    let run = room.device.run().clone();
    match tokio::task::spawn_blocking(move || give(&run, given.link)).await {
        Ok(Ok(taken)) => Json(taken).into_response(),
        Ok(Err(error)) => complain(StatusCode::SERVICE_UNAVAILABLE, format!("the room does not answer: {error}")),
        Err(error) => complain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}

async fn segmenter(State(room): Shared, Json(to): Json<Move<SegmenterPosition>>) -> Response {
    answer(room.device.set(Input::Segmenter, to.position == SegmenterPosition::Answers))
}

async fn switch(State(room): Shared, Json(to): Json<Move<SwitchPosition>>) -> Response {
    let open = to.position == SwitchPosition::Unmute;
    answer(room.device.set(Input::Switch(Capture::Microphone), open))
}

async fn shutter(State(room): Shared, Json(to): Json<Move<ShutterPosition>>) -> Response {
    let open = to.position == ShutterPosition::Open;
    answer(room.device.set(Input::Switch(Capture::Camera), open))
}

fn plug(room: &Room, plug: Plug, plugged: bool) -> Response {
    answer(room.device.plug(plug.capture, plugged))
}

fn answer(done: Result<(), DeviceError>) -> Response {
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "the room does not move");
            complain(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        }
    }
}
