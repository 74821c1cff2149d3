//! Dates in certificates, and when the clock is not to be believed.

/// Seconds since 1970-01-01 UTC.
pub type Date = i64;

/// Seconds in a day.
pub const DAY: Date = 86_400;

/// No device runs this version before it was written: 2026-11-01. A clock that says so has not been set, as at the
/// first start of a board without a battery for its clock.
pub const FLOOR: Date = 1_793_491_200;

/// Twenty years after [`FLOOR`]: the last day of a device authority. A clock beyond is as wrong as one before.
pub const CEILING: Date = FLOOR + 20 * 365 * DAY;

/// The clock as it was read, and whether to believe it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It may be right.
    Believed(Date),
    /// It cannot be right.
    Wrong,
}

impl Clock {
    /// Judges a reading.
    #[must_use]
    pub fn judge(reading: Date) -> Self {
        if (FLOOR..CEILING).contains(&reading) { Clock::Believed(reading) } else { Clock::Wrong }
    }

    /// Reads the system's clock.
    #[must_use]
    pub fn read() -> Self {
        Clock::judge(time::OffsetDateTime::now_utc().unix_timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_believed_between_the_day_this_was_written_and_twenty_years_later() {
        for (reading, judged) in [
            (0, Clock::Wrong),
            (FLOOR - 1, Clock::Wrong),
            (FLOOR, Clock::Believed(FLOOR)),
            (CEILING - 1, Clock::Believed(CEILING - 1)),
            (CEILING, Clock::Wrong),
            (Date::MAX, Clock::Wrong),
            (Date::MIN, Clock::Wrong),
        ] {
            assert_eq!(Clock::judge(reading), judged, "{reading}");
        }
    }

    #[test]
    fn the_floor_is_the_date_it_claims_to_be() {
        let floor = time::OffsetDateTime::from_unix_timestamp(FLOOR).unwrap();
        assert_eq!((floor.year(), u8::from(floor.month()), floor.day()), (2026, 11, 1));
    }
}
