//! `subrosa link`: what a link of somebody else's meeting is, and what is on record about its server. Contacts nobody.

use std::fmt::Write as _;

use time::Date;

use crate::configuration::Configuration;
use crate::language::Language;
use crate::meeting::elsewhere::link::Link;
use crate::meeting::elsewhere::link_error::LinkError;
use crate::meeting::hosts::{Hosts, Named};
use crate::notice::{JoinedFacts, Notice, joined};
use crate::servers::{Judgement, Servers};

/// What follows for whoever wants to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    /// The link.
    pub link: Link,
    /// The notice before joining.
    pub notice: Notice,
    /// Who runs the server, with the address, on one line, where that is on record.
    pub operator: Option<String>,
    /// For the terminal of the person who asked: it names the room.
    pub text: String,
    /// The operator's rule forbids it.
    pub refused: bool,
}

/// Reads a link and judges its server on a day.
///
/// # Errors
/// When it names no room on a server, or nothing lets this room in there.
pub fn opinion(
    link: &str,
    configuration: &Configuration,
    today: Date,
    language: Language,
) -> Result<Opinion, LinkError> {
    let link = Link::read(link)?;
    let host = link.host().reveal().as_str();
    let judgement = configuration.servers.judge(host, today);
    let mut hosts = Hosts::default();
    hosts.declare(host, Named::ByLink);
    if let Link::LiveKit(link) = &link
        && link.token().is_none()
    {
        let tokens = configuration.servers.tokens(host).ok_or(LinkError::NoEndpoint)?;
        hosts.declare(tokens.url.reveal().host_str().unwrap_or_default(), Named::ByOperator);
    }
    let notice = joined(
        language,
        &JoinedFacts {
            room: &configuration.room.name,
            host,
            server: configuration.servers.profile(host),
            judgement: &judgement,
            hosts: &hosts,
        },
    );
    let mut text = String::new();
    let (server, room) = language.pick(("Server", "Raum"), ("Server", "Room"));
    let _infallible = writeln!(text, "{server}: {}\n{room}: {}", link.authority().reveal(), link.room().reveal());
    for section in &notice.sections {
        let _infallible = writeln!(text, "\n{}\n  {}", section.title, section.text.replace('\n', "\n  "));
    }
    let refused = match judgement {
        Judgement::Allowed | Judgement::Warned(_) => false,
        Judgement::Refused(_) => true,
    };
    Ok(Opinion { notice, operator: operator(&configuration.servers, host), text, refused, link })
}

/// Who runs a server, with the address, on one line, where that is on record.
#[must_use]
pub fn operator(servers: &Servers, host: &str) -> Option<String> {
    servers.profile(host).map(|server| {
        let address =
            server.address.as_deref().unwrap_or_default().lines().map(str::trim).filter(|line| !line.is_empty());
        std::iter::once(server.operator.as_str()).chain(address).collect::<Vec<_>>().join(", ")
    })
}

#[cfg(test)]
mod tests {
    use subrosa_messages::Pii;
    use time::Month;
    use url::Url;

    use super::*;
    use crate::servers::{Policy, Recording, Server, Tokens};

    fn configuration(unknown: Policy) -> Configuration {
        let mut configuration = Configuration::default();
        configuration.servers.unknown = unknown;
        configuration.servers.profiles.push(Server {
            host: "meet.example.org".to_owned(),
            operator: "Example Association".to_owned(),
            address: None,
            own: false,
            contract: Some("file 7".to_owned()),
            contract_until: None,
            retention: None,
            privacy: None,
            recording: Recording::Leave,
            tokens: None,
        });
        configuration
    }

    #[test]
    fn p7_who_runs_a_server_is_told_and_the_operators_rule_decides() {
        let today = Date::from_calendar_date(2026, Month::November, 28).unwrap();
        let ask = |link, policy| opinion(link, &configuration(policy), today, Language::English).unwrap();
        let known = ask("https://meet.example.org/Class%205?jwt=secret", Policy::Refuse);
        assert!(!known.refused);
        for part in ["Server: meet.example.org", "Room: class%205", "Example Association", "file 7", "Transport"] {
            assert!(known.text.contains(part), "{part} in {}", known.text);
        }
        assert!(!known.text.contains("secret"), "the token is nobody's to read");
        let unknown = ask("https://other.example.org/room", Policy::Warn);
        assert!(!unknown.refused && unknown.text.contains("Nothing is on record"), "{}", unknown.text);
        assert!(ask("https://other.example.org/room", Policy::Refuse).refused);
        let mut with_tokens = configuration(Policy::Allow);
        with_tokens.servers.profiles[0].tokens = Some(Tokens {
            url: Pii::new(Url::parse("https://tokens.example.org/token?key=hidden").unwrap()),
            secret: Some(Pii::new("hidden".to_owned())),
        });
        let room = "livekit+wss://meet.example.org/?room=Rose";
        let asked = opinion(room, &with_tokens, today, Language::English).unwrap();
        for part in ["Room: Rose", "tokens.example.org: this room’s operator names it", "go to tokens.example.org, too"]
        {
            assert!(asked.text.contains(part), "{part} in {}", asked.text);
        }
        assert!(!asked.text.contains("hidden"));
        // A link's own token needs no other.
        let token = "livekit+wss://meet.example.org/?room=Rose&token=e30.eyJ2aWRlbyI6e319.c2ln";
        assert!(!opinion(token, &with_tokens, today, Language::English).unwrap().text.contains("tokens.example.org"));
        for (link, known) in [(room, false), ("livekit+wss://other.example.org/?room=Rose", true)] {
            let configuration = if known { with_tokens.clone() } else { configuration(Policy::Allow) };
            let error = opinion(link, &configuration, today, Language::English).unwrap_err();
            assert_eq!(error, LinkError::NoEndpoint, "{link}");
        }
        assert!(opinion("a bare name", &configuration(Policy::Allow), today, Language::German).is_err());
    }
}
