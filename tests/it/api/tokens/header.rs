//! The header of bearer tokens: it selects no key, and requires no extension.

use std::{io::ErrorKind, net::TcpListener};

use jsonwebtoken::{
    Algorithm::{ES256, HS256},
    EncodingKey,
    jwk::Jwk,
};
use serde_json::{Value, json};

use super::{
    base64url, claims, is_accepted,
    keys::{P256_PUBLIC, app_trusting, signing_key},
    message, sign, signed,
};
use crate::support::{SECRET, TestApp};

/// An honest token, but its header has one member more or another value for one.
fn token_saying(member: &str, value: Value) -> String {
    let mut header = json!({ "alg": "HS256", "typ": "JWT" });
    header[member] = value;
    signed(header.to_string(), claims().to_string())
}

/// The same, signed with another secret.
fn forged_saying(member: &str, value: Value) -> String {
    let honest = token_saying(member, value);
    let (message, _) = honest.rsplit_once('.').unwrap();
    sign(
        message,
        HS256,
        &EncodingKey::from_secret(b"somebody else's"),
    )
}

#[tokio::test]
async fn token_kid_must_be_a_string_and_is_ignored() {
    let app = TestApp::demo().await;
    for kid in [
        "",
        "1",
        "../../../../../../dev/null",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1/key",
        "' OR 1=1 --",
        "' UNION SELECT 'secret' --",
        "'; DROP TABLE api_keys; --",
        "| id",
        "$(id)",
        "{{7*7}}",
        "${jndi:ldap://127.0.0.1/a}",
        "%00",
        "a\0b",
        "a\r\nX-Injected: 1",
        "\u{202e}\u{1f511}",
        &"k".repeat(4096),
    ] {
        assert!(
            is_accepted(&app, &token_saying("kid", json!(kid))).await,
            "{kid}"
        );
        assert!(
            !is_accepted(&app, &forged_saying("kid", json!(kid))).await,
            "{kid}"
        );
    }
    for kid in [json!(["a"]), json!({ "a": 1 }), json!(1), json!(true)] {
        assert!(
            !is_accepted(&app, &token_saying("kid", kid.clone())).await,
            "{kid}"
        );
    }
}

#[tokio::test]
async fn token_key_in_its_own_header_is_ignored() {
    let app = app_trusting(P256_PUBLIC).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let trusted = signing_key(ES256);
    let other = include_bytes!("../../../keys/p256-other-private.pem");
    let other = EncodingKey::from_ec_pem(other).unwrap();
    let jwk = Jwk::from_encoding_key(&other, ES256).unwrap();
    let certificate = include_str!("../../../keys/p256-certificate.pem");
    let certificate: String = certificate
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    for (member, value) in [
        ("jku", json!(url)),
        ("x5u", json!(url)),
        ("url", json!(url)),
        ("iss", json!(url)),
        ("jwks_uri", json!(url)),
        ("jwk", json!(jwk)),
        ("jwk", json!({ "kty": "oct", "k": base64url(SECRET) })),
        ("x5c", json!([certificate])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
    ] {
        let header = json!({ "alg": "ES256", "typ": "JWT", member: value });
        let message = message(header.to_string(), claims().to_string());
        let honest = sign(&message, ES256, &trusted);
        assert!(is_accepted(&app, &honest).await, "{header}");
        let forged = sign(&message, ES256, &other);
        assert!(!is_accepted(&app, &forged).await, "{header}");
    }
    let connected = listener.accept().unwrap_err();
    assert_eq!(connected.kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn token_with_crit_is_rejected() {
    let app = TestApp::demo().await;
    for (member, value, accepted) in [
        ("crit", json!(["exp"]), false),
        ("crit", json!(["b64"]), false),
        ("crit", json!(["http://example.com/unknown"]), false),
        ("crit", json!([]), false),
        ("crit", json!([1]), false),
        ("crit", json!("exp"), false),
        ("crit", json!({}), false),
        ("b64", json!(false), false),
        ("b64", json!(true), false),
        ("b64", json!("false"), false),
        ("unknown", json!({ "not": ["critical"] }), true),
        ("cty", json!("JWT"), true),
    ] {
        let token = token_saying(member, value.clone());
        assert_eq!(
            is_accepted(&app, &token).await,
            accepted,
            "{member}: {value}"
        );
    }
    let header = r#"{"alg":"HS256","b64":false,"crit":["b64"]}"#;
    assert!(!is_accepted(&app, &signed(header, claims().to_string())).await);
}

#[tokio::test]
async fn token_typ_must_be_that_of_an_access_token() {
    let app = TestApp::demo().await;
    for (typ, accepted) in [
        (json!("JWT"), true),
        (json!("jwt"), true),
        (json!("application/JWT"), true),
        (json!("at+jwt"), true),
        (json!("AT+JWT"), true),
        (json!("application/at+jwt"), true),
        (json!("Application/AT+JWT"), true),
        (json!(""), false),
        (json!("JWS"), false),
        (json!("JOSE"), false),
        (json!("id+jwt"), false),
        (json!("dpop+jwt"), false),
        (json!("logout+jwt"), false),
        (json!("secevent+jwt"), false),
        (json!("JWT "), false),
        (json!("text/JWT"), false),
        (json!("application/application/JWT"), false),
        (json!(1), false),
        (json!(["JWT"]), false),
    ] {
        let token = token_saying("typ", typ.clone());
        assert_eq!(is_accepted(&app, &token).await, accepted, "{typ}");
    }
    assert!(is_accepted(&app, &signed(r#"{"alg":"HS256"}"#, claims().to_string())).await);
}

#[tokio::test]
async fn token_header_must_be_one_json_object_without_duplicates() {
    let app = TestApp::demo().await;
    let nested = |open: &str, close: &str| {
        let depth = 2000;
        format!(
            r#"{{"alg":"HS256","a":{}1{}}}"#,
            open.repeat(depth),
            close.repeat(depth / open.len() * open.len())
        )
    };
    for header in [
        "",
        "{}",
        "[]",
        "null",
        "1",
        r#""HS256""#,
        r#"["JWT","HS256"]"#,
        r#"[{"alg":"HS256"}]"#,
        r#"{"alg":"HS256"}{}"#,
        r#"{"alg":"HS256""#,
        r#"{"alg":"HS256",}"#,
        "{'alg':'HS256'}",
        "\u{feff}{\"alg\":\"HS256\"}",
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256","crit":["exp"],"crit":null}"#,
        &nested("[", "]"),
        &nested("{\"a\":", "}"),
    ] {
        let token = signed(header, claims().to_string());
        assert!(!is_accepted(&app, &token).await, "{header}");
    }
}
