//! The key that tokens are checked with: it fixes the algorithm, it never doubles as a secret, and an unfit one
//! is refused before any token is seen.

use jsonwebtoken::{
    Algorithm::{
        self, ES256, ES384, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512,
    },
    AlgorithmFamily, DecodingKey, EncodingKey,
    jwk::Jwk,
};
use llavero::{
    fixtures::Fixtures,
    token::{ExpectedClaims, HmacSecret, KeyError, TrustedKey},
};
use serde_json::json;

use super::{claims, is_accepted, message, sign};
use crate::support::{NOW, SECRET, TestApp};

const P256_PRIVATE: &str = include_str!("../../../keys/p256-private.pem");
pub(super) const P256_PUBLIC: &str = include_str!("../../../keys/p256-public.pem");
const RSA_PRIVATE: &str = include_str!("../../../keys/rsa-2048-private.pem");
pub(super) const RSA_PUBLIC: &str = include_str!("../../../keys/rsa-2048-public.pem");
const P384_PRIVATE: &str = include_str!("../../../keys/p384-private.pem");
const ED25519_PRIVATE: &str = include_str!("../../../keys/ed25519-private.pem");
pub(super) const ED25519_PUBLIC: &str = include_str!("../../../keys/ed25519-public.pem");

/// A server with the demo world that trusts the public key in `pem`.
pub(super) async fn app_trusting(pem: &str) -> TestApp {
    let trusted = TrustedKey::from_public_pem(pem.as_bytes()).unwrap();
    let seed = Fixtures::load().unwrap().seed(NOW);
    TestApp::trusting(trusted, ExpectedClaims::default(), seed).await
}

/// The private half of what a server would trust for `algorithm`.
pub(super) fn signing_key(algorithm: Algorithm) -> EncodingKey {
    match (algorithm.family(), algorithm) {
        (AlgorithmFamily::Hmac, _) => EncodingKey::from_secret(&SECRET),
        (AlgorithmFamily::Rsa, _) => EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap(),
        (AlgorithmFamily::Ed, _) => EncodingKey::from_ed_pem(ED25519_PRIVATE.as_bytes()).unwrap(),
        (_, ES384) => EncodingKey::from_ec_pem(P384_PRIVATE.as_bytes()).unwrap(),
        _ => EncodingKey::from_ec_pem(P256_PRIVATE.as_bytes()).unwrap(),
    }
}

/// Header and payload of an honest token for `algorithm`.
pub(super) fn honest_message(algorithm: Algorithm) -> String {
    message(
        json!({ "alg": algorithm, "typ": "JWT" }).to_string(),
        claims().to_string(),
    )
}

pub(super) fn honest_token(algorithm: Algorithm) -> String {
    sign(
        &honest_message(algorithm),
        algorithm,
        &signing_key(algorithm),
    )
}

#[tokio::test]
async fn token_algorithm_must_be_that_of_the_trusted_key() {
    let algorithms = [
        HS256, HS384, HS512, ES256, ES384, RS256, RS384, RS512, PS256, PS384, PS512, EdDSA,
    ];
    for (app, own) in [
        (TestApp::demo().await, HS256),
        (app_trusting(P256_PUBLIC).await, ES256),
        (app_trusting(RSA_PUBLIC).await, RS256),
        (app_trusting(ED25519_PUBLIC).await, EdDSA),
    ] {
        for algorithm in algorithms {
            let accepted = is_accepted(&app, &honest_token(algorithm)).await;
            assert_eq!(
                accepted,
                algorithm == own,
                "{algorithm:?} where {own:?} is trusted"
            );
        }
    }
}

#[tokio::test]
async fn token_signed_with_the_public_key_as_hmac_secret_is_rejected() {
    for (pem, own) in [
        (RSA_PUBLIC, RS256),
        (P256_PUBLIC, ES256),
        (ED25519_PUBLIC, EdDSA),
    ] {
        let app = app_trusting(pem).await;
        let jwk = Jwk::from_encoding_key(&signing_key(own), own).unwrap();
        let secrets = [
            pem.as_bytes().to_vec(),
            pem.trim_end().as_bytes().to_vec(),
            pem.replace('\n', "\r\n").into_bytes(),
            pem.lines()
                .filter(|line| !line.starts_with('-'))
                .collect::<String>()
                .into_bytes(),
            raw_public_key(pem, own),
            pem::parse(pem).unwrap().into_contents(),
            serde_json::to_vec(&jwk).unwrap(),
            Vec::new(),
        ];
        for secret in secrets {
            let key = EncodingKey::from_secret(&secret);
            for algorithm in [HS256, HS384, HS512] {
                for said in [algorithm, own] {
                    let token = sign(&honest_message(said), algorithm, &key);
                    assert!(
                        !is_accepted(&app, &token).await,
                        "{own:?}, {said:?}: {secret:?}"
                    );
                }
            }
        }
        assert!(is_accepted(&app, &honest_token(own)).await, "{own:?}");
    }
}

/// The point of an EC key, the 32 bytes of an Ed25519 key, the PKCS#1 form of an RSA key.
fn raw_public_key(pem: &str, algorithm: Algorithm) -> Vec<u8> {
    let key = match algorithm.family() {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem.as_bytes()),
        AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem.as_bytes()),
        _ => DecodingKey::from_ec_pem(pem.as_bytes()),
    };
    key.unwrap().try_get_as_bytes().unwrap().to_vec()
}

#[test]
fn token_key_of_an_unsupported_kind_is_rejected_when_read() {
    use KeyError::{NotAPublicKey, Private, Unsupported};

    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let both = [P256_PUBLIC, P256_PRIVATE].concat();
    let rsa_1024 = include_str!("../../../keys/rsa-1024-public.pem");
    let p384 = include_str!("../../../keys/p384-public.pem");
    let secp256k1 = include_str!("../../../keys/secp256k1-public.pem");
    let x25519 = include_str!("../../../keys/x25519-public.pem");
    let certificate = include_str!("../../../keys/p256-certificate.pem");
    let cut = &P256_PUBLIC[..P256_PUBLIC.len() / 2];
    let damaged = P256_PUBLIC.replace("MFkw", "MFkx");
    for (pem, error) in [
        (RSA_PRIVATE, Private),
        (P256_PRIVATE, Private),
        (ED25519_PRIVATE, Private),
        (encrypted, Private),
        (&both, Private),
        (rsa_1024, Unsupported("RS256")),
        (p384, Unsupported("ES256")),
        (secp256k1, Unsupported("ES256")),
        (x25519, NotAPublicKey),
        (certificate, NotAPublicKey),
        (cut, NotAPublicKey),
        (&damaged, NotAPublicKey),
        (
            "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
            NotAPublicKey,
        ),
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA test", NotAPublicKey),
        ("a secret of thirty-two bytes, ok", NotAPublicKey),
        ("", NotAPublicKey),
    ] {
        let Err(refused) = TrustedKey::from_public_pem(pem.as_bytes()) else {
            panic!("taken: {pem}")
        };
        assert_eq!(refused.to_string(), error.to_string(), "{pem}");
    }
    assert!(TrustedKey::from_public_pem(&[0xff; 64]).is_err());
}

#[test]
fn token_secret_needs_at_least_32_bytes() {
    for length in [0, 1, 31] {
        let refused = HmacSecret::new(vec![b'x'; length]).unwrap_err();
        assert!(
            matches!(refused, KeyError::ShortSecret(n) if n == length),
            "{length}"
        );
    }
    for length in [32, 33, 64, 1000] {
        assert!(HmacSecret::new(vec![b'x'; length]).is_ok(), "{length}");
    }
}
