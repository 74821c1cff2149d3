//! Whether the device's certificate can stay, or what has to be made anew; pure.

use super::authority::RENEW_BEFORE;
use super::date::{Clock, Date, FLOOR};
use super::facts::CertificateContents;
use super::names::Names;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing.
    Keep,
    /// The authority stays and issues a new certificate, dated as given.
    Issue(Date),
    /// A new authority and a new certificate, dated as given.
    Begin(Date),
}

/// Decides. `stored` are the authority and the certificate that the device has.
#[must_use]
pub fn decide(clock: Clock, wanted: &Names, stored: Option<(&CertificateContents, &CertificateContents)>) -> Decision {
    let Some((authority, own)) = stored else {
        return Decision::Begin(match clock {
            Clock::Believed(now) => now,
            Clock::Wrong => FLOOR,
        });
    };
    // A clock that is wrong gives no reason to renew; what was made later than the floor is the best date there is.
    let date = match clock {
        Clock::Believed(now) => now,
        Clock::Wrong => FLOOR.max(own.not_before),
    };
    if !authority.permitted.permit(wanted) || !(authority.not_before..=authority.not_after).contains(&date) {
        return Decision::Begin(date);
    }
    let current = match clock {
        Clock::Believed(now) => (own.not_before..own.not_after - RENEW_BEFORE).contains(&now),
        Clock::Wrong => true,
    };
    if own.names == *wanted && current { Decision::Keep } else { Decision::Issue(date) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::authority::{BACKDATED, VALIDITY};
    use crate::certificates::date::{CEILING, DAY};

    const MADE: Date = FLOOR + 100 * DAY;

    fn names(host: &str, addresses: &[&str]) -> Names {
        Names {
            hosts: [host.to_owned()].into(),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        }
    }

    fn authority(permitted: Names) -> CertificateContents {
        CertificateContents {
            not_before: FLOOR,
            not_after: CEILING,
            names: Names::default(),
            permitted,
            self_issued: true,
        }
    }

    fn own(names: Names) -> CertificateContents {
        CertificateContents {
            not_before: MADE - BACKDATED,
            not_after: MADE - BACKDATED + VALIDITY - 1,
            names,
            permitted: Names::default(),
            self_issued: false,
        }
    }

    #[test]
    fn p10_every_clock_and_every_change_has_its_outcome() {
        let both = names("rose.local", &["192.0.2.7", "192.0.2.8"]);
        let one = names("rose.local", &["192.0.2.7"]);
        let moved = names("rose.local", &["198.51.100.1"]);
        let last = MADE - BACKDATED + VALIDITY - RENEW_BEFORE - 1;
        for (what, clock, wanted, expected) in [
            ("nothing changed", Clock::Believed(MADE + 5), &one, Decision::Keep),
            ("set back by hours", Clock::Believed(MADE - DAY), &one, Decision::Keep),
            ("set back by weeks", Clock::Believed(MADE - 20 * DAY), &one, Decision::Issue(MADE - 20 * DAY)),
            ("last day before renewal", Clock::Believed(last - 1), &one, Decision::Keep),
            ("renewal is due", Clock::Believed(last), &one, Decision::Issue(last)),
            ("far ahead", Clock::Believed(CEILING - 1), &one, Decision::Issue(CEILING - 1)),
            ("no clock", Clock::Wrong, &one, Decision::Keep),
            ("another permitted address", Clock::Believed(MADE), &both, Decision::Issue(MADE)),
            ("another permitted address, no clock", Clock::Wrong, &both, Decision::Issue(MADE - BACKDATED)),
            ("an address that is not permitted", Clock::Believed(MADE), &moved, Decision::Begin(MADE)),
        ] {
            let authority = authority(both.clone());
            assert_eq!(decide(clock, wanted, Some((&authority, &own(one.clone())))), expected, "{what}");
        }
        assert_eq!(decide(Clock::Wrong, &one, None), Decision::Begin(FLOOR));
        assert_eq!(decide(Clock::Believed(MADE), &one, None), Decision::Begin(MADE));
    }
}
