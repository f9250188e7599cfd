//! A token's header (RFC 7515, section 4): is it of a kind that is verified here?
//!
//! Read before anything is verified, and strictly: what cannot be honoured must not be ignored. Parameters that
//! would name another key (`kid`, `jku`, `jwk`, `x5u` …) have no say, so they are not looked at.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use serde::{Deserialize, de::IgnoredAny};

use super::{TokenError, claims::present};

#[derive(Debug, Deserialize)]
struct Header {
    alg: Algorithm,
    #[serde(default, deserialize_with = "present")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    b64: Option<IgnoredAny>,
}

/// Checks the header of `token` against the algorithm of the configured key.
pub(super) fn check(token: &str, algorithm: Algorithm) -> Result<(), TokenError> {
    let (encoded, _) = token.split_once('.').ok_or(TokenError::Malformed)?;
    let json = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| TokenError::Malformed)?;
    let header: Header = serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)?;
    if header.alg != algorithm {
        return Err(TokenError::Algorithm);
    }
    if header.crit.is_some() || header.b64.is_some() {
        return Err(TokenError::Extension);
    }
    let typ = header.typ.as_deref().unwrap_or("JWT");
    let typ = typ.strip_prefix("application/").unwrap_or(typ);
    if !typ.eq_ignore_ascii_case("JWT") && !typ.eq_ignore_ascii_case("at+jwt") {
        return Err(TokenError::Type);
    }
    Ok(())
}
