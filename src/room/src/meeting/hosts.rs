//! The hosts of one meeting (promise P5): those that were declared, with the reason, and those that were contacted.

use subrosa_messages::Pii;

use crate::language::Language;

/// The most hosts that a meeting may declare; no meeting needs as many.
pub const MOST: usize = 32;

/// Why a host is contacted. Each thing that can name a host is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// The link names it.
    ByLink,
    /// The server's settings name it.
    ByConfiguration,
    /// This room's operator names it: the token that lets in comes from there.
    ByOperator,
    /// The server announces it as its relay.
    AsRelay,
    /// The server announces it as its media bridge.
    AsBridge,
}

impl Named {
    /// The reason in a few words.
    #[must_use]
    pub fn words(self, language: Language) -> &'static str {
        match self {
            Named::ByLink => language.pick("der Link nennt ihn", "the link names it"),
            Named::ByConfiguration => {
                language.pick("die Einstellungen des Servers nennen ihn", "the server’s settings name it")
            }
            Named::ByOperator => language.pick(
                "der Betreiber dieses Raums nennt ihn; von dort kommt der Schlüssel, der einlässt",
                "this room’s operator names it; the token that lets in comes from there",
            ),
            Named::AsRelay => language.pick("Relais des Servers", "the server’s relay"),
            Named::AsBridge => language.pick("Bild und Ton des Servers", "the server’s picture and sound"),
        }
    }
}

/// A host that has been declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name or address, lower case, without a port.
    pub host: Pii<String>,
    /// Who named it first.
    pub named: Named,
    /// It has been contacted.
    pub seen: bool,
}

/// The hosts of one meeting; it ends with the meeting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    declared: Vec<Host>,
}

impl Host {
    /// Why it is contacted, and whether it has been.
    #[must_use]
    pub fn words(&self, language: Language) -> String {
        let seen = if self.seen {
            language.pick(", Kontakt aufgenommen", ", contacted")
        } else {
            language.pick(", noch kein Kontakt", ", not contacted yet")
        };
        format!("{}{seen}", self.named.words(language))
    }
}

/// The proof that a host was declared: only [`Hosts::contact`] makes one, and `outbound` connects to nothing without.
#[derive(Debug, PartialEq, Eq)]
pub struct Contact {
    host: Pii<String>,
}

impl Contact {
    /// The host: a name or an address, lower case, without a port and without brackets.
    #[must_use]
    pub fn host(&self) -> &Pii<String> {
        &self.host
    }

    /// Whether it is for this host, however that is written.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        *self.host.reveal() == plain(host)
    }
}

/// A host that nobody has declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a host that was not declared")]
pub struct NotDeclared;

impl Hosts {
    /// Declares a host. One that is there keeps its first reason; what comes after [`MOST`] is not declared, and so
    /// cannot be contacted.
    pub fn declare(&mut self, host: &str, named: Named) {
        let host = plain(host);
        if !host.is_empty() && self.declared.len() < MOST && self.place(&host).is_none() {
            self.declared.push(Host { host: Pii::new(host), named, seen: false });
        }
    }

    /// Asks to contact a host, and remembers that it is.
    ///
    /// # Errors
    /// When it has not been declared.
    pub fn contact(&mut self, host: &str) -> Result<Contact, NotDeclared> {
        let place = self.place(&plain(host)).ok_or(NotDeclared)?;
        let host = self.declared.get_mut(place).ok_or(NotDeclared)?;
        host.seen = true;
        Ok(Contact { host: host.host.clone() })
    }

    /// All that are declared, in the order in which they were named.
    #[must_use]
    pub fn declared(&self) -> &[Host] {
        &self.declared
    }

    fn place(&self, host: &str) -> Option<usize> {
        self.declared.iter().position(|declared| declared.host.reveal() == host)
    }
}

fn plain(host: &str) -> String {
    host.trim_end_matches('.').trim_start_matches('[').trim_end_matches(']').to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn p5_only_what_was_declared_is_contacted_and_what_was_is_remembered() {
        let mut hosts = Hosts::default();
        assert_eq!(hosts.contact("meet.example.org"), Err(NotDeclared));
        hosts.declare("Meet.example.org.", Named::ByLink);
        hosts.declare("meet.example.org", Named::ByConfiguration);
        hosts.declare("turn.example.org", Named::AsRelay);
        hosts.declare("[2001:db8::7]", Named::AsBridge);
        let contact = hosts.contact("meet.EXAMPLE.org").unwrap();
        assert!(contact.is_for("Meet.example.org.") && !contact.is_for("example.org"));
        assert!(hosts.contact("2001:db8::7").unwrap().is_for("[2001:DB8::7]"));
        for other in ["example.org", "a.meet.example.org", "meet.example.org.evil.example", ""] {
            assert_eq!(hosts.contact(other), Err(NotDeclared), "{other}");
        }
        let seen: Vec<(Named, bool)> = hosts.declared().iter().map(|host| (host.named, host.seen)).collect();
        assert_eq!(seen, [(Named::ByLink, true), (Named::AsRelay, false), (Named::AsBridge, true)]);
    }

    #[test]
    fn p9_hosts_are_withheld() {
        let mut hosts = Hosts::default();
        hosts.declare("meet.example.org", Named::ByLink);
        assert!(!format!("{hosts:?}").contains("example"));
    }

    #[test]
    fn every_reason_is_told_in_both_languages() {
        for named in [Named::ByLink, Named::ByConfiguration, Named::ByOperator, Named::AsRelay, Named::AsBridge] {
            assert_ne!(named.words(Language::German), named.words(Language::English));
        }
    }

    proptest! {
        #[test]
        fn p5_in_any_order_nothing_undeclared_is_ever_contacted(acts in prop::collection::vec(("[a-d]{1,2}", any::<bool>()), 0..80)) {
            let mut hosts = Hosts::default();
            let mut declared = std::collections::HashSet::new();
            for (host, declare) in acts {
                if declare {
                    hosts.declare(&host, Named::ByConfiguration);
                    declared.insert(host);
                } else {
                    prop_assert_eq!(hosts.contact(&host).is_ok(), declared.contains(&host));
                }
            }
            prop_assert!(hosts.declared().len() <= MOST);
        }
    }
}
