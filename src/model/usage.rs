//! What was asked of a key, counted.
//!
//! A [`Use`] is what happened, a [`Usage`] what it adds up to. The total is computed from its three parts,
//! never stored: it cannot disagree with them.

use std::ops::AddAssign;

use super::{KeyId, RateLimit, Timestamp};

/// How one request with a key ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was let through.
    Success,
    /// The key was over its rate limit.
    RateLimited,
    /// It was turned away for any other reason that concerns the key.
    Error,
}

/// `count` requests with one key that ended alike at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The key.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// How many; zero changes nothing.
    pub count: u32,
}

/// A use that happens now, unlike one that is told of later: a success counts against the key's rate limit, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LiveUse {
    /// The use.
    pub used: Use,
    /// The key's rate limit.
    pub rate_limit: Option<RateLimit>,
}

/// The name of an import, so that it can be told when it comes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The name.
    pub id: String,
    /// How many requests the import tells of.
    pub requests: i64,
}

/// How an import ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// Its uses were counted.
    Counted,
    /// It was counted before, under its name: nothing was changed.
    Before,
    /// Another one was counted under its name: nothing was changed.
    Different,
}

/// Counts of requests by outcome. Signed as SQLite and JSON readers have them; never below zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Let through.
    pub successful_requests: i64,
    /// Turned away over the rate limit.
    pub rate_limit_hits: i64,
    /// Turned away otherwise.
    pub errors: i64,
}

impl Usage {
    /// The usage that `count` requests of one outcome make.
    #[must_use]
    pub fn of(outcome: Outcome, count: u32) -> Self {
        let mut usage = Self::default();
        *match outcome {
            Outcome::Success => &mut usage.successful_requests,
            Outcome::RateLimited => &mut usage.rate_limit_hits,
            Outcome::Error => &mut usage.errors,
        } = i64::from(count);
        usage
    }

    /// The sum of two, or `None` if a count, or all of them together, gets too large.
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

    /// All requests, however they ended.
    #[must_use]
    pub const fn total_requests(&self) -> i64 {
        self.successful_requests + self.rate_limit_hits + self.errors
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.successful_requests += other.successful_requests;
        self.rate_limit_hits += other.rate_limit_hits;
        self.errors += other.errors;
    }
}
