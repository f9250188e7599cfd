//! A token's header (RFC 7515, section 4): is it of a kind that is verified here?
//!
//! Read before anything is verified, and strictly: what cannot be honoured must not be ignored. Parameters that
//! would name another key (`kid`, `jku`, `jwk`, `x5u` …) have no say, so they are not looked at.

use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::IgnoredAny};

use super::{
    TokenError,
    claims::{Others, present},
};

/// The header parameters that matter here; others are ignored.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    alg: Algorithm,
    #[serde(default, deserialize_with = "present")]
    typ: Option<String>,
    /// Of the registered type, said once; and then not looked at.
    #[serde(default, deserialize_with = "present", rename = "kid")]
    _kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    b64: Option<IgnoredAny>,
    #[serde(flatten)]
    _others: Others,
}

impl Header {
    /// Checks the header against the algorithm of the configured key.
    pub(super) fn check(&self, algorithm: Algorithm) -> Result<(), TokenError> {
        if self.alg != algorithm {
            return Err(TokenError::Algorithm);
        }
        if self.crit.is_some() || self.b64.is_some() {
            return Err(TokenError::Extension);
        }
        let typ = self.typ.as_deref().unwrap_or("JWT");
        let typ = typ.strip_prefix("application/").unwrap_or(typ);
        if !typ.eq_ignore_ascii_case("JWT") && !typ.eq_ignore_ascii_case("at+jwt") {
            return Err(TokenError::Type);
        }
        Ok(())
    }
}
