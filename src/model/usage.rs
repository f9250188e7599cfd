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
