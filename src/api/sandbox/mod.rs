//! The sandbox over HTTP, as four features around the service's own operations.
//!
//! | module | feature |
//! |---|---|
//! | [`prefer`] | a documented response on demand |
//! | [`session`] | private changes per session; [`middleware`] applies both to every operation |
//! | [`guide`] | `GET /sandbox`, `POST /sandbox/reset` |
//! | [`openapi`] | the document with tokens, examples and `curl` lines |
//!
//! The operations are under two base paths, and pages of every origin may call them.

mod guide;
mod middleware;
mod openapi;
mod prefer;
mod session;

use std::{collections::HashMap, sync::Arc};

use poem::{EndpointExt, http::Method};

use self::{
    guide::{GUIDE, Guide, GuidePage, RESET, Reset},
    middleware::SandboxOperation,
    prefer::DocumentedOperation,
};
use super::{
    base_path::BasePath,
    endpoint::{Service, build_endpoint},
    middleware::{Cors, HttpOptions},
    oneshot::OneshotError,
    openapi::{ServerUrl, put_server_first, text},
    pages::redirect::redirect,
    routes::{OperationMiddleware, RouteTable},
};
use crate::{sandbox::Sandbox, store};

/// Reasons why a sandbox cannot be served. The tests rule them out.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The OpenAPI document cannot be built.
    #[error("the OpenAPI document of the sandbox cannot be built: {0}")]
    Document(#[from] serde_json::Error),
    /// No copy of the database could be opened for an example.
    #[error("an example of the sandbox cannot be made: {0}")]
    Session(#[from] store::Error),
    /// The service could not respond to a request for an example.
    #[error("an example of the sandbox cannot be made: {0}")]
    Oneshot(#[from] OneshotError),
    /// The response for an example is an error; the text is the request's target.
    #[error("an example of the sandbox is an error: {0}")]
    Example(String),
}

/// Builds the endpoint of a sandbox, with the API under `base` and at the root. `request_seed` as in
/// [`super::endpoint()`].
///
/// # Errors
/// If the fixtures and the code do not match. The tests rule this out.
pub async fn sandbox_endpoint(
    sandbox: &Sandbox,
    base: &BasePath,
    request_seed: u64,
) -> Result<impl Service + use<>, SandboxError> {
    let mut bases = vec![base.clone(), BasePath::root()];
    bases.dedup();
    let document = openapi::document(sandbox, &openapi::default_server(base)).await?;
    let operations = prefer::documented_operations(&document);
    let guide = GuidePage {
        guide: Guide::new(sandbox, base, &operations),
        clock: sandbox.app().clock.clone(),
    };
    let routes = RouteTable::new(&bases)
        .with_middleware(sandbox_middleware(sandbox.clone(), operations))
        .get("/", redirect(GUIDE))
        .get(GUIDE, guide)
        .route(Method::POST, RESET, Reset(sandbox.clone()));
    let app = sandbox.app();
    Ok(build_endpoint(
        routes,
        document,
        "The [start page](/sandbox) lists tokens.",
        app,
        HttpOptions {
            cors: Cors::Any,
            logs_refused_origins: false,
            request_seed,
            error_page: None,
        },
    )?)
}

/// Builds the OpenAPI document of a sandbox whose API is at `server`; by default, under `base` at the default address.
///
/// # Errors
/// As [`sandbox_endpoint`].
pub async fn sandbox_document(
    sandbox: &Sandbox,
    base: &BasePath,
    server: Option<&ServerUrl>,
) -> Result<String, SandboxError> {
    let default = openapi::default_server(base);
    let server = server.unwrap_or(&default);
    let mut document = openapi::document(sandbox, server).await?;
    put_server_first(&mut document, server);
    Ok(text(&document)?)
}

/// Returns the middleware that puts a [`SandboxOperation`] around every operation.
fn sandbox_middleware(
    sandbox: Sandbox,
    operations: Vec<DocumentedOperation>,
) -> OperationMiddleware {
    let responses = operations
        .into_iter()
        .map(|operation| (operation.id, operation.responses));
    let responses: HashMap<_, _> = responses.collect();
    Box::new(move |operation, inner| {
        let Some(responses) = operation.operation_id.and_then(|id| responses.get(id)) else {
            return inner;
        };
        let operation = SandboxOperation {
            sandbox: sandbox.clone(),
            responses: Arc::clone(responses),
            requires_bearer: prefer::requires(operation, "bearer"),
            body: prefer::expected_body(operation),
            writes: prefer::writes(operation),
            inner,
        };
        operation.boxed()
    })
}
