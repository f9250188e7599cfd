//! Making a token that a verifier with the same secret takes.
//!
//! HS256 only: the private halves of public keys belong to their issuers. Used by `llavero token` and the demo.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

use super::key::HmacSecret;
use crate::model::{Timestamp, UserId};

/// What a token shall say.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whom it speaks for.
    pub user: UserId,
    /// How long it is good for, to the second.
    pub ttl: Duration,
    /// Its `aud`.
    pub audience: Option<String>,
    /// Its `iss`.
    pub issuer: Option<String>,
}

/// Why a token was not signed.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign: {0}")]
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
}

/// Signs a token with HS256, issued at `now`.
///
/// # Errors
/// When the library cannot sign, which no valid secret brings about.
pub fn mint(secret: &HmacSecret, token: &NewToken, now: Timestamp) -> Result<String, MintError> {
    let claims = Claims {
        sub: token.user.as_str(),
        iat: now.as_secs(),
        exp: now.after(token.ttl).as_secs(),
        aud: token.audience.as_deref(),
        iss: token.issuer.as_deref(),
    };
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(Algorithm::HS256), &claims, &key)
        .map_err(|error| MintError(error.to_string()))
}
