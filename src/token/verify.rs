//! From a token to the user it speaks for.
//!
//! Checking a signature and parsing what it signs costs up to twice the rest of a request, so verified claims
//! are remembered by the SHA-256 of the whole token. Only claims are: their dates are checked on every use, and
//! who is a member of what is not a matter of tokens.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::crypto;
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;

use super::{
    claims::{Claims, Expected},
    header::Header,
    trust::TrustedKey,
};
use crate::model::{Timestamp, UserId};

/// A longer token is refused before anything of it is decoded, in bytes.
const LONGEST_TOKEN: usize = 8 * 1024;

/// How many tokens are remembered: users at once, more or less. A few hundred bytes each.
const REMEMBERED: usize = 4096;

/// Why a token was not taken. The caller learns only that it was not; the log says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Over 8 KiB.
    #[error("the token is too long")]
    TooLong,
    /// Not three Base64url parts of JSON, or a claim that is missing or of the wrong type.
    #[error("the token is malformed")]
    Malformed,
    /// Signed for another algorithm than the configured key's.
    #[error("the token names another algorithm")]
    Algorithm,
    /// `crit` or `b64`: it asks for something this verifier does not do (RFC 7515, section 4.1.11; RFC 7797).
    #[error("the token has a critical extension")]
    Extension,
    /// Another kind of JWT than an access token (RFC 8725, section 3.11).
    #[error("the token is of another type")]
    Type,
    /// The signature is not the configured key's.
    #[error("the signature does not match")]
    Signature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is still to come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `aud` does not name this service.
    #[error("the token is for another audience")]
    Audience,
    /// `iss` is somebody else.
    #[error("the token is from another issuer")]
    Issuer,
}

/// Checks tokens against one key.
pub struct Verifier {
    trusted: TrustedKey,
    expected: Expected,
    remembered: Cache<[u8; 32], Arc<Claims>>,
}

impl Verifier {
    /// A verifier for tokens signed with `trusted` that say what is `expected`.
    #[must_use]
    pub fn new(trusted: TrustedKey, expected: Expected) -> Self {
        Self {
            trusted,
            expected,
            remembered: Cache::new(REMEMBERED),
        }
    }

    /// The user that `token` speaks for at `now`.
    ///
    /// # Errors
    /// Whatever is wrong with the token; see [`TokenError`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<UserId, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::TooLong);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        let claims = self
            .remembered
            .get_or_insert_with(&hash, || self.claims(token).map(Arc::new))?;
        claims.user(now, &self.expected)
    }

    /// The claims of a token with a good signature (RFC 7519, section 7.2). No claim is looked at before.
    fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        let TrustedKey { algorithm, key } = &self.trusted;
        json::<Header>(header)?.check(*algorithm)?;
        match crypto::verify(signature, message.as_bytes(), key, *algorithm) {
            Ok(true) => json(payload),
            Ok(false) => Err(TokenError::Signature),
            Err(_) => Err(TokenError::Malformed),
        }
    }
}

/// One part of a token: Base64url, without padding, of JSON.
fn json<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}
