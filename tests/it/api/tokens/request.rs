//! Bearer tokens in requests: the header, the size limit, and the cache of verified tokens.

use jsonwebtoken::Algorithm::ES256;
use llavero::{
    model::Timestamp,
    token::{ExpectedClaims, HmacSecret, TrustedKey, Verifier},
};
use reqwest::{
    Method, StatusCode,
    header::{AUTHORIZATION, HeaderValue},
};
use serde_json::json;

use super::{
    EXP, HEADER, MALFORMED_TOKEN, NO_TOKEN, assert_refusal, base64url, claims, is_accepted,
    keys::{P256_PUBLIC, app_trusting, honest_token, signing_key},
    message, sign, signed, token_with,
};
use crate::support::{
    ACME, ANA, BETO, NOW, PRODUCTION, SECRET, TestApp, key_path, stats_path, token,
};

#[tokio::test]
async fn token_requires_the_bearer_scheme() {
    let app = TestApp::demo().await;
    let good = token(ANA);
    for (value, challenge) in [
        (format!("Bearer {good}"), None),
        (format!("bearer {good}"), None),
        (format!("BEARER {good}"), None),
        (format!("Bearer   {good}"), None),
        (format!("Bearer {good}  "), None),
        (String::new(), Some(NO_TOKEN)),
        ("Bearer".to_owned(), Some(NO_TOKEN)),
        ("Bearer ".to_owned(), Some(NO_TOKEN)),
        (good.clone(), Some(NO_TOKEN)),
        (format!("Bearer{good}"), Some(NO_TOKEN)),
        (format!("Bearer\t{good}"), Some(NO_TOKEN)),
        (format!("Bearer={good}"), Some(NO_TOKEN)),
        (format!("Bearer: {good}"), Some(NO_TOKEN)),
        (format!("JWT {good}"), Some(NO_TOKEN)),
        (format!("Token {good}"), Some(NO_TOKEN)),
        (format!("DPoP {good}"), Some(NO_TOKEN)),
        (format!("Basic {good}"), Some(NO_TOKEN)),
        ("Basic YW5hOnNlY3JldA==".to_owned(), Some(NO_TOKEN)),
        (format!("Basic Bearer {good}"), Some(NO_TOKEN)),
        (format!("Bearer Bearer {good}"), Some(MALFORMED_TOKEN)),
        (format!("Bearer token={good}"), Some(MALFORMED_TOKEN)),
        (format!("Bearer \"{good}\""), Some(MALFORMED_TOKEN)),
        (
            format!("Bearer {good}, Bearer {good}"),
            Some(MALFORMED_TOKEN),
        ),
        ("Bearer undefined".to_owned(), Some(MALFORMED_TOKEN)),
        (
            "Bearer sk_qBhy02hoi8ucTVyAmSRnraF4p0Azww0IZk3Q".to_owned(),
            Some(MALFORMED_TOKEN),
        ),
    ] {
        let request = app.request(Method::GET, &key_path(ACME, PRODUCTION));
        let answer = request.header(AUTHORIZATION, &value).send().await.unwrap();
        match challenge {
            None => assert_eq!(answer.status(), StatusCode::OK, "{value}"),
            Some(challenge) => assert_refusal(answer, challenge, &value).await,
        }
    }
}

#[tokio::test]
async fn token_header_must_be_ascii() {
    let app = TestApp::demo().await;
    let value = HeaderValue::from_bytes(b"Bearer \xc3\xa9\xff").unwrap();
    let request = app.request(Method::GET, &stats_path(ACME));
    let answer = request.header(AUTHORIZATION, value).send().await.unwrap();
    assert_refusal(answer, MALFORMED_TOKEN, "not ASCII").await;
}

#[tokio::test]
async fn token_in_two_authorization_headers_is_rejected() {
    let app = TestApp::demo().await;
    let ana = format!("Bearer {}", token(ANA));
    let beto = format!("Bearer {}", token(BETO));
    let basic = "Basic YW5hOnNlY3JldA==".to_owned();
    for (first, second, challenge) in [
        (&ana, &ana, MALFORMED_TOKEN),
        (&ana, &beto, MALFORMED_TOKEN),
        (&ana, &basic, MALFORMED_TOKEN),
        (&ana, &String::new(), MALFORMED_TOKEN),
        (&basic, &ana, MALFORMED_TOKEN),
        (&String::new(), &ana, MALFORMED_TOKEN),
        (&basic, &basic, NO_TOKEN),
    ] {
        let request = app.request(Method::GET, &key_path(ACME, PRODUCTION));
        let request = request
            .header(AUTHORIZATION, first)
            .header(AUTHORIZATION, second);
        let answer = request.send().await.unwrap();
        assert_refusal(answer, challenge, &format!("{first} and {second}")).await;
    }
}

#[tokio::test]
async fn token_is_read_from_the_authorization_header_only() {
    let app = TestApp::demo().await;
    let good = token(ANA);
    let path = key_path(ACME, PRODUCTION);
    for query in [
        "access_token",
        "token",
        "jwt",
        "authorization",
        "Authorization",
        "bearer",
    ] {
        let with_query = format!("{path}?{query}={good}");
        let answer = app.request(Method::GET, &with_query).send().await.unwrap();
        assert_refusal(answer, NO_TOKEN, query).await;
        assert!(
            !is_accepted_at(&app, &with_query, "rubbish").await,
            "{query}"
        );
        assert!(
            is_accepted_at(&app, &format!("{path}?{query}=rubbish"), &good).await,
            "{query}"
        );
    }
    for (name, value) in [
        (
            "cookie",
            format!("access_token={good}; sb-access-token={good}; token={good}"),
        ),
        ("proxy-authorization", format!("Bearer {good}")),
        ("x-authorization", format!("Bearer {good}")),
        ("x-access-token", good.clone()),
        ("x-api-key", good.clone()),
        ("apikey", good.clone()),
    ] {
        let request = app.request(Method::GET, &path).header(name, value);
        assert_refusal(request.send().await.unwrap(), NO_TOKEN, name).await;
    }
    let request = app
        .request(Method::GET, &path)
        .body(format!("access_token={good}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    assert_refusal(request.send().await.unwrap(), NO_TOKEN, "form").await;
}

async fn is_accepted_at(app: &TestApp, path: &str, token: &str) -> bool {
    app.get_with_token(token, path).await.status() == StatusCode::OK
}

/// A valid token of `length` bytes, padded with an unknown claim.
fn token_of(length: usize) -> String {
    (length * 3 / 4 - 250..length)
        .map(|pad| token_with("pad", Some(json!("x".repeat(pad)))))
        .find(|token| token.len() >= length)
        .unwrap()
}

#[tokio::test]
async fn token_over_8_kib_is_rejected() {
    let app = TestApp::demo().await;
    for (length, accepted) in [
        (4096, true),
        (8191, true),
        (8192, true),
        (8193, false),
        (12_000, false),
    ] {
        let token = token_of(length);
        assert_eq!(token.len(), length);
        assert_eq!(is_accepted(&app, &token).await, accepted, "{length}");
    }
}

#[tokio::test]
async fn token_with_hostile_content_is_rejected_at_any_size() {
    let app = TestApp::demo().await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let verifier = Verifier::new(
        TrustedKey::from_secret(&HmacSecret::from(SECRET)),
        ExpectedClaims::default(),
    );
    for token in [
        ".".repeat(8192),
        ".".repeat(8193),
        ".".repeat(100_000),
        "A".repeat(8192),
        "A".repeat(1 << 20),
        signed(HEADER, deep(10_000)),
        signed(HEADER, deep(3000)),
        signed(
            HEADER,
            format!(r#"{{"sub":"{ANA}","exp":{EXP},"aud":{}}}"#, deep(2500)),
        ),
        signed(HEADER, format!(r#"{{"sub":{},"exp":{EXP}}}"#, deep(2500))),
        signed(
            format!(r#"{{"alg":"HS256","x":{}}}"#, deep(2500)),
            claims().to_string(),
        ),
    ] {
        let what = format!("{} bytes of {}", token.len(), &token[..10]);
        assert!(verifier.verify(&token, NOW).is_err(), "{what}");
        if token.len() < 15_000 {
            assert!(!is_accepted(&app, &token).await, "{what}");
        } else {
            let answer = app.get_with_token(&token, &stats_path(ACME)).await;
            assert_eq!(
                answer.status(),
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "{what}"
            );
        }
    }
    assert!(is_accepted(&app, &token(ANA)).await);
}

#[tokio::test]
async fn token_in_the_cache_still_observes_exp_and_nbf() {
    let app = app_trusting(P256_PUBLIC).await;
    let payload = json!({ "sub": ANA, "nbf": EXP - 1800, "exp": EXP });
    let message = message(r#"{"alg":"ES256"}"#, payload.to_string());
    let token = sign(&message, ES256, &signing_key(ES256));
    for (second, accepted) in [
        (EXP - 1800, true),
        (EXP - 1831, false),
        (EXP, true),
        (EXP + 29, true),
        (EXP + 30, false),
        (EXP + 86_400, false),
        (EXP - 1, true),
    ] {
        app.set_clock(Timestamp::from_millis(second * 1000));
        assert_eq!(is_accepted(&app, &token).await, accepted, "{second}");
        // Remembered is the token as a whole: its first two parts open nothing.
        let forged = format!("{message}.{}", base64url([1; 64]));
        assert!(!is_accepted(&app, &forged).await, "{second}");
    }
}

#[tokio::test]
async fn token_in_the_cache_does_not_outlive_a_membership() {
    let app = app_trusting(P256_PUBLIC).await;
    let token = honest_token(ES256);
    assert!(is_accepted(&app, &token).await);
    let remove = "DELETE FROM memberships WHERE user_id = ?1 AND organization_id = ?2";
    assert_eq!(
        app.other_connection().execute(remove, [ANA, ACME]).unwrap(),
        1
    );
    for path in [key_path(ACME, PRODUCTION), stats_path(ACME)] {
        let answer = app.get_with_token(&token, &path).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
    }
}
