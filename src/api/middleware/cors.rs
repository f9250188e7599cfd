//! Cross-origin requests (CORS): which web pages of other origins may use the API.
//!
//! Applied to every response, errors and panics included. poem's own middleware panics on an `Origin` that is not ASCII if
//! any origin is allowed. Sources: the Fetch standard, "CORS protocol"; the WICG's Private Network Access, whose preflight
//! Chromium sends.

use poem::{
    Request, Response,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
};

use super::origin::{Origin, is_loopback};

/// Allowed methods. All are listed so that a page can read the 405 response.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// Allowed request headers, besides those that are always allowed. They include those that only the sandbox reads, so that
/// a page can send the same requests to the service.
const REQUEST_HEADERS: &str =
    "Authorization, Content-Type, X-API-Key, X-Request-Id, Prefer, X-Sandbox-Session";

/// Response headers that a page can read, besides those that are always readable.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Allow, Location, Preference-Applied, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, \
     WWW-Authenticate, X-Error-Message, X-Key-Id, X-Key-Scopes, X-Organization-Id, X-Quota-Limit, \
     X-Quota-Remaining, X-Quota-Reset, X-Request-Id",
);

/// How long a browser may cache the response to a preflight, in seconds: the maximum of Chromium.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

const TRUE: HeaderValue = HeaderValue::from_static("true");

const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");

/// The allowed origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cors {
    /// These origins. An empty list allows no origin.
    Only(Vec<Origin>),
    /// These origins, and the loopback origins: `http://localhost`, `http://127.0.0.1` and `http://[::1]`, on any port.
    LoopbackAnd(Vec<Origin>),
    /// Any origin, with any request headers.
    Any,
}

impl Cors {
    /// Returns the origin of a request if it is allowed.
    pub(crate) fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        let is_one_of = |origins: &[Origin]| origins.iter().any(|Origin(known)| known == origin);
        let allowed = match self {
            Self::Only(origins) => is_one_of(origins),
            Self::LoopbackAnd(origins) => is_one_of(origins) || is_loopback(origin),
            // No browser sends an empty origin or one that is not ASCII.
            Self::Any => !origin.is_empty() && origin.to_str().is_ok(),
        };
        allowed.then(|| origin.clone())
    }

    /// Returns the response to a preflight from an allowed origin. A preflight has no token, and its path need not exist:
    /// the page reads the 404 of the request itself.
    pub(crate) fn preflight(&self, request: &Request) -> Option<Response> {
        let requested = request.headers();
        let is_preflight = request.method() == Method::OPTIONS
            && requested.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_preflight {
            return None;
        }
        self.allowed_origin(requested)?;
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            self.request_headers(requested),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        if requested.get(REQUEST_PRIVATE_NETWORK) == Some(&TRUE) {
            headers.insert(ALLOW_PRIVATE_NETWORK, TRUE);
        }
        Some(response)
    }

    /// Returns the allowed request headers: ours, and the requested ones if any origin is allowed.
    fn request_headers(&self, requested: &HeaderMap) -> HeaderValue {
        let ours = HeaderValue::from_static(REQUEST_HEADERS);
        let names = requested.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        let names = names.and_then(|names| names.to_str().ok());
        match (self, names) {
            (Self::Any, Some(names)) if !names.is_empty() => format!("{REQUEST_HEADERS}, {names}")
                .parse()
                .unwrap_or(ours),
            _ => ours,
        }
    }

    /// Adds the headers that let a page at `origin`, which is [allowed](Self::allowed_origin), read the response. Never allows
    /// credentials: nothing here reads a cookie, and a token is sent in a header by the page itself.
    pub(crate) fn add_headers(&self, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
        if *self == Self::Only(Vec::new()) {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else {
            return;
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
    }
}
