//! Admission: whether a request with a key is within the key's rate limit.
//!
//! Returned by the store, which counts the request in the same call. The state of a rate limit is sent to clients in the
//! `RateLimit-*` headers.

use std::time::Duration;

/// The outcome of asking for the admission of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The request is admitted, with the state of the key's rate limit; `None` if the key is unlimited.
    Admitted(Option<RateLimitState>),
    /// The key is over its rate limit.
    Limited(RateLimitState),
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
