//! Instants, UTC days and the clock that tells them.
//!
//! An instant is whole milliseconds since 1970-01-01T00:00Z, as the database and JavaScript have it. Nothing
//! in this crate reads the machine's clock but [`Clock::system`].

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

use super::RateLimit;

const MILLIS_PER_DAY: i64 = 86_400_000;

/// An instant, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last instant that is stored: the end of the year 9999.
    pub const LATEST: Self = Self(253_402_300_799_999);

    /// The instant `millis` milliseconds after (or before) 1970-01-01T00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The instant that a date-time of RFC 3339 spells, `2026-01-05T12:00:00Z`; what is finer than a millisecond
    /// is cut off. `None` when it spells none, or one before 1970 or after the year 9999.
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
        (Self(0)..=Self::LATEST)
            .contains(&instant)
            .then_some(instant)
    }

    /// Milliseconds since 1970-01-01T00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since 1970-01-01T00:00Z, the `NumericDate` of RFC 7519.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The UTC day this instant falls on.
    #[must_use]
    pub const fn day(self) -> Day {
        Day(self.0.div_euclid(MILLIS_PER_DAY))
    }

    /// How long ago `earlier` was at this instant; nothing if it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// This instant moved back by `duration`, to the millisecond.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// This instant moved on by `duration`, to the millisecond.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Whether a date, a time to the second and an offset are all there, and nothing else: jiff takes more.
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

/// Writes the instant as JavaScript's `toISOString()` does: `2026-01-05T12:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Ok(instant) = jiff::Timestamp::from_millisecond(self.0) {
            return write!(f, "{instant:.3}");
        }
        // jiff's instants end a day before the year 9999 does, since any time zone may be theirs.
        match DateTime::from(EPOCH).checked_add(SignedDuration::from_millis(self.0)) {
            Ok(instant) => write!(f, "{instant:.3}Z"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

/// A UTC calendar day: whole days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(i64);

impl Day {
    /// The day `number` days after 1970-01-01.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// The day `days` days earlier.
    #[must_use]
    pub const fn minus(self, days: i64) -> Self {
        Self(self.0.saturating_sub(days))
    }

    /// The day's first instant.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp(self.0.saturating_mul(MILLIS_PER_DAY))
    }
}

/// Writes the day as `2026-01-05`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.start().0) {
            Ok(instant) => instant.strftime("%F").fmt(f),
            Err(_) => f.write_str("out of range"),
        }
    }
}

/// Where the time comes from: the machine, or whatever a test or a frozen deployment says.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that asks the machine"
        )]
        let now = || Timestamp(jiff::Timestamp::now().as_millisecond());
        let start = Instant::now();
        Self {
            now: Arc::new(now),
            elapsed: Arc::new(move || RateLimit::LONGEST_WINDOW + start.elapsed()),
        }
    }

    /// A clock that says what `now` returns, and was never set back or forth.
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

    /// The same clock, whose hands were moved: it says what `now` returns, while time passes as before.
    #[must_use]
    pub fn set(&self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self {
            now: Arc::new(now),
            elapsed: Arc::clone(&self.elapsed),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// How much time has passed since some origin, whatever was done to the clock since. The origin is at least
    /// [`RateLimit::LONGEST_WINDOW`] before the start of the process.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_as_javascript_prints_it() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp(1_767_614_400_007).to_string(),
            "2026-01-05T12:00:00.007Z"
        );
    }

    #[test]
    fn every_instant_up_to_the_end_of_the_year_9999_is_read_as_it_is_printed() {
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
        let latest = Timestamp::LATEST.to_string();
        assert_eq!(latest, "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::parse(&latest), Some(Timestamp::LATEST));
    }

    #[test]
    fn an_instant_is_read_as_rfc_3339_has_it_and_no_other_way() {
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
    fn a_day_begins_at_midnight_utc() {
        let noon = Timestamp(1_767_614_400_000);
        assert_eq!(noon.day().to_string(), "2026-01-05");
        assert_eq!(noon.day().start().to_string(), "2026-01-05T00:00:00.000Z");
        assert_eq!(
            Timestamp(noon.day().start().0 - 1).day(),
            noon.day().minus(1)
        );
    }
}
