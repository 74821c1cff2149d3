//! Pages, their files, the notice and the status.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::files::{self, File};
use super::site::Site;
use crate::language::Language;
use crate::meeting::guest::GuestRequest;

/// Query of `GET /api/notice`.
#[derive(Deserialize)]
pub struct NoticeQuery {
    #[serde(default)]
    lang: Language,
}

/// `GET /`
pub async fn guest(headers: HeaderMap) -> Response {
    served(files::find("index.html"), &headers)
}

/// `GET /remote`
pub async fn remote(headers: HeaderMap) -> Response {
    served(files::find("remote.html"), &headers)
}

/// `GET /status`
pub async fn status(headers: HeaderMap) -> Response {
    served(files::find("status.html"), &headers)
}

/// `GET /static/…`
pub async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    served(files::find(&name).filter(|file| !file.is_page()), &headers)
}

fn served(file: Option<&File>, headers: &HeaderMap) -> Response {
    let Some(file) = file else {
        return (StatusCode::NOT_FOUND, "there is nothing here\n").into_response();
    };
    let tag = file.tag();
    let known =
        headers.get_all(IF_NONE_MATCH).iter().any(|value| value.to_str().is_ok_and(|value| value.contains(&tag)));
    if known {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    ([(CONTENT_TYPE, file.content_type().to_owned()), (ETAG, tag)], file.bytes).into_response()
}

/// `GET /authority.crt`: the device's authority, for those who want to install it (docs/certificates.md).
pub async fn authority(State(site): State<Arc<Site>>) -> Response {
    match site.authority() {
        Some(authority) => {
            let headers = [
                (CONTENT_TYPE, "application/x-x509-ca-cert"),
                (CONTENT_DISPOSITION, "attachment; filename=\"subrosa-authority.crt\""),
            ];
            (headers, authority.to_vec()).into_response()
        }
        None => (StatusCode::NOT_FOUND, "the operator's certificate is in use\n").into_response(),
    }
}

/// `GET /api/notice`
pub async fn notice(State(site): State<Arc<Site>>, Query(query): Query<NoticeQuery>) -> Response {
    answered(site.ask(|reply| GuestRequest::Notice(query.lang, reply)).await)
}

/// `GET /api/status`
pub async fn facts(State(site): State<Arc<Site>>) -> Response {
    answered(site.ask(GuestRequest::Status).await)
}

fn answered(answer: Option<impl serde::Serialize>) -> Response {
    match answer {
        Some(answer) => Json(answer).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the room does not answer, try again\n").into_response(),
    }
}
