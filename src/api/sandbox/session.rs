//! Which session a request of the sandbox belongs to.
//!
//! In this order: the header `X-Sandbox-Session`; a valid bearer token; the session that created the API key in the
//! request. A request without any of them cannot change anything.

use poem::http::{HeaderMap, HeaderName, StatusCode};

use crate::{
    api::{
        error::ApiError,
        extract::{API_KEY, bearer_token, exactly_one},
        middleware::is_plain,
    },
    model::Secret,
    sandbox::{Sandbox, SessionId},
};

/// The header that names a session.
const SESSION: HeaderName = HeaderName::from_static("x-sandbox-session");
/// [`SESSION`] as documents write it.
pub(super) const SESSION_NAME: &str = "X-Sandbox-Session";

/// The form of a session's name: [`is_plain`] as a regular expression, for the document.
pub(super) const SESSION_PATTERN: &str = "^[A-Za-z0-9._~:/+=@-]{1,128}$";

/// The error for a name that does not match [`SESSION_PATTERN`], or that is sent twice.
pub(super) fn invalid_session() -> ApiError {
    let rule = "must be sent once, with 1 to 128 letters, digits and characters of -._~:/+=@";
    ApiError::BadRequest(format!("{SESSION_NAME} {rule}"))
}

/// The error for a write when the session's copy of the database has reached its maximum size.
pub(super) const SESSION_FULL: ApiError = ApiError::Other {
    status: StatusCode::INSUFFICIENT_STORAGE,
    example_name: "copy-full",
    message: "This copy of the sandbox is full: POST /sandbox/reset begins a new one",
};

/// Returns the session of a request; `token` is its [`valid_token`].
///
/// # Errors
/// A 400 if the header has an invalid value.
pub(super) fn session(
    headers: &HeaderMap,
    token: Option<&str>,
    sandbox: &Sandbox,
) -> Result<Option<SessionId>, ApiError> {
    if headers.contains_key(SESSION) {
        let name = text(headers, &SESSION).filter(|name| is_plain(name.as_bytes()));
        let name = name.ok_or_else(invalid_session)?;
        return Ok(Some(SessionId::from_name(name)));
    }
    if let Some(token) = token {
        return Ok(Some(SessionId::from_token(token)));
    }
    let secret = text(headers, &API_KEY).and_then(Secret::parse);
    Ok(secret.and_then(|secret| sandbox.session_of_key(&secret)))
}

/// Returns the bearer token of a request if the operation would accept it.
pub(super) fn valid_token<'a>(headers: &'a HeaderMap, sandbox: &Sandbox) -> Option<&'a str> {
    let token = bearer_token(headers).ok()?;
    let app = sandbox.app();
    let verified = app.verifier.verify(token, app.clock.now());
    verified.is_ok().then_some(token)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    exactly_one(headers.get_all(name))?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn session_of_the_documented_pattern_is_accepted(name in "[A-Za-z0-9._~:/+=@-]{1,128}") {
            prop_assert!(is_plain(name.as_bytes()));
        }

        #[test]
        fn session_of_another_form_is_rejected(name in "|[A-Za-z0-9._~:/+=@-]{129}|[a-z]{0,9}[^A-Za-z0-9._~:/+=@-]") {
            prop_assert!(!is_plain(name.as_bytes()));
        }
    }
}
