//! Whose request it is: what a visitor of the sandbox is known by.
//!
//! A session, if one is named; else the bearer token, if it is valid; else the key that is used, which is its maker's.
//! Whoever comes with none of them can change nothing.

use poem::http::{HeaderMap, HeaderName, header};

use crate::{
    api::{
        error::Failure,
        extract::{API_KEY, only},
        middleware::is_plain,
    },
    model::Secret,
    sandbox::{Sandbox, Visitor},
};

/// The header that names a session; and the same as documents write it.
const SESSION: HeaderName = HeaderName::from_static("x-sandbox-session");
pub(super) const SESSION_NAME: &str = "X-Sandbox-Session";

/// The visitor that a request is from; `token` is its [`valid_token`].
///
/// # Errors
/// A 400 for a session that cannot be one.
pub(super) fn visitor(
    headers: &HeaderMap,
    token: Option<&str>,
    sandbox: &Sandbox,
) -> Result<Option<Visitor>, Failure> {
    if headers.contains_key(SESSION) {
        let session = text(headers, &SESSION).filter(|name| is_plain(name.as_bytes()));
        let session = session.ok_or_else(|| {
            let rule = "send one, of 1 to 128 letters, digits and characters of -._~:/+=@";
            Failure::BadRequest(format!("{SESSION_NAME}: {rule}"))
        })?;
        return Ok(Some(Visitor::of_session(session)));
    }
    if let Some(token) = token {
        return Ok(Some(Visitor::of_token(token)));
    }
    let secret = text(headers, &API_KEY).and_then(Secret::parse);
    Ok(secret.and_then(|secret| sandbox.visitor_with_key(&secret)))
}

/// The bearer token of a request, if it is valid: what the door of an operation would say.
pub(super) fn valid_token<'a>(headers: &'a HeaderMap, sandbox: &Sandbox) -> Option<&'a str> {
    let (scheme, token) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    let token = token.trim();
    let app = sandbox.app();
    let is_valid = app.verifier.verify(token, app.clock.now()).is_ok();
    (scheme.eq_ignore_ascii_case("bearer") && is_valid).then_some(token)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    only(headers, name)?.to_str().ok()
}
