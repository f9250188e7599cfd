//! The list of all pages.
//!
//! Called by [`super`]. Each page has one route, so this list is what a visitor can reach.

use std::sync::Arc;

use poem::{EndpointExt, Request, endpoint::make, endpoint::make_sync, http::Method};

use super::{
    audit, create, edit, key, keys, layout, login, overview,
    public_url::PublicUrl,
    query::START,
    response::see_other,
    revoke, rotate,
    session::{Site, signed_in},
};
use crate::api::{BasePath, HtmlPages, HtmlRoute};

const KEYS: &str = "/dashboard/{slug}/keys";
const NEW: &str = "/dashboard/{slug}/keys/new";
const KEY: &str = "/dashboard/{slug}/keys/{id}";
const EDIT: &str = "/dashboard/{slug}/keys/{id}/edit";
const ROTATE: &str = "/dashboard/{slug}/keys/{id}/rotate";
const REVOKE: &str = "/dashboard/{slug}/keys/{id}/revoke";
const DISABLE: &str = "/dashboard/{slug}/keys/{id}/disable";
const ENABLE: &str = "/dashboard/{slug}/keys/{id}/enable";

/// Returns the pages of a server that browsers reach at `public_url`, or else over http at the address that they know. Its
/// API is under `base`.
#[must_use]
pub fn pages(public_url: Option<PublicUrl>, base: BasePath) -> HtmlPages {
    let site = Arc::new(Site { public_url, base });
    let routes = [
        get("/", make_sync(|_| see_other(START))),
        get("/dashboard/", make_sync(|_| see_other(START))),
        get("/login", with_site(&site, login::show)),
        post("/login", with_site(&site, login::sign_in)),
        post("/login/sign-out", with_site(&site, login::sign_out)),
        get(START, signed_in(&site, overview::first)),
        get("/dashboard/{slug}", signed_in(&site, overview::show)),
        get(KEYS, signed_in(&site, keys::show)),
        get(NEW, signed_in(&site, create::show)),
        post(NEW, signed_in(&site, create::submit)),
        get(KEY, signed_in(&site, key::show)),
        get(EDIT, signed_in(&site, edit::show)),
        post(EDIT, signed_in(&site, edit::submit)),
        get(ROTATE, signed_in(&site, rotate::show)),
        post(ROTATE, signed_in(&site, rotate::submit)),
        get(REVOKE, signed_in(&site, revoke::show)),
        post(REVOKE, signed_in(&site, revoke::submit)),
        post(DISABLE, signed_in(&site, revoke::disable)),
        post(ENABLE, signed_in(&site, revoke::enable)),
        get("/dashboard/{slug}/audit", signed_in(&site, audit::show)),
    ];
    HtmlPages {
        routes: routes.into(),
        error_page: layout::error_page,
    }
}

fn get(path: &str, endpoint: impl poem::Endpoint<Output = poem::Response> + 'static) -> HtmlRoute {
    (Method::GET, path.to_owned(), endpoint.boxed())
}

fn post(path: &str, endpoint: impl poem::Endpoint<Output = poem::Response> + 'static) -> HtmlRoute {
    (Method::POST, path.to_owned(), endpoint.boxed())
}

/// Returns an endpoint for visitors who need not be signed in.
fn with_site<F>(
    site: &Arc<Site>,
    page: impl Fn(Arc<Site>, Request) -> F + Send + Sync + 'static,
) -> impl poem::Endpoint<Output = poem::Response> + 'static
where
    F: Future<Output = poem::Result<poem::Response>> + Send + 'static,
{
    let site = Arc::clone(site);
    make(move |request| page(Arc::clone(&site), request))
}
