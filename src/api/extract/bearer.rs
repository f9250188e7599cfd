//! Authenticates a request: from the `Authorization` header to a [`Caller`].
//!
//! Every operation with the `bearer` scheme takes a [`Caller`] as its first parameter. poem runs extractors in order, so
//! a request without a valid token gets a 401 before anything else is checked. Membership and role are decided by the
//! store, in the statement or the transaction that reads or changes.
//!
//! Not poem's `Bearer`, which reads the first of several headers and does not tell a malformed token from another scheme.

use std::sync::{Arc, OnceLock};

use poem::{
    Request, RequestBody,
    http::{HeaderMap, HeaderValue, header::AUTHORIZATION},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::exactly_one::exactly_one;
use crate::{api::error::ApiError, app::App, model::UserId, token::TokenError};

/// The scheme's name in the document.
const SCHEME: &str = "bearer";

/// The user of a valid bearer token.
pub(crate) struct Caller(pub(crate) UserId);

impl<'a> ApiExtractor<'a> for Caller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            SCHEME,
            MetaSecurityScheme {
                ty: "http",
                description: None,
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: Some("JWT"),
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self(authenticate(request).await?))
    }
}

/// The authenticated user, for the access log. Middleware puts it into the request's data, and [`authenticate`] sets it.
#[derive(Clone, Default)]
pub(crate) struct LoggedUser(Arc<OnceLock<UserId>>);

impl LoggedUser {
    pub(crate) fn get(&self) -> Option<&UserId> {
        self.0.get()
    }

    /// Sets the user. The first one is kept.
    pub(crate) fn set(&self, user: &UserId) {
        let _ = self.0.set(user.clone());
    }
}

/// Verifies the bearer token of a request.
///
/// # Errors
/// [`ApiError::Unauthenticated`], with the reason if a token was sent; [`ApiError::Unavailable`] if the issuer's keys are
/// needed and not available.
pub(crate) async fn authenticate(request: &Request) -> Result<UserId, ApiError> {
    let app: &App = request.data().ok_or_else(|| ApiError::Internal {
        cause: "no application in the request's data".to_owned(),
    })?;
    let token = bearer_token(request.headers())?;
    let (user, _) = app.authenticate(token).await?;
    if let Some(logged) = request.data::<LoggedUser>() {
        // The sandbox authenticates twice; the user is the same.
        logged.set(&user);
    }
    Ok(user)
}

/// Returns the bearer token of a request, without verifying it.
///
/// # Errors
/// [`ApiError::Unauthenticated`], with a reason if a token was sent among several `Authorization` headers, of which a
/// proxy may have read another, or is not ASCII.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut tokens = headers.get_all(AUTHORIZATION).iter().filter_map(token_in);
    let token = tokens.next().ok_or(ApiError::Unauthenticated(None))?;
    if exactly_one(headers.get_all(&AUTHORIZATION)).is_none() {
        return Err(ApiError::Unauthenticated(Some(InvalidToken {
            description: TokenError::Malformed.description(),
            cause: "several Authorization headers".to_owned(),
        })));
    }
    str::from_utf8(token).map_err(|_| TokenError::Malformed.into())
}

/// Returns the token in a value of `Authorization`. `None` for another scheme or an empty token.
fn token_in(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

/// The reason why a bearer token is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidToken {
    /// For the client: the `error_description` of the challenge.
    description: &'static str,
    /// For the log.
    pub(crate) cause: String,
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        let cause = error.to_string();
        if error == TokenError::NoKeySet {
            return Self::Unavailable { cause };
        }
        Self::Unauthenticated(Some(InvalidToken {
            description: error.description(),
            cause,
        }))
    }
}

/// Returns the challenge of a 401. RFC 6750, section 3: it has an error code only if a token was sent.
pub(crate) fn challenge(token: Option<&InvalidToken>) -> String {
    let error = token.map_or_else(String::new, |InvalidToken { description, .. }| {
        format!(", error=\"invalid_token\", error_description=\"{description}\"")
    });
    format!("Bearer realm=\"llavero\"{error}")
}
