//! The certificate of the page: until when it is valid, what it names. Nothing is made or renewed for the look.

use std::net::IpAddr;

use super::finding::{Check, Finding, both};
use crate::certificates::date::{Clock, DAY, Date};
use crate::certificates::facts::CertificateContents;
use crate::certificates::names::{Names, host_of_url};
use crate::certificates::store::Store;
use crate::web::WebSettings;

/// An operator's certificate that ends sooner should have been renewed by now: most are renewed a month before.
const SOON: Date = 14 * DAY;

/// What there is to be served.
#[derive(Debug)]
pub enum Served {
    /// The operator's.
    Operators(CertificateContents),
    /// The operator's cannot be used; why.
    Unusable(String),
    /// The device's own.
    Own(CertificateContents),
    /// None has been made yet, or it may not be read.
    Nothing,
}

/// Looks at the files.
#[must_use]
pub fn read(settings: &WebSettings, clock: Clock) -> Served {
    if let Some(files) = &settings.tls {
        return match files.load(clock, &rustls::crypto::ring::default_provider()) {
            Ok(found) => Served::Operators(found.contents),
            Err(error) => Served::Unusable(error.to_string()),
        };
    }
    let own = Store::new(settings.state.join("certificates")).load();
    match own.and_then(|bundle| CertificateContents::read(&bundle.own.certificate)) {
        Some(contents) => Served::Own(contents),
        None => Served::Nothing,
    }
}

/// What it means. `addresses`: those under which guests reach the device.
#[must_use]
pub fn judge(served: &Served, clock: Clock, public_url: Option<&str>, addresses: &[IpAddr]) -> Finding {
    let renew = both(
        "Erneuern; wie, steht in docs/certificates.md. Der Raum liest die Dateien von selbst wieder.",
        "Renew it, as docs/certificates.md says. The room reads the files again by itself.",
    );
    match served {
        Served::Nothing => Finding::not_checked(
            Check::Certificate,
            both(
                "Es gibt noch kein Zertifikat, oder es ist nicht lesbar.",
                "There is no certificate yet, or it may not be read.",
            ),
            both("Den Raum einmal starten; als root ausführen.", "Start the room once; run this as root."),
        ),
        Served::Unusable(why) => Finding::wrong(
            Check::Certificate,
            both(
                format!("Das Zertifikat des Betreibers ist nicht verwendbar, Gäste sehen das des Geräts: {why}"),
                format!("The operator's certificate cannot be used, guests see the device's: {why}"),
            ),
            renew,
        ),
        Served::Operators(contents) => {
            let left = days_left(contents, clock);
            if let Some(host) = public_url.and_then(host_of_url).filter(|host| !contents.names.covers(host)) {
                return Finding::wrong(
                    Check::Certificate,
                    both(
                        format!("Die Adresse in network.public_url ({host}) steht nicht im Zertifikat."),
                        format!("The host of network.public_url ({host}) is not in the certificate."),
                    ),
                    both("Eines für diesen Namen ausstellen lassen.", "Get one that names it."),
                );
            }
            if contents.self_issued {
                return Finding::note(
                    Check::Certificate,
                    both("Selbst ausgestellt: Browser warnen.", "Self-signed: browsers warn."),
                    both(
                        "docs/certificates.md nennt Wege ohne Warnung.",
                        "docs/certificates.md has ways without a warning.",
                    ),
                );
            }
            let what = valid(left);
            match left {
                Some(left) if left * DAY < SOON => Finding::wrong(Check::Certificate, what, renew),
                Some(_) | None => Finding::ok(Check::Certificate, what),
            }
        }
        Served::Own(contents) => own(contents, clock, addresses),
    }
}

fn own(contents: &CertificateContents, clock: Clock, addresses: &[IpAddr]) -> Finding {
    let left = days_left(contents, clock);
    let wanted = Names::of_device("", None, addresses);
    let restart = both(
        "Der Raum macht es von selbst neu; sonst journalctl -u subrosa-room.",
        "The room makes it anew by itself; else see journalctl -u subrosa-room.",
    );
    if left.is_some_and(|left| left < 0) {
        let what = both("Das Zertifikat des Geräts ist abgelaufen.", "The device's certificate has expired.");
        return Finding::wrong(Check::Certificate, what, restart);
    }
    if !wanted.addresses.is_subset(&contents.names.addresses) {
        let what = both(
            "Das Zertifikat des Geräts nennt nicht alle seine Adressen.",
            "The device's certificate does not name all of its addresses.",
        );
        return Finding::note(Check::Certificate, what, restart);
    }
    Finding::note(
        Check::Certificate,
        both(
            "Das eigene des Geräts: Browser warnen, Gäste vergleichen den Fingerabdruck.",
            "The device's own: browsers warn, guests compare the fingerprint.",
        ),
        both("docs/certificates.md nennt Wege ohne Warnung.", "docs/certificates.md has ways without a warning."),
    )
}

/// Whole days; negative: it has ended. `None`: the clock does not say.
fn days_left(contents: &CertificateContents, clock: Clock) -> Option<Date> {
    match clock {
        Clock::Believed(now) => Some((contents.not_after - now).div_euclid(DAY)),
        Clock::Wrong => None,
    }
}

fn valid(left: Option<Date>) -> super::finding::Both {
    match left {
        Some(left) => both(
            format!("Browser prüfen es; noch {left} Tage gültig."),
            format!("Browsers check it; valid for {left} more days."),
        ),
        None => both(
            "Browser prüfen es; die Uhr sagt nicht, wie lange noch.",
            "Browsers check it; the clock does not say for how long.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;
    use crate::certificates::date::FLOOR;

    const NOW: Clock = Clock::Believed(FLOOR + 100 * DAY);

    fn contents(days: Date, host: &str, address: &str) -> CertificateContents {
        CertificateContents {
            not_before: FLOOR,
            not_after: FLOOR + (100 + days) * DAY,
            names: Names { hosts: [host.to_owned()].into(), addresses: [address.parse().unwrap()].into() },
            permitted: Names::default(),
            self_issued: false,
        }
    }

    #[test]
    fn every_certificate_has_its_verdict() {
        use Verdict::{NotChecked, Note, Ok, Wrong};
        let url = Some("https://room.example.org:8443");
        let here = ["192.0.2.7".parse().unwrap()];
        let named = |days| contents(days, "room.example.org", "192.0.2.7");
        for (served, clock, url, verdict) in [
            (Served::Operators(named(60)), NOW, url, Ok),
            (Served::Operators(named(14)), NOW, None, Ok),
            (Served::Operators(named(13)), NOW, url, Wrong),
            (Served::Operators(named(13)), Clock::Wrong, url, Ok),
            (Served::Operators(contents(60, "other.example.org", "192.0.2.7")), NOW, url, Wrong),
            (Served::Operators(CertificateContents { self_issued: true, ..named(60) }), NOW, url, Note),
            (Served::Unusable("expired".into()), NOW, url, Wrong),
            (Served::Own(named(60)), NOW, None, Note),
            (Served::Own(named(-1)), NOW, None, Wrong),
            (Served::Own(contents(60, "a.local", "198.51.100.1")), NOW, None, Note),
            (Served::Nothing, NOW, None, NotChecked),
        ] {
            assert_eq!(judge(&served, clock, url, &here).verdict, verdict, "{served:?}");
        }
    }

    #[test]
    fn nothing_is_made_for_the_look() {
        let state = tempfile::tempdir().unwrap();
        let settings = WebSettings {
            listen: Vec::new(),
            tls: None,
            host_name: "rose".into(),
            public_url: None,
            state: state.path().join("room"),
        };
        assert!(matches!(read(&settings, NOW), Served::Nothing));
        assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
    }
}
