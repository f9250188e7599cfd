//! Turns every error into the documented shape: those of handlers, of poem's routing, and panics.
//!
//! Runs after routing. poem does not know the methods of a path that rejects one; the 405 needs them in `Allow` (RFC
//! 9110, section 15.5.6), so they come from the [`RouteInfo`].

use std::any::Any;

use poem::{
    Endpoint, EndpointExt, Error, Response, Result,
    error::{MethodNotAllowedError, NotFoundError, ResponseError},
    middleware::CatchPanic,
};
use poem_openapi::error::ParseParamError;

use super::{LoggedValidation, RequestContext};
use crate::api::{error::ApiError, html_pages::ErrorPage, routes::RouteInfo};

/// Returns the response, or the one that the error stands for: JSON, or a page for the path of a page.
pub(super) fn apply(
    result: Result<Response>,
    context: &RequestContext,
    route: Option<&RouteInfo>,
) -> Response {
    let response = result.unwrap_or_else(|error| {
        let allow = route.map_or("", |route| &route.allow);
        let shaped = from_poem(&error, context.method.as_str(), &context.path, allow);
        let mut response = shaped.as_response();
        if let Some(validation) = error.data::<LoggedValidation>() {
            response.set_data(*validation);
        }
        response
    });
    match (context.error_page, response.data::<ApiError>()) {
        (Some(error_page), Some(error)) => as_page(error, error_page),
        _ => response,
    }
}

fn as_page(error: &ApiError, error_page: ErrorPage) -> Response {
    let mut response = error_page(error);
    error.add_to(&mut response);
    response
}

/// Converts an error that a handler returned, or that poem raised while it routed a request for `method` and `path`.
/// `allow` lists the methods of the matching route.
pub(crate) fn from_poem(error: &Error, method: &str, path: &str, allow: &str) -> ApiError {
    if let Some(error) = error.downcast_ref::<ApiError>() {
        return error.clone();
    }
    if let Some(ParseParamError { name, reason }) = error.downcast_ref() {
        return ApiError::BadRequest(format!("{name}: {reason}"));
    }
    let (method, path) = (method.to_owned(), path.to_owned());
    if error.is::<NotFoundError>() {
        return ApiError::NoRoute { method, path };
    }
    if error.is::<MethodNotAllowedError>() {
        let allow = allow.to_owned();
        return ApiError::MethodNotAllowed {
            method,
            path,
            allow,
        };
    }
    ApiError::Internal {
        cause: error.to_string(),
    }
}

/// Turns a panic of `routes` into a 500. The payload of the panic goes to the log.
pub(super) fn catch_panics(
    routes: impl Endpoint<Output = Response>,
) -> impl Endpoint<Output = Response> {
    routes.with(CatchPanic::new().with_handler(panic_response))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "poem passes the payload by value"
)]
fn panic_response(payload: Box<dyn Any + Send>) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    let error = ApiError::Internal {
        cause: format!("panic: {}", text.unwrap_or("no message")),
    };
    error.as_response()
}
