//! Endpoints beside the API's operations: the interactive reference, the health probes, the metrics, redirects, and the
//! stylesheet and script of pages.
//!
//! They are not part of the OpenAPI document and require no bearer token.

pub(super) mod assets;
pub(super) mod docs;
pub(super) mod health;
pub(super) mod markup;
pub(super) mod metrics;
pub(super) mod redirect;
