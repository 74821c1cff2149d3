//! Who may speak with the page's server.
//!
//! It listens on the loopback interface only, but every page in this machine's browsers can send requests there. So a
//! request must name a loopback host (a name of somebody else that points to 127.0.0.1 is refused), and one that
//! moves something must come from the page itself (`Origin`, RFC 6454).

use std::net::{IpAddr, SocketAddr};

/// What a request says about itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'a> {
    /// `Host` header.
    pub host: Option<&'a str>,
    /// `Origin` header.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site` header; programs that are no browsers send none.
    pub site: Option<&'a str>,
    /// `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The request moves something.
    pub post: bool,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// `Host` is missing or names something else than this machine's loopback interface.
    #[error("the Host header must name the loopback interface: open the page as http://127.0.0.1 or http://localhost")]
    Host,
    /// The request was caused by another page.
    #[error("only the page itself may ask: send Origin: http:// followed by the Host header")]
    Origin,
    /// A `POST` without JSON.
    #[error("send a body of content type application/json, {{}} if there is nothing to say")]
    ContentType,
}

/// Whether a request is let in.
///
/// # Errors
/// When it is not.
pub fn check(caller: Caller<'_>) -> Result<(), Refused> {
    let host = caller.host.filter(|host| is_loopback(host)).ok_or(Refused::Host)?;
    let own = |origin: &str| origin.strip_prefix("http://").is_some_and(|rest| rest.eq_ignore_ascii_case(host));
    if caller.site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(Refused::Origin);
    }
    match caller.origin {
        Some(origin) if !own(origin) => return Err(Refused::Origin),
        None if caller.post => return Err(Refused::Origin),
        _ => {}
    }
    let json =
        |content_type: &str| content_type.split(';').next().is_some_and(|kind| kind.trim() == "application/json");
    if caller.post && !caller.content_type.is_some_and(json) {
        return Err(Refused::ContentType);
    }
    Ok(())
}

fn is_loopback(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: Caller<'static> = Caller {
        host: Some("127.0.0.1:8088"),
        origin: Some("http://127.0.0.1:8088"),
        site: Some("same-origin"),
        content_type: Some("application/json"),
        post: true,
    };

    #[test]
    fn only_loopback_hosts_are_let_in() {
        for host in ["127.0.0.1:8088", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8088", "[::1]"] {
            assert_eq!(check(Caller { host: Some(host), ..Caller::default() }), Ok(()), "{host}");
        }
        for host in
            ["192.0.2.1:8088", "rebound.example:8088", "localhost.example", "127.0.0.1.example", "", ":80", "[::2]"]
        {
            assert_eq!(check(Caller { host: Some(host), ..Caller::default() }), Err(Refused::Host), "{host}");
        }
        assert_eq!(check(Caller::default()), Err(Refused::Host));
    }

    #[test]
    fn only_the_page_itself_moves_something() {
        assert_eq!(check(POST), Ok(()));
        assert_eq!(check(Caller { site: None, ..POST }), Ok(()), "the command line");
        for origin in
            [None, Some("null"), Some("https://127.0.0.1:8088"), Some("http://127.0.0.1:80"), Some("http://a.example")]
        {
            assert_eq!(check(Caller { origin, ..POST }), Err(Refused::Origin), "{origin:?}");
        }
        for site in ["cross-site", "same-site"] {
            assert_eq!(check(Caller { site: Some(site), ..POST }), Err(Refused::Origin));
            assert_eq!(check(Caller { site: Some(site), post: false, ..POST }), Err(Refused::Origin), "nor watches");
        }
        for content_type in [None, Some("text/plain"), Some("application/jsonp")] {
            assert_eq!(check(Caller { content_type, ..POST }), Err(Refused::ContentType));
        }
    }
}
