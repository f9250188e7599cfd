//! The reasons why a token is rejected, with their texts for the client and for the log.
//!
//! Raised by [`super::verify`]. Invariant: the variants are in the order of the checks, and a check runs only if all earlier
//! ones have passed.

/// The reason why a token was rejected, in the order of the checks. The text is for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is longer than 8 KiB.
    #[error("the token is too long")]
    TooLong,
    /// The token is not three Base64url parts of which two are JSON objects, or has a duplicate claim.
    #[error("the token is malformed")]
    Malformed,
    /// `alg` is an algorithm that no configured source of keys uses.
    #[error("the token names another algorithm")]
    Algorithm,
    /// The header has `crit` or `b64`, which llavero does not implement (RFC 7515, section 4.1.11; RFC 7797).
    #[error("the token has a critical extension")]
    Extension,
    /// The JWT is not an access token (RFC 8725, section 3.11).
    #[error("the token is of another type")]
    Type,
    /// A JWK set is configured, but none is available now, so that the token can neither be accepted nor rejected.
    #[error("no JWK set is available")]
    NoKeySet,
    /// The JWK set has no key with the token's `kid`.
    #[error("the JWK set has no key with the kid of the token")]
    UnknownKey,
    /// The token has no `kid`, and the JWK set does not have exactly one key for its algorithm.
    #[error(
        "the token has no kid, and the JWK set does not have exactly one key for its algorithm"
    )]
    AmbiguousKey,
    /// The key does not verify the signature, or is not a key for the token's algorithm.
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
            Self::NoKeySet => "The keys of the issuer are not available now",
            Self::UnknownKey | Self::AmbiguousKey => "The token names an unknown key",
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
