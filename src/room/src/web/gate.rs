//! What every request passes, and what every answer carries.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::site::Site;

/// Answers begin within this time; a body that takes longer is not waited for.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Nothing but what this device serves runs or is loaded, no other page holds this one in a frame, and no text
/// becomes code.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const ALWAYS: [(&str, &str); 7] = [
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
    (
        "permissions-policy",
        "camera=(self), microphone=(self), autoplay=(self), speaker-selection=(self), screen-wake-lock=(self), \
         display-capture=(self), clipboard-write=(self), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=()",
    ),
];

/// Checks the request, limits its time, and puts the headers on the answer, whatever it is.
pub async fn pass(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let api = request.uri().path().starts_with("/api/");
    let refusal = refuse(&site, &request);
    let mut response = match refusal {
        Some((status, words)) => (status, words).into_response(),
        None => tokio::time::timeout(TIMEOUT, next.run(request))
            .await
            .unwrap_or_else(|_elapsed| (StatusCode::REQUEST_TIMEOUT, "too slow\n").into_response()),
    };
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if api {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    // Only where a browser could check the certificate: a device with a new key must not lock people out.
    if site.checked() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

fn refuse(site: &Site, request: &Request) -> Option<(StatusCode, &'static str)> {
    let headers = request.headers();
    let authority = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => text(headers, &HOST),
    };
    let Some(authority) = authority.filter(|authority| site.is_ours(authority)) else {
        return Some((StatusCode::MISDIRECTED_REQUEST, "this device is not called that\n"));
    };
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let own = text(headers, &ORIGIN).is_some_and(|origin| site.is_own_origin(origin, authority));
    if changes && !own {
        return Some((StatusCode::FORBIDDEN, "not asked by this device's own page\n"));
    }
    // Browsers say where a request comes from; those that do not are held by the cookie's SameSite.
    let api = request.uri().path().starts_with("/api/");
    let site_of_asker = text(headers, &HeaderName::from_static("sec-fetch-site"));
    if api && site_of_asker.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Some((StatusCode::FORBIDDEN, "not asked by this device's own page\n"));
    }
    None
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
