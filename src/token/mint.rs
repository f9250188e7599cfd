//! Signs tokens that a verifier with the same secret accepts.
//!
//! Used by `llavero token`, the demo and the sandbox. Signs with HS256 only, because only an issuer has the private key of
//! a public key.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use serde_json::{Map, Value};

use super::key::HmacSecret;
use crate::model::{Timestamp, UserId};

/// The claims of a new token.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The user, its `sub`.
    pub user: UserId,
    /// Its lifetime, in whole seconds.
    pub ttl: Duration,
    /// Its `aud`.
    pub audience: Option<String>,
    /// Its `iss`.
    pub issuer: Option<String>,
    /// Other claims. Their names must differ from `sub`, `iat`, `exp`, `aud` and `iss`.
    pub further_claims: Map<String, Value>,
}

/// The library could not sign a token.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign the token: {0}")]
pub struct MintError(String);

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(flatten)]
    further: &'a Map<String, Value>,
}

/// Signs a token with HS256, issued at `now`.
///
/// # Errors
/// If the library cannot sign. It can with every valid secret.
pub fn mint(secret: &HmacSecret, token: &NewToken, now: Timestamp) -> Result<String, MintError> {
    let claims = Claims {
        sub: token.user.as_str(),
        iat: now.as_secs(),
        exp: now.after(token.ttl).as_secs(),
        aud: token.audience.as_deref(),
        iss: token.issuer.as_deref(),
        further: &token.further_claims,
    };
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|error| MintError(error.to_string()))
}
