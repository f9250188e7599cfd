//! The error type of the API: the status, message and headers of every response that is not a success.
//!
//! Handlers, extractors and middleware return an [`ApiError`]; `middleware::error_shape` converts the errors that poem
//! raises. The cause of an error is written to the log and never sent to the client.

use std::time::Duration;

use poem::{
    IntoResponse, Response,
    error::ResponseError,
    http::{HeaderName, StatusCode, header},
};
use poem_openapi::{Object, payload::Json};

use super::extract::{InvalidToken, challenge};
use crate::{
    model::{LimitState, LimitStates, RandomError, Timestamp},
    store::{self, AccessError},
};

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(rename = "Error", rename_all = "camelCase")]
pub(super) struct ErrorOut {
    /// The HTTP status, again.
    status_code: i32,
    /// The problem, as a sentence for people.
    message: String,
    /// The standard reason phrase of the status.
    error: String,
}

/// An error response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ApiError {
    /// Parameters or the body are invalid. The text is that of [`super::problems::Problems`].
    #[error("{0}")]
    BadRequest(String),
    /// No bearer token (`None`) or an invalid one.
    #[error("Authentication required. Provide a valid bearer token.")]
    Unauthenticated(Option<InvalidToken>),
    /// The caller is not a member, or the organization does not exist: the two are not told apart.
    #[error("Access denied. User is not a member of this organization.")]
    NotAMember,
    /// The caller's role does not permit the operation.
    #[error("Access denied. Owner or admin role required.")]
    RoleTooLow,
    /// The organization has no key with this id.
    #[error("API key not found")]
    KeyNotFound,
    /// No route matches the path.
    #[error("Cannot {method} {path}")]
    NoRoute { method: String, path: String },
    /// A route matches the path, but not the method.
    #[error("Cannot {method} {path}")]
    MethodNotAllowed {
        method: String,
        path: String,
        allow: String,
    },
    /// A revoked key cannot be rotated.
    #[error("API key revoked")]
    KeyRevoked,
    /// An expired key cannot be rotated.
    #[error("API key expired")]
    KeyExpired,
    /// The previous secret of the key works until this instant.
    #[error("Rotation in progress. The previous secret works until {0}.")]
    RotationInProgress(Timestamp),
    /// A validation without an API key.
    #[error("API key required")]
    MissingKey,
    /// The API key of a validation is malformed or unknown.
    #[error("Invalid API key")]
    InvalidKey,
    /// The API key of a validation is revoked.
    #[error("API key revoked")]
    RevokedKeyUsed,
    /// The API key of a validation has expired.
    #[error("API key expired")]
    ExpiredKeyUsed,
    /// The API key of a validation is disabled.
    #[error("API key disabled")]
    DisabledKeyUsed,
    /// The API key of a validation lacks these scopes.
    #[error("API key lacks required scopes: {0}")]
    MissingScopes(String),
    /// The API key of a validation has reached its rate limit.
    #[error("Rate limit exceeded")]
    RateLimited(LimitStates),
    /// The API key of a validation has used up its quota.
    #[error("Quota exceeded")]
    OverQuota(LimitStates),
    /// The body is not JSON according to `Content-Type`.
    #[error("Content-Type must be application/json")]
    NotJson,
    /// The body is compressed.
    #[error("Content-Encoding is not supported")]
    Encoded,
    /// The body is over the limit.
    #[error("The body is limited to 16 KiB")]
    BodyTooLarge,
    /// The body did not arrive in time.
    #[error("The body did not arrive in 10 seconds")]
    BodyTimeout,
    /// An error of a feature outside the API's operations, which defines it.
    #[error("{message}")]
    Other {
        status: StatusCode,
        example_name: &'static str,
        message: &'static str,
    },
    /// The request line and headers are over the limit.
    #[error("Request header fields are limited to 64 fields and 16 KiB in all")]
    HeadersTooLarge,
    /// The body is encoded with a transfer coding other than `chunked`.
    #[error("Transfer-Encoding must be chunked")]
    UnknownTransferCoding,
    /// A bug. The cause is for the log.
    #[error("Internal server error")]
    Internal { cause: String },
    /// The database cannot be read or written now. The cause is for the log.
    #[error("Service unavailable")]
    Unavailable { cause: String },
}

/// The `Retry-After` of a 503, in seconds.
const RETRY_AFTER: &str = "1";

impl ApiError {
    /// The errors of every operation: each needs the database.
    pub(super) fn common_errors() -> [Self; 2] {
        let cause = String::new;
        [
            Self::Internal { cause: cause() },
            Self::Unavailable { cause: cause() },
        ]
    }

    /// The cause, for the log.
    pub(super) fn cause(&self) -> Option<&str> {
        match self {
            Self::Unauthenticated(token) => token.as_ref().map(|token| &*token.cause),
            Self::Internal { cause } | Self::Unavailable { cause } => Some(cause),
            _ => None,
        }
    }

    /// The name of its example in the document.
    pub(super) fn example_name(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "invalid-request",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::NotAMember => "not-a-member",
            Self::RoleTooLow => "role-too-low",
            Self::KeyNotFound => "key-not-found",
            Self::NoRoute { .. } => "no-route",
            Self::MethodNotAllowed { .. } => "method-not-allowed",
            Self::KeyRevoked | Self::RevokedKeyUsed => "key-revoked",
            Self::KeyExpired | Self::ExpiredKeyUsed => "key-expired",
            Self::DisabledKeyUsed => "key-disabled",
            Self::RotationInProgress(_) => "rotation-in-progress",
            Self::MissingKey => "missing-key",
            Self::InvalidKey => "invalid-key",
            Self::MissingScopes(_) => "missing-scopes",
            Self::RateLimited(_) => "rate-limited",
            Self::OverQuota(_) => "over-quota",
            Self::NotJson => "not-json",
            Self::Encoded => "encoded",
            Self::BodyTooLarge => "body-too-large",
            Self::BodyTimeout => "body-timeout",
            Self::Other { example_name, .. } => example_name,
            Self::HeadersTooLarge => "headers-too-large",
            Self::UnknownTransferCoding => "unknown-transfer-coding",
            Self::Internal { .. } => "internal-error",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    /// The response body.
    pub(super) fn body(&self) -> ErrorOut {
        let status = self.status();
        ErrorOut {
            status_code: i32::from(status.as_u16()),
            message: self.to_string(),
            error: status.canonical_reason().unwrap_or_default().to_owned(),
        }
    }

    /// The response headers.
    pub(super) fn headers(&self) -> Vec<(HeaderName, String)> {
        match self {
            Self::Unauthenticated(token) => {
                vec![(header::WWW_AUTHENTICATE, challenge(token.as_ref()))]
            }
            // RFC 9110, section 15.5.2, asks for a challenge with every 401.
            Self::MissingKey
            | Self::InvalidKey
            | Self::RevokedKeyUsed
            | Self::ExpiredKeyUsed
            | Self::DisabledKeyUsed => {
                let challenge = "ApiKey realm=\"llavero\"".to_owned();
                vec![(header::WWW_AUTHENTICATE, challenge), self.for_gateways()]
            }
            Self::MissingScopes(_) => vec![self.for_gateways()],
            Self::RateLimited(limits) | Self::OverQuota(limits) => {
                let retry_after = (header::RETRY_AFTER, seconds(limits.retry_after()));
                let others = [retry_after, self.for_gateways()];
                limit_headers(limits).chain(others).collect()
            }
            Self::MethodNotAllowed { allow, .. } => vec![(header::ALLOW, allow.clone())],
            Self::Unavailable { .. } => vec![(header::RETRY_AFTER, RETRY_AFTER.to_owned())],
            _ => Vec::new(),
        }
    }

    /// Sets the status and the headers of a response that describes this error.
    pub(super) fn add_to(&self, response: &mut Response) {
        response.set_status(self.status());
        for (name, value) in self.headers() {
            if let Ok(value) = value.parse() {
                response.headers_mut().insert(name, value);
            }
        }
        // The access log reads the cause from the response.
        response.set_data(self.clone());
    }

    /// The message as a header, for gateways that discard the body, like nginx.
    fn for_gateways(&self) -> (HeaderName, String) {
        let name = HeaderName::from_static("x-error-message");
        (name, self.to_string())
    }
}

/// The names of the headers for the state of a limit: its requests, the remaining ones, and the time until it resets.
type LimitHeaders = [&'static str; 3];

/// The headers of a rate limit (draft-ietf-httpapi-ratelimit-headers-07).
const RATE_LIMIT_HEADERS: LimitHeaders =
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];

/// The headers of a quota.
const QUOTA_HEADERS: LimitHeaders = ["x-quota-limit", "x-quota-remaining", "x-quota-reset"];

/// Returns the headers for the states of a key's limits: three for each limit that it has.
pub(super) fn limit_headers(limits: &LimitStates) -> impl Iterator<Item = (HeaderName, String)> {
    let of_limits = [
        (RATE_LIMIT_HEADERS, limits.rate_limit),
        (QUOTA_HEADERS, limits.quota),
    ];
    of_limits.into_iter().flat_map(|(names, state)| {
        let values = state.map(
            |LimitState {
                 limit,
                 remaining,
                 reset,
             }| { [limit.to_string(), remaining.to_string(), seconds(reset)] },
        );
        let names = names.map(HeaderName::from_static);
        names.into_iter().zip(values.into_iter().flatten())
    })
}

/// Whole seconds, rounded up, so that a client that waits so long is not too early.
fn seconds(duration: Duration) -> String {
    duration.as_nanos().div_ceil(1_000_000_000).to_string()
}

impl ResponseError for ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_)
            | Self::MissingKey
            | Self::InvalidKey
            | Self::RevokedKeyUsed
            | Self::ExpiredKeyUsed
            | Self::DisabledKeyUsed => StatusCode::UNAUTHORIZED,
            Self::NotAMember | Self::RoleTooLow | Self::MissingScopes(_) => StatusCode::FORBIDDEN,
            Self::RateLimited(_) | Self::OverQuota(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::KeyNotFound | Self::NoRoute { .. } => StatusCode::NOT_FOUND,
            Self::KeyRevoked | Self::KeyExpired | Self::RotationInProgress(_) => {
                StatusCode::CONFLICT
            }
            Self::NotJson | Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::Other { status, .. } => *status,
            Self::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnknownTransferCoding => StatusCode::NOT_IMPLEMENTED,
            Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn as_response(&self) -> Response {
        let mut response = Json(self.body()).into_response();
        self.add_to(&mut response);
        response
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        let cause = error.to_string();
        if error.is_temporary() {
            Self::Unavailable { cause }
        } else {
            Self::Internal { cause }
        }
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::NotAMember => Self::NotAMember,
            AccessError::RoleTooLow => Self::RoleTooLow,
            AccessError::KeyNotFound => Self::KeyNotFound,
            AccessError::KeyRevoked => Self::KeyRevoked,
            AccessError::KeyExpired => Self::KeyExpired,
            AccessError::RotationInProgress(until) => Self::RotationInProgress(until),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl From<RandomError> for ApiError {
    fn from(error: RandomError) -> Self {
        Self::Internal {
            cause: error.to_string(),
        }
    }
}
