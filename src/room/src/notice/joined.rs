//! The notice of a meeting on somebody else's server (P7): what people in the room read before it is joined.

use super::{Notice, NoticeSection};
use crate::language::Language;
use crate::meeting::hosts::{Hosts, Named};
use crate::servers::{Judgement, Recording, Server};

/// What it is made from.
#[derive(Clone, Debug)]
pub struct JoinedFacts<'a> {
    /// Name of this room.
    pub room: &'a str,
    /// Host of the server.
    pub host: &'a str,
    /// What is on record about it.
    pub server: Option<&'a Server>,
    /// What follows from that.
    pub judgement: &'a Judgement,
    /// The hosts that are contacted.
    pub hosts: &'a Hosts,
}

/// Writes the notice.
#[must_use]
pub fn joined(language: Language, facts: &JoinedFacts<'_>) -> Notice {
    Notice {
        room: facts.room.to_owned(),
        sections: vec![
            short(language, facts),
            operator(language, facts.server),
            contract(language, facts),
            retention(language, facts.server),
            encryption(language),
            contacts(language, facts.hosts),
        ],
    }
}

fn section(title: &str, lines: Vec<String>) -> NoticeSection {
    NoticeSection { title: title.to_owned(), text: lines.join("\n") }
}

fn short(language: Language, facts: &JoinedFacts<'_>) -> NoticeSection {
    let host = facts.host;
    let mut lines = vec![language.pick(
        format!("Bild, Ton und Name dieses Raums gehen an den Server {host}, und von dort an alle in der Konferenz."),
        format!("Picture, sound and name of this room go to the server {host}, and from there to all in the meeting."),
    )];
    let tokens = facts.hosts.declared().iter().filter(|host| host.named == Named::ByOperator);
    lines.extend(tokens.map(|tokens| {
        let tokens = tokens.host.reveal();
        language.pick(
            format!("Der Name dieses Raums und der des Raums im Link gehen auch an {tokens}, für den Schlüssel, der einlässt."),
            format!("The names of this room and of the link’s room go to {tokens}, too, for the token that lets in."),
        )
    }));
    match facts.judgement {
        Judgement::Allowed => {}
        Judgement::Warned(reasons) | Judgement::Refused(reasons) => {
            lines.extend(reasons.iter().map(|reason| reason.sentence(language)));
        }
    }
    if let Judgement::Refused(_) = facts.judgement {
        lines.push(
            language
                .pick(
                    "Nach der Regel des Betreibers tritt dieser Raum deshalb nicht bei.",
                    "By the operator’s rule this room does not join therefore.",
                )
                .to_owned(),
        );
    }
    section(language.pick("Kurz gesagt", "In short"), lines)
}

fn operator(language: Language, server: Option<&Server>) -> NoticeSection {
    let lines =
        match server {
            None => vec![
            language
                .pick(
                    "Wer diesen Server betreibt, ist hier nicht bekannt. Fragen Sie die Person, die eingeladen hat.",
                    "Who runs this server is not known here. Ask the person who invited you.",
                )
                .to_owned(),
        ],
            Some(server) => {
                let address = server.address.as_deref().unwrap_or("").lines().map(|line| line.trim().to_owned());
                let mut lines = vec![server.operator.clone()];
                lines.extend(address.filter(|line| !line.is_empty()));
                lines.extend(server.privacy.as_ref().map(|link| {
                    language.pick(format!("Datenschutzhinweise: {link}"), format!("Privacy notice: {link}"))
                }));
                lines
            }
        };
    section(language.pick("Wer den Server betreibt", "Who runs the server"), lines)
}

fn contract(language: Language, facts: &JoinedFacts<'_>) -> NoticeSection {
    let line = match facts.server {
        Some(server) if server.own => language
            .pick(
                "Der Betreiber dieses Raums betreibt den Server selbst.",
                "The operator of this room runs the server itself.",
            )
            .to_owned(),
        Some(Server { contract: Some(contract), contract_until: None, .. }) => {
            language.pick(format!("Hinterlegt: {contract}."), format!("On record: {contract}."))
        }
        Some(Server { contract: Some(contract), contract_until: Some(last), .. }) => {
            let (year, month, day) = (last.year(), u8::from(last.month()), last.day());
            language.pick(
                format!("Hinterlegt: {contract}, bis zum {day:02}.{month:02}.{year}."),
                format!("On record: {contract}, until {year}-{month:02}-{day:02}."),
            )
        }
        Some(Server { contract: None, .. }) | None => {
            language.pick("Es ist keiner hinterlegt.", "None is on record.").to_owned()
        }
    };
    section(language.pick("Vertrag zur Auftragsverarbeitung", "Processor contract"), vec![line])
}

fn retention(language: Language, server: Option<&Server>) -> NoticeSection {
    let kept = server.and_then(|server| server.retention.clone()).unwrap_or_else(|| {
        language
            .pick(
                "Was der Server wie lange aufbewahrt, ist hier nicht bekannt.",
                "What the server keeps, and how long, is not known here.",
            )
            .to_owned()
    });
    let recording = match server.map_or(Recording::Leave, |server| server.recording) {
        Recording::Leave => language.pick(
            "Beginnt der Server aufzuzeichnen oder mitzuschreiben, verlässt dieser Raum die Konferenz.",
            "When the server begins to record or to write down what is said, this room leaves the meeting.",
        ),
        Recording::Tell => language.pick(
            "Beginnt der Server aufzuzeichnen oder mitzuschreiben, steht es auf dem Bildschirm.",
            "When the server begins to record or to write down what is said, the screen says so.",
        ),
    };
    let here =
        language.pick("Dieses Gerät behält nichts von der Konferenz.", "This device keeps nothing of the meeting.");
    section(language.pick("Wie lange", "How long"), vec![kept, recording.to_owned(), here.to_owned()])
}

fn encryption(language: Language) -> NoticeSection {
    let text = language.pick(
        "Transportverschlüsselt: auf dem Weg zum Server kann niemand mithören. Der Server selbst sieht und hört, was \
         er weitergibt.",
        "Transport encryption: nobody can listen in on the way to the server. The server itself sees and hears what \
         it passes on.",
    );
    section(language.pick("Verschlüsselung", "Encryption"), vec![text.to_owned()])
}

fn contacts(language: Language, hosts: &Hosts) -> NoticeSection {
    let mut lines = Vec::new();
    for host in hosts.declared() {
        lines.push(format!("{}: {}", host.host.reveal(), host.words(language)));
    }
    lines.push(
        language
            .pick(
                "Zu anderen Rechnern nimmt dieses Gerät für die Konferenz keinen Kontakt auf.",
                "This device contacts no other host for the meeting.",
            )
            .to_owned(),
    );
    section(language.pick("Welche Rechner", "Which hosts"), lines)
}

#[cfg(test)]
mod tests {
    use time::{Date, Month};

    use super::*;
    use crate::servers::{Policy, Servers};

    fn day() -> Date {
        Date::from_calendar_date(2027, Month::March, 15).unwrap()
    }

    fn whole(language: Language, servers: &Servers, today: Date) -> String {
        let mut hosts = Hosts::default();
        hosts.declare("meet.example.org", Named::ByLink);
        hosts.declare("turn.example.org", Named::AsRelay);
        hosts.contact("meet.example.org").unwrap();
        let facts = JoinedFacts {
            room: "Rose Room",
            host: "meet.example.org",
            server: servers.profile("meet.example.org"),
            judgement: &servers.judge("meet.example.org", today),
            hosts: &hosts,
        };
        let notice = joined(language, &facts);
        notice.sections.iter().map(|section| format!("{}\n{}\n", section.title, section.text)).collect()
    }

    fn server() -> Server {
        Server {
            host: "meet.example.org".to_owned(),
            operator: "Example Association".to_owned(),
            address: Some("1 Example Road\nExampletown".to_owned()),
            own: false,
            contract: Some("file 7".to_owned()),
            contract_until: Some(day()),
            retention: Some("Nothing after the meeting.".to_owned()),
            privacy: Some("https://example.org/privacy".to_owned()),
            recording: Recording::Tell,
            tokens: None,
        }
    }

    #[test]
    fn p7_a_server_on_record_is_told_with_all_that_is_on_record() {
        let servers = Servers { profiles: vec![server()], unknown: Policy::Warn, authority: None };
        for language in Language::ALL {
            let text = whole(language, &servers, day());
            for word in [
                "meet.example.org",
                "Example Association",
                "Exampletown",
                "https://example.org/privacy",
                "file 7",
                language.pick("15.03.2027", "2027-03-15"),
                "Nothing after the meeting.",
                language.pick("steht es auf dem Bildschirm", "the screen says so"),
                language.pick("turn.example.org: Relais", "turn.example.org: the server’s relay"),
                language.pick("nennt ihn, Kontakt aufgenommen", "names it, contacted"),
                language.pick("noch kein Kontakt", "not contacted yet"),
            ] {
                assert!(text.contains(word), "{word}: {text}");
            }
        }
        let later = whole(Language::English, &servers, day() + time::Duration::days(1));
        assert!(later.contains("ended on 2027-03-15"), "{later}");
    }

    #[test]
    fn p7_a_server_that_is_not_on_record_is_said_to_be_so() {
        for (policy, refused) in [(Policy::Warn, false), (Policy::Refuse, true)] {
            let servers = Servers { profiles: Vec::new(), unknown: policy, authority: None };
            for language in Language::ALL {
                let text = whole(language, &servers, day());
                assert!(text.contains(language.pick("nichts hinterlegt", "Nothing is on record")), "{text}");
                assert!(text.contains(language.pick("nicht bekannt", "not known here")));
                assert!(text.contains(language.pick("verlässt dieser Raum", "this room leaves")));
                assert_eq!(text.contains(language.pick("tritt dieser Raum deshalb nicht", "does not join")), refused);
            }
        }
        // Whoever allows all servers has not learnt who runs this one.
        let allowed =
            whole(Language::English, &Servers { profiles: Vec::new(), unknown: Policy::Allow, authority: None }, day());
        assert!(allowed.contains("not known here") && allowed.contains("None is on record"));
    }

    #[test]
    fn p8_the_word_is_transport_and_never_more() {
        let servers = Servers { profiles: vec![server()], unknown: Policy::Warn, authority: None };
        for language in Language::ALL {
            let text = whole(language, &servers, day());
            assert!(text.contains(language.pick("Transportverschlüsselt", "Transport encryption")));
            assert!(text.contains(language.pick("Der Server selbst sieht", "The server itself sees")));
            assert!(!text.to_lowercase().contains(language.pick("ende-zu-ende", "end-to-end")));
        }
    }
}
