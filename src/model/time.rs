//! Instants, UTC days and the clock.
//!
//! An instant is a number of milliseconds since 1970-01-01T00:00Z, in the database and in JavaScript as well. Only
//! [`Clock::system`] reads the machine's clock; everything else takes a [`Timestamp`] or a [`Clock`].

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{
    SignedDuration,
    civil::{Date, DateTime},
    fmt::temporal::Pieces,
};

use super::{RateLimit, utc_text};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// An instant with millisecond resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The latest instant that can be stored: the end of the year 9999.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Creates the instant `millis` milliseconds after 1970-01-01T00:00Z, or before it if negative.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Parses a date-time of RFC 3339, such as `2026-01-05T12:00:00Z`, and truncates it to milliseconds. `None` if the
    /// text is not a date-time, or lies before 1970 or after the year 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !is_rfc_3339(text) {
            return None;
        }
        let pieces = Pieces::parse(text).ok()?;
        let offset = pieces.to_numeric_offset()?;
        let local = pieces.date().to_datetime(pieces.time()?);
        let millis = local.duration_since(DateTime::from(EPOCH)).as_millis();
        let instant = Self(i64::try_from(millis).ok()? - 1000 * i64::from(offset.seconds()));
        (Self(0)..=Self::MAX).contains(&instant).then_some(instant)
    }

    /// Returns the milliseconds since 1970-01-01T00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the seconds since 1970-01-01T00:00Z, a `NumericDate` of RFC 7519.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the UTC day of this instant.
    #[must_use]
    pub const fn day(self) -> Day {
        Day(self.0.div_euclid(MILLIS_PER_DAY))
    }

    /// Returns the time from `earlier` to this instant, or zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// Returns the instant `duration` earlier.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// Returns the instant `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// Returns the milliseconds since midnight UTC.
    fn millis_of_day(self) -> u32 {
        u32::try_from(self.0.rem_euclid(MILLIS_PER_DAY)).unwrap_or(0)
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Returns whether the text consists of a date, a time with seconds and an offset. jiff also parses other forms.
fn is_rfc_3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(b'T' | b't'), Some(b':')) = (bytes.get(10), bytes.get(16)) else {
        return false;
    };
    match bytes {
        [.., b'Z' | b'z'] => true,
        [.., b'+' | b'-', _, _, b':', _, _] => bytes.len() > 20,
        _ => false,
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Formats the instant as JavaScript's `toISOString()` does: `2026-01-05T12:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.day().to_date() {
            Some(date) => utc_text::write_date_time(f, date, self.millis_of_day()),
            None => f.write_str("out of range"),
        }
    }
}

/// A UTC calendar day: whole days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// Creates the day `number` days after 1970-01-01.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Returns the number of days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Returns the day `days` days earlier.
    #[must_use]
    pub const fn minus(self, days: i64) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// Returns the first day of the day's month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        self.to_date()
            .map_or(self, |date| Self::from_date(date.first_of_month()))
    }

    /// Returns the first day of the month after the day's month.
    #[must_use]
    pub fn first_of_next_month(self) -> Self {
        self.to_date().map_or(self, |date| {
            Self(Self::from_date(date.last_of_month()).0 + 1)
        })
    }

    /// Returns the date. `None` outside the years -9999 to 9999.
    fn to_date(self) -> Option<Date> {
        let since_epoch = SignedDuration::from_millis(self.start().0);
        EPOCH.checked_add(since_epoch).ok()
    }

    fn from_date(date: Date) -> Self {
        Self(i64::from(
            EPOCH.until(date).map_or(0, |span| span.get_days()),
        ))
    }

    /// Returns the first instant of the day.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(MILLIS_PER_DAY))
    }
}

/// Formats the day as `2026-01-05`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_date() {
            Some(date) => utc_text::write_date(f, date),
            None => f.write_str("out of range"),
        }
    }
}

/// A source of the current time: the machine, or a function for tests and the sandbox.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// Creates a clock that reads the machine's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the only place that reads the machine's clock"
        )]
        let now = || Timestamp(jiff::Timestamp::now().as_millisecond());
        let start = Instant::now();
        Self {
            now: Arc::new(now),
            elapsed: Arc::new(move || RateLimit::MAX_WINDOW + start.elapsed()),
        }
    }

    /// Creates a clock that returns `now()`, and whose elapsed time follows it.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let now = Arc::new(now);
        let elapsed = {
            let now = Arc::clone(&now);
            move || now().since(Timestamp(0))
        };
        Self {
            now,
            elapsed: Arc::new(elapsed),
        }
    }

    /// Creates a clock that returns `now()` but keeps this clock's elapsed time, as after a change of the wall clock.
    #[must_use]
    pub fn set(&self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            now: Arc::new(now),
            elapsed: Arc::clone(&self.elapsed),
        }
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Returns the monotonic time since an origin. Changes of the wall clock do not affect it. The origin is at least
    /// [`RateLimit::MAX_WINDOW`] before the start of the process.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamp_is_formatted_as_in_javascript() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp(1_767_614_400_007).to_string(),
            "2026-01-05T12:00:00.007Z"
        );
    }

    #[test]
    fn timestamp_is_parsed_as_it_is_formatted() {
        for millis in [
            0,
            7,
            1_767_614_400_007,
            253_402_207_200_999,
            253_402_207_201_000,
        ] {
            let instant = Timestamp(millis);
            assert_eq!(Timestamp::parse(&instant.to_string()), Some(instant));
        }
        let latest = Timestamp::MAX.to_string();
        assert_eq!(latest, "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::parse(&latest), Some(Timestamp::MAX));
    }

    #[test]
    fn timestamp_parses_rfc_3339_only() {
        let noon = Some(Timestamp(1_767_614_400_000));
        for text in [
            "2026-01-05T12:00:00Z",
            "2026-01-05t12:00:00.0009z",
            "2026-01-05T13:00:00+01:00",
            "2026-01-05T04:30:00.000000-07:30",
        ] {
            assert_eq!(Timestamp::parse(text), noon, "{text}");
        }
        for text in [
            "",
            "2026-01-05",
            "2026-01-05T12:00:00",
            "2026-01-05T12:00Z",
            "2026-01-05T12Z",
            "2026-01-05 12:00:00Z",
            "2026-01-05T12:00:00+01",
            "2026-01-05T12:00:00Z[UTC]",
            "2026-01-05T12:00:00+01:00[Europe/Madrid]",
            "20260105T120000Z",
            "2026-02-30T12:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59-01:00",
            "+010000-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn day_starts_at_midnight_utc() {
        let noon = Timestamp(1_767_614_400_000);
        assert_eq!(noon.day().to_string(), "2026-01-05");
        assert_eq!(Timestamp::MAX.day().to_string(), "9999-12-31");
        assert_eq!(noon.day().start().to_string(), "2026-01-05T00:00:00.000Z");
        assert_eq!(
            Timestamp(noon.day().start().0 - 1).day(),
            noon.day().minus(1)
        );
    }
}
