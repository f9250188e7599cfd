//! Verifies a token and returns its user.
//!
//! Called for every request with a bearer token. Verifying a signature and parsing the claims take up to twice the time of
//! the rest of a request, so verified claims are cached by the SHA-256 of the token. Invariants: the dates of cached claims
//! are checked on every use, memberships are not cached, and claims that were verified with an earlier JWK set are never
//! used again.

use std::sync::{Arc, PoisonError, RwLock};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, crypto};
use quick_cache::sync::Cache;
use serde::de::DeserializeOwned;

use super::{
    TokenError,
    claims::{Claims, ExpectedClaims},
    header::Header,
    key::TrustedKey,
    key_set::{self, KeySet},
};
use crate::model::{Timestamp, UserId, sha256};

/// The maximum length of a token, in bytes. A longer token is rejected before it is decoded.
pub const MAX_TOKEN_LENGTH: usize = 8 * 1024;

/// The number of tokens in the cache, of a few hundred bytes each. About one token per active user.
const CACHE_CAPACITY: usize = 4096;

/// Verifies tokens with one key, with a JWK set, or with a set and a secret beside it. Caches the claims of verified tokens.
pub struct Verifier {
    /// The key that never changes. Without a JWK set, the only one.
    fixed: Option<TrustedKey>,
    /// `None` if no JWK set is configured.
    key_set: Option<RwLock<Arc<CurrentKeySet>>>,
    expected: ExpectedClaims,
    cache: Cache<CacheKey, Arc<Verified>>,
}

/// The JWK set that verifies tokens now.
#[derive(Default)]
struct CurrentKeySet {
    /// `None` before the first set.
    set: Option<Arc<KeySet>>,
    /// The set is not used from this instant on.
    usable_until: Option<Timestamp>,
    /// Increases whenever the set changes.
    generation: u64,
}

/// A token and the generation of the JWK set that verified it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct CacheKey {
    token_hash: [u8; 32],
    generation: u64,
}

/// The claims of a token with a valid signature.
struct Verified {
    claims: Claims,
    by_key_set: bool,
}

/// A source of keys.
enum Source<'a> {
    Fixed(&'a TrustedKey),
    KeySet(&'a CurrentKeySet),
}

impl CurrentKeySet {
    fn set_at(&self, now: Timestamp) -> Option<&KeySet> {
        let is_usable = self.usable_until.is_none_or(|end| now < end);
        self.set.as_deref().filter(|_| is_usable)
    }
}

impl Verifier {
    /// Creates a verifier for tokens that are signed with `trusted` and have the `expected` claims.
    #[must_use]
    pub fn new(trusted: TrustedKey, expected: ExpectedClaims) -> Self {
        Self {
            fixed: Some(trusted),
            key_set: None,
            expected,
            cache: Cache::new(CACHE_CAPACITY),
        }
    }

    /// Creates a verifier for tokens that are signed with a key of a JWK set, or with HS256 and `secret`. Until the first
    /// [`Verifier::replace_key_set`], a token that a set could verify is rejected with [`TokenError::NoKeySet`].
    #[must_use]
    pub fn with_key_set(secret: Option<TrustedKey>, expected: ExpectedClaims) -> Self {
        Self {
            fixed: secret,
            key_set: Some(RwLock::default()),
            expected,
            cache: Cache::new(CACHE_CAPACITY),
        }
    }

    /// Replaces the JWK set, until `usable_until` or for ever. Returns whether its text differs from the previous one. The
    /// cached claims of tokens are not used any more then. Without effect if no JWK set is configured.
    pub fn replace_key_set(&self, set: KeySet, usable_until: Option<Timestamp>) -> bool {
        let Some(key_set) = &self.key_set else {
            return false;
        };
        let mut current = key_set.write().unwrap_or_else(PoisonError::into_inner);
        let previous = current.set.as_ref();
        let same = previous.filter(|previous| previous.is_same_as(&set));
        let (set, is_new) = match same {
            Some(same) => (Arc::clone(same), false),
            None => (Arc::new(set), true),
        };
        *current = Arc::new(CurrentKeySet {
            set: Some(set),
            usable_until,
            generation: current.generation + u64::from(is_new),
        });
        is_new
    }

    /// Returns the instant from which the JWK set is not used any more. `None` if there is no set, or no such instant.
    #[must_use]
    pub fn key_set_end(&self) -> Option<Timestamp> {
        self.current_key_set()?.usable_until
    }

    /// Verifies `token` at `now` and returns its user.
    ///
    /// # Errors
    /// The first check that failed; see [`TokenError`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<UserId, TokenError> {
        let verified = self.verified(token, now)?;
        verified.claims.user(now, &self.expected)
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
        let verified = self.verified(token, now)?;
        let user = verified.claims.user(now, &self.expected)?;
        let expiry = verified.claims.expiry().ok_or(TokenError::Expiry)?;
        Ok((user, expiry))
    }

    fn current_key_set(&self) -> Option<Arc<CurrentKeySet>> {
        let current = self.key_set.as_ref()?.read();
        Some(Arc::clone(&current.unwrap_or_else(PoisonError::into_inner)))
    }

    /// Returns the claims of a token whose signature is valid. Their dates are unchecked.
    fn verified(&self, token: &str, now: Timestamp) -> Result<Arc<Verified>, TokenError> {
        if token.len() > MAX_TOKEN_LENGTH {
            return Err(TokenError::TooLong);
        }
        let current = self.current_key_set();
        let current = current.as_deref();
        let cache_key = CacheKey {
            token_hash: sha256(token.as_bytes()),
            generation: current.map_or(0, |current| current.generation),
        };
        let verified = self.cache.get_or_insert_with(&cache_key, || {
            self.verify_signature(token, current, now).map(Arc::new)
        })?;
        let has_set = current.is_some_and(|current| current.set_at(now).is_some());
        if verified.by_key_set && !has_set {
            return Err(TokenError::NoKeySet);
        }
        Ok(verified)
    }

    /// Returns the claims of a token with a valid signature (RFC 7519, section 7.2), unchecked. Parses the token completely
    /// before it selects a key, so that the error of a malformed token is [`TokenError::Malformed`].
    fn verify_signature(
        &self,
        token: &str,
        current: Option<&CurrentKeySet>,
        now: Timestamp,
    ) -> Result<Verified, TokenError> {
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = json(header)?;
        let source = self.source_for(header.algorithm(), current)?;
        header.check()?;
        let claims = json(payload)?;
        decode(signature)?;
        let (trusted, by_key_set) = match source {
            Source::Fixed(trusted) => (trusted, false),
            Source::KeySet(current) => {
                let set = current.set_at(now).ok_or(TokenError::NoKeySet)?;
                (set.select(header.key_id(), header.algorithm())?, true)
            }
        };
        let TrustedKey { algorithm, key } = trusted;
        match crypto::verify(signature, message.as_bytes(), key, *algorithm) {
            Ok(true) => Ok(Verified { claims, by_key_set }),
            Ok(false) => Err(TokenError::Signature),
            Err(_) => Err(TokenError::Malformed),
        }
    }

    /// Returns the source of keys for an algorithm.
    fn source_for<'a>(
        &'a self,
        algorithm: Algorithm,
        current: Option<&'a CurrentKeySet>,
    ) -> Result<Source<'a>, TokenError> {
        let fixed = self.fixed.as_ref();
        if let Some(trusted) = fixed.filter(|trusted| trusted.algorithm == algorithm) {
            return Ok(Source::Fixed(trusted));
        }
        current
            .filter(|_| key_set::is_supported(algorithm))
            .map(Source::KeySet)
            .ok_or(TokenError::Algorithm)
    }
}

/// Decodes one part of a token: JSON in Base64url without padding.
fn json<T: DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    serde_json::from_slice(&decode(part)?).map_err(|_| TokenError::Malformed)
}

/// Decodes Base64url without padding.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)
}
