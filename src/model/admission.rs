//! Admission: whether a request with a key is within the key's rate limit and quota.
//!
//! Returned by the store, which counts the request in the same call. The states of the limits are sent to clients in
//! headers.

use std::time::Duration;

/// The outcome of asking for the admission of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The decision.
    pub decision: AdmissionDecision,
    /// The states of the key's limits after it.
    pub limits: LimitStates,
}

/// The decision about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdmissionDecision {
    /// The request is admitted.
    Admitted,
    /// The key is over its rate limit, and possibly over its quota as well.
    RateLimited,
    /// The key is over its quota.
    OverQuota,
}

/// The states of a key's limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitStates {
    /// The state of its rate limit; `None` without one.
    pub rate_limit: Option<LimitState>,
    /// The state of its quota; `None` without one.
    pub quota: Option<LimitState>,
}

/// The state of a rate limit or a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitState {
    /// The number of requests that it admits in a window or period.
    pub limit: i64,
    /// The number of further requests that it would admit now.
    pub remaining: i64,
    /// The time until it would admit one more request than now.
    pub reset: Duration,
}

impl LimitStates {
    /// Returns the time until every exhausted limit admits a request again; zero if none is exhausted.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        let limits = self.rate_limit.into_iter().chain(self.quota);
        let exhausted = limits.filter(|state| state.remaining == 0);
        exhausted.map(|state| state.reset).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_the_later_reset_of_the_exhausted_limits() {
        let state = |remaining, seconds| {
            Some(LimitState {
                limit: 10,
                remaining,
                reset: Duration::from_secs(seconds),
            })
        };
        for (rate_limit, quota, seconds) in [
            (state(0, 7), None, 7),
            (None, state(0, 3600), 3600),
            (state(0, 7), state(1, 3600), 7),
            (state(1, 7), state(0, 3), 3),
            (state(0, 7), state(0, 3600), 3600),
            (state(0, 60), state(0, 30), 60),
            (None, None, 0),
        ] {
            let limits = LimitStates { rate_limit, quota };
            assert_eq!(limits.retry_after(), Duration::from_secs(seconds));
        }
    }
}
