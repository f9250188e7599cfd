//! `GET /metrics`: what the process measures of itself, on an address of its own.
//!
//! Not part of the API, and not on its address: the figures tell how much a service is used, and are for whoever
//! runs it. `serve --metrics-listen` decides who can reach them.

use poem::{Endpoint, Request, Response, Result};

use crate::api::error::Failure;
use crate::app::App;

/// The path, and the only one there.
pub(crate) const METRICS: &str = "/metrics";

/// The page.
pub(crate) struct MetricsPage(pub(crate) App);

impl Endpoint for MetricsPage {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let App { metrics, store, .. } = &self.0;
        let text = metrics.text(store.wal_bytes());
        let text = text.map_err(|error| Failure::Internal {
            cause: error.to_string(),
        })?;
        Ok(Response::builder()
            .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
            .body(text))
    }
}
