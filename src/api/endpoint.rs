//! The complete endpoints: the operations, the pages beside them, and the middleware around both.
//!
//! `llavero serve` and `llavero get` call [`endpoint`], the sandbox calls [`build_endpoint`] with routes of its own, and
//! `--metrics-listen` serves [`metrics_endpoint`].

use hyper::body::Bytes;
use poem::{Endpoint, EndpointExt, IntoEndpoint, Response, Route, get};
use poem_openapi::OpenApiService;
use serde_json::Value;

use super::{
    base_path::BasePath,
    html_pages::HtmlPages,
    middleware::{Cors, HttpOptions, Middleware},
    openapi::{self, DocumentPage},
    pages::{
        assets::{SCRIPT, STYLESHEET},
        docs, health, metrics,
        redirect::redirect,
    },
    routes::{RouteInfo, RouteTable},
};
use crate::app::App;

/// Paths beside the API; each takes GET.
pub(super) const DOCS: &str = "/docs";
pub(super) const HEALTHZ: &str = "/healthz";
pub(super) const READYZ: &str = "/readyz";
/// The document's path under the base path.
pub(super) const DOCUMENT: &str = "/openapi.json";

/// An endpoint that always responds. Callers outside `api` need not know poem.
pub trait Service: Endpoint<Output = Response> + 'static {}

impl<E: Endpoint<Output = Response> + 'static> Service for E {}

/// Builds the endpoint of the service, with the API under `base` and `pages` beside it. Request ids start with
/// `request_seed`, which sets this process apart from others.
///
/// # Errors
/// If the OpenAPI document cannot be built. The tests rule this out.
pub fn endpoint(
    app: &App,
    base: &BasePath,
    cors: Cors,
    request_seed: u64,
    pages: Option<HtmlPages>,
) -> serde_json::Result<impl Service + use<>> {
    let routes = RouteTable::new(std::slice::from_ref(base));
    let (routes, error_page) = match pages {
        Some(pages) => (routes.with_pages(pages.routes), Some(pages.error_page)),
        None => (routes, None),
    };
    let token_hint = "`llavero token --user USER_ID` prints one.";
    build_endpoint(
        routes,
        openapi::value()?,
        token_hint,
        app,
        HttpOptions {
            cors,
            logs_refused_origins: true,
            request_seed,
            error_page,
        },
    )
}

/// Adds the interactive reference, the document, the health probes and the assets of pages to `routes`, and the middleware
/// around them.
/// `token_hint` is a sentence that tells where bearer tokens come from.
pub(super) fn build_endpoint(
    mut routes: RouteTable,
    mut document: Value,
    token_hint: &str,
    app: &App,
    options: HttpOptions,
) -> serde_json::Result<impl Service + use<>> {
    let bases = routes.bases().to_vec();
    if let Some(base) = bases.first() {
        openapi::put_this_server_first(&mut document, base);
    }
    let text = Bytes::from(openapi::text(&document)?);
    for base in &bases {
        let page = DocumentPage(text.clone());
        routes = routes.get(&base.join(DOCUMENT), page);
    }
    for (from, to) in document_redirects(&bases) {
        routes = routes.get(&from, redirect(&to));
    }
    let routes = routes
        .get(STYLESHEET.path(), &*STYLESHEET)
        .get(SCRIPT.path(), &*SCRIPT)
        .get(DOCS, docs::Page::new(document, token_hint))
        .get(HEALTHZ, health::Liveness)
        .get(READYZ, health::Readiness(app.store.clone()));
    let infos = routes.route_infos();
    let metrics = app.metrics.clone();
    let routes = with_app(routes, app);
    Ok(Middleware::around(routes, infos, options, metrics))
}

/// Paths where a reader may look for the reference or the document, each with the path that it redirects to.
fn document_redirects(bases: &[BasePath]) -> Vec<(String, String)> {
    let root = BasePath::root();
    let mut redirects = vec![(format!("{DOCS}/"), DOCS.to_owned())];
    for base in bases.iter().filter(|base| **base != root) {
        for slash in ["", "/"] {
            let from = format!("{}{slash}", base.join(DOCS));
            redirects.push((from, DOCS.to_owned()));
        }
    }
    if let Some(first) = bases.first().filter(|_| !bases.contains(&root)) {
        redirects.push((DOCUMENT.to_owned(), first.join(DOCUMENT)));
    }
    redirects
}

/// Builds an endpoint from a route table. Handlers find `app` in the data of their request.
pub(super) fn with_app(routes: RouteTable, app: &App) -> impl Service + use<> {
    let service = OpenApiService::new(routes, openapi::TITLE, "");
    service.into_endpoint().data(app.clone())
}

/// Builds the endpoint for monitoring: `/metrics`, to be served at an address of its own.
#[must_use]
pub fn metrics_endpoint(app: &App, request_seed: u64) -> impl Service + use<> {
    let page = metrics::MetricsPage(app.clone());
    let routes = Route::new().at(metrics::METRICS, get(page));
    let infos = RouteInfo::single(metrics::METRICS);
    let options = HttpOptions {
        cors: Cors::Only(Vec::new()),
        logs_refused_origins: false,
        request_seed,
        error_page: None,
    };
    Middleware::around(routes, infos, options, app.metrics.clone())
}
