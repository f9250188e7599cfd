//! Rejects requests of connections that exceed a limit.
//!
//! [`crate::api::server`] counts the connections and marks the requests. The response is built here, so that it has the
//! documented shape.

use poem::Request;

use crate::api::{error::ApiError, server::Refused};

/// Rejects a request that is marked.
pub(super) fn check(request: &Request) -> Result<(), ApiError> {
    match request.data::<Refused>() {
        Some(refused) => Err(ApiError::Unavailable {
            cause: refused.cause().to_owned(),
        }),
        None => Ok(()),
    }
}
