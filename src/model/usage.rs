//! Counts of requests with a key.
//!
//! A [`UsageEvent`] is what happened, [`UsageCounts`] are what events add up to. The total is computed from its three
//! parts and never stored, so it cannot disagree with them.

use super::{KeyId, QuotaState, RateLimit, Timestamp};

/// The outcome of a request with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The request was admitted.
    Success,
    /// The key was over its rate limit or its quota.
    RateLimited,
    /// The request was denied for another reason.
    Error,
}

/// A number of requests with one key, with the same outcome at the same instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageEvent {
    /// The key.
    pub key: KeyId,
    /// The instant of the requests.
    pub at: Timestamp,
    /// Their outcome.
    pub outcome: Outcome,
    /// Their number. An event with a count of zero changes nothing.
    pub count: u32,
}

/// A use of a key that happens now. Unlike an imported event, its successes count against the key's rate limit and need
/// the admission of its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeteredUse {
    /// The event.
    pub event: UsageEvent,
    /// The key's rate limit; `None` is unlimited.
    pub rate_limit: Option<RateLimit>,
    /// Whether the key has a quota. A success over it is counted as a rate-limit hit.
    pub has_quota: bool,
}

/// The result of counting a [`MeteredUse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UseReceipt {
    /// Whether the use was over the key's quota, and was counted as a rate-limit hit for that reason.
    pub is_over_quota: bool,
    /// The key's quota after the use; `None` without one.
    pub quota: Option<QuotaState>,
}

impl UseReceipt {
    /// The receipt of a use of a key without a quota.
    pub const WITHOUT_QUOTA: Self = Self {
        is_over_quota: false,
        quota: None,
    };
}

/// Counts of requests by outcome. Signed, as integers of SQLite are; never negative.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsageCounts {
    /// Requests that were admitted.
    pub successful_requests: i64,
    /// Requests that were denied because the key was over its rate limit or its quota.
    pub rate_limit_hits: i64,
    /// Requests that were denied for another reason.
    pub errors: i64,
}

impl UsageCounts {
    /// Creates the counts of `count` requests with one outcome.
    #[must_use]
    pub fn of(outcome: Outcome, count: u32) -> Self {
        let mut counts = Self::default();
        *match outcome {
            Outcome::Success => &mut counts.successful_requests,
            Outcome::RateLimited => &mut counts.rate_limit_hits,
            Outcome::Error => &mut counts.errors,
        } = i64::from(count);
        counts
    }

    /// Adds two counts. `None` if a count or the total overflows.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let sum = Self {
            successful_requests: self
                .successful_requests
                .checked_add(other.successful_requests)?,
            rate_limit_hits: self.rate_limit_hits.checked_add(other.rate_limit_hits)?,
            errors: self.errors.checked_add(other.errors)?,
        };
        let partial = sum.successful_requests.checked_add(sum.rate_limit_hits)?;
        partial.checked_add(sum.errors)?;
        Some(sum)
    }

    /// Returns the number of all requests.
    #[must_use]
    pub const fn total_requests(&self) -> i64 {
        self.successful_requests + self.rate_limit_hits + self.errors
    }
}
