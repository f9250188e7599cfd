//! HTTP: connections, middleware, routes, operations, errors, and the OpenAPI document.
//!
//! poem is used here and in [`crate::dashboard`] only. A request passes [`server`], [`middleware`], [`routes`], the extractors of its
//! operation in [`extract`], and the operation's handler.
//!
//! | module | job |
//! |---|---|
//! | [`keys`], [`stats`], [`audit`], [`validate`] | the operations: parameters, handler, responses, documentation |
//! | [`operations`] | the list of all operations |
//! | [`extract`], [`scalars`], [`problems`] | parsing and checking a request |
//! | [`error`], [`documented_error`], [`response`] | the responses of operations |
//! | [`mod@endpoint`], [`routes`], [`base_path`] | the paths that are served |
//! | [`middleware`], [`server`] | before and after every request |
//! | [`pages`], [`openapi`] | the interactive reference, probes, metrics; the document |
//! | [`html_pages`] | the seam for the pages of [`crate::dashboard`] |
//! | [`mod@oneshot`] | a request without a socket |
//! | [`sandbox`] | the sandbox's own endpoints and middleware |
//!
//! `CONTRIBUTING.md` has the steps that add an operation.

mod audit;
mod base_path;
mod documented_error;
mod endpoint;
mod error;
mod extract;
mod html_pages;
mod keys;
mod middleware;
mod oneshot;
mod openapi;
mod operations;
mod pages;
mod problems;
mod response;
mod routes;
mod sandbox;
mod scalars;
mod server;
mod stats;
mod validate;

pub use self::{
    audit::AuditEntryOut,
    base_path::{BasePath, BasePathError},
    endpoint::{Service, endpoint, metrics_endpoint},
    html_pages::HtmlPages,
    keys::{KeyOut, KeyWithSecretOut, parse_metadata},
    middleware::{Cors, Origin, OriginError},
    oneshot::{OneshotError, OneshotRequest, OneshotResponse, oneshot},
    openapi::{ServerUrl, ServerUrlError, document, document_for},
    sandbox::{SandboxError, sandbox_document, sandbox_endpoint},
    server::{ConnectionLimits, serve},
};
pub(crate) use self::{
    error::ApiError,
    extract::{
        LoggedUser, decode as decode_key_cursor, encode as encode_key_cursor, exactly_one,
        read_limited,
    },
    html_pages::HtmlRoute,
    pages::markup::{capitalized, head},
};
