//! Asking without a socket: the same endpoint, the same answer.
//!
//! Called by `llavero get`, and by the sandbox for the examples in its document. The request passes
//! everything that it would pass from a socket on, as far as `endpoint` has it.

use poem::{
    Request,
    http::{Method, header},
};

use super::{Service, extract::API_KEY};

/// What to ask.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The method of a request.
    method: &'a str,
    /// Its path, and perhaps a query.
    target: &'a str,
    /// A bearer token.
    token: Option<&'a str>,
    /// A key's secret.
    secret: Option<&'a str>,
    /// A body of JSON.
    body: Option<&'a str>,
}

/// A status and a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; JSON in most cases.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The target is not what a request can ask for.
    #[error(
        "{0:?} is not a valid path: write it as in a URL, beginning with /, for instance /api/…/stats?days=7"
    )]
    Target(String),
    /// The method is none.
    #[error("{0:?} is not an HTTP method")]
    Method(String),
    /// The body is not text.
    #[error("the answer cannot be read: {0}")]
    Body(#[from] poem::error::ReadBodyError),
}

impl<'a> Question<'a> {
    /// A GET, with a bearer token or without one.
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

    /// The same with another method, a key and a body.
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

/// The answer of `endpoint`.
///
/// # Errors
/// When this cannot be asked for. An answer that is no success is an answer.
pub async fn ask(endpoint: &impl Service, question: Question<'_>) -> Result<Answer, AskError> {
    let refused = || AskError::Target(question.target.to_owned());
    let uri = question.target.parse().map_err(|_| refused())?;
    if !question.target.starts_with('/') {
        return Err(refused());
    }
    let method: Method = question
        .method
        .parse()
        .map_err(|_| AskError::Method(question.method.to_owned()))?;
    // HTTP/1.1 requires a host.
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "localhost");
    if let Some(token) = question.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(secret) = question.secret {
        request = request.header(API_KEY, secret);
    }
    let request = match question.body {
        Some(body) => request
            .content_type("application/json")
            .body(body.to_owned()),
        None => request.finish(),
    };
    let mut answer = endpoint.get_response(request).await;
    Ok(Answer {
        status: answer.status().as_u16(),
        body: answer.take_body().into_string().await?,
    })
}
