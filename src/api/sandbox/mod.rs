//! The sandbox over HTTP: the operations under two base paths, any documented answer on demand, a world for each
//! visitor who changes something, and the pages that explain it.
//!
//! The operations themselves are the service's: [`operation`] is put around each, and nothing inside knows of it. Any
//! web page may use it, with whatever headers.

mod answers;
mod beside;
mod described;
mod document;
mod guide;
mod operation;
mod page;
mod preference;
mod reach;
mod visitor;

use std::{collections::HashMap, sync::Arc};

use poem::{EndpointExt, endpoint::make, http::Method};

use self::{
    beside::{GuidePage, Reset, to_the_guide},
    described::Described,
    guide::Guide,
    operation::Operation,
};
use super::{
    Service,
    middleware::Cors,
    oneshot::AskError,
    openapi,
    routes::{self, BasePath, RouteTable, Wrap},
};
use crate::{sandbox::Sandbox, store};

/// Why a sandbox cannot be served, which the tests rule out.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The OpenAPI document cannot be made.
    #[error("the document of the sandbox cannot be made: {0}")]
    Document(#[from] serde_json::Error),
    /// There is no copy to ask for examples.
    #[error("the sandbox cannot be visited: {0}")]
    Visit(#[from] store::Error),
    /// The service cannot be asked for examples.
    #[error("the sandbox cannot be asked: {0}")]
    Ask(#[from] AskError),
    /// An example is no success.
    #[error("an example of the sandbox is no success: {0}")]
    Example(String),
}

/// Everything that a sandbox answers, with the API under `base` and at the root. `request_seed` as everywhere.
///
/// # Errors
/// When the fixtures and the code do not fit each other, which the tests rule out.
pub async fn sandbox_endpoint(
    sandbox: &Sandbox,
    base: &BasePath,
    request_seed: u64,
) -> Result<impl Service + use<>, SandboxError> {
    let mut bases = vec![base.clone(), BasePath::root()];
    bases.dedup();
    let document = document::document(sandbox, base).await?;
    let operations = described::all(&document);
    let guide = GuidePage {
        guide: Guide::new(sandbox, base, &operations),
        clock: sandbox.app().clock.clone(),
    };
    let routes = RouteTable::new(&bases)
        .wrapped(around(sandbox.clone(), operations))
        .beside("/", make(to_the_guide))
        .beside(routes::GUIDE, guide)
        .beside_for(Method::POST, routes::RESET, Reset(sandbox.clone()));
    let app = sandbox.app();
    Ok(super::complete(
        routes,
        document,
        app,
        Cors::Any,
        request_seed,
    )?)
}

/// The OpenAPI document of a sandbox whose API is under `base`.
///
/// # Errors
/// As [`sandbox_endpoint`].
pub async fn sandbox_document(sandbox: &Sandbox, base: &BasePath) -> Result<String, SandboxError> {
    Ok(openapi::text(&document::document(sandbox, base).await?)?)
}

/// Puts an [`Operation`] around every operation.
fn around(sandbox: Sandbox, operations: Vec<Described>) -> Wrap {
    let answers = operations
        .into_iter()
        .map(|known| (known.id, known.answers));
    let answers: HashMap<_, _> = answers.collect();
    Box::new(move |operation, inner| {
        let Some(answers) = operation.operation_id.and_then(|id| answers.get(id)) else {
            return inner;
        };
        let around = Operation {
            sandbox: sandbox.clone(),
            answers: Arc::clone(answers),
            by_bearer: described::takes(operation, "bearer"),
            takes_body: operation.request.is_some(),
            parameters: described::path_parameters(operation),
            writes: described::writes(operation),
            inner,
        };
        around.boxed()
    })
}
