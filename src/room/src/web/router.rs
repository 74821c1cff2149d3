//! Who answers what.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

use super::site::Site;
use super::{gate, guests, pages, phones};

/// A name, a PIN, a language.
const KNOCK_LIMIT: usize = 4 * 1024;
/// A code, a password.
const PHONE_LIMIT: usize = 1024;
/// A link with all that its server has put into it: longer ones are none (`Link`).
const LINK_LIMIT: usize = 16 * 1024;
/// A session description of twenty lines: browsers write about a kilobyte for each.
const ANSWER_LIMIT: usize = 64 * 1024;
/// A message to those who wait is the longest.
const WISH_LIMIT: usize = 2 * 1024;

/// The whole site.
pub fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(pages::guest))
        .route("/status", get(pages::status))
        .route("/static/{name}", get(pages::file))
        .route("/authority.crt", get(pages::authority))
        .route("/api/notice", get(pages::notice))
        .route("/api/status", get(pages::facts))
        .route("/api/knock", post(guests::knock).layer(DefaultBodyLimit::max(KNOCK_LIMIT)))
        .route("/api/events", get(guests::events))
        .route("/api/answer", post(guests::answer).layer(DefaultBodyLimit::max(ANSWER_LIMIT)))
        .route("/api/wish", post(guests::wish).layer(DefaultBodyLimit::max(WISH_LIMIT)))
        .route("/api/leave", post(guests::leave).layer(DefaultBodyLimit::max(KNOCK_LIMIT)))
        .route("/remote", get(pages::remote))
        .route("/api/remote/pair", post(phones::pair).layer(DefaultBodyLimit::max(PHONE_LIMIT)))
        .route("/api/remote/events", get(phones::events))
        .route("/api/remote/propose", post(phones::propose).layer(DefaultBodyLimit::max(LINK_LIMIT)))
        .route("/api/remote/password", post(phones::password).layer(DefaultBodyLimit::max(PHONE_LIMIT)))
        .route("/api/remote/wish", post(phones::wish).layer(DefaultBodyLimit::max(WISH_LIMIT)))
        .route("/api/remote/leave", post(phones::leave).layer(DefaultBodyLimit::max(PHONE_LIMIT)))
        .fallback(async || (StatusCode::NOT_FOUND, "there is nothing here\n"))
        .layer(from_fn_with_state(Arc::clone(&site), gate::pass))
        .with_state(site)
}
