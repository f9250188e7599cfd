//! Bearer tokens: tables of accepted and rejected ones, over HTTP.
//!
//! By subject: the [`keys`] that tokens are checked with, the [`key_set`] of an issuer, its [`key_set_source`], their [`signatures`], the token's [`header`], its
//! [`claims`], the [`request`] that carries it, and the [`errors`] that a client reads. Tokens are put together from JSON text, because no library
//! writes the malformed ones. The keys in `tests/keys` come from `openssl genpkey` and serve these tests alone.

mod claims;
mod errors;
mod header;
#[cfg(unix)]
mod key_set;
#[cfg(unix)]
mod key_set_source;
mod keys;
mod request;
mod signatures;

use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{ACME, ANA, NOW, PRODUCTION, SECRET, TestApp, base64url, key_path};

/// The challenge of a request that brought no bearer token.
const NO_TOKEN: &str = r#"Bearer realm="llavero""#;
/// The challenge of a request with a malformed bearer token.
const MALFORMED_TOKEN: &str =
    r#"Bearer realm="llavero", error="invalid_token", error_description="The token is malformed""#;

/// The header of an honest token.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
/// When an honest token expires, in seconds since 1970.
const EXP: i64 = NOW.as_secs() + 3600;

/// Whether the server accepts `token`.
async fn is_accepted(app: &TestApp, token: &str) -> bool {
    error_description(app, token).await.is_none()
}

/// The `error_description` that the server sends for `token`, one of [`errors::DESCRIPTIONS`]; `None` if it accepts it.
async fn error_description(app: &TestApp, token: &str) -> Option<&'static str> {
    let answer = app.get_with_token(token, &key_path(ACME, PRODUCTION)).await;
    if answer.status() == StatusCode::OK {
        return None;
    }
    let sent = answer.headers()["www-authenticate"].clone();
    let challenge = |description: &str| {
        format!(
            r#"Bearer realm="llavero", error="invalid_token", error_description="{description}""#
        )
    };
    let description = errors::DESCRIPTIONS
        .into_iter()
        .find(|description| sent == challenge(description));
    let description = description.unwrap_or_else(|| panic!("{sent:?}: {token}"));
    assert_refusal(answer, &challenge(description), token).await;
    Some(description)
}

async fn assert_refusal(answer: Response, challenge: &str, case: &str) {
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{case}");
    let challenges = answer.headers().get_all("www-authenticate").iter();
    assert_eq!(challenges.collect::<Vec<_>>(), [challenge], "{case}");
    let body = r#"{"statusCode":401,"message":"Authentication required. Provide a valid bearer token.","error":"Unauthorized"}"#;
    assert_eq!(answer.text().await.unwrap(), body, "{case}");
}

/// The claims of an honest token of Ana's.
fn claims() -> Value {
    json!({ "sub": ANA, "exp": EXP })
}

/// An honest token but for one claim, which is absent if `None`.
fn token_with(claim: &str, value: Option<Value>) -> String {
    let mut claims = claims();
    match value {
        Some(value) => claims[claim] = value,
        None => drop(claims.as_object_mut().unwrap().remove(claim)),
    }
    signed(HEADER, claims.to_string())
}

/// A token signed with the trusted secret.
fn signed(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let secret = EncodingKey::from_secret(&SECRET);
    sign(&message(header, payload), Algorithm::HS256, &secret)
}

/// The signed part of a token.
fn message(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}", base64url(header), base64url(payload))
}

fn sign(message: &str, algorithm: Algorithm, key: &EncodingKey) -> String {
    let signature = crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}
