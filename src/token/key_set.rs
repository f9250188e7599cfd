//! A JWK set (RFC 7517, section 5): the public keys of an issuer, of which a token's `kid` selects one.
//!
//! Parsed by the commands from a file and by [`crate::key_set`] from a response; consulted by [`super::verify`]. Invariant:
//! a set contains only keys that verify tokens, and a `kid` selects at most one of them. Each rejected key is reported
//! with its reason, and the others are used.

use std::collections::HashMap;

use jsonwebtoken::Algorithm;
use serde_json::Value;

use super::{
    TokenError,
    jwk::{self, JwkError},
    key::TrustedKey,
};
use crate::model::sha256;

/// The maximum size of a JWK set in bytes.
pub const MAX_KEY_SET_SIZE: usize = 64 * 1024;

/// The reason why a text is not a JWK set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// The text is not a JSON object with an array `keys`.
    #[error("not a JWK set: write a JSON object with an array `keys` (RFC 7517, section 5)")]
    NotASet,
    /// The text is one JWK.
    #[error("this is a single JWK, not a JWK set: write {{\"keys\": [JWK]}}")]
    SingleKey,
    /// The text is a PEM file.
    #[error("this is a PEM file, not a JWK set: use --jwt-public-key for a public key")]
    Pem,
}

/// The usable keys of a JWK set.
pub struct KeySet {
    keys: Vec<SetKey>,
    /// The SHA-256 of the text.
    digest: [u8; 32],
}

struct SetKey {
    id: Option<String>,
    key: TrustedKey,
}

/// A JWK set, and the keys of its text that are not usable.
pub struct ParsedKeySet {
    /// The usable keys. There may be none.
    pub set: KeySet,
    /// The others.
    pub rejected: Vec<RejectedKey>,
}

/// A key that was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedKey {
    /// Its `kid`, truncated, or its position in the set, such as `#2`.
    pub name: String,
    /// The reason.
    pub reason: JwkError,
}

impl KeySet {
    /// Parses a JWK set.
    ///
    /// # Errors
    /// If the text is not a JWK set. Rejected keys are not an error.
    pub fn parse(text: &[u8]) -> Result<ParsedKeySet, KeySetError> {
        let mut parsed = ParsedKeySet {
            set: Self {
                keys: Vec::new(),
                digest: sha256(text),
            },
            rejected: Vec::new(),
        };
        let jwks = jwks(text)?;
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for id in jwks.iter().filter_map(jwk::id) {
            *uses.entry(id).or_default() += 1;
        }
        for (jwk, position) in jwks.iter().zip(1..) {
            let id = jwk::id(jwk);
            let is_shared = id.is_some_and(|id| uses.get(id).is_some_and(|uses| *uses > 1));
            let key = match jwk::parse(jwk) {
                Ok(_) if is_shared => Err(JwkError::SharedId),
                key => key,
            };
            parsed.add(id, position, key);
        }
        Ok(parsed)
    }

    /// Returns whether the set has no usable key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns whether both sets were parsed from the same text.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Returns the number of usable keys by algorithm.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, usize); 3] {
        let count = |algorithm| self.keys_for(algorithm).count();
        [
            ("ES256", count(Algorithm::ES256)),
            ("RS256", count(Algorithm::RS256)),
            ("EdDSA", count(Algorithm::EdDSA)),
        ]
    }

    /// Selects the key for a token: by `kid`, or without one the only key for the algorithm.
    pub(super) fn select(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&TrustedKey, TokenError> {
        let Some(id) = id else {
            let mut keys = self.keys_for(algorithm);
            return match (keys.next(), keys.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(TokenError::AmbiguousKey),
            };
        };
        let found = self.keys.iter().find(|key| key.id.as_deref() == Some(id));
        let SetKey { key, .. } = found.ok_or(TokenError::UnknownKey)?;
        if key.algorithm == algorithm {
            Ok(key)
        } else {
            Err(TokenError::Signature)
        }
    }

    fn keys_for(&self, algorithm: Algorithm) -> impl Iterator<Item = &TrustedKey> {
        let keys = self.keys.iter().map(|key| &key.key);
        keys.filter(move |key| key.algorithm == algorithm)
    }
}

/// Returns whether a JWK set may have keys for the algorithm.
pub(super) fn is_supported(algorithm: Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::ES256 | Algorithm::RS256 | Algorithm::EdDSA
    )
}

impl ParsedKeySet {
    fn add(&mut self, id: Option<&str>, position: usize, key: Result<TrustedKey, JwkError>) {
        match key {
            Ok(key) => self.set.keys.push(SetKey {
                id: id.map(str::to_owned),
                key,
            }),
            Err(reason) => self.rejected.push(RejectedKey {
                name: id.map_or_else(|| format!("#{position}"), jwk::shown),
                reason,
            }),
        }
    }
}

/// Returns the elements of `keys`.
fn jwks(text: &[u8]) -> Result<Vec<Value>, KeySetError> {
    if text.trim_ascii_start().starts_with(b"-----BEGIN ") {
        return Err(KeySetError::Pem);
    }
    match serde_json::from_slice(text) {
        Ok(Value::Object(mut set)) => match set.remove("keys") {
            Some(Value::Array(jwks)) => Ok(jwks),
            None if set.contains_key("kty") => Err(KeySetError::SingleKey),
            _ => Err(KeySetError::NotASet),
        },
        _ => Err(KeySetError::NotASet),
    }
}
