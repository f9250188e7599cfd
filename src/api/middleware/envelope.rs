//! Around every request: its id, the error surface, the headers that all answers carry, and its log line.
//!
//! The outermost endpoint, called by [`crate::api::server`] for each request. Whatever happens inside, including a
//! panic, comes out as one answer of the documented shape, and as one line in the log.

use std::{
    any::Any,
    collections::HashMap,
    time::{Duration, Instant},
};

use poem::{
    Endpoint, EndpointExt, Error, PathPattern, Request, Response, Result,
    error::ResponseError,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::CatchPanic,
};

use super::{
    cors::Cors,
    request_head,
    request_id::{REQUEST_ID, RequestIds},
};
use crate::{
    api::{
        error::Failure,
        extract::CallerSlot,
        pages::metrics::METRICS,
        routes::{HEALTHZ, READYZ, RouteInfo},
        server::Refused,
    },
    metrics::{Metrics, known_method},
    model::{UserId, contains_secret},
};

/// Routes that monitoring requests every few seconds.
const PROBES: [&str; 3] = [HEALTHZ, READYZ, METRICS];

/// In the data of a response with the status that the client asked for: it does not tell of a failure.
#[derive(Clone, Copy)]
pub(crate) struct RequestedResponse;

/// On every answer, unless the endpoint set it: what comes out is data, not for caches, frames or sniffing.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

/// The endpoint around the route table.
pub(crate) struct Envelope<E> {
    inner: E,
    routes: HashMap<String, RouteInfo>,
    cors: Cors,
    ids: RequestIds,
    metrics: Metrics,
}

/// What the log line and the error shape need to know of a request once it is gone.
struct Asked {
    method: Method,
    path: String,
    id: HeaderValue,
    /// Of the page that asked, if it may read the answer.
    origin: Option<HeaderValue>,
    caller: CallerSlot,
    started: Instant,
}

impl Envelope<()> {
    /// Puts `routes` into the envelope; `infos` tells what they are, `cors` which web pages may use them.
    pub(crate) fn new(
        routes: impl Endpoint<Output = Response>,
        infos: HashMap<String, RouteInfo>,
        cors: Cors,
        request_seed: u64,
        metrics: Metrics,
    ) -> Envelope<impl Endpoint<Output = Response>> {
        Envelope {
            inner: routes.with(CatchPanic::new().with_handler(panicked)),
            routes: infos,
            cors,
            ids: RequestIds::new(request_seed),
            metrics,
        }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Envelope<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let asked = Asked {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            id: self.ids.keep_or_make(request.headers()),
            origin: self.cors.allowed(request.headers()),
            caller: CallerSlot::default(),
            started: Instant::now(),
        };
        request.set_data(asked.caller.clone());
        let checked = check_connection(&request).and_then(|()| request_head::check(&request));
        if asked.method == Method::HEAD {
            request.set_method(Method::GET);
        }
        let answer = if let Err(failure) = checked {
            Err(failure.into())
        } else if let Some(preflight) = self.cors.preflight(&request) {
            Ok(preflight)
        } else {
            self.inner.call(request).await
        };
        Ok(self.seal(&asked, answer))
    }
}

impl<E> Envelope<E> {
    /// Turns what came out into the answer, and writes the log line.
    fn seal(&self, asked: &Asked, answer: Result<Response>) -> Response {
        let pattern = match &answer {
            Ok(response) => response.data(),
            Err(error) => error.data(),
        };
        let route = pattern.and_then(|PathPattern(pattern)| self.routes.get(&**pattern));
        let mut response =
            answer.unwrap_or_else(|error| asked.failure(&error, route).as_response());
        let failure = response.extensions_mut().remove::<Failure>();
        if asked.method == Method::HEAD {
            without_body(&mut response);
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, asked.id.clone());
        self.cors.seal(asked.origin.clone(), headers);
        for (name, value) in HEADERS {
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        }
        let took = asked.started.elapsed();
        let (method, status) = (asked.method.as_str(), response.status().as_u16());
        let template = route.map_or("-", |route| route.template.as_str());
        self.metrics.request(method, template, status, took);
        let is_requested = response.data::<RequestedResponse>().is_some();
        let is_fault = response.status().is_server_error() && !is_requested;
        asked.log(
            response.status(),
            is_fault,
            template,
            took,
            failure.as_ref(),
        );
        response
    }
}

impl Asked {
    fn failure(&self, error: &Error, route: Option<&RouteInfo>) -> Failure {
        let allow = route.map_or("", |route| &route.allow);
        Failure::from_poem(error, self.method.as_str(), &self.path, allow)
    }

    /// Logs the request: method, route, status, duration, request id and user. The line contains no text that may hold a
    /// secret: no path, no query, no unknown method, no header but the request id, and no user id shaped like a secret.
    fn log(
        &self,
        status: StatusCode,
        is_fault: bool,
        route: &str,
        took: Duration,
        failure: Option<&Failure>,
    ) {
        let method = known_method(self.method.as_str());
        let microseconds = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        let request = self.id.to_str().unwrap_or_default();
        let user = self.caller.user().map(UserId::as_str);
        let user = user.filter(|user| !contains_secret(user));
        let cause = failure.and_then(Failure::cause);
        let status = status.as_u16();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    method,
                    route,
                    status,
                    duration_ms = f64::from(microseconds) / 1000.0,
                    request.id = request,
                    user.id = user,
                    cause,
                    "request"
                )
            };
        }
        if is_fault {
            line!(error);
        } else if PROBES.contains(&route) {
            line!(debug);
        } else {
            line!(info);
        }
    }
}

/// Rejects a request whose connection exceeds a connection limit.
fn check_connection(request: &Request) -> Result<(), Failure> {
    match request.data::<Refused>() {
        Some(refused) => Err(Failure::Unavailable {
            cause: refused.cause().to_owned(),
        }),
        None => Ok(()),
    }
}

/// The answer to HEAD: GET's headers, `Content-Length` among them (RFC 9110, section 9.3.2), and no body.
fn without_body(response: &mut Response) {
    use poem::web::headers::{ContentLength, HeaderMapExt};

    let body = response.take_body();
    let length = hyper::body::Body::size_hint(&hyper_body(body)).exact();
    if let Some(length) = length {
        response.headers_mut().typed_insert(ContentLength(length));
    }
}

fn hyper_body(body: poem::Body) -> impl hyper::body::Body {
    use http_body_util::combinators::BoxBody;
    BoxBody::from(body)
}

/// A panic is a failed request and nothing more; the payload is for the log.
#[expect(clippy::needless_pass_by_value, reason = "poem hands the payload over")]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    let failure = Failure::Internal {
        cause: format!("panic: {}", text.unwrap_or("no message")),
    };
    failure.as_response()
}
