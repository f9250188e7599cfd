//! Parses and checks the header of a token (RFC 7515, section 4).
//!
//! The header is checked before the signature. Critical extensions are rejected, because llavero does not implement any.
//! `kid` selects a key of a JWK set. Parameters that contain or locate a key (`jku`, `jwk`, `x5u` …) are ignored.

use jsonwebtoken::Algorithm;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{TokenError, claims::Others};

/// The header parameters that are checked. Others are ignored.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    alg: Algorithm,
    #[serde(default, deserialize_with = "present")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    b64: Option<IgnoredAny>,
    #[serde(flatten)]
    _others: Others,
}

impl Header {
    /// Returns the algorithm that the token names.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.alg
    }

    /// Returns the id of the key that the token names.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Checks the extensions and the type.
    pub(super) fn check(&self) -> Result<(), TokenError> {
        if self.crit.is_some() || self.b64.is_some() {
            return Err(TokenError::Extension);
        }
        let typ = self.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        // RFC 7515, section 4.1.9: `application/` may be omitted, and the meaning is the same with it.
        match typ.strip_prefix("application/").unwrap_or(&typ) {
            "jwt" | "at+jwt" => Ok(()),
            _ => Err(TokenError::Type),
        }
    }
}

/// Deserializes an optional parameter. `null` is an error.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    parameter: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(parameter).map(Some)
}
