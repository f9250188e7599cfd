//! The rate limit of a key: its setting, and its state after a request.
//!
//! `crate::rate_limit` decides with it; the state is sent to clients in the `RateLimit-*` headers.

use std::{ops::RangeInclusive, time::Duration};

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

    /// Returns the number of the slot that contains an instant, given as the time since any origin. A window has at most
    /// 1,024 slots of whole milliseconds. The successes of one slot are stored together.
    #[must_use]
    pub fn slot(self, at: Duration) -> u128 {
        at.as_millis() / self.window().as_millis().div_ceil(1024)
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

/// The state of a key's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitState {
    /// The number of requests that the limit allows in a window.
    pub limit: i64,
    /// The number of further requests that would be admitted now.
    pub remaining: i64,
    /// The time until one more request would be admitted than now.
    pub reset: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

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
