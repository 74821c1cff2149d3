//! May the room join this server today, and what has to be said before it does?

use time::Date;

use super::{Policy, Server, Servers};
use crate::language::Language;

/// How many days before its end a contract is spoken of.
const SOON: i64 = 30;

/// What follows from the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may be joined; there is nothing to be said but the notice.
    Allowed,
    /// It may be joined after this has been read.
    Warned(Vec<Reason>),
    /// It is not joined.
    Refused(Vec<Reason>),
}

/// What people should know before they join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is on record about this server.
    NotOnRecord,
    /// There is a profile and no contract in it.
    NoContract,
    /// The contract ended on this day.
    ContractEnded(Date),
    /// The contract ends on this day, which is near.
    ContractEnds(Date),
}

impl Servers {
    /// Judges a host on a day.
    #[must_use]
    pub fn judge(&self, host: &str, today: Date) -> Judgement {
        let reason = match self.profile(host) {
            None => Some(Reason::NotOnRecord),
            Some(server) => contract(server, today),
        };
        match (reason, self.unknown) {
            (None, Policy::Allow | Policy::Warn | Policy::Refuse) | (Some(Reason::NotOnRecord), Policy::Allow) => {
                Judgement::Allowed
            }
            // The operator has chosen this server: what is missing is said, and hinders nobody.
            (Some(reason @ Reason::ContractEnds(_)), Policy::Allow | Policy::Warn | Policy::Refuse) => {
                Judgement::Warned(vec![reason])
            }
            (Some(reason), Policy::Allow | Policy::Warn) => Judgement::Warned(vec![reason]),
            (Some(reason), Policy::Refuse) => Judgement::Refused(vec![reason]),
        }
    }
}

fn contract(server: &Server, today: Date) -> Option<Reason> {
    match (server.own, &server.contract, server.contract_until) {
        (true, _, _) => None,
        (false, None, _) => Some(Reason::NoContract),
        (false, Some(_), None) => None,
        (false, Some(_), Some(last)) if last < today => Some(Reason::ContractEnded(last)),
        (false, Some(_), Some(last)) if (last - today).whole_days() <= SOON => Some(Reason::ContractEnds(last)),
        (false, Some(_), Some(_)) => None,
    }
}

impl Reason {
    /// The reason, for people in the room.
    #[must_use]
    pub fn sentence(self, language: Language) -> String {
        let day = |date: Date| {
            let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
            language.pick(format!("{day:02}.{month:02}.{year}"), format!("{year}-{month:02}-{day:02}"))
        };
        match self {
            Reason::NotOnRecord => language
                .pick(
                    "Über diesen Server ist nichts hinterlegt: weder, wer ihn betreibt, noch ein Vertrag zur \
                     Auftragsverarbeitung.",
                    "Nothing is on record about this server: neither who runs it, nor a processor contract.",
                )
                .to_owned(),
            Reason::NoContract => language
                .pick(
                    "Für diesen Server ist kein Vertrag zur Auftragsverarbeitung hinterlegt.",
                    "No processor contract is on record for this server.",
                )
                .to_owned(),
            Reason::ContractEnded(date) => language.pick(
                format!("Der Vertrag zur Auftragsverarbeitung mit diesem Server ist am {} abgelaufen.", day(date)),
                format!("The processor contract for this server ended on {}.", day(date)),
            ),
            Reason::ContractEnds(date) => language.pick(
                format!("Der Vertrag zur Auftragsverarbeitung mit diesem Server läuft am {} ab.", day(date)),
                format!("The processor contract for this server ends on {}.", day(date)),
            ),
        }
    }
}
