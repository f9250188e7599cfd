//! Durations and instants in arguments: `90d`, `1h30m`, `2027-01-31`, `2027-01-31T12:00:00Z`.
//!
//! Used by the flags `--expires`, `--grace`, `--rate-limit`, `--since` and `--ttl`. The API accepts only seconds and
//! RFC 3339.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use crate::model::Timestamp;

/// Parses a duration. Days have 24 hours. Months and years are rejected, because their length varies.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

/// An argument that is a duration relative to now, or an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeArg {
    /// A duration, in the past or in the future depending on the flag.
    Duration(Duration),
    /// An instant. A date stands for its first instant in UTC.
    Instant(Timestamp),
}

impl TimeArg {
    /// Parses an argument.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(duration) = parse_duration(text) {
            return Ok(Self::Duration(duration));
        }
        Timestamp::parse(text)
            .or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
            .map(Self::Instant)
            .ok_or("write a duration as 12h or 90d, a date as 2027-01-31, or an instant as 2027-01-31T12:00:00Z")
    }

    /// Returns the instant; a duration counts from `now` into the future.
    pub(super) fn after(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Duration(duration) => now.after(duration),
            Self::Instant(instant) => instant,
        }
    }

    /// Returns the instant; a duration counts from `now` into the past.
    pub(super) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Duration(duration) => now.before(duration),
            Self::Instant(instant) => instant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_duration_takes_numbers_and_units() {
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 900),
            ("1h30m", 5400),
            ("90d", 90 * 86_400),
            ("2w", 14 * 86_400),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["", "1", "-1h", "1 fortnight", "1mo", "2y"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn time_arg_is_a_duration_a_date_or_an_instant() {
        let noon = Timestamp::from_millis(1_767_614_400_000);
        let day = Duration::from_hours(24);
        for (text, after, before) in [
            ("1d", noon.after(day), noon.before(day)),
            ("2026-01-05", noon.day().start(), noon.day().start()),
            ("2026-01-05T13:00:00+01:00", noon, noon),
            ("2026-01-05T12:00:00Z", noon, noon),
        ] {
            let arg = TimeArg::parse(text).unwrap();
            assert_eq!(
                (arg.after(noon), arg.before(noon)),
                (after, before),
                "{text}"
            );
        }
        for text in [
            "",
            "soon",
            "2026-01-32",
            "2026-01-05T12:00",
            "1969-12-31",
            "2026-01-05T12:00Z",
            "10000-01-01",
        ] {
            assert!(TimeArg::parse(text).is_err(), "{text}");
        }
    }
}
