//! The signatures of bearer tokens: one key, one algorithm, one encoding.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use jsonwebtoken::{
    Algorithm::{ES256, EdDSA, HS256, RS256},
    EncodingKey,
};
use llavero::token::{ExpectedClaims, HmacSecret, TrustedKey, Verifier};
use proptest::prelude::*;
use serde_json::json;

use super::{
    HEADER, MALFORMED_TOKEN, assert_refusal, base64url, claims, is_accepted,
    keys::{
        ED25519_PUBLIC, P256_PUBLIC, RSA_PUBLIC, app_trusting, honest_message, honest_token,
        signing_key,
    },
    message, sign, signed,
};
use crate::support::{ACME, ANA, NOW, PRODUCTION, SECRET, TestApp, key_path, stats_path, token};

#[tokio::test]
async fn token_signed_with_another_secret_is_rejected() {
    let app = TestApp::demo().await;
    let honest = honest_message(HS256);
    let with_newline = [&SECRET[..], b"\n"].concat();
    let spelled = base64url(SECRET);
    for (secret, accepted) in [
        (&SECRET[..], true),
        (&SECRET[..31], false),
        (&with_newline, false),
        (spelled.as_bytes(), false),
        (b"secret", false),
        (&[0; 32], false),
        (b"", false),
    ] {
        let token = sign(&honest, HS256, &EncodingKey::from_secret(secret));
        assert_eq!(is_accepted(&app, &token).await, accepted, "{secret:?}");
    }
}

#[tokio::test]
async fn token_without_a_signature_is_rejected() {
    let app = TestApp::demo().await;
    let good = token(ANA);
    let (_, kept) = good.rsplit_once('.').unwrap();
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "noNe",
        "nONE",
        "NoNe",
        "none ",
        " none",
        "none\\u0000",
        "null",
        "false",
        "0",
        "",
    ] {
        let message = message(
            format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#),
            claims().to_string(),
        );
        for token in [
            format!("{message}."),
            format!("{message}.{kept}"),
            message.clone(),
        ] {
            for path in [key_path(ACME, PRODUCTION), stats_path(ACME)] {
                let answer = app.get_with_token(&token, &path).await;
                assert_refusal(answer, MALFORMED_TOKEN, alg).await;
            }
        }
    }
    assert!(!is_accepted(&app, &format!("{}.", honest_message(HS256))).await);
}

#[tokio::test]
async fn token_alg_is_case_sensitive() {
    let app = TestApp::demo().await;
    for (header, accepted) in [
        (r#"{"alg":"HS256"}"#, true),
        (r#"{"alg":"\u0048S256"}"#, true),
        (r#"{"alg":"hs256"}"#, false),
        (r#"{"alg":"HS256 "}"#, false),
        (r#"{"alg":"HS-256"}"#, false),
        (r#"{"alg":"HMAC"}"#, false),
        (r#"{"alg":""}"#, false),
        (r#"{"alg":null}"#, false),
        (r#"{"alg":256}"#, false),
        (r#"{"alg":["HS256"]}"#, false),
        (r#"{"ALG":"HS256"}"#, false),
        (r#"{"typ":"JWT"}"#, false),
    ] {
        let token = signed(header, claims().to_string());
        assert_eq!(is_accepted(&app, &token).await, accepted, "{header}");
    }
}

#[tokio::test]
async fn token_with_a_forged_signature_is_rejected() {
    let other =
        EncodingKey::from_ec_pem(include_bytes!("../../../keys/p256-other-private.pem")).unwrap();
    let other = sign(&honest_message(ES256), ES256, &other);
    for (pem, own, length) in [
        (P256_PUBLIC, ES256, 64),
        (RSA_PUBLIC, RS256, 256),
        (ED25519_PUBLIC, EdDSA, 64),
    ] {
        let app = app_trusting(pem).await;
        let message = honest_message(own);
        for forged in [
            vec![],
            vec![0],
            vec![0; length],
            vec![1; length],
            vec![0xff; length],
            vec![0; length - 1],
            vec![0; length + 1],
        ] {
            let token = format!("{message}.{}", base64url(&forged));
            assert!(!is_accepted(&app, &token).await, "{own:?}: {forged:?}");
        }
        assert!(!is_accepted(&app, &other).await, "{own:?}");
        assert!(is_accepted(&app, &honest_token(own)).await, "{own:?}");
    }
}

#[tokio::test]
async fn token_with_an_es256_signature_in_der_is_rejected() {
    let app = app_trusting(P256_PUBLIC).await;
    let message = honest_message(ES256);
    let pair = signing_key(ES256);
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pair.as_bytes()).unwrap();
    let der = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    assert!(!is_accepted(&app, &format!("{message}.{}", base64url(der))).await);
}

#[tokio::test]
async fn token_must_have_three_parts() {
    let app = TestApp::demo().await;
    let good = token(ANA);
    let parts: Vec<&str> = good.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("{good}")
    };
    for token in [
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        header.to_owned(),
        format!("{header}.{payload}"),
        format!("{payload}.{signature}"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{signature}.{payload}.{header}"),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.{signature}"),
        format!("{header}.{good}"),
        format!("{header}.{payload}.{payload}.{payload}.{signature}"),
        format!("{header}.{payload}, {good}"),
        format!("{good}, {good}"),
        format!("{good} {good}"),
        format!("{good};"),
        format!("\"{good}\""),
    ] {
        assert!(!is_accepted(&app, &token).await, "{token}");
    }
    assert!(is_accepted(&app, &good).await);
}

#[tokio::test]
async fn token_parts_must_be_canonical_base64url() {
    let app = TestApp::demo().await;
    // A header of 28 bytes and a signature of 32 leave bits over in their last characters.
    let good = signed(
        r#"{"alg":"HS256","typ":"JWT" }"#,
        json!({ "sub": ANA, "exp": 1e11 }).to_string(),
    );
    assert!(is_accepted(&app, &good).await);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let key = EncodingKey::from_secret(&SECRET);
    // The header and payload are signed again, so that only their encoding is wrong.
    for message in [
        format!("{header}=.{payload}"),
        format!("{header}==.{payload}"),
        format!("{}.{payload}", loose_bits_set(header)),
        format!("{header}.{payload}="),
        format!("{header}.{payload}=="),
        format!("{header}.{payload}A"),
        format!("{header}.{payload}%3D"),
        format!("{header}.{} {}", &payload[..8], &payload[8..]),
    ] {
        let token = sign(&message, HS256, &key);
        assert!(!is_accepted(&app, &token).await, "{token}");
    }
    for signature in [
        format!("{signature}="),
        format!("{signature}=="),
        format!("{signature}A"),
        format!("{signature}AA"),
        loose_bits_set(signature),
    ] {
        assert!(
            !is_accepted(&app, &format!("{message}.{signature}")).await,
            "{signature}"
        );
    }
}

/// The same bytes to a lenient decoder: a last character whose unused bits are not zero.
fn loose_bits_set(part: &str) -> String {
    let mut bytes = part.as_bytes().to_vec();
    let last = bytes.last_mut().unwrap();
    assert!(
        b"AEIMQUYcgkosw048".contains(last),
        "{part} has no unused bits"
    );
    // The next letter or digit: none of these ends its range.
    *last += 1;
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn token_in_the_standard_base64_alphabet_is_rejected() {
    let app = TestApp::demo().await;
    let good = (0..1000)
        .map(|n| {
            signed(
                HEADER,
                json!({ "sub": ANA, "exp": 1e11, "n": n, "x": "~~~???" }).to_string(),
            )
        })
        .find(|token| {
            token
                .rsplit('.')
                .next()
                .is_some_and(|part| part.contains('-') && part.contains('_'))
        })
        .unwrap();
    assert!(is_accepted(&app, &good).await);
    for (from, to) in [("-", "+"), ("_", "/"), ("-", "%2B")] {
        let token = good.replace(from, to);
        assert_ne!(token, good);
        assert!(!is_accepted(&app, &token).await, "{token}");
        let (message, _) = token.rsplit_once('.').unwrap();
        let resigned = sign(message, HS256, &EncodingKey::from_secret(&SECRET));
        assert!(message.contains(to), "{message}");
        assert!(!is_accepted(&app, &resigned).await, "{resigned}");
    }
}

/// Verifiers of every family with an honest token each.
fn verifiers() -> [(Verifier, String); 4] {
    let secret = TrustedKey::from_secret(&HmacSecret::from(SECRET));
    let public = |pem: &str| TrustedKey::from_public_pem(pem.as_bytes()).unwrap();
    [
        (secret, HS256),
        (public(P256_PUBLIC), ES256),
        (public(RSA_PUBLIC), RS256),
        (public(ED25519_PUBLIC), EdDSA),
    ]
    .map(|(trusted, own)| {
        (
            Verifier::new(trusted, ExpectedClaims::default()),
            honest_token(own),
        )
    })
}

#[test]
fn token_with_any_byte_changed_is_rejected() {
    for (verifier, good) in verifiers() {
        assert_eq!(verifier.verify(&good, NOW).unwrap().as_str(), ANA);
        for at in 0..good.len() {
            for other in ["A", "B", "g", "9", "-", ".", "=", " ", "\0", ""] {
                let mut mutated = good.clone();
                mutated.replace_range(at..=at, other);
                let accepted = verifier.verify(&mutated, NOW).is_ok();
                assert_eq!(accepted, mutated == good, "{other:?} at {at}: {mutated}");
            }
        }
    }
}

proptest! {
    #[test]
    fn token_with_mutations_is_rejected(at: prop::sample::Index, length in 0..4_usize, instead in "[ -~]{0,3}") {
        for (verifier, good) in verifiers() {
            let start = at.index(good.len());
            let mut mutated = good.clone();
            mutated.replace_range(start..good.len().min(start + length), &instead);
            prop_assert_eq!(verifier.verify(&mutated, NOW).is_ok(), mutated == good, "{}", mutated);
        }
    }

    #[test]
    fn token_of_arbitrary_bytes_is_rejected_without_a_panic(
        text in "\\PC{0,200}",
        parts in "[A-Za-z0-9_-]{0,60}(\\.[A-Za-z0-9_-]{0,60}){0,4}",
        json in "\\{(\"(alg|typ|kid|crit)\":(\"(HS256|ES256|JWT)\"|null|[0-9.eE-]{1,5}|\\[\\]),?){0,3}\\}",
    ) {
        for (verifier, _) in verifiers() {
            for token in [text.clone(), parts.clone(), format!("{}.{}.{parts}", base64url(&json), base64url(&text))] {
                prop_assert!(verifier.verify(&token, NOW).is_err(), "{}", token);
            }
        }
    }
}
