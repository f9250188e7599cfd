//! Middleware: the steps before and after the routes, for every request.
//!
//! [`Middleware::call`] lists the steps in their order; each step is a function of the file of its name. It is one
//! endpoint that calls functions, not one endpoint per step, because the state of every nested future is copied at each
//! level. Called by [`crate::api::server`] for each request. Every request gets one response of the documented shape and
//! one line in the log, even if its handler panics.

mod access_log;
mod common_headers;
mod connection_limit;
mod cors;
mod error_shape;
mod head_method;
mod origin;
mod refused_origins;
mod request_head;
mod request_id;
mod unknown_keys;

use std::{collections::HashMap, time::Instant};

use poem::{
    Endpoint, PathPattern, Request, Response, Result,
    http::{HeaderMap, HeaderValue, Method},
};

pub(super) use self::{
    access_log::{LoggedValidation, RequestedResponse},
    error_shape::from_poem,
    request_id::is_plain,
};
pub use self::{
    cors::Cors,
    origin::{Origin, OriginError},
};
use self::{refused_origins::RefusedOrigins, request_id::RequestIds, unknown_keys::UnknownKeys};
use super::{
    error::ApiError,
    extract::LoggedUser,
    html_pages::{ErrorPage, is_page},
    routes::RouteInfo,
};
use crate::metrics::Metrics;

/// Settings of the middleware.
pub(super) struct HttpOptions {
    /// The web pages of other origins that may read responses.
    pub(super) cors: Cors,
    /// Whether the log has a hint for web pages of origins that `cors` does not allow.
    pub(super) logs_refused_origins: bool,
    /// Sets the request ids of this process apart from those of others.
    pub(super) request_seed: u64,
    /// Renders the errors of pages; `None` if no pages are served.
    pub(super) error_page: Option<ErrorPage>,
}

/// The middleware around the routes `E`.
pub(super) struct Middleware<E> {
    routes: E,
    infos: HashMap<String, RouteInfo>,
    cors: Cors,
    refused_origins: Option<RefusedOrigins>,
    ids: RequestIds,
    error_page: Option<ErrorPage>,
    metrics: Metrics,
    unknown_keys: UnknownKeys,
}

/// The parts of a request that its response and its log line need. The handler consumes the request.
struct RequestContext {
    started: Instant,
    method: Method,
    path: String,
    id: HeaderValue,
    /// The origin of the web page that sent the request, if it may read the response.
    origin: Option<HeaderValue>,
    /// Renders an error, if the path is that of a page.
    error_page: Option<ErrorPage>,
    user: LoggedUser,
}

impl Middleware<()> {
    /// Puts middleware around `routes`, which `infos` describes.
    pub(super) fn around(
        routes: impl Endpoint<Output = Response>,
        infos: HashMap<String, RouteInfo>,
        options: HttpOptions,
        metrics: Metrics,
    ) -> Middleware<impl Endpoint<Output = Response>> {
        Middleware {
            routes: error_shape::catch_panics(routes),
            infos,
            cors: options.cors,
            refused_origins: options.logs_refused_origins.then(RefusedOrigins::default),
            ids: RequestIds::new(options.request_seed),
            error_page: options.error_page,
            metrics,
            unknown_keys: UnknownKeys::new(Instant::now()),
        }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Middleware<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let context = self.context(&mut request);
        let result = if let Err(error) = reject_before_routing(&request) {
            Err(error.into())
        } else if let Some(preflight) = self.preflight(&context, &request) {
            Ok(preflight)
        } else {
            head_method::route_as_get(&mut request);
            self.routes.call(request).await
        };
        Ok(self.finish_response(&context, result))
    }
}

impl<E> Middleware<E> {
    fn context(&self, request: &mut Request) -> RequestContext {
        let user = LoggedUser::default();
        request.set_data(user.clone());
        let error_page = self.error_page.filter(|_| is_page(request.uri().path()));
        // Pages of other origins never read these pages.
        let origin = match error_page {
            Some(_) => None,
            None => self.allowed_origin(request.headers()),
        };
        RequestContext {
            started: Instant::now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            id: self.ids.keep_or_create(request.headers()),
            origin,
            error_page,
            user,
        }
    }

    /// Returns the origin of the page that sent the request, if it may read the response. Logs one that may not.
    fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = self.cors.allowed_origin(headers);
        if origin.is_none()
            && let Some(refused) = &self.refused_origins
        {
            refused.log(headers);
        }
        origin
    }

    fn preflight(&self, context: &RequestContext, request: &Request) -> Option<Response> {
        match context.error_page {
            Some(_) => None,
            None => self.cors.preflight(request),
        }
    }

    /// Turns the result into the response that is sent, and records it.
    fn finish_response(&self, context: &RequestContext, result: Result<Response>) -> Response {
        let route = self.matched_route(&result);
        let mut response = error_shape::apply(result, context, route);
        if context.method == Method::HEAD {
            head_method::remove_body(&mut response);
        }
        let headers = response.headers_mut();
        headers.insert(request_id::REQUEST_ID, context.id.clone());
        if context.error_page.is_none() {
            self.cors.add_headers(context.origin.clone(), headers);
        }
        common_headers::add(headers);
        self.record(context, route, &mut response);
        response
    }

    /// Counts the response in the metrics and writes the log line.
    fn record(&self, context: &RequestContext, route: Option<&RouteInfo>, response: &mut Response) {
        let duration = context.started.elapsed();
        let template = route.map_or("-", |route| route.template.as_str());
        let (method, status) = (context.method.as_str(), response.status().as_u16());
        self.metrics.request(method, template, status, duration);
        access_log::write(context, template, response, duration, &self.unknown_keys);
    }

    fn matched_route(&self, result: &Result<Response>) -> Option<&RouteInfo> {
        let PathPattern(pattern) = match result {
            Ok(response) => response.data()?,
            Err(error) => error.data()?,
        };
        self.infos.get(&**pattern)
    }
}

fn reject_before_routing(request: &Request) -> Result<(), ApiError> {
    connection_limit::check(request)?;
    request_head::check(request)
}
