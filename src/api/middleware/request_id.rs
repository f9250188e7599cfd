//! `X-Request-Id`: kept when the request brings one that is fit for headers and logs, made when it does not.
//!
//! Called by the envelope for every request, so that an answer and its log line can be found by each other.

use std::sync::atomic::{AtomicU64, Ordering};

use poem::http::{HeaderMap, HeaderName, HeaderValue};

use crate::{api::extract::only, model::contains_secret};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Ids for requests: the process's own random part, and a number.
pub(crate) struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(process: u64) -> Self {
        Self {
            process,
            next: AtomicU64::new(1),
        }
    }

    /// Returns the request's own id if it has exactly one valid `X-Request-Id`, else a new id.
    pub(crate) fn keep_or_make(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(id) = only(headers, &REQUEST_ID).filter(|id| is_valid(id)) {
            return id.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}-{number:x}", self.process);
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// Whether an id may be logged and sent back. An id that contains a secret may not.
fn is_valid(id: &HeaderValue) -> bool {
    let is_secret = |id: &HeaderValue| id.to_str().is_ok_and(contains_secret);
    is_plain(id.as_bytes()) && !is_secret(id)
}

/// 1 to 128 characters that need no escaping anywhere: UUIDs, ULIDs, trace ids and the like.
pub(crate) fn is_plain(id: &[u8]) -> bool {
    (1..=128).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/+=@".contains(byte))
}
