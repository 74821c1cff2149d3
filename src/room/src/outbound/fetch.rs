//! One question over HTTP/1.1 (RFC 9112), one answer, and the connection is closed.
//!
//! The headers say nothing about the device: no `User-Agent`, no `Referer`, no cookie, no language.

use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use subrosa_messages::Pii;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::{Address, OutboundError, Trust, connect};

/// The longest that a whole question may take, from the name to the last byte.
pub const LONGEST: Duration = Duration::from_secs(15);
/// Bytes of an answer's head after which no more of it are read (up to twice as many have been).
const HEAD: usize = 64 << 10;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status (RFC 9110, section 15).
    pub status: u16,
    /// Where it points to.
    pub location: Option<Pii<String>>,
    /// The body of a 200; that of any other status only where it was wanted ([`request`]). What is not UTF-8 is replaced.
    pub body: Pii<String>,
}

/// GET, of a body of at most `most` bytes.
///
/// # Errors
/// When there is no answer within [`LONGEST`], or a larger one.
pub async fn get(address: &Address, trust: &Trust, most: usize) -> Result<Answer, OutboundError> {
    let request = Request::builder().method(Method::GET);
    ask(address, trust, request, Bytes::new(), most, false).await
}

/// A GET, or a POST of JSON where there is some, with this `Authorization`; the body is read whatever the status.
///
/// # Errors
/// As for [`get`].
pub async fn request(
    address: &Address,
    trust: &Trust,
    json: Option<&Pii<String>>,
    authorization: Option<&Pii<String>>,
    most: usize,
) -> Result<Answer, OutboundError> {
    let mut request = match json {
        Some(_) => Request::builder().method(Method::POST).header(CONTENT_TYPE, "application/json"),
        None => Request::builder().method(Method::GET),
    };
    if let Some(authorization) = authorization {
        let mut value = HeaderValue::from_str(authorization.reveal()).map_err(|_| OutboundError::Speech)?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let body = json.map_or_else(Bytes::new, |json| Bytes::copy_from_slice(json.reveal().as_bytes()));
    ask(address, trust, request, body, most, true).await
}

/// POST of JSON, with the token that lets its bearer in (RFC 6750, section 2.1), if there is one.
///
/// # Errors
/// As for [`get`].
pub async fn post_json(
    address: &Address,
    trust: &Trust,
    json: &Pii<String>,
    token: Option<&Pii<Zeroizing<String>>>,
    most: usize,
) -> Result<Answer, OutboundError> {
    let mut request = Request::builder().method(Method::POST).header(CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, bearer(token.reveal())?);
    }
    ask(address, trust, request, Bytes::copy_from_slice(json.reveal().as_bytes()), most, false).await
}

/// The header of who bears a token (RFC 6750, section 2.1).
///
/// # Errors
/// When it has characters that no header has.
pub fn bearer(token: &str) -> Result<HeaderValue, OutboundError> {
    let text = Zeroizing::new(format!("Bearer {token}"));
    let mut value = HeaderValue::from_str(&text).map_err(|_| OutboundError::Speech)?;
    value.set_sensitive(true);
    Ok(value)
}

async fn ask(
    address: &Address,
    trust: &Trust,
    request: hyper::http::request::Builder,
    body: Bytes,
    most: usize,
    whole: bool,
) -> Result<Answer, OutboundError> {
    let request = request
        .uri(address.target(None).reveal())
        .header(HOST, address.authority().reveal())
        .header(ACCEPT, "*/*")
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .body(Full::new(body))
        .map_err(|_| OutboundError::Speech)?;
    let asked = async { talk(connect(address, trust).await?, request, most, whole).await };
    timeout(LONGEST, asked).await.unwrap_or(Err(OutboundError::Late))
}

async fn talk<S>(stream: S, request: Request<Full<Bytes>>, most: usize, whole: bool) -> Result<Answer, OutboundError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| OutboundError::Speech)?;
    let mut answer = pin!(async {
        let response = sender.send_request(request).await.map_err(|_| OutboundError::Speech)?;
        read(response, most, whole).await
    });
    let (mut connection, mut open) = (pin!(connection), true);
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            // Its end is not that of the answer: the last bytes may still have to be read.
            _ended = &mut connection, if open => open = false,
        }
    }
}

async fn read(response: Response<hyper::body::Incoming>, most: usize, whole: bool) -> Result<Answer, OutboundError> {
    let status = response.status();
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.map(|location| Pii::new(location.to_owned()));
    if status != StatusCode::OK && !whole {
        return Ok(Answer { status: status.as_u16(), location, body: Pii::new(String::new()) });
    }
    // Said before it is sent: nothing of it has to be read.
    if response.body().size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(OutboundError::TooLarge);
    }
    let body = Limited::new(response.into_body(), most).collect().await.map_err(|error| {
        if error.downcast_ref::<LengthLimitError>().is_some() { OutboundError::TooLarge } else { OutboundError::Speech }
    })?;
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    Ok(Answer { status: status.as_u16(), location, body: Pii::new(body) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const MOST: usize = 64;
    const SEEDS: [&str; 4] = [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\ntrailer: 1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 302 Found\r\nlocation: https://other.example/\r\nset-cookie: a=b\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nuntil the end",
    ];

    /// Asks a server that answers with these bytes and closes.
    fn answered(bytes: &[u8]) -> Result<Answer, OutboundError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (near, mut far) = tokio::io::duplex(64 << 10);
            let request = Request::builder().uri("/").header(HOST, "a.example").body(Full::new(Bytes::new())).unwrap();
            let server = async {
                // What is said before the question is no answer.
                let mut asked = [0; 1024];
                let _gone = far.read(&mut asked).await;
                let _gone = far.write_all(bytes).await;
                let _gone = far.shutdown().await;
            };
            let both = async { tokio::join!(talk(near, request, MOST, false), server).0 };
            timeout(Duration::from_secs(10), both).await.unwrap()
        })
    }

    #[test]
    fn the_answers_that_are_spoilt_below_are_good_ones() {
        let bodies = SEEDS.map(|seed| answered(seed.as_bytes()).map(|answer| answer.body.into_revealed()));
        assert_eq!(bodies, ["abc", "abc", "", "until the end"].map(|body| Ok(body.to_owned())));
        let long = format!("HTTP/1.1 200 OK\r\n\r\n{}", "a".repeat(MOST + 1));
        assert_eq!(answered(long.as_bytes()), Err(OutboundError::TooLarge));
    }

    proptest! {
        #[test]
        fn whatever_a_server_answers_there_is_an_end_and_no_more_is_taken_than_was_allowed(
            seed in 0..SEEDS.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            more in prop::collection::vec(any::<u8>(), 0..300),
            at in any::<prop::sample::Index>(),
        ) {
            let mut bytes = SEEDS[seed].as_bytes().to_vec();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            let at = at.index(bytes.len());
            bytes.splice(at..at, more);
            let answer = answered(&bytes);
            // A byte that is no UTF-8 becomes three.
            prop_assert!(answer.map_or(true, |answer| answer.body.reveal().len() <= 3 * MOST));
        }
    }
}
