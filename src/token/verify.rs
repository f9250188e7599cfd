//! From a token to the user it speaks for.
//!
//! The signature of an asymmetric token costs more than the rest of a request, so verified claims are
//! remembered by the SHA-256 of the whole token. Only claims are: their dates are checked on every use, and
//! who is a member of what is not a matter of tokens.

use std::{collections::HashSet, sync::Arc};

use aws_lc_rs::digest;
use jsonwebtoken::{Algorithm, Validation, decode};
use quick_cache::sync::Cache;

use super::{
    claims::{Claims, Expected},
    header,
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
    signature_only: Validation,
    expected: Expected,
    remembered: Option<Cache<[u8; 32], Arc<Claims>>>,
}

impl Verifier {
    /// A verifier for tokens signed with `trusted` that say what is `expected`.
    #[must_use]
    pub fn new(trusted: TrustedKey, expected: Expected) -> Self {
        let mut signature_only = Validation::new(trusted.algorithm);
        signature_only.required_spec_claims = HashSet::new();
        signature_only.validate_exp = false;
        signature_only.validate_aud = false;
        // Hashing a token costs what an HMAC of it costs: nothing to gain there.
        let asymmetric = trusted.algorithm != Algorithm::HS256;
        Self {
            trusted,
            signature_only,
            expected,
            remembered: asymmetric.then(|| Cache::new(REMEMBERED)),
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
        match &self.remembered {
            None => self.claims(token)?.user(now, &self.expected),
            Some(remembered) => {
                let mut key = [0; 32];
                key.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
                let claims =
                    remembered.get_or_insert_with(&key, || self.claims(token).map(Arc::new))?;
                claims.user(now, &self.expected)
            }
        }
    }

    /// The claims of a token with a good signature.
    fn claims(&self, token: &str) -> Result<Claims, TokenError> {
        header::check(token, self.trusted.algorithm)?;
        decode::<Claims>(token, &self.trusted.key, &self.signature_only)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::Signature,
                _ => TokenError::Malformed,
            })
    }
}
