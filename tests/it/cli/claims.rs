//! The output of `llavero token`: the claims of the token, and nothing else on standard output.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use crate::support::{ANA, JWT_SECRET, TestDir};

/// Verifies a token with [`JWT_SECRET`] and returns its claims.
fn claims(token: &str) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    let key = DecodingKey::from_secret(JWT_SECRET.as_bytes());
    decode::<Value>(token, &key, &validation).unwrap().claims
}

#[test]
fn token_prints_only_the_token_and_a_line_break() {
    let home = TestDir::new();
    let outcome = home.run(&["token", "--user", ANA, "--jwt-secret", JWT_SECRET]);
    let token = outcome.success().strip_suffix('\n').unwrap();
    let is_base64url = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !part.is_empty() && part.chars().all(allowed)
    };
    assert_eq!(token.split('.').count(), 3);
    assert!(token.split('.').all(is_base64url), "{token}");
    assert_eq!(home.files(), [""; 0]);
}

#[test]
fn token_claims_equal_the_flags() {
    let home = TestDir::new();
    let secret = ["--jwt-secret", JWT_SECRET];
    let plain = claims(&home.token("me", &secret));
    let issued = plain["iat"].as_i64().unwrap();
    assert_eq!(
        plain,
        json!({ "sub": "me", "iat": issued, "exp": issued + 3600 })
    );
    let flags = ["--audience", "a", "--issuer", "i"];
    let full = claims(&home.token("me", &[&secret[..], &flags].concat()));
    assert_eq!((&full["aud"], &full["iss"]), (&json!("a"), &json!("i")));
}

#[test]
fn token_ttl_is_a_number_and_a_unit() {
    let home = TestDir::new();
    for (ttl, seconds) in [
        ("30s", 30),
        ("15m", 900),
        ("1h", 3600),
        ("7d", 604_800),
        ("1h30m", 5400),
    ] {
        let claims = claims(&home.token(ANA, &["--jwt-secret", JWT_SECRET, "--ttl", ttl]));
        let lasts = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(lasts, seconds, "{ttl}");
    }
    for ttl in [
        "",
        "0s",
        "90",
        "-1h",
        "soon",
        "1mo",
        "1y",
        "99999999999999999999s",
    ] {
        let outcome = home.run(&["token", "--user", ANA, &format!("--ttl={ttl}")]);
        let line = outcome.failure(2);
        assert!(line.contains("--ttl") && line.contains("15m"), "{line}");
    }
}

#[test]
fn token_that_serve_would_reject_is_not_minted() {
    let home = TestDir::new();
    // The year 9999 is the last one that a date in a token may be of.
    for ttl in ["3650000d", "90000000h"] {
        let args = [
            "token",
            "--user",
            ANA,
            "--jwt-secret",
            JWT_SECRET,
            "--ttl",
            ttl,
        ];
        let outcome = home.run(&args);
        let line = outcome.failure(2);
        assert!(line.contains("--ttl"), "{line}");
    }
}

#[test]
fn token_user_must_not_be_empty() {
    let outcome = TestDir::new().run(&["token", "--user", "", "--jwt-secret", JWT_SECRET]);
    let line = outcome.failure(2);
    assert!(
        line.contains("--user") && line.contains("must not be empty"),
        "{line}"
    );
}
