//! The quota of a key: successful requests in a UTC calendar day or month.
//!
//! The store decides with it in the transaction that counts, so that it is exact; see `store::sqlite::quota`.

use std::{ops::RangeInclusive, str::FromStr};

use super::{Day, LimitState, RateLimit, Timestamp};

/// At most `limit` successful requests in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    limit: i64,
    period: QuotaPeriod,
}

/// The period of a quota, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaPeriod {
    /// A calendar day.
    Day,
    /// A calendar month.
    Month,
}

/// A quota and its use in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaState {
    /// The quota.
    pub quota: Quota,
    /// The number of successful requests in the period. Exceeds the limit if that was lowered.
    pub used: i64,
    /// The instant at which the next period starts.
    pub resets_at: Timestamp,
}

impl Quota {
    /// The range of `limit`.
    pub const LIMITS: RangeInclusive<i64> = RateLimit::LIMITS;

    /// Creates a quota. `None` if the limit is out of its range.
    #[must_use]
    pub fn new(limit: i64, period: QuotaPeriod) -> Option<Self> {
        Self::LIMITS
            .contains(&limit)
            .then_some(Self { limit, period })
    }

    /// Returns the number of requests, 1 to 10⁹.
    #[must_use]
    pub const fn limit(self) -> i64 {
        self.limit
    }

    /// Returns the period.
    #[must_use]
    pub const fn period(self) -> QuotaPeriod {
        self.period
    }
}

impl QuotaPeriod {
    /// The rule for a period. Error messages put it after the name of the field.
    pub const RULE: &str = "must be `day` or `month`";

    /// Returns the first day of the period that contains `now`.
    #[must_use]
    pub fn first_day(self, now: Timestamp) -> Day {
        match self {
            Self::Day => now.day(),
            Self::Month => now.day().first_of_month(),
        }
    }

    /// Returns the instant at which the next period starts.
    #[must_use]
    pub fn end(self, now: Timestamp) -> Timestamp {
        let next = match self {
            Self::Day => now.day().minus(-1),
            Self::Month => now.day().first_of_next_month(),
        };
        next.start()
    }

    /// Returns the period's name, in the database and in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

impl FromStr for QuotaPeriod {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "day" => Ok(Self::Day),
            "month" => Ok(Self::Month),
            _ => Err(Self::RULE),
        }
    }
}

impl QuotaState {
    /// Returns the number of further requests that the quota admits.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        (self.quota.limit - self.used).max(0)
    }

    /// Returns whether the quota admits no request at `now`. After its period it says nothing.
    #[must_use]
    pub fn is_exhausted(&self, now: Timestamp) -> bool {
        self.remaining() == 0 && now < self.resets_at
    }

    /// Returns the quota's state at `now`.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> LimitState {
        LimitState {
            limit: self.quota.limit,
            remaining: self.remaining(),
            reset: self.resets_at.since(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn period_is_a_calendar_day_or_month_in_utc() {
        let at = |text| Timestamp::parse(text).unwrap();
        for (now, day_end, month_start, month_end) in [
            (
                "2026-02-28T23:59:59.999Z",
                "2026-03-01T00:00:00Z",
                "2026-02-01T00:00:00Z",
                "2026-03-01T00:00:00Z",
            ),
            (
                "2028-02-28T12:00:00Z",
                "2028-02-29T00:00:00Z",
                "2028-02-01T00:00:00Z",
                "2028-03-01T00:00:00Z",
            ),
            (
                "2026-12-31T00:00:00Z",
                "2027-01-01T00:00:00Z",
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
        ] {
            let now = at(now);
            assert_eq!(QuotaPeriod::Day.first_day(now), now.day());
            assert_eq!(QuotaPeriod::Day.end(now), at(day_end));
            assert_eq!(QuotaPeriod::Month.first_day(now), at(month_start).day());
            assert_eq!(QuotaPeriod::Month.end(now), at(month_end));
        }
    }
}
