//! Pages in HTML that another module adds to the service: where they are, their routes, and how they show an error.
//!
//! Built by `crate::dashboard`, and served by [`super::endpoint()`] with the same middleware as the API. CORS never applies
//! to them.

use poem::{Response, endpoint::BoxEndpoint, http::Method};

use super::error::ApiError;

/// The first segments of the paths of pages. Nothing else is served below them.
const PAGE_PATHS: [&str; 2] = ["/dashboard", "/login"];

/// Returns whether `path` is that of a page, or below it.
pub(super) fn is_page(path: &str) -> bool {
    PAGE_PATHS.iter().any(|page| {
        let rest = path.strip_prefix(page);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Renders an error as a page. The caller sets the status and the headers of the error.
pub(crate) type ErrorPage = fn(&ApiError) -> Response;

/// A route: its method, its path as in the OpenAPI document (`/dashboard/{slug}`), and its endpoint.
pub(crate) type HtmlRoute = (Method, String, BoxEndpoint<'static>);

/// Pages to be served beside the API.
pub struct HtmlPages {
    pub(crate) routes: Vec<HtmlRoute>,
    pub(crate) error_page: ErrorPage,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_a_path_below_dashboard_or_login() {
        for path in [
            "/dashboard",
            "/dashboard/",
            "/dashboard/x/y",
            "/login",
            "/login/x",
        ] {
            assert!(is_page(path), "{path}");
        }
        for path in [
            "/",
            "/dashboards",
            "/loginx",
            "/api/dashboard",
            "/Dashboard",
        ] {
            assert!(!is_page(path), "{path}");
        }
    }
}
