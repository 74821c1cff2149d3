//! `[[servers]]`: what the operator has on record about servers of others, and `[joining]`.

use std::path::Path;

use subrosa_messages::Pii;
use time::{Date, Month};
use toml::de::{DeTable, DeValue};
use url::{Host, Url};

use super::section::{Findings, Section};
use crate::meeting::elsewhere::server_address::ServerAddress;
use crate::servers::{Policy, Recording, Server, Servers, Tokens};

const HOST: &str =
    "write the server's host as it stands in links, such as \"meet.example.org\", without https:// and port";
const DATE: &str = "write the last day of the contract as year-month-day without quotes, such as 2027-12-31";
const PRIVACY: &str = "write the link to the server's privacy notice, which starts with https://";
const TOKENS: &str = "write the address of your endpoint for tokens, which starts with https:// and names no user, such as \
                      \"https://tokens.example.org/token\"";
const TOKENS_SECRET: &str =
    "write what lets the room ask there, in letters, digits and signs without spaces, or \"\" for nothing";
/// The longest secret, in characters.
const LONGEST_SECRET: usize = 4096;

/// Reads both.
pub fn read<'a>(
    profiles: &[(usize, &'a DeTable<'a>)],
    joining: Option<&'a DeTable<'a>>,
    findings: &mut Findings<'a>,
    folder: &Path,
    to: &mut Servers,
) {
    let mut section = Section::below("joining", joining, findings);
    let policies = [("allow", Policy::Allow), ("warn", Policy::Warn), ("refuse", Policy::Refuse)];
    section.choice("unknown_servers", &mut to.unknown, &policies);
    let mut authority = None;
    section.lines("authority", &mut authority, 4096);
    to.authority = authority.map(|name| folder.join(name));
    section.end();
    for (at, table) in profiles {
        profile(*at, table, findings, to);
    }
}

fn profile<'a>(at: usize, table: &'a DeTable<'a>, findings: &mut Findings<'a>, to: &mut Servers) {
    let mut server = Server {
        host: String::new(),
        operator: String::new(),
        address: None,
        own: false,
        contract: None,
        contract_until: None,
        retention: None,
        privacy: None,
        recording: Recording::default(),
        tokens: None,
    };
    let mut section = Section::below("servers", Some(table), findings);
    section.take("host", &mut server.host, HOST, host);
    section.text("operator", &mut server.operator, 200);
    section.lines("address", &mut server.address, 1000);
    section.switch("own", &mut server.own);
    section.lines("contract", &mut server.contract, 200);
    section.take("contract_until", &mut server.contract_until, DATE, |value| date(value).map(Some));
    section.lines("retention", &mut server.retention, 1000);
    section.take("privacy", &mut server.privacy, PRIVACY, link);
    section.choice("recording", &mut server.recording, &[("leave", Recording::Leave), ("tell", Recording::Tell)]);
    let (mut url, mut secret) = (None, None);
    section.secret("tokens", &mut url, TOKENS, endpoint);
    section.secret("tokens_secret", &mut secret, TOKENS_SECRET, bearer);
    let span = |key: &str| table.get(key).map_or(at..at, toml::Spanned::span);
    for (key, right) in [("host", HOST), ("operator", "write who runs the server")] {
        if !table.contains_key(key) {
            section.misses(at..at, key, &format!("a server without `{key}`"), right);
        }
    }
    if server.contract_until.is_some() && server.contract.is_none() {
        let wrong = "`contract_until` is set and `contract` is not";
        section.misses(span("contract_until"), "contract", wrong, "write where the contract is filed");
    }
    if table.contains_key("tokens_secret") && secret.is_some() && !table.contains_key("tokens") {
        section.misses(span("tokens_secret"), "tokens", "`tokens_secret` is set and `tokens` is not", TOKENS);
    }
    server.tokens = url.map(|url| Tokens { url, secret });
    if !server.host.is_empty() && to.profile(&server.host).is_some() {
        section.misses(span("host"), "host", "this host has a profile already", "keep one [[servers]] for each host");
    }
    section.end();
    to.profiles.push(server);
}

fn host(value: &DeValue) -> Option<String> {
    let text = value.as_str()?.trim().trim_end_matches('.');
    match Host::parse(text).ok()? {
        Host::Domain(name) if !name.is_empty() => Some(name),
        address @ (Host::Ipv4(_) | Host::Ipv6(_)) => Some(address.to_string()),
        Host::Domain(_) => None,
    }
}

fn date(value: &DeValue) -> Option<Date> {
    let DeValue::Datetime(written) = value else { return None };
    let date = written.date.filter(|_| written.time.is_none() && written.offset.is_none())?;
    Date::from_calendar_date(i32::from(date.year), Month::try_from(date.month).ok()?, date.day).ok()
}

fn link(value: &DeValue) -> Option<Option<String>> {
    let text = value.as_str()?.trim();
    if text.is_empty() {
        return Some(None);
    }
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https")?;
    Some(Some(url.into()))
}

fn endpoint(value: &DeValue) -> Option<Option<Pii<Url>>> {
    let text = value.as_str()?.trim();
    if text.is_empty() {
        return Some(None);
    }
    let mut url = Url::parse(text).ok().filter(|url| url.scheme() == "https")?;
    url.set_fragment(None);
    ServerAddress::of(&url).map(|_| Some(Pii::new(url)))
}

fn bearer(value: &DeValue) -> Option<Option<Pii<String>>> {
    let text = value.as_str()?.trim();
    let fits = text.len() <= LONGEST_SECRET && text.chars().all(|letter| letter.is_ascii_graphic());
    fits.then(|| (!text.is_empty()).then(|| Pii::new(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;

    #[test]
    fn a_record_is_read() {
        let text = "
            [joining]
            unknown_servers = \"refuse\"
            authority = \"school.pem\"
            [[servers]]
            host = \"Meet.Example.ORG\"
            operator = \"Example Association\"
            address = \"1 Example Street\\nExampletown\"
            contract = \"file 7/2026\"
            contract_until = 2027-12-31
            retention = \"Nothing after the meeting.\"
            privacy = \"https://example.org/privacy\"
            recording = \"tell\"
            tokens = \"https://tokens.example.org/token?v=1#x\"
            tokens_secret = \"s3cret\"
            [[servers]]
            host = \"bücher.example\"
            operator = \"Ourselves\"
            own = true
            tokens = \"\"
            tokens_secret = \"\"
        ";
        let servers = read(text, Path::new("/etc/subrosa")).unwrap().servers;
        assert_eq!(servers.unknown, Policy::Refuse);
        assert_eq!(servers.authority.as_deref(), Some(Path::new("/etc/subrosa/school.pem")));
        let known = servers.profile("meet.example.org").unwrap();
        assert_eq!(known.contract_until, Date::from_calendar_date(2027, Month::December, 31).ok());
        assert_eq!((known.contract.as_deref(), known.recording), (Some("file 7/2026"), Recording::Tell));
        assert_eq!(known.privacy.as_deref(), Some("https://example.org/privacy"));
        let tokens = servers.tokens("Meet.example.org.").unwrap();
        assert_eq!(tokens.url.reveal().as_str(), "https://tokens.example.org/token?v=1");
        assert_eq!(tokens.secret.as_ref().map(|secret| secret.reveal().as_str()), Some("s3cret"));
        assert!(!format!("{servers:?}").contains("s3cret"), "p9");
        let own = servers.profile("xn--bcher-kva.example").unwrap();
        assert!(own.own && own.recording == Recording::Leave && own.contract.is_none() && own.tokens.is_none());
    }

    #[test]
    fn everything_wrong_in_a_record_is_said_with_its_line() {
        let whole = "host = \"a.example\"\noperator = \"A\"";
        for (lines, line, key) in [
            ("operator = \"A\"", 2, "servers.host"),
            ("host = \"a.example\"", 2, "servers.operator"),
            ("host = \"https://a.example\"\noperator = \"A\"", 3, "servers.host"),
            ("host = \"a.example:8443\"\noperator = \"A\"", 3, "servers.host"),
            (&*format!("{whole}\nrecording = \"keep\""), 5, "servers.recording"),
            (&*format!("{whole}\ncontract = \"a\"\ncontract_until = \"2027-12-31\""), 6, "servers.contract_until"),
            (
                &*format!("{whole}\ncontract = \"a\"\ncontract_until = 2027-12-31T10:00:00Z"),
                6,
                "servers.contract_until",
            ),
            (&*format!("{whole}\ncontract_until = 2027-12-31"), 5, "servers.contract"),
            (&*format!("{whole}\nprivacy = \"http://a.example/\""), 5, "servers.privacy"),
            (&*format!("{whole}\ntokens = \"http://a.example/\""), 5, "servers.tokens"),
            (&*format!("{whole}\ntokens = \"wss://a.example/\""), 5, "servers.tokens"),
            (&*format!("{whole}\ntokens = \"https://u:hidden@a.example/\""), 5, "servers.tokens"),
            (&*format!("{whole}\ntokens = \"tokens\""), 5, "servers.tokens"),
            (&*format!("{whole}\ntokens_secret = \"hidden\""), 5, "servers.tokens"),
            (
                &*format!("{whole}\ntokens = \"https://a.example/\"\ntokens_secret = \"hidden hidden\""),
                6,
                "servers.tokens_secret",
            ),
            (&*format!("{whole}\nretentoin = \"a\""), 5, "servers.retentoin"),
            (&*format!("{whole}\n[[servers]]\n{whole}"), 6, "servers.host"),
        ] {
            let found = read(&format!("\n[[servers]]\n{lines}\n"), Path::new("")).unwrap_err();
            assert_eq!(found.len(), 1, "{lines}: {found:?}");
            assert_eq!((found[0].line, found[0].key.as_str()), (line, key), "{lines}: {found:?}");
            assert!(found[0].right.len() > 10);
            assert!(!format!("{found:?}").contains("hidden"), "p9");
        }
        let found = read("\n[servers]\nhost = \"a.example\"\n", Path::new("")).unwrap_err();
        assert!(found[0].right.contains("[[servers]]"), "{found:?}");
        assert_eq!(read("[joining]\nunknown_servers = \"no\"", Path::new("")).unwrap_err()[0].line, 2);
    }
}
