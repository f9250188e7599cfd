//! `X-Request-Id`: kept if the request has one that is fit for headers and logs, otherwise created.
//!
//! A response and its log line have the same id.

use std::sync::atomic::{AtomicU64, Ordering};

use poem::http::{HeaderMap, HeaderName, HeaderValue};

use crate::{api::extract::exactly_one, model::contains_secret};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The source of request ids: a random part per process, and a counter.
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

    /// Returns the request's own id if it has exactly one valid `X-Request-Id`, otherwise a new id.
    pub(crate) fn keep_or_create(&self, headers: &HeaderMap) -> HeaderValue {
        let own = exactly_one(headers.get_all(&REQUEST_ID));
        if let Some(id) = own.filter(|id| is_valid(id)) {
            return id.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}-{number:x}", self.process);
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
    }
}

/// Returns whether an id may be logged and sent back. An id that contains a secret may not.
fn is_valid(id: &HeaderValue) -> bool {
    let is_secret = |id: &HeaderValue| id.to_str().is_ok_and(contains_secret);
    is_plain(id.as_bytes()) && !is_secret(id)
}

/// Returns whether an id has 1 to 128 characters that need no escaping anywhere, as UUIDs, ULIDs and trace ids do.
pub(crate) fn is_plain(id: &[u8]) -> bool {
    (1..=128).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/+=@".contains(byte))
}
