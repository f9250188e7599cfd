//! The responses of pages, with the headers that all of them have.
//!
//! Every endpoint of the dashboard responds with one of these. `Cache-Control: no-store` is added by the middleware.

use maud::Markup;
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
};

/// Permits the stylesheet, the script and images of this server, and forms that are sent to it.
const CONTENT_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'",
);

/// With `no-referrer`, browsers would send `Origin: null` with forms, which [`super::same_origin`] refuses.
const REFERRER_POLICY: HeaderValue = HeaderValue::from_static("same-origin");

/// A page.
pub(super) fn page(status: StatusCode, page: Markup) -> Response {
    let mut response = with_headers(Response::builder().status(status))
        .content_type("text/html; charset=utf-8")
        .body(page.into_string());
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    response
}

/// A redirect to a path of this server, which the browser requests with GET.
pub(super) fn see_other(path: &str) -> Response {
    with_headers(Response::builder().status(StatusCode::SEE_OTHER))
        .header(header::LOCATION, path)
        .finish()
}

fn with_headers(response: poem::ResponseBuilder) -> poem::ResponseBuilder {
    response.header(header::REFERRER_POLICY, REFERRER_POLICY)
}
