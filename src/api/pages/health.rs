//! For whoever keeps the process running: does it live, and can it answer?
//!
//! Not part of the API document, and without a token: a load balancer has none. Neither answer tells more than
//! yes or no; why not is in the log.

use poem::{Endpoint, IntoResponse, Request, Response, Result, web::Json};
use serde_json::json;

use crate::api::error::Failure;
use crate::store::Store;

/// `GET /healthz`: the process lives. Touches nothing else, so a full disk does not get it restarted.
pub(crate) struct Live;

impl Endpoint for Live {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        Ok(Json(json!({ "status": "ok" })).into_response())
    }
}

/// `GET /readyz`: reads and writes succeed; 503 when either fails. See [`Store::check`].
pub(crate) struct Ready(pub(crate) Store);

impl Endpoint for Ready {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        // Whatever the reason, the answer to "can you serve?" is no.
        self.0.check().await.map_err(|error| Failure::Unavailable {
            cause: error.to_string(),
        })?;
        Ok(Json(json!({ "status": "ok" })).into_response())
    }
}
