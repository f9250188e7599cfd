//! HTTP: the route table, and how to serve it.
//!
//! poem is used in this folder alone. A request passes [`server`] (the connection), [`middleware`] (request
//! id, errors, headers, log line), the route table below, [`extract`] (who asks), and a handler.
//!
//! To add an operation: write its wire structs and its handler in the folder of its noun. The handler takes `Caller`
//! first and a `Body` last, and checks parameters and body with [`problems`]. Add its notes and errors in
//! `openapi::operation`, run the tests once with `UPDATE_OPENAPI=1`, and review the difference in
//! `fixtures/openapi.json`.

mod documented_error;
mod error;
mod extract;
mod keys;
mod middleware;
mod oneshot;
mod openapi;
mod pages;
mod problems;
mod response;
mod routes;
mod sandbox;
mod scalars;
mod server;
mod stats;
mod validate;

use hyper::body::Bytes;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response, Route, get};
use poem_openapi::{OpenApiService, Tags};
use serde_json::Value;

pub use self::{
    keys::{KeyOut, KeyWithSecretOut},
    middleware::{Cors, Origin, OriginError},
    oneshot::{Answer, AskError, Question, ask},
    openapi::{ServerUrl, ServerUrlError, document, document_for},
    routes::{BasePath, BasePathError},
    sandbox::{SandboxError, sandbox_document, sandbox_endpoint},
    server::{ConnectionLimits, serve},
};
use self::{
    middleware::Envelope,
    openapi::DocumentPage,
    pages::{docs, health, metrics, redirect::redirect},
    routes::RouteTable,
};
use crate::app::App;

/// The tag of the operations that llavero has.
#[derive(Tags)]
enum ApiTag {
    /// API Keys management and validation
    #[oai(rename = "api-keys")]
    ApiKeys,
}

/// What answers requests: an endpoint of poem's, for those who need not know what that is.
pub trait Service: Endpoint<Output = Response> + 'static {}

impl<E: Endpoint<Output = Response> + 'static> Service for E {}

/// Everything that llavero answers, with the API under `base`, to web pages as `cors` says. `request_seed` sets the
/// request ids of this process apart from those of others.
///
/// # Errors
/// When the OpenAPI document cannot be made, which the tests rule out.
pub fn endpoint(
    app: &App,
    base: &BasePath,
    cors: Cors,
    request_seed: u64,
) -> serde_json::Result<impl Service + use<>> {
    let routes = RouteTable::new(std::slice::from_ref(base));
    let hint = "`llavero token --user USER_ID` prints one.";
    complete(routes, openapi::value()?, hint, app, cors, request_seed)
}

/// A table of operations, with the interactive reference, the document and the health probes beside them, for `app`, in
/// its envelope. `token_hint` is a sentence that tells where bearer tokens come from.
fn complete(
    mut routes: RouteTable,
    mut document: Value,
    token_hint: &str,
    app: &App,
    cors: Cors,
    request_seed: u64,
) -> serde_json::Result<impl Service + use<>> {
    let bases = routes.bases().to_vec();
    if let Some(base) = bases.first() {
        openapi::put_this_server_first(&mut document, base);
    }
    let text = Bytes::from(openapi::text(&document)?);
    for base in &bases {
        let page = DocumentPage(text.clone());
        routes = routes.beside(&base.join(routes::DOCUMENT), page);
    }
    for (from, to) in document_redirects(&bases) {
        routes = routes.beside(&from, redirect(&to));
    }
    let routes = routes
        .beside(routes::DOCS, docs::Page::new(document, token_hint))
        .beside(routes::HEALTHZ, health::Live)
        .beside(routes::READYZ, health::Ready(app.store.clone()));
    let infos = routes.infos();
    let metrics = app.metrics.clone();
    let service = service(routes, app);
    Ok(Envelope::new(service, infos, cors, request_seed, metrics))
}

/// Paths where a reader may look for the reference or the document, and where each redirects to.
fn document_redirects(bases: &[BasePath]) -> Vec<(String, String)> {
    let root = BasePath::root();
    let mut redirects = vec![(format!("{}/", routes::DOCS), routes::DOCS.to_owned())];
    for base in bases.iter().filter(|base| **base != root) {
        for slash in ["", "/"] {
            let from = format!("{}{slash}", base.join(routes::DOCS));
            redirects.push((from, routes::DOCS.to_owned()));
        }
    }
    if let Some(first) = bases.first().filter(|_| !bases.contains(&root)) {
        redirects.push((routes::DOCUMENT.to_owned(), first.join(routes::DOCUMENT)));
    }
    redirects
}

/// The endpoints of a table, each of which finds `app` in its request.
fn service(routes: RouteTable, app: &App) -> impl Service + use<> {
    let service = OpenApiService::new(routes, openapi::TITLE, "");
    service.into_endpoint().data(app.clone())
}

/// What llavero answers to whoever watches over it: `/metrics`, for an address of its own.
#[must_use]
pub fn metrics_endpoint(app: &App, request_seed: u64) -> impl Service + use<> {
    let page = metrics::MetricsPage(app.clone());
    let routes = Route::new().at(metrics::METRICS, get(page));
    let infos = routes::RouteInfo::of_one(metrics::METRICS);
    let nobody = Cors::Only(Vec::new());
    Envelope::new(routes, infos, nobody, request_seed, app.metrics.clone())
}
