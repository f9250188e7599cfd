//! The one key that tokens are checked with, and what makes a key unfit.
//!
//! The algorithm belongs to the key and is fixed here, before any token is seen. An unfit key is refused at
//! start, with a line that says why, instead of refusing every token later without a word.

use std::ops::RangeInclusive;

use aws_lc_rs::{
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey},
};
use jsonwebtoken::{Algorithm, DecodingKey};

/// What aws-lc verifies with: 2048 to 8192 bits.
const RSA_BYTES: RangeInclusive<usize> = 256..=1024;

/// Why a key was not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// RFC 7518, section 3.2: a key at least as long as the hash.
    #[error(
        "the HS256 secret has {0} bytes, at least 32 are needed: make one with `openssl rand -hex 32`"
    )]
    ShortSecret(usize),

    /// A key file where a secret belongs: a public key is no secret, and its text would pass for one.
    #[error("this is a PEM key, not a secret: give a public key with --jwt-public-key")]
    NotASecret,

    /// The private half was given.
    #[error(
        "this is a private key, which has no place here: give the public one (`openssl pkey -pubout`)"
    )]
    Private,

    /// The sandbox's secret, which is no secret.
    #[error(
        "this is the secret of every llavero sandbox, which everybody knows: make one with `openssl rand -hex 32`"
    )]
    SandboxSecret,

    /// Not a public key in PEM, or of no supported type.
    #[error(
        "not a public key in PEM: an RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA) key is needed"
    )]
    NotAPublicKey,

    /// Right type, wrong curve or size.
    #[error(
        "the key does not fit {0}: an RSA key needs 2048 to 8192 bits, an EC key the curve P-256"
    )]
    Unsupported(&'static str),
}

/// An HS256 secret of at least 32 bytes. Does not print.
#[derive(Clone)]
pub struct HmacSecret(Vec<u8>);

impl HmacSecret {
    /// What the tokens of every sandbox are signed with. Published here, so that a token can be printed in documentation
    /// and made in anybody's tests; and refused wherever a secret is expected. It fills the block of HMAC-SHA-256
    /// exactly: a shorter one would be the same key with zeros behind it, a longer one the same as its hash (RFC 2104,
    /// section 2).
    pub const SANDBOX: &str = "llavero sandbox: everyone knows this secret, no server trusts it";

    /// Takes a secret that is long enough, and not a key that was meant for another flag.
    ///
    /// # Errors
    /// [`KeyError::ShortSecret`] below 32 bytes, [`KeyError::NotASecret`] for the text of a PEM key,
    /// [`KeyError::SandboxSecret`] for the one that is public.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let secret = secret.into();
        if secret.len() < 32 {
            return Err(KeyError::ShortSecret(secret.len()));
        }
        if secret.trim_ascii_start().starts_with(b"-----BEGIN ") {
            return Err(KeyError::NotASecret);
        }
        if secret.trim_ascii() == Self::SANDBOX.as_bytes() {
            return Err(KeyError::SandboxSecret);
        }
        Ok(Self(secret))
    }

    /// The public secret of every sandbox, which nothing else takes.
    #[must_use]
    pub fn sandbox() -> Self {
        Self(Self::SANDBOX.into())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 32]> for HmacSecret {
    fn from(secret: [u8; 32]) -> Self {
        Self(secret.to_vec())
    }
}

impl std::fmt::Debug for HmacSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacSecret(..)")
    }
}

/// The key that tokens must be signed with.
pub struct TrustedKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

impl TrustedKey {
    /// HS256 with `secret`.
    #[must_use]
    pub fn from_secret(secret: &HmacSecret) -> Self {
        Self {
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret.as_bytes()),
        }
    }

    /// ES256, RS256 or EdDSA, by the type of the public key in `pem`.
    ///
    /// # Errors
    /// When `pem` is no public key, a private one, or one of another curve or size.
    pub fn from_public_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let text = String::from_utf8_lossy(pem);
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        // Of several blocks the library would take the first; which one is meant is not for us to guess.
        if text.matches("-----BEGIN ").count() != 1 || !text.contains("PUBLIC KEY-----") {
            return Err(KeyError::NotAPublicKey);
        }
        let (algorithm, name, key) = if let Ok(key) = DecodingKey::from_ed_pem(pem) {
            (Algorithm::EdDSA, "EdDSA", key)
        } else if let Ok(key) = DecodingKey::from_ec_pem(pem) {
            (Algorithm::ES256, "ES256", key)
        } else if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
            (Algorithm::RS256, "RS256", key)
        } else {
            return Err(KeyError::NotAPublicKey);
        };
        let bytes = key
            .try_get_as_bytes()
            .map_err(|_| KeyError::NotAPublicKey)?;
        let fits = match algorithm {
            Algorithm::EdDSA => ParsedPublicKey::new(&ED25519, bytes).is_ok(),
            Algorithm::ES256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).is_ok(),
            _ => rsa::PublicKey::from_der(bytes)
                .is_ok_and(|key| RSA_BYTES.contains(&key.modulus_len())),
        };
        if !fits {
            return Err(KeyError::Unsupported(name));
        }
        Ok(Self { algorithm, key })
    }
}
