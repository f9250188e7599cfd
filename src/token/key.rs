//! The key that verifies tokens, and the checks that a configured key must pass.
//!
//! Used by `serve` and `token` at start. Invariant: the type of the key determines the algorithm; the header of a token
//! does not. An unsuitable key is rejected at start with a reason, because it would later reject every token.

use std::ops::RangeInclusive;

use aws_lc_rs::{
    rsa,
    signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey},
};
use jsonwebtoken::{Algorithm, DecodingKey};

/// The sizes of RSA keys that aws-lc verifies with: 2048 to 8192 bits.
const RSA_BYTES: RangeInclusive<usize> = 256..=1024;

/// The reason why a key was rejected.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A secret is shorter than the hash (RFC 7518, section 3.2).
    #[error(
        "the HS256 secret has {0} bytes, but must have at least 32: create one with `openssl rand -hex 32`"
    )]
    ShortSecret(usize),

    /// A PEM key was given as the secret. A public key is not secret, but its text is long enough to be accepted.
    #[error("this is a PEM key, not a secret: use --jwt-public-key for a public key")]
    NotASecret,

    /// A private key was given.
    #[error(
        "this is a private key, which the server must not have: use the public key (`openssl pkey -pubout`)"
    )]
    Private,

    /// The secret of the sandbox, which is published.
    #[error(
        "this is the published secret of all llavero sandboxes: create another with `openssl rand -hex 32`"
    )]
    SandboxSecret,

    /// The text is not one public key in PEM, or its type is not supported.
    #[error("not a public key in PEM: use an RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA) key")]
    NotAPublicKey,

    /// The type is supported, but not the curve or the size.
    #[error(
        "the key is not suitable for {0}: an RSA key must have 2048 to 8192 bits, an EC key the curve P-256"
    )]
    Unsupported(&'static str),
}

/// An HS256 secret of at least 32 bytes. `Debug` does not print it.
#[derive(Clone)]
pub struct HmacSecret(Vec<u8>);

impl HmacSecret {
    /// The secret that signs the tokens of every sandbox. It is published, so that documentation can print tokens and tests
    /// can sign them, and rejected as the secret of other servers. Its length is the block size of HMAC-SHA-256: a shorter
    /// secret is equivalent to itself with zeros appended, a longer one to its hash (RFC 2104, section 2), and such an
    /// equivalent secret would not be rejected.
    pub const SANDBOX: &str = "llavero sandbox: everyone knows this secret, no server trusts it";

    /// Checks a secret.
    ///
    /// # Errors
    /// [`KeyError::ShortSecret`] for less than 32 bytes, [`KeyError::NotASecret`] for a PEM key,
    /// [`KeyError::SandboxSecret`] for the secret of the sandbox.
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

    /// Returns the published secret of every sandbox, which other servers reject.
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
    /// Creates a key for HS256 with `secret`.
    #[must_use]
    pub fn from_secret(secret: &HmacSecret) -> Self {
        Self {
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret.as_bytes()),
        }
    }

    /// Creates a key for ES256, RS256 or EdDSA, depending on the type of the public key in `pem`.
    ///
    /// # Errors
    /// If `pem` is not one public key, or if its curve or size is not supported.
    pub fn from_public_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let text = String::from_utf8_lossy(pem);
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        // The library would use the first of several blocks, which may not be the intended one.
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
        let is_supported = match algorithm {
            Algorithm::EdDSA => ParsedPublicKey::new(&ED25519, bytes).is_ok(),
            Algorithm::ES256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).is_ok(),
            _ => rsa::PublicKey::from_der(bytes)
                .is_ok_and(|key| RSA_BYTES.contains(&key.modulus_len())),
        };
        if !is_supported {
            return Err(KeyError::Unsupported(name));
        }
        Ok(Self { algorithm, key })
    }
}
