//! Asking without a socket: the same endpoint, the same answer.
//!
//! Called by `llavero get`, and by the sandbox for the examples in its document. Nothing is skipped: the request passes
//! the envelope, the door and the handler.

use poem::{Request, http::header};

use super::Service;

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
        "{0:?} is no path: write it as in a URL, beginning with /, for instance /api/…/stats?days=7"
    )]
    Target(String),
    /// The body is not text.
    #[error("the answer cannot be read: {0}")]
    Body(#[from] poem::error::ReadBodyError),
}

/// The answer of `endpoint` to a GET of `target`, a path and perhaps a query, with a bearer token or without one.
///
/// # Errors
/// When `target` cannot be asked for. An answer that is no success is an answer.
pub async fn ask(
    endpoint: &impl Service,
    target: &str,
    token: Option<&str>,
) -> Result<Answer, AskError> {
    let refused = || AskError::Target(target.to_owned());
    let uri = target.parse().map_err(|_| refused())?;
    if !target.starts_with('/') {
        return Err(refused());
    }
    let mut request = Request::builder().uri(uri);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let mut answer = endpoint.get_response(request.finish()).await;
    Ok(Answer {
        status: answer.status().as_u16(),
        body: answer.take_body().into_string().await?,
    })
}
