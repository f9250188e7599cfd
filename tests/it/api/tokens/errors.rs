//! The `error_description` of a 401: one fixed sentence per reason, the first that applies.

use jsonwebtoken::{Algorithm::HS256, EncodingKey};
use llavero::{
    fixtures::Fixtures,
    token::{ExpectedClaims, HmacSecret, TrustedKey},
};
use reqwest::{Method, header::AUTHORIZATION};
use serde_json::{Value, json};

use super::{
    EXP, HEADER, MALFORMED_TOKEN, NO_TOKEN, assert_refusal, base64url, claims, error_description,
    message, sign, signed, token_with,
};
use crate::support::{ACME, ANA, NOW, SECRET, TestApp, stats_path, token};

const MALFORMED: &str = "The token is malformed";
const SIGNATURE: &str = "The token's signature does not match";
const NO_EXP: &str = "The token lacks a valid exp";
const EXPIRED: &str = "The token has expired";
const TOO_EARLY: &str = "The token is not valid yet";
const NO_SUB: &str = "The token lacks a valid sub";
const AUDIENCE: &str = "The token is for another audience";
const ISSUER: &str = "The token is from another issuer";

/// All sentences, in the order of the checks.
pub(super) const DESCRIPTIONS: [&str; 8] = [
    MALFORMED, SIGNATURE, NO_EXP, EXPIRED, TOO_EARLY, NO_SUB, AUDIENCE, ISSUER,
];

/// A server that requires an audience and an issuer.
async fn strict_app() -> TestApp {
    let expected = ExpectedClaims {
        audience: Some("llavero".to_owned()),
        issuer: Some("issuer".to_owned()),
    };
    let trusted = TrustedKey::from_secret(&HmacSecret::from(SECRET));
    TestApp::trusting(trusted, expected, Fixtures::load().unwrap().seed(NOW)).await
}

/// A token for [`strict_app`], except for `changes`: null removes a claim.
fn token_but(changes: &Value) -> String {
    let mut claims = json!({ "sub": ANA, "exp": EXP, "aud": "llavero", "iss": "issuer" });
    for (claim, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value.clone(),
        }
    }
    signed(HEADER, claims.to_string())
}

/// The same token with another's signature.
fn forged(token: &str) -> String {
    let (message, _) = token.rsplit_once('.').unwrap();
    sign(message, HS256, &EncodingKey::from_secret(&[7; 32]))
}

#[tokio::test]
async fn token_error_is_malformed_except_for_signature_and_claims() {
    let app = TestApp::demo().await;
    let payload = claims().to_string();
    let duplicate = payload.replace('}', &format!(",\"exp\":{EXP}}}"));
    let padded = |length: usize| token_with("pad", Some(json!("x".repeat(length))));
    for token in [
        "undefined".to_owned(),
        token(ANA).replace('.', ""),
        format!("{}.!", message(HEADER, &payload)),
        signed(r#"{"alg":"none"}"#, &payload),
        signed(r#"{"alg":"HS512"}"#, &payload),
        signed(r#"{"alg":"ES256"}"#, &payload),
        signed(r#"{"alg":"HS257"}"#, &payload),
        signed(r#"{"typ":"JWT"}"#, &payload),
        signed(r#"{"alg":"HS256","typ":"id+jwt"}"#, &payload),
        signed(r#"{"alg":"HS256","typ":1}"#, &payload),
        signed(r#"{"alg":"HS256","crit":["exp"]}"#, &payload),
        signed(r#"{"alg":"HS256","b64":true}"#, &payload),
        signed(r#"{"alg":"HS256","alg":"HS256"}"#, &payload),
        signed(HEADER, "[]"),
        signed(HEADER, "null"),
        signed(HEADER, &payload[1..]),
        signed(HEADER, b"\xff"),
        signed(HEADER, &duplicate),
        padded(8 * 1024),
    ] {
        for token in [token.clone(), forged(&format!("{token}.x"))] {
            let description = error_description(&app, &token).await;
            assert_eq!(description, Some(MALFORMED), "{token}");
        }
    }
}

#[tokio::test]
async fn token_error_describes_the_failing_claim() {
    let app = strict_app().await;
    let now = NOW.as_secs();
    assert_eq!(error_description(&app, &token_but(&json!({}))).await, None);
    for (changes, expected) in [
        (json!({ "exp": null }), NO_EXP),
        (json!({ "exp": EXP.to_string() }), NO_EXP),
        (json!({ "exp": [EXP] }), NO_EXP),
        (json!({ "exp": 1e300 }), NO_EXP),
        (json!({ "exp": now - 30 }), EXPIRED),
        (json!({ "exp": -1 }), EXPIRED),
        (json!({ "nbf": now + 31 }), TOO_EARLY),
        (json!({ "nbf": "0" }), TOO_EARLY),
        (json!({ "iat": now + 31 }), TOO_EARLY),
        (json!({ "iat": true }), TOO_EARLY),
        (json!({ "sub": null }), NO_SUB),
        (json!({ "sub": "" }), NO_SUB),
        (json!({ "sub": 1 }), NO_SUB),
        (json!({ "aud": null }), AUDIENCE),
        (json!({ "aud": "other" }), AUDIENCE),
        (json!({ "aud": [] }), AUDIENCE),
        (json!({ "aud": 1 }), AUDIENCE),
        (json!({ "aud": ["llavero", 1] }), AUDIENCE),
        (json!({ "iss": null }), ISSUER),
        (json!({ "iss": "other" }), ISSUER),
        (json!({ "iss": ["issuer"] }), ISSUER),
    ] {
        let description = error_description(&app, &token_but(&changes)).await;
        assert_eq!(description, Some(expected), "{changes}");
    }
}

#[tokio::test]
async fn token_claim_null_has_the_wrong_type() {
    let app = TestApp::demo().await;
    for (claim, expected) in [
        ("exp", NO_EXP),
        ("nbf", TOO_EARLY),
        ("iat", TOO_EARLY),
        ("sub", NO_SUB),
        // Neither is required here.
        ("aud", AUDIENCE),
        ("iss", ISSUER),
    ] {
        let token = token_with(claim, Some(Value::Null));
        let description = error_description(&app, &token).await;
        assert_eq!(description, Some(expected), "{claim}");
    }
}

#[tokio::test]
async fn token_error_is_that_of_the_first_failing_check() {
    let app = strict_app().await;
    let past = NOW.as_secs() - 60;
    // From the last check to the first: each change adds an earlier failure.
    let mut changes = json!({});
    for (claim, value, expected) in [
        ("iss", json!("other"), ISSUER),
        ("aud", json!(1), AUDIENCE),
        ("sub", json!(""), NO_SUB),
        ("nbf", json!("soon"), TOO_EARLY),
        ("exp", json!(past), EXPIRED),
        ("exp", json!("never"), NO_EXP),
    ] {
        changes[claim] = value;
        let token = token_but(&changes);
        assert_eq!(error_description(&app, &token).await, Some(expected));
        let forged = forged(&token);
        assert_eq!(error_description(&app, &forged).await, Some(SIGNATURE));
    }
    let unsigned = format!("{}.", message(HEADER, claims().to_string()));
    let description = error_description(&app, &unsigned).await;
    assert_eq!(description, Some(SIGNATURE));
    let not_base64 = format!("{unsigned}{}=", base64url([1; 32]));
    let description = error_description(&app, &not_base64).await;
    assert_eq!(description, Some(MALFORMED));
}

#[tokio::test]
async fn token_error_is_absent_for_other_schemes() {
    let app = TestApp::demo().await;
    for (value, challenge) in [
        ("Basic YW5hOnNlY3JldA==", NO_TOKEN),
        ("Bearer", NO_TOKEN),
        ("Bearer x", MALFORMED_TOKEN),
        ("BEARER x", MALFORMED_TOKEN),
    ] {
        let request = app.request(Method::GET, &stats_path(ACME));
        let answer = request.header(AUTHORIZATION, value).send().await.unwrap();
        assert_refusal(answer, challenge, value).await;
    }
    let none = app.request(Method::GET, &stats_path(ACME));
    assert_refusal(none.send().await.unwrap(), NO_TOKEN, "none").await;
}
