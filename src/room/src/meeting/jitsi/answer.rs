//! What a server's answer to the request for its `config.js` means (RFC 9110). Pure; the request itself is made elsewhere.

use subrosa_messages::Pii;
use url::Url;

use super::link::Link;
use crate::meeting::elsewhere::failure::Failure;

/// How often an answer may point to another place before that is the end.
pub const REDIRECTIONS: usize = 3;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The body is read, and may be a `config.js`.
    Read,
    /// The same server has it at another address.
    Follow(Pii<Url>),
    /// Another server is named: it is judged and declared like the first one before anything is sent to it.
    Elsewhere(Box<Link>),
    /// That was it.
    Failed(Failure),
}

/// Judges the head of an answer: to this address of this link, with a status and perhaps a `Location`, after so many
/// redirections.
#[must_use]
pub fn judge(link: &Link, asked: &Url, status: u16, location: Option<&str>, redirections: usize) -> Answer {
    match status {
        200 => Answer::Read,
        301 | 302 | 303 | 307 | 308 => redirected(link, asked, location, redirections),
        401 | 403 | 407 => Answer::Failed(Failure::LoginRequired),
        408 | 429 | 500..=599 => Answer::Failed(Failure::ServerFault),
        _ => Answer::Failed(Failure::NotJitsi),
    }
}

fn redirected(link: &Link, asked: &Url, location: Option<&str>, redirections: usize) -> Answer {
    let next = location.and_then(|location| asked.join(location).ok());
    let Some(next) = next.filter(|_| redirections < REDIRECTIONS) else { return Answer::Failed(Failure::ServerFault) };
    if next.scheme() != "https" {
        return Answer::Failed(Failure::Unencrypted);
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Answer::Failed(Failure::Redirected);
    }
    let same = next.host_str() == asked.host_str() && next.port() == asked.port();
    if same {
        return Answer::Follow(Pii::new(next));
    }
    match next.host_str().map(|host| link.redirected(host, next.port())) {
        Some(Ok(link)) => Answer::Elsewhere(Box::new(link)),
        Some(Err(_)) | None => Answer::Failed(Failure::Redirected),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn link() -> Link {
        Link::read("https://meet.example.org/team/Rose?jwt=a.b.c").unwrap()
    }

    fn asked(status: u16, location: Option<&str>, redirections: usize) -> Answer {
        let link = link();
        let asked = Url::parse(link.configuration_url().reveal()).unwrap();
        judge(&link, &asked, status, location, redirections)
    }

    #[test]
    fn every_status_means_something() {
        for (status, meant) in [
            (200, Answer::Read),
            (204, Answer::Failed(Failure::NotJitsi)),
            (404, Answer::Failed(Failure::NotJitsi)),
            (403, Answer::Failed(Failure::LoginRequired)),
            (429, Answer::Failed(Failure::ServerFault)),
            (503, Answer::Failed(Failure::ServerFault)),
            (0, Answer::Failed(Failure::NotJitsi)),
            (302, Answer::Failed(Failure::ServerFault)),
        ] {
            assert_eq!(asked(status, None, 0), meant, "{status}");
        }
    }

    #[test]
    fn p5_a_redirection_is_followed_on_the_same_server_only() {
        let Answer::Follow(url) = asked(302, Some("/config.js?room=rose"), 0) else { panic!() };
        assert_eq!(url.reveal().as_str(), "https://meet.example.org/config.js?room=rose");
        for other in ["https://other.example/", "//other.example/x", "https://meet.example.org:8443/"] {
            let Answer::Elsewhere(to) = asked(301, Some(other), 0) else { panic!("{other}") };
            assert_eq!(to.room(), link().room());
        }
        let Answer::Elsewhere(other) = asked(301, Some("https://other.example/"), 0) else { panic!() };
        assert_eq!((other.host().reveal().as_str(), other.token()), ("other.example", None));
        assert_eq!(asked(302, Some("/a"), REDIRECTIONS), Answer::Failed(Failure::ServerFault));
    }

    #[test]
    fn p8_a_redirection_never_leads_out_of_tls() {
        for location in ["http://meet.example.org/config.js", "ftp://a.example/", "file:///etc/passwd", "data:,a"] {
            assert_eq!(asked(307, Some(location), 0), Answer::Failed(Failure::Unencrypted), "{location}");
        }
        assert_eq!(asked(307, Some("https://a@other.example/"), 0), Answer::Failed(Failure::Redirected));
    }

    proptest! {
        #[test]
        fn p5_no_answer_makes_the_room_ask_another_server(status: u16, location in "\\PC{0,40}", tail in "[a-z/.:@?#\\\\]{0,20}") {
            for location in [location, format!("//{tail}"), format!("https:{tail}")] {
                if let Answer::Follow(url) = asked(status, Some(&location), 0) {
                    prop_assert_eq!(url.reveal().host_str(), Some("meet.example.org"));
                    prop_assert_eq!((url.reveal().scheme(), url.reveal().port()), ("https", None));
                }
            }
        }
    }
}
