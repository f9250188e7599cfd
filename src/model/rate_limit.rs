//! The rate limit of a key, and what a changed one counts.
//!
//! `crate::rate_limit` decides with it. The state after a request is a [`LimitState`](super::LimitState).

use std::{ops::RangeInclusive, time::Duration};

use super::Timestamp;

/// At most `limit` successful requests in any `window_seconds` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    limit: i64,
    window_seconds: i64,
}

impl RateLimit {
    /// The range of `limit`.
    pub const LIMITS: RangeInclusive<i64> = 1..=1_000_000_000;
    /// The range of `window_seconds`.
    pub const WINDOWS: RangeInclusive<i64> = 1..=31 * 86_400;

    /// Returns the number of requests, 1 to 10⁹.
    #[must_use]
    pub const fn limit(self) -> i64 {
        self.limit
    }

    /// Returns the length of the window in seconds, at most 31 days.
    #[must_use]
    pub const fn window_seconds(self) -> i64 {
        self.window_seconds
    }

    /// The longest window.
    pub const MAX_WINDOW: Duration = Duration::from_hours(31 * 24);

    /// Returns the length of the window.
    #[must_use]
    pub fn window(self) -> Duration {
        Duration::from_secs(self.window_seconds.unsigned_abs())
    }

    /// Returns the start, in milliseconds, of the slot that contains an instant, given as the time since any origin. A
    /// window has at most 1,024 slots of whole milliseconds. The successes of one slot are stored together.
    ///
    /// The start and not a number: the slots of a window and those of another length stay in one order.
    #[must_use]
    pub fn slot_start(self, at: Duration) -> u128 {
        let length = self.window().as_millis().div_ceil(1024);
        at.as_millis() / length * length
    }

    /// Creates a rate limit. `None` if a number is out of its range.
    #[must_use]
    pub fn new(limit: i64, window_seconds: i64) -> Option<Self> {
        let valid = Self::LIMITS.contains(&limit) && Self::WINDOWS.contains(&window_seconds);
        valid.then_some(Self {
            limit,
            window_seconds,
        })
    }
}

/// A key's rate limit, with the successes that it leaves out after it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeteredLimit {
    /// The limit.
    pub rate: RateLimit,
    /// Successes up to this instant do not count; `None` if the limit was never changed.
    pub counts_after: Option<Timestamp>,
}

impl MeteredLimit {
    /// Returns the limit after a change from `old` to `new` at `now`; `None` if it is removed. Successes that have left the
    /// old window do not count again in a longer one, and a removed limit leaves nothing behind.
    #[must_use]
    pub fn change(old: Option<Self>, new: Option<RateLimit>, now: Timestamp) -> Option<Self> {
        let counts_after = match (old, new?) {
            (None, _) => Some(now),
            (Some(old), new) if old.rate.window() == new.window() => old.counts_after,
            (Some(old), _) => {
                let left = now.before(old.rate.window()).max(Timestamp::from_millis(0));
                old.counts_after.max(Some(left))
            }
        };
        new.map(|rate| Self { rate, counts_after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn change_counts_what_has_not_left_the_old_window() {
        let at = Timestamp::from_millis;
        let limit = |seconds| RateLimit::new(5, seconds);
        let short = MeteredLimit::change(None, limit(10), at(50_000));
        assert_eq!(short.unwrap().counts_after, Some(at(50_000)));
        let long = MeteredLimit::change(short, limit(60), at(55_000));
        assert_eq!(long.unwrap().counts_after, Some(at(50_000)));
        let long = MeteredLimit::change(short, limit(60), at(65_000));
        assert_eq!(long.unwrap().counts_after, Some(at(55_000)));
        let same_window = MeteredLimit::change(long, RateLimit::new(1, 60), at(200_000));
        assert_eq!(same_window.unwrap().counts_after, Some(at(55_000)));
        assert_eq!(MeteredLimit::change(long, None, at(200_000)), None);
    }

    #[test]
    fn rate_limit_is_within_its_ranges() {
        for (limit, window) in [(1, 1), (1_000_000_000, 2_678_400)] {
            assert!(RateLimit::new(limit, window).is_some());
        }
        for (limit, window) in [
            (0, 60),
            (1_000_000_001, 60),
            (1, 0),
            (1, 2_678_401),
            (-1, 60),
        ] {
            assert_eq!(RateLimit::new(limit, window), None, "{limit}/{window}");
        }
    }
}
