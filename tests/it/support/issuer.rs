//! An issuer of bearer tokens: a pair of keys from `tests/keys`, the JWK of the public one, and tokens.

use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use serde_json::{Value, json};

use super::{ANA, base64url};

/// The year 2100, so that tokens are valid by the clock of a test and by that of the machine.
const EXP: i64 = 4_102_444_800;

/// A pair of keys.
pub(crate) struct Issuer {
    pub(crate) algorithm: Algorithm,
    key: EncodingKey,
}

impl Issuer {
    pub(crate) fn p256() -> Self {
        Self::ec(include_bytes!("../../keys/p256-private.pem"))
    }

    /// Another pair of P-256.
    pub(crate) fn other_p256() -> Self {
        Self::ec(include_bytes!("../../keys/p256-other-private.pem"))
    }

    pub(crate) fn rsa() -> Self {
        let pem = include_bytes!("../../keys/rsa-2048-private.pem");
        Self {
            algorithm: Algorithm::RS256,
            key: EncodingKey::from_rsa_pem(pem).unwrap(),
        }
    }

    pub(crate) fn ed25519() -> Self {
        let pem = include_bytes!("../../keys/ed25519-private.pem");
        Self {
            algorithm: Algorithm::EdDSA,
            key: EncodingKey::from_ed_pem(pem).unwrap(),
        }
    }

    /// One issuer of each algorithm.
    pub(crate) fn all() -> [Self; 3] {
        [Self::p256(), Self::rsa(), Self::ed25519()]
    }

    fn ec(pem: &[u8]) -> Self {
        Self {
            algorithm: Algorithm::ES256,
            key: EncodingKey::from_ec_pem(pem).unwrap(),
        }
    }

    /// The public key as a JWK, as Supabase Auth publishes it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        jwk["key_ops"] = json!(["verify"]);
        jwk["ext"] = true.into();
        jwk
    }

    /// A JWK set with this key alone.
    pub(crate) fn set(&self, kid: &str) -> String {
        set_of([self.jwk(kid)])
    }

    /// A token of Ana's that names `kid`.
    pub(crate) fn token(&self, kid: &str) -> String {
        self.sign(&json!({ "alg": self.algorithm, "typ": "JWT", "kid": kid }))
    }

    /// A token of Ana's that names no key.
    pub(crate) fn token_without_kid(&self) -> String {
        self.sign(&json!({ "alg": self.algorithm }))
    }

    /// A token of Ana's with this header.
    pub(crate) fn sign(&self, header: &Value) -> String {
        let claims = json!({ "sub": ANA, "exp": EXP });
        let message = format!(
            "{}.{}",
            base64url(header.to_string()),
            base64url(claims.to_string())
        );
        let signature = crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// A JWK set.
pub(crate) fn set_of(jwks: impl IntoIterator<Item = Value>) -> String {
    json!({ "keys": jwks.into_iter().collect::<Vec<_>>() }).to_string()
}
