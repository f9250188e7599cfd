//! Whose request it is: what a visitor of the sandbox is known by.
//!
//! A session, if one is named; else the bearer token, if it is valid; else the key that is used. Whoever comes with none
//! of them can change nothing.

use poem::http::{HeaderMap, HeaderName, header};

use crate::{
    api::{api_key::API_KEY, error::Failure, request_id::is_plain},
    model::Secret,
    sandbox::{Sandbox, Visitor},
};

pub(super) const SESSION: HeaderName = HeaderName::from_static("x-sandbox-session");

/// The visitor that a request is from.
pub(super) fn visitor(headers: &HeaderMap, sandbox: &Sandbox) -> Result<Option<Visitor>, Failure> {
    if headers.contains_key(SESSION) {
        let session = only(headers, &SESSION).filter(|name| is_plain(name.as_bytes()));
        let session = session.ok_or_else(|| {
            let rule = "X-Sandbox-Session: send one, of 1 to 128 letters, digits and characters of -._~:/+=@";
            Failure::BadRequest(rule.to_owned())
        })?;
        return Ok(Some(Visitor::of_session(session)));
    }
    if headers.contains_key(header::AUTHORIZATION) {
        return Ok(bearer(headers)
            .filter(|token| is_valid(token, sandbox))
            .map(Visitor::of_token));
    }
    let secret = only(headers, &API_KEY).and_then(Secret::parse);
    Ok(secret.map(|secret| sandbox.visitor_with_key(&secret)))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = only(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_valid(token: &str, sandbox: &Sandbox) -> bool {
    let app = sandbox.app();
    app.verifier.verify(token, app.clock.now()).is_ok()
}
