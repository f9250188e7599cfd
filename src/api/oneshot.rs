//! Sends a request to an endpoint without a socket.
//!
//! Called by `llavero get`, and by the sandbox for the examples in its document. The request passes the endpoint's
//! middleware, so that the response is the one that a client would get.

use poem::{
    Request,
    http::{Method, header},
};

use super::{endpoint::Service, extract::API_KEY};

/// A request.
#[derive(Debug, Clone, Copy)]
pub struct OneshotRequest<'a> {
    /// The method.
    method: &'a str,
    /// The path, optionally with a query.
    target: &'a str,
    /// The bearer token.
    token: Option<&'a str>,
    /// The secret of an API key.
    secret: Option<&'a str>,
    /// The JSON body.
    body: Option<&'a str>,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneshotResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body; JSON in most cases.
    pub body: String,
}

/// Reasons why a request gets no response.
#[derive(Debug, thiserror::Error)]
pub enum OneshotError {
    /// The target is not a path.
    #[error(
        "{0:?} is not a valid path: write it as in a URL, beginning with /, for instance /api/…/stats?days=7"
    )]
    Target(String),
    /// The method is not valid.
    #[error("{0:?} is not an HTTP method")]
    Method(String),
    /// The body of the response is not text.
    #[error("the response cannot be read: {0}")]
    Body(#[from] poem::error::ReadBodyError),
}

impl<'a> OneshotRequest<'a> {
    /// A GET, optionally with a bearer token.
    #[must_use]
    pub fn get(target: &'a str, token: Option<&'a str>) -> Self {
        Self {
            method: "GET",
            target,
            token,
            secret: None,
            body: None,
        }
    }

    /// Changes the method, and adds an API key and a body.
    pub(super) fn with(
        self,
        method: &'a str,
        secret: Option<&'a str>,
        body: Option<&'a str>,
    ) -> Self {
        Self {
            method,
            secret,
            body,
            ..self
        }
    }
}

/// Returns the response of `endpoint`.
///
/// # Errors
/// If the request cannot be built. A 4xx or 5xx response is `Ok`.
pub async fn oneshot(
    endpoint: &impl Service,
    request: OneshotRequest<'_>,
) -> Result<OneshotResponse, OneshotError> {
    let invalid = || OneshotError::Target(request.target.to_owned());
    let uri = request.target.parse().map_err(|_| invalid())?;
    if !request.target.starts_with('/') {
        return Err(invalid());
    }
    let method: Method = request
        .method
        .parse()
        .map_err(|_| OneshotError::Method(request.method.to_owned()))?;
    // HTTP/1.1 requires a host.
    let mut builder = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "localhost");
    if let Some(token) = request.token {
        builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(secret) = request.secret {
        builder = builder.header(API_KEY, secret);
    }
    let http_request = match request.body {
        Some(body) => builder
            .content_type("application/json")
            .body(body.to_owned()),
        None => builder.finish(),
    };
    let mut response = endpoint.get_response(http_request).await;
    Ok(OneshotResponse {
        status: response.status().as_u16(),
        body: response.take_body().into_string().await?,
    })
}
