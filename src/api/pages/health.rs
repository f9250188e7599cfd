//! Liveness and readiness probes.
//!
//! Not part of the OpenAPI document, and without a token: a load balancer has none. A response tells only success or
//! failure; the cause is in the log.

use poem::{Endpoint, IntoResponse, Request, Response, Result, web::Json};
use serde_json::json;

use crate::api::error::ApiError;
use crate::store::Store;

/// `GET /healthz`, the liveness probe: succeeds while the process runs. It does not check the database, so that a full
/// disk does not cause a restart.
pub(crate) struct Liveness;

impl Endpoint for Liveness {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        Ok(Json(json!({ "status": "ok" })).into_response())
    }
}

/// `GET /readyz`, the readiness probe: a 503 if the database cannot be read or written. See [`Store::check`].
pub(crate) struct Readiness(pub(crate) Store);

impl Endpoint for Readiness {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        // Every reason means: not ready.
        self.0
            .check()
            .await
            .map_err(|error| ApiError::Unavailable {
                cause: error.to_string(),
            })?;
        Ok(Json(json!({ "status": "ok" })).into_response())
    }
}
