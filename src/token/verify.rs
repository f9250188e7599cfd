//! Verifies a token and returns its user.
//!
//! Called for every request with a bearer token. Verifying a signature and parsing the claims take up to twice the time of
//! the rest of a request, so verified claims are cached by the SHA-256 of the token. Invariant: the dates of cached claims
//! are checked on every use, and memberships are not cached.

use std::sync::Arc;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::crypto;
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;

use super::{
    claims::{Claims, ExpectedClaims},
    header::Header,
    key::TrustedKey,
};
use crate::model::{Timestamp, UserId};

/// The maximum length of a token, in bytes. A longer token is rejected before it is decoded.
const MAX_TOKEN_LENGTH: usize = 8 * 1024;

/// The number of tokens in the cache, of a few hundred bytes each. About one token per active user.
const CACHE_CAPACITY: usize = 4096;

/// The reason why a token was rejected, in the order of the checks. The text is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is longer than 8 KiB.
    #[error("the token is too long")]
    TooLong,
    /// The token is not three Base64url parts of which two are JSON objects, or has a duplicate claim.
    #[error("the token is malformed")]
    Malformed,
    /// `alg` is not the algorithm of the configured key.
    #[error("the token names another algorithm")]
    Algorithm,
    /// The header has `crit` or `b64`, which llavero does not implement (RFC 7515, section 4.1.11; RFC 7797).
    #[error("the token has a critical extension")]
    Extension,
    /// The JWT is not an access token (RFC 8725, section 3.11).
    #[error("the token is of another type")]
    Type,
    /// The configured key does not verify the signature.
    #[error("the signature does not match")]
    Signature,
    /// `exp` is missing, not a number or after the year 9999.
    #[error("the token lacks a valid exp")]
    Expiry,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is in the future or not a number.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// `sub` is missing, not a string or empty.
    #[error("the token lacks a valid sub")]
    Subject,
    /// `aud` does not name this service or is of the wrong type.
    #[error("the token is for another audience")]
    Audience,
    /// `iss` is another issuer or not a string.
    #[error("the token is from another issuer")]
    Issuer,
}

impl TokenError {
    /// Returns the text for the client, the `error_description` of RFC 6750, section 3.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::TooLong | Self::Malformed | Self::Algorithm | Self::Extension | Self::Type => {
                "The token is malformed"
            }
            Self::Signature => "The token's signature does not match",
            Self::Expiry => "The token lacks a valid exp",
            Self::Expired => "The token has expired",
            Self::NotYetValid => "The token is not valid yet",
            Self::Subject => "The token lacks a valid sub",
            Self::Audience => "The token is for another audience",
            Self::Issuer => "The token is from another issuer",
        }
    }
}

/// Verifies tokens with one key. Caches the claims of verified tokens.
pub struct Verifier {
    trusted: TrustedKey,
    expected: ExpectedClaims,
    cache: Cache<[u8; 32], Arc<Claims>>,
}

impl Verifier {
    /// Creates a verifier for tokens that are signed with `trusted` and have the `expected` claims.
    #[must_use]
    pub fn new(trusted: TrustedKey, expected: ExpectedClaims) -> Self {
        Self {
            trusted,
            expected,
            cache: Cache::new(CACHE_CAPACITY),
        }
    }

    /// Verifies `token` at `now` and returns its user.
    ///
    /// # Errors
    /// The first check that failed; see [`TokenError`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<UserId, TokenError> {
        self.verified_claims(token)?.user(now, &self.expected)
    }

    /// Verifies `token` at `now` and returns its user and its `exp`, for a session that must not outlive the token.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    pub fn verify_with_expiry(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<(UserId, Timestamp), TokenError> {
        let claims = self.verified_claims(token)?;
        let user = claims.user(now, &self.expected)?;
        Ok((user, claims.expiry().ok_or(TokenError::Expiry)?))
    }

    /// Returns the claims of a token whose signature is valid. Their dates are unchecked.
    fn verified_claims(&self, token: &str) -> Result<Arc<Claims>, TokenError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::TooLong);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        self.cache
            .get_or_insert_with(&hash, || self.claims(token).map(Arc::new))
    }

    /// Returns the claims of a token with a valid signature (RFC 7519, section 7.2), unchecked. Parses the token completely
    /// before it verifies the signature, so that the error of a malformed token is [`TokenError::Malformed`].
    fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        let TrustedKey { algorithm, key } = &self.trusted;
        json::<Header>(header)?.check(*algorithm)?;
        let claims = json(payload)?;
        match crypto::verify(signature, message.as_bytes(), key, *algorithm) {
            Ok(true) => Ok(claims),
            Ok(false) => Err(TokenError::Signature),
            Err(_) => Err(TokenError::Malformed),
        }
    }
}

/// Decodes one part of a token: JSON in Base64url without padding.
fn json<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}
