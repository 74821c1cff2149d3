//! From a link to the settings of its server: which addresses are asked for `config.js`, and what comes of the answers.

use subrosa_messages::Pii;
use url::Url;
use zeroize::Zeroizing;

use super::answer::{self, Answer};
use super::config_js::Configuration;
use super::link::Link;
use crate::meeting::elsewhere::failure::Failure;
use crate::meeting::hosts::{Hosts, Named};
use crate::outbound::{Address, OutboundError, Trust, fetch};
use crate::signalling::xmpp::Fault;

/// Bytes of a `config.js` that are taken; of these, [`super::config_js::LONGEST`] are read.
pub const BYTES: usize = 1 << 20;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask for this address. It is on the host of the link.
    Ask(Pii<Url>),
    /// The settings are here.
    Ready(Box<Configuration>),
    /// Another server has the meeting: people are told of it before it is asked.
    Elsewhere(Box<Link>),
    /// It cannot be joined.
    Failed(Failure),
}

/// The machine: one question at a time, until anything but [`Step::Ask`] comes.
#[derive(Clone, Debug)]
pub struct Loading {
    link: Link,
    asked: Pii<Url>,
    redirections: usize,
}

impl Loading {
    /// Begins with a link.
    ///
    /// # Errors
    /// The last step already, where nothing has to be asked.
    pub fn begin(link: &Link) -> Result<(Self, Step), Step> {
        if let Some(known) = Configuration::of_service(link) {
            return Err(known.map_or_else(|error| Step::Failed(error.into()), ready));
        }
        let url = Url::parse(link.configuration_url().reveal()).map_err(|_| Step::Failed(Failure::NotJitsi))?;
        let asked = Pii::new(url);
        Ok((Loading { link: link.clone(), asked: asked.clone(), redirections: 0 }, Step::Ask(asked)))
    }

    /// What the answer to the last question leads to.
    pub fn answered(&mut self, answer: Result<fetch::Answer, OutboundError>) -> Step {
        let answer = match answer {
            Ok(answer) => answer,
            // Whatever is that large is no `config.js`.
            Err(OutboundError::TooLarge) => return Step::Failed(Failure::UnsupportedConfiguration),
            Err(error) => return Step::Failed(error.into()),
        };
        let location = answer.location.as_ref().map(|location| location.reveal().as_str());
        match answer::judge(&self.link, self.asked.reveal(), answer.status, location, self.redirections) {
            Answer::Read => match Configuration::read(answer.body.reveal(), &self.link) {
                Ok(configuration) => ready(configuration),
                Err(error) => Step::Failed(error.into()),
            },
            Answer::Follow(url) => {
                self.redirections += 1;
                self.asked = url.clone();
                Step::Ask(url)
            }
            Answer::Elsewhere(link) => Step::Elsewhere(link),
            Answer::Failed(failure) => Step::Failed(failure),
        }
    }
}

/// BOSH alone is a way that this room does not go.
fn ready(configuration: Configuration) -> Step {
    if configuration.websocket.is_none() {
        return Step::Failed(Failure::UnsupportedConfiguration);
    }
    Step::Ready(Box::new(configuration))
}

/// What a link led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The settings; the hosts that they name are declared.
    Settings(Box<Configuration>),
    /// Another server, which has not been declared, and to which nothing was sent.
    Elsewhere(Box<Link>),
}

/// Loads the settings of a link's server, within three times [`fetch::LONGEST`] and one more for the first answer.
///
/// # Errors
/// Why the meeting cannot be joined.
pub async fn load(link: &Link, hosts: &mut Hosts, trust: &Trust) -> Result<Found, Failure> {
    hosts.declare(link.host().reveal(), Named::ByLink);
    let (mut loading, mut step) = match Loading::begin(link) {
        Ok((loading, step)) => (loading, step),
        Err(last) => return ended(last, hosts),
    };
    loop {
        let Step::Ask(url) = step else { return ended(step, hosts) };
        let contact = hosts.contact(link.host().reveal()).map_err(|_| Failure::HostNotDeclared)?;
        let answer = match Address::new(contact, url) {
            Ok(address) => fetch::get(&address, trust, BYTES).await,
            Err(error) => Err(error),
        };
        step = loading.answered(answer);
    }
}

fn ended(step: Step, hosts: &mut Hosts) -> Result<Found, Failure> {
    match step {
        Step::Ready(configuration) => {
            for host in configuration.hosts() {
                hosts.declare(host.reveal(), Named::ByConfiguration);
            }
            Ok(Found::Settings(configuration))
        }
        Step::Elsewhere(link) => Ok(Found::Elsewhere(link)),
        Step::Failed(failure) => Err(failure),
        // `load` asks until something else comes.
        Step::Ask(_) => Err(Failure::ServerFault),
    }
}

/// The token for the conference request over HTTP: only for a host that has it anyway, since the link was opened there or
/// the token stands in the address of the WebSocket.
#[must_use]
pub fn bearer<'a>(link: &'a Link, configuration: &Configuration) -> Option<&'a Pii<Zeroizing<String>>> {
    let host = |url: &Option<Pii<Url>>| url.as_ref().and_then(|url| url.reveal().host_str().map(str::to_owned));
    let asked = host(&configuration.conference_request)?;
    let has_it = *link.host().reveal() == asked || host(&configuration.websocket).is_some_and(|host| host == asked);
    link.token().filter(|_| has_it)
}

/// Why a session is over: `trouble` is what its last connection died of, `was_online` whether it has ever been usable.
#[must_use]
pub fn lost(fault: Fault, trouble: Option<OutboundError>, was_online: bool) -> Failure {
    match fault {
        Fault::Unreachable => match trouble.map(Failure::from) {
            None | Some(Failure::NotReachable) if was_online => Failure::ConnectionLost,
            None => Failure::NotReachable,
            Some(failure) => failure,
        },
        Fault::LoginRequired => Failure::AnonymousRefused,
        Fault::Refused => Failure::LoginRequired,
        Fault::Protocol => Failure::ServerFault,
        Fault::Replaced => Failure::ConnectionLost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://meet.example.org/team/Rose?jwt=a.b.c";

    fn answer(status: u16, location: Option<&str>, body: &str) -> Result<fetch::Answer, OutboundError> {
        let location = location.map(|location| Pii::new(location.to_owned()));
        Ok(fetch::Answer { status, location, body: Pii::new(body.to_owned()) })
    }

    fn config(socket: &str, request: &str) -> String {
        format!(
            "var config = {{ hosts: {{ domain: 'meet.example.org', muc: 'muc.meet.example.org' }},\n\
             websocket: '{socket}', conferenceRequestUrl: '{request}' }};"
        )
    }

    #[test]
    fn a_redirection_on_the_same_server_is_asked_next_and_a_loop_ends() {
        let link = Link::read(LINK).unwrap();
        let (mut loading, first) = Loading::begin(&link).unwrap();
        let Step::Ask(url) = first else { panic!() };
        assert_eq!(url.reveal().as_str(), "https://meet.example.org/team/config.js?room=rose");
        for _ in 0..answer::REDIRECTIONS {
            let Step::Ask(next) = loading.answered(answer(302, Some("/config.js"), "")) else { panic!() };
            assert_eq!(next.reveal().as_str(), "https://meet.example.org/config.js");
        }
        assert_eq!(loading.answered(answer(302, Some("/config.js"), "")), Step::Failed(Failure::ServerFault));
        let text = config("wss://meet.example.org/xmpp-websocket", "");
        let Step::Ready(found) = loading.answered(answer(200, None, &text)) else { panic!() };
        assert_eq!(found.muc.reveal(), "muc.meet.example.org");
    }

    #[test]
    fn p5_another_server_is_told_and_not_asked_and_has_not_the_token() {
        let link = Link::read(LINK).unwrap();
        let (mut loading, _) = Loading::begin(&link).unwrap();
        let step = loading.answered(answer(301, Some("https://other.example/x"), ""));
        let Step::Elsewhere(other) = step else { panic!("{step:?}") };
        assert_eq!((other.host().reveal().as_str(), other.token()), ("other.example", None));
    }

    #[test]
    fn every_way_out_that_fails_is_a_failure_that_people_are_told() {
        for (error, failure) in [
            (OutboundError::NotDeclared, Failure::HostNotDeclared),
            (OutboundError::Unencrypted, Failure::Unencrypted),
            (OutboundError::NoAddress, Failure::NotReachable),
            (OutboundError::NoConnection, Failure::NotReachable),
            (OutboundError::Late, Failure::NotReachable),
            (OutboundError::Certificate, Failure::CertificateWrong),
            (OutboundError::Tls, Failure::ServerFault),
            (OutboundError::Refused(403), Failure::LoginRequired),
            (OutboundError::Refused(502), Failure::ServerFault),
            (OutboundError::Speech, Failure::ServerFault),
            (OutboundError::TooLarge, Failure::UnsupportedConfiguration),
        ] {
            let (mut loading, _) = Loading::begin(&Link::read(LINK).unwrap()).unwrap();
            assert_eq!(loading.answered(Err(error)), Step::Failed(failure), "{error}");
        }
    }

    #[test]
    fn a_server_that_only_speaks_bosh_is_not_one_that_this_room_joins() {
        let (mut loading, _) = Loading::begin(&Link::read(LINK).unwrap()).unwrap();
        let text = "var config = { hosts: { domain: 'meet.example.org' }, bosh: '//meet.example.org/http-bind' };";
        assert_eq!(loading.answered(answer(200, None, text)), Step::Failed(Failure::UnsupportedConfiguration));
    }

    #[test]
    fn a_session_that_is_over_says_why() {
        let certificate = Some(OutboundError::Certificate);
        for (fault, trouble, was_online, failure) in [
            (Fault::Unreachable, None, false, Failure::NotReachable),
            (Fault::Unreachable, None, true, Failure::ConnectionLost),
            (Fault::Unreachable, Some(OutboundError::Late), false, Failure::NotReachable),
            (Fault::Unreachable, Some(OutboundError::Late), true, Failure::ConnectionLost),
            (Fault::Unreachable, certificate, false, Failure::CertificateWrong),
            (Fault::Unreachable, certificate, true, Failure::CertificateWrong),
            (Fault::Unreachable, Some(OutboundError::Refused(403)), false, Failure::LoginRequired),
            (Fault::LoginRequired, None, false, Failure::AnonymousRefused),
            (Fault::Refused, None, false, Failure::LoginRequired),
            (Fault::Protocol, None, false, Failure::ServerFault),
            (Fault::Replaced, None, true, Failure::ConnectionLost),
        ] {
            assert_eq!(lost(fault, trouble, was_online), failure, "{fault:?} {trouble:?}");
        }
    }

    #[test]
    fn p5_the_hosts_of_the_settings_are_declared_and_no_other() {
        let link = Link::read(LINK).unwrap();
        let text = config("wss://ws.example.org/xmpp-websocket", "https://meet.example.org/conference-request/v1");
        let configuration = Box::new(Configuration::read(&text, &link).unwrap());
        let mut hosts = Hosts::default();
        ended(Step::Ready(configuration), &mut hosts).unwrap();
        let declared: Vec<&str> = hosts.declared().iter().map(|host| host.host.reveal().as_str()).collect();
        assert_eq!(declared, ["ws.example.org", "meet.example.org"]);
        assert!(hosts.contact("other.example").is_err());
    }

    #[test]
    fn p5_the_token_goes_to_no_host_that_has_not_got_it() {
        let link = Link::read(LINK).unwrap();
        for (socket, request, goes) in [
            ("wss://meet.example.org/ws", "https://meet.example.org/conference-request/v1", true),
            ("wss://ws.example.org/ws", "https://meet.example.org/conference-request/v1", true),
            ("wss://ws.example.org/ws", "https://ws.example.org/conference-request/v1", true),
            ("wss://meet.example.org/ws", "https://other.example/conference-request/v1", false),
            ("wss://meet.example.org/ws", "", false),
        ] {
            let configuration = Configuration::read(&config(socket, request), &link).unwrap();
            assert_eq!(bearer(&link, &configuration).is_some(), goes, "{socket} {request}");
        }
    }
}
