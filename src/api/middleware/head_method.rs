//! HEAD: the response of GET without its body (RFC 9110, section 9.3.2).

use http_body_util::combinators::BoxBody;
use hyper::body::Body;
use poem::{
    Request, Response,
    http::Method,
    web::headers::{ContentLength, HeaderMapExt},
};

/// Routes HEAD as GET.
pub(super) fn route_as_get(request: &mut Request) {
    if request.method() == Method::HEAD {
        request.set_method(Method::GET);
    }
}

/// Removes the body, and keeps its length in `Content-Length`.
pub(super) fn remove_body(response: &mut Response) {
    let body = BoxBody::from(response.take_body());
    if let Some(length) = body.size_hint().exact() {
        response.headers_mut().typed_insert(ContentLength(length));
    }
}
