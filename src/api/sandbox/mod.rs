//! The sandbox over HTTP: the operations under two base paths, any documented answer on demand, a world for each visitor
//! who changes something, and the pages that explain it.
//!
//! The operations themselves are the service's: [`operation`] is put around each, and nothing inside knows of it. Any
//! web page may use it, with whatever headers.

mod answers;
mod document;
mod guide;
mod operation;
mod page;
mod preference;
mod visitor;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use poem::{
    Endpoint, EndpointExt, IntoEndpoint, Request, Response,
    endpoint::make,
    http::{Method, StatusCode, header},
};
use poem_openapi::{
    OpenApi, OpenApiService,
    registry::{MetaOperation, MetaPath},
};
use serde_json::Value;

use self::{
    answers::Answers,
    guide::{Guide, GuidePage},
    operation::Operation,
    visitor::visitor,
};
use super::{
    Service,
    ask::AskError,
    cors::Cors,
    docs,
    envelope::Envelope,
    error::Failure,
    health,
    openapi::{self, DocumentPage},
    routes::{self, Apis, BasePath, RouteTable, Wrap},
};
use crate::{sandbox::Sandbox, validation::Quota};

/// Paths beside the API.
const GUIDE: &str = "/sandbox";
const RESET: &str = "/sandbox/reset";

/// Why a sandbox cannot be served, which the tests rule out.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The OpenAPI document cannot be made.
    #[error("the document of the sandbox cannot be made: {0}")]
    Document(#[from] serde_json::Error),
    /// An example does not answer.
    #[error("an example of the sandbox does not answer: {0}")]
    Example(#[from] AskError),
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
    let document = document(sandbox).await?;
    let operations: Vec<Described> = Apis::meta()
        .into_iter()
        .flat_map(|api| api.paths)
        .flat_map(|path| described(&path, &document))
        .collect();
    let guide = GuidePage {
        guide: Guide::new(sandbox, base, &operations),
        clock: sandbox.app().clock.clone(),
    };
    let text = serde_json::to_string_pretty(&document)? + "\n";
    let mut routes = RouteTable::new(&bases)
        .wrapped(around(sandbox.clone(), operations))
        .beside("/", make(to_the_guide))
        .beside(GUIDE, guide)
        .beside_for(Method::POST, RESET, Reset(sandbox.clone()))
        .beside(routes::DOCS, docs::Page::new(&text, base)?)
        .beside(routes::HEALTHZ, health::Live)
        .beside(routes::READYZ, health::Ready(sandbox.app().store.clone()));
    for base in &bases {
        let page = DocumentPage(text.clone().into());
        routes = routes.beside(&base.join(routes::DOCUMENT), page);
    }
    let infos = routes.infos();
    let service = OpenApiService::new(routes, openapi::TITLE, "").into_endpoint();
    let metrics = sandbox.app().metrics.clone();
    Ok(Envelope::new(
        service,
        infos,
        Cors::Any,
        request_seed,
        metrics,
    ))
}

/// The OpenAPI document of a sandbox.
///
/// # Errors
/// As [`sandbox_endpoint`].
pub async fn sandbox_document(sandbox: &Sandbox) -> Result<String, SandboxError> {
    Ok(serde_json::to_string_pretty(&document(sandbox).await?)? + "\n")
}

/// The examples in the document are asked of the service itself, before anybody else asks.
async fn document(sandbox: &Sandbox) -> Result<Value, SandboxError> {
    let routes = RouteTable::new(&[BasePath::root()]);
    let service = OpenApiService::new(routes, openapi::TITLE, "").into_endpoint();
    document::document(sandbox, &service.data(sandbox.app().clone())).await
}

/// An operation and its documented answers.
struct Described {
    id: &'static str,
    method: String,
    /// Its path in the document.
    path: String,
    answers: Arc<Answers>,
}

fn described(path: &MetaPath, document: &Value) -> Vec<Described> {
    let of = |operation: &MetaOperation| {
        let method = operation.method.as_str();
        let documented = &document["paths"][&path.path][method.to_lowercase()];
        let id = operation.operation_id?;
        Some(Described {
            id,
            method: method.to_owned(),
            path: path.path.clone(),
            answers: Arc::new(Answers::new(documented, &refusals(id, operation))),
        })
    };
    path.operations.iter().filter_map(of).collect()
}

fn refusals(id: &str, operation: &MetaOperation) -> BTreeMap<StatusCode, Vec<Failure>> {
    let mut refusals = openapi::refusals_of(id, takes(operation, "bearer"));
    refusals
        .entry(StatusCode::TOO_MANY_REQUESTS)
        .or_insert_with(|| vec![rate_limited()]);
    refusals
}

/// Whether an operation asks for credentials of that kind.
fn takes(operation: &MetaOperation, scheme: &str) -> bool {
    operation
        .security
        .iter()
        .any(|scheme_of| scheme_of.contains_key(scheme))
}

/// What whatever stands in front of the real API may answer to any request.
fn rate_limited() -> Failure {
    Failure::RateLimited(Quota {
        limit: 1000,
        remaining: 0,
        reset: Duration::from_secs(7),
    })
}

/// Puts an [`Operation`] around every operation.
fn around(sandbox: Sandbox, operations: Vec<Described>) -> Wrap {
    let answers = operations
        .into_iter()
        .map(|known| (known.id, known.answers));
    let answers: HashMap<_, _> = answers.collect();
    Box::new(move |_, operation, inner| {
        let Some(answers) = operation.operation_id.and_then(|id| answers.get(id)) else {
            return inner;
        };
        let around = Operation {
            sandbox: sandbox.clone(),
            answers: Arc::clone(answers),
            writes: operation.method != Method::GET || takes(operation, "apiKey"),
            inner,
        };
        around.boxed()
    })
}

/// `GET /`: whoever opens the address in a browser finds the guide.
async fn to_the_guide(_: Request) -> Response {
    let found = Response::builder().status(StatusCode::FOUND);
    found.header(header::LOCATION, GUIDE).finish()
}

/// `POST /sandbox/reset`: the visitor's changes are gone, if there were any.
struct Reset(Sandbox);

impl Endpoint for Reset {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let Some(visitor) = visitor(request.headers(), &self.0)? else {
            let who = "Say whose changes: send X-Sandbox-Session, or a bearer token of the sandbox";
            return Err(Failure::BadRequest(who.to_owned()).into());
        };
        self.0.reset(visitor);
        Ok(Response::builder().status(StatusCode::NO_CONTENT).finish())
    }
}
