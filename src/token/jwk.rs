//! Parses a JSON Web Key (RFC 7517, section 4) into a key that verifies tokens.
//!
//! Used by [`super::key_set`]. Invariant: `kty`, `crv` and `alg` determine the algorithm; the header of a token does not.
//! A key that cannot verify ES256, RS256 or EdDSA safely is rejected with a reason, because it would later reject every
//! token. Sources: RFC 7518, section 6; RFC 8037, section 2.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::key::TrustedKey;

/// The sizes of RSA keys that aws-lc verifies with.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The length of a coordinate of P-256 and of a public key of Ed25519.
const COORDINATE_BYTES: usize = 32;

/// The maximum number of characters of a foreign text in an error.
const MAX_SHOWN: usize = 64;

/// The reason why a key of a JWK set was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// The key is not a JSON object.
    #[error("the key is not a JSON object")]
    NotAnObject,
    /// A member is of another JSON type than the RFC requires.
    #[error("`{0}` is missing or of the wrong type")]
    Member(&'static str),
    /// `kty` is `oct`.
    #[error(
        "the key is a shared secret, which must not be in a JWK set: configure it with --jwt-secret-file"
    )]
    Symmetric,
    /// The key has `d`.
    #[error("the key contains its private part: every reader of the set could sign tokens")]
    Private,
    /// `use` is not `sig`, or `key_ops` lacks `verify`.
    #[error("the key is not for signatures")]
    NotForSignatures,
    /// `kty`, `crv` or `alg` has another value than the supported ones.
    #[error(
        "`{member}` {value:?} is not supported: use ES256 (P-256), RS256 (RSA) or EdDSA (Ed25519)"
    )]
    Unsupported {
        /// The name of the member.
        member: &'static str,
        /// The value, truncated.
        value: String,
    },
    /// The RSA modulus is too short or too long.
    #[error("the RSA key has {0} bits, but must have 2048 to 8192")]
    RsaSize(usize),
    /// The numbers are no key, such as a point that is not on the curve.
    #[error("the numbers of the key are not valid")]
    Invalid,
    /// Another key of the set has the same `kid`.
    #[error("several keys of the set have this kid")]
    SharedId,
}

/// Returns the `kid` of a key, if it has one.
pub(super) fn id(jwk: &Value) -> Option<&str> {
    jwk.get("kid")?.as_str()
}

/// Converts a key. Ignores members that it does not know, as RFC 7517 requires.
pub(super) fn parse(jwk: &Value) -> Result<TrustedKey, JwkError> {
    let jwk = jwk.as_object().ok_or(JwkError::NotAnObject)?;
    optional_text(jwk, "kid")?;
    let kty = optional_text(jwk, "kty")?.ok_or(JwkError::Member("kty"))?;
    if kty == "oct" {
        return Err(JwkError::Symmetric);
    }
    check_use(jwk)?;
    let parse = match kty {
        "EC" => p256,
        "OKP" => ed25519,
        "RSA" => rsa,
        other => return Err(unsupported("kty", other)),
    };
    let key = parse(jwk)?;
    if jwk.contains_key("d") {
        return Err(JwkError::Private);
    }
    Ok(key)
}

/// Checks `use` and `key_ops` (RFC 7517, sections 4.2 and 4.3).
fn check_use(jwk: &Map<String, Value>) -> Result<(), JwkError> {
    let is_sig = optional_text(jwk, "use")?.is_none_or(|usage| usage == "sig");
    let verifies = match jwk.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => return Err(JwkError::Member("key_ops")),
    };
    if is_sig && verifies {
        Ok(())
    } else {
        Err(JwkError::NotForSignatures)
    }
}

fn p256(jwk: &Map<String, Value>) -> Result<TrustedKey, JwkError> {
    check_value(jwk, "crv", &["P-256"])?;
    check_algorithm(jwk, &["ES256"])?;
    // RFC 7518, section 6.2.1.2: the length of a coordinate is fixed. SEC 1, section 2.3.3: 4 means an uncompressed point.
    let point = [&[4], &*coordinate(jwk, "x")?, &*coordinate(jwk, "y")?].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).map_err(|_| JwkError::Invalid)?;
    Ok(TrustedKey {
        algorithm: Algorithm::ES256,
        key: DecodingKey::from_ec_der(&point),
    })
}

fn ed25519(jwk: &Map<String, Value>) -> Result<TrustedKey, JwkError> {
    check_value(jwk, "crv", &["Ed25519"])?;
    // RFC 9864, section 2.2, has the second name.
    check_algorithm(jwk, &["EdDSA", "Ed25519"])?;
    let point = coordinate(jwk, "x")?;
    ParsedPublicKey::new(&ED25519, &point).map_err(|_| JwkError::Invalid)?;
    Ok(TrustedKey {
        algorithm: Algorithm::EdDSA,
        key: DecodingKey::from_ed_der(&point),
    })
}

fn rsa(jwk: &Map<String, Value>) -> Result<TrustedKey, JwkError> {
    check_algorithm(jwk, &["RS256"])?;
    let (n, e) = (bytes(jwk, "n")?, bytes(jwk, "e")?);
    // Some issuers encode leading zeros, although RFC 7518, section 6.3.1.1, forbids it. aws-lc rejects them.
    let (n, e) = (without_leading_zeros(&n), without_leading_zeros(&e));
    let bits = n
        .first()
        .map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err(JwkError::RsaSize(bits));
    }
    if !is_odd(n) || !is_valid_exponent(e) {
        return Err(JwkError::Invalid);
    }
    Ok(TrustedKey {
        algorithm: Algorithm::RS256,
        key: DecodingKey::from_rsa_raw_components(n, e),
    })
}

/// Returns whether the exponent is odd and at least 3, and not larger than aws-lc verifies with. With 1, everyone could sign:
/// the signature would be the padded hash itself. aws-lc does not reject such a key when it is created.
fn is_valid_exponent(e: &[u8]) -> bool {
    is_odd(e) && e != [1] && e.len() <= 4
}

fn is_odd(number: &[u8]) -> bool {
    number.last().is_some_and(|last| last % 2 == 1)
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Checks `alg`, which is optional.
fn check_algorithm(jwk: &Map<String, Value>, supported: &[&str]) -> Result<(), JwkError> {
    match optional_text(jwk, "alg")? {
        Some(_) => check_value(jwk, "alg", supported),
        None => Ok(()),
    }
}

fn check_value(
    jwk: &Map<String, Value>,
    member: &'static str,
    supported: &[&str],
) -> Result<(), JwkError> {
    match optional_text(jwk, member)? {
        Some(value) if supported.contains(&value) => Ok(()),
        Some(value) => Err(unsupported(member, value)),
        None => Err(JwkError::Member(member)),
    }
}

fn optional_text<'a>(
    jwk: &'a Map<String, Value>,
    member: &'static str,
) -> Result<Option<&'a str>, JwkError> {
    match jwk.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwkError::Member(member)),
    }
}

/// Decodes a member in Base64url.
fn bytes(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, JwkError> {
    let text = optional_text(jwk, member)?.ok_or(JwkError::Member(member))?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| JwkError::Member(member))
}

fn coordinate(jwk: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, JwkError> {
    let bytes = bytes(jwk, member)?;
    if bytes.len() == COORDINATE_BYTES {
        Ok(bytes)
    } else {
        Err(JwkError::Invalid)
    }
}

fn unsupported(member: &'static str, value: &str) -> JwkError {
    JwkError::Unsupported {
        member,
        value: shown(value),
    }
}

/// Truncates a text of the issuer for an error or the log.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}
