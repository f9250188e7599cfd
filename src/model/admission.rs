//! Admission: whether a request with a key is within the key's rate limit.
//!
//! Returned by the store, which counts the request in the same call.

use super::RateLimitState;

/// The outcome of asking for the admission of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The request is admitted, with the state of the key's rate limit; `None` if the key is unlimited.
    Admitted(Option<RateLimitState>),
    /// The key is over its rate limit.
    Limited(RateLimitState),
}
